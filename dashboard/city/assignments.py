"""Assignment 派单: one incident, one team, one kind of work, followed step by step until it is over.

Status belongs to the assignment, not to the team. May not know devices or gateways.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from dashboard.city.lifecycle import Lifecycle, Step, by

HELD = "held"
SENT = "sent"
DELIVERED = "delivered"
SEEN = "seen"
ACCEPTED = "accepted"
EN_ROUTE = "en_route"
ON_SCENE = "on_scene"
FINISHED = "finished"
REFUSED = "refused"
RECALLED = "recalled"
RECALL_SEEN = "recall_seen"
TAKEN_BACK = "taken_back"

PATH: Final = (HELD, SENT, DELIVERED, SEEN, ACCEPTED, EN_ROUTE, ON_SCENE, FINISHED)
"""The way of an order that goes well. A device may skip steps (no signal in the alley); skipped ones stay untimed.

One that is held is not yet in its device's outbox: taken back then, it never rang."""

_RECALL = by(RECALLED, "dispatcher")


def _ahead(state: str) -> dict[str, Step]:
    """Every later step of the path that a device may report from `state`."""
    return {step: Step(step) for step in PATH[max(PATH.index(state) + 1, 2) :]}


LIFECYCLE: Final[Lifecycle] = {
    HELD: {"send": Step(SENT), "take_back": by(TAKEN_BACK, "dispatcher")},
    SENT: {**_ahead(SENT), "refused": Step(REFUSED), "recall": _RECALL},
    DELIVERED: {**_ahead(DELIVERED), "refused": Step(REFUSED), "recall": _RECALL},
    SEEN: {**_ahead(SEEN), "refused": Step(REFUSED), "recall": _RECALL},
    ACCEPTED: {**_ahead(ACCEPTED), "refused": Step(REFUSED), "recall": _RECALL},
    EN_ROUTE: {**_ahead(EN_ROUTE), "refused": Step(REFUSED), "recall": _RECALL},
    ON_SCENE: {**_ahead(ON_SCENE), "recall": _RECALL},
    RECALLED: {"recall_seen": Step(RECALL_SEEN)},
}
ACTIVE: Final = frozenset(PATH[:-1])
"""Not over: the team has it in hand or will get it."""
UNANSWERED: Final = frozenset({SENT, DELIVERED, SEEN})
"""Left, and the team has not said yet whether it goes."""
KINDS: Final = ("verify", "handle", "check")


class Assignment(Struct, frozen=True):
    """One order to one team as every screen shows it."""

    id: str
    incident: str
    number: int
    """The incident's number, for people."""
    team: str
    kind: str
    state: str
    device: str
    by: str
    sent_at_ms: int
    order: int = 0
    """The change that put its present order into the device's outbox; 0 = nothing is waiting there."""
    waiting: bool = False
    """True while the team is busy with another one: it has one active and any number waiting."""
    held_until_ms: int | None = None
    """City time at which a held order leaves; None for one that has left or will not."""
    state_since_ms: int = 0
    steps: tuple[tuple[str, int], ...] = ()
    """Each step reached with the city time at which it happened, oldest first."""
    due_ms: int | None = None
    """City time by which the next answer is due: the device's that has it, the team's that accepts or has seen."""
    late: str = ""
    """`not_delivered`, `not_accepted` or `not_seen` once that moment has passed; empty before."""
    resent: int = 0
    """How often a person let it ring again."""
    outcome: str = ""
    """What became of it while its device was away: `still_mine`, `taken`, `cancelled` or `both`; empty: never away."""
    afterwards: tuple[tuple[str, int], ...] = ()
    """What its team reported after it had ended, as steps with their city time."""
    unread: tuple[int, ...] = ()
    """Messages in its device's outbox that nobody has read, by the change that sent each."""
    marks: int = 0
    """How many of its newest versions changed no step of it, so that nobody who decides has to have seen them."""
    note: str = ""
    reason: str = ""
    version: int = 1


def marked(assignment: Assignment, **fields: Any) -> Assignment:
    """The order's row with something that is no step of it: whoever recalls it need not have seen that."""
    return replace(assignment, marks=assignment.marks + 1, version=assignment.version + 1, **fields)


def moved_on(assignment: Assignment, **fields: Any) -> Assignment:
    """The order's row with what decides about it."""
    return replace(assignment, marks=0, version=assignment.version + 1, **fields)
