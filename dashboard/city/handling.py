"""Handling 处置: what teams and their devices say — position, duty, and each step of an order.

May not know gateways: a device is a name here.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec import UNSET
from msgspec.structs import replace

from dashboard.city import answering, assignments, manning, messages
from dashboard.city.assignments import ACTIVE, Assignment
from dashboard.city.events import Feedback, Position, TeamStatus
from dashboard.city.incidents import HANDLE_FINISH, LIFECYCLE, Incident
from dashboard.city.ledger import Ledger
from dashboard.city.teams import ON_DUTY, Team
from dashboard.city.telemetry import TeamNow, Telemetry
from dashboard.errors import BadPayload

_FOUND: Final = {"exists": "verified", "not_exist": "verified", "pass": "passed", "fail": "failed"}
"""What a team found → the step of the incident."""
_WORDS: Final = {"read": messages.receive_read, "note": messages.receive_note}
"""What is said with an order and is no step of it."""
_WORKING: Final = {assignments.ACCEPTED, assignments.EN_ROUTE, assignments.ON_SCENE}


def receive_position(ledger: Ledger, position: Position, at_ms: int) -> None:
    """Where a team is now; equal or older than its newest changes nothing.  Raises: BadPayload `unknown_team`."""
    team = ledger.state.teams.get(position.team)
    if team is None:
        raise BadPayload("unknown_team", team=position.team)
    now = note_position(ledger.telemetry, position, at_ms, ledger.now_ms)
    if now is None:
        return
    ledger.moved[position.team] = now
    if team.silent_since_ms is not None:
        row = ledger.team_after(replace(team, silent_since_ms=None), {}, ledger.now_ms)
        ledger.decide("team_heard", {"teams": {team.id: row}}, team=team.id)
    manning.stands(ledger, team.id, now.lat, now.lon)


def note_position(known: Telemetry, position: Position, at_ms: int, now_ms: int) -> TeamNow | None:
    """Write down where a team is.  Returns: None where something as new was known before."""
    now = known.teams.get(position.team)
    if now is None:
        now = known.teams[position.team] = TeamNow(position.team, position.lat, position.lon, at_ms, now_ms)
    elif at_ms <= now.time_ms:
        return None
    else:
        now.usual_s = _rhythm(now.usual_s, (at_ms - now.time_ms) / 1000)
    now.lat, now.lon, now.time_ms, now.heard_ms = position.lat, position.lon, at_ms, now_ms
    now.heading_deg = None if position.heading_deg is UNSET else position.heading_deg
    now.speed_mps = None if position.speed_mps is UNSET else position.speed_mps
    now.battery = None if position.battery is UNSET else position.battery
    now.accuracy_m = None if position.accuracy_m is UNSET else position.accuracy_m
    return now


def _rhythm(usual_s: float, gap_s: float) -> float:
    """A team's own rhythm after one more gap. One long silence is no rhythm: it counts as three usual gaps at most."""
    return gap_s if usual_s == 0 else usual_s + (min(gap_s, 3 * usual_s) - usual_s) / 5


def receive_status(ledger: Ledger, status: TeamStatus, at_ms: int) -> None:
    """A team goes on duty, off duty or on a break; what is older than its newest word changes nothing.

    Raises: BadPayload `unknown_team`.
    """
    team = ledger.state.teams.get(status.team)
    if team is None:
        raise BadPayload("unknown_team", team=status.team)
    if team.duty == status.state or at_ms < team.duty_since_ms:
        return
    silent = team.silent_since_ms if status.state == ON_DUTY else None
    changed = replace(team, duty=status.state, duty_since_ms=at_ms, silent_since_ms=silent)
    row = ledger.team_after(changed, {}, at_ms)
    by = f"device:{status.device}"
    ledger.decide("team_duty", {"teams": {team.id: row}}, at_ms=at_ms, by=by, team=team.id, duty=status.state)


def receive_feedback(ledger: Ledger, feedback: Feedback, at_ms: int) -> None:
    """A device reports a step of an order. A step that no longer fits is kept in the timeline and changes nothing.

    Nothing is done before it was ordered: a step from before that counts from the sending on, and what the device's
    clock said of it is kept.

    Raises: BadPayload `unknown_assignment`, `not_your_assignment`.
    """
    assignment = ledger.state.assignments.get(feedback.assignment)
    if assignment is None:
        raise BadPayload("unknown_assignment", assignment=feedback.assignment)
    if assignment.device != feedback.device:
        raise BadPayload("not_your_assignment", assignment=feedback.assignment, device=feedback.device)
    if feedback.step in _WORDS:
        _WORDS[feedback.step](ledger, assignment, feedback, at_ms)
        return
    step, by = feedback.step, f"device:{feedback.device}"
    args: dict[str, Any] = {"assignment": assignment.id, "team": assignment.team, "step": step}
    sent_ms = min(assignment.sent_at_ms, ledger.now_ms)
    if at_ms < sent_ms:
        args["device_at_ms"], at_ms = at_ms, sent_ms
    if feedback.note is not UNSET and feedback.note:
        args["note"] = feedback.note
    if feedback.photos is not UNSET and feedback.photos:
        args["photos"] = feedback.photos
    if step == assignments.FINISHED and assignment.kind != "handle":
        args["result"] = _result(assignment.kind, feedback)
    if step not in assignments.LIFECYCLE.get(assignment.state, {}):
        _step_too_late(ledger, assignment, step, at_ms, by, args)
        return
    stepped = assignments.moved_on(
        assignment,
        state=step,
        state_since_ms=at_ms,
        steps=(*assignment.steps, (step, at_ms)),
        note=args.get("note", assignment.note),
        order=0,
    )
    if (assignment.state, step) != (assignments.DELIVERED, assignments.SEEN):  # that it was seen is no acceptance
        stepped = answering.waits_from(ledger, stepped, at_ms)
    if step != assignments.RECALL_SEEN and answering.was_away(ledger, assignment, at_ms):
        args["outcome"] = answering.STILL_MINE
        stepped = replace(stepped, outcome=answering.STILL_MINE)
    rows = after_assignment(ledger, stepped, at_ms, result=args.get("result"))
    ledger.decide(
        "assignment_stepped", rows, incident=assignment.incident, at_ms=at_ms, by=by, settled=assignment.order, **args
    )
    confirm_by_rule(ledger, assignment.incident, at_ms)


