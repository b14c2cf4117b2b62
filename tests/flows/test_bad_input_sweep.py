"""Every fault at every door, a good event beside each: refused with a reason, kept masked, nobody named, none lost."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from websockets.asyncio.client import connect

from dashboard.live import packs
from dashboard.live.intake import real_now_ms
from dashboard.live.launcher import Launcher, running, temporary_settings
from dashboard.live.streams import key
from feeds import replay
from tests.waiting import until

NAME, PHONE = "欧阳试验", "13987654321"
NUMBERS = itertools.count(1)
JSON, STRUCTURED, BATCH = "application/json", "application/cloudevents+json", "application/cloudevents-batch+json"

Event = dict[str, Any]
Fault = Callable[[Event], bytes]


def reading() -> Event:
    """A good reading of a sensor that nobody has heard before."""
    n = next(NUMBERS)
    data = {"sensor": f"sweep-{n}", "kind": "noise", "value": 50.0, "unit": "dB(A)", "lat": 39.93, "lon": 116.39}
    return {"specversion": "1.0", "id": f"r-{n}", "source": "/sweep", "type": "city.sensor.reading", "data": data}


def complaint() -> Event:
    """A good complaint, without a place, of a person with a name and a phone."""
    n = next(NUMBERS)
    data = {
        "complaint": f"sweep-{n}", "verb": "report", "text": f"噪声扰民，{NAME} {PHONE}", "channel": "web",
        "address": f"长安街 {n} 号", "reporter": {"name": NAME, "phone": PHONE},
    }  # fmt: skip
    return {"specversion": "1.0", "id": f"c-{n}", "source": "/sweep", "type": "city.complaint.reported", "data": data}


def as_json(event: Event) -> bytes:
    """As it is sent; what Python knows and JSON does not (NaN, half a pair) stays in it."""
    return json.dumps(event, ensure_ascii=False).encode("utf-8", "surrogatepass")


def with_data(**changed: Any) -> Fault:
    """Some fields of the data are other ones; None takes them out."""

    def fault(event: Event) -> bytes:
        data = {name: value for name, value in {**event["data"], **changed}.items() if value is not None}
        return as_json({**event, "data": data})

    return fault


FAULTS: dict[str, Fault] = {
    "wrong types": with_data(lat="north", lon=[], text={"a": 1}),
    "missing fields": with_data(value=None, verb=None),
    "not a number": with_data(value=float("nan"), lat=float("nan"), lon=116.4),
    "infinite": with_data(value=float("inf"), lat=float("-inf"), lon=116.4),
    "latitude 91": with_data(lat=91, lon=116.4),
    "swapped": with_data(lat=116.39, lon=39.93),
    "another city": with_data(lat=31.2, lon=121.5),
    "half a place": with_data(lat=39.9, lon=None, value=None),
    "an unknown field": with_data(colour="red"),
    "half a pair": with_data(unit="\ud800", text="\ud800"),
    "a megabyte": with_data(unit="x" * 900_000, text=f"{PHONE} " * 70_000),
    "1970": lambda event: as_json({**event, "time": "1970-01-01T00:00:00Z"}),
    "2100": lambda event: as_json({**event, "time": "2100-01-01T00:00:00Z"}),
    "no zone": lambda event: as_json({**event, "time": "2026-10-01T12:00:00"}),
    "no time": lambda event: as_json({**event, "time": "yesterday"}),
    "an unknown type": lambda event: as_json({**event, "type": "city.weather.seen"}),
    "no id": lambda event: as_json({**event, "id": ""}),
    "a long id": lambda event: as_json({**event, "id": "x" * 500}),
    "data that is no object": lambda event: as_json({**event, "data": ["噪声", PHONE]}),
    "utf-16": lambda event: json.dumps(event, ensure_ascii=False).encode("utf-16"),
    "gb18030": lambda event: with_data(unit="分贝")(event).decode().encode("gb18030"),
    "cut short": lambda event: as_json(event)[:-9],
    "no json": lambda event: f"姓名：{NAME} 电话：{PHONE}".encode(),
    "deep": lambda event: b'{"data":' * 5_000,
}
EVENTS = {"reading": reading, "complaint": complaint}


@pytest.fixture(scope="module")
def launcher() -> Iterator[Launcher]:
    """Engine, web and gateway of the shipped city, no simulation."""
    with running(parts=("engine", "web", "feeds"), say=lambda _: None) as launcher:
        yield launcher


@pytest.fixture
def store(launcher: Launcher) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(launcher.settings.redis_address) as client:
        yield client


@pytest.fixture
def client(launcher: Launcher) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{launcher.settings.web_url}/api/v1", timeout=20) as client:
        yield client


def post(client: httpx.Client, path: str, raw: bytes, kind: str, **headers: str) -> httpx.Response:
    """What a sender sends."""
    return client.post(path, content=raw, headers={"content-type": kind, **headers})


def is_refused(reply: httpx.Response, *, whole: bool = True) -> None:
    """A clear answer: a status of the sender's fault, a code, and a sentence in both languages."""
    assert 400 <= reply.status_code < 500 or (not whole and reply.status_code == 207), reply.text[:300]
    body = reply.json() if whole else reply.json()["results"][0]
    assert re.fullmatch(r"[a-z_]+", body["code"])
    assert len(body["sentence"]["zh"]) > 3
    assert len(body["sentence"]["en"]) > 3
    assert not re.search(r"Traceback|\.py\b", reply.text)
    assert_names_nobody(reply.content)
    assert len(reply.content) < 5_000


