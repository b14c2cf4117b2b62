from itertools import pairwise

import redis.asyncio

from dashboard.live.streams import INPUTS, key, parse_id
from feeds.envelope import Envelope
from feeds.performance import PART, STEP_MS, perform
from feeds.rehearsal import Input, Step


def steps(count: int, inputs: int) -> list[Step]:
    """So many steps a minute apart, each with so many heartbeats."""
    return [
        Step(
            minute * 60_000,
            [
                Input("sensor", Envelope(f"e-{minute}-{n}", "/sensors/a", "city.source.heartbeat", b"{}"))
                for n in range(inputs)
            ],
        )
        for minute in range(count)
    ]


async def ids(store: redis.asyncio.Redis, stream: str) -> list[tuple[int, int]]:
    return [parse_id(id_) for id_, _ in await store.xrange(key(stream))]


async def test_every_input_is_written_once_in_its_order(redis_address: str) -> None:
    async with redis.asyncio.Redis.from_url(redis_address) as store:
        await perform(store, steps(9, PART // 4))
        assert [fields[b"id"] for _, fields in await store.xrange(key("sensor"))] == [
            f"e-{minute}-{n}".encode() for minute in range(9) for n in range(PART // 4)
        ]
        clocks = await ids(store, "command")
        assert len(clocks) == 9
        assert all(later[0] - clock[0] >= STEP_MS for clock, later in pairwise(clocks))


async def test_what_others_append_meanwhile_never_lies_ahead(redis_address: str) -> None:
    async with redis.asyncio.Redis.from_url(redis_address) as store:
        seconds, micros = await store.time()
        ahead_ms = seconds * 1000 + micros // 1000 + 300  # as on a loaded machine
        for stream in INPUTS:
            await store.xadd(key(stream), {"id": "another"}, id=f"{ahead_ms}-7")
        await store.xdel(key("sensor"), f"{ahead_ms}-7")
        await perform(store, steps(2, 3))
        assert [ms for ms, _ in await ids(store, "sensor")] == [ahead_ms + STEP_MS] * 3 + [ahead_ms + 2 * STEP_MS] * 3
