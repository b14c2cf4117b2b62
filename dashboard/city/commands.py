"""What an operator asks. A command may be refused, with a code and arguments; an event may not.

May not know sockets or sessions: the person is filled in by the door that knows who is speaking.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from dashboard.city.events import EARLIEST_MS
from dashboard.errors import Refused

ROLES: Final = (
    "viewer",
    "wall",
    "call_taker",
    "dispatcher",
    "supervisor",
    "collector",
    "leader",
    "evaluator",
    "administrator",
    "team",
)
INTERACTIVE_AGE_MS: Final = 15_000
"""A person's command older than 15 s of real time is refused: the screen has moved on ("too late, look again")."""
LATEST_MS: Final = 4_102_444_800_000
"""2100-01-01: the city clock is set to no later moment. Calendars end at the year 9999, and a clock beyond it could be
neither read nor set back."""

_Key = Annotated[str, Meta(min_length=1, max_length=128)]
_Text = Annotated[str, Meta(max_length=1000)]


class Person(Struct, frozen=True):
    """Who asks: seat 席位, role, and the name shown to others."""

    seat: str
    role: str
    name: str


class Command(Struct, frozen=True, forbid_unknown_fields=True):
    """One request of a person: the body of the channel's command and of `POST /api/v1/commands`.

    `version` is the version of the target's row the person saw; `seen` the channel's seq; `issued_at` real time, ms
    since 1970. Fields beyond the first eight belong to single verbs.
    """

    id: _Key
    verb: _Key
    target: Annotated[str, Meta(max_length=128)] = ""
    version: int | None = None
    seen: Annotated[str, Meta(max_length=64)] | None = None
    issued_at: int | None = None
    person: Person | None = None
    """Set by the door from what it knows; anything a sender puts here is overwritten."""
    reason: _Text = ""
    team: _Key | None = None
    kind: str | None = None
    disposition: str | None = None
    lat: Annotated[float, Meta(ge=-90, le=90)] | None = None
    lon: Annotated[float, Meta(ge=-180, le=180)] | None = None
    offset_ms: Annotated[int, Meta(ge=EARLIEST_MS, le=LATEST_MS)] | None = None
    rate: Annotated[float, Meta(ge=0, le=100_000)] | None = None
    note: _Text = ""
    until_ms: int | None = None
    """City time, ms since 1970: until when an incident is suspended, when a shelf or a training ends."""
    duplicate_of: _Key | None = None
    """The alert or incident that a duplicate is one of."""
    registry: dict[str, Any] | None = None
    item: Annotated[str, Meta(max_length=300)] | None = None
    """A line of a handover; of a screen the scene, the incident or the SHA-256 of its token."""
    minutes: Annotated[int, Meta(ge=0, le=100_000)] | None = None
    """For how long an incident is cast to a screen."""
    claim: int | None = None
    """Token of the claim under which the person acts: where the item is another's by now, the command is refused."""


VERBS: Final = {
    # verb: (table of the target, roles that may say it)
    "acknowledge": ("alerts", {"dispatcher", "supervisor"}),
    "acknowledge_incident": ("incidents", {"dispatcher", "supervisor"}),
    "shelve": ("alerts", {"dispatcher", "supervisor"}),
    "unshelve": ("alerts", {"dispatcher", "supervisor"}),
    "out_of_service": ("", {"supervisor"}),
    "in_service": ("out_of_service", {"supervisor"}),
    "accept": ("incidents", {"call_taker", "supervisor"}),
    "decline": ("incidents", {"call_taker", "supervisor"}),
    "verify": ("incidents", {"call_taker", "supervisor"}),
    "file": ("incidents", {"supervisor"}),
    "void": ("incidents", {"supervisor"}),
    "return": ("incidents", {"dispatcher"}),
    "dispatch_team": ("incidents", {"dispatcher"}),
    "recall": ("assignments", {"call_taker", "dispatcher", "supervisor"}),
    "take_back": ("assignments", {"dispatcher"}),
    "resend": ("assignments", {"call_taker", "dispatcher", "supervisor"}),
    "note": ("incidents", {"call_taker", "dispatcher", "supervisor"}),
    "message": ("incidents", {"call_taker", "dispatcher", "supervisor"}),
    "extend": ("incidents", {"dispatcher"}),
    "suspend": ("incidents", {"dispatcher"}),
    "resume": ("incidents", {"dispatcher"}),
    "confirm": ("incidents", {"dispatcher"}),
    "rework": ("incidents", {"dispatcher", "supervisor"}),
    "check": ("incidents", {"supervisor"}),
    "close": ("incidents", {"supervisor"}),
    "force_close": ("incidents", {"supervisor"}),
    "reopen": ("incidents", {"supervisor"}),
    "supervise": ("incidents", {"leader", "supervisor"}),
    "call_back": ("incidents", {"call_taker", "dispatcher", "supervisor"}),
    "escalate": ("incidents", {"call_taker", "dispatcher", "supervisor"}),
    "deescalate": ("incidents", {"call_taker", "dispatcher", "supervisor"}),
    "place": ("complaints", {"call_taker", "dispatcher", "supervisor"}),
    "answer": ("complaints", {"call_taker", "supervisor"}),
    "claim": ("", {"call_taker", "dispatcher", "supervisor"}),
    "release": ("", {"call_taker", "dispatcher", "supervisor"}),
    "take_over": ("", {"supervisor"}),
    "begin_training": ("", {"administrator", "supervisor"}),
    "end_training": ("trainings", {"administrator", "supervisor"}),
    "handover_begin": ("", {"call_taker", "dispatcher", "supervisor"}),
    "handover_edit": ("handovers", {"call_taker", "dispatcher", "supervisor"}),
    "handover_offer": ("handovers", {"call_taker", "dispatcher", "supervisor"}),
    "handover_touch": ("handovers", {"call_taker", "dispatcher", "supervisor"}),
    "handover_sign": ("handovers", {"call_taker", "dispatcher", "supervisor"}),
    "handover_refuse": ("handovers", {"call_taker", "dispatcher", "supervisor"}),
    "handover_withdraw": ("handovers", {"call_taker", "dispatcher", "supervisor"}),
    "pin_scene": ("", {"dispatcher", "supervisor"}),
    "unpin_scene": ("", {"dispatcher", "supervisor"}),
    "cast_incident": ("", {"dispatcher", "supervisor"}),
    "end_cast": ("", {"dispatcher", "supervisor"}),
    "freeze_screen": ("", {"dispatcher", "supervisor"}),
    "thaw_screen": ("", {"dispatcher", "supervisor"}),
    "enrol_screen": ("", {"administrator", "supervisor"}),
    "remove_screen": ("", {"administrator", "supervisor"}),
    "set_clock": ("", {"administrator"}),
    "change_registry": ("", {"administrator"}),
}
"""Every verb, the table its target is in, and the roles that may say it.

`file` is also a dispatcher's where the pack says so.
"""

_decoder: Final = msgspec.json.Decoder(Command)


def decode_command(raw: bytes | str) -> Command:
    """A command from JSON.

    Raises:
        Refused: `bad_command` with what was expected, `unknown_verb`.
    """
    try:
        command = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused("bad_command", detail=str(error)) from None
    if command.verb not in VERBS:
        raise Refused("unknown_verb", verb=command.verb)
    return command
