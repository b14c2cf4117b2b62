"""Snapshots: state and latest telemetry of a moment as one file beside the archive, so that a start takes seconds.

Written by a thread from shallow copies (rows are immutable), in chunks, so that the engine never stands still for it.
A reader needs the archive's address and the record `snapshot`; it then applies the journal after the named entry.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final
from zlib import crc32

import msgspec
from msgspec import Struct

from dashboard.city.cameras import Sighting
from dashboard.city.flood import Arrived
from dashboard.city.kpis import Points
from dashboard.city.state import ROW_TYPES, Answered, CityState, Clock, Entry, RecentComplaint
from dashboard.city.telemetry import PictureNow, SensorNow, SourceNow, TeamNow, Telemetry
from dashboard.live.streams import Cursor

FORMAT: Final = 1
CHUNK: Final = 2_000
"""Rows encoded at a time: about 1 ms during which the engine's thread waits."""
KEPT: Final = 3


class Snapshot(Struct):
    """State and telemetry as they were when `cursor` had been handled and journal entry `journal` written."""

    state: CityState
    telemetry: Telemetry
    cursor: Cursor
    journal: str
    points: Points = {}
    """The last hour of each figure: what the engine alone remembers."""


class Picture(Struct):
    """Shallow copies of one moment, taken by the engine, written out by a thread."""

    state: CityState
    telemetry: Telemetry
    cursor: Cursor
    journal: str
    points: Points = {}


def picture(
    state: CityState, telemetry: Telemetry, cursor: Cursor, journal: str, points: Points | None = None
) -> Picture:
    """Copies that stay as they are while the engine goes on; about 5 ms at the reference load."""
    copied = CityState(
        seq=state.seq, clock=state.clock, numbers=state.numbers, registry=state.registry, pack_digest=state.pack_digest
    )
    for table in ROW_TYPES:
        setattr(copied, table, dict(getattr(state, table)))
    copied.timelines = {id_: list(entries) for id_, entries in state.timelines.items()}
    copied.seen = {hour: set(causes) for hour, causes in state.seen.items()}
    copied.refused = dict(state.refused)
    copied.counts = dict(state.counts)
    copied.minutes = {minute: dict(counts) for minute, counts in state.minutes.items()}
    copied.recent = deque(state.recent)
    copied.calls = deque(state.calls)
    copied.hours = dict(state.hours)
    copied.cameras = dict(state.cameras)
    copied.arrived = deque(state.arrived)
    copied.turns = deque(state.turns)
    copied.alarms = {hour: dict(counts) for hour, counts in state.alarms.items()}
    held = Telemetry(dict(telemetry.sensors), dict(telemetry.teams), dict(telemetry.sources), dict(telemetry.pictures))
    return Picture(copied, held, Cursor(dict(cursor.after), cursor.seq, cursor.handled_ms), journal, points or {})


def write(directory: Path, taken: Picture) -> str:
    """Write a picture and return the file's name: temporary file, fsync, rename, so that a reader sees it whole."""
    directory.mkdir(parents=True, exist_ok=True)
    name = f"snapshot-{taken.state.seq:012d}-{time.time_ns()}.comis"
    temporary = directory / f"{name}.part"
    with temporary.open("wb") as file:
        check = 0
        for section, payload in _sections(taken):
            check = crc32(_put(file, section, payload), check)
            time.sleep(0)  # let the engine's thread run between chunks
        _put(file, "end", msgspec.msgpack.encode(check))
        file.flush()
        os.fsync(file.fileno())
    temporary.rename(directory / name)
    folder = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(folder)  # the name itself must outlive a power cut: the store will be told of it
    finally:
        os.close(folder)
    _keep_newest(directory)
    return name


def _keep_newest(directory: Path) -> None:
    for old in sorted(directory.glob("snapshot-*.comis"), key=lambda path: path.stat().st_mtime)[:-KEPT]:
        old.unlink(missing_ok=True)


def _record(section: str, payload: bytes) -> bytes:
    return msgspec.msgpack.encode((section, msgspec.Raw(payload)))


def _put(file: BinaryIO, section: str, payload: bytes) -> bytes:
    record = _record(section, payload)
    file.write(len(record).to_bytes(4, "big") + record)
    return record


