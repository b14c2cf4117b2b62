"""Source: whatever sends events — a gateway, a sensor network, a device — and whether it lives.

Last heard, rate and lag are telemetry; a row changes only when a source falls silent, degrades or comes back.
"""

from __future__ import annotations

from msgspec import Struct


class Source(Struct, frozen=True):
    """One source as `/sources` shows it."""

    id: str
    kind: str
    """`sensor`, `complaint`, `patrol`."""
    state: str
    """`live`, `late` (degraded by its own word) or `dead` (silent beyond its limit)."""
    since_ms: int
    silence_s: int
    """How long it may be silent before it counts as dead."""
    note: str = ""
    beats: bool = False
    """It has sent a heartbeat: from then on its silence means something, whatever it is a source of."""
    sensors: int = 0
    """How many sensors speak through it."""
    silent_sensors: int = 0
    version: int = 1
