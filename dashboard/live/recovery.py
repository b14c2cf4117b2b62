"""Recovery: a snapshot, the journal after it, and the inputs it missed for telemetry — for engine and web alike.

One way to the present for everybody: snapshot + changes = fresh state. What does not lead to the present is not used: a
city that silently lacks a part of its past is worse than one that says that it cannot start.
"""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Final

import msgspec
from msgspec import UNSET, Struct

from dashboard.city.alerts import Alert
from dashboard.city.events import Detection, Picture, Position, Reading, Readings
from dashboard.city.handling import note_position
from dashboard.city.ledger import flag_of
from dashboard.city.sensing import source_key
from dashboard.city.state import CityState, Clock, apply, cause_hash
from dashboard.city.telemetry import SensorNow, Telemetry
from dashboard.errors import BadPayload, CannotStart
from dashboard.live import snapshots
from dashboard.live.snapshots import Snapshot
from dashboard.live.streams import Cursor, Entry, Streams, format_id
from dashboard.live.wire import decode_journal, read_event

log = logging.getLogger(__name__)
PAGE: Final = 1_000

_Clocks = list[tuple[int, Clock]]
"""The city clocks in force since the snapshot: up to which real time, inclusive, each counted."""
_FOR_EVER: Final = 1 << 62


class _Ears(Struct):
    """What is needed to hear inputs as they were heard then: the clocks, and causes that had been handled before."""

    clocks: _Clocks
    handled: set[int]
    first: int = 0
    """The first clock since which none was set back: what was heard by an earlier one is of a time yet to come."""

    def __post_init__(self) -> None:
        pairs = zip(self.clocks, self.clocks[1:], strict=False)
        back = [
            at for at, ((until_ms, clock), (_, next_)) in enumerate(pairs, 1) if _is_set_back(until_ms, clock, next_)
        ]
        self.first = max(back, default=0)


def recover(streams: Streams, directory: Path, file: str, cursor: Cursor) -> Snapshot:
    """State and telemetry as of the cursor, and the id of the newest journal entry applied.

    `file` is the announced snapshot; where it cannot be used, the ones before it are tried, and then the journal alone.
    Raises: CannotStart where none of them and the journal make one history up to the cursor.
    """
    for found in _candidates(directory, file):
        before = {cause for causes in found.state.seen.values() for cause in causes}
        clocks = _follow(streams, found)
        if clocks is not None and found.state.seq >= cursor.seq:
            _hear_again(streams, found, cursor, _Ears(clocks, before))
            _show(found)
            return found
    raise CannotStart(
        f"The journal does not reach back to any snapshot in {directory}, or ends before change {cursor.seq}; "
        "restore the snapshots of the archive, or the store, from a backup."
    )


def _candidates(directory: Path, file: str) -> Iterator[Snapshot]:
    others = sorted(directory.glob("snapshot-*.comis"), key=lambda path: path.name, reverse=True)
    for path in dict.fromkeys([*([directory / file] if file else []), *others]):
        try:
            yield snapshots.read(path)
        except (OSError, msgspec.DecodeError, KeyError) as error:
            log.error("snapshot not usable file=%s error=%s", path.name, error)
    yield Snapshot(CityState(), Telemetry.empty(), Cursor(), "0-0")


def _follow(streams: Streams, found: Snapshot) -> _Clocks | None:
    """Apply the journal after a snapshot.  Returns: the clocks it went through, None where the journal has a gap."""
    clocks: _Clocks = []
    while page := streams.journal(found.journal, PAGE):
        for id_, raw in page:
            for change in decode_journal(raw).changes:
                if change.seq != found.state.seq + 1:
                    log.error("journal gap before=%d after=%d", found.state.seq, change.seq)
                    return None
                before = found.state.clock
                apply(found.state, change)
                if found.state.clock is not before:
                    clocks.append((change.received_ms, before))
                    if _is_set_back(change.received_ms, before, found.state.clock):
                        found.telemetry.forget()
            found.journal = id_
    return [*clocks, (_FOR_EVER, found.state.clock)]


