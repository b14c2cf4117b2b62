"""Sending: an order is written down, held for some seconds, leaves for its team's device, and ends before it is done.

The one way to an order, for both axes: whoever may say so was looked at before (`dispatching`). May not know devices
or screens.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from dashboard.city import assignments
from dashboard.city.answering import CANCELLED, outcome_of, waits_from
from dashboard.city.assignments import Assignment
from dashboard.city.commands import Command, Person
from dashboard.city.dispatch import blocked, rank_teams
from dashboard.city.handling import after_assignment, confirm_by_rule
from dashboard.city.incidents import LIFECYCLE, Incident
from dashboard.city.ledger import Ledger, deterministic_id, plain
from dashboard.city.refusals import name_of
from dashboard.city.state import Clock
from dashboard.city.teams import Team

ADVICE_KEPT: Final = 3
"""How many proposals are journaled beside an order: what the officer was shown."""
VERB_OF: Final = {"handle": "dispatch", "verify": "verify", "check": "check"}
"""Kind of an order → the step of the incident that it is."""


def ordered(
    ledger: Ledger,
    command: Command,
    person: Person,
    incident: Incident,
    team: Team,
    kind: str,
    override: str | None = None,
) -> None:
    """The order is written down: sent at once, or held for some seconds in which it can be taken back.

    `override`: what stood against the team and was lifted by the reason given.
    """
    by, now_ms = name_of(person), ledger.now_ms
    category, positions = ledger.category(incident.category), ledger.telemetry.teams
    advice = rank_teams(ledger.state, positions, incident, category, now_ms, ADVICE_KEPT, ledger.roster)
    until_ms = _held_until_ms(ledger, incident, kind)
    state = assignments.SENT if until_ms is None else assignments.HELD
    assignment = Assignment(
        id=deterministic_id("t", command.id, team.id),
        incident=incident.id,
        number=incident.number,
        team=team.id,
        kind=kind,
        state=state,
        device=team.device,
        by=by,
        sent_at_ms=now_ms,
        state_since_ms=now_ms,
        order=0 if state == assignments.HELD else ledger.state.seq + 1,
        waiting=team.active is not None,
        held_until_ms=until_ms,
        steps=((state, now_ms),),
        note=command.note,
        reason=command.reason,
    )
    shown = {"reason": command.reason, "note": command.note, "seen": command.seen, "advice": plain(advice)}
    if override is not None:
        shown["override"] = override
    if state == assignments.SENT:
        _sent(ledger, assignment, incident, **shown)
        return
    row = ledger.amended(incident, **_with_order(incident, assignment))
    _written(ledger, "assignment_held", assignment, row, until_ms=until_ms, **shown)


def _held_until_ms(ledger: Ledger, incident: Incident, kind: str) -> int | None:
    """City time at which an order given now leaves, at a whole second as ticks are; None: at once.

    A hand needs real seconds, whatever the city clock does; a clock that stands still would never end a hold. One that
    becomes urgent while an order to it is held keeps the hold: the officer was told when it leaves.
    """
    hold_ms = ledger.pack.stages.hold_s * 1000 * ledger.state.clock.rate
    if kind != "handle" or incident.priority == 1 or hold_ms <= 0:
        return None
    return _whole_second(ledger.now_ms + hold_ms)


def _whole_second(at_ms: float) -> int:
    return int(-(-at_ms // 1000)) * 1000


def _with_order(incident: Incident, assignment: Assignment) -> dict[str, Any]:
    return {
        "assignments": tuple(dict.fromkeys((*incident.assignments, assignment.id))),
        "acknowledged_at_ms": incident.acknowledged_at_ms or assignment.sent_at_ms,
        "acknowledged_by": incident.acknowledged_by or assignment.by,
    }


def _sent(ledger: Ledger, assignment: Assignment, incident: Incident, **shown: Any) -> None:
    """The order goes into its device's outbox, and the incident goes on."""
    fields, now_ms = _with_order(incident, assignment), ledger.now_ms
    if assignment.kind == "handle":
        fields["dispatched_by"] = tuple(dict.fromkeys((*incident.dispatched_by, assignment.by)))
        fields["dispatched_at_ms"] = incident.dispatched_at_ms or now_ms
    else:
        fields["finding"] = None
    to = LIFECYCLE[incident.state].get(VERB_OF[assignment.kind])
    row = ledger.amended(incident, **fields) if to is None else ledger.in_stage(incident, to.to, now_ms, **fields)
    _written(ledger, "assignment_sent", assignment, row, **shown)


