"""Alert 告警: a signal that needs a person, with the states of ISA-18.2's ideas and a disposition.

May not know where signals come from or how they are shown.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from dashboard.city.lifecycle import Lifecycle, Step, by

ACTIVE = "active"
"""In alarm and not acknowledged by anybody."""
ACKNOWLEDGED = "acknowledged"
RETURNED = "returned"
"""Back to normal, not acknowledged: somebody must still see that it happened."""
NORMAL = "normal"
"""Over: back to normal and acknowledged. The row leaves the state."""

SHELVED = "shelved"
"""Put away 搁置 by a person, with a reason and an end; what it would be otherwise is followed in `seat`."""
OUT_OF_SERVICE = "out_of_service"
"""Its sensor or source is out of service 停用; it is kept, and followed in `seat`, until that is put back."""
SUPPRESSED = "suppressed"
"""By design 抑制: another alert says it already, or it is expected now; followed in `seat` until that ends."""

COMES_BACK: Final = {
    ACTIVE: "still_active",
    ACKNOWLEDGED: "still_acknowledged",
    RETURNED: "still_returned",
    NORMAL: "over",
}
"""The seat of an alert that was put away, and the step that takes it there."""

_BOTH = ("dispatcher", "supervisor")
_SHELVE = by(SHELVED, *_BOTH)
_STOP = by(OUT_OF_SERVICE, "supervisor")
_FOLLOWED_SHELVED, _FOLLOWED_STOPPED, _FOLLOWED = Step(SHELVED), Step(OUT_OF_SERVICE), Step(SUPPRESSED)
_SUPPRESS = Step(SUPPRESSED)

LIFECYCLE: Final[Lifecycle] = {
    ACTIVE: {
        "acknowledge": by(ACKNOWLEDGED, *_BOTH),
        "clear": Step(RETURNED),
        "shelve": _SHELVE,
        "suppress": _SUPPRESS,
        "out_of_service": _STOP,
    },
    ACKNOWLEDGED: {"clear": Step(NORMAL), "shelve": _SHELVE, "suppress": _SUPPRESS, "out_of_service": _STOP},
    RETURNED: {
        "acknowledge": by(NORMAL, *_BOTH),
        "raise": Step(ACTIVE),
        "shelve": _SHELVE,
        "suppress": _SUPPRESS,
        "out_of_service": _STOP,
    },
    NORMAL: {"raise": Step(ACTIVE), "suppress": _SUPPRESS},
    SUPPRESSED: {
        "raise": _FOLLOWED,
        "clear": _FOLLOWED,
        "out_of_service": _STOP,
        **{step: Step(seat) for seat, step in COMES_BACK.items()},
    },
    SHELVED: {
        "raise": _FOLLOWED_SHELVED,
        "clear": _FOLLOWED_SHELVED,
        "out_of_service": _STOP,
        **{step: by(seat, *_BOTH) for seat, step in COMES_BACK.items()},
    },
    OUT_OF_SERVICE: {
        "raise": _FOLLOWED_STOPPED,
        "clear": _FOLLOWED_STOPPED,
        **{step: by(seat, "supervisor") for seat, step in COMES_BACK.items()},
    },
}
AWAY: Final = frozenset({SHELVED, SUPPRESSED, OUT_OF_SERVICE})
"""Put away: drawn grey, asked of nobody, still followed."""
LONGEST_SHELF_H: Final = 8
"""One shift: whoever puts an alert away sees it again (ISA-18.2's idea; docs/domain)."""

DISPOSITIONS: Final = ("real", "no_impact", "duplicate", "not_ours", "false")
"""What the person who acknowledges says it was. `real` files the incident by rule."""


class Alert(Struct, frozen=True):
    """One alert as every screen shows it."""

    id: str
    rule: str
    """Key of the rule in the city pack: it carries names, cause, consequence, response."""
    kind: str
    """`threshold`, `detection`, `silence` or `burst`."""
    state: str
    priority: int
    """1 emergency, 2 soon, 3 normal."""
    subject: str
    """The sensor or source id, or the place a burst is about."""
    lat: float | None
    lon: float | None
    where_zh: str
    where_en: str
    raised_at_ms: int
    """City time at which the condition had held for its on-delay."""
    received_at_ms: int
    value: float | None = None
    """The reading that raised it (latest extreme is telemetry)."""
    unit: str = ""
    limit: float | None = None
    incident: str | None = None
    cleared_at_ms: int | None = None
    acknowledged_at_ms: int | None = None
    acknowledged_by: str | None = None
    disposition: str | None = None
    seat: str | None = None
    """Where it stands while it is put away: `active`, `acknowledged`, `returned` or `normal`; there it comes back."""
    shelved_at_ms: int | None = None
    shelved_until_ms: int | None = None
    shelved_by: str | None = None
    reason: str | None = None
    """Why it was put away: a code of `words` or a few words."""
    suppressed_by: str | None = None
    """`rule:<key>` whose alert says it already, or `quiet:<key>` of its rule's times in which it is expected."""
    suppressed_at_ms: int | None = None
    second: str | None = None
    """Key of the rule whose second limit raised its priority, while that is passed."""
    found_priority: int | None = None
    """The priority that its incident had when the second limit raised that too."""
    group: str = ""
    """Cause and place it was grouped by in a flood, `cause@place`; empty for none, and always for priority 1."""
    later_until_ms: int | None = None
    """City time until which it waits in the later lane."""
    version: int = 1


def back(alert: Alert) -> Alert:
    """An alert that was put away, at its own seat again."""
    return replace(
        alert,
        state=LIFECYCLE[alert.state][COMES_BACK[alert.seat or ACTIVE]].to,
        seat=None,
        shelved_at_ms=None,
        shelved_until_ms=None,
        shelved_by=None,
        reason=None,
        suppressed_by=None,
        suppressed_at_ms=None,
        version=alert.version + 1,
    )
