"""How long each part of a bench measures. May not know what is measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Times and counts of one run; the defaults are those of figures that may be quoted."""

    rounds: int = 3
    backlog_s: int = 60
    """Seconds of the reference load in one backlog: 600,000 readings."""
    share_s: float = 60.0
    """So long that one snapshot, written every minute, is in it."""
    snapshot_ages_s: tuple[float, ...] = (50.0, 2.0, 25.0)
    viewers: int = 59
    viewer_s: float = 15.0
    probes: int = 240
    """Complaints, and twice as many positions, whose way to the pixel is timed."""
    clicks: int = 100
    busy_s: float = 240.0
    """At 1080p: minute 1 to minute 5."""
    settle_s: float = 60.0
    """From the picture to the first forced collection."""
    busy_4k_s: float = 40.0
    plain_s: float = 60.0
    """Of a map as anybody would write it first, beside ours."""
    console_s: float = 180.0
    """Of twenty writers and a hand that scrolls."""
    paints: int = 5
    starts: int = 3
    idle_s: float = 20.0
    soak_minutes: float = 60.0


QUICK = Pace(
    rounds=1, backlog_s=30, share_s=10.0, snapshot_ages_s=(2.0,), viewer_s=5.0, probes=40, clicks=20, busy_s=20.0,
    settle_s=5.0, busy_4k_s=8.0, plain_s=15.0, console_s=20.0, paints=2, starts=1, idle_s=5.0, soak_minutes=2.0,
)  # fmt: skip
"""While developing; no figure of it may be quoted."""
