"""Grouping 归并: in a flood new items of one cause at one place are one row of the queue, and low ones wait.

Priority one never has a group and never waits. Nothing is dropped: a grouped item is open like any other, with its own
limit and its own number. May not know screens.
"""

from __future__ import annotations

from typing import Any, Final, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from dashboard.city import flood
from dashboard.city.alerts import Alert
from dashboard.city.changes import Rows
from dashboard.city.flood import Flood
from dashboard.city.incidents import REPORTED, Incident
from dashboard.city.ledger import Ledger
from dashboard.city.pack import Rule

LATER_MS: Final = 1_800_000
"""What has no limit waits half an hour in the later lane."""
LOWEST: Final = 3
"""The priority that waits in a flood; priority 2 is grouped and stays."""
_Row = TypeVar("_Row", Incident, Alert)


class Arrival(Struct, frozen=True):
    """What goes into the change that brings a new item."""

    floods: Rows
    arrived: list[Any]
    """An entry of `CityState.arrived`."""


def incident_arrives(ledger: Ledger, incident: Incident, kind: str = "") -> tuple[Incident, Arrival]:
    """An incident comes before a seat, in a flood with its group.  Returns: its row, and what goes with it."""
    kind = kind or (flood.REPORTED if incident.state == REPORTED else flood.REGISTERED)
    later_ms = ledger.now_ms + LATER_MS
    if incident.due_ms is not None and incident.limit_s is not None:
        later_ms = incident.due_ms - int((1 - incident.yellow_from) * incident.limit_s * 1000)
    where = _place(ledger, incident.lat, incident.lon) or incident.area
    return _arrives(
        ledger,
        incident,
        kind,
        incident.area,
        incident.category,
        incident.group or f"{incident.category}@{where}",
        later_ms,
    )


def alert_arrives(ledger: Ledger, rule: Rule, alert: Alert) -> tuple[Alert, Arrival]:
    """An alert that stands alone comes before the seats, in a flood with its group: one silent network is one cause."""
    area = None if alert.lat is None or alert.lon is None else ledger.gazetteer.area(alert.lat, alert.lon)
    where = _place(ledger, alert.lat, alert.lon) if rule.kind != "silence" else ""
    key = f"{rule.key}@{where}" if where else f"{rule.kind}@{_parent(ledger, alert.subject)}"
    later_ms = ledger.now_ms + int(rule.time_available_s * 500)
    return _arrives(ledger, alert, flood.ALERT, area.key if area else "", rule.category, key, later_ms)


def _arrives(
    ledger: Ledger, row: _Row, kind: str, area: str, category: str, group: str, later_ms: int
) -> tuple[_Row, Arrival]:
    rows: dict[str, object] = {}
    roles = flood.roles_of(kind, ledger.pack.filing)
    seats = [ledger.seats.fitting(role, area, category).id for role in roles]
    for seat in seats:
        held = _flood_at(ledger, seat)
        if held is not None and row.priority > 1:
            rows[seat] = replace(held, grouped=held.grouped + 1, version=held.version + 1)
    if rows:
        waits = row.priority >= LOWEST and later_ms > ledger.now_ms
        row = replace(row, group=group, later_until_ms=later_ms if waits else None)
    return row, Arrival({"floods": rows} if rows else {}, [ledger.now_ms, seats, area])


def _flood_at(ledger: Ledger, seat: str) -> Flood | None:
    """The flood at a seat as the next item arrives there: it may have just ended, or begin with this one."""
    arrived = ledger.state.arrived
    held = ledger.state.floods.get(seat)
    if held is not None:
        end_ms = flood.ends_ms(arrived, seat)
        if end_ms > ledger.now_ms:
            return held
        _end(ledger, held, end_ms)
    if not flood.begins(arrived, seat, ledger.now_ms):
        return None
    load = flood.load(arrived, seat, ledger.now_ms) + 1
    row = Flood(seat, ledger.now_ms, load)
    ledger.decide("flood_began", {"floods": {seat: row}}, seat=seat, load=load)
    return row


def end_due(ledger: Ledger, seat: str, due_ms: int) -> None:
    """Time has passed: the flood ends as soon as fewer than five arrived in ten minutes."""
    held = ledger.state.floods.get(seat)
    if held is None:
        return
    end_ms = flood.ends_ms(ledger.state.arrived, seat)
    if end_ms > ledger.now_ms:
        ledger.wake(end_ms, "flood", seat)
    else:
        _end(ledger, held, end_ms)


def end_all(ledger: Ledger) -> None:
    """The clock begins anew: what arrived before is of another time."""
    for held in list(ledger.state.floods.values()):
        _end(ledger, held, 0)


def _end(ledger: Ledger, held: Flood, end_ms: int) -> None:
    ledger.decide(
        "flood_ended",
        {"floods": {held.id: None}},
        at_ms=end_ms or ledger.now_ms,
        seat=held.id,
        since_ms=held.since_ms,
        load=held.load,
        grouped=held.grouped,
    )


def _place(ledger: Ledger, lat: float | None, lon: float | None) -> str:
    """The key of the named place it is at or near, empty where there is none."""
    found = None if lat is None or lon is None else ledger.gazetteer.place(lat, lon)
    return found[0].key if found else ""


def _parent(ledger: Ledger, subject: str) -> str:
    """The network that a sensor or a source belongs to: `/noise` of `/noise/west`."""
    sensor = ledger.telemetry.sensors.get(subject)
    source = subject if sensor is None else sensor.source
    return source.rpartition("/")[0] or source