def _result(kind: str, feedback: Feedback) -> str:
    """What a team found; one that does not say so, or says what answers another question, could not tell."""
    fitting = {"verify": ("exists", "not_exist"), "check": ("pass", "fail")}[kind]
    return feedback.result if feedback.result is not UNSET and feedback.result in fitting else "unable"


def confirm_by_rule(ledger: Ledger, incident_id: str, at_ms: int) -> None:
    """Where the city pack leaves it to a rule, what the last team reports is taken over at once."""
    incident = ledger.state.incidents.get(incident_id)
    if incident is None or incident.state != HANDLE_FINISH or ledger.pack.feedback != "rule":
        return
    row = ledger.in_stage(incident, LIFECYCLE[HANDLE_FINISH]["confirm"].to, at_ms)
    ledger.decide("incident_confirmed", {"incidents": {row.id: row}}, by="rule:feedback", incident=row.id, at_ms=at_ms)


def _step_too_late(
    ledger: Ledger, assignment: Assignment, step: str, at_ms: int, by: str, args: dict[str, Any]
) -> None:
    """The team did something with an order that has moved on (recalled, already further): it is a fact, not a step."""
    if assignment.order and (assignment.state in ACTIVE or step == assignments.RECALL_SEEN):
        answering.rang_again(ledger, assignment, step, at_ms, by)
        return
    if any(done == step for done, _ in (*assignment.steps, *assignment.afterwards)):
        return  # said twice, at-least-once delivery
    if assignment.state in (assignments.RECALLED, assignments.RECALL_SEEN):
        answering.step_after_end(ledger, assignment, step, at_ms, by, args)
        return
    ledger.decide("feedback_noted", incident=assignment.incident, at_ms=at_ms, by=by, state=assignment.state, **args)


def after_assignment(
    ledger: Ledger, changed: Assignment, at_ms: int, *, result: str | None = None, stays: bool = False
) -> dict[str, dict[str, object]]:
    """The rows that follow from an assignment's new state: itself, its team, its incident.

    `result`: what a team found on the spot. `stays`: the incident keeps its stage, since somebody moves it on himself.
    """
    state = ledger.state
    rows: dict[str, dict[str, object]] = {"assignments": {changed.id: changed}}
    team = state.teams.get(changed.team)
    if team is not None:
        rows["teams"] = {team.id: ledger.team_after(team, {changed.id: changed}, at_ms)}
        _turn(ledger, team, rows)
    incident = state.incidents.get(changed.incident)
    if incident is not None:
        rows["incidents"] = {incident.id: _incident_after(ledger, incident, changed, at_ms, result, stays)}
    return rows


def _turn(ledger: Ledger, before: Team, rows: dict[str, dict[str, object]]) -> None:
    """A team that turns to another order: that one no longer waits, and the one it leaves for later does."""
    after = rows["teams"][before.id]
    assert isinstance(after, Team)
    if after.active == before.active:
        return
    for id_, waits in ((before.active, True), (after.active, False)):
        held = rows["assignments"].get(id_ or "", ledger.state.assignments.get(id_ or ""))
        if isinstance(held, Assignment) and held.state in ACTIVE and held.waiting != waits:
            version = held.version + (held.id not in rows["assignments"])
            turned = replace(held, waiting=waits, marks=0, version=version)
            if held.state != assignments.SENT:
                turned = answering.waits_from(ledger, turned, ledger.now_ms)
            rows["assignments"][held.id] = turned


def _incident_after(
    ledger: Ledger, incident: Incident, changed: Assignment, at_ms: int, result: str | None, stays: bool
) -> Incident:
    """An incident follows its assignments: acceptance, arrival, the last finish, what was found, nobody left."""
    mine = [a for a in incident.assignments if a != changed.id or changed.state in ACTIVE]
    fields: dict[str, object] = {"assignments": tuple(mine)}
    if result is not None:
        fields["finding"] = result
    if changed.kind == "handle":
        if changed.state == assignments.ON_SCENE and incident.on_scene_at_ms is None:
            fields["on_scene_at_ms"] = at_ms
        if changed.state == assignments.FINISHED:
            fields["finished_at_ms"] = at_ms
            fields["handled_by"] = (*(team for team in incident.handled_by if team != changed.team), changed.team)
    verb = "" if stays else _verb(incident, changed, bool(mine), result)
    step = LIFECYCLE.get(incident.state, {}).get(verb)
    if step is not None:
        return ledger.in_stage(incident, step.to, at_ms, **fields)
    return ledger.amended(incident, **fields)


def _verb(incident: Incident, changed: Assignment, others: bool, result: str | None) -> str:
    """The step that an incident takes with its assignment; empty for none."""
    if changed.state in _WORKING:
        return "accepted"
    if changed.state in ACTIVE or others:
        return ""
    if changed.kind == "handle":
        done = incident.finished_at_ms is not None or changed.state == assignments.FINISHED
        return "finished" if done else "nobody_left"
    return _FOUND.get(result or "", "nobody_left")
