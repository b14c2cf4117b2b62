"""Limits by the time of day, hysteresis, and the values that flip nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dashboard.city.rules import LocalTime, back, beyond, calm_band, limits, minute_of, within
from dashboard.city.signals import CLEARING, QUIET, RAISED, WAITING
from tests.cities import DRY, DUST, NOISE, T0, City, a_pack

PHASES = (QUIET, WAITING, RAISED, CLEARING)


@pytest.mark.parametrize(
    ("minute", "start", "end", "inside"),
    [
        (0, "22:00", "06:00", True),
        (1319, "22:00", "06:00", False),
        (1320, "22:00", "06:00", True),
        (359, "22:00", "06:00", True),
        (360, "22:00", "06:00", False),
        (480, "08:00", "24:00", True),
        (1439, "08:00", "24:00", True),
        (479, "08:00", "24:00", False),
        (600, "10:00", "10:00", False),
    ],
)
def test_a_period_may_run_over_midnight(minute, start, end, inside):
    assert within(minute, start, end) is inside


def test_minutes_of_the_day():
    assert [minute_of(text) for text in ("00:00", "06:30", "24:00")] == [0, 390, 1440]


def test_limits_of_the_night():
    assert limits(NOISE, minute_of("21:59")) == (70, 67)
    assert limits(NOISE, minute_of("22:00")) == (55, 52)
    assert limits(NOISE, minute_of("05:59")) == (55, 52)


def moment(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize(
    ("zone", "utc", "minute"),
    [
        ("Asia/Shanghai", "2026-10-01T14:00:00", 22 * 60),
        ("Asia/Kathmandu", "2026-10-01T00:00:00", 5 * 60 + 45),
        ("Europe/Berlin", "2026-03-29T00:59:59", 1 * 60 + 59),  # one second before summer time
        ("Europe/Berlin", "2026-03-29T01:00:00", 3 * 60),
        ("Europe/Berlin", "2026-10-25T00:59:59", 2 * 60 + 59),
        ("Europe/Berlin", "2026-10-25T01:00:00", 2 * 60),
        ("America/New_York", "2026-11-01T05:59:59", 1 * 60 + 59),
    ],
)
def test_the_local_minute_of_a_zone(zone, utc, minute):
    assert LocalTime(zone).minute(moment(utc)) == minute


def test_the_local_day_begins_at_local_midnight():
    local = LocalTime("Asia/Shanghai")
    assert local.day(moment("2026-10-01T15:59:59")) + 1 == local.day(moment("2026-10-01T16:00:00"))


@given(st.sampled_from((NOISE, DUST, DRY)), st.integers(0, 1439), st.sampled_from(PHASES), st.floats(-10, 300))
def test_a_value_inside_the_calm_band_flips_nothing(rule, minute, phase, value):
    low, high = calm_band(rule, phase, minute)
    flips = {
        QUIET: beyond(rule, value, minute),
        WAITING: not beyond(rule, value, minute),
        RAISED: back(rule, value, minute),
        CLEARING: not back(rule, value, minute),
    }[phase]
    assert (low < value < high) is not flips


# ---- the whole of a threshold rule against a model that knows nothing of it -----------------------------------------


def model(rule, heard, until_ms):
    """When alerts are raised and cleared, from values in order of time: one pass, no signals, no heap."""
    over, alerts, since, quiet = False, [], None, None
    for time_ms, value in [*heard, (until_ms, None)]:
        if not over and since is not None and since + rule.on_delay_s * 1000 <= time_ms:
            over, quiet = True, None
            alerts.append([since + rule.on_delay_s * 1000, None])
        if over and quiet is not None and quiet + rule.off_delay_s * 1000 <= time_ms:
            over, since = False, None
            alerts[-1][1] = quiet + rule.off_delay_s * 1000
        if value is None:
            break
        bad = value >= rule.raise_at if rule.above else value <= rule.raise_at
        good = value <= rule.clear_at if rule.above else value >= rule.clear_at
        if not over:
            since = (time_ms if since is None else since) if bad else None
            if bad and rule.on_delay_s == 0:
                over, quiet = True, None
                alerts.append([time_ms, None])
        else:
            quiet = (time_ms if quiet is None else quiet) if good else None
            if good and rule.off_delay_s == 0:
                over, since = False, None
                alerts[-1][1] = time_ms
    return alerts


@given(st.integers(0, 1 << 32))
def test_delays_and_hysteresis_are_those_of_the_model(seed):
    random = Random(seed)
    above = random.random() < 0.5
    raise_at, clear_at = (70, 60) if above else (30, 40)
    rule = replace(
        NOISE, above=above, raise_at=raise_at, clear_at=clear_at, periods=(), category="", late_after_s=1e6,
        on_delay_s=random.choice((0, 0, 10, 60)), off_delay_s=random.choice((0, 10, 60)),
    )  # fmt: skip
    city = City(a_pack(rules=(rule,)))
    heard, seconds = [], 0.0
    for _ in range(40):
        seconds += random.choice((0.25, 1, 9, 10, 11, 59, 61, 200))
        if random.random() < 0.7:
            city.at(seconds)  # an engine that was there all the time, or was not
        city.now_ms = T0 + int(seconds * 1000)
        value = random.choice((10, 29, 30, 31, 39, 40, 41, 59, 60, 61, 69, 70, 71, 90))
        city.reading(value, event_at=seconds)
        heard.append((T0 + int(seconds * 1000), value))
    city.at(seconds + 1000)
    raised: list[list[int | None]] = []
    for change in city.changes:
        if change.type == "alert_raised":
            raised.append([change.at_ms, None])
        elif change.type == "alert_cleared":
            raised[-1][1] = change.at_ms
    assert raised == model(rule, heard, city.now_ms)