def _is_set_back(at_ms: int, clock: Clock, following: Clock) -> bool:
    return following.city_ms(at_ms) < clock.city_ms(at_ms)


def _show(found: Snapshot) -> None:
    """What screens show of each sensor follows from its alerts as they are now, not as they were at the snapshot."""
    held: dict[str, list[Alert]] = {}
    for alert in found.state.alerts.values():
        held.setdefault(alert.subject, []).append(alert)
    out = found.state.out_of_service
    for sensor in found.telemetry.sensors.values():
        sensor.flag = flag_of(held.get(sensor.id, ()), sensor.silent, sensor.id in out or sensor.source in out)


# ---- telemetry ------------------------------------------------------------------------------------------------------


def _hear_again(streams: Streams, found: Snapshot, cursor: Cursor, ears: _Ears) -> None:
    """Readings and positions handled since the snapshot: latest values again, no rules (these are journaled)."""
    for stream in ("sensor", "patrol"):
        last = cursor.after.get(stream)
        first = found.cursor.after.get(stream, "0-0")
        while last is not None and (page := streams.range(stream, f"({first}" if first != "0-0" else "-", last, PAGE)):
            for entry in page:
                _hear(found, entry, ears)
            first = format_id(page[-1].id)


def _hear(found: Snapshot, entry: Entry, ears: _Ears) -> None:
    if entry.get(b"type") == b"city.sensor.detection" and _told_twice(found, entry, ears):
        return
    at = bisect_left(ears.clocks, entry.id[0], key=itemgetter(0))
    if at < ears.first:
        return
    clock = ears.clocks[at][1]
    bounds = found.state.registry.get("bounds")
    try:
        event = read_event(entry, tuple(bounds) if bounds else None, clock)
    except BadPayload:
        return
    now_ms = clock.city_ms(entry.id[0])
    time_ms = now_ms if event.time_ms is None else event.time_ms
    known, data = found.telemetry, event.data
    if isinstance(data, Readings):
        for reading in data.readings:
            _reading(known, event.source, reading, time_ms, now_ms)
    elif isinstance(data, Reading):
        _reading(known, event.source, data, time_ms, now_ms)
    elif isinstance(data, Detection):
        seen = Reading(data.sensor, "camera", data.confidence, "", data.lat, data.lon)
        _reading(known, event.source, seen, time_ms, now_ms)
        if data.image is not UNSET:
            known.picture(data.sensor, data.image, time_ms)
    elif isinstance(data, Picture):
        _picture(known, event.source, data, time_ms, now_ms)
    elif isinstance(data, Position) and data.team in found.state.teams:
        note_position(known, data, time_ms, now_ms)


def _told_twice(found: Snapshot, entry: Entry, ears: _Ears) -> bool:
    cause = b"#".join((entry.get(b"source") or b"", entry.get(b"id") or b"")).decode("utf-8", "replace")
    if cause_hash(cause) in ears.handled:
        return True
    if found.state.handled(cause):
        ears.handled.add(cause_hash(cause))
    return False


def _picture(known: Telemetry, source: str, data: Picture, time_ms: int, now_ms: int) -> None:
    sensor = known.sensors.get(data.sensor)
    if sensor is None:
        seen = Reading(data.sensor, "camera", 0.0, "", data.lat, data.lon)
        _reading(known, source, seen, time_ms, now_ms)
    else:
        sensor.heard_ms, sensor.silent = now_ms, False
    known.picture(data.sensor, data.image, time_ms)


def _reading(known: Telemetry, source: str, reading: Reading, time_ms: int, now_ms: int) -> None:
    sensor = known.sensors.get(reading.sensor)
    if sensor is None:
        known.sensors[reading.sensor] = SensorNow(
            reading.sensor,
            reading.kind,
            reading.unit,
            reading.lat,
            reading.lon,
            reading.value,
            time_ms,
            now_ms,
            source_key(source, reading.sensor),
        )
    elif time_ms > sensor.time_ms:
        sensor.time_ms, sensor.heard_ms, sensor.value, sensor.silent = time_ms, now_ms, reading.value, False
