"""What stands against a command: another's seat, a state that has no such step, a row that changed, a missing reason.

Each check raises a refusal with a code and what the person needs to know. May not know what the verbs do.
"""

from __future__ import annotations

from typing import Any, Final

from dashboard.city.commands import Command, Person
from dashboard.city.incidents import LIFECYCLE, Incident
from dashboard.city.ledger import Ledger
from dashboard.city.state import Entry
from dashboard.errors import Refused

_ASIDE: Final = {
    "claim_granted", "claim_released", "claim_taken", "assignment_late", "assignment_resent", "assignment_rang",
    "message_sent", "message_read", "note_written", "team_wrote",
}  # fmt: skip
"""Lines of a timeline that change nothing of the incident itself."""


def name_of(person: Person) -> str:
    """How a person stands in the journal and on screens: `dispatcher/2/李伟`."""
    return f"{person.role}/{person.seat}/{person.name}"


def same_person(a: str, b: str) -> bool:
    """Two entries of the journal name the same human, whatever the seat and role."""
    return a.rpartition("/")[2] == b.rpartition("/")[2]


def step(ledger: Ledger, incident: Incident, verb: str, person: Person | None = None) -> str:
    """The state a verb leads to.

    Raises: Refused `not_now` with the state it is in and who brought it there, `not_your_role` where the step is
    another axis's.
    """
    found = LIFECYCLE.get(incident.state, {}).get(verb)
    if found is None:
        last = last_entry(ledger, incident.id)
        raise Refused(
            "not_now", verb=verb, state=incident.state, by=last.by if last else "", at_ms=last.at_ms if last else 0
        )
    if person is not None and person.role not in found.roles:
        raise Refused("not_your_role", role=person.role, verb=verb, roles=sorted(found.roles))
    return found.to


def unchanged(ledger: Ledger, command: Command, row: Any, incident: str | None) -> None:
    """The person saw the row as it is now, but for marks of timers.

    Raises: Refused `changed_meanwhile` naming who changed what, and when.
    """
    if command.version is None or saw(command, row):
        return
    last = last_entry(ledger, incident)
    if last is None:
        raise Refused("changed_meanwhile", by="", at_ms=ledger.now_ms, what="", version=row.version)
    raise Refused("changed_meanwhile", by=last.by, at_ms=last.at_ms, what=last.type, version=row.version)


def saw(command: Command, row: Any) -> bool:
    """Whether the version that a person saw is the row's, or the one before timers marked it."""
    return command.version is not None and 0 <= row.version - command.version <= getattr(row, "marks", 0)


def reasoned(command: Command) -> None:
    """A reason is given.  Raises: Refused `reason_missing`."""
    if not command.reason.strip():
        raise Refused("reason_missing", verb=command.verb)


def not_by_dispatcher(incident: Incident, by: str) -> None:
    """Whoever dispatched never confirms closure.  Raises: Refused `you_dispatched`."""
    if any(same_person(by, dispatched) for dispatched in incident.dispatched_by):
        raise Refused("you_dispatched", by=by)


def last_entry(ledger: Ledger, incident: str | None) -> Entry | None:
    """The newest line of an incident's timeline that changed it, None where it has none."""
    timeline = ledger.state.timelines.get(incident or "", [])
    return next((entry for entry in reversed(timeline) if entry.type not in _ASIDE), None)
