"""Orders: what a team's device is told when an assignment is sent or recalled, and when that order is settled.

May not know outboxes or gateways.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import Struct

from dashboard.city.assignments import Assignment
from dashboard.city.changes import Change
from dashboard.city.state import CityState

MOST_TEXTS: Final = 5


class Order(Struct, frozen=True):
    """What a device is told.

    `number` is the seq of the change that gave the order; `what` is `assignment` or `recall`.
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


def order_of(state: CityState, change: Change) -> tuple[str, Order] | None:
    """The device and the order a change gives, None for a change that gives none."""
    what = {"assignment_sent": "assignment", "assignment_recalled": "recall"}.get(change.type)
    if what is None:
        return None
    assignment: Assignment = change.rows["assignments"][change.args["assignment"]]
    incident = change.rows["incidents"][assignment.incident]
    texts = [
        {"at_ms": entry.at_ms, "text": entry.args["evidence"]["text"]}
        for entry in state.timelines.get(incident.id, [])
        if entry.args.get("evidence", {}).get("text")
    ]
    order = Order(
        f"{assignment.id}:{change.seq}", what, assignment.id, incident.id, assignment.team, incident.number,
        assignment.kind, incident.category, incident.priority, incident.lat, incident.lon, incident.where_zh,
        incident.where_en, assignment.note, assignment.reason, change.at_ms, incident.due_ms, texts[-MOST_TEXTS:],
    )  # fmt: skip
    return assignment.device, order


def settled_by(change: Change) -> list[tuple[str, int]]:
    """Device and number of each order that a change takes out of an outbox: answered, replaced, or of what has left."""
    if change.type == "incident_left":
        return [(device, number) for device, number in change.args.get("unanswered", ())]
    number = change.args.get("settled", 0)
    if not number:
        return []
    assignment: Assignment = change.rows["assignments"][change.args["assignment"]]
    return [(assignment.device, number)]
