"""The gateway and the device client over real sockets, stores in memory; the last test runs on a real store."""

import asyncio
import contextlib
import json
import random
import time

import pytest
import redis
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from dashboard.live.intake import RedisIntake, real_now_ms
from dashboard.live.streams import key
from feeds.patrol.device import SentAway
from feeds.patrol.outbox import RedisOutbox
from feeds.patrol.spool import Spool
from tests.feeds.conftest import Field, until


def order(number, what="assignment"):
    return json.dumps({"order": f"o-{number}", "what": what, "assignment": f"a-{number}"}).encode()


def hello(number=1, **more):
    said = {"type": "hello", "device": f"device-{number}", "token": f"token-{number}", "clock_ms": real_now_ms()}
    return json.dumps({**said, **more})


async def test_an_order_goes_down_and_its_steps_come_up(field):
    async with field.client() as device:
        await asyncio.wait_for(device.welcomed.wait(), 5)
        assert (device.welcome["team"], device.welcome["rate"]) == ("team-1", 1.0)
        field.outbox.give("device-1", "5-0", order(5))
        async for received in device.orders():
            assert received["assignment"] == "a-5"
            break
        for step in ("seen", "accepted", "en_route", "on_scene", "finished"):
            assert (await device.feedback("a-5", step, note="ok")).taken
    said = [json.loads(fields["data"]) for fields in field.intake.entries("patrol")]
    assert [data["step"] for data in said] == ["delivered", "seen", "accepted", "en_route", "on_scene", "finished"]
    assert {data["device"] for data in said} == {"device-1"}
    ids = [fields["id"] for fields in field.intake.entries("patrol")]
    assert ids == [f"device-1-{device.spool.boot}-{number}" for number in range(1, 7)]


async def test_orders_given_while_the_device_was_away_come_in_order_and_once(field):
    for number in (3, 4, 5):
        field.outbox.give("device-1", f"{number}-0", order(number))
    async with field.client() as device:
        received = []
        async for each in device.orders():
            received.append(each["order"])
            if len(received) == 3:
                break
        # They are sent again until the engine has deleted them: the client shows none of them twice.
        entry = field.gateway.sessions["device-1"].sent
        first = dict(entry)
        await until(lambda: field.gateway.sessions["device-1"].sent["3-0"] > first["3-0"])
        for number in (3, 4, 5):
            field.outbox.settle("device-1", f"{number}-0")
        field.outbox.give("device-1", "6-0", order(6))
        received.append((await anext(device.orders()))["order"])
    assert received == ["o-3", "o-4", "o-5", "o-6"]


async def test_cuts_lose_nothing_and_double_nothing(field):
    async with field.client() as device:
        waiting = []
        for number in range(200):
            waiting.append(device.say("feedback", assignment=f"a-{number}", step="seen"))
            if number % 40 == 20:
                await asyncio.wait_for(device.welcomed.wait(), 5)
                device.cut()
            await asyncio.sleep(0)
        answers = await asyncio.wait_for(asyncio.gather(*waiting), 30)
    assert all(answer.taken for answer in answers)
    stored = [fields["id"] for fields in field.intake.entries("patrol")]
    assert len(set(stored)) == 200  # a message whose ack was cut off comes again under the same id: the Desk knows it
    first = list(dict.fromkeys(stored))
    assert [int(each.rsplit("-", 1)[1]) for each in first] == list(range(1, 201))


async def test_a_device_that_lost_its_process_goes_on_where_it_was(field, tmp_path):
    field.intake.lost = True
    async with field.client(spool=Spool(tmp_path / "spool")) as device:
        device.say("feedback", assignment="a", step="finished")
    field.intake.lost = False
    async with field.client(spool=Spool(tmp_path / "spool")) as device:
        await until(lambda: not device.spool.waiting)
    assert [json.loads(fields["data"])["step"] for fields in field.intake.entries("patrol")] == ["finished"]


async def test_nothing_is_acknowledged_while_the_store_is_silent(field):
    async with field.client() as device:
        await asyncio.wait_for(device.welcomed.wait(), 5)
        field.intake.lost = True
        answer = device.say("status", state="on_duty")
        await until(lambda: not device.welcomed.is_set())
        assert not answer.done()
        field.intake.lost = False
        assert (await asyncio.wait_for(answer, 10)).taken
    assert len(field.intake.entries("patrol")) == 1


