"""Dispatch 派遣: which teams could go, in order, with the reasons as codes — advice, never an order.

Straight distance with a detour factor, until road times come. May not know who asks.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from dashboard.city.incidents import PENDING_CHECK, PENDING_DISPATCH, Incident
from dashboard.city.pack import Category
from dashboard.city.places import distance_m
from dashboard.city.roster import Roster
from dashboard.city.state import CityState
from dashboard.city.teams import BREAK, ON_DUTY, Team
from dashboard.city.telemetry import TeamNow

DETOUR: Final = 1.35
"""Road over straight distance in a city grid (our assumption; between 1.2 and 1.4 in most measurements)."""
SPEED_MPS: Final = {"foot": 1.4, "car": 5.6}
"""5 km/h on foot; 20 km/h by car, the middle of 14–26 km/h seen in recorded city drives."""
HANDLING_S: Final = 1_200
"""What a busy team still needs, on average, before it can go on (our assumption, shown as such)."""
OLD_POSITION_S: Final = 60
MISSING_SKILL_S: Final = 300
"""A team without the wanted skill ranks as if it were five minutes farther."""


class Proposal(Struct, frozen=True):
    """One team that could go.

    `eta_s` includes what it must finish first; `reasons` and `blocked` are codes of `words`.
    """

    team: str
    rank: int
    distance_m: int
    eta_s: int
    position_age_s: int | None
    load: int
    """Assignments it has in hand or waiting."""
    reasons: tuple[str, ...]
    blocked: str | None = None
    free_in_s: int | None = None
    """Until it has done what it has in hand, about; off duty: until its shift begins. None: free, or nobody knows."""
    left_s: int | None = None
    """Until its shift ends, less than 0 in overtime; None: it works round the clock, or the roster is not known."""


def rank_teams(
    state: CityState,
    positions: dict[str, TeamNow],
    incident: Incident,
    category: Category,
    now_ms: int,
    most: int = 40,
    roster: Roster | None = None,
) -> list[Proposal]:
    """Teams by time to arrive, behind them those that are silent, last those that may not go. No teams: an empty list.

    Where a silent team was minutes ago says little, and an order may not reach it: it is nobody's nearest.
    A rework goes first to the team that did the work, a check never to one that did. Without a roster nobody's shift
    ends.
    """
    has_it = {state.assignments[id_].team for id_ in incident.assignments if id_ in state.assignments}
    handled = incident.handled_by if incident.state == PENDING_CHECK else ()
    again = incident.handled_by[-1:] if incident.reworks and incident.state == PENDING_DISPATCH else ()
    rough = []
    for team in state.teams.values():
        why_not = "team_has_it" if team.id in has_it else "team_handled_it" if team.id in handled else blocked(team)
        proposal, cost = _proposal(team, positions.get(team.id), incident, category, now_ms, why_not)
        proposal = _rostered(proposal, state, team, incident, now_ms, roster)
        if team.id in again:
            proposal, cost = replace(proposal, reasons=("did_it_before", *proposal.reasons)), -1.0
        rough.append((proposal, cost))
    rough.sort(key=lambda item: (item[0].blocked is not None, "silent" in item[0].reasons, item[1], item[0].team))
    nearest = min((item[0].distance_m for item in rough if _within_reach(item[0])), default=None)
    ranked = []
    for rank, (proposal, _) in enumerate(rough[:most], start=1):
        reasons = proposal.reasons
        if proposal.distance_m == nearest and _within_reach(proposal):
            reasons = ("nearest", *reasons)
        ranked.append(replace(proposal, rank=rank, reasons=reasons))
    return ranked


def stands_against(
    state: CityState, positions: dict[str, TeamNow], team: Team, incident: Incident, now_ms: int, roster: Roster
) -> str | None:
    """Why this team may not be sent to this incident, or needs a reason to be; None: it may."""
    return blocked(team) or roster.against(
        team, incident, state.teams.values(), _eta(team, positions.get(team.id), incident)[1] + HANDLING_S, now_ms
    )


def _within_reach(proposal: Proposal) -> bool:
    """It may go, and an order reaches it."""
    return proposal.blocked is None and "silent" not in proposal.reasons


def _rostered(
    proposal: Proposal, state: CityState, team: Team, incident: Incident, now_ms: int, roster: Roster | None
) -> Proposal:
    """The same with what the roster says of it, and when it is free."""
    free_in_s = None
    if team.active is not None:
        under_way_s = (now_ms - team.shown_since_ms) // 1000 if team.shown == "on_scene" else 0
        free_in_s = max(60, proposal.load * HANDLING_S - max(0, under_way_s))
    if roster is None:
        return replace(proposal, free_in_s=free_in_s)
    if proposal.blocked == "team_off_duty":
        return replace(proposal, free_in_s=roster.begins_in_s(team, now_ms))
    against = proposal.blocked or roster.against(
        team, incident, state.teams.values(), proposal.eta_s + HANDLING_S, now_ms
    )
    return replace(proposal, blocked=against, free_in_s=free_in_s, left_s=roster.left_s(team, now_ms))


def pace(team: Team) -> tuple[float, float]:
    """Seconds a team takes for each metre as the crow flies, and those before it can go: what it must finish first."""
    load = (team.active is not None) + len(team.waiting)
    return DETOUR / SPEED_MPS[team.kind], load * HANDLING_S


def _eta(team: Team, now: TeamNow | None, incident: Incident) -> tuple[float, float]:
    """Metres as the crow flies, and seconds on the road with what it must finish first."""
    lat, lon = (team.lat, team.lon) if now is None else (now.lat, now.lon)
    away_m = distance_m(lat, lon, incident.lat, incident.lon)
    per_m, before_s = pace(team)
    return away_m, away_m * per_m + before_s


def _proposal(
    team: Team, now: TeamNow | None, incident: Incident, category: Category, now_ms: int, why_not: str | None
) -> tuple[Proposal, float]:
    away_m, eta_s = _eta(team, now, incident)
    load = (team.active is not None) + len(team.waiting)
    age_s = None if now is None else max(0, (now_ms - now.heard_ms) // 1000)
    reasons = ["busy" if load else "free"]
    cost = eta_s
    if category.skills:
        skilled = bool(set(category.skills) & set(team.skills))
        reasons.append("skilled" if skilled else "not_skilled")
        cost += 0 if skilled else MISSING_SKILL_S
    if team.silent_since_ms is not None:
        reasons.append("silent")
    if age_s is None:
        reasons.append("position_unknown")
    elif age_s > OLD_POSITION_S:
        reasons.append("position_old")
    if team.area and team.area == incident.area:
        reasons.append("own_area")
    return Proposal(team.id, 0, round(away_m), round(eta_s), age_s, load, tuple(reasons), why_not), cost


def blocked(team: Team) -> str | None:
    """Why a team may not be sent: `team_off_duty` is hard, `team_on_break` needs a reason; None: it may."""
    if team.duty == BREAK:
        return "team_on_break"
    return None if team.duty == ON_DUTY else "team_off_duty"
