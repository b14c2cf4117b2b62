"""Messages 留言: what people write about an incident, to the teams that work on it, and what those write back.

All of it stands in the incident's timeline; nobody's words replace another's. Phones in it are masked. May not know
devices or screens.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from dashboard.city.assignments import ACTIVE, HELD, Assignment, marked
from dashboard.city.commands import Command, Person
from dashboard.city.events import Feedback
from dashboard.city.incidents import Incident
from dashboard.city.ledger import Ledger
from dashboard.city.privacy import mask_private
from dashboard.city.refusals import name_of
from dashboard.errors import Refused


def note(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    """A few words about an incident 备注. Two people's notes both stay: no version is asked for."""
    ledger.decide("note_written", by=name_of(person), incident=incident.id, note=_words(command))


def message(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    """A few words to the teams under way to an incident, or to the one that is named 留言."""
    words, by = _words(command), name_of(person)
    orders = [ledger.state.assignments[id_] for id_ in incident.assignments if id_ in ledger.state.assignments]
    under_way = [one for one in orders if one.state in ACTIVE and one.state != HELD]
    to = [one for one in under_way if command.team in (None, one.team)]
    if not to:
        raise Refused("nobody_under_way", team=command.team, number=incident.number)
    for assignment in to:
        number = ledger.state.seq + 1
        row = marked(assignment, unread=(*assignment.unread, number))
        ledger.decide(
            "message_sent",
            {"assignments": {row.id: row}},
            by=by,
            incident=incident.id,
            assignment=row.id,
            team=row.team,
            message=number,
            note=words,
        )


def _words(command: Command) -> str:
    """What was written, phones masked.  Raises: Refused `note_missing`."""
    words = mask_private(command.note.strip())
    if not words:
        raise Refused("note_missing", verb=command.verb)
    return words


def receive_read(ledger: Ledger, assignment: Assignment, feedback: Feedback, at_ms: int) -> None:
    """A team has read a message: the one whose order it names, else the oldest. Said twice it changes nothing."""
    named = None if feedback.order is UNSET else feedback.order.rpartition(":")[2]
    number = next((one for one in assignment.unread if named in (None, str(one))), None)
    if number is None:
        return
    unread = tuple(one for one in assignment.unread if one != number)
    row = marked(assignment, unread=unread)
    ledger.decide(
        "message_read",
        {"assignments": {row.id: row}},
        by=f"device:{feedback.device}",
        at_ms=at_ms,
        incident=row.incident,
        assignment=row.id,
        team=row.team,
        message=number,
        settled=number,
    )


def receive_note(ledger: Ledger, assignment: Assignment, feedback: Feedback, at_ms: int) -> None:
    """A team writes about its order, whatever has become of it; without a word or a photo it says nothing."""
    args: dict[str, Any] = {}
    if feedback.note is not UNSET and feedback.note.strip():
        args["note"] = feedback.note
    if feedback.photos is not UNSET and feedback.photos:
        args["photos"] = feedback.photos
    if args:
        ledger.decide(
            "team_wrote",
            by=f"device:{feedback.device}",
            at_ms=at_ms,
            incident=assignment.incident,
            assignment=assignment.id,
            team=assignment.team,
            **args,
        )
