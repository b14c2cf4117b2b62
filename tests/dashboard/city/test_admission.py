import json

import pytest

from dashboard.city import admission
from dashboard.errors import BadPayload

BEIJING = (115.4, 39.4, 117.5, 41.1)
NEW_YORK = (-74.3, 40.5, -73.7, 40.95)
NOW_MS = 1_727_775_000_000  # 2024-10-01 17:30 in Beijing
READING = {"sensor": "noise-7", "kind": "noise", "value": 61.0, "unit": "dB(A)", "lat": 39.9355, "lon": 116.3972}


def read(data=READING, *, time="2024-10-01T09:30:00Z", type_="city.sensor.reading", id_="r-1", bounds=BEIJING):
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return admission.read_event(id_, "/sensors/noise-7", type_, time, raw, bounds, NOW_MS)


def code(**given):
    with pytest.raises(BadPayload) as refused:
        read(**given)
    assert set(refused.value.arguments) == set(admission.REFUSALS[refused.value.code])
    return refused.value.code


def test_a_good_reading_comes_in_with_its_own_time():
    event = read()
    assert event.data.value == 61.0
    assert event.time_ms == NOW_MS
    assert read(time=None).time_ms is None


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"data": {**READING, "value": "loud"}}, "bad_data"),
        ({"data": {"sensor": "noise-7"}}, "bad_data"),
        ({"data": {**READING, "colour": 1}}, "bad_data"),
        ({"data": {**READING, "lat": 91}}, "bad_data"),
        ({"data": json.dumps({**READING, "value": float("nan")}).encode()}, "bad_json"),
        ({"data": b'{"value":1e999}'}, "bad_data"),
        ({"data": b'{"sensor":"noise-7' + b"\xff" + b'"}'}, "bad_encoding"),
        ({"data": b"["}, "bad_data"),
        ({"data": b"{"}, "bad_json"),
        ({"data": b""}, "missing_field"),
        ({"data": b'{"x":' * 100_000}, "bad_data"),
        ({"type_": "city.weather.seen"}, "unknown_type"),
        ({"type_": ""}, "missing_field"),
        ({"id_": ""}, "missing_field"),
        ({"id_": "x" * 129}, "field_too_long"),
        ({"time": "1970-01-01T00:00:00Z"}, "time_before_history"),
        ({"time": "2100-01-01T00:00:00Z"}, "time_ahead"),
        ({"time": "0001-01-01T00:00:00+14:00"}, "time_before_history"),
        ({"time": "9999-12-31T23:59:59-14:00"}, "time_ahead"),
        ({"time": "2024-09-20T09:30:00Z"}, "time_too_old"),
        ({"time": "2024-10-01T17:30:00"}, "time_without_zone"),
        ({"time": "yesterday"}, "bad_time"),
        ({"data": {**READING, "lat": 0, "lon": 0}}, "outside_city"),
        ({"data": {**READING, "lat": 116.3972, "lon": 39.9355}}, "swapped_place"),
        ({"data": {"readings": [READING, {**READING, "lat": 116.3972, "lon": 39.9355}]}}, "swapped_place"),
        ({"data": {**READING, "lat": -73.9, "lon": 40.7}, "bounds": NEW_YORK}, "swapped_place"),
        ({"data": {"readings": [READING, {**READING, "lat": 31.2, "lon": 121.5}]}}, "outside_city"),
    ],
)
def test_what_is_refused_and_why(given, expected):
    assert code(**given) == expected


def test_a_megabyte_of_text_is_refused():
    complaint = {"complaint": "c", "verb": "report", "text": "噪" * 350_000, "channel": "web"}
    assert code(data=complaint, type_="city.complaint.reported") == "bad_data"


def test_the_next_county_is_let_in_and_a_complaint_without_a_place_too():
    assert read({**READING, "lat": 41.5}).data.lat == 41.5
    complaint = {"complaint": "c", "verb": "report", "text": "noise", "channel": "web", "address": "East gate"}
    assert read(complaint, type_="city.complaint.reported").data.address == "East gate"
    assert read({**READING, "lat": 0, "lon": 0}, bounds=None).data.lat == 0


def test_a_sender_that_does_not_know_of_the_simulation_is_moved_onto_the_city_clock():
    from dashboard.city.admission import on_city_clock
    from dashboard.city.state import Clock

    wall_ms, evening_ms = 1_790_000_000_000, 1_349_177_400_000
    simulated = Clock(evening_ms, wall_ms, 10.0, "simulation")

    assert on_city_clock(wall_ms + 2_000, wall_ms + 3_000, simulated) == evening_ms + 20_000
    assert on_city_clock(evening_ms + 5_000, wall_ms + 3_000, simulated) == evening_ms + 5_000
    assert on_city_clock(wall_ms - 400_000, wall_ms, Clock()) == wall_ms - 400_000
