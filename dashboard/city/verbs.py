"""What an operator's verbs do: acknowledge, accept, file, void, dispatch, recall, close, rework, place, and the clock.

Each verb is one function that decides or refuses. Roles and lifecycles are tables (`commands.VERBS`,
`incidents.LIFECYCLE`); may not know who is connected or how an answer travels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from dashboard.city import alerts, assignments
from dashboard.city.admission import inside
from dashboard.city.assignments import KINDS, Assignment
from dashboard.city.commands import INTERACTIVE_AGE_MS, VERBS, Command, Person
from dashboard.city.dispatch import blocked, rank_teams
from dashboard.city.handling import after_assignment
from dashboard.city.incidents import (
    CANCELLED,
    CLOSED,
    LIFECYCLE,
    PENDING_DISPATCH,
    PENDING_REGISTER,
    REPORTED,
    Incident,
)
from dashboard.city.ledger import Ledger, deterministic_id, plain
from dashboard.city.pack import Pack, pack_of, registry_of
from dashboard.city.reporting import place_complaint
from dashboard.city.sensing import forget_rules
from dashboard.city.signals import Signal
from dashboard.city.state import Clock, Entry, passes
from dashboard.city.teams import OFF_DUTY, ON_DUTY, Team
from dashboard.errors import Refused

ADVICE_KEPT: Final = 3
"""How many proposals are journaled beside a dispatch: what the officer was shown."""


def name_of(person: Person) -> str:
    """How a person stands in the journal and on screens: `dispatcher/2/李伟`."""
    return f"{person.role}/{person.seat}/{person.name}"


def carry_out(ledger: Ledger, command: Command) -> None:
    """Do what an operator asks.  Raises: Refused with the reason's code and arguments; nothing has changed then."""
    person = command.person
    if person is None:
        raise Refused("nobody")
    rule = VERBS.get(command.verb)
    if rule is None:
        raise Refused("unknown_verb", verb=command.verb)
    table, roles = rule
    if person.role not in roles and not _dispatcher_files(ledger, command, person):
        raise Refused("not_your_role", role=person.role, verb=command.verb, roles=sorted(roles))
    if command.issued_at is not None and ledger.received_ms - command.issued_at > INTERACTIVE_AGE_MS:
        raise Refused("too_late", age_s=(ledger.received_ms - command.issued_at) // 1000)
    row = None
    if table:
        row = getattr(ledger.state, table).get(command.target)
        if row is None:
            raise Refused("not_there", target=command.target, table=table)
    _DO[command.verb](ledger, command, person, row)


def _dispatcher_files(ledger: Ledger, command: Command, person: Person) -> bool:
    return command.verb == "file" and person.role == "dispatcher" and ledger.pack.filing == "dispatcher"


def _unchanged(ledger: Ledger, command: Command, row: Any, incident: str | None) -> None:
    """The person saw the row as it is now.  Raises: Refused `changed_meanwhile` naming who changed what, and when."""
    if command.version is None or command.version == row.version:
        return
    last = _last(ledger, incident)
    if last is None:
        raise Refused("changed_meanwhile", by="", at_ms=ledger.now_ms, what="", version=row.version)
    raise Refused("changed_meanwhile", by=last.by, at_ms=last.at_ms, what=last.type, version=row.version)


def _last(ledger: Ledger, incident: str | None, type_: str | None = None) -> Entry | None:
    timeline = ledger.state.timelines.get(incident or "", [])
    return next((entry for entry in reversed(timeline) if type_ in (None, entry.type)), None)


def _step(incident: Incident, verb: str, ledger: Ledger) -> str:
    """The state a verb leads to.  Raises: Refused `not_now` with the state it is in, and who brought it there."""
    step = LIFECYCLE.get(incident.state, {}).get(verb)
    if step is None:
        last = _last(ledger, incident.id)
        raise Refused(
            "not_now", verb=verb, state=incident.state, by=last.by if last else "", at_ms=last.at_ms if last else 0
        )
    return step.to


# ---- alerts and incidents -------------------------------------------------------------------------------------------


def _acknowledge(ledger: Ledger, command: Command, person: Person, alert: alerts.Alert) -> None:
    disposition = command.disposition or "real"
    if disposition not in alerts.DISPOSITIONS:
        raise Refused("unknown_disposition", disposition=disposition, known=list(alerts.DISPOSITIONS))
    if "acknowledge" not in alerts.LIFECYCLE.get(alert.state, {}):
        raise Refused("already_acknowledged", by=alert.acknowledged_by, at_ms=alert.acknowledged_at_ms)
    _acknowledge_alert(ledger, alert, name_of(person), disposition, command.reason)
    incident = ledger.state.incidents.get(alert.incident or "")
    if incident is not None:
        _acknowledged(ledger, incident, name_of(person))
        _file_or_void(ledger, ledger.state.incidents[incident.id], disposition, name_of(person))


def _acknowledge_alert(ledger: Ledger, alert: alerts.Alert, by: str, disposition: str, reason: str) -> None:
    to = alerts.LIFECYCLE[alert.state]["acknowledge"].to
    row = replace(
        alert,
        state=to,
        acknowledged_at_ms=ledger.now_ms,
        acknowledged_by=by,
        disposition=disposition,
        version=alert.version + 1,
    )
    ledger.decide(
        "alert_acknowledged",
        {"alerts": {alert.id: None if to == alerts.NORMAL else row}},
        by=by,
        incident=alert.incident if alert.incident in ledger.state.incidents else None,
        alert=alert.id,
        subject=alert.subject,
        disposition=disposition,
        reason=reason,
    )


def _acknowledged(ledger: Ledger, incident: Incident, by: str) -> None:
    if incident.acknowledged_at_ms is None:
        row = replace(incident, acknowledged_at_ms=ledger.now_ms, acknowledged_by=by, version=incident.version + 1)
        ledger.decide("incident_acknowledged", {"incidents": {incident.id: row}}, by=by, incident=incident.id)


def _file_or_void(ledger: Ledger, incident: Incident, disposition: str, by: str) -> None:
    """What a sensor or a patrol raised is filed by rule when acknowledged as real; alone and not real, it is void."""
    if incident.state not in (REPORTED, PENDING_REGISTER):
        return
    if disposition == "real":
        if incident.origin in ("sensor", "patrol"):
            _filed(ledger, incident, "rule:filing", by)
    elif incident.complaints == 0 and incident.merged == 0:
        row = ledger.in_stage(
            incident, CANCELLED, ledger.now_ms, closed_at_ms=ledger.now_ms, closed_by=by, reason=disposition
        )
        ledger.decide(
            "incident_voided", {"incidents": {incident.id: row}}, by=by, incident=incident.id, reason=disposition
        )


def _filed(ledger: Ledger, incident: Incident, by: str, asked_by: str = "") -> None:
    row = ledger.in_stage(incident, PENDING_DISPATCH, ledger.now_ms, filed_at_ms=ledger.now_ms, filed_by=by)
    args: dict[str, Any] = {"asked_by": asked_by} if asked_by else {}
    ledger.decide("incident_filed", {"incidents": {incident.id: row}}, by=by, incident=incident.id, **args)


def _acknowledge_incident(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    by = name_of(person)
    disposition = command.disposition or "real"
    if disposition not in alerts.DISPOSITIONS:
        raise Refused("unknown_disposition", disposition=disposition, known=list(alerts.DISPOSITIONS))
    open_alerts = [
        alert
        for alert in ledger.state.alerts.values()
        if alert.incident == incident.id and "acknowledge" in alerts.LIFECYCLE.get(alert.state, {})
    ]
    if incident.acknowledged_at_ms is not None and not open_alerts:
        raise Refused("already_acknowledged", by=incident.acknowledged_by, at_ms=incident.acknowledged_at_ms)
    for alert in open_alerts:
        _acknowledge_alert(ledger, alert, by, disposition, command.reason)
    _acknowledged(ledger, incident, by)
    _file_or_void(ledger, ledger.state.incidents[incident.id], disposition, by)


def _accept(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    _unchanged(ledger, command, incident, incident.id)
    row = ledger.in_stage(incident, _step(incident, "accept", ledger), ledger.now_ms)
    ledger.decide("incident_accepted", {"incidents": {incident.id: row}}, by=name_of(person), incident=incident.id)


def _file(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    _step(incident, "file", ledger)
    _unchanged(ledger, command, incident, incident.id)
    _acknowledged(ledger, incident, name_of(person))
    _filed(ledger, ledger.state.incidents[incident.id], name_of(person))


def _void(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    to = _step(incident, "void", ledger)
    _unchanged(ledger, command, incident, incident.id)
    _needs_reason(command)
    by = name_of(person)
    row = ledger.in_stage(incident, to, ledger.now_ms, closed_at_ms=ledger.now_ms, closed_by=by, reason=command.reason)
    ledger.decide(
        "incident_voided", {"incidents": {incident.id: row}}, by=by, incident=incident.id, reason=command.reason
    )


def _return(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    to = _step(incident, "return", ledger)
    _unchanged(ledger, command, incident, incident.id)
    _needs_reason(command)
    row = ledger.in_stage(incident, to, ledger.now_ms, filed_at_ms=None, filed_by=None)
    ledger.decide(
        "incident_returned",
        {"incidents": {incident.id: row}},
        by=name_of(person),
        incident=incident.id,
        reason=command.reason,
    )


def _close(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    to = _step(incident, "close", ledger)
    by = name_of(person)
    if any(_same_person(by, dispatched) for dispatched in incident.dispatched_by):
        raise Refused("you_dispatched", by=by)
    _unchanged(ledger, command, incident, incident.id)
    row = ledger.in_stage(
        incident, to, ledger.now_ms, closed_at_ms=ledger.now_ms, closed_by=by, reason=command.reason or None
    )
    assert to == CLOSED
    ledger.decide(
        "incident_closed", {"incidents": {incident.id: row}}, by=by, incident=incident.id, reason=command.reason
    )


def _same_person(a: str, b: str) -> bool:
    """Two entries of the journal name the same human, whatever the seat and role."""
    return a.rpartition("/")[2] == b.rpartition("/")[2]


def _rework(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    to = _step(incident, "rework", ledger)
    _unchanged(ledger, command, incident, incident.id)
    _needs_reason(command)
    row = ledger.in_stage(incident, to, ledger.now_ms, reworks=incident.reworks + 1, finished_at_ms=None)
    ledger.decide(
        "incident_reworked",
        {"incidents": {incident.id: row}},
        by=name_of(person),
        incident=incident.id,
        reason=command.reason,
    )


def _needs_reason(command: Command) -> None:
    if not command.reason.strip():
        raise Refused("reason_missing", verb=command.verb)


# ---- assignments ----------------------------------------------------------------------------------------------------


def _dispatch_team(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    state = ledger.state
    kind = command.kind or "handle"
    if kind not in KINDS:
        raise Refused("unknown_kind", kind=kind, known=list(KINDS))
    active = [state.assignments[id_] for id_ in incident.assignments if id_ in state.assignments]
    if active and (command.version is None or command.version != incident.version):
        newest = active[-1]
        raise Refused(
            "already_dispatched", by=newest.by, at_ms=newest.sent_at_ms, team=newest.team, version=incident.version
        )
    if not active:
        _step(incident, "dispatch", ledger)
        _unchanged(ledger, command, incident, incident.id)
    team = state.teams.get(command.team or "")
    if team is None:
        raise Refused("unknown_team", team=command.team)
    its = next((assignment for assignment in active if assignment.team == team.id), None)
    if its is not None:
        raise Refused("team_has_it", team=team.id, at_ms=its.sent_at_ms)
    why_not = blocked(team)
    if why_not == "team_off_duty" or (why_not is not None and not command.reason.strip()):
        raise Refused(why_not, team=team.id, since_ms=team.shown_since_ms)
    _send(ledger, command, person, incident, team, kind)


def _send(ledger: Ledger, command: Command, person: Person, incident: Incident, team: Team, kind: str) -> None:
    by, now_ms = name_of(person), ledger.now_ms
    advice = rank_teams(
        ledger.state, ledger.telemetry.teams, incident, ledger.category(incident.category), now_ms, most=ADVICE_KEPT
    )
    assignment = Assignment(
        id=deterministic_id("t", command.id, team.id),
        incident=incident.id,
        number=incident.number,
        team=team.id,
        kind=kind,
        state=assignments.SENT,
        device=team.device,
        by=by,
        sent_at_ms=now_ms,
        state_since_ms=now_ms,
        order=ledger.state.seq + 1,
        waiting=team.active is not None,
        steps=((assignments.SENT, now_ms),),
        note=command.note,
        reason=command.reason,
    )
    fields: dict[str, Any] = {
        "assignments": (*incident.assignments, assignment.id),
        "dispatched_by": tuple(dict.fromkeys((*incident.dispatched_by, by))),
        "acknowledged_at_ms": incident.acknowledged_at_ms or now_ms,
        "acknowledged_by": incident.acknowledged_by or by,
    }
    if incident.assignments:
        row = replace(incident, version=incident.version + 1, **fields)
    else:
        to = LIFECYCLE[incident.state]["dispatch"].to
        row = ledger.in_stage(incident, to, now_ms, dispatched_at_ms=incident.dispatched_at_ms or now_ms, **fields)
    ledger.decide(
        "assignment_sent",
        {
            "assignments": {assignment.id: assignment},
            "incidents": {incident.id: row},
            "teams": {team.id: ledger.team_after(team, {assignment.id: assignment}, now_ms)},
        },
        by=by,
        incident=incident.id,
        assignment=assignment.id,
        team=team.id,
        kind=kind,
        reason=command.reason,
        note=command.note,
        seen=command.seen,
        advice=plain(advice),
    )


def _recall(ledger: Ledger, command: Command, person: Person, assignment: Assignment) -> None:
    if "recall" not in assignments.LIFECYCLE.get(assignment.state, {}):
        raise Refused(
            "not_now", verb="recall", state=assignment.state, by=assignment.by, at_ms=assignment.state_since_ms
        )
    _unchanged(ledger, command, assignment, assignment.incident)
    by, now_ms = name_of(person), ledger.now_ms
    recalled = replace(
        assignment,
        state=assignments.RECALLED,
        state_since_ms=now_ms,
        steps=(*assignment.steps, ("recalled", now_ms)),
        reason=command.reason,
        order=ledger.state.seq + 1,
        version=assignment.version + 1,
    )
    rows = after_assignment(ledger, recalled, now_ms)
    ledger.decide(
        "assignment_recalled",
        rows,
        by=by,
        incident=assignment.incident,
        assignment=assignment.id,
        team=assignment.team,
        reason=command.reason,
        settled=assignment.order,
    )


# ---- complaints, clock, registry ------------------------------------------------------------------------------------


def _place(ledger: Ledger, command: Command, person: Person, row: Any) -> None:
    if command.lat is None or command.lon is None:
        raise Refused("place_missing")
    if row.verb != "report":
        raise Refused("not_a_report", verb=row.verb)
    if not inside(command.lat, command.lon, ledger.pack.bounds):
        raise Refused("outside_city", lat=command.lat, lon=command.lon, bounds=list(ledger.pack.bounds))
    place_complaint(ledger, row, command.lat, command.lon, ledger.now_ms, name_of(person))


def _answer(ledger: Ledger, command: Command, person: Person, row: Any) -> None:
    _needs_reason(command)
    ledger.decide(
        "complaint_answered",
        {"complaints": {row.id: None}},
        by=name_of(person),
        complaint=row.id,
        answer=command.reason,
    )


def _set_clock(ledger: Ledger, command: Command, person: Person, _: object) -> None:
    """The city clock runs on from a city time at a rate; `note` says why in a word (simulation, replay, live)."""
    real_ms = ledger.received_ms
    base_ms = real_ms if command.offset_ms is None else command.offset_ms
    clock = Clock(base_ms, real_ms, 1.0 if command.rate is None else command.rate, command.note or "simulation")
    before_ms, ledger.now_ms = ledger.now_ms, base_ms
    rows: dict[str, Any] = {}
    if not passes(before_ms, base_ms):
        anew = {"signals": _running_delays(ledger, base_ms - before_ms), "teams": _states_since(ledger, base_ms)}
        rows = {table: changed for table, changed in anew.items() if changed}
    ledger.decide("clock_set", rows, by=name_of(person), at_ms=base_ms, clock=plain(clock))


def _states_since(ledger: Ledger, base_ms: int) -> dict[str, Team]:
    """What teams do, they do since the clock began anew: the moment before is of another time."""
    return {
        id_: replace(team, shown_since_ms=base_ms, version=team.version + 1) for id_, team in ledger.state.teams.items()
    }


def _running_delays(ledger: Ledger, by_ms: int) -> dict[str, Signal]:
    """A clock that begins anew takes the running delays of signals with it: what was left of them is left of them."""
    return {
        key: replace(signal, since_ms=signal.since_ms + by_ms, due_ms=signal.due_ms + by_ms)
        for key, signal in ledger.state.signals.items()
        if signal.due_ms is not None
    }


def _change_registry(ledger: Ledger, command: Command, person: Person, _: object) -> None:
    if command.registry is None:
        raise Refused("registry_missing")
    try:
        pack = pack_of(command.registry)
        Ledger(pack)  # of its type and yet of no use: a zone, hours, holidays or limits that nobody can read
    except (msgspec.ValidationError, ValueError, KeyError, TypeError) as error:
        raise Refused("bad_registry", detail=str(error)) from None
    register(ledger, pack, name_of(person))


def register(ledger: Ledger, pack: Pack, by: str, digest: str = "") -> None:
    """Take a city pack into force: its teams become rows, what they do is kept.

    `digest` names a pack read from files.
    """
    held, rows = ledger.state.teams, {}
    for team in pack.teams:
        before = held.get(team.id)
        always = team.shift == ("00:00", "24:00")
        fresh = Team(
            id=team.id,
            call=team.call,
            name_zh=team.zh,
            name_en=team.en,
            post_zh=team.post_zh,
            post_en=team.post_en,
            kind=team.kind,
            skills=team.skills,
            area=team.area,
            device=team.device,
            lat=team.lat,
            lon=team.lon,
            duty=before.duty if before else (ON_DUTY if always else OFF_DUTY),
            duty_since_ms=before.duty_since_ms if before else 0,
            shown_since_ms=ledger.now_ms,
            active=before.active if before else None,
            waiting=before.waiting if before else (),
            silent_since_ms=before.silent_since_ms if before else None,
            version=before.version if before else 0,
        )
        rows[team.id] = ledger.team_after(fresh, {}, ledger.now_ms)
    gone: dict[str, Any] = {id_: None for id_ in held if id_ not in rows and held[id_].active is None}
    ledger.use(pack)
    args: dict[str, Any] = {"digest": digest} if digest else {}
    ledger.decide("registry_changed", {"teams": {**rows, **gone}}, by=by, registry=registry_of(pack), **args)
    forget_rules(ledger)


_DO: Final[dict[str, Callable[[Ledger, Command, Person, Any], None]]] = {
    "acknowledge": _acknowledge,
    "acknowledge_incident": _acknowledge_incident,
    "accept": _accept,
    "file": _file,
    "void": _void,
    "return": _return,
    "dispatch_team": _dispatch_team,
    "recall": _recall,
    "close": _close,
    "rework": _rework,
    "place": _place,
    "answer": _answer,
    "set_clock": _set_clock,
    "change_registry": _change_registry,
}
