"""Delivery: the one way from the items of a door to the streams — take people out, admit, append, keep the refused.

Every door, gateway and replay goes through `deliver`, so that the same fault has the same code and is kept in the
same place. May not know HTTP or sockets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from dashboard import words
from dashboard.city import privacy
from dashboard.city.admission import LIVE, Bounds, read_event
from dashboard.city.events import STREAM_OF
from dashboard.city.state import Clock
from dashboard.errors import BadPayload
from dashboard.live.intake import Entry, Intake, clipped
from feeds.envelope import Envelope, Item, Unreadable


class Accepted(Struct, frozen=True):
    """The store has it."""

    id: str


class Refusal(Struct, frozen=True):
    """It was not taken: the reason. It is kept, masked, under rejected."""

    code: str
    arguments: dict[str, object]
    id: str = ""


Result = Accepted | Refusal


def refusal(code: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """A refusal as the sender reads it: code, sentence in both languages, arguments."""
    return words.refusal(code, clipped(arguments))


async def deliver(
    items: Sequence[Item], intake: Intake, bounds: Bounds | None, stream: str = "", now_ms: int | None = None
) -> list[Result]:
    """Puts what may enter on its stream and keeps the rest with its reason; a result for each item, in order.

    `stream` names where an item without a known type was meant to go; `now_ms` is the city's time where the caller set
    it.

    Raises:
        StreamLost: nothing of it may be called accepted; the sender sends all of it again.
    """
    clock = await intake.clock() if now_ms is None else LIVE
    received_ms = intake.real_ms() if now_ms is None else now_ms
    entries: list[Entry] = []
    results: list[Result] = []
    for item in items:
        try:
            entries.append(await _entry(item, intake, bounds, received_ms, clock))
            results.append(Accepted(item.id))
        except BadPayload as error:
            if isinstance(item, Envelope) and item.line:
                error.arguments["line"] = item.line
            await keep(item, error, intake, stream)
            results.append(Refusal(error.code, error.arguments, item.id))
    await intake.append(entries)
    return results


async def _entry(item: Item, intake: Intake, bounds: Bounds | None, received_ms: int, clock: Clock) -> Entry:
    if isinstance(item, Unreadable):
        raise BadPayload(item.code, **item.arguments)
    data, person = privacy.without_person(item.type, item.data)
    read_event(item.id, item.source, item.type, item.time, data, bounds, received_ms, clock)
    if person is not None:
        # Only now: a name that came with a refused event is kept nowhere.
        reporter = await intake.remember_person(person.name, person.phone)
        data = msgspec.json.encode({**msgspec.json.decode(data), "reporter": reporter})
    return STREAM_OF[item.type], msgspec.structs.replace(item, data=data).fields()


async def keep(item: Item, error: BadPayload, intake: Intake, stream: str = "") -> None:
    """Keeps a refused item, whole but masked, under rejected.  Raises: StreamLost."""
    if isinstance(item, Envelope):
        stream = STREAM_OF.get(item.type, stream)
        raw: object = item.fields()
    else:
        raw = item.raw
    await intake.reject(stream, raw, error.code, error.arguments, item.source)  # type: ignore[arg-type]
