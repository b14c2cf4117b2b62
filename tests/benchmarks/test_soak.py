"""What "levels off" means: saw teeth do, a leak does not."""

from __future__ import annotations

import pytest

from tests.benchmarks.figures import KEYS
from tests.benchmarks.soak import growth, least_dwell_s, slope

HOUR = 720  # samples, one each five seconds
ALLOWED = next(key for key in KEYS if key.name == "hour_memory_level")


def test_a_saw_tooth_levels_off() -> None:
    teeth = [300 + n % 120 for n in range(HOUR)]  # ten minutes each
    assert growth(teeth) == 0
    assert ALLOWED.holds(growth(teeth), None)


def test_a_warm_start_that_stays_levels_off() -> None:
    assert growth([min(n, 200) for n in range(HOUR)]) == 0


def test_a_leak_does_not() -> None:
    leak = [300 + n / 2 for n in range(HOUR)]
    assert not ALLOWED.holds(growth(leak), None)


def test_a_run_of_a_few_samples_says_nothing() -> None:
    with pytest.raises(ValueError, match="too few"):
        growth([1.0] * 7)


def test_a_heap_that_grows_by_two_megabytes_an_hour_is_seen_through_its_saw_teeth() -> None:
    heap = [(10.0 * n, round(20e6 + 2e6 * n / 360 + 4e5 * (n % 7))) for n in range(360)]
    assert slope(heap) == pytest.approx(2, abs=0.05)
    assert slope([(10.0 * n, round(20e6 + 4e5 * (n % 7))) for n in range(360)]) == pytest.approx(0, abs=0.05)


def test_a_scene_under_its_minute_is_seen_unless_a_hand_put_it_there() -> None:
    shows = [
        ("first", 0),
        ("event", 61_000),
        ("turn", 121_500),
        ("hand", 130_000),
        ("turn", 140_000),
        ("turn", 260_000),
    ]
    noted = [{"key": "overview", "by": by, "since": since} for by, since in shows]
    assert least_dwell_s(noted) == 60.5
    assert least_dwell_s([*noted, {"key": "air", "by": "event", "since": 300_000}]) == 40
