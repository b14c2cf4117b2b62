"""Alert 告警: a signal that needs a person, with the states of ISA-18.2's ideas and a disposition.

May not know where signals come from or how they are shown.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from dashboard.city.lifecycle import Lifecycle, Step, by

ACTIVE = "active"
"""In alarm and not acknowledged by anybody."""
ACKNOWLEDGED = "acknowledged"
RETURNED = "returned"
"""Back to normal, not acknowledged: somebody must still see that it happened."""
NORMAL = "normal"
"""Over: back to normal and acknowledged. The row leaves the state."""

LIFECYCLE: Final[Lifecycle] = {
    ACTIVE: {"acknowledge": by(ACKNOWLEDGED, "dispatcher", "supervisor"), "clear": Step(RETURNED)},
    ACKNOWLEDGED: {"clear": Step(NORMAL)},
    RETURNED: {"acknowledge": by(NORMAL, "dispatcher", "supervisor"), "raise": Step(ACTIVE)},
    NORMAL: {"raise": Step(ACTIVE)},
}

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
    version: int = 1
