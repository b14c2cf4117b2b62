"""Post 岗位: a place that a peak-duty campaign 高峰勤务 holds at given hours, and whether its teams are there.

Pure: a row, the teams' rows and the time say how a post stands. May not know positions: who is at a post was decided
when the position came (`manning`), and stands in the row.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from dashboard.city.pack import Campaign
from dashboard.city.rules import MINUTE_MS, LocalTime, minute_of, within
from dashboard.city.teams import BREAK, ON_DUTY, Team

NOT_DUE, AWAITED, MANNED, AWAY = "not_due", "awaited", "manned", "away"
ABSENT, VACATED, UNKNOWN = "absent", "vacated", "unknown"
STATES: Final = (VACATED, ABSENT, UNKNOWN, AWAY, AWAITED, MANNED, NOT_DUE)
"""How a post can stand, what needs a person first.

not_due: outside its hours. awaited: they have begun, or its team is heard again, and it still has time to come.
manned 在岗. away: its team is on an order, or on its break: off post with cause. absent 未到岗: nobody came in time.
vacated 脱岗: somebody was there and is gone for too long. unknown: its team's positions stopped; nobody knows.
"""
LEAVES_M: Final = 30.0
"""A team that was at a post is gone when it is so far beyond its radius: a fix at the edge is no leaving."""
_LOOK_MIN: Final = 60
"""A turn of the hours is looked for at least so often: a zone may change its offset between two of them."""
_EPOCH: Final = date(1970, 1, 1).toordinal()


class Post(Struct, frozen=True):
    """One post as every screen shows it. Its row changes only where it stands otherwise, or somebody comes or goes."""

    id: str
    name_zh: str
    name_en: str
    lat: float
    lon: float
    radius_m: float
    hours: tuple[str, str]
    """From when until when it is held, local time; an end before the beginning is on the next day."""
    teams: tuple[str, ...]
    """Who is planned for it."""
    needed: int
    """How many of them must be there at once."""
    officers: int
    leader: str
    """The team whose leader answers for it."""
    campaign_zh: str
    campaign_en: str
    level: int
    """Of the campaign's duty, 1 the highest."""
    days: tuple[str, str]
    """First and last day of the campaign, 2026-10-01."""
    state: str = NOT_DUE
    """One of `STATES`."""
    since_ms: int = 0
    present: tuple[str, ...] = ()
    """Teams whose last known place is at the post, while it is due."""
    short_since_ms: int | None = None
    """Since when fewer are there than needed, without cause; None where enough are."""
    came: bool = False
    """Whether it was manned at all since its hours began."""
    version: int = 1


def due(post: Post, local: LocalTime, now_ms: int) -> bool:
    """Whether the campaign holds the post now. Hours over midnight belong to the day on which they begin."""
    minute, (start, end) = local.minute(now_ms), post.hours
    over_midnight = minute_of(start) > minute_of(end)
    day = local.day(now_ms) - (over_midnight and minute < minute_of(end))
    first, last = post.days
    return first <= date.fromordinal(_EPOCH + day).isoformat() <= last and within(minute, start, end)


def looks_ms(post: Post, local: LocalTime, campaign: Campaign, now_ms: int) -> int:
    """When a post may stand otherwise by the passing of time alone: a turn of its hours, or patience that ends."""
    minute = local.minute(now_ms)
    turns = ((minute_of(turn) - minute) % 1440 or 1440 for turn in post.hours)
    at_ms = (now_ms // MINUTE_MS + min(_LOOK_MIN, *turns)) * MINUTE_MS
    if post.short_since_ms is not None:
        end_ms = post.short_since_ms + grace_ms(campaign)
        at_ms = min(at_ms, end_ms) if end_ms > now_ms else at_ms
    return at_ms


def grace_ms(campaign: Campaign) -> int:
    """How long a post may be short of people before that is said."""
    return int(campaign.vacated_after_min * MINUTE_MS)


def judged(post: Post, teams: Iterable[Team], is_due: bool, campaign: Campaign, now_ms: int) -> Post:
    """The post's row as it stands now, `teams` being those planned for it; the same one where nothing differs."""
    if not is_due:
        return _become(post, NOT_DUE, now_ms, present=(), short_since_ms=None, came=False)
    there = unseen = excused = 0
    for team in teams:
        if team.duty == ON_DUTY and team.silent_since_ms is not None:
            unseen += 1
        elif team.duty == ON_DUTY and team.id in post.present:
            there += 1
        elif team.duty == BREAK or team.shown in ("en_route", "on_scene"):
            excused += 1
    if there >= post.needed:
        return _become(post, MANNED, now_ms, short_since_ms=None, came=True)
    if there + unseen >= post.needed:
        return _become(post, UNKNOWN, now_ms, short_since_ms=None)
    if there + unseen + excused >= post.needed:
        return _become(post, AWAY, now_ms, short_since_ms=None)
    since_ms = now_ms if post.short_since_ms is None else post.short_since_ms
    if now_ms - since_ms >= grace_ms(campaign):
        return _become(post, VACATED if post.came else ABSENT, now_ms, short_since_ms=since_ms)
    state = AWAITED if post.state in (NOT_DUE, UNKNOWN) else post.state
    return _become(post, state, now_ms, short_since_ms=since_ms)


def _become(post: Post, state: str, now_ms: int, **fields: object) -> Post:
    since_ms = post.since_ms if state == post.state else now_ms
    row = replace(post, state=state, since_ms=since_ms, **fields)
    return post if row == post else replace(row, version=post.version + 1)
