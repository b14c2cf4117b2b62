"""Command 指挥, the axis that sends teams, calls them back, returns, extends, suspends and confirms what they report.

Supervision sends teams too, to verify and to check: `send` is the one way to an order. Each verb is one function that
decides or refuses; where it leads is `incidents.LIFECYCLE`. May not know devices or screens.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from dashboard.city import assignments
from dashboard.city.assignments import Assignment
from dashboard.city.commands import Command, Person
from dashboard.city.dispatch import blocked, rank_teams
from dashboard.city.handling import after_assignment, confirm_by_rule
from dashboard.city.incidents import (
    HANDLING,
    LIFECYCLE,
    LONGEST_SUSPENSION_DAYS,
    MOST_EXTENSIONS,
    PENDING_DISPATCH,
    PENDING_HANDLE,
    SUSPENDED,
    Incident,
)
from dashboard.city.ledger import Ledger, deterministic_id, plain
from dashboard.city.refusals import name_of, reasoned, step, unchanged
from dashboard.city.state import DAY_MS, Clock
from dashboard.city.teams import Team
from dashboard.errors import Refused

ADVICE_KEPT: Final = 3
"""How many proposals are journaled beside an order: what the officer was shown."""
VERB_OF: Final = {"handle": "dispatch", "verify": "verify", "check": "check"}
"""Kind of an order → the step of the incident that it is."""
SENT_BY: Final = {"handle": {"dispatcher"}, "verify": {"call_taker", "supervisor"}, "check": {"supervisor"}}
"""Kind of an order → whose it is: only that axis recalls it."""


def dispatch_team(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    """A team is sent to handle the problem 派遣; further ones may follow while it is being handled."""
    if command.kind not in (None, "handle"):
        raise Refused("unknown_kind", kind=command.kind, known=["handle"])
    send(ledger, command, person, incident, "handle")


def send(ledger: Ledger, command: Command, person: Person, incident: Incident, kind: str) -> None:
    """An order of a kind goes to a team that may be sent.  Raises: Refused, naming who was first or what is amiss."""
    active = [ledger.state.assignments[id_] for id_ in incident.assignments if id_ in ledger.state.assignments]
    if active and kind == "handle" and (command.version is None or command.version != incident.version):
        newest = active[-1]
        raise Refused(
            "already_dispatched",
            by=newest.by,
            at_ms=newest.sent_at_ms,
            team=newest.team,
            state=newest.state,
            version=incident.version,
        )
    if not (kind == "handle" and active and incident.state in (PENDING_DISPATCH, PENDING_HANDLE, HANDLING)):
        step(ledger, incident, VERB_OF[kind], person)
        unchanged(ledger, command, incident, incident.id)
    team = ledger.state.teams.get(command.team or "")
    if team is None:
        raise Refused("unknown_team", team=command.team)
    its = next((assignment for assignment in active if assignment.team == team.id), None)
    if its is not None:
        raise Refused("team_has_it", team=team.id, at_ms=its.sent_at_ms)
    if kind == "check" and team.id in incident.handled_by:
        raise Refused("team_handled_it", team=team.id)
    why_not = blocked(team)
    if why_not == "team_off_duty" or (why_not is not None and not command.reason.strip()):
        raise Refused(why_not, team=team.id, since_ms=team.shown_since_ms)
    _ordered(ledger, command, person, incident, team, kind)


def _ordered(ledger: Ledger, command: Command, person: Person, incident: Incident, team: Team, kind: str) -> None:
    """The order is written down: sent at once, or held for some seconds in which it can be taken back."""
    by, now_ms = name_of(person), ledger.now_ms
    advice = rank_teams(
        ledger.state, ledger.telemetry.teams, incident, ledger.category(incident.category), now_ms, most=ADVICE_KEPT
    )
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
        _taken_back(ledger, assignment, "rule:hold", "team_off_duty")
        return
    now_ms = ledger.now_ms
    sent = replace(
        assignment,
        state=assignments.SENT,
        sent_at_ms=now_ms,
        state_since_ms=now_ms,
        order=ledger.state.seq + 1,
        held_until_ms=None,
        steps=(*assignment.steps, (assignments.SENT, now_ms)),
        version=assignment.version + 1,
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
            anew[id_] = replace(held, held_until_ms=until_ms, version=held.version + 1)
    return anew


def end_holds_of_a_standing_clock(ledger: Ledger) -> None:
    """A clock that stands still ends no hold, so what is held leaves."""
    if ledger.state.clock.rate <= 0:
        for held in [one for one in ledger.state.assignments.values() if one.held_until_ms is not None]:
            _hold_over(ledger, held)


def take_back(ledger: Ledger, command: Command, person: Person, assignment: Assignment) -> None:
    """A held order is not sent after all 收回, by whoever gave it or another dispatcher; its device never rang."""
    if assignment.state != assignments.HELD:
        gone = next(step for step in assignment.steps if step[0] in (assignments.SENT, assignments.TAKEN_BACK))
        code = "already_sent" if gone[0] == assignments.SENT else "already_taken_back"
        raise Refused(code, team=assignment.team, at_ms=gone[1])
    unchanged(ledger, command, assignment, assignment.incident)
    _taken_back(ledger, assignment, name_of(person), command.reason)


def _taken_back(ledger: Ledger, assignment: Assignment, by: str, reason: str, *, stays: bool = False) -> None:
    now_ms = ledger.now_ms
    taken = replace(
        assignment,
        state=assignments.TAKEN_BACK,
        state_since_ms=now_ms,
        held_until_ms=None,
        steps=(*assignment.steps, (assignments.TAKEN_BACK, now_ms)),
        reason=reason,
        version=assignment.version + 1,
    )
    ledger.decide(
        "assignment_taken_back",
        after_assignment(ledger, taken, now_ms, stays=stays),
        by=by,
        incident=assignment.incident,
        assignment=assignment.id,
        team=assignment.team,
        reason=reason,
    )
    if not stays:
        confirm_by_rule(ledger, assignment.incident, now_ms)


def recall(ledger: Ledger, command: Command, person: Person, assignment: Assignment) -> None:
    """An order is taken back 撤回, by the axis that gave it; the team says that it has seen it."""
    if "recall" not in assignments.LIFECYCLE.get(assignment.state, {}):
        raise Refused(
            "not_now", verb="recall", state=assignment.state, by=assignment.by, at_ms=assignment.state_since_ms
        )
    if person.role not in SENT_BY[assignment.kind]:
        raise Refused("not_your_role", role=person.role, verb="recall", roles=sorted(SENT_BY[assignment.kind]))
    unchanged(ledger, command, assignment, assignment.incident)
    _recalled(ledger, assignment, name_of(person), command.reason)


def recall_all(ledger: Ledger, incident: Incident, by: str, reason: str) -> Incident:
    """Every team under way to it is called back, and no held order leaves.

    Returns: the incident as it is after that, in the same stage.
    """
    for id_ in incident.assignments:
        assignment = ledger.state.assignments[id_]
        end = _taken_back if assignment.state == assignments.HELD else _recalled
        end(ledger, assignment, by, reason, stays=True)
    return ledger.state.incidents[incident.id]


def _recalled(ledger: Ledger, assignment: Assignment, by: str, reason: str, *, stays: bool = False) -> None:
    now_ms = ledger.now_ms
    recalled = replace(
        assignment,
        state=assignments.RECALLED,
        state_since_ms=now_ms,
        steps=(*assignment.steps, ("recalled", now_ms)),
        reason=reason,
        order=ledger.state.seq + 1,
        version=assignment.version + 1,
    )
    ledger.decide(
        "assignment_recalled",
        after_assignment(ledger, recalled, now_ms, stays=stays),
        by=by,
        incident=assignment.incident,
        assignment=assignment.id,
        team=assignment.team,
        reason=reason,
        settled=assignment.order,
    )
    if not stays:
        confirm_by_rule(ledger, assignment.incident, now_ms)


def give_back(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    """It is not ours, or not clear: back to supervision 回退, which corrects it and files again, or ends it."""
    to = step(ledger, incident, "return", person)
    unchanged(ledger, command, incident, incident.id)
    reasoned(command)
    incident = recall_all(ledger, incident, name_of(person), command.reason)
    row = ledger.in_stage(incident, to, ledger.now_ms, filed_at_ms=None, filed_by=None, reason=command.reason)
    _decided(ledger, "incident_returned", person, row, reason=command.reason)


def extend(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    """The handling limit once more 延期, at most twice and only while it is not over."""
    step(ledger, incident, "extend", person)
    unchanged(ledger, command, incident, incident.id)
    reasoned(command)
    if incident.extensions >= MOST_EXTENSIONS:
        raise Refused("no_more_extensions", most=MOST_EXTENSIONS)
    if incident.due_ms is None:
        raise Refused("no_limit")
    if ledger.now_ms > incident.due_ms:
        raise Refused("overdue", since_ms=incident.due_ms)
    row = ledger.with_handling_limit(ledger.amended(incident, extensions=incident.extensions + 1))
    _decided(ledger, "incident_extended", person, row, reason=command.reason, until_ms=row.due_ms)


def suspend(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    """It cannot be handled now 挂账: its clock stands still until a day that is named, and teams are called back."""
    to = step(ledger, incident, "suspend", person)
    unchanged(ledger, command, incident, incident.id)
    reasoned(command)
    until_ms, now_ms = command.until_ms, ledger.now_ms
    if until_ms is None or not now_ms < until_ms <= now_ms + LONGEST_SUSPENSION_DAYS * DAY_MS:
        raise Refused("until_missing", most_days=LONGEST_SUSPENSION_DAYS)
    incident = recall_all(ledger, incident, name_of(person), command.reason)
    pauses = (*incident.pauses, (now_ms, None)) if incident.dispatched_at_ms is not None else incident.pauses
    row = ledger.in_stage(incident, to, now_ms, suspended_until_ms=until_ms, pauses=pauses, reason=command.reason)
    _decided(ledger, "incident_suspended", person, row, reason=command.reason, until_ms=until_ms)


def resume(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    """A suspended incident goes on before its day."""
    step(ledger, incident, "resume", person)
    unchanged(ledger, command, incident, incident.id)
    _resumed(ledger, incident, ledger.now_ms, name_of(person))


def resume_due(ledger: Ledger, incident_id: str, due_ms: int) -> None:
    """The day has come: a suspended incident waits for dispatch again."""
    incident = ledger.state.incidents.get(incident_id)
    if incident is not None and incident.state == SUSPENDED and incident.suspended_until_ms == due_ms:
        _resumed(ledger, incident, due_ms, "")


def _resumed(ledger: Ledger, incident: Incident, at_ms: int, by: str) -> None:
    to = step(ledger, incident, "resume")
    row = ledger.in_stage(incident, to, at_ms, suspended_until_ms=None, pauses=ended_pauses(incident, at_ms))
    ledger.decide("incident_resumed", {"incidents": {row.id: row}}, by=by, incident=row.id, at_ms=at_ms)


def ended_pauses(incident: Incident, at_ms: int) -> tuple[tuple[int, int | None], ...]:
    """Its suspensions, the one that lasts ended at a moment."""
    return tuple((begin_ms, at_ms if end_ms is None else end_ms) for begin_ms, end_ms in incident.pauses)


def confirm(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    """What the teams report is taken over 反馈, and supervision may check."""
    to = step(ledger, incident, "confirm", person)
    unchanged(ledger, command, incident, incident.id)
    _decided(ledger, "incident_confirmed", person, ledger.in_stage(incident, to, ledger.now_ms))


def _decided(ledger: Ledger, type_: str, person: Person, row: Incident, **args: Any) -> None:
    ledger.decide(type_, {"incidents": {row.id: row}}, by=name_of(person), incident=row.id, **args)
