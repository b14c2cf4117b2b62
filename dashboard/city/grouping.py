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
from dashboard.city.correlation import OpenByPlace
from dashboard.city.flood import Flood
from dashboard.city.incidents import PENDING_REGISTER, REPORTED, Incident
from dashboard.city.ledger import Ledger
from dashboard.city.pack import Rule

LATER_MS: Final = 1_800_000
"""What has no limit waits half an hour in the later lane."""
JOINED_M: Final = 500
"""What is nearer than this to another of its class hangs together with it: the radius of a burst of complaints."""
REACH_M: Final = 1_500
"""A group reaches no further from the place that it is named after."""
LOWEST: Final = 3
"""The priority that waits in a flood; priority 2 is grouped and stays."""
NEW: Final = (REPORTED, PENDING_REGISTER)
_Row = TypeVar("_Row", Incident, Alert)


class Arrival(Struct, frozen=True):
    """What goes into the change that brings a new item."""

    floods: Rows
    arrived: list[Any]
    """An entry of `CityState.arrived`."""


def incident_arrives(ledger: Ledger, incident: Incident, kind: str = "") -> tuple[Incident, Arrival]:
    """An incident comes before a seat, in a flood with its group.  Returns: its row, and what goes with it."""
    later_ms = ledger.now_ms + LATER_MS
    if incident.due_ms is not None and incident.limit_s is not None:
        later_ms = incident.due_ms - int((1 - incident.yellow_from) * incident.limit_s * 1000)
    group = incident.group or _cause_of_incident(ledger, incident)
    return _arrives(ledger, incident, kind or _kind(incident), incident.area, incident.category, group, later_ms)


def alert_arrives(ledger: Ledger, rule: Rule, alert: Alert) -> tuple[Alert, Arrival]:
    """An alert that stands alone comes before the seats, in a flood with its group."""
    later_ms = ledger.now_ms + int(rule.time_available_s * 500)
    group = _cause_of_alert(ledger, alert)
    return _arrives(ledger, alert, flood.ALERT, _area(ledger, alert), rule.category, group, later_ms)


def _cause_of_incident(ledger: Ledger, incident: Incident) -> str:
    """Its class, and where."""
    return _cause(ledger, incident.category, incident.lat, incident.lon, incident.area)


def _cause(ledger: Ledger, category: str, lat: float, lon: float, area: str) -> str:
    """A class, at the place of the oldest group of it that lies near, else at a named place or in an area.

    One cause fills the streets between two named places; it stays one as long as it hangs together and does not reach
    far from the place that it is named after.
    """
    return _joined(ledger, ledger.open_by_place, category, lat, lon) or f"{category}@{_place(ledger, lat, lon) or area}"


def _joined(ledger: Ledger, index: OpenByPlace, category: str, lat: float, lon: float) -> str:
    """The oldest group of a class that lies near and reaches as far, empty where there is none."""
    near = index.near(category, lat, lon, JOINED_M)
    groups = (group for _, group in sorted((row.number, row.group) for _, row in near if row.group))
    return next((group for group in groups if _reaches(ledger, group, lat, lon)), "")


def _reaches(ledger: Ledger, group: str, lat: float, lon: float) -> bool:
    away_m = ledger.gazetteer.away_m(group.rpartition("@")[2], lat, lon)
    return away_m is None or away_m <= REACH_M


def _cause_of_alert(ledger: Ledger, alert: Alert) -> str:
    """Its rule, at the named place it is near; of a burst its class, so that it stands with the incidents of it.

    One silent network is one cause, wherever its sensors stand.
    """
    if alert.lat is None or alert.lon is None or alert.kind == "silence":
        return f"{alert.kind}@{_parent(ledger, alert.subject)}"
    if alert.kind == "burst":
        return _cause(ledger, alert.subject.partition("@")[0], alert.lat, alert.lon, _area(ledger, alert))
    return f"{alert.rule}@{_place(ledger, alert.lat, alert.lon) or _area(ledger, alert)}"


def _arrives(
    ledger: Ledger, row: _Row, kind: str, area: str, category: str, group: str, later_ms: int
) -> tuple[_Row, Arrival]:
    rows: dict[str, object] = {}
    seats = _seats(ledger, kind, area, category)
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
    rows, count = _gathered(ledger, seat)
    row = Flood(seat, ledger.now_ms, load, count)
    ledger.decide("flood_began", {"floods": {seat: row}, **rows}, seat=seat, load=load)
    return row


def _gathered(ledger: Ledger, seat: str) -> tuple[Rows, int]:
    """What made the flood and nobody has touched yet gets its group too; it waits no longer for that.

    Returns: rows of those without one, whose new version nobody who decides has to have seen; how many have one then.
    """
    since_ms, count = ledger.now_ms - flood.WINDOW_MS, 0
    cases: dict[str, object] = {}
    near = OpenByPlace()
    for row in sorted(ledger.state.incidents.values(), key=lambda row: row.number):
        if not (row.stage_since_ms > since_ms and row.state in NEW and row.priority > 1):
            continue
        touched = row.acknowledged_at_ms is not None or f"incidents {row.id}" in ledger.state.claims
        if touched or seat not in _seats(ledger, _kind(row), row.area, row.category):
            continue
        count += 1
        if not row.group:
            group = _joined(ledger, near, row.category, row.lat, row.lon) or _cause_of_incident(ledger, row)
            cases[row.id] = grouped = replace(row, group=group, marks=row.marks + 1, version=row.version + 1)
            near.put(row.id, grouped)
    return ({"incidents": cases} if cases else {}), count


def _seats(ledger: Ledger, kind: str, area: str, category: str) -> list[str]:
    """Before which seats it comes."""
    return [ledger.seats.fitting(role, area, category).id for role in flood.roles_of(kind, ledger.pack.filing)]


def _kind(incident: Incident) -> str:
    return flood.REPORTED if incident.state == REPORTED else flood.REGISTERED


def _area(ledger: Ledger, alert: Alert) -> str:
    found = None if alert.lat is None or alert.lon is None else ledger.gazetteer.area(alert.lat, alert.lon)
    return found.key if found else ""


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


def _place(ledger: Ledger, lat: float, lon: float) -> str:
    """The key of the named place it is at or near, empty where there is none."""
    found = ledger.gazetteer.place(lat, lon)
    return found[0].key if found else ""


def _parent(ledger: Ledger, subject: str) -> str:
    """The network that a sensor or a source belongs to: `/noise` of `/noise/west`."""
    sensor = ledger.telemetry.sensors.get(subject)
    source = subject if sensor is None else sensor.source
    return source.rpartition("/")[0] or source
