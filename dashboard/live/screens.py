"""Screens: how the walls of this web process are doing, as each says itself every ten seconds. Not journaled.

What operators want of a screen is city state (`city.screens`); by what its device is known too. May not know sockets.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta, Struct

from dashboard.city.state import CityState
from dashboard.live.streams import parse_id

MOST: Final = 400
"""Screens that are remembered at once; beyond it the one unheard for longest is forgotten."""
FORGET_MS: Final = 3_600_000
"""A screen that nobody enrolled is forgotten when it was not heard for so long; an enrolled one stays listed."""

_Short = Annotated[str, Meta(max_length=64)]
_Words = Annotated[str, Meta(max_length=200)]


class Claimed(Struct, frozen=True):
    """Which screen a page says it is, and the token that only its device has."""

    name: Annotated[str, Meta(pattern=r"^[\w-]{1,32}$")]
    token: Annotated[str, Meta(min_length=16, max_length=200)]


class Health(Struct, frozen=True):
    """What a wall says of itself: what it shows and why, what it has drawn, what it holds."""

    lang: _Short = ""
    """The language of `title` and `why`."""
    scene: _Short = ""
    title: _Words = ""
    why: _Words = ""
    by: _Short = ""
    """Why this scene: `first`, `event`, `turn`, `hand`."""
    shown_s: float = 0
    frozen: bool = False
    build: _Short = ""
    seq: _Short = ""
    behind_s: float | None = None
    """Since when it heard no heartbeat."""
    paint_ms: float | None = None
    """Age of its last paint."""
    gap_ms: float | None = None
    """The longest time between two paints since it spoke last."""
    heap_mb: float | None = None
    slope_mb_h: float | None = None
    """How fast its memory grows; null until it has run for long enough, or where its browser does not say."""
    up_s: float = 0
    w: int = 0
    h: int = 0
    dpr: float = 1


class Identity(Struct, frozen=True):
    """A screen by its name and the hash of its token."""

    name: str
    sha256: str

    @property
    def id(self) -> str:
        """One row for each device, also where two say the same name."""
        return f"{self.name} {self.sha256[:8]}"


class Screens:
    """The last that each screen said of itself, and what is news to whoever watches them."""

    def __init__(self) -> None:
        """Nobody has spoken yet."""
        self._rows: dict[str, dict[str, Any]] = {}
        self._news: set[str] = set()
        self._keys: dict[str, Any] = {}

    def heard(self, who: Identity, health: Health, newest_seq: str, now_ms: int) -> None:
        """A screen has said how it is doing."""
        self._forget(now_ms)
        if who.id not in self._rows and len(self._rows) >= MOST:
            self._drop(min(self._rows, key=lambda id_: self._rows[id_]["at_ms"]))
        self._rows[who.id] = {
            "id": who.id, "name": who.name, "sha256": who.sha256, "at_ms": now_ms, "gone": False,
            "lag_ms": _lag_ms(health.seq, newest_seq), **msgspec.to_builtins(health),
        }  # fmt: skip
        self._news.add(who.id)

    def gone(self, who: Identity) -> None:
        """Its line has ended; it may be back in a moment."""
        row = self._rows.get(who.id)
        if row is not None:
            self._rows[who.id] = {**row, "gone": True}
            self._news.add(who.id)

    def rows(self, state: CityState, now_ms: int) -> dict[str, Any]:
        """All of them, each with whether its device is the one that was enrolled under its name."""
        self._forget(now_ms)
        return {id_: _with_enrolment(row, state) for id_, row in self._rows.items()}

    def news(self, state: CityState) -> dict[str, Any]:
        """Those that spoke, or were enrolled, since this was asked last; None for one that is forgotten."""
        if state.screen_keys != self._keys:
            self._keys = dict(state.screen_keys)
            self._news.update(self._rows)
        told = {id_: _with_enrolment(self._rows[id_], state) if id_ in self._rows else None for id_ in self._news}
        self._news.clear()
        return told

    def _forget(self, now_ms: int) -> None:
        for id_ in [id_ for id_, row in self._rows.items() if row["at_ms"] < now_ms - FORGET_MS]:
            self._drop(id_)

    def _drop(self, id_: str) -> None:
        del self._rows[id_]
        self._news.add(id_)


def identity_of(claimed: Claimed) -> Identity:
    """The identity behind what a page says; the token itself is not kept."""
    return Identity(claimed.name, sha256(claimed.token.encode()).hexdigest())


def _with_enrolment(row: dict[str, Any], state: CityState) -> dict[str, Any]:
    key = state.screen_keys.get(row["name"])
    return {**row, "enrolled": key is not None and key.sha256 == row["sha256"]}


def _lag_ms(seen: str, newest: str) -> int | None:
    """How old the newest change is that a screen has not: 0 where it has all of them."""
    try:
        return max(0, parse_id(newest)[0] - parse_id(seen)[0])
    except ValueError:
        return None
