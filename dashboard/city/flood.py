"""Flood 洪峰: more new items than one seat can decide — where it begins and ends, and how the load is measured.

By the ideas of ISA-18.2 and EEMUA 191: a seat can take up about one new item a minute; above ten in ten minutes nobody
decides any more, he only acknowledges. May not know the ledger, nor how items are grouped (`grouping`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Reversible
from itertools import islice
from typing import Final

from msgspec import Struct

WINDOW_MS: Final = 600_000
"""Load is new items in the last 10 min of city time."""
BEGINS_ABOVE: Final = 10
ENDS_BELOW: Final = 5
"""Source of both: docs/domain. The distance between them keeps a flood from going on and off."""

REPORTED, REGISTERED, FILED, ALERT = "reported", "registered", "filed", "alert"
"""What arrives: a report to take in, one that was taken in by phone, a filed incident, an alert that stands alone."""
_ROLES: Final = {
    REPORTED: ("call_taker", "supervisor"),
    REGISTERED: ("supervisor",),
    FILED: ("dispatcher",),
    ALERT: ("dispatcher", "supervisor"),
}


class Flood(Struct, frozen=True):
    """A flood at a seat, for as long as it lasts; the row goes when it ends."""

    id: str
    """The seat."""
    since_ms: int
    load: int
    """New items in the 10 min before it began, the one that began it among them."""
    grouped: int = 0
    """New items that got a group since then. Nothing is dropped: they are all open, each with its own limit."""
    version: int = 1


class Arrived(Struct, frozen=True, array_like=True, gc=False):
    """A new item came that somebody must decide: when (city time), before which seats, and in which area."""

    at_ms: int
    seats: tuple[str, ...]
    area: str


def roles_of(kind: str, filing: str) -> tuple[str, ...]:
    """Whose decision a new item needs; where dispatchers file too, theirs as soon as it is reported."""
    if filing != "dispatcher":
        return _ROLES[kind]
    if kind in (REPORTED, REGISTERED):
        return (*_ROLES[kind], "dispatcher")
    return () if kind == FILED else _ROLES[kind]


def times(arrived: Reversible[Arrived], seat: str, most: int) -> list[int]:
    """When the newest items arrived at a seat, newest first, at most so many."""
    return list(islice((one.at_ms for one in reversed(arrived) if seat in one.seats), most))


def begins(arrived: Iterable[Arrived], seat: str, now_ms: int) -> bool:
    """Whether the item that arrives now is one more than a seat can take: it is not among `arrived` yet."""
    return load(arrived, seat, now_ms) >= BEGINS_ABOVE  # a clock that was set back: what is yet to come does not count


def ends_ms(arrived: Reversible[Arrived], seat: str) -> int:
    """When the load will be below the line if nothing more arrives; 0 where it is already, whatever the time."""
    newest = times(arrived, seat, ENDS_BELOW)
    return newest[-1] + WINDOW_MS if len(newest) == ENDS_BELOW else 0


def load(arrived: Iterable[Arrived], seat: str, now_ms: int) -> int:
    """New items at a seat in the last 10 min."""
    return sum(seat in one.seats and now_ms - WINDOW_MS < one.at_ms <= now_ms for one in arrived)


def by_area(arrived: Iterable[Arrived], seat: str, now_ms: int) -> list[tuple[str, int]]:
    """The load by area, the heaviest first: what a split of the city between two seats goes by."""
    recent = Counter(one.area for one in arrived if seat in one.seats and now_ms - WINDOW_MS < one.at_ms <= now_ms)
    return sorted(recent.items(), key=lambda item: (-item[1], item[0]))


def split(areas: list[tuple[str, int]]) -> tuple[list[str], int]:
    """Which areas another seat should take so that both have about half, and how much of the load these make.

    Heaviest first, each to whoever has less. Nothing where one area makes four fifths: a split of the map is no help.
    """
    kept, given, taken = 0, 0, []
    for area, count in areas:
        if kept <= given:
            kept += count
        else:
            given += count
            taken.append(area)
    return (taken, given) if given and 4 * given >= kept else ([], 0)