class Goods:
    """Good readings sent between bad ones, each of a sensor of its own: all of them must be heard, and no other."""

    def __init__(self, client: httpx.Client) -> None:
        self.client, self.sent = client, 0

    def send(self) -> None:
        """One more; accepted whatever came before it."""
        self.sent += 1
        assert post(self.client, "/events", as_json(reading()), STRUCTURED).status_code == 202

    def are_heard(self) -> bool:
        """Whether the city knows as many sensors as good readings were sent."""
        metrics = self.client.get("../../metrics").text
        found = re.search(r"^comis_sensors (\S+)$", metrics, re.M)
        return found is not None and float(found[1]) == self.sent


@pytest.fixture(scope="module")
def goods(launcher: Launcher) -> Iterator[Goods]:
    with httpx.Client(base_url=f"{launcher.settings.web_url}/api/v1", timeout=20) as client:
        yield Goods(client)


@pytest.mark.parametrize("kind", EVENTS)
@pytest.mark.parametrize("name", FAULTS)
def test_by_http_and_by_xadd(client: httpx.Client, store: redis.Redis, goods: Goods, name: str, kind: str) -> None:
    """Structured, binary, in a batch, and by plain XADD; a good one after each."""
    make, fault = EVENTS[kind], FAULTS[name]
    before, sent = store.xlen(key("rejected")), 0
    is_refused(post(client, "/events", fault(make()), STRUCTURED))
    goods.send()
    sent += 1
    if binary := in_binary_mode(fault, make()):
        data, headers = binary
        is_refused(post(client, "/events", data, JSON, **headers))
        goods.send()
        sent += 1
    batch = post(client, "/events", b"[" + fault(make()) + b"," + as_json(reading()) + b"]", BATCH)
    if batch.status_code == 207:
        goods.sent += 1
        is_refused(batch, whole=False)
    else:
        is_refused(batch)
    sent += 1
    store.xadd(key("sensor" if kind == "reading" else "complaint"), in_a_stream(fault, make()))
    goods.send()
    sent += 1
    until(lambda: store.xlen(key("rejected")) >= before + sent, timeout_s=20)
    until(goods.are_heard, timeout_s=20)
    assert store.xlen(key("rejected")) == before + sent
    for _, kept in store.xrevrange(key("rejected"), count=sent):
        assert kept[b"code"]
        assert_names_nobody(b"".join(kept.values()))


@pytest.mark.parametrize("raw", [
    b'{"text":5}',
    b"[]", b"{}", b"\xff\xfe", b'{"text":"x","lat":91,"lon":116.4}', b'{"text":"x","lat":NaN,"lon":116.4}',
    b'{"text":"x","lat":116.4,"lon":39.9}', b'{"text":"x","time":"2100-01-01T00:00:00Z"}', b'{"text":"x","colour":1}',
    b'{"text":"x","lat":39.9}', '{"text":"扰民"}'.encode("gb18030"), b"[" * 9_000,
    f'{{"text":"{PHONE}","verb":"shout","name":"{NAME}","phone":"{PHONE}"}}'.encode(),
    f'{{"name":"{NAME}","phone":"{PHONE}"}}'.encode(),
], ids=lambda raw: str(raw)[:40])  # fmt: skip
def test_at_the_plain_doors(client: httpx.Client, store: redis.Redis, goods: Goods, raw: bytes) -> None:
    before = store.xlen(key("rejected"))
    is_refused(post(client, "/complaints", raw, JSON))
    goods.send()
    is_refused(post(client, "/readings", raw, JSON))
    goods.send()
    until(goods.are_heard, timeout_s=20)
    assert store.xlen(key("rejected")) >= before + 2


