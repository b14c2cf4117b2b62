"""Bad input at every door of the running city: a clear reason, kept and masked, and nothing else disturbed.

The doors refuse by themselves; a plain XADD is refused by the engine. The replay's rows are in
tests/feeds/test_replay.py.
"""

import asyncio
import json
from datetime import UTC, datetime

import httpx
import pytest
import redis
from websockets.asyncio.client import connect

from dashboard.live.intake import real_now_ms
from dashboard.live.launcher import running
from dashboard.live.streams import key
from tests.waiting import until

READING = {"sensor": "noise-7", "kind": "noise", "value": 61.0, "unit": "dB(A)", "lat": 39.9355, "lon": 116.3972}
COMPLAINT = {"complaint": "c-1", "verb": "report", "text": "噪声", "channel": "hotline"}
SENSOR, COMPLAINED = "city.sensor.reading", "city.complaint.reported"
PERSON = {"name": "王小明", "phone": "13812345678"}

CASES = {
    # name: type, data, time, code
    "wrong type": (SENSOR, {**READING, "value": "loud"}, None, "bad_data"),
    "missing field": (SENSOR, {"sensor": "noise-7"}, None, "bad_data"),
    "unknown field": (SENSOR, {**READING, "colour": 1}, None, "bad_data"),
    "not a number": (SENSOR, {**READING, "value": float("nan")}, None, "bad_json"),
    "latitude 91": (SENSOR, {**READING, "lat": 91}, None, "bad_data"),
    "1970": (SENSOR, READING, "1970-01-01T00:00:00Z", "time_before_history"),
    "2100": (SENSOR, READING, "2100-01-01T00:00:00Z", "time_ahead"),
    "no zone": (SENSOR, READING, "2026-01-01T00:00:00", "time_without_zone"),
    "a megabyte of text": (COMPLAINED, {**COMPLAINT, "text": "x" * 999_000}, None, "bad_data"),
    "unknown type": ("city.weather.seen", {}, None, "unknown_type"),
    "swapped": (SENSOR, {**READING, "lat": READING["lon"], "lon": READING["lat"]}, None, "swapped_place"),
    "elsewhere": (SENSOR, {**READING, "lat": 31.2, "lon": 121.5}, None, "outside_city"),
    "named and broken": (COMPLAINED, {**COMPLAINT, "verb": "shout", "reporter": PERSON}, None, "bad_data"),
}
POSITIONS = {
    "wrong type": ({"lat": "north", "lon": 116.4}, "bad_data"),
    "missing field": ({"lon": 116.4}, "bad_data"),
    "not a number": ({"lat": float("nan"), "lon": 116.4}, "bad_json"),
    "latitude 91": ({"lat": 91, "lon": 116.4}, "bad_data"),
    "1970": ({"lat": 39.9, "lon": 116.4, "time": "1970-01-01T00:00:00Z"}, "time_before_history"),
    "2100": ({"lat": 39.9, "lon": 116.4, "time": "2100-01-01T00:00:00Z"}, "time_ahead"),
    "swapped": ({"lat": 116.4, "lon": 39.9}, "swapped_place"),
    "elsewhere": ({"lat": 31.2, "lon": 121.5}, "outside_city"),
    "a megabyte of text": ({"type": "finding", "text": "x" * 999_000}, "too_large"),
    "unknown type": ({"type": "weather"}, "unknown_type"),
}


@pytest.fixture(scope="module")
def city():
    """Engine, web and gateway of the shipped city, no simulation."""
    with running(parts=("engine", "web", "feeds"), say=lambda _: None) as launcher:
        yield launcher.settings


@pytest.fixture
def store(city):
    with redis.Redis.from_url(city.redis_address, decode_responses=True, encoding_errors="replace") as client:
        client.xtrim(key("rejected"), maxlen=0)
        yield client


def envelope(id_, type_, data, time):
    event = {"specversion": "1.0", "id": id_, "source": "/test", "type": type_, "data": data}
    return {**event, "time": time} if time else event


def rejected(store):
    return [fields for _, fields in store.xrange(key("rejected"))]


def handled(store, stream, entry):
    """Whether the engine has come past an entry."""
    after = json.loads(store.get(key("cursor")) or '{"after":{}}')["after"].get(stream, "0-0")
    return tuple(map(int, after.split("-"))) >= tuple(map(int, entry.split("-")))


@pytest.mark.parametrize("name", CASES)
def test_by_http(city, store, name):
    type_, data, time, code = CASES[name]
    content = json.dumps(envelope("bad", type_, data, time))
    headers = {"content-type": "application/cloudevents+json"}
    reply = httpx.post(f"{city.web_url}/api/v1/events", content=content, headers=headers)
    assert reply.json()["code"] == code
    assert reply.status_code in (400, 422)
    assert "Traceback" not in reply.text
    (kept,) = rejected(store)
    assert kept["code"] == code
    assert "小明" not in str(kept)
    assert "13812345678" not in str(kept)
    now = datetime.now(UTC).isoformat()
    good = json.dumps(envelope("good", SENSOR, READING, now))
    assert httpx.post(f"{city.web_url}/api/v1/events", content=good, headers=headers).status_code == 202


@pytest.mark.parametrize("name", CASES)
def test_by_xadd(store, name):
    type_, data, time, code = CASES[name]
    fields = {
        "id": "bad",
        "source": "/test",
        "type": type_,
        "data": json.dumps(data),
        **({"time": time} if time else {}),
    }
    stream = "complaint" if type_ == COMPLAINED else "sensor"
    store.xadd(key(stream), fields)
    until(lambda: rejected(store))
    (kept,) = rejected(store)
    assert (kept["code"], kept["stream"]) == (code, stream)
    assert "小明" not in str(kept)
    assert "13812345678" not in str(kept)
    entry = store.xadd(key("sensor"), {"id": "good", "source": "/test", "type": SENSOR, "data": json.dumps(READING)})
    until(lambda: handled(store, "sensor", entry))
    assert len(rejected(store)) == 1


