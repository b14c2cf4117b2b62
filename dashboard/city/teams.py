"""Team 队伍: the people who can be sent, from the city pack; on duty, off duty or on a break.

May not know positions: where a team is, is telemetry.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

ON_DUTY = "on_duty"
OFF_DUTY = "off_duty"
BREAK = "break"

SHOWN: Final = ("on_scene", "en_route", "sent", "free", "break", "off", "silent")
"""What a screen shows of a team, most committed first; one mark each."""


class Team(Struct, frozen=True):
    """One team as every screen shows it."""

    id: str
    call: str
    """Call sign, two or three characters: "07"."""
    name_zh: str
    name_en: str
    post_zh: str
    """Where it stands when free."""
    post_en: str
    kind: str
    """`foot` or `car`."""
    skills: tuple[str, ...]
    area: str
    device: str
    lat: float
    lon: float
    """The post's place, degrees WGS-84."""
    shift: tuple[str, str] = ("00:00", "24:00")
    """From when until when it works, local time; an end before the beginning is on the next day."""
    duty: str = OFF_DUTY
    duty_since_ms: int = 0
    shown: str = "off"
    """One of `SHOWN`; follows from duty, the active assignment and silence."""
    shown_since_ms: int = 0
    active: str | None = None
    """Its active assignment."""
    waiting: tuple[str, ...] = ()
    silent_since_ms: int | None = None
    version: int = 1
