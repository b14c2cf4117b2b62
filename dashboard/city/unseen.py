"""Unseen: what the city does not tell us just now — silent sensors, late and dead sources, teams without a position.

Pure: rows in, rows out, the widest gap first; every line names the rows it was counted from. No data does not mean no
problem: nothing here is ever left out because it is calm. May not know words or screens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from dashboard.city.places import Gazetteer
from dashboard.city.state import CityState
from dashboard.city.telemetry import FLAG_SILENT

_RANK: Final = {
    "engine": 0, "store": 0, "source": 1, "devices": 1, "sensors": 2, "team": 3, "figures": 4, "source_late": 5,
}  # fmt: skip


class Unseen(Struct, frozen=True):
    """One thing we do not see. `code` says what, `ids` are the rows of `table` that say so."""

    code: str
    args: dict[str, Any]
    table: str = ""
    ids: tuple[str, ...] = ()


def unseen(
    state: CityState,
    figures: Mapping[str, Mapping[str, Any]],
    sensors: Mapping[str, Sequence[Any]],
    teams: Mapping[str, Sequence[Any]],
    gazetteer: Gazetteer,
    silent_s: float = 0,
    stopped: str = "engine",
) -> list[Unseen]:
    """All of it. `sensors`, `teams`: latest values as a screen has them; `silent_s`: how long `stopped` is silent."""
    found = [
        *([Unseen(stopped, {"s": round(silent_s)})] if silent_s else []),
        *_sources(state),
        *_sensors(sensors),
        *_teams(state, teams, gazetteer),
        *_figures(figures),
    ]
    return sorted(found, key=lambda one: (_RANK[one.code], -len(one.ids), one.ids))


def _sources(state: CityState) -> list[Unseen]:
    """Sources that stopped or are late by their own word; devices of patrols are said together."""
    devices = [row for row in state.sources.values() if row.id.startswith("device:")]
    dead = sorted(row.id for row in devices if row.state == "dead")
    found = []
    if dead:
        since_ms = min(state.sources[id_].since_ms for id_ in dead)
        found.append(
            Unseen("devices", {"n": len(dead), "of": len(devices), "since_ms": since_ms}, "sources", tuple(dead))
        )
    for row in state.sources.values():
        if row.state != "live" and not row.id.startswith("device:"):
            code = "source" if row.state == "dead" else "source_late"
            args = {"source": row.id, "kind": row.kind, "since_ms": row.since_ms, "note": row.note}
            found.append(Unseen(code, args, "sources", (row.id,)))
    return found


def _sensors(sensors: Mapping[str, Sequence[Any]]) -> list[Unseen]:
    """Sensors of one kind that say nothing: how many of how many, and when the last of them was heard."""
    silent: dict[str, list[str]] = {}
    every: dict[str, int] = {}
    for id_, row in sensors.items():
        every[row[5]] = every.get(row[5], 0) + 1
        if row[4] == FLAG_SILENT or any(row[6:]):  # one that is silent with an alert shows the alert
            silent.setdefault(row[5], []).append(id_)
    return [
        Unseen(
            "sensors",
            {"kind": kind, "silent": len(ids), "of": every[kind], "last_ms": max(int(sensors[id_][3]) for id_ in ids)},
            "sensors",
            tuple(sorted(ids)),
        )
        for kind, ids in silent.items()
    ]


def _teams(state: CityState, teams: Mapping[str, Sequence[Any]], gazetteer: Gazetteer) -> list[Unseen]:
    """Teams on duty that are silent, with where and when they were last heard."""
    found = []
    for team in state.teams.values():
        if team.shown != "silent":
            continue
        names = {"call": team.call, "name_zh": team.name_zh, "name_en": team.name_en}
        last = teams.get(team.id)
        if last is None:
            found.append(Unseen("team", {**names, "at_ms": team.silent_since_ms}, "teams", (team.id,)))
        else:
            where = gazetteer.where(last[0], last[1])
            args = {**names, "at_ms": int(last[2]), "where_zh": where.zh, "where_en": where.en}
            found.append(Unseen("team", args, "teams", (team.id,)))
    return found


def _figures(figures: Mapping[str, Mapping[str, Any]]) -> list[Unseen]:
    """Figures that rest on too many silent sensors to be believed."""
    stale = tuple(key for key, row in figures.items() if row.get("state") == "stale")
    return [Unseen("figures", {"keys": list(stale)}, "kpis", stale)] if stale else []