def _written(ledger: Ledger, type_: str, assignment: Assignment, incident: Incident, **args: Any) -> None:
    assignment = waits_from(ledger, assignment, ledger.now_ms)
    rows = after_assignment(ledger, assignment, ledger.now_ms, stays=True)
    rows["incidents"] = {incident.id: incident}
    ledger.decide(
        type_,
        rows,
        by=assignment.by,
        incident=incident.id,
        assignment=assignment.id,
        team=assignment.team,
        kind=assignment.kind,
        **args,
    )


def send_due(ledger: Ledger, assignment_id: str, due_ms: int) -> None:
    """The hold is over: the order leaves, unless its team went off duty meanwhile."""
    assignment = ledger.state.assignments.get(assignment_id)
    if assignment is not None and assignment.held_until_ms == due_ms:
        _hold_over(ledger, assignment)


def _hold_over(ledger: Ledger, assignment: Assignment) -> None:
    team = ledger.state.teams.get(assignment.team)
    if team is None or blocked(team) == "team_off_duty":
        end(ledger, assignment, "rule:hold", "team_off_duty")
        return
    now_ms = ledger.now_ms
    sent = assignments.moved_on(
        assignment,
        state=assignments.SENT,
        sent_at_ms=now_ms,
        state_since_ms=now_ms,
        order=ledger.state.seq + 1,
        held_until_ms=None,
        steps=(*assignment.steps, (assignments.SENT, now_ms)),
    )
    _sent(ledger, sent, ledger.state.incidents[assignment.incident])


def holds_after(ledger: Ledger, before_ms: int, clock: Clock) -> dict[str, Assignment]:
    """Held orders as they are once the city clock is turned: what was left of a hold in real time is left of it."""
    rate = ledger.state.clock.rate
    anew = {}
    for id_, held in ledger.state.assignments.items():
        if held.held_until_ms is not None:
            left_ms = max(0, held.held_until_ms - before_ms) / rate * clock.rate
            until_ms = _whole_second(clock.base_city_ms + left_ms)
            anew[id_] = assignments.moved_on(held, held_until_ms=until_ms)
    return anew


def end_holds_of_a_standing_clock(ledger: Ledger) -> None:
    """A clock that stands still ends no hold, so what is held leaves."""
    if ledger.state.clock.rate <= 0:
        for held in [one for one in ledger.state.assignments.values() if one.held_until_ms is not None]:
            _hold_over(ledger, held)


def end_all(ledger: Ledger, incident: Incident, by: str, reason: str) -> Incident:
    """Every team under way to it is called back, and no held order leaves.

    Returns: the incident as it is after that, in the same stage.
    """
    for id_ in incident.assignments:
        end(ledger, ledger.state.assignments[id_], by, reason, stays=True)
    return ledger.state.incidents[incident.id]


def end(ledger: Ledger, assignment: Assignment, by: str, reason: str, *, stays: bool = False) -> None:
    """An order ends before it is done: one that is held is taken back unheard, one that has left is recalled.

    `stays`: the incident keeps its stage, since somebody moves it on himself.
    """
    now_ms, held = ledger.now_ms, assignment.state == assignments.HELD
    state = assignments.TAKEN_BACK if held else assignments.RECALLED
    ended = assignments.moved_on(
        assignment,
        state=state,
        state_since_ms=now_ms,
        held_until_ms=None,
        steps=(*assignment.steps, (state, now_ms)),
        reason=reason,
        order=0 if held else ledger.state.seq + 1,
    )
    ended = waits_from(ledger, ended, now_ms)
    if not held:
        ended = replace(ended, outcome=CANCELLED if stays else outcome_of(ledger.state, ended))
    settled = {} if held else {"settled": assignment.order}
    ledger.decide(
        f"assignment_{state}",
        after_assignment(ledger, ended, now_ms, stays=stays),
        by=by,
        incident=assignment.incident,
        assignment=assignment.id,
        team=assignment.team,
        reason=reason,
        **settled,
    )
    if not stays:
        confirm_by_rule(ledger, assignment.incident, now_ms)