def _sections(taken: Picture) -> Iterator[tuple[str, bytes]]:
    encode = msgspec.msgpack.encode
    state = taken.state
    head = {
        "format": FORMAT, "seq": state.seq, "clock": state.clock, "numbers": state.numbers, "registry": state.registry,
        "cursor": taken.cursor, "journal": taken.journal, "counts": state.counts, "pack_digest": state.pack_digest,
    }  # fmt: skip
    yield "head", encode(head)
    for table in ROW_TYPES:
        for chunk in _chunks(getattr(state, table)):
            yield table, encode(chunk)
    for chunk in _chunks(state.timelines, 200):
        yield "timelines", encode(chunk)
    for chunk in _chunks(state.minutes, 200):
        yield "minutes", encode(chunk)
    for hour, causes in state.seen.items():
        yield "seen", encode((hour, list(causes)))
    yield "refused", encode(state.refused)
    yield "recent", encode(list(state.recent))
    yield "calls", encode(list(state.calls))
    yield "hours", encode(state.hours)
    for chunk in _chunks(state.cameras):
        yield "cameras", encode(chunk)
    yield "arrived", encode(list(state.arrived))
    yield "turns", encode(list(state.turns))
    for chunk in _chunks(state.alarms, 1):
        yield "alarms", encode(chunk)
    yield "points", encode(taken.points)
    for kind in ("sensors", "teams", "sources", "pictures"):
        rows = list(getattr(taken.telemetry, kind).items())
        for start in range(0, len(rows), CHUNK):
            yield f"now:{kind}", encode(dict(rows[start : start + CHUNK]))


def _chunks(table: dict[Any, Any], size: int = CHUNK) -> Iterator[dict[Any, Any]]:
    items = list(table.items())
    for start in range(0, len(items), size):
        yield dict(items[start : start + size])


_TABLES: Final[dict[str, msgspec.msgpack.Decoder[Any]]] = {
    name: msgspec.msgpack.Decoder(dict[str, row])  # type: ignore[valid-type]
    for name, row in {
        **ROW_TYPES, "now:sensors": SensorNow, "now:teams": TeamNow, "now:sources": SourceNow,
        "now:pictures": PictureNow,
    }.items()
}  # fmt: skip


def read(path: Path) -> Snapshot:
    """The snapshot of a file.  Raises: OSError, msgspec.DecodeError where it is not one; it is then not used."""
    state, telemetry = CityState(), Telemetry.empty()
    cursor, journal, points = Cursor(), "0-0", Points()
    outer = msgspec.msgpack.Decoder(tuple[str, msgspec.Raw])
    for record in _whole(path.read_bytes()):
        section, payload = outer.decode(record)
        if section == "head":
            cursor, journal = _read_head(state, payload)
        elif section == "points":
            points = msgspec.msgpack.decode(payload, type=Points)
        else:
            _read_section(state, telemetry, section, payload)
    return Snapshot(state, telemetry, cursor, journal, points)


def _whole(raw: bytes) -> list[bytes]:
    """The records of a file that is as it was written: a damaged one is not even decoded.  Raises: DecodeError."""
    records, at, check = [], 0, 0
    while at < len(raw):
        size = int.from_bytes(raw[at : at + 4], "big")
        records.append(raw[at + 4 : at + 4 + size])
        at += 4 + size
    *sections, end = records or [b""]
    for record in sections:
        check = crc32(record, check)
    if at != len(raw) or end != _record("end", msgspec.msgpack.encode(check)):
        raise msgspec.DecodeError("the file is not whole")
    return sections


def _read_head(state: CityState, payload: msgspec.Raw) -> tuple[Cursor, str]:
    head: dict[str, Any] = msgspec.msgpack.decode(payload)
    state.seq, state.numbers, state.registry, state.counts = (
        head["seq"], head["numbers"], head["registry"], head["counts"],
    )  # fmt: skip
    state.clock = msgspec.convert(head["clock"], Clock)
    state.pack_digest = head["pack_digest"]
    return msgspec.convert(head["cursor"], Cursor), head["journal"]


def _read_section(state: CityState, telemetry: Telemetry, section: str, payload: msgspec.Raw) -> None:
    decode = msgspec.msgpack.decode
    if section in _TABLES:
        holder = telemetry if section.startswith("now:") else state
        getattr(holder, section.removeprefix("now:")).update(_TABLES[section].decode(payload))
    elif section == "timelines":
        state.timelines.update(decode(payload, type=dict[str, list[Entry]]))
    elif section == "minutes":
        state.minutes.update(decode(payload, type=dict[int, dict[str, int]]))
    elif section == "seen":
        hour, causes = decode(payload, type=tuple[int, set[int]])
        state.seen[hour] = causes
    elif section == "refused":
        state.refused.update(decode(payload, type=dict[str, Answered]))
    elif section == "recent":
        state.recent.extend(decode(payload, type=list[RecentComplaint]))
    elif section == "calls":
        state.calls.extend(decode(payload, type=list[tuple[int, str]]))
    elif section == "cameras":
        state.cameras.update(decode(payload, type=dict[str, tuple[Sighting, ...]]))
    elif section == "hours":
        state.hours.update(decode(payload, type=dict[int, int]))
    elif section == "arrived":
        state.arrived.extend(decode(payload, type=list[Arrived]))
    elif section == "turns":
        state.turns.extend(decode(payload, type=list[tuple[int, str]]))
    elif section == "alarms":
        state.alarms.update(decode(payload, type=dict[int, dict[str, int]]))
