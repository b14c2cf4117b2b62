"""Command 指挥, the axis that sends teams, calls them back, returns, extends, suspends and confirms what they report.

Supervision sends teams too, to verify and to check: `send` is the one way to an order. Each verb is one function that
decides or refuses; where it leads is `incidents.LIFECYCLE`. May not know devices or screens.
"""

from __future__ import annotations

from typing import Any, Final

from dashboard.city import answering, assignments
from dashboard.city.assignments import Assignment
from dashboard.city.commands import Command, Person
from dashboard.city.dispatch import blocked, stands_against
from dashboard.city.incidents import (
    HANDLING,
    LONGEST_SUSPENSION_DAYS,
    MOST_EXTENSIONS,
    PENDING_DISPATCH,
    PENDING_HANDLE,
    SUSPENDED,
    Incident,
)
from dashboard.city.ledger import Ledger
from dashboard.city.refusals import name_of, reasoned, saw, step, unchanged
from dashboard.city.roster import SOFT
from dashboard.city.sending import VERB_OF, end, end_all, ordered
from dashboard.city.state import DAY_MS
from dashboard.errors import Refused

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
    if active and kind == "handle" and not saw(command, incident):
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
    why_not = stands_against(ledger.state, ledger.telemetry.teams, team, incident, ledger.now_ms, ledger.roster)
    if why_not is not None and (why_not not in SOFT or not command.reason.strip()):
        raise Refused(
            why_not,
            team=team.id,
            since_ms=team.shown_since_ms,
            begins_in_s=ledger.roster.begins_in_s(team, ledger.now_ms),
            left_s=ledger.roster.left_s(team, ledger.now_ms),
        )
    ordered(ledger, command, person, incident, team, kind, why_not)


def take_back(ledger: Ledger, command: Command, person: Person, assignment: Assignment) -> None:
    """A held order is not sent after all 收回, by whoever gave it or another dispatcher; its device never rang."""
    if assignment.state != assignments.HELD:
        gone = next(step for step in assignment.steps if step[0] in (assignments.SENT, assignments.TAKEN_BACK))
        code = "already_sent" if gone[0] == assignments.SENT else "already_taken_back"
        raise Refused(code, team=assignment.team, by=_who_ended(ledger, assignment, code), at_ms=gone[1])
    unchanged(ledger, command, assignment, assignment.incident)
    end(ledger, assignment, name_of(person), command.reason)


def _who_ended(ledger: Ledger, assignment: Assignment, code: str) -> str:
    """Who took a held order back, or gave the one that left."""
    lines = ledger.state.timelines.get(assignment.incident, ())
    taken = (line.by for line in lines if line.args.get("assignment") == assignment.id)
    return assignment.by if code == "already_sent" else list(taken)[-1]


def recall(ledger: Ledger, command: Command, person: Person, assignment: Assignment) -> None:
    """An order is taken back 撤回, by the axis that gave it; the team says that it has seen it.

    That its device got it meanwhile, or that somebody there saw it, keeps nobody from that; that the team goes does.
    """
    if "recall" not in assignments.LIFECYCLE.get(assignment.state, {}):
        raise Refused(
            "not_now", verb="recall", state=assignment.state, by=assignment.by, at_ms=assignment.state_since_ms
        )
    _by_its_axis(person, assignment, "recall")
    if assignment.state not in assignments.UNANSWERED:
        unchanged(ledger, command, assignment, assignment.incident)
    end(ledger, assignment, name_of(person), command.reason)


def resend(ledger: Ledger, command: Command, person: Person, assignment: Assignment) -> None:
    """An order that nobody has answered rings once more 重发, by the axis that gave it; its steps stay as they are."""
    if assignment.state not in answering.LATE:
        raise Refused(
            "not_now", verb="resend", state=assignment.state, by=assignment.by, at_ms=assignment.state_since_ms
        )
    _by_its_axis(person, assignment, "resend")
    team = ledger.state.teams.get(assignment.team)
    if team is not None and assignment.state != assignments.RECALLED and blocked(team) == "team_off_duty":
        raise Refused("team_off_duty", team=team.id, since_ms=team.shown_since_ms)
    answering.ring_again(ledger, assignment, name_of(person))


def _by_its_axis(person: Person, assignment: Assignment, verb: str) -> None:
    """An order is handled by the axis that gave it.  Raises: Refused `not_your_role`."""
    if person.role not in SENT_BY[assignment.kind]:
        raise Refused("not_your_role", role=person.role, verb=verb, roles=sorted(SENT_BY[assignment.kind]))


def give_back(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    """It is not ours, or not clear: back to supervision 回退, which corrects it and files again, or ends it."""
    to = step(ledger, incident, "return", person)
    unchanged(ledger, command, incident, incident.id)
    reasoned(command)
    incident = end_all(ledger, incident, name_of(person), command.reason)
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
    incident = end_all(ledger, incident, name_of(person), command.reason)
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
