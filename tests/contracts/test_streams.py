"""One suite for the store of the running city and for its twin in memory."""

from __future__ import annotations

import time

import pytest
import redis

from dashboard.errors import Fenced, StreamLost
from dashboard.live.memory_streams import MemoryStreams
from dashboard.live.redis_streams import RedisStreams
from dashboard.live.streams import CHANGE, CURSOR, REJECTED, Commit, OrderOut, Rewritten, Settled, key, parse_id

FIELDS = {"id": "r-1", "source": "/net", "type": "city.sensor.reading", "data": "{}"}


class Both:
    """The store under test, hands that put entries into it, and eyes."""

    def __init__(self, streams, client=None):
        self.streams, self.client = streams, client

    def append(self, stream, **fields):
        fields = {**FIELDS, **fields}
        if self.client is None:
            return self.streams.append(stream, fields)
        return self.client.xadd(key(stream), fields).decode()

    def outbox(self, device):
        if self.client is None:
            return dict(self.streams.outboxes[device])
        return {
            int(id_.split(b"-")[0]): fields[b"order"] for id_, fields in self.client.xrange(key(f"outbox:{device}"))
        }

    def entries(self, stream):
        if self.client is None:
            held = self.streams.streams[stream]
            return [dict(zip(entry.fields[::2], entry.fields[1::2], strict=True)) for entry in held]
        return [fields for _, fields in self.client.xrange(key(stream))]

    def cursor(self):
        return self.streams.cursor if self.client is None else self.client.get(key(CURSOR))


