"""Health of the alarms 告警体检: which sources chatter, what stands for days, who rings most, and each seat's load.

The measures of ISA-18.2 and EEMUA 191 (docs/domain), for the supervisor who puts rules and sensors right. Nothing is
decided by them. May not know screens.
"""

from __future__ import annotations

from collections import Counter
from statistics import median
from typing import Any, Final

from dashboard.city import alerts, flood
from dashboard.city.incidents import IN_HAND, OPEN
from dashboard.city.kpis import FEW
from dashboard.city.ledger import Ledger
from dashboard.city.state import DAY_MS

SHOWN: Final = 10
"""So many of each list: a plan for each is more than a week's work."""
CHATTER: Final = 3
CHATTER_MS: Final = 60_000
"""A source chatters with three transitions in a minute."""
STALE_MS: Final = DAY_MS
"""An alert that has stood for a day tells nobody anything."""
MIX: Final = (5, 15, 80)
"""Per cent of priority 1, 2 and 3 to aim at."""


def health(ledger: Ledger, now_ms: int) -> dict[str, Any]:
    """All measures as screens show them: lists of at most ten, each with the number of all."""
    touch_s, oldest_ms = _touch(ledger, now_ms)
    return {
        "chattering": _chattering(ledger, now_ms),
        "stale": _stale(ledger, now_ms),
        "top": _top(ledger),
        "mix": _mix(ledger, now_ms),
        "seats": _seats(ledger, now_ms),
        "touch_s": touch_s,
        "oldest_ms": oldest_ms,
    }


def loads(ledger: Ledger, now_ms: int) -> dict[str, int]:
    """New items of the last 10 min by seat; a seat without any is left out."""
    counted: Counter[str] = Counter()
    for one in ledger.state.arrived:
        if now_ms - flood.WINDOW_MS < one.at_ms <= now_ms:
            counted.update(one.seats)
    return dict(counted)


def _chattering(ledger: Ledger, now_ms: int) -> dict[str, Any]:
    """Sources with three transitions in one minute of the last ten, with how many transitions they had."""
    times: dict[str, list[int]] = {}
    for at_ms, subject in ledger.state.turns:
        if now_ms - flood.WINDOW_MS < at_ms <= now_ms:
            times.setdefault(subject, []).append(at_ms)
    found = []
    for subject, turns in times.items():
        turns.sort()
        if any(last - first <= CHATTER_MS for first, last in zip(turns, turns[CHATTER - 1 :], strict=False)):
            found.append([subject, len(turns), turns[-1]])
    return _most(found)


def _stale(ledger: Ledger, now_ms: int) -> dict[str, Any]:
    """Alerts whose condition has held for more than a day, the oldest first."""
    found = [
        [alert.subject, alert.rule, alert.raised_at_ms]
        for alert in ledger.state.alerts.values()
        if alert.cleared_at_ms is None and alert.state not in alerts.AWAY and now_ms - alert.raised_at_ms > STALE_MS
    ]
    found.sort(key=lambda row: (row[2], row[0], row[1]))
    return {"n": len(found), "rows": found[:SHOWN]}


def _top(ledger: Ledger) -> dict[str, Any]:
    """Who raised most alerts in the last 24 h."""
    counted: Counter[str] = Counter()
    for hour in ledger.state.alarms.values():
        counted.update(hour)
    return {**_most([[subject, n] for subject, n in counted.items()]), "all": counted.total()}


def _most(rows: list[list[Any]]) -> dict[str, Any]:
    rows.sort(key=lambda row: (-row[1], row[0]))
    return {"n": len(rows), "rows": rows[:SHOWN]}


def _mix(ledger: Ledger, now_ms: int) -> list[int]:
    """New items of the last 24 h by priority 1, 2, 3: incidents, and alerts that stand alone."""
    counted = Counter(
        incident.priority
        for incident in ledger.state.incidents.values()
        if now_ms - DAY_MS < incident.reported_at_ms <= now_ms
    )
    counted.update(
        alert.priority
        for alert in ledger.state.alerts.values()
        if alert.incident is None and now_ms - DAY_MS < alert.raised_at_ms <= now_ms
    )
    return [counted[priority] for priority in (1, 2, 3)]


def _seats(ledger: Ledger, now_ms: int) -> dict[str, Any]:
    """Load of each seat, the areas that make it, and how two seats would share it."""
    rows = {}
    for seat in ledger.seats.all:
        areas = flood.by_area(ledger.state.arrived, seat.id, now_ms)
        given, count = flood.split(areas)
        rows[seat.id] = {
            "role": seat.role,
            "load": sum(n for _, n in areas),
            "areas": areas[:SHOWN],
            "give": given[:SHOWN],
            "given": count,
        }
    return rows


def _touch(ledger: Ledger, now_ms: int) -> tuple[float | None, int | None]:
    """Median time from a report to the first hand on it, of what was touched in 10 min; the oldest still untouched."""
    waited, untouched = [], []
    for incident in ledger.state.incidents.values():
        marks = (incident.acknowledged_at_ms, incident.filed_at_ms, incident.dispatched_at_ms, incident.closed_at_ms)
        touched = min((at_ms for at_ms in marks if at_ms is not None), default=None)
        if touched is not None and now_ms - flood.WINDOW_MS < touched <= now_ms:
            waited.append(max(0, touched - incident.reported_at_ms) / 1000)
        elif touched is None and incident.state in OPEN - IN_HAND:
            untouched.append(incident.reported_at_ms)
    return (round(median(waited)) if len(waited) >= FEW else None), min(untouched, default=None)
