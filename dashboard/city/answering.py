"""Answering 应答: by when a device must have its order and its team must have said yes, and what is marked where not.

Whose an order is that was answered too late, because the device had been away: the four outcomes. May not know
gateways or screens.
"""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from dashboard.city import assignments
from dashboard.city.assignments import ACTIVE, Assignment, marked, moved_on
from dashboard.city.ledger import Ledger
from dashboard.city.state import CityState

LEAST_REAL_MS: Final = 5_000
"""A line and a device have 5 s of real time, however fast the city clock runs."""
LATE: Final = {
    assignments.SENT: "not_delivered",
    assignments.DELIVERED: "not_accepted",
    assignments.SEEN: "not_accepted",
    assignments.RECALLED: "not_seen",
}
"""State of an order that waits for an answer → what is said of it when none came."""


def limit_ms(ledger: Ledger, assignment: Assignment) -> int | None:
    """How long the next answer to an order may take; None where nobody waits for one.

    A team that is busy with another order need not accept yet; that its device has the order is waited for all the
    same. A line needs real seconds, whatever the city clock does.
    """
    stages = ledger.pack.stages
    if assignment.state == assignments.SENT:
        line_ms = int(max(stages.deliver_s * 1000, LEAST_REAL_MS * ledger.state.clock.rate))
        return line_ms if stages.deliver_s else None
    if assignment.state == assignments.RECALLED or (assignment.state in LATE and not assignment.waiting):
        return stages.accept_s * 1000 if stages.accept_s else None
    return None


def waits_from(ledger: Ledger, assignment: Assignment, from_ms: int) -> Assignment:
    """The order's row with the moment by which its next answer is due, counted from a moment; nothing is late yet."""
    most_ms = limit_ms(ledger, assignment)
    return replace(assignment, due_ms=None if most_ms is None else from_ms + most_ms, late="")


def late_due(ledger: Ledger, assignment_id: str, due_ms: int) -> None:
    """The moment has come: an order whose answer is still missing is marked. It may have moved on since."""
    assignment = ledger.state.assignments.get(assignment_id)
    if assignment is None or assignment.due_ms != due_ms or assignment.late or assignment.state not in LATE:
        return
    late = LATE[assignment.state]
    row = marked(assignment, late=late)
    ledger.decide(
        "assignment_late",
        {"assignments": {row.id: row}},
        incident=row.incident,
        assignment=row.id,
        team=row.team,
        late=late,
    )


def limits_after(ledger: Ledger, by_ms: int, held: dict[str, Assignment]) -> dict[str, Assignment]:
    """A clock that begins anew takes the running limits of answers with it: what was left of them is left of them."""
    anew = {}
    for id_, was in ledger.state.assignments.items():
        if was.due_ms is not None and not was.late:
            row = held.get(id_, was)
            anew[id_] = replace(row, due_ms=was.due_ms + by_ms, version=was.version + 1)
    return {**held, **anew}


def ring_again(ledger: Ledger, assignment: Assignment, by: str) -> None:
    """The same order goes into its device's outbox once more, in place of the one that waits there 重发."""
    again = marked(assignment, order=ledger.state.seq + 1, resent=assignment.resent + 1)
    again = waits_from(ledger, again, ledger.now_ms)
    ledger.decide(
        "assignment_resent",
        {"assignments": {again.id: again}},
        by=by,
        incident=again.incident,
        assignment=again.id,
        team=again.team,
        times=again.resent,
        settled=assignment.order,
    )


def rang_again(ledger: Ledger, assignment: Assignment, step: str, at_ms: int, by: str) -> None:
    """A device has what it was sent once more: the step is old, the order leaves the outbox, the wait begins anew."""
    row = waits_from(ledger, marked(assignment, order=0), at_ms)
    ledger.decide(
        "assignment_rang",
        {"assignments": {row.id: row}},
        by=by,
        at_ms=at_ms,
        incident=row.incident,
        assignment=row.id,
        team=row.team,
        step=step,
        settled=assignment.order,
    )


# ---- what became of an order while its device was away --------------------------------------------------------------

STILL_MINE: Final = "still_mine"
TAKEN: Final = "taken"
CANCELLED: Final = "cancelled"
BOTH: Final = "both"
OUTCOMES: Final = (STILL_MINE, TAKEN, CANCELLED, BOTH)


def outcome_of(state: CityState, assignment: Assignment) -> str:
    """Whose work an order is: its own team's, another's, nobody's any more, or both have done it.

    One that has not ended, or whose team got the same work by a newer order, is the team's own. One that has ended is
    another's where another team has that work of the incident in hand or has finished it.
    """
    held = state.assignments.values()
    same = [one for one in held if one.incident == assignment.incident and one.id != assignment.id]
    if assignment.state in ACTIVE or any(one.team == assignment.team and one.state in ACTIVE for one in same):
        return STILL_MINE
    others = any(
        one.team != assignment.team
        and one.kind == assignment.kind
        and (one.state == assignments.FINISHED or (one.state in ACTIVE and one.state != assignments.HELD))
        for one in same
    )
    did_it = any(step == assignments.FINISHED for step, _ in assignment.afterwards)
    return CANCELLED if not others else BOTH if did_it else TAKEN


def was_away(ledger: Ledger, assignment: Assignment, at_ms: int) -> bool:
    """Whether a step that is told now was taken while the device could not be reached."""
    least_ms = max(ledger.pack.stages.deliver_s * 1000, LEAST_REAL_MS * ledger.state.clock.rate)
    return assignment.late == "not_delivered" or ledger.now_ms - at_ms > least_ms


def step_after_end(
    ledger: Ledger, assignment: Assignment, step: str, at_ms: int, by: str, args: dict[str, object]
) -> None:
    """A team did something with an order that had ended: it is kept, nothing is re-opened, the device is told whose.

    What it is told goes out as a recall, in place of the one that may wait; told once for each outcome.
    """
    row = moved_on(assignment, afterwards=(*assignment.afterwards, (step, at_ms)))
    outcome = outcome_of(ledger.state, row)
    more: dict[str, object] = {}
    if outcome != assignment.outcome:
        row = waits_from(ledger, replace(row, outcome=outcome, order=ledger.state.seq + 1), ledger.now_ms)
        more = {"settled": assignment.order, "told": True}
    ledger.decide(
        "feedback_noted",
        {"assignments": {row.id: row}},
        incident=row.incident,
        at_ms=at_ms,
        by=by,
        state=row.state,
        outcome=outcome,
        **args,
        **more,
    )