async def test_at_the_gateway(launcher: Launcher, goods: Goods) -> None:
    """Every fault as a frame, a good position after each, on one socket that stays."""
    said_badly = {"id": 1, "type": "finding", "data": {"text": PHONE}}
    frames = [frame for fault in FAULTS.values() if len(frame := fault(said_badly)) < 1_000_000]
    async with connect(launcher.settings.device_url) as socket:
        hello = {"type": "hello", "device": "device-09", "token": "demo-device-09", "clock_ms": real_now_ms()}
        await socket.send(json.dumps(hello))
        assert json.loads(await socket.recv())["type"] == "welcome"
        for number, frame in enumerate(frames):
            await socket.send(frame, text=False)
            await socket.send(json.dumps({"type": "position", "id": 1000 + number, "lat": 39.9, "lon": 116.4}))
            said: list[dict[str, Any]] = []
            while not said or said[-1] != {"ack": 1000 + number}:
                said.append(json.loads(await asyncio.wait_for(socket.recv(), 10)))
            assert all("code" in one for one in said[:-1])
            assert len(said) == 2, said
    goods.send()
    await asyncio.to_thread(until, goods.are_heard, timeout_s=20)


def test_afterwards_nobody_is_named_and_all_parts_live(
    launcher: Launcher, client: httpx.Client, store: redis.Redis
) -> None:
    """The last one: every key of the store but the guarded records, every log, every table, the same processes."""
    for _ in range(3):
        assert post(client, "/events", as_json(complaint()), STRUCTURED).status_code == 202
    until(lambda: len(client.get("/complaints").json()) == 3)
    guarded = 0
    for name in store.scan_iter(count=1000):
        content = b"".join(dump(store, name))
        if name.startswith(key("person:").encode()):
            guarded += PHONE.encode() in content
        else:
            assert_names_nobody(content)
    assert guarded == 1
    for part in launcher.parts.values():
        assert part.starts == 1, part.name
        log = part.log.read_bytes()
        assert b"Traceback" not in log, part.name
        assert_names_nobody(log)
    for table in ("incidents", "complaints", "alerts"):
        assert_names_nobody(client.get(f"/{table}").content)


def assert_names_nobody(content: bytes) -> None:
    """Neither the name nor the phone, in any writing that a store or an answer may hold them in."""
    for word in (NAME, PHONE):
        for spelled in (
            word.encode(),
            json.dumps(word)[1:-1].encode(),
            word.encode("utf-16-le"),
            word.encode("gb18030"),
        ):
            assert spelled not in content, word


def dump(store: redis.Redis, name: bytes) -> Iterator[bytes]:
    """All that a key holds."""
    match store.type(name):
        case b"stream":
            for _, fields in store.xrange(name):
                yield from itertools.chain.from_iterable(fields.items())
        case b"hash":
            yield from itertools.chain.from_iterable(store.hgetall(name).items())
        case b"string":
            yield store.get(name)
        case b"set":
            yield from store.smembers(name)
        case b"zset":
            yield from store.zrange(name, 0, -1)
        case b"list":
            yield from store.lrange(name, 0, -1)
        case other:
            raise AssertionError(other)


def in_binary_mode(fault: Fault, event: Event) -> tuple[bytes, dict[str, str]] | None:
    """The same fault with the envelope in headers; None where headers cannot carry it."""
    try:
        broken = json.loads(fault(event).decode())
        named = ("specversion", "id", "source", "type", "time")
        return json.dumps(broken["data"]).encode(), {f"ce-{name}": broken[name] for name in named if name in broken}
    except (ValueError, KeyError, RecursionError):
        return None


