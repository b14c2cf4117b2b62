"""The row of a training 演练: a stretch of a simulated or replayed peak, and the score that it ended with.

May not know how the score is computed (`training`).
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

RUNNING = "running"
ENDED = "ended"


class Measure(Struct, frozen=True):
    """One line of the score: what was reached, against which target, on how many cases, and what it earned."""

    key: str
    unit: str
    good: Literal["low", "high"]
    target: float
    weight: int
    value: float | None
    """None: there was no case."""
    n: int
    points: float | None
    """0 to 100."""


class Late(Struct, frozen=True):
    """One of the worst: which incident, by which measure, how late."""

    measure: str
    incident: str
    number: int
    late_s: int


class Training(Struct, frozen=True):
    """One training as every screen shows it."""

    id: str
    state: str
    by: str
    source: str
    """What turns the clock: `simulation` or `replay`."""
    began_ms: int
    ends_ms: int
    points: float | None = None
    """0 to 100, the weighted mean of the measures that had a case."""
    score: tuple[Measure, ...] = ()
    """While it goes on: by what it will be scored."""
    worst: tuple[Late, ...] = ()
    version: int = 1
