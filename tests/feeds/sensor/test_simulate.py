import json

import numpy as np

from dashboard.city.events import Detection, decode_data
from dashboard.city.rules import LocalTime, beyond
from feeds.sensor.simulate import SensorField
from feeds.truth import Happening, Problem
from tests.feeds.simulated import HOUR_MS, MIDNIGHT_MS, MINUTE_MS, NOON_MS, PACK

FIELD = SensorField(PACK.sensors, seed=1)
LOCAL = LocalTime(PACK.time_zone)
ALL = np.arange(len(PACK.sensors))


def index_of(kind: str) -> int:
    return next(i for i, sensor in enumerate(PACK.sensors) if sensor.kind == kind)


def problem(kind: str, peak: float, start_ms: int = NOON_MS) -> Problem:
    sensor = PACK.sensors[index_of(kind)]
    return Problem("p", "x", sensor.lat, sensor.lon, "", start_ms, start_ms + HOUR_MS, index_of(kind), peak)


def test_calm_values_cross_no_limit_at_any_hour() -> None:
    rules = [rule for rule in PACK.rules if rule.kind == "threshold"]
    for hour in range(24):
        now_ms = MIDNIGHT_MS + hour * HOUR_MS + 7 * MINUTE_MS
        minute = LOCAL.minute(now_ms)
        values = FIELD.values(ALL, now_ms, minute, [])
        for sensor, value in zip(PACK.sensors, values, strict=True):
            for rule in rules:
                if rule.sensor_kind == sensor.kind:
                    assert not beyond(rule, value, minute), (sensor.id, value, hour)


def test_an_excursion_reaches_its_height_and_not_before_its_ramp() -> None:
    crowd = problem("people", 4.2)
    at = np.array([crowd.sensor])
    soon, late = (FIELD.values(at, NOON_MS + m * MINUTE_MS, 720, [crowd])[0] for m in (1, 6))
    assert soon < 3 < late
    noise = problem("noise", 88)
    assert FIELD.values(np.array([noise.sensor]), NOON_MS, 720, [noise])[0] > 85


def test_each_sensor_reports_at_its_own_rhythm() -> None:
    counts = np.zeros(len(PACK.sensors))
    for second in range(240):
        counts[FIELD.due(NOON_MS + second * 1000, NOON_MS + (second + 1) * 1000)] += 1
    assert all(abs(n - 240 / s.every_s) <= 1 for n, s in zip(counts, PACK.sensors, strict=True))
    assert set(FIELD.due(NOON_MS, NOON_MS + 240_000, every_ms=240_000)) == set(ALL)


def test_events_are_what_the_city_takes_and_one_for_each_network() -> None:
    events = FIELD.events(NOON_MS, NOON_MS + 240_000, 720, [])
    assert {event.source for event in events} == {f"/sensors/{sensor.group}" for sensor in PACK.sensors}
    assert sum(len(decode_data(event.type, event.data).readings) for event in events) == len(PACK.sensors)
    assert FIELD.events(NOON_MS, NOON_MS, 720, []) == []
    assert SensorField([], 1).events(NOON_MS, NOON_MS + 1000, 720, []) == []


def test_one_seed_gives_one_value() -> None:
    again = SensorField(PACK.sensors, seed=1)
    assert again.events(NOON_MS, NOON_MS + 9000, 720, []) == FIELD.events(NOON_MS, NOON_MS + 9000, 720, [])


def test_a_camera_tells_what_it_sees_with_what_it_is_sure_of() -> None:
    seen = problem("people", 0)
    seen.camera, seen.category = index_of("camera"), "unlicensed_vending"
    event = FIELD.detection(Happening(NOON_MS, "seen", seen, 7))
    data = decode_data(event.type, event.data)
    assert isinstance(data, Detection)
    assert 0.6 <= data.confidence <= 1
    assert json.loads(event.data)["sensor"] == PACK.sensors[seen.camera].id