def in_a_stream(fault: Fault, event: Event) -> dict[str, Any]:
    """The same fault as stream fields; what cannot be taken apart is the data as it stands."""
    raw = fault(event)
    try:
        broken = json.loads(raw.decode("utf-8", "surrogatepass"))
        fields = {name: broken[name] for name in ("id", "source", "type", "time") if name in broken}
        return {**fields, "data": json.dumps(broken["data"], ensure_ascii=False).encode("utf-8", "surrogatepass")}
    except (ValueError, KeyError, RecursionError):
        return {"id": event["id"], "source": "/sweep", "type": event["type"], "data": raw}


MAPPING = """
key = "sweep"
zh = "试验"
en = "Sweep"
time_zone = "UTC"

[columns]
time = ["opened"]
text = ["kind", "note"]
id = ["number"]
category = ["kind"]
lat = ["lat"]
lon = ["lon"]
name = ["caller"]
phone = ["caller_phone"]

[time]
formats = []
"""
GOOD_ROWS = 40
ROWS = {
    # number, opened, kind, note, lat, lon: code; the caller is added to each
    ("latitude", "2022-05-01T12:05:00Z", "noise", PHONE, "91", "-73.9"): "bad_row",
    ("swapped", "2022-05-01T12:05:00Z", "noise", "x", "-73.9", "40.7"): "swapped_place",
    ("1970", "1970-01-01T00:00:00Z", "noise", "x", "40.7", "-73.9"): "time_before_history",
    ("2100", "2100-01-01T00:00:00Z", "noise", "x", "40.7", "-73.9"): "time_ahead",
    ("nan", "2022-05-01T12:05:00Z", "noise", "x", "NaN", "-73.9"): "bad_row",
    ("types", "2022-05-01T12:05:00Z", "noise", "x", "north", "west"): "bad_row",
    ("megabyte", "2022-05-01T12:05:00Z", "noise", "x" * 1_000_000, "40.7", "-73.9"): "bad_data",
    ("text", "2022-05-01T12:05:00Z", "", "", "40.7", "-73.9"): "row_without_text",
    ("time", "yesterday", "noise", "x", "40.7", "-73.9"): "row_without_time",
    ("encoding", "2022-05-01T12:05:00Z", "noise", "扰民", "40.7", "-73.9"): "bad_encoding",
}


def test_in_a_recording(tmp_path: Path) -> None:
    """Bad rows beside good ones: each has its reason, the clock runs an hour and not 130 years, nobody is named."""
    (tmp_path / "sweep.toml").write_text(MAPPING, "utf-8")
    lines = [b"number,opened,kind,note,lat,lon,caller,caller_phone"]
    for minute in range(GOOD_ROWS):
        place = f"40.7{minute % 10},-73.9{minute % 10}"
        lines.append(f"good-{minute},2022-05-01T12:{minute:02d}:00Z,noise,loud,{place},{NAME},{PHONE}".encode())
    for at, row in enumerate(ROWS):
        encoding = "gb18030" if row[0] == "encoding" else "utf-8"
        lines.insert(2 * at + 2, f"{','.join(row)},{NAME},{PHONE}".encode(encoding))
    lines.append(lines[1])  # the first one once more
    (tmp_path / "sweep.csv").write_bytes(b"\n".join(lines))
    recording = replay.load([tmp_path / "sweep.csv"], tmp_path / "sweep.toml")
    own = replay.own_settings(temporary_settings(tmp_path / "var"), recording, None)
    with running(own, parts=("engine", "web"), say=lambda _: None) as started:
        pack = packs.load(started.settings.pack)
        work = replay.replay(started.settings, pack, recording, float("inf"), lambda _: None)
        totals = asyncio.run(asyncio.wait_for(work, 60))
        with redis.Redis.from_url(started.settings.redis_address) as store:
            codes = sorted(fields[b"code"].decode() for _, fields in store.xrange(key("rejected")))
            assert codes == sorted(ROWS.values())
            assert (totals.rows, totals.rejected, totals.repeats) == (GOOD_ROWS + len(ROWS) + 1, len(ROWS), 1)
            for name in store.scan_iter(count=1000):
                if not name.startswith(key("person:").encode()):
                    assert_names_nobody(b"".join(dump(store, name)))
        handled = httpx.get(f"{started.settings.web_url}/api/v1/counts").json()
        assert handled["complaints"] == GOOD_ROWS
