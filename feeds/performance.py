"""The performance: writes a rehearsal's inputs to their streams, some thousand at a time, in the store's own time.

One script writes a whole part or nothing of it, and takes its ids from the store's clock the moment it writes: others
append meanwhile, and an id may not be below the newest of its stream. May not know what the inputs mean.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from typing import Any, Final

from redis.exceptions import RedisError

from dashboard.errors import StreamLost
from dashboard.live.streams import INPUTS, key
from feeds.envelope import Envelope
from feeds.rehearsal import Step, command_event, set_clock

PART: Final = 3_000
"""Entries of one script: some 30 ms of the store."""
STEP_MS: Final = 2
"""Milliseconds of the store that one step of the rehearsal takes up."""

_WRITE: Final = """
local time = redis.call('TIME')
local base = math.max(time[1] * 1000 + math.floor(time[2] / 1000), tonumber(ARGV[1])) + 1
for _, stream in ipairs(KEYS) do
  local known = redis.pcall('XINFO', 'STREAM', stream)
  for i = 1, #known, 2 do
    if known[i] == 'last-generated-id' then base = math.max(base, tonumber(string.match(known[i + 1], '^%d+')) + 1) end
  end
end
local a = 2
while a <= #ARGV do
  local id = string.format('%.0f-%s', base + ARGV[a + 1], ARGV[a + 2])
  local last = a + 3 + ARGV[a + 3]
  redis.call('XADD', KEYS[tonumber(ARGV[a])], id, unpack(ARGV, a + 4, last))
  a = last + 1
end
return string.format('%.0f', base)
"""


async def perform(store: Any, steps: Sequence[Step]) -> None:
    """Write the inputs of all steps, and return once the store's clock has passed the last of them.

    `store`: a client of the streams.  Raises: StreamLost.
    """
    write, run, last_ms = store.register_script(_WRITE), await _store_ms(store), 0
    for part in _parts(steps):
        arguments: list[Any] = [last_ms]
        for stream, ms, number, event in timed(part, run):
            fields = [one for pair in event.fields().items() for one in pair]
            arguments += [INPUTS.index(stream) + 1, ms, number, len(fields), *fields]
        base_ms = int(await _answered(write([key(name) for name in INPUTS], arguments)))
        last_ms = base_ms + STEP_MS * len(part) - 1
    await asyncio.sleep(max(last_ms + 1 - await _store_ms(store), 0) / 1000)


def timed(steps: Sequence[Step], run: int) -> Iterable[tuple[str, int, int, Envelope]]:
    """Stream, ms after the first, number within it, and event of every input: a step's clock first, its inputs next.

    An engine handles what lies before a turn of the clock by the old clock, so the steps stay apart however it reads.
    `run` sets the commands of one performance apart from those of another.
    """
    for index, step in enumerate(steps):
        ms = STEP_MS * index
        yield "command", ms, 0, command_event(set_clock(step.city_ms, 0, run))
        counts = dict.fromkeys(INPUTS, 0)
        for stream, event in step.inputs:
            yield stream, ms + 1, counts[stream], event
            counts[stream] += 1


def _parts(steps: Sequence[Step]) -> Iterable[list[Step]]:
    """Whole steps, some thousand entries at a time."""
    held: list[Step] = []
    for step in steps:
        held.append(step)
        if sum(len(one.inputs) for one in held) >= PART:
            yield held
            held = []
    if held:
        yield held


async def _answered(reply: Awaitable[Any]) -> Any:
    try:
        return await reply
    except (RedisError, OSError) as error:
        raise StreamLost("store_silent", detail=str(error)[:200]) from error


async def _store_ms(store: Any) -> int:
    seconds, micros = await _answered(store.time())
    return int(seconds) * 1000 + int(micros) // 1000
