"""A page that is as full as one can be, in a city of true names: what has to fit on three sheets."""

from __future__ import annotations

import random
from typing import Any

import msgspec
from msgspec.structs import replace

from dashboard.city import briefing
from dashboard.city.briefing import Briefing
from dashboard.city.flood import Flood
from dashboard.city.incidents import Incident
from dashboard.city.kpis import KPIS
from dashboard.city.pack import registry_of
from dashboard.city.places import Gazetteer
from dashboard.city.sources import Source
from dashboard.city.state import CityState
from dashboard.city.teams import Team
from dashboard.city.telemetry import FLAG_NORMAL, FLAG_SILENT
from dashboard.live import packs
from dashboard.settings import REPOSITORY

EVENING_MS = 1_790_941_328_000
"""2 October 2026, 19:42:08 in Beijing."""
MINUTE, HOUR = 60_000, 3_600_000
STATES = ("pending_dispatch", "pending_handle", "handling", "pending_check", "handle_finish", "closed")


def a_peak(seed: int = 7) -> tuple[Briefing, dict[str, Any]]:
    """The briefing of a city in which everything goes wrong at once, and its pack."""
    state = a_city(seed)
    rng = random.Random(seed)
    sensors = {
        f"{kind}-{n}": [39.9 + n / 900, 116.3 + n / 700, 60.0, EVENING_MS - 250_000 if n % 3 else EVENING_MS - 4000,
                        FLAG_SILENT if n % 3 else FLAG_NORMAL, kind]
        for kind in ("noise", "people", "water_level") for n in range(60)
    }  # fmt: skip
    places = {id_: [39.92, 116.35, EVENING_MS - 400_000] for id_, team in state.teams.items() if team.shown == "silent"}
    one = briefing.write(state, figures(rng), sensors, places, EVENING_MS, 145)
    return one, state.registry


def a_city(seed: int = 7) -> CityState:
    """Some 400 incidents since the morning, 40 of them late, five urgent; silent teams, dead sources, a flood."""
    rng, pack = random.Random(seed), packs.load(REPOSITORY / "packs" / "beijing")
    gazetteer = Gazetteer(pack.areas, pack.places)
    state = CityState(seq=88_412_907, registry=registry_of(pack))
    for team in pack.teams[:40]:
        silent = team.id in {one.id for one in pack.teams[:3]}
        state.teams[team.id] = Team(
            team.id, team.call, team.zh, team.en, team.post_zh, team.post_en, team.kind, team.skills, team.area,
            team.device, team.lat, team.lon, duty="on_duty", shown="silent" if silent else "free",
        )  # fmt: skip
    for number in range(400):
        category, place = rng.choice(pack.categories), rng.choice(pack.places)
        where = gazetteer.where(place.lat + rng.uniform(-0.01, 0.01), place.lon + rng.uniform(-0.01, 0.01))
        came = EVENING_MS - rng.randrange(19 * HOUR)
        after = [came + minutes * MINUTE for minutes in (4, 20, 60, 90)]
        mood = STATES[number % len(STATES)]
        state.incidents[f"i{number}"] = Incident(
            f"i{number}", 1400 + number, mood, category.key, category.priority if category.priority > 1 else 2,
            place.lat + rng.uniform(-0.02, 0.02), place.lon + rng.uniform(-0.03, 0.03), where.zh, where.en, where.area,
            "complaint", came, came, came, due_ms=EVENING_MS + (rng.randrange(-40, 400)) * MINUTE, limit_s=900,
            dispatched_at_ms=after[0], on_scene_at_ms=after[1],
            finished_at_ms=after[2] if mood in ("closed", "pending_check", "handle_finish") else None,
            closed_at_ms=after[3] if mood == "closed" else None, reworks=int(number % 29 == 0),
        )  # fmt: skip
    rows = list(state.incidents.values())
    for number, one in enumerate(row for row in rows if row.state == "pending_dispatch"):
        if number < 5:
            state.incidents[one.id] = replace(one, priority=1, due_ms=EVENING_MS + (number - 2) * 40_000)
    handling = [row for row in rows if row.state == "handling"]
    for one in handling[:6]:
        state.incidents[one.id] = replace(one, escalated_to="leader", escalated_at_ms=EVENING_MS - 5 * MINUTE)
    for one in handling[6:9]:
        state.incidents[one.id] = replace(one, extensions=2, due_ms=EVENING_MS + HOUR)
    for one in handling[9:30]:
        state.incidents[one.id] = replace(one, state="suspended", suspended_until_ms=EVENING_MS + 4 * HOUR)
    for name in ("noise-xicheng-gateway", "/hotline/12345", "/devices/patrol"):
        state.sources[name] = Source(name, "sensor", "dead", EVENING_MS - 250_000, 60, note="gateway down, repair sent")
    state.floods["2"] = Flood("2", EVENING_MS - 6 * MINUTE, 23)
    for minute in range(EVENING_MS // MINUTE - 1180, EVENING_MS // MINUTE):
        state.minutes[minute] = {"complaint_received": rng.randrange(3)}
    for hour in range(EVENING_MS // HOUR - 24 * 9, EVENING_MS // HOUR):
        state.hours[hour] = rng.randrange(30, 90)
    return state


def figures(rng: random.Random) -> dict[str, dict[str, Any]]:
    """A row of every figure that there is, some of them past what is wanted, one not to be believed."""
    states = {"crowd": "over", "arrival_median_min": "near", "response_p90_min": "near", "noise_over": "stale"}
    rows = {}
    for kpi in KPIS:
        base = rng.uniform(3, 90)
        series = [round(base + n / 20 + rng.uniform(-1, 1), 1 if kpi.unit else 0) for n in range(60)]
        rows[kpi.key] = {
            "value": series[-1], "unit": kpi.unit, "n": 118, "at_ms": EVENING_MS, "oldest_ms": EVENING_MS - 4000,
            "state": states.get(kpi.key, "calm"), "target": round(base), "good": kpi.good,
            "usual": [base - 1, base + 2],
            "window_min": kpi.window_min, "series": series, "silent": 34, "of": 146,
            "args": {"where_zh": "前门大街北口", "where_en": "250 m NW of Qianmen Street", "oldest_min": 96},
        }  # fmt: skip
    return msgspec.to_builtins(rows)
