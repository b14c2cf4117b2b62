"""The row of a wall's screen 大屏: what operators want of it, and that it belongs to the house.

May not know what a screen shows by itself, or how it is doing: that is told over the channel and not journaled.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct

ALL: Final = "*"
"""The row that holds for every screen: a wish of a screen's own goes before it, but for freezing."""
SCENES: Final = ("overview", "hotspot", "teams", "posts", "air", "figures")
"""What may be pinned; the browser has a module for each (`layouts/assets/live/scenes`)."""
CAST_MIN: Final = 5
LONGEST_CAST_MIN: Final = 240


class Screen(Struct, frozen=True):
    """One screen, or all of them, as every screen shows it; without a wish and not enrolled it has no row."""

    id: str
    """The name in its address (`/wall?screen=hall`), or `*`."""
    scene: str = ""
    """The scene that is pinned: one of `SCENES`, empty for none."""
    scene_by: str = ""
    scene_at_ms: int = 0
    incident: str = ""
    """The incident that is cast to it, empty for none."""
    cast_by: str = ""
    cast_until_ms: int | None = None
    """Real time: what concerns people before a screen does not run with the city clock."""
    frozen_at_ms: int | None = None
    """City time of the picture that stands still; None: it goes on."""
    frozen_by: str = ""
    enrolled_at_ms: int | None = None
    """Since when its device is known by its token; None: it is not."""
    enrolled_by: str = ""
    version: int = 1


class ScreenKey(Struct, frozen=True):
    """By what the device of an enrolled screen is known. Not public: only its owner has the token."""

    id: str
    sha256: str
    version: int = 1


def wanted(screen: Screen) -> bool:
    """Whether there is anything to say about a screen."""
    return bool(screen.scene or screen.incident) or screen.frozen_at_ms is not None or screen.enrolled_at_ms is not None
