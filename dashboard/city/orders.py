"""Orders: what a team's device is told when an assignment is sent or recalled, and when that order is settled.

May not know outboxes or gateways.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from dashboard.city.answering import STILL_MINE
from dashboard.city.assignments import ACTIVE, Assignment
from dashboard.city.changes import Change
from dashboard.city.state import CityState

MOST_TEXTS: Final = 5


class Order(Struct, frozen=True):
    """What a device is told.

    `number` is the incident's, for people; the seq of the change that gave the order is behind the colon of its id.
    `what` is `assignment`, `recall` or `message`; `outcome` whose the work is, where that was in doubt.
    """

    order: str
    what: str
    assignment: str
    incident: str
    team: str
    number: int
    kind: str
    category: str
    priority: int
    lat: float
    lon: float
    where_zh: str
    where_en: str
    note: str
    reason: str
    sent_at_ms: int
    due_ms: int | None
    text: list[dict[str, Any]]
    outcome: str = ""
    again: int = 0
    """How often it was sent once more; a device that has the assignment rings again."""


def order_of(state: CityState, change: Change) -> tuple[str, Order] | None:
    """The device and the order a change gives, None for a change that gives none."""
    if change.type not in _GIVES or (change.type == "feedback_noted" and not change.args.get("told")):
        return None
    assignment: Assignment = change.rows["assignments"][change.args["assignment"]]
    incident = change.rows.get("incidents", {}).get(assignment.incident) or state.incidents.get(assignment.incident)
    if incident is None:
        return None
    what = _GIVES[change.type] or ("assignment" if assignment.state in ACTIVE else "recall")
    note = change.args["note"] if what == "message" else assignment.note
    texts = [
        {"at_ms": entry.at_ms, "text": entry.args["evidence"]["text"]}
        for entry in state.timelines.get(incident.id, [])
        if entry.args.get("evidence", {}).get("text")
    ]
    order = Order(
        f"{assignment.id}:{change.seq}", what, assignment.id, incident.id, assignment.team, incident.number,
        assignment.kind, incident.category, incident.priority, incident.lat, incident.lon, incident.where_zh,
        incident.where_en, note, assignment.reason, change.at_ms, incident.due_ms, texts[-MOST_TEXTS:],
        _outcome_told(assignment, what), assignment.resent if what == "assignment" else 0,
    )  # fmt: skip
    return assignment.device, order


_GIVES: Final = {
    "assignment_sent": "assignment",
    "assignment_recalled": "recall",
    "assignment_resent": "",
    "feedback_noted": "recall",
    "message_sent": "message",
}
"""Change → what it tells a device; what is sent once more is what it was."""


def _outcome_told(assignment: Assignment, what: str) -> str:
    """Whose the work is: said with a recall, and with an order that rings again for a team that may wonder."""
    if what == "recall":
        return assignment.outcome
    return STILL_MINE if what == "assignment" and assignment.resent else ""


def settled_by(change: Change) -> list[tuple[str, int]]:
    """Device and number of each order that a change takes out of an outbox: answered, replaced, or of what has left."""
    if change.type == "incident_left":
        return [(device, number) for device, number in change.args.get("unanswered", ())]
    number = change.args.get("settled", 0)
    if not number:
        return []
    assignment: Assignment = change.rows["assignments"][change.args["assignment"]]
    return [(assignment.device, number)]
