"""Supervision 监察, the axis that takes in, verifies, files, checks and closes; the other one is `dispatching`.

Each verb is one function that decides or refuses; where it leads is `incidents.LIFECYCLE`. May not know screens.
"""

from __future__ import annotations

from typing import Any

from dashboard.city import flood
from dashboard.city.changes import Rows
from dashboard.city.commands import Command, Person
from dashboard.city.dispatching import ended_pauses, send
from dashboard.city.grouping import incident_arrives
from dashboard.city.incidents import ENDED, PENDING_REGISTER, REPORTED, RETURNED, Incident
from dashboard.city.ledger import Ledger
from dashboard.city.refusals import name_of, not_by_dispatcher, reasoned, step, unchanged
from dashboard.city.sending import end_all
from dashboard.errors import Refused


def may_file_too(ledger: Ledger, command: Command, person: Person) -> bool:
    """Where the city pack says so a dispatcher files as well, but not what he or another dispatcher returned."""
    incident = ledger.state.incidents.get(command.target)
    returned = incident is not None and incident.state == RETURNED
    return (
        command.verb == "file" and person.role == "dispatcher" and ledger.pack.filing == "dispatcher" and not returned
    )


def accept(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    """The call taker takes a report in 受理."""
    to = step(ledger, incident, "accept", person)
    unchanged(ledger, command, incident, incident.id)
    _moved(ledger, incident, to, "incident_accepted", person)


def decline(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    """A report that is none of the city's business is not accepted 不予受理."""
    _ended(ledger, command, person, incident, "incident_declined")


def void(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    """It does not meet a filing condition 作废."""
    _ended(ledger, command, person, incident, "incident_voided")


def verify(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    """A team goes to see, before filing, whether the reported problem exists 核实."""
    send(ledger, command, person, incident, "verify")


def file(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    """The problem becomes a case 立案."""
    step(ledger, incident, "file")
    unchanged(ledger, command, incident, incident.id)
    known = [condition.key for condition in ledger.category(incident.category).conditions]
    if command.kind is not None and command.kind not in known:
        raise Refused("unknown_condition", condition=command.kind, known=known)
    acknowledged(ledger, incident, name_of(person))
    filed(ledger, ledger.state.incidents[incident.id], name_of(person), condition=command.kind or "")


def check(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    """A team other than the one that handled it goes to see whether the problem is really gone 核查."""
    send(ledger, command, person, incident, "check")


def rework(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    """The work was poor and is done again 返工, with all its evidence kept."""
    to = step(ledger, incident, "rework", person)
    unchanged(ledger, command, incident, incident.id)
    reasoned(command)
    _moved(
        ledger, incident, to, "incident_reworked", person, command.reason,
        reworks=incident.reworks + 1, finished_at_ms=None, finding=None,
    )  # fmt: skip


def close(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    """The problem is gone 结案; where the city pack says so, only after a check on the spot passed."""
    to = step(ledger, incident, "close", person)
    by = name_of(person)
    not_by_dispatcher(incident, by)
    if ledger.pack.closing == "check" and incident.finding != "pass":
        raise Refused("not_checked", finding=incident.finding)
    unchanged(ledger, command, incident, incident.id)
    _moved(ledger, incident, to, "incident_closed", person, command.reason, **_end(ledger, by, command.reason))


def force_close(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    """It ends although the problem is not shown to be gone 强制结案; teams under way are called back."""
    to = step(ledger, incident, "force_close", person)
    by = name_of(person)
    not_by_dispatcher(incident, by)
    unchanged(ledger, command, incident, incident.id)
    reasoned(command)
    incident = end_all(ledger, incident, by, command.reason)
    fields = _end(ledger, by, command.reason)
    fields |= {"suspended_until_ms": None, "pauses": ended_pauses(incident, ledger.now_ms)}
    _moved(ledger, incident, to, "incident_force_closed", person, command.reason, **fields)


def reopen(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    """What had ended is taken up again, with all that was known of it."""
    to = step(ledger, incident, "reopen", person)
    unchanged(ledger, command, incident, incident.id)
    reasoned(command)
    _moved(
        ledger, incident, to, "incident_reopened", person, command.reason,
        reopened=incident.reopened + 1, closed_at_ms=None, closed_by=None, finished_at_ms=None, finding=None,
    )  # fmt: skip


def supervise(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    """A supervisor or leader orders that this one be seen to 督办, and says what is wanted."""
    if incident.state in ENDED:
        step(ledger, incident, "supervise")
    unchanged(ledger, command, incident, incident.id)
    reasoned(command)
    by = name_of(person)
    fields = {"supervised_at_ms": ledger.now_ms, "supervised_by": by}
    row = ledger.amended(incident, **fields)
    ledger.decide(
        "incident_supervised", {"incidents": {incident.id: row}}, by=by, incident=incident.id, reason=command.reason
    )


# ---- what others decide with ----------------------------------------------------------------------------------------


def acknowledged(ledger: Ledger, incident: Incident, by: str) -> None:
    """Somebody has seen it."""
    if incident.acknowledged_at_ms is None:
        row = ledger.amended(incident, acknowledged_at_ms=ledger.now_ms, acknowledged_by=by)
        ledger.decide("incident_acknowledged", {"incidents": {incident.id: row}}, by=by, incident=incident.id)


def filed(ledger: Ledger, incident: Incident, by: str, asked_by: str = "", condition: str = "") -> None:
    """It is filed by a person, or by rule when a person said that it is real; on the first condition, or the named."""
    to = step(ledger, incident, "file")
    known = ledger.category(incident.category).conditions
    condition = condition or (known[0].key if known else "")
    row = ledger.in_stage(incident, to, ledger.now_ms, filed_at_ms=ledger.now_ms, filed_by=by, condition=condition)
    args: dict[str, Any] = {"asked_by": asked_by} if asked_by else {}
    floods: Rows = {}
    if ledger.pack.filing != "dispatcher":  # else it was before the dispatchers as soon as it was reported
        row, arrival = incident_arrives(ledger, row, flood.FILED)
        floods, args["arrived"] = arrival.floods, arrival.arrived
    ledger.decide("incident_filed", {"incidents": {incident.id: row}, **floods}, by=by, incident=incident.id, **args)


def file_or_void(ledger: Ledger, incident: Incident, disposition: str, by: str, of: str | None = None) -> None:
    """What a sensor or a patrol raised is filed by rule when acknowledged as real; alone and not real, it is void.

    `of`: what a duplicate is one of.
    """
    if incident.state not in (REPORTED, PENDING_REGISTER):
        return
    if disposition == "real":
        if incident.origin in ("sensor", "patrol"):
            filed(ledger, incident, "rule:filing", by)
    elif incident.complaints == 0 and incident.merged == 0:
        row = ledger.in_stage(incident, step(ledger, incident, "void"), ledger.now_ms, **_end(ledger, by, disposition))
        args: dict[str, Any] = {} if of is None else {"duplicate_of": of}
        ledger.decide(
            "incident_voided", {"incidents": {incident.id: row}}, by="rule:filing", incident=incident.id,
            reason=disposition, asked_by=by, **args,
        )  # fmt: skip


def _ended(ledger: Ledger, command: Command, person: Person, incident: Incident, type_: str) -> None:
    to = step(ledger, incident, command.verb, person)
    unchanged(ledger, command, incident, incident.id)
    reasoned(command)
    incident = end_all(ledger, incident, name_of(person), command.reason)
    _moved(ledger, incident, to, type_, person, command.reason, **_end(ledger, name_of(person), command.reason))


def _end(ledger: Ledger, by: str, reason: str) -> dict[str, Any]:
    return {"closed_at_ms": ledger.now_ms, "closed_by": by, "reason": reason or None}


def _moved(
    ledger: Ledger, incident: Incident, to: str, type_: str, person: Person, said: str = "", **fields: Any
) -> None:
    row = ledger.in_stage(incident, to, ledger.now_ms, **fields)
    args: dict[str, Any] = {"reason": said} if said else {}
    ledger.decide(type_, {"incidents": {incident.id: row}}, by=name_of(person), incident=incident.id, **args)
