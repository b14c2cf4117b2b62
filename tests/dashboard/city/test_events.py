"""What every event must hold to be let in: a table of what is wrong."""

from __future__ import annotations

import json

import pytest

from dashboard.city.events import (
    BEHIND_MS,
    EARLIEST_MS,
    STREAM_OF,
    Complaint,
    Reading,
    Readings,
    check_time,
    decode_data,
    parse_time_ms,
)
from dashboard.errors import BadPayload

READING = {"sensor": "n", "kind": "noise", "value": 60, "unit": "dB(A)", "lat": 39.9, "lon": 116.4}
DETECTION = {"sensor": "c", "category": "vending", "confidence": 0.5, "lat": 39.9, "lon": 116.4}
PICTURE = {"sensor": "c", "image": "0123456789abcdef0123456789abcdef.png", "lat": 39.9, "lon": 116.4}
COMPLAINT = {"complaint": "k", "verb": "report", "text": "噪声", "channel": "hotline"}
POSITION = {"device": "d", "team": "t", "lat": 39.9, "lon": 116.4}
FINDING = {"device": "d", "team": "t", "category": "vending", "lat": 39.9, "lon": 116.4}
STATUS = {"device": "d", "team": "t", "state": "on_duty"}
FEEDBACK = {"device": "d", "assignment": "a", "step": "seen"}
HEARTBEAT = {"state": "up"}
GOOD = {
    "city.sensor.reading": READING, "city.sensor.detection": DETECTION, "city.sensor.picture": PICTURE,
    "city.complaint.reported": COMPLAINT,
    "city.complaint.updated": COMPLAINT, "city.patrol.position": POSITION, "city.patrol.finding": FINDING,
    "city.patrol.status": STATUS, "city.patrol.feedback": FEEDBACK, "city.source.heartbeat": HEARTBEAT,
}  # fmt: skip
GONE = object()


def code_of(type_: str, raw: bytes) -> str:
    with pytest.raises(BadPayload) as bad:
        decode_data(type_, raw)
    return bad.value.code


def test_every_type_has_a_good_example_and_a_stream():
    assert set(GOOD) == set(STREAM_OF)
    for type_, data in GOOD.items():
        decode_data(type_, json.dumps(data).encode())


@pytest.mark.parametrize("type_", GOOD)
def test_unknown_and_missing_fields_are_refused_in_every_type(type_):
    for field in GOOD[type_]:
        less = {name: value for name, value in GOOD[type_].items() if name != field}
        assert code_of(type_, json.dumps(less).encode()) == "bad_data", field
        assert code_of(type_, json.dumps({**GOOD[type_], field: None}).encode()) == "bad_data", field
        assert code_of(type_, json.dumps({**GOOD[type_], field: [1]}).encode()) == "bad_data", field
    assert code_of(type_, json.dumps({**GOOD[type_], "surprise": 1}).encode()) == "bad_data"


