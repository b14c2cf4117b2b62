"""Manning 到岗: who comes to a post and who leaves it, by positions as they arrive, by teams' rows and by the hours.

A position decides when it comes, and what it decided is journaled: what a post is judged by is all in the state, so a
start in between changes nothing. May not know screens.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from dashboard.city import posts
from dashboard.city.ledger import Ledger
from dashboard.city.places import distance_m
from dashboard.city.posts import LEAVES_M, NOT_DUE, Post
from dashboard.city.teams import Team


def rows_of(ledger: Ledger, teams: dict[str, Team]) -> dict[str, Post | None]:
    """The posts of the pack in force as rows, None for one that is gone; how they stand is kept. `teams`: its teams."""
    held, pack = ledger.state.posts, ledger.pack
    rows: dict[str, Post | None] = dict.fromkeys(held)
    if (campaign := pack.campaign) is None:
        return rows
    for post in pack.posts:
        before = held.get(post.id)
        fresh = Post(
            id=post.id, name_zh=post.zh, name_en=post.en, lat=post.lat, lon=post.lon, radius_m=post.radius_m,
            hours=post.hours, teams=post.teams, needed=post.needed, officers=post.officers,
            leader=post.leader or next(iter(post.teams), ""), campaign_zh=campaign.zh, campaign_en=campaign.en,
            level=campaign.level, days=(campaign.start, campaign.end), since_ms=ledger.now_ms,
        )  # fmt: skip
        if before is not None:
            kept = {name: getattr(before, name) for name in ("state", "since_ms", "short_since_ms", "came")}
            present = tuple(team for team in before.present if team in post.teams)
            fresh = replace(fresh, **kept, present=present)
        is_due = posts.due(fresh, ledger.local, ledger.now_ms)
        row = posts.judged(fresh, _planned(fresh, teams), is_due, campaign, ledger.now_ms)
        rows[post.id] = replace(row, version=1 if before is None else before.version + 1)
    return rows


def _planned(post: Post, teams: dict[str, Team]) -> list[Team]:
    return [team for id_ in post.teams if (team := teams.get(id_)) is not None]


def stands(ledger: Ledger, team: str, lat: float, lon: float) -> None:
    """A team said where it is: it may have come to a post that is planned for it, or have left one."""
    for id_ in ledger.posts_of.get(team, ()):
        post = ledger.state.posts.get(id_)
        if post is None or not posts.due(post, ledger.local, ledger.now_ms):
            continue
        was = team in post.present
        away_m = distance_m(post.lat, post.lon, lat, lon)
        here = away_m <= post.radius_m + (LEAVES_M if was else 0)
        if here != was:
            present = tuple(one for one in post.teams if one in post.present or one == team)
            _judge(ledger, replace(post, present=present if here else tuple(t for t in present if t != team)), team)


def settle(ledger: Ledger) -> None:
    """What was just decided about teams may let their posts stand otherwise."""
    if not ledger.state.posts:
        return
    touched: dict[str, None] = {}
    for change in ledger.changes:
        for team in change.rows.get("teams", ()):
            touched.update(dict.fromkeys(ledger.posts_of.get(team, ())))
    for id_ in touched:
        post = ledger.state.posts.get(id_)
        if post is not None:
            _judge(ledger, post)


def look_due(ledger: Ledger, post_id: str, due_ms: int) -> None:
    """The hours of a post may have turned, or it was short of people for too long."""
    post = ledger.state.posts.get(post_id)
    if post is None or ledger.looks_at_post.get(post_id) != due_ms:
        return
    _judge(ledger, post)
    now = ledger.state.posts[post_id]
    if now is post:
        ledger.look_at_post(post, max(due_ms, ledger.now_ms))


def begin_anew(ledger: Ledger) -> None:
    """The city clock was set to another time: where teams stood then says nothing of now."""
    for post in list(ledger.state.posts.values()):
        since_ms = min(post.since_ms, ledger.now_ms) if post.state == NOT_DUE else ledger.now_ms
        _judge(ledger, replace(post, state=NOT_DUE, since_ms=since_ms, present=(), short_since_ms=None, came=False))


def _judge(ledger: Ledger, post: Post, moved: str = "") -> None:
    """Write down how a post stands, where that differs from its row.

    `post`: its row, or the row with who is there now, `moved` being who came or went.
    """
    campaign = ledger.pack.campaign
    held = ledger.state.posts[post.id]
    if campaign is None:
        return
    is_due = posts.due(post, ledger.local, ledger.now_ms)
    row = posts.judged(post, _planned(post, ledger.state.teams), is_due, campaign, ledger.now_ms)
    if row == held:
        return
    row = replace(row, version=held.version + 1)
    args: dict[str, Any] = {"team": moved} if moved else {}
    ledger.decide("post_changed", {"posts": {row.id: row}}, post=row.id, state=row.state, **args)