async def test_the_newer_socket_of_a_device_wins_and_the_older_is_told(field):
    async with connect(field.url) as older:
        await older.send(hello())
        assert json.loads(await older.recv())["type"] == "welcome"
        async with connect(field.url) as newer:
            await newer.send(hello())
            assert json.loads(await newer.recv())["type"] == "welcome"
            assert json.loads(await older.recv())["code"] == "newer_connection"
            with pytest.raises(ConnectionClosed) as closed:
                await older.recv()
            assert closed.value.rcvd.code == 4009
            await newer.send('{"type":"status","id":1,"state":"on_duty"}')
            assert json.loads(await newer.recv()) == {"ack": 1}
            field.outbox.give("device-1", "1-0", order(1))
            assert json.loads(await newer.recv())["order"]["order"] == "o-1"


@pytest.mark.parametrize(
    ("first", "code"),
    [
        (hello(token="wrong"), "unknown_device"),
        (hello(device="device-9"), "unknown_device"),
        (hello(device="device-2"), "unknown_device"),
        ('{"type":"position","id":1,"lat":39.9,"lon":116.4}', "hello_first"),
        ('{"type":"hello","device":"device-1"}', "bad_frame"),
        ("nonsense", "bad_json"),
        (b"\xff\xff", "bad_encoding"),
        ("x" * 300_000, "too_large"),
    ],
    ids=("token", "stranger", "another", "position", "bare", "nonsense", "encoding", "large"),
)
async def test_who_does_not_prove_itself_is_sent_away_and_no_token_is_kept(field, first, code):
    async with connect(field.url) as socket:
        await socket.send(first)
        bye = json.loads(await socket.recv())
        assert (bye["type"], bye["code"]) == ("bye", code)
        assert set(bye["sentence"]) == {"zh", "en"}
        assert "–" not in bye["sentence"]["en"]  # every argument is there
        with pytest.raises(ConnectionClosed):
            await socket.recv()
    (kept,) = field.intake.entries("rejected")
    assert kept["code"] == code
    assert "token" not in kept["event"]
    assert field.gateway.sessions == {}


async def test_a_wrong_token_ends_the_client(field):
    device = field.client()
    device._token = "wrong"
    async with device:
        with pytest.raises(SentAway, match="unknown_device"):
            await asyncio.wait_for(anext(device.orders()), 10)


BAD = [
    ({"type": "position", "lat": "north", "lon": 116.4}, "bad_data"),
    ({"type": "position", "lon": 116.4}, "bad_data"),
    ({"type": "position", "lat": float("nan"), "lon": 116.4}, "bad_json"),
    ({"type": "position", "lat": 91, "lon": 116.4}, "bad_data"),
    ({"type": "position", "lat": 39.9, "lon": 116.4, "time": "1970-01-01T00:00:00Z"}, "time_before_history"),
    ({"type": "position", "lat": 39.9, "lon": 116.4, "time": "2100-01-01T00:00:00Z"}, "time_ahead"),
    ({"type": "position", "lat": 116.4, "lon": 39.9}, "swapped_place"),
    ({"type": "position", "lat": 31.2, "lon": 121.5}, "outside_city"),
    ({"type": "finding", "category": "vending", "lat": 39.9, "lon": 116.4, "text": "x" * 200_000}, "bad_data"),
    ({"type": "finding", "category": "vending", "lat": 39.9, "lon": 116.4, "text": "x" * 300_000}, "too_large"),
    ({"type": "feedback", "assignment": "a", "step": "flown"}, "bad_data"),
    ({"type": "weather"}, "unknown_type"),
    ({"type": "status", "state": "on_duty", "device": "device-2"}, "not_its_own"),
]


@pytest.mark.parametrize(("message", "code"), BAD)
async def test_a_bad_message_is_refused_with_the_reason_kept_and_the_socket_goes_on(field, message, code):
    async with connect(field.url) as socket:
        await socket.send(hello())
        await socket.recv()
        await socket.send(json.dumps({**message, "id": 9}))
        refused = json.loads(await socket.recv())
        assert (refused["refused"], refused["code"]) == (9 if code != "bad_json" else refused["refused"], code)
        assert set(refused["sentence"]) == {"zh", "en"}
        await socket.send('{"type":"status","id":10,"state":"on_duty"}')
        assert json.loads(await socket.recv()) == {"ack": 10}
    (kept,) = field.intake.entries("rejected")
    assert (kept["code"], kept["source"]) == (code, "device:device-1")


async def test_a_frame_beyond_a_megabyte_is_told_closes_and_is_noted(field):
    async with connect(field.url) as socket:
        await socket.send(hello())
        await socket.recv()
        with contextlib.suppress(ConnectionClosed):
            await socket.send("x" * 2_000_000)
        bye = json.loads(await socket.recv())
        assert (bye["type"], bye["code"], bye["args"]) == ("bye", "too_large", {"limit_bytes": 1_048_576})
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd.code == 1009
    await until(lambda: [kept["code"] for kept in field.intake.entries("rejected")] == ["too_large"])