def test_wrong_encoding_by_http_and_by_xadd(city, store):
    raw = json.dumps(envelope("e", COMPLAINED, COMPLAINT, None), ensure_ascii=False).encode("gb18030")
    headers = {"content-type": "application/cloudevents+json"}
    reply = httpx.post(f"{city.web_url}/api/v1/events", content=raw, headers=headers)
    assert reply.json()["code"] == "bad_encoding"
    data = json.dumps(COMPLAINT, ensure_ascii=False).encode("gb18030")
    store.xadd(key("complaint"), {"id": "e", "source": "/test", "type": COMPLAINED, "data": data})
    until(lambda: len(rejected(store)) == 2)
    assert {kept["code"] for kept in rejected(store)} == {"bad_encoding"}


@pytest.mark.parametrize("name", POSITIONS)
async def test_by_websocket(city, store, name):
    message, code = POSITIONS[name]
    async with connect(city.device_url) as socket:
        hello = {"type": "hello", "device": "device-07", "token": "demo-device-07", "clock_ms": real_now_ms()}
        await socket.send(json.dumps(hello))
        assert json.loads(await socket.recv())["type"] == "welcome"
        await socket.send(json.dumps({"type": "position", "id": 1, **message}))
        refused = json.loads(await asyncio.wait_for(socket.recv(), 5))
        assert ("refused" in refused, refused["code"]) == (True, code)
        good = {"type": "position", "id": 2, "lat": 39.9, "lon": 116.4}
        await socket.send(json.dumps(good))
        assert json.loads(await asyncio.wait_for(socket.recv(), 5)) == {"ack": 2}
    (kept,) = rejected(store)
    assert (kept["code"], kept["source"]) == (code, "device:device-07")


def test_a_duplicate_counts_once(city, store):
    before = counts(city)
    event = envelope("twice", COMPLAINED, {**COMPLAINT, "complaint": "c-twice"}, None)
    headers = {"content-type": "application/cloudevents+json"}
    replies = [httpx.post(f"{city.web_url}/api/v1/events", json=event, headers=headers) for _ in range(3)]
    assert {reply.content for reply in replies} == {b'{"accepted":"twice"}'}
    fields = {"id": "twice", "source": "/test", "type": COMPLAINED, "data": json.dumps(event["data"])}
    entry = store.xadd(key("complaint"), fields)
    until(lambda: handled(store, "complaint", entry))
    until(lambda: counts(city)["complaints"] == before["complaints"] + 1)


@pytest.mark.parametrize("way", ["http", "xadd"])
def test_a_name_and_a_phone_are_taken_out(city, store, way):
    data = {**COMPLAINT, "complaint": f"c-{way}", "text": "请回电13812345678", "reporter": PERSON}
    if way == "http":
        event = envelope(f"named-{way}", COMPLAINED, data, None)
        headers = {"content-type": "application/cloudevents+json"}
        assert httpx.post(f"{city.web_url}/api/v1/events", json=event, headers=headers).status_code == 202
    else:
        fields = {"id": f"named-{way}", "source": "/test", "type": COMPLAINED, "data": json.dumps(data)}
        store.xadd(key("complaint"), fields)
    until(lambda: journaled(store, f"c-{way}"))
    (row,) = journaled(store, f"c-{way}")
    assert row["text"] == "请回电138****5678"
    assert row["reporter"] == "138****5678 / 王**"
    assert store.hgetall(key(f"person:{row['reporter_ref']}"))["phone"] == "13812345678"
    for stream in ("complaint", "change", "rejected"):
        entries = str(store.xrange(key(stream)))
        assert "小明" not in entries
        assert "13812345678" not in entries


@pytest.mark.parametrize(
    ("stream", "beside"),
    [
        ("complaint", ["phone", "13812345678", "contact", "王小明"]),
        (
            "complaint",
            ["data", json.dumps({**COMPLAINT, "complaint": "foreign-data twice", "text": "请回电13812345678"})],
        ),
        ("complaint", [part for n in range(6000) for part in (f"f{n}", "13812345678")]),
        ("sensor", []),
        ("patrol", []),
    ],
    ids=["other fields", "data twice", "6000 fields", "on sensor", "on patrol"],
)
def test_nobody_is_named_in_a_foreign_entry_however_it_was_written(store, request, stream, beside):
    complaint = f"foreign-{request.node.callspec.id}"
    data = json.dumps({**COMPLAINT, "complaint": complaint, "text": "请回电13812345678"})
    fields = ["id", complaint, "source", "/foreign", "type", COMPLAINED, "data", data]
    store.execute_command("XADD", key(stream), "*", *fields, *beside)
    until(lambda: journaled(store, complaint))
    for kept in (stream, "change", "rejected"):
        entries = str(store.xrange(key(kept)))
        assert "小明" not in entries
        assert "13812345678" not in entries


def journaled(store, complaint):
    """The rows of a complaint in the journal."""
    entries = [json.loads(fields["c"]) for _, fields in store.xrange(key("change"))]
    tables = [change.get("rows", {}).get("complaints", {}) for entry in entries for change in entry["changes"]]
    return [table[complaint] for table in tables if complaint in table]


def counts(city):
    return httpx.get(f"{city.web_url}/api/v1/counts").json()
