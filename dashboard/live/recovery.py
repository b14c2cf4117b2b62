"""Recovery: the newest snapshot, the journal after it, and the inputs it missed for telemetry — for engine and web alike.

One way to the present for everybody: snapshot + changes = fresh state.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final

import msgspec

from dashboard.city.events import Position, Reading, Readings
from dashboard.city.state import CityState, apply
from dashboard.city.telemetry import SensorNow, TeamNow, Telemetry
from dashboard.errors import BadPayload
from dashboard.live import snapshots
from dashboard.live.snapshots import Snapshot
from dashboard.live.streams import Cursor, Entry, Streams, format_id
from dashboard.live.wire import decode_journal, read_event

log = logging.getLogger(__name__)
PAGE: Final = 1_000


def recover(streams: Streams, directory: Path, file: str, cursor: Cursor) -> Snapshot:
    """State and telemetry as of the cursor, and the id of the newest journal entry applied."""
    found = _snapshot(directory, file)
    for id_, raw in _journal(streams, found.journal):
        for change in decode_journal(raw).changes:
            apply(found.state, change)
        found.journal = id_
    _hear_again(streams, found, cursor)
    return found


def _snapshot(directory: Path, file: str) -> Snapshot:
    if file:
        try:
            found = snapshots.newest(directory, file)
            if found is not None:
                return found
            log.error("snapshot missing file=%s; the journal is read from its beginning", file)
        except (OSError, msgspec.DecodeError, KeyError):
            log.exception("snapshot unreadable file=%s; the journal is read from its beginning", file)
    return Snapshot(CityState(), Telemetry.empty(), Cursor(), "0-0")


def _journal(streams: Streams, after: str) -> list[tuple[str, bytes]]:
    entries: list[tuple[str, bytes]] = []
    while page := streams.journal(after, PAGE):
        entries += page
        after = page[-1][0]
    return entries


def _hear_again(streams: Streams, found: Snapshot, cursor: Cursor) -> None:
    """Readings and positions handled since the snapshot: latest values again, no rules (their decisions are journaled)."""
    for stream in ("sensor", "patrol"):
        last = cursor.after.get(stream)
        first = found.cursor.after.get(stream, "0-0")
        while last is not None and (page := streams.range(stream, f"({first}" if first != "0-0" else "-", last, PAGE)):
            for entry in page:
                _hear(found, entry)
            first = format_id(page[-1].id)


def _hear(found: Snapshot, entry: Entry) -> None:
    now_ms = found.state.clock.city_ms(entry.id[0])
    try:
        event = read_event(entry, None, found.state.clock)
    except BadPayload:
        return
    time_ms = now_ms if event.time_ms is None else event.time_ms
    data = event.data
    if isinstance(data, Readings):
        for reading in data.readings:
            _reading(found.telemetry, event.source, reading, time_ms)
    elif isinstance(data, Reading):
        _reading(found.telemetry, event.source, data, time_ms)
    elif isinstance(data, Position):
        _position(found.telemetry, data, time_ms)


def _reading(known: Telemetry, source: str, reading: Reading, time_ms: int) -> None:
    sensor = known.sensors.get(reading.sensor)
    if sensor is None:
        suffix = "/" + reading.sensor
        source = source[: -len(suffix)] or "/" if source.endswith(suffix) else source
        known.sensors[reading.sensor] = SensorNow(
            reading.sensor,
            reading.kind,
            reading.unit,
            reading.lat,
            reading.lon,
            reading.value,
            time_ms,
            time_ms,
            source,
        )
    elif time_ms > sensor.time_ms:
        sensor.time_ms, sensor.heard_ms, sensor.value = time_ms, time_ms, reading.value


def _position(known: Telemetry, position: Position, time_ms: int) -> None:
    team = known.teams.get(position.team)
    if team is None or time_ms > team.time_ms:
        heading = position.heading_deg if isinstance(position.heading_deg, float) else None
        speed = position.speed_mps if isinstance(position.speed_mps, float) else None
        battery = position.battery if isinstance(position.battery, float) else None
        known.teams[position.team] = TeamNow(
            position.team, position.lat, position.lon, time_ms, time_ms, heading, speed, battery
        )
