"""What operators do with the walls: pin a scene, cast an incident for a time, freeze, enrol a device; and undo each.

Every wall obeys the same rows, and a restart keeps them. May not know what a scene looks like.
"""

from __future__ import annotations

import re
from typing import Any, Final

from msgspec.structs import replace

from dashboard.city.commands import Command, Person
from dashboard.city.ledger import Ledger
from dashboard.city.refusals import name_of
from dashboard.city.screens import ALL, CAST_MIN, LONGEST_CAST_MIN, SCENES, Screen, ScreenKey, wanted
from dashboard.errors import Refused

_NAME: Final = re.compile(r"[\w-]{1,32}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
MOST_SCREENS: Final = 200
TICK_MS: Final = 1000
"""Time passes by whole seconds: a cast that ends within this second is over."""


def pin(ledger: Ledger, command: Command, person: Person, _: object) -> None:
    """A scene stays on a screen, or on all, until it is unpinned."""
    screen, scene = _screen(ledger, command), command.item or ""
    if scene not in SCENES:
        raise Refused("unknown_scene", scene=scene, known=list(SCENES))
    by = name_of(person)
    row = replace(screen, scene=scene, scene_by=by, scene_at_ms=ledger.now_ms)
    _decide(ledger, "screen_pinned", row, by, scene=scene)


def unpin(ledger: Ledger, command: Command, person: Person, _: object) -> None:
    """The director has the screen again."""
    screen = _screen(ledger, command)
    if not screen.scene:
        raise Refused("nothing_pinned", screen=screen.id)
    _decide(ledger, "screen_unpinned", replace(screen, scene="", scene_by="", scene_at_ms=0), name_of(person))


def cast(ledger: Ledger, command: Command, person: Person, _: object) -> None:
    """One incident on one screen, 5 min unless said otherwise; it ends by itself, in real time."""
    screen, incident = _screen(ledger, command), command.item or ""
    if screen.id == ALL:
        raise Refused("one_screen")
    if incident not in ledger.state.incidents:
        raise Refused("not_there", target=incident, table="incidents")
    category = ledger.category(ledger.state.incidents[incident].category)
    if category.wall == "hidden":
        raise Refused("not_on_walls", category=category.key)
    minutes = CAST_MIN if command.minutes is None else command.minutes
    if not 1 <= minutes <= LONGEST_CAST_MIN:
        raise Refused("cast_too_long", most=LONGEST_CAST_MIN)
    by, until_ms = name_of(person), ledger.received_ms + minutes * 60_000
    row = replace(screen, incident=incident, cast_by=by, cast_until_ms=until_ms)
    _decide(ledger, "screen_cast", row, by, cast=incident, minutes=minutes)


def end_cast(ledger: Ledger, command: Command, person: Person, _: object) -> None:
    """Take an incident off a screen before its time."""
    screen = _screen(ledger, command)
    if not screen.incident:
        raise Refused("nothing_cast", screen=screen.id)
    _decide(ledger, "screen_cast_ended", _without_cast(screen), name_of(person))


def cast_due(ledger: Ledger, id_: str, due_ms: int) -> None:
    """The time of a cast is over, unless the clock was turned since: then it comes due again, by the new one."""
    screen = ledger.state.screens.get(id_)
    if screen is None or screen.cast_until_ms is None or ledger.received_ms + TICK_MS < screen.cast_until_ms:
        return
    _decide(ledger, "screen_cast_ended", _without_cast(screen), "", at_ms=due_ms)


def freeze(ledger: Ledger, command: Command, person: Person, _: object) -> None:
    """The picture of a screen, or of all, stands still, and says so; priority one comes through as a line."""
    screen = _screen(ledger, command)
    if screen.frozen_at_ms is not None:
        raise Refused("screen_frozen", by=screen.frozen_by, at_ms=screen.frozen_at_ms)
    by = name_of(person)
    _decide(ledger, "screen_frozen", replace(screen, frozen_at_ms=ledger.now_ms, frozen_by=by), by)


def thaw(ledger: Ledger, command: Command, person: Person, _: object) -> None:
    """The picture goes on."""
    screen = _screen(ledger, command)
    if screen.frozen_at_ms is None:
        raise Refused("not_frozen", screen=screen.id)
    _decide(ledger, "screen_thawed", replace(screen, frozen_at_ms=None, frozen_by=""), name_of(person))


def enrol(ledger: Ledger, command: Command, person: Person, _: object) -> None:
    """A device is the screen of this name from now on; only the SHA-256 of its token is kept, and no screen gets it."""
    screen, sha256 = _screen(ledger, command), command.item or ""
    if screen.id == ALL:
        raise Refused("one_screen")
    if not _SHA256.fullmatch(sha256):
        raise Refused("bad_screen_token")
    by, held = name_of(person), ledger.state.screen_keys.get(screen.id)
    key = ScreenKey(screen.id, sha256, held.version + 1 if held else 1)
    row = replace(screen, enrolled_at_ms=ledger.now_ms, enrolled_by=by)
    _decide(ledger, "screen_enrolled", row, by, more={"screen_keys": {screen.id: key}})


def remove(ledger: Ledger, command: Command, person: Person, _: object) -> None:
    """A screen is no more of this house: its device is forgotten, and all that was wanted of it."""
    if command.target not in ledger.state.screens:
        raise Refused("not_there", target=command.target, table="screens")
    gone: dict[str, dict[str, Any]] = {"screens": {command.target: None}}
    if command.target in ledger.state.screen_keys:
        gone["screen_keys"] = {command.target: None}
    ledger.decide("screen_removed", gone, by=name_of(person), screen=command.target)


def _screen(ledger: Ledger, command: Command) -> Screen:
    """The row of a screen, a fresh one where nothing is known of it.  Raises: Refused `bad_screen_name`."""
    id_, held = command.target, ledger.state.screens.get(command.target)
    if held is not None:
        return held
    if id_ != ALL and not _NAME.fullmatch(id_):
        raise Refused("bad_screen_name", screen=id_)
    if len(ledger.state.screens) >= MOST_SCREENS:
        raise Refused("too_many_screens", most=MOST_SCREENS)
    return Screen(id_, version=0)


def _without_cast(screen: Screen) -> Screen:
    return replace(screen, incident="", cast_by="", cast_until_ms=None)


def _decide(
    ledger: Ledger,
    type_: str,
    screen: Screen,
    by: str,
    *,
    at_ms: int | None = None,
    more: dict[str, dict[str, Any]] | None = None,
    **args: Any,
) -> None:
    row = replace(screen, version=screen.version + 1) if wanted(screen) else None
    ledger.decide(type_, {"screens": {screen.id: row}, **(more or {})}, by=by, at_ms=at_ms, screen=screen.id, **args)
