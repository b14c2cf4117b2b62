import json

import pytest

from dashboard.city.state import Clock
from dashboard.errors import BadPayload
from feeds.envelope import Envelope, Unreadable
from feeds.patrol.decode import FRAME_LIMIT, Speaker, counted_skew_ms, decode, decode_hello

SPEAKER = Speaker("device-1", "team-1")
POSITION = {"type": "position", "id": 7, "lat": 39.9, "lon": 116.4}


def raw(**fields):
    return json.dumps(fields).encode()


def test_a_frame_becomes_an_event_of_the_device_that_proved_itself():
    number, item = decode(raw(**POSITION, time_ms=1_727_775_000_123), SPEAKER)
    assert (number, item.id, item.source, item.type) == (7, "device-1-7", "device:device-1", "city.patrol.position")
    assert item.time == "2024-10-01T09:30:00.123Z"
    assert json.loads(item.data) == {"lat": 39.9, "lon": 116.4, "device": "device-1", "team": "team-1"}


def test_the_counter_of_another_life_is_another_event():
    assert decode(raw(**POSITION), Speaker("d", "t", "b2"))[1].id == "d-b2-7"


def test_the_time_is_set_right_by_the_skew_that_was_said():
    late = Speaker("d", "t", skew_ms=3_600_000)
    for time in ({"time_ms": 1_727_778_600_000}, {"time": "2024-10-01T18:30:00+08:00"}):
        assert decode(raw(**POSITION, **time), late)[1].time == "2024-10-01T09:30:00.000Z"
    assert decode(raw(**POSITION), late)[1].time == ""


def test_feedback_has_a_device_and_no_team():
    _, item = decode(raw(type="feedback", id=1, assignment="a", step="seen"), SPEAKER)
    assert isinstance(item, Envelope)
    assert json.loads(item.data) == {"assignment": "a", "step": "seen", "device": "device-1"}


@pytest.mark.parametrize(
    ("frame", "number", "code"),
    [
        (b"", None, "bad_json"),
        (b"[]", None, "bad_frame"),
        (b"\xff", None, "bad_encoding"),
        (b'{"type":"position"}', None, "missing_field"),
        (b'{"id":-1,"type":"position"}', None, "bad_frame"),
        (b'{"id":1.5,"type":"position"}', None, "bad_frame"),
        (b'{"id":3}', 3, "missing_field"),
        (b'{"id":3,"type":7}', 3, "bad_frame"),
        (b'{"id":3,"type":"weather"}', 3, "unknown_type"),
        (b'{"id":3,"type":"hello"}', 3, "hello_twice"),
        (raw(type="hello", device="d", token="t", clock_ms=5), None, "hello_twice"),
        (b'{"id":3,"type":"position","device":"device-2"}', 3, "not_its_own"),
        (b'{"id":3,"type":"position","time":"noon"}', 3, "bad_time"),
        (b'{"id":3,"type":"position","time_ms":9000000000000000}', 3, "bad_time"),
        (b'{"id":3,"type":"position","time_ms":NaN}', 3, "bad_json"),
        (b'{"x":' * 50_000, None, "bad_json"),
        (b" " * (FRAME_LIMIT + 1), None, "too_large"),
        (raw(type="finding", text="x" * FRAME_LIMIT, id=5), 5, "too_large"),
        (raw(id=5, type="finding", text="x" * FRAME_LIMIT)[:-1], None, "too_large"),
        (raw(id="5", type="finding", text="x" * FRAME_LIMIT), None, "too_large"),
    ],
)
def test_a_frame_that_cannot_be_read(frame, number, code):
    said, item = decode(frame, SPEAKER)
    assert isinstance(item, Unreadable)
    assert (said, item.code) == (number, code) or frame.endswith(b"NaN}")
    assert item.code == code


def test_hello():
    hello = decode_hello(raw(type="hello", device="d", token="t", clock_ms=5))
    assert (hello.device, hello.token, hello.clock_ms, hello.boot, hello.last_order) == ("d", "t", 5, "", None)
    with pytest.raises(BadPayload, match="hello_first"):
        decode_hello(raw(**POSITION))
    for bad in (raw(type="hello", device="d"), raw(type="hello", device="d", token="t", clock_ms="5")):
        with pytest.raises(BadPayload, match="bad_frame"):
            decode_hello(bad)


def test_a_small_skew_is_none_and_a_fast_city_forgives_more():
    live, fast = Clock(), Clock(5_000_000_000, 1_000_000_000, 600, "simulation")
    assert counted_skew_ms(1_001_500, 1_000_000, live) == 0
    assert counted_skew_ms(1_003_000, 1_000_000, live) == 3000
    assert counted_skew_ms(5_000_003_000, 1_000_000_000, fast) == 0
    assert counted_skew_ms(5_002_000_000, 1_000_000_000, fast) == 2_000_000


def test_in_a_simulation_a_device_may_go_by_the_clock_on_its_own_wall():
    simulated = Clock(5_000_000_000, 1_000_000_000, 1, "simulation")
    assert counted_skew_ms(1_000_001_000, 1_000_000_000, simulated) == 0
    assert counted_skew_ms(1_000_060_000, 1_000_000_000, simulated) == 60_000
