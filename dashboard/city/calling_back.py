"""Call-back 回访: whoever reported is told, within an hour after handling, what was done, and says how satisfied he is.

It keeps nobody from closing. May not know who the reporter is.
"""

from __future__ import annotations

from typing import Final

from dashboard.city.commands import Command, Person
from dashboard.city.incidents import Incident
from dashboard.city.ledger import Ledger
from dashboard.city.refusals import name_of, reasoned
from dashboard.errors import Refused

NOT_REACHED: Final = "not_reached"
OUTCOMES: Final = ("very_satisfied", "satisfied", "not_satisfied", NOT_REACHED)
"""What the reporter says; one who is not reached is called again, and his hour runs on."""


def call_back(ledger: Ledger, command: Command, person: Person, incident: Incident) -> None:
    """Write down that the reporter was called. A call is a fact: no change meanwhile is held against it."""
    if incident.called_back_at_ms is not None:
        raise Refused("already_called_back", by=incident.called_back_by, at_ms=incident.called_back_at_ms)
    if incident.callback_due_ms is None:
        raise Refused("no_call_back", state=incident.state)
    outcome = command.disposition or ""
    if outcome not in OUTCOMES:
        raise Refused("unknown_outcome", outcome=outcome, known=list(OUTCOMES))
    by = name_of(person)
    if outcome == NOT_REACHED:
        reasoned(command)
        row = ledger.amended(incident, callback_tries=incident.callback_tries + 1)
    else:
        row = ledger.amended(
            incident, callback_due_ms=None, called_back_at_ms=ledger.now_ms, called_back_by=by, satisfaction=outcome
        )
    ledger.decide(
        "reporter_called",
        {"incidents": {row.id: row}},
        by=by,
        incident=row.id,
        outcome=outcome,
        reason=command.reason or command.note,
    )
