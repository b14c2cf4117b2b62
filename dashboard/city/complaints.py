"""Complaint: what a person told the city and what became of it, as long as it is not part of an incident.

A complaint that became or joined an incident lives on as that incident's evidence. May not know who the reporter is.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

NO_PLACE = "no_place"
"""A report that has an address at most: it waits for a click on the map and counts in every total."""
INBOX = "inbox"
"""A question (`consult`) waits for an answer."""
LISTED = "listed"
"""A proposal or a map error is on its list."""
VERB_STATE: Final = {"consult": INBOX, "propose": LISTED, "rectify": LISTED}


class OpenComplaint(Struct, frozen=True):
    """A complaint that is not part of an incident (yet)."""

    id: str
    verb: str
    state: str
    text: str
    channel: str
    category: str
    address: str
    reporter: str
    """Masked form, or empty."""
    reporter_ref: str
    reported_at_ms: int
    received_at_ms: int
    source: str
    version: int = 1
    photos: tuple[str, ...] = ()
