"""Source: whatever sends events — a gateway, a sensor network, a device — whether it lives, and what is taken out.

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


class OutOfService(Struct, frozen=True):
    """A sensor or a source that a supervisor took out of service 停用; the row goes when it is put back."""

    id: str
    """The sensor or source id."""
    kind: str
    """`sensor` or `source`; a source takes all its sensors with it."""
    reason: str
    by: str
    since_ms: int
    version: int = 1
