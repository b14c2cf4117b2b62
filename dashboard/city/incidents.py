"""Incident 案卷: one problem in the city from the report until another person has checked that it is gone.

The lifecycle follows the six steps of the Chinese digital city-management standards (docs/domain); the one who
dispatched never confirms closure. May not know streams, screens or the state as a whole.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from dashboard.city.lifecycle import Lifecycle, Step, by

REPORTED = "reported"
PENDING_REGISTER = "pending_register"
PENDING_DISPATCH = "pending_dispatch"
PENDING_HANDLE = "pending_handle"
HANDLING = "handling"
PENDING_CHECK = "pending_check"
CLOSED = "closed"
CANCELLED = "cancelled"

LIFECYCLE: Final[Lifecycle] = {
    REPORTED: {
        "accept": by(PENDING_REGISTER, "call_taker", "supervisor"),
        "file": by(PENDING_DISPATCH, "supervisor"),
        "void": by(CANCELLED, "supervisor"),
    },
    PENDING_REGISTER: {"file": by(PENDING_DISPATCH, "supervisor"), "void": by(CANCELLED, "supervisor")},
    PENDING_DISPATCH: {
        "dispatch": by(PENDING_HANDLE, "dispatcher"),
        "return": by(PENDING_REGISTER, "dispatcher"),
        "void": by(CANCELLED, "supervisor"),
    },
    PENDING_HANDLE: {
        "accepted": Step(HANDLING),
        "finished": Step(PENDING_CHECK),
        "nobody_left": Step(PENDING_DISPATCH),
    },
    HANDLING: {"finished": Step(PENDING_CHECK), "nobody_left": Step(PENDING_DISPATCH)},
    PENDING_CHECK: {"close": by(CLOSED, "supervisor"), "rework": by(PENDING_DISPATCH, "supervisor")},
}
OPEN: Final = frozenset(LIFECYCLE)
"""The states in which an incident is open; `closed` and `cancelled` are the end."""


class Incident(Struct, frozen=True):
    """One incident as every screen shows it. Its evidence and timeline are kept beside it (`state.timelines`)."""

    id: str
    """Deterministic hash of the first signal."""
    number: int
    """Short, for people: #1841."""
    state: str
    category: str
    priority: int
    lat: float
    lon: float
    where_zh: str
    where_en: str
    area: str
    """Key of the nearest district seat in the city pack."""
    origin: str
    """`complaint`, `sensor` or `patrol`: what reported it first."""
    reported_at_ms: int
    """Event time of the first signal."""
    received_at_ms: int
    stage_since_ms: int
    """City time at which it entered its present state."""
    due_ms: int | None = None
    """End of the limit of the present stage; None where the stage has no limit."""
    limit_s: int | None = None
    yellow_from: float = 0.5
    """Share of the limit used from which time left is yellow: 0.5 for limits of minutes, 0.8 for handling limits."""
    complaints: int = 0
    merged: int = 0
    """Signals merged into it after the first: complaints, detections, alerts, findings."""
    acknowledged_at_ms: int | None = None
    acknowledged_by: str | None = None
    filed_at_ms: int | None = None
    filed_by: str | None = None
    dispatched_at_ms: int | None = None
    dispatched_by: tuple[str, ...] = ()
    """Everybody who dispatched a team to it: none of them may close it."""
    on_scene_at_ms: int | None = None
    finished_at_ms: int | None = None
    closed_at_ms: int | None = None
    closed_by: str | None = None
    reason: str | None = None
    assignments: tuple[str, ...] = ()
    """Its assignments that are not over, oldest first."""
    reworks: int = 0
    last_event_ms: int = 0
    """Event time of its newest signal: the 24 h merge window counts from here."""
    version: int = 1
