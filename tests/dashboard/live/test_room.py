"""The control room follows the journal and is the state; it answers, resumes, digests, and says when it cannot."""

from __future__ import annotations

import asyncio
import json
import time
from zlib import crc32

import msgspec
import pytest
import redis

from dashboard.city.commands import Command
from dashboard.city.state import PUBLIC
from dashboard.live import room as module
from dashboard.live.engine import Engine
from dashboard.live.redis_streams import RedisStreams
from dashboard.live.room import ControlRoom
from dashboard.live.streams import CHANGE, FLOOR, key, parse_id
from tests.cities import DAY, PACK, T0, a_person
from tests.histories import History, Play

BEAT = {"id": "h", "source": "/x", "type": "city.source.heartbeat", "data": '{"state":"up"}'}


def follow(room: ControlRoom, play: Play) -> None:
    """What the reader of the journal does."""
    for id_, raw in play.streams.journal(room.seq, 1 << 30):
        room._take(id_, raw)


def digest_of(room: ControlRoom) -> dict[str, list[int]]:
    found = {}
    for table in PUBLIC:
        rows = getattr(room.state, table)
        xor = 0
        for id_, row in rows.items():
            xor ^= crc32(f"{id_}:{row.version}".encode())
        found[table] = [len(rows), xor]
    return found


@pytest.mark.parametrize("seed", range(4))
def test_a_screen_that_applies_messages_holds_what_the_room_holds(tmp_path, seed):
    play, made = Play(tmp_path, seed), History(seed, clocks=True)
    room, told = ControlRoom("redis://nowhere", tmp_path), []
    room.listeners.append(lambda kind, message, about: told.append((kind, message)))
    rows = {table: {} for table in PUBLIC}
    for number in range(60):
        play.at(*made.next(play.state))
        follow(room, play)
        if number == 20:  # a screen that joins in the middle
            rows = json.loads(room.snapshot())["rows"]
            told.clear()
        for kind, message in told:
            for change in json.loads(message)["changes"] if kind == "changes" else ():
                for table, changed in change["rows"].items():
                    for id_, row in changed.items():
                        rows[table].pop(id_, None) if row is None else rows[table].update({id_: row})
        told.clear()
        assert rows == json.loads(msgspec.json.encode(room.view()))
        assert json.loads(room.digest())["topics"] == digest_of(room)
    assert room.state == play.state


def test_what_no_screen_may_see_is_not_in_a_message(tmp_path):
    play, room, told = Play(tmp_path), ControlRoom("redis://nowhere", tmp_path), []
    room.listeners.append(lambda kind, message, about: told.append((message, about)))
    play.at(T0 + 1000, [History(1)._spoken("file", "viewer", target="i")])
    reading = '{"sensor":"p","kind":"pm10","value":300,"unit":"u","lat":39.9,"lon":116.4}'
    fields = {"id": "r", "source": "/net", "type": "city.sensor.reading", "data": reading}
    play.at(T0 + 2000, [("sensor", fields)])
    follow(room, play)
    types = [change["type"] for message, _ in told for change in json.loads(message)["changes"]]
    assert types == ["engine_started", "registry_changed", "source_changed"]
    registry = next(c for m, _ in told for c in json.loads(m)["changes"] if c["type"] == "registry_changed")
    assert "registry" not in registry["args"]
    assert set(registry["rows"]) == {"teams", "posts"}


def test_a_screen_resumes_after_what_it_has(tmp_path):
    play, room = Play(tmp_path), ControlRoom("redis://nowhere", tmp_path)
    seqs = []
    for number in range(6):
        data = json.dumps({"complaint": f"k{number}", "verb": "consult", "text": "?", "channel": "web"})
        fields = {"id": f"e{number}", "source": "/web", "type": "city.complaint.reported", "data": data}
        play.at(T0 + 1000 * number + 1000, [("complaint", fields)])
        follow(room, play)
        seqs.append(room.seq)
    assert room.after(room.seq) == []
    assert [json.loads(message)["seq"] for message in room.after(seqs[2])] == seqs[3:]
    for unknown in ("0-0", "99999999999999-0", "nonsense", "", "1-2-3"):
        assert room.after(unknown) is None
    assert json.loads(room.snapshot())["seq"] == room.seq
    assert room.snapshot() is room.snapshot()  # encoded once
    ms, ordinal = parse_id(seqs[1])
    between = room.after(f"{ms}-{ordinal + 1}")  # a seq of an entry that no screen was told of
    assert [json.loads(message)["seq"] for message in between] == seqs[2:]