@pytest.fixture(params=["memory", "redis"])
def both(request):
    if request.param == "memory":
        yield Both(MemoryStreams(lambda: time.time_ns() // 1_000_000))
        return
    address = request.getfixturevalue("redis_address")
    with redis.Redis.from_url(address) as client:
        streams = RedisStreams(address)
        yield Both(streams, client)
        streams.close()


def test_the_one_who_takes_over_last_is_the_only_writer(both):
    first, cursor = both.streams.take_over()
    assert cursor is None
    both.streams.commit(first, Commit(b"one"))
    second, cursor = both.streams.take_over()
    assert (second > first, cursor) == (True, b"one")
    with pytest.raises(Fenced):
        both.streams.commit(first, Commit(b"late", journal=b"x", rejected=[{"code": "x"}]))
    assert (both.cursor(), both.entries(CHANGE), both.entries(REJECTED)) == (b"one", [], [])
    both.streams.commit(second, Commit(b"two"))
    assert both.cursor() == b"two"


def test_entries_are_read_by_stream_after_the_cursor(both):
    ids = [both.append("sensor", id=f"r{n}") for n in range(5)]
    command = both.append("command", id="c")
    batch = both.streams.read({"sensor": ids[1]}, 100)
    assert [entry.id for entry in batch.entries["sensor"]] == [parse_id(id_) for id_ in ids[2:]]
    assert [entry.id for entry in batch.entries["command"]] == [parse_id(command)]
    assert set(batch.entries) == {"sensor", "command"}
    entry = batch.entries["sensor"][0]
    assert (entry.get(b"id"), entry.get(b"source"), entry.get(b"none")) == (b"r2", b"/net", None)
    assert both.streams.read({"sensor": ids[-1], "command": command}, 100).entries == {}


def test_a_batch_says_up_to_when_it_is_whole(both):
    before = time.time_ns() // 1_000_000
    assert both.streams.read({}, 10).complete_ms >= before
    ids = [both.append("sensor") for _ in range(20)]
    cut = both.streams.read({}, 5)
    assert (len(cut.entries["sensor"]), cut.complete_ms) == (5, parse_id(ids[4])[0])
    whole = both.streams.read({}, 100)
    assert whole.complete_ms >= parse_id(ids[-1])[0]


def append_ahead(both, ahead_ms, **fields):
    """An entry whose id lies so far in the future.  Returns: the milliseconds of its id."""
    ahead = time.time_ns() // 1_000_000 + ahead_ms
    if both.client is None:
        both.streams.now_ms, now_ms = (lambda: ahead), both.streams.now_ms
        both.append("sensor", **fields)
        both.streams.now_ms = now_ms
    else:
        both.client.xadd(key("sensor"), {**FIELDS, **fields}, id=f"{ahead}-0")
    return ahead


def test_entries_of_a_clock_that_was_set_back_are_not_waited_for(both):
    ahead = append_ahead(both, 3_600_000)
    later = append_ahead(both, 3_600_001)
    batch = both.streams.read({"sensor": f"{ahead}-0"}, 100)
    assert (batch.complete_ms, [entry.id[0] for entry in batch.entries["sensor"]]) == (later, [later])
    near = append_ahead(both, 3_700_000)
    assert both.streams.read({"complaint": f"{ahead}-0"}, 100).complete_ms == near


def test_an_id_that_a_sender_made_up_does_not_move_the_clock(both):
    handled = both.append("sensor", id="before")
    append_ahead(both, 86_400_000, id="made up")
    both.append("sensor", id="after")  # the store gives it an id of tomorrow too
    before = time.time_ns() // 1_000_000
    batch = both.streams.read({"sensor": handled}, 100)
    assert [entry.get(b"id") for entry in batch.entries["sensor"]] == [b"made up", b"after"]  # none lost, in order
    assert all(before <= entry.id[0] <= batch.complete_ms for entry in batch.entries["sensor"])
    assert batch.complete_ms < before + 60_000
    assert parse_id(both.append("sensor"))[0] < before + 60_000  # and the stream goes on at the time of the clock
    assert len(both.entries("sensor")) == 4


def test_waiting_ends_with_an_input_or_with_the_time(both):
    both.streams.wait({}, 1)
    id_ = both.append("patrol")
    both.streams.wait({}, 60_000)
    assert both.streams.read({}, 1).entries["patrol"][0].id == parse_id(id_)


def test_a_commit_writes_all_of_it(both):
    token, _ = both.streams.take_over()
    named = both.append("complaint", data='{"reporter":{"name":"王小明"}}')
    later = both.append("complaint", id="r-2")
    clean = {**FIELDS, "data": '{"reporter":{"ref":"p1"}}'}
    id_ = both.streams.commit(
        token,
        Commit(
            b"cursor",
            journal=b"journal",
            orders=[OrderOut("d1", 7, b"go"), OrderOut("d1", 9, b"back"), OrderOut("d2", 8, b"go")],
            rejected=[{"code": "bad_json", "event": "{"}, {"code": "bad_data", "event": "{}"}],
            rewritten=[Rewritten("complaint", named, clean, "p1", {"name": "王小明", "phone": "1"})],
            clock={"rate": "60.0", "source": "replay"},
        ),
    )
    assert both.streams.journal("0-0", 10) == [(id_, b"journal")]
    assert (both.outbox("d1"), both.outbox("d2")) == ({7: b"go", 9: b"back"}, {8: b"go"})
    assert [fields[b"code"] for fields in both.entries(REJECTED)] == [b"bad_json", b"bad_data"]
    assert both.streams.record("clock") == {"rate": "60.0", "source": "replay"}
    assert both.streams.record("person:p1") == {"name": "王小明", "phone": "1"}
    second, third = both.streams.read({}, 10).entries["complaint"]
    assert (second.id, third.get(b"data")) == (parse_id(later), clean["data"].encode())
    assert third.id > second.id


def test_a_refused_input_leaves_its_stream_and_nobody_else_does(both):
    token, _ = both.streams.take_over()
    kept, refused = both.append("complaint"), both.append("complaint", data="13812345678")
    both.streams.commit(token, Commit(b"cursor", rejected=[{"code": "bad_json"}], refused=[("complaint", refused)]))
    assert [entry.id for entry in both.streams.read({}, 10).entries["complaint"]] == [parse_id(kept)]


def test_a_commit_without_decisions_moves_only_the_cursor(both):
    token, _ = both.streams.take_over()
    assert both.streams.commit(token, Commit(b"cursor")) is None
    assert (both.cursor(), both.streams.journal("0-0", 10)) == (b"cursor", [])


def test_an_order_leaves_the_outbox_when_it_is_settled(both):
    token, _ = both.streams.take_over()
    both.streams.commit(token, Commit(b"1", orders=[OrderOut("d1", 7, b"go"), OrderOut("d1", 9, b"back")]))
    both.streams.commit(token, Commit(b"2", settled=[Settled("d1", 7)]))
    assert both.outbox("d1") == {9: b"back"}
    both.streams.commit(token, Commit(b"3", settled=[Settled("d1", 9), Settled("d1", 9), Settled("nobody", 1)]))
    assert both.outbox("d1") == {}
    both.streams.commit(token, Commit(b"4", orders=[OrderOut("d1", 11, b"go")]))
    assert both.outbox("d1") == {11: b"go"}


def test_an_order_that_is_given_and_settled_in_one_batch_is_not_sent(both):
    token, _ = both.streams.take_over()
    both.streams.commit(token, Commit(b"1", orders=[OrderOut("d1", 7, b"go")], settled=[Settled("d1", 7)]))
    assert both.outbox("d1") == {}


def test_the_journal_is_read_after_an_entry_in_pages(both):
    token, _ = both.streams.take_over()
    ids = [both.streams.commit(token, Commit(b"c", journal=str(n).encode())) for n in range(5)]
    assert both.streams.journal(ids[0], 2) == [(ids[1], b"1"), (ids[2], b"2")]
    assert both.streams.journal(ids[-1], 2) == []


def test_a_range_of_a_stream(both):
    ids = [both.append("sensor", id=f"r{n}") for n in range(5)]
    read = [parse_id(id_) for id_ in ids]
    assert [entry.id for entry in both.streams.range("sensor", "-", ids[2], 10)] == read[:3]
    assert [entry.id for entry in both.streams.range("sensor", f"({ids[0]}", ids[4], 2)] == read[1:3]
    assert both.streams.range("sensor", f"({ids[4]}", ids[4], 10) == []
    assert both.streams.range("patrol", "-", "9999999999999-0", 10) == []


def test_small_records(both):
    assert both.streams.record("snapshot") == {}
    both.streams.write_record("snapshot", {"file": "a", "seq": "1"})
    both.streams.write_record("snapshot", {"file": "b"})
    assert both.streams.record("snapshot") == {"file": "b", "seq": "1"}


def test_a_store_that_does_not_answer(tmp_path):
    nowhere = RedisStreams(f"unix://{tmp_path}/no.sock", timeout_s=0.2)
    for ask in (nowhere.take_over, lambda: nowhere.read({}, 1), lambda: nowhere.commit(1, Commit(b""))):
        with pytest.raises(StreamLost) as lost:
            ask()
        assert lost.value.code == "store_silent"


def test_a_store_that_forgot_its_scripts_is_told_them_again(redis_address):
    streams = RedisStreams(redis_address)
    token, _ = streams.take_over()
    with redis.Redis.from_url(redis_address) as client:
        client.script_flush()
        assert streams.commit(token, Commit(b"c", journal=b"x")) is not None
        client.client_kill_filter(_type="normal", skipme=True)
    with pytest.raises(StreamLost):
        streams.record("clock")
    assert streams.record("clock") == {}
    streams.close()


def test_a_full_store_refuses_senders_and_not_the_engine(redis_address):
    """What the engine has handled can go: a store that took nothing of the engine would stay full for ever."""
    streams = RedisStreams(redis_address)
    streams.take_over()
    with redis.Redis.from_url(redis_address) as client:
        limit = client.config_get("maxmemory")["maxmemory"]
        client.config_set("maxmemory", "1")
        try:
            with pytest.raises(redis.exceptions.OutOfMemoryError):
                client.xadd(key("sensor"), FIELDS)
            token, _ = streams.take_over()
            assert streams.secret("person_key") == streams.secret("person_key")
            streams.commit(token, Commit(b"after", journal=b"x", orders=[OrderOut("d1", 7, b"go")]))
            streams.write_record("snapshot", {"file": "f"})
        finally:
            client.config_set("maxmemory", limit)
        assert client.get(key(CURSOR)) == b"after"
        assert client.exists(key(CHANGE), key("outbox:d1")) == 2
    assert streams.record("snapshot") == {"file": "f"}
    streams.close()


def test_an_input_key_that_is_no_stream_is_set_aside_and_kept(redis_address):
    streams = RedisStreams(redis_address)
    with redis.Redis.from_url(redis_address) as client:
        client.lpush(key("sensor"), "a reading, sent as to a queue")
        client.set(key("patrol"), "a text")
        client.xadd(key("complaint"), FIELDS)
        assert list(streams.read({}, 10).entries) == ["complaint"]
        client.xadd(key("sensor"), FIELDS)
        assert list(streams.read({}, 10).entries) == ["complaint", "sensor"]
        kept = {name.split(b":")[3]: client.type(name) for name in client.keys(key("set-aside:*"))}
        assert kept == {b"sensor": b"list", b"patrol": b"string"}
    streams.close()


def test_told_devices_hear_of_their_orders(redis_address):
    streams = RedisStreams(redis_address)
    token, _ = streams.take_over()
    with redis.Redis.from_url(redis_address) as client, client.pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe(key("outbox"))
        heard.get_message(timeout=5)
        streams.commit(token, Commit(b"c", orders=[OrderOut("d1", 7, b"go")]))
        message = next(told for told in iter(lambda: heard.get_message(timeout=5), 0) if told)
    assert message["data"] == b"d1"
    streams.close()
