"""One suite for the intake of the running city and for its twin in memory."""

import json

import pytest
import redis

from dashboard.errors import StreamLost
from dashboard.live import intake as module
from dashboard.live.intake import MemoryIntake, RedisIntake
from dashboard.live.streams import key

FIELDS = {"id": "r-1", "source": "/sensors/noise-7", "type": "city.sensor.reading", "data": '{"value":88.2}'}


class Both:
    """The intake under test and eyes into its store."""

    def __init__(self, intake, client=None):
        self.intake, self.client = intake, client

    def entries(self, stream):
        if self.client is None:
            return self.intake.entries(stream)
        return [fields for _, fields in self.client.xrange(key(stream))]

    def person(self, ref):
        return self.intake.people[ref] if self.client is None else self.client.hgetall(key(f"person:{ref}"))

    def set_clock(self, fields):
        if self.client is None:
            self.intake.clock_fields = fields
        else:
            self.client.hset(key("clock"), mapping=fields)


@pytest.fixture(params=["memory", "redis"])
async def both(request):
    if request.param == "memory":
        yield Both(MemoryIntake())
        return
    address = request.getfixturevalue("redis_settings").redis_address
    with redis.Redis.from_url(address, decode_responses=True) as client:
        intake = RedisIntake(address)
        yield Both(intake, client)
        await intake.close()


async def test_entries_are_stored_in_order_when_append_returns(both):
    ids = await both.intake.append([("sensor", {**FIELDS, "id": f"r-{n}"}) for n in range(1000)])
    assert len(set(ids)) == 1000
    assert [fields["id"] for fields in both.entries("sensor")] == [f"r-{n}" for n in range(1000)]
    assert both.entries("sensor")[0]["data"] == FIELDS["data"]
    assert await both.intake.append([]) == []


async def test_bytes_and_text_are_the_same_in_the_stream(both):
    await both.intake.append([("complaint", {**FIELDS, "data": '{"text":"噪声"}'.encode()})])
    assert both.entries("complaint")[0]["data"] == '{"text":"噪声"}'


async def test_what_is_refused_is_kept_masked_with_its_reason(both):
    event = {**FIELDS, "data": '{"reporter":{"name":"王小明","phone":"13812345678"}}'}
    await both.intake.reject("complaint", event, "bad_data", {"detail": "13812345678?"}, "/web", "5-0")
    (kept,) = both.entries("rejected")
    assert (kept["stream"], kept["entry"], kept["source"], kept["code"]) == ("complaint", "5-0", "/web", "bad_data")
    assert json.loads(kept["args"]) == {"detail": "138****5678?"}
    assert json.loads(kept["event"])["data"]["reporter"] == {"name": "王**", "phone": "138****5678"}
    assert int(kept["at"]) > 1_700_000_000_000
    assert "小明" not in kept["event"]


@pytest.mark.parametrize("raw", [b"\xff\xfe 13812345678", b"{", b"[" * 200_000, b""])
async def test_what_is_no_json_is_kept_as_text(both, raw):
    await both.intake.reject("sensor", raw, "bad_json", {}, "/web")
    kept = both.entries("rejected")[-1]
    assert "13812345678" not in kept["event"]
    assert set(json.loads(kept["event"])) == {"raw"}


async def test_of_a_megabyte_the_beginning_is_kept_and_its_size(both):
    await both.intake.reject("complaint", b'{"text":"' + b"x" * 1_000_000, "bad_json", {}, "/web")
    (kept,) = both.entries("rejected")
    assert len(kept["event"]) < 70_000
    assert json.loads(kept["args"]) == {"size_bytes": 1_000_009, "kept_bytes": 65_536}


async def test_without_a_clock_record_the_city_lives_now(both):
    assert abs(await both.intake.city_now_ms() - module.real_now_ms()) < 1000


async def test_the_city_clock_runs_as_the_engine_says(both):
    now = module.real_now_ms()
    both.set_clock({"base_city_ms": "1000000", "base_real_ms": str(now - 2000), "rate": "600", "source": "replay"})
    assert 2_200_000 <= await both.intake.city_now_ms() < 2_800_000


async def test_a_person_is_remembered_apart_and_referred_to(both):
    reporter = await both.intake.remember_person("王小明", "138 1234 5678")
    assert reporter["masked"] == "138****5678 / 王**"
    assert both.person(reporter["ref"])["name"] == "王小明"
    assert both.person(reporter["ref"])["phone"] == "138 1234 5678"
    assert await both.intake.remember_person("王小明", "13812345678") == reporter


async def test_a_silent_store_is_said_and_nothing_is_accepted(tmp_path):
    memory, nowhere = MemoryIntake(lost=True), RedisIntake(f"unix://{tmp_path}/no.sock", timeout_s=0.2)
    for intake in (memory, nowhere):
        for ask in (
            intake.append([("sensor", FIELDS)]),
            intake.reject("sensor", b"", "bad_json", {}, ""),
            intake.city_now_ms(),
            intake.remember_person("a", "b"),
        ):
            with pytest.raises(StreamLost) as lost:
                await ask
            assert lost.value.code == "store_silent"
    assert memory.streams == {}


async def test_a_full_store_says_so(redis_settings):
    intake = RedisIntake(redis_settings.redis_address)
    with redis.Redis.from_url(redis_settings.redis_address) as client:
        limit = client.config_get("maxmemory")["maxmemory"]
        client.config_set("maxmemory", "1")
        try:
            with pytest.raises(StreamLost) as lost:
                await intake.append([("sensor", FIELDS)])
        finally:
            client.config_set("maxmemory", limit)
    assert lost.value.code == "store_full"
    await intake.close()


async def test_one_person_key_for_all_doors(redis_settings):
    one, other = RedisIntake(redis_settings.redis_address), RedisIntake(redis_settings.redis_address)
    assert await one.remember_person("a", "13812345678") == await other.remember_person("a", "13812345678")
    await one.close()
    await other.close()


def test_batches_are_cut_into_chunks():
    entries = [("sensor", FIELDS)] * 1001
    assert [len(chunk) for chunk in module.chunks(entries)] == [500, 500, 1]