def test_only_so_many_messages_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "KEPT_MESSAGES", 2)
    play, room = Play(tmp_path), ControlRoom("redis://nowhere", tmp_path)
    follow(room, play)
    first = room.seq
    for number in range(3):
        beat = {"id": "h", "source": f"/{number}", "type": "city.source.heartbeat", "data": '{"state":"up"}'}
        play.at(T0 + 1000 * number + 1000, [("sensor", beat)])
        follow(room, play)
    assert room.after(first) is None


def test_timeline_and_advice_of_an_incident(tmp_path):
    play, room = Play(tmp_path), ControlRoom("redis://nowhere", tmp_path)
    data = (
        '{"complaint":"k","verb":"report","text":"摊","channel":"hotline","category":"vending","lat":39.9,"lon":116.4}'
    )
    fields = {"id": "e", "source": "/hotline", "type": "city.complaint.reported", "data": data}
    play.at(T0 + 1000, [("complaint", fields)])
    follow(room, play)
    room.sight.update({"teams": {"t2": [39.9, 116.4, T0, None, None, None]}})
    (incident,) = room.state.incidents
    detail = json.loads(room.detail(incident))
    assert detail["topic"] == f"incident:{incident}"
    assert [(entry["type"], entry["args"]["evidence"]["text"]) for entry in detail["timeline"]] == [
        ("incident_reported", "摊"),
    ]  # fmt: skip
    assert [(proposal["team"], proposal["rank"]) for proposal in detail["advice"]] == [("t2", 1), ("t1", 2), ("t3", 3)]
    assert json.loads(room.detail("nobody"))["timeline"] == []


def test_a_clock_that_is_set_back_empties_the_map(tmp_path):
    play, room, told = Play(tmp_path), ControlRoom("redis://nowhere", tmp_path), []
    follow(room, play)
    room.listeners.append(lambda kind, message, about: told.append(kind))
    room.sight.update({"sensors": {"a": [39.9, 116.4, 1, T0, 0, "noise"]}})
    play.at(T0 + 1000, [History(1)._spoken("set_clock", "administrator", offset_ms=T0 - 30 * DAY, rate=1.0)])
    follow(room, play)
    assert (room.sight.sensors, told[-1]) == ({}, "snapshot")


# ---- over a real store ----------------------------------------------------------------------------------------------


