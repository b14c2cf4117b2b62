"""Handover 交班: what one officer leaves to the next at a seat, drafted, offered, read back, signed or refused.

By the three steps of hospitals and control rooms: prepare, exchange, cross-check. May not know verbs: `handing_over`
decides.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

import msgspec
from msgspec import Struct

from dashboard.city.lifecycle import Lifecycle, by

DRAFTED = "drafted"
OFFERED = "offered"
"""The outgoing officer has signed; the incoming one reads back."""
SIGNED = "signed"
REFUSED = "refused"
WITHDRAWN = "withdrawn"

_SEATED = ("call_taker", "dispatcher", "supervisor")
LIFECYCLE: Final[Lifecycle] = {
    DRAFTED: {
        "handover_edit": by(DRAFTED, *_SEATED),
        "handover_offer": by(OFFERED, *_SEATED),
        "handover_withdraw": by(WITHDRAWN, *_SEATED),
    },
    OFFERED: {
        "handover_touch": by(OFFERED, *_SEATED),
        "handover_sign": by(SIGNED, *_SEATED),
        "handover_refuse": by(REFUSED, *_SEATED),
        "handover_withdraw": by(WITHDRAWN, *_SEATED),
    },
}
UNDER_WAY: Final = frozenset(LIFECYCLE)
SECTIONS: Final = ("open", "promised", "shelved", "off_soon", "overrides")
"""Open by priority; promised to whom by when; shelved, until when; teams near the end of duty; unusual decisions."""
MOST_OPEN: Final = 150
"""Open items written out one by one: all of priority 1, then the most urgent; the others are counted."""
MOST_LINES: Final = 60
"""Lines of each other section."""


class Line(Struct, frozen=True):
    """One thing that the next officer must know."""

    id: str
    section: str
    table: str
    target: str
    number: int = 0
    priority: int = 0
    state: str = ""
    category: str = ""
    """A class of problem; for an alert its rule."""
    where_zh: str = ""
    where_en: str = ""
    due_ms: int | None = None
    """City time: end of the limit, of the shelf, of the team's duty."""
    team: str = ""
    reason: str = ""
    by: str = ""
    claimed: bool = False
    """The outgoing officer was at work on it."""
    note: str = ""
    """What the outgoing officer adds."""
    touched_ms: int | None = None
    """City time at which the incoming officer read it back."""
    accepted: bool = True
    """False: the incoming officer does not take it; its claim is let go of, and it waits in the queue."""


class Handover(Struct, frozen=True):
    """One handover of a seat."""

    id: str
    seat: str
    role: str
    state: str
    outgoing: str
    """Who leaves, as in the journal: `dispatcher/2/李伟`."""
    begun_at_ms: int
    incoming: str | None = None
    """Who reads back and signs."""
    offered_at_ms: int | None = None
    ended_at_ms: int | None = None
    text: str = ""
    lines: tuple[Line, ...] = ()
    more: int = 0
    """Open items beyond those written out, of priority 2 and 3."""
    reason: str = ""
    """Why it was refused or withdrawn."""
    digest: str = ""
    """BLAKE2b of the text that both signed, 32 bytes in hex."""
    version: int = 1


def to_read_back(handover: Handover) -> list[Line]:
    """What must be read back and was not yet: every open item of priority 1."""
    return [
        line for line in handover.lines if line.section == "open" and line.priority == 1 and line.touched_ms is None
    ]


def digest_of(handover: Handover) -> str:
    """The hash of a handover as both signed it: its row as JSON with sorted keys, without hash and version."""
    fields = msgspec.to_builtins(handover)
    del fields["digest"], fields["version"]
    return blake2b(msgspec.json.encode(fields, order="sorted"), digest_size=32).hexdigest()
