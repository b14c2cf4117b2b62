"""What "levels off" means: saw teeth do, a leak does not."""

from __future__ import annotations

import pytest

from tests.benchmarks.figures import KEYS
from tests.benchmarks.soak import growth

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