@pytest.fixture
def engine(redis_address, tmp_path):
    streams = RedisStreams(redis_address)

    made = Engine(streams, PACK, tmp_path, lambda: time.time_ns() // 1_000_000)
    made.start()
    yield made
    streams.close()


@pytest.fixture
async def room(redis_address, engine, tmp_path):
    made = ControlRoom(redis_address, tmp_path)
    made.news = asyncio.Event()
    made.listeners.append(lambda *_: made.news.set())
    await made.open()
    async with asyncio.timeout(10):
        await made.ready.wait()
    yield made
    await made.close()


async def until(room: ControlRoom, condition) -> None:
    async with asyncio.timeout(10):
        while not condition():
            room.news.clear()
            await room.news.wait()


async def test_a_command_is_answered_and_asked_again_gives_the_same_answer(room, engine):
    command = Command(id="c1", verb="file", target="nobody")
    asked = [asyncio.create_task(room.submit(command, a_person("supervisor"))) for _ in range(2)]
    await asyncio.sleep(0)
    while not await asyncio.to_thread(engine.step):
        continue
    answers = await asyncio.gather(*asked)
    assert answers[0] == answers[1]
    assert (answers[0]["status"], answers[0]["code"]) == ("refused", "not_there")
    assert await room.submit(command, a_person("supervisor")) == answers[0]
    done = asyncio.create_task(room.submit(Command(id="c2", verb="set_clock"), a_person("administrator")))
    await asyncio.sleep(0)
    while not await asyncio.to_thread(engine.step):
        continue
    assert await done == {"status": "done"}
    assert await room.submit(Command(id="c2", verb="set_clock"), a_person("viewer")) == {"status": "done"}


async def test_who_speaks_is_said_by_the_door_and_not_by_the_command(room, engine, redis_address):
    liar = Command(id="c1", verb="set_clock", person=a_person("administrator"))
    asked = asyncio.create_task(room.submit(liar, a_person("viewer")))
    await asyncio.sleep(0)
    while not await asyncio.to_thread(engine.step):
        continue
    assert (await asked)["code"] == "not_your_role"


async def test_without_an_engine_nobody_knows_and_that_is_said(room, monkeypatch):
    monkeypatch.setattr(module, "ANSWER_S", 0.01)
    answer = await room.submit(Command(id="c9", verb="file", target="i"), a_person("supervisor"))
    assert (answer["status"], answer["code"]) == ("refused", "no_answer")


async def test_what_is_asked_while_the_engine_is_away_is_not_carried_out_when_it_is_back(room, engine, redis_address):
    room.engine_heard_ms = engine.real_ms() - 6_000
    answer = await room.submit(Command(id="c1", verb="set_clock"), a_person("administrator"))
    assert (answer["status"], answer["code"], answer["args"]["seconds"]) == ("refused", "engine_silent", 6)
    with redis.Redis.from_url(redis_address) as client:
        assert client.xlen(key("command")) == 0


async def test_a_lost_store_is_said_to_the_asker_and_the_room_comes_back(room, engine, redis_address):
    with redis.Redis.from_url(redis_address) as client:
        client.client_kill_filter(_type="normal", skipme=True)
        client.client_kill_filter(_type="pubsub", skipme=True)
        client.xadd(key("sensor"), BEAT)
    engine.streams.close()
    engine.step()
    await until(room, lambda: "/x" in room.state.sources)
    async with asyncio.timeout(10):
        while not room.figures:
            await asyncio.to_thread(engine.step)
    assert (room.store_lost_ms, room.figures["open"]["value"]) == (None, 0)


async def test_what_is_rejected_is_shown_newest_two_hundred(room, engine, redis_address):
    with redis.Redis.from_url(redis_address) as client:
        client.xadd(key("sensor"), {"id": "b", "source": "/x", "type": "city.none", "data": "{}"})
    engine.step()
    await until(room, lambda: room.rejected)
    (row,) = room.rejected
    assert (row["stream"], row["code"], row["source"]) == ("sensor", "unknown_type", "/x")
    assert row["args"] == {"type": "city.none"}
    assert json.loads(row["event"])["id"] == "b"


async def test_below_the_floor_the_snapshot_is_taken_again(room, engine, redis_address, tmp_path):
    with redis.Redis.from_url(redis_address) as client:
        engine._picture(force=True)
        engine._writer.join()
        engine.announce_picture()
        client.xadd(key("sensor"), BEAT)
        engine.step()
        newest = client.xrevrange(key(CHANGE), count=1)[0][0].decode()
        client.xtrim(key(CHANGE), minid=newest)
        client.hset(key(FLOOR), "change", newest)
        late = ControlRoom(redis_address, tmp_path)
        late.seq = "1-0"  # it slept for long
        await late.open()
        async with asyncio.timeout(10):
            await late.ready.wait()
        assert "/x" in late.state.sources
        assert late.state == engine.desk.state
        await late.close()


async def test_a_store_with_another_past_is_read_from_its_beginning(room, engine, redis_address, tmp_path):
    with redis.Redis.from_url(redis_address) as client:
        client.xadd(key("sensor"), BEAT)
        engine.step()
        await until(room, lambda: "/x" in room.state.sources)
        client.flushall()  # an older copy was brought back, or none
        streams = RedisStreams(redis_address)
        anew = Engine(streams, PACK, tmp_path / "anew", engine.real_ms)
        anew.start()
        client.xadd(key("sensor"), {**BEAT, "source": "/y"})
        anew.step()
        await until(room, lambda: "/y" in room.state.sources)
        assert room.state == anew.desk.state  # and nothing of what never happened there
        streams.close()
