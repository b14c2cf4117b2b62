"""Incident 案卷: one problem in the city from the report until another person has checked that it is gone.

The lifecycle follows the six steps of the Chinese digital city-management standards (docs/domain); the one who
dispatched never confirms closure. May not know streams, screens or the state as a whole.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from dashboard.city.lifecycle import Lifecycle, Step, by

REPORTED = "reported"
VERIFYING = "verifying"
PENDING_REGISTER = "pending_register"
PENDING_DISPATCH = "pending_dispatch"
RETURNED = "returned"
PENDING_HANDLE = "pending_handle"
HANDLING = "handling"
SUSPENDED = "suspended"
HANDLE_FINISH = "handle_finish"
PENDING_CHECK = "pending_check"
CHECKING = "checking"
PENDING_CLOSE = "pending_close"
CLOSED = "closed"
FORCED_CLOSE = "forced_close"
CANCELLED = "cancelled"
NOT_ACCEPTED = "not_accepted"

# The two axes: supervision (call taker, supervisor) takes in, verifies, files, checks and closes; command (dispatcher)
# sends teams, returns, extends, suspends and confirms what they report. Without a role: a device or a timer.
_CLOSE_BY_FORCE = by(FORCED_CLOSE, "supervisor")
_VERIFY = by(VERIFYING, "call_taker", "supervisor")
_FILE = by(PENDING_DISPATCH, "supervisor")
_VOID = by(CANCELLED, "supervisor")
_SUSPEND = by(SUSPENDED, "dispatcher")

LIFECYCLE: Final[Lifecycle] = {
    REPORTED: {
        "accept": by(PENDING_REGISTER, "call_taker", "supervisor"),
        "decline": by(NOT_ACCEPTED, "call_taker", "supervisor"),
        "verify": _VERIFY,
        "file": _FILE,
        "void": _VOID,
    },
    VERIFYING: {"verified": Step(PENDING_REGISTER), "nobody_left": Step(PENDING_REGISTER)},
    PENDING_REGISTER: {"verify": _VERIFY, "file": _FILE, "void": _VOID},
    PENDING_DISPATCH: {
        "dispatch": by(PENDING_HANDLE, "dispatcher"),
        "return": by(RETURNED, "dispatcher"),
        "suspend": _SUSPEND,
        "void": _VOID,
        "force_close": _CLOSE_BY_FORCE,
    },
    RETURNED: {"verify": _VERIFY, "file": _FILE, "void": _VOID},
    PENDING_HANDLE: {
        "accepted": Step(HANDLING),
        "finished": Step(HANDLE_FINISH),
        "nobody_left": Step(PENDING_DISPATCH),
        "extend": by(PENDING_HANDLE, "dispatcher"),
        "suspend": _SUSPEND,
        "force_close": _CLOSE_BY_FORCE,
    },
    HANDLING: {
        "finished": Step(HANDLE_FINISH),
        "nobody_left": Step(PENDING_DISPATCH),
        "extend": by(HANDLING, "dispatcher"),
        "suspend": _SUSPEND,
        "force_close": _CLOSE_BY_FORCE,
    },
    SUSPENDED: {"resume": by(PENDING_DISPATCH, "dispatcher"), "force_close": _CLOSE_BY_FORCE},
    HANDLE_FINISH: {
        "confirm": by(PENDING_CHECK, "dispatcher"),
        "rework": by(PENDING_DISPATCH, "dispatcher"),
        "force_close": _CLOSE_BY_FORCE,
    },
    PENDING_CHECK: {
        "check": by(CHECKING, "supervisor"),
        "close": by(CLOSED, "supervisor"),
        "rework": by(PENDING_DISPATCH, "supervisor"),
        "force_close": _CLOSE_BY_FORCE,
    },
    CHECKING: {
        "passed": Step(PENDING_CLOSE),
        "failed": Step(PENDING_CHECK),
        "nobody_left": Step(PENDING_CHECK),
        "force_close": _CLOSE_BY_FORCE,
    },
    PENDING_CLOSE: {"close": by(CLOSED, "supervisor"), "rework": by(PENDING_DISPATCH, "supervisor")},
    CLOSED: {"reopen": by(PENDING_DISPATCH, "supervisor")},
    FORCED_CLOSE: {"reopen": by(PENDING_DISPATCH, "supervisor")},
    CANCELLED: {"reopen": by(PENDING_REGISTER, "supervisor")},
    NOT_ACCEPTED: {"reopen": by(PENDING_REGISTER, "supervisor")},
}
ENDED: Final = frozenset({CLOSED, FORCED_CLOSE, CANCELLED, NOT_ACCEPTED})
"""It is over; for 24 h it can still be opened again, then it leaves for history."""
OPEN: Final = frozenset(LIFECYCLE) - ENDED
IN_HAND: Final = frozenset({VERIFYING, PENDING_HANDLE, HANDLING, SUSPENDED, CHECKING})
"""Nobody must decide now: a team is on it, or its clock stands still. Drawn hollow; the other open states filled."""
MOST_EXTENSIONS: Final = 2
LONGEST_SUSPENSION_DAYS: Final = 366
"""Source of both: extension at most twice, suspension at most a year (docs/domain)."""


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
    condition: str = ""
    """Key of the filing condition of its class, by which its handling limit runs; empty: the class's own limit."""
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
    """Why it ended, was returned or suspended: a code of `words` or a few words."""
    assignments: tuple[str, ...] = ()
    """Its assignments that are not over, oldest first."""
    reworks: int = 0
    handled_by: tuple[str, ...] = ()
    """Teams that finished work on it, the last one last: a check goes to another, a rework to the same."""
    finding: str | None = None
    """What the last verification or check found: `exists`, `not_exist`, `pass`, `fail` or `unable`."""
    extensions: int = 0
    pauses: tuple[tuple[int, int | None], ...] = ()
    """Suspensions, each with beginning and end, ms; None while it lasts. The handling clock stands still in them."""
    suspended_until_ms: int | None = None
    supervised_at_ms: int | None = None
    """A supervise order 督办 stands since then."""
    supervised_by: str | None = None
    reopened: int = 0
    callback_due_ms: int | None = None
    """Until when whoever reported it is to be told what was done; None: nobody is, or he was."""
    callback_tries: int = 0
    """How often he was called and not reached."""
    called_back_at_ms: int | None = None
    called_back_by: str | None = None
    satisfaction: str | None = None
    """`very_satisfied`, `satisfied` or `not_satisfied`."""
    priority_since_ms: int | None = None
    """City time at which it got its priority, but for escalations; None in rows of before this was kept."""
    escalated_to: str | None = None
    """Role of the seat that is called to it 升级, while that stands; None also where only its priority was raised."""
    escalated_at_ms: int | None = None
    escalated_by: str | None = None
    """A person, or `rule:<key>` of the city pack; None: nothing stands."""
    escalated_from: int | None = None
    """Its priority without the escalation that raised it."""
    deescalated_at_ms: int | None = None
    """A person ended an escalation then: a timer that had run out before does not call again."""
    marks: int = 0
    """How many of its newest versions are marks of timers, which nobody who decides has to have seen."""
    last_event_ms: int = 0
    """Event time of its newest signal: the 24 h merge window counts from here."""
    group: str = ""
    """Cause and place it was grouped by in a flood, `cause@place`; empty for none, and always for priority 1."""
    later_until_ms: int | None = None
    """City time until which it waits in the later lane: when its time left turns yellow it comes back to decide."""
    version: int = 1
