"""Telemetry: the latest value of each sensor, picture of each camera and position of each team; who was heard when.

Not journaled; no rule but silence reads it, and idempotency of readings and positions (equal or older changes nothing).
It can be rebuilt: a saved copy with its read position, and the inputs after that position read again.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, field

INFINITY: Final = float("inf")

FLAG_NORMAL, FLAG_LATE, FLAG_SILENT, FLAG_RETURNED, FLAG_ACKNOWLEDGED, FLAG_ACTIVE = range(6)
"""What a screen shows of a sensor, least to most urgent."""
FLAG_SHELVED, FLAG_OUT_OF_SERVICE, FLAG_SUPPRESSED = 6, 7, 8
"""Put away, drawn grey: shelved and suppressed give way to every alert that is not, out of service to none."""


class SensorNow(Struct, gc=False):
    """One sensor now. `low` and `high` bound the values that flip no rule in its present phase (exclusive)."""

    id: str
    kind: str
    unit: str
    lat: float
    lon: float
    value: float
    time_ms: int
    heard_ms: int
    source: str
    low: float = -INFINITY
    high: float = INFINITY
    flag: int = FLAG_NORMAL
    silent: bool = False
    """Not heard for longer than it may be silent; whatever it says next is looked at."""


class TeamNow(Struct, gc=False):
    """Where a team's device said it is, and when."""

    team: str
    lat: float
    lon: float
    time_ms: int
    heard_ms: int
    heading_deg: float | None = None
    speed_mps: float | None = None
    battery: float | None = None
    accuracy_m: float | None = None
    usual_s: float = 0.0
    """Its own rhythm: seconds between two words of it, as a running mean; 0: it spoke once."""


class PictureNow(Struct, frozen=True, array_like=True, gc=False):
    """The last picture of a camera: the id of its file, and when it was taken."""

    file: str
    at_ms: int


class SourceNow(Struct, gc=False):
    """How a source is doing: last heard, lag of its newest event, counts."""

    heard_ms: int
    lag_ms: int = 0
    accepted: int = 0
    rejected: int = 0
    late: int = 0
    """Readings older than their rule's window: stored, counted, raise nothing."""


class Telemetry(Struct):
    """All that is known now and not journaled. Empty: nothing heard yet."""

    sensors: dict[str, SensorNow]
    teams: dict[str, TeamNow]
    sources: dict[str, SourceNow]
    pictures: dict[str, PictureNow] = field(default_factory=dict)

    @staticmethod
    def empty() -> Telemetry:
        """Nothing heard yet."""
        return Telemetry({}, {}, {})

    def forget(self) -> None:
        """The city clock was set back: what was known is of a time that has not come."""
        self.sensors.clear()
        self.teams.clear()
        self.sources.clear()
        self.pictures.clear()

    def picture(self, camera: str, file: str, at_ms: int) -> bool:
        """Keep the newest picture of a camera.  Returns: whether this is one; of as new a one as it has nothing is."""
        held = self.pictures.get(camera)
        if held is not None and at_ms <= held.at_ms:
            return False
        self.pictures[camera] = PictureNow(file, at_ms)
        return True