async def test_a_message_that_is_too_large_holds_nothing_up(field, tmp_path):
    spool = Spool(tmp_path / "spool")
    spool.add({"type": "finding", "text": "x" * 2_000_000})  # of an earlier life of the device
    async with field.client(spool=spool) as device:
        large = device.say("finding", category="vending", lat=39.9, lon=116.4, text="界" * 100_000)
        assert (await device.status("on_duty")).taken
        assert (large.result().code, large.result().args) == ("too_large", {"limit_bytes": 262_144})
        assert (await device.status("break")).taken
    assert (device.spool.waiting, Spool(tmp_path / "spool").waiting) == ({}, {})
    assert field.intake.entries("rejected") == []


async def test_wrong_bytes_in_a_frame(field):
    async with connect(field.url) as socket:
        await socket.send(hello())
        await socket.recv()
        await socket.send(b'{"type":"finding","id":3,"category":"a","lat":39.9,"lon":116.4,"text":"\xb3\xa4"}')
        assert json.loads(await socket.recv())["code"] == "bad_encoding"


async def test_the_skew_of_a_clock_is_told_counted_and_set_right(field):
    wrong = real_now_ms() + 3_600_000
    async with field.client(clock_ms=lambda: wrong) as device:
        assert (await device.position(39.9, 116.4)).taken
        assert abs(device.welcome["clock_skew_ms"] - 3_600_000) < 5000
    (beat,) = [fields for fields in field.intake.entries("sensor") if fields["type"] == "city.source.heartbeat"]
    assert beat["source"] == "device:device-1"
    assert json.loads(beat["data"])["state"] == "degraded"
    assert "clock_skew_ms=" in json.loads(beat["data"])["note"]


async def test_a_device_that_reads_nothing_keeps_nobody_waiting(field):
    big = json.dumps({"order": "big", "what": "recall", "text": "x" * 500_000}).encode()
    async with connect(field.url) as slow:
        await slow.send(hello(1))
        for number in range(40):
            field.outbox.give("device-1", f"{number}-0", big)
        async with field.client(2) as device:
            began = time.monotonic()
            for _ in range(50):
                assert (await device.position(39.9, 116.4)).taken
            field.outbox.give("device-2", "1-0", order(1))
            assert (await anext(device.orders()))["order"] == "o-1"
            assert time.monotonic() - began < 5
        slow.transport.abort()


async def test_a_thousand_broken_frames_disturb_nothing(field):
    """Bits flipped, ends cut, bytes put in: each is refused and kept, each good one between them acknowledged."""
    rng = random.Random(5)
    good = json.dumps({"type": "finding", "id": 1, "category": "dog", "lat": 39.9, "lon": 116.4, "text": "一只狗"})
    async with connect(field.url) as socket:
        await socket.send(hello())
        await socket.recv()
        refused = 0
        for number in range(1000):
            raw = bytearray(good.encode())
            at = rng.randrange(len(raw))
            way = rng.randrange(3)
            if way == 0:
                raw[at] ^= 1 << rng.randrange(8)
            elif way == 1:
                del raw[at:]
            else:
                raw[at:at] = rng.randbytes(rng.randrange(1, 5))
            await socket.send(bytes(raw))
            refused += "refused" in json.loads(await socket.recv())
            await socket.send(good.replace('"id": 1', f'"id": {1000 + number}'))
            assert json.loads(await socket.recv()) == {"ack": 1000 + number}
    assert refused > 700
    assert len(field.intake.entries("rejected")) == refused


async def test_over_a_real_store(redis_settings):
    intake = RedisIntake(redis_settings.redis_address)
    outbox = RedisOutbox(intake.redis)
    with redis.Redis.from_url(redis_settings.redis_address, decode_responses=True) as engine:
        async with Field(intake, outbox, resend_s=30).open() as field, field.client() as device:
            engine.xadd(key("outbox:device-1"), {"order": order(1)}, id="1-0")
            await asyncio.wait_for(device.welcomed.wait(), 5)
            assert (await asyncio.wait_for(anext(device.orders()), 5))["order"] == "o-1"
            await until(lambda: engine.pubsub_numsub(key("outbox"))[0][1] == 1)
            engine.xadd(key("outbox:device-1"), {"order": order(2)}, id="2-0")
            engine.publish(key("outbox"), "device-1")
            assert (await asyncio.wait_for(anext(device.orders()), 5))["order"] == "o-2"
            assert (await device.feedback("a-2", "seen")).taken
        steps = [json.loads(fields["data"])["step"] for _, fields in engine.xrange(key("patrol"))]
        assert steps == ["delivered", "delivered", "seen"]
    await intake.close()
