"""Outstanding: what is late, what waits for somebody's decision, and how each area did today — for the briefing.

Pure: rows in, rows out; every line names the incidents it was counted from. Too few to rate is None, never 0. Nothing
is decided here. May not know figures, words or screens.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from msgspec import Struct

from dashboard.city.claims import claim_key
from dashboard.city.deadlines import Calendar, HandlingLimits
from dashboard.city.formulas import FEW, percentile
from dashboard.city.incidents import (
    HANDLING,
    MOST_EXTENSIONS,
    OPEN,
    PENDING_DISPATCH,
    PENDING_HANDLE,
    PENDING_REGISTER,
    REPORTED,
    RETURNED,
    SUSPENDED,
    Incident,
)
from dashboard.city.ledger import UNCATEGORISED
from dashboard.city.pack import pack_of
from dashboard.city.state import DAY_MS, CityState

NAMED: Final = 3
"""Incidents that a sentence or a question names; of more it says how many."""
_RANK: Final = {
    "escalated": 0, "escalated_many": 0, "nobody_on_it": 1, "nobody_on_them": 1, "no_more_time": 2, "suspensions": 3,
}  # fmt: skip
NOBODY_ON_IT: Final = frozenset({REPORTED, PENDING_REGISTER, PENDING_DISPATCH, RETURNED})
"""An urgent incident in one of these states has no team."""


class Late(Struct, frozen=True):
    """An open incident past the limit of its stage, with whoever has it."""

    incident: str
    number: int
    priority: int
    category: str
    where_zh: str
    where_en: str
    state: str
    late_s: int
    teams: tuple[str, ...]
    """Call signs of the teams that have an order for it."""
    holder: str = ""
    """Who has claimed it, as in the journal; empty: nobody."""


class Decision(Struct, frozen=True):
    """A question only a person can answer. `code` says which; the rows it rests on are `incidents`."""

    code: str
    args: dict[str, Any]
    incidents: tuple[str, ...]
    before_ms: int | None = None
    """City time after which it is decided by itself; None: it has no such moment."""


class District(Struct, frozen=True):
    """One area since midnight: what came, how it was handled. Below five cases a share or percentile is None."""

    area: str
    received: int
    due: int
    on_time: float | None
    finished: int
    reworked: float | None
    arrivals: int
    median_min: float | None
    p90_min: float | None
    incidents: tuple[str, ...]


def late(state: CityState, now_ms: int) -> list[Late]:
    """Open incidents whose limit is over, by priority, then the latest first. A suspended one has no limit."""
    over = [
        one
        for one in state.open_incidents()
        if one.due_ms is not None and one.due_ms < now_ms and one.state != SUSPENDED
    ]
    over.sort(key=lambda one: (one.priority, one.due_ms or 0, one.id))
    return [_late(state, one, now_ms) for one in over]


def _late(state: CityState, one: Incident, now_ms: int) -> Late:
    orders = [state.assignments[id_] for id_ in one.assignments if id_ in state.assignments]
    claim = state.claims.get(claim_key("incidents", one.id))
    return Late(
        one.id, one.number, one.priority, one.category, one.where_zh, one.where_en, one.state,
        (now_ms - (one.due_ms or now_ms)) // 1000,
        tuple(state.teams[order.team].call for order in orders if order.team in state.teams),
        claim.who if claim else "",
    )  # fmt: skip


def decisions(state: CityState, now_ms: int) -> list[Decision]:
    """What somebody must decide, as far as the rows say so: the most urgent priority first, then the nearest end."""
    found = [*_escalated(state), *_nobody_on_it(state), *_no_more_time(state, now_ms), *_suspensions(state, now_ms)]
    return sorted(
        found,
        key=lambda one: (
            _RANK[one.code],
            one.args.get("to") != "leader",
            one.before_ms or now_ms + DAY_MS,
            one.incidents,
        ),
    )


def _about(one: Incident, **more: Any) -> dict[str, Any]:
    names = {"where_zh": one.where_zh, "where_en": one.where_en}
    return {"number": one.number, "priority": one.priority, "category": one.category, **names, **more}


def _escalated(state: CityState) -> Iterable[Decision]:
    """Somebody is called to it, and the call stands. Many calls to one seat are one question: which of them first."""
    by_role: dict[str, list[Incident]] = {}
    for one in state.open_incidents():
        if one.escalated_to is not None:
            by_role.setdefault(one.escalated_to, []).append(one)
    for role, rows in by_role.items():
        rows.sort(key=lambda one: (one.priority, one.escalated_at_ms or 0, one.id))
        if len(rows) > 1:
            args = _many(rows, to=role, at_ms=min(one.escalated_at_ms or 0 for one in rows))
            yield Decision("escalated_many", args, tuple(one.id for one in rows), _first_due(rows))
        else:
            about = _about(rows[0], to=role, at_ms=rows[0].escalated_at_ms)
            yield Decision("escalated", about, (rows[0].id,), rows[0].due_ms)


def _nobody_on_it(state: CityState) -> Iterable[Decision]:
    """Priority one, and no team has been sent."""
    rows = [
        one
        for one in state.open_incidents()
        if one.priority == 1 and one.state in NOBODY_ON_IT and not one.assignments and one.escalated_to is None
    ]
    rows.sort(key=lambda one: (one.due_ms or 0, one.id))
    if len(rows) > 1:
        yield Decision("nobody_on_them", _many(rows), tuple(one.id for one in rows), _first_due(rows))
    for one in rows if len(rows) == 1 else ():
        yield Decision("nobody_on_it", _about(one, state=one.state), (one.id,), one.due_ms)


def _many(rows: list[Incident], **more: Any) -> dict[str, Any]:
    """Many incidents in a question: how many, and the first few of them."""
    named = [
        {"number": one.number, "category": one.category, "where_zh": one.where_zh, "where_en": one.where_en}
        for one in rows[:NAMED]
    ]
    return {"n": len(rows), "named": named, "more": max(0, len(rows) - NAMED), **more}


def _first_due(rows: Iterable[Incident]) -> int | None:
    return min((one.due_ms for one in rows if one.due_ms is not None), default=None)


def _no_more_time(state: CityState, now_ms: int) -> Iterable[Decision]:
    """Extended as often as may be, and the limit is over or ends within a day: only people can say what follows."""
    rows = [
        one
        for one in state.open_incidents()
        if one.extensions >= MOST_EXTENSIONS
        and one.state in (PENDING_HANDLE, HANDLING)
        and one.due_ms is not None
        and one.due_ms < now_ms + DAY_MS
    ]
    if rows:
        first = min(one.due_ms or 0 for one in rows)
        yield Decision(
            "no_more_time", {"n": len(rows), "most": MOST_EXTENSIONS}, tuple(sorted(one.id for one in rows)), first
        )


def _suspensions(state: CityState, now_ms: int) -> Iterable[Decision]:
    """Suspensions that end within a day: then the handling clock runs again, whether or not anybody is there."""
    rows = [
        one
        for one in state.open_incidents()
        if one.state == SUSPENDED and one.suspended_until_ms is not None and one.suspended_until_ms < now_ms + DAY_MS
    ]
    if rows:
        first = min(one.suspended_until_ms or 0 for one in rows)
        yield Decision("suspensions", {"n": len(rows)}, tuple(sorted(one.id for one in rows)), first)


def districts(state: CityState, since_ms: int, now_ms: int) -> list[District]:
    """Every area of the pack, the one with most incidents first; what was received, handled or due since a moment."""
    if not state.registry:
        return []
    pack = pack_of(state.registry)
    limits = HandlingLimits(pack, Calendar(pack), UNCATEGORISED.limit)
    held: dict[str, list[Incident]] = {area.key: [] for area in pack.areas}
    for one in sorted(state.incidents.values(), key=lambda one: one.number):
        if one.area in held:
            held[one.area].append(one)
    found = [_district(area, rows, since_ms, now_ms, limits) for area, rows in held.items()]
    return sorted(found, key=lambda one: (-one.received, one.area))


def _district(area: str, rows: list[Incident], since_ms: int, now_ms: int, limits: HandlingLimits) -> District:
    received = [one for one in rows if one.reported_at_ms >= since_ms]
    finished = [one for one in rows if one.finished_at_ms is not None and one.finished_at_ms >= since_ms]
    due = in_time = 0
    for one in rows:
        end = limits.due(one)
        if end is None or one.reason == "false":
            continue
        if one.finished_at_ms is not None and one.finished_at_ms >= since_ms:
            due, in_time = due + 1, in_time + (one.finished_at_ms <= end)
        elif one.finished_at_ms is None and since_ms <= end < now_ms and one.state in OPEN and one.state != SUSPENDED:
            due += 1
    minutes = [
        (one.on_scene_at_ms - one.dispatched_at_ms) / 60_000
        for one in rows
        if one.on_scene_at_ms is not None and one.on_scene_at_ms >= since_ms and one.dispatched_at_ms is not None
    ]
    counted = {one.id for one in (*received, *finished)} | {
        one.id for one in rows if one.on_scene_at_ms is not None and one.on_scene_at_ms >= since_ms
    }
    return District(
        area, len(received), due, _share(in_time, due), len(finished),
        _share(sum(one.reworks > 0 for one in finished), len(finished)),
        len(minutes), _tenth(percentile(minutes, 0.5)), _tenth(percentile(minutes, 0.9)),
        tuple(one.id for one in rows if one.id in counted),
    )  # fmt: skip


def _tenth(minutes: float | None) -> float | None:
    return None if minutes is None else round(minutes, 1)


def _share(part: int, of: int) -> float | None:
    return round(100 * part / of, 1) if of >= FEW else None