@pytest.mark.parametrize(
    ("type_", "wrong"),
    [
        ("city.sensor.reading", {"lat": 91}),
        ("city.sensor.reading", {"lat": -90.001}),
        ("city.sensor.reading", {"lon": 180.001}),
        ("city.sensor.reading", {"value": "60"}),
        ("city.sensor.reading", {"value": True}),
        ("city.sensor.reading", {"value": 1e13}),
        ("city.sensor.reading", {"sensor": ""}),
        ("city.sensor.reading", {"sensor": "x" * 129}),
        ("city.sensor.reading", {"unit": "x" * 33}),
        ("city.sensor.detection", {"confidence": 1.01}),
        ("city.sensor.detection", {"confidence": -0.01}),
        ("city.complaint.reported", {"verb": "shout"}),
        ("city.complaint.reported", {"channel": "pigeon"}),
        ("city.complaint.reported", {"text": "x" * 4001}),
        ("city.complaint.reported", {"photos": ["p"] * 21}),
        ("city.complaint.reported", {"reporter": {"ref": "r", "name": "王小明"}}),
        ("city.patrol.position", {"battery": 1.5}),
        ("city.patrol.position", {"speed_mps": -1}),
        ("city.patrol.position", {"heading_deg": 361}),
        ("city.patrol.status", {"state": "asleep"}),
        ("city.patrol.feedback", {"step": "held"}),
        ("city.patrol.feedback", {"step": "recalled"}),
        ("city.source.heartbeat", {"state": "down"}),
    ],
)
def test_a_value_outside_of_its_range_is_refused(type_, wrong):
    assert code_of(type_, json.dumps({**GOOD[type_], **wrong}).encode()) == "bad_data"


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"", "bad_json"),
        (b"{", "bad_json"),
        (b'{"sensor":"n","value":NaN}', "bad_json"),
        (b"[" * 100_000, "bad_data"),
        (b'"text"', "bad_data"),
        (b"null", "bad_data"),
        (b'{"sensor":"\xff\xfe","kind":"k","value":1,"unit":"u","lat":1,"lon":1}', "bad_encoding"),
        (b'{"readings":[]}', "bad_data"),
        (json.dumps({"readings": [READING] * 1001}).encode(), "bad_data"),
        (json.dumps({"readings": [READING, {**READING, "lat": 91}]}).encode(), "bad_data"),
    ],
)
def test_what_is_no_reading(raw, code):
    assert code_of("city.sensor.reading", raw) == code


def test_one_reading_and_a_list_of_them():
    assert isinstance(decode_data("city.sensor.reading", json.dumps(READING).encode()), Reading)
    blanks = b" \r\n\t" * 100
    start = blanks + b"{" + blanks + b'"readings": '
    many = decode_data("city.sensor.reading", start + json.dumps([READING] * 1000).encode() + b"}")
    assert isinstance(many, Readings)
    assert len(many.readings) == 1000


@pytest.mark.parametrize("text", ["", " ", "\t\n\u3000"])
def test_a_complaint_says_something(text):
    with pytest.raises(BadPayload) as bad:
        decode_data("city.complaint.reported", json.dumps({**COMPLAINT, "text": text}).encode())
    assert (bad.value.code, bad.value.arguments) == ("missing_field", {"field": "text"})


def test_half_a_place_is_no_place():
    assert code_of("city.complaint.reported", json.dumps({**COMPLAINT, "lat": 39.9}).encode()) == "half_a_place"
    whole = decode_data("city.complaint.reported", json.dumps({**COMPLAINT, "lat": 39.9, "lon": 116.4}).encode())
    assert isinstance(whole, Complaint)


def test_an_unknown_type():
    assert code_of("city.none", b"{}") == "unknown_type"


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-10-01T08:00:00+08:00", 1_790_812_800_000),
        ("2026-10-01T00:00:00.5Z", 1_790_812_800_500),
        ("2026-10-01T00:00:00.000499+00:00", 1_790_812_800_000),
    ],
)
def test_a_time_with_its_zone(text, ms):
    assert parse_time_ms(text) == ms


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("2026-10-01T00:00:00", "time_without_zone"),
        ("2026-10-01", "time_without_zone"),
        ("yesterday", "bad_time"),
        ("1790812800", "bad_time"),
        ("2026-13-01T00:00:00Z", "bad_time"),
        ("0001-01-01T00:00:00+14:00", "time_before_history"),
        ("9999-12-31T23:59:59-14:00", "time_ahead"),
    ],
)
def test_a_time_that_is_none(text, code):
    with pytest.raises(BadPayload) as bad:
        check_time(parse_time_ms(text), 1_790_812_800_000)
    assert bad.value.code == code


def test_the_window_of_admitted_times():
    now = 1_790_812_800_000
    for time_ms in (now, now + 300_000, now - BEHIND_MS):
        check_time(time_ms, now)
    for time_ms, code in (
        (now + 300_001, "time_ahead"),
        (now - BEHIND_MS - 1, "time_too_old"),
        (EARLIEST_MS - 1, "time_before_history"),
    ):
        with pytest.raises(BadPayload) as bad:
            check_time(time_ms, now)
        assert bad.value.code == code
