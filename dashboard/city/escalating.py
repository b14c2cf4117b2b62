"""Escalation 升级 and its way back: an incident is brought before a higher seat, by a person or by a timer of the pack.

Timers are rows of the city pack; they are looked up from the state, so that a restart forgets none. May not know
screens.
"""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from dashboard.city.commands import Command, Person
from dashboard.city.incidents import ENDED, Incident
from dashboard.city.ledger import Ledger
from dashboard.city.refusals import name_of, reasoned, step, unchanged
from dashboard.errors import Refused

KINDS: Final = ("call", "raise")
"""What a person who escalates asks for: the supervisor's seat is called, or the priority is raised by one."""
_RULE: Final = "rule:"


def escalate(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    """Call the supervisor's seat to it, or raise its priority by one; a reason is needed."""
    if incident.state in ENDED:
        step(ledger, incident, "escalate")
    unchanged(ledger, command, incident, incident.id)
    reasoned(command)
    kind = command.kind or "call"
    if kind not in KINDS:
        raise Refused("unknown_escalation", kind=kind, known=list(KINDS))
    if incident.escalated_by is not None and not incident.escalated_by.startswith(_RULE):
        raise Refused("already_escalated", by=incident.escalated_by, at_ms=incident.escalated_at_ms)
    if kind == "raise" and incident.priority == 1:
        raise Refused("most_urgent_already", since_ms=incident.priority_since_ms or incident.reported_at_ms)
    to = "supervisor" if kind == "call" else incident.escalated_to
    row = ledger.amended(_escalated(ledger, incident, name_of(person), to, kind == "raise"))
    _decided(ledger, "incident_escalated", row, name_of(person), to=to, reason=command.reason)


def deescalate(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    """It is seen to: the call ends, and the priority is what it was. A timer that has run out does not call again."""
    if incident.escalated_by is None:
        raise Refused("not_escalated", state=incident.state)
    unchanged(ledger, command, incident, incident.id)
    reasoned(command)
    row = ledger.amended(_calmed(ledger, incident), deescalated_at_ms=ledger.now_ms)
    _decided(ledger, "incident_deescalated", row, name_of(person), reason=command.reason)


def escalate_due(ledger: Ledger, incident_id: str, _: int) -> None:
    """A timer has run out; the incident may have moved on since."""
    incident = ledger.state.incidents.get(incident_id)
    if incident is None or incident.escalated_by is not None:
        return
    for key, escalation in ledger.escalations.items():
        at_ms = ledger.escalates_ms(escalation, incident)
        if at_ms is None or not (incident.deescalated_at_ms or 0) < at_ms <= ledger.now_ms:
            continue
        to = escalation.to or None
        row = _marked(_escalated(ledger, incident, _RULE + key, to, escalation.raises))
        _decided(ledger, "incident_escalated", row, _RULE + key, to=to)
        return


def settle(ledger: Ledger) -> None:
    """What was just decided may have ended escalations: of an incident that is over, or whose condition is."""
    touched: dict[str, None] = {}
    for change in ledger.changes:
        if change.type == "registry_changed":
            touched |= dict.fromkeys(ledger.state.incidents)
        touched |= dict.fromkeys(change.rows.get("incidents", ()))
        touched |= dict.fromkeys(row.incident for row in change.rows.get("assignments", {}).values() if row is not None)
    for id_ in touched:
        incident = ledger.state.incidents.get(id_)
        if incident is not None and incident.escalated_by is not None and not _stands(ledger, incident):
            by = incident.escalated_by if incident.escalated_by.startswith(_RULE) else ""
            _decided(ledger, "incident_deescalated", _marked(_calmed(ledger, incident)), by)


def _stands(ledger: Ledger, incident: Incident) -> bool:
    by = incident.escalated_by or ""
    if incident.state in ENDED:
        return False
    if not by.startswith(_RULE):
        return True
    escalation = ledger.escalations.get(by.removeprefix(_RULE))
    at_ms = None if escalation is None else ledger.escalates_ms(escalation, incident)
    return at_ms is not None and at_ms <= ledger.now_ms


def _escalated(ledger: Ledger, incident: Incident, by: str, to: str | None, raises: bool) -> Incident:
    before = incident.escalated_from
    if raises and incident.priority > 1:
        before = before or incident.priority
        since_ms = incident.priority_since_ms  # of what it is worth by itself
        incident = replace(ledger.more_urgent(incident, incident.priority - 1), priority_since_ms=since_ms)
    now_ms = ledger.now_ms
    return replace(incident, escalated_to=to, escalated_at_ms=now_ms, escalated_by=by, escalated_from=before)


def _calmed(ledger: Ledger, incident: Incident) -> Incident:
    if incident.escalated_from is not None:
        incident = ledger.less_urgent(incident, incident.escalated_from)
    return replace(incident, escalated_to=None, escalated_at_ms=None, escalated_by=None, escalated_from=None)


def _marked(incident: Incident) -> Incident:
    """A new version that nobody who decides has to have seen."""
    return replace(incident, marks=incident.marks + 1, version=incident.version + 1)


def _decided(ledger: Ledger, type_: str, row: Incident, by: str, **args: Any) -> None:
    said = {name: value for name, value in args.items() if value is not None}
    ledger.decide(type_, {"incidents": {row.id: row}}, by=by, incident=row.id, priority=row.priority, **said)
