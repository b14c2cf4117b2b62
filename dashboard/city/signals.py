"""Signal: what an alert rule remembers about one subject — waiting for a delay to end, or raised.

The memory is a row of the state like any other, so that an engine that died goes on where it was.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from dashboard.city.lifecycle import Lifecycle, Step

WAITING = "waiting"
"""The condition holds, its on-delay is running."""
RAISED = "raised"
CLEARING = "clearing"
"""The condition is over, its off-delay is running."""
QUIET = "quiet"
"""Nothing to remember; no row."""

LIFECYCLE: Final[Lifecycle] = {
    QUIET: {"beyond": Step(WAITING), "raise": Step(RAISED)},
    WAITING: {"back": Step(QUIET), "raise": Step(RAISED)},
    RAISED: {"back": Step(CLEARING), "clear": Step(QUIET)},
    CLEARING: {"beyond": Step(RAISED), "clear": Step(QUIET)},
}


class Signal(Struct, frozen=True):
    """The memory of one rule about one subject. `due_ms`: when the running delay ends, None while none runs."""

    rule: str
    subject: str
    phase: str
    since_ms: int
    due_ms: int | None = None
    alert: str | None = None
    value: float | None = None
    lat: float | None = None
    lon: float | None = None
    unit: str = ""


def signal_key(rule: str, subject: str) -> str:
    """The id of a signal's row."""
    return f"{rule}|{subject}"
