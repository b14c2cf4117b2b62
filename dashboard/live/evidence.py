"""Evidence: what a figure rests on, counted again by its own formula from what this web process holds.

For whoever asks about one figure: value, the rows that it counts, the sources that it rests on with their ages. What
the engine alone remembers (last hour, usual band) is taken from the figures it sent. May not know sockets or words.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from dashboard.city.deadlines import Calendar, HandlingLimits
from dashboard.city.formulas import GROUPS, SENSOR_KINDS, Basis, Found, Heard, by_kind
from dashboard.city.kpis import KPIS, Kpi, shown
from dashboard.city.ledger import UNCATEGORISED
from dashboard.city.pack import Pack, pack_of
from dashboard.city.places import Gazetteer
from dashboard.city.state import CityState
from dashboard.city.telemetry import FLAG_SILENT, SensorNow, TeamNow
from dashboard.live.room import ENGINE_LATE_S, ControlRoom

BY_KEY: Final = {kpi.key: kpi for kpi in KPIS}
KEPT_S: Final = 1.0
"""What is gathered for one question serves every other one of the same second: 100,000 sensors are looked through."""


class Evidence:
    """What figures rest on, as one web process sees it."""

    def __init__(self, room: ControlRoom, real_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000) -> None:
        """Nothing is looked at before somebody asks."""
        self.room, self.real_ms = room, real_ms
        self._pack: tuple[dict[str, Any], Pack, Gazetteer, HandlingLimits] | None = None
        self._gathered: tuple[float, CityState, Basis] | None = None

    def of(self, key: str) -> dict[str, Any] | None:
        """One figure with its rows and sources; None where there is no such figure, or no city yet.

        `rows`: [id, what it adds] of the table `table`; `sources`: the groups it rests on.
        """
        kpi = BY_KEY.get(key)
        basis = self._basis()
        if kpi is None or basis is None:
            return None
        found = kpi.formula(basis)
        heard = [GROUPS[group](basis) for group in kpi.rests_on]
        row = shown(kpi, basis, found, heard)
        told = self.room.figures.get(key, {})
        return {
            "key": key, **row, "usual": told.get("usual"), "series": told.get("series", []),
            "version": kpi.version, "table": kpi.rows, "rows": _rows(kpi, found, basis),
            "sources": [_source(group) for group in heard],
        }  # fmt: skip

    def _basis(self) -> Basis | None:
        room = self.room
        if not room.state.registry:
            return None
        now = time.monotonic()
        if self._gathered is None or now - self._gathered[0] > KEPT_S or self._gathered[1] is not room.state:
            self._gathered = (now, room.state, self._gather())
        return self._gathered[2]

    def _gather(self) -> Basis:
        room = self.room
        pack, gazetteer, limits = self._in_force()
        real_ms = self.real_ms()
        if real_ms - room.engine_heard_ms > ENGINE_LATE_S * 1000:
            real_ms = room.engine_heard_ms or real_ms  # the picture is of when the engine was last heard
        return Basis(
            room.state.clock.city_ms(real_ms), room.state, pack, gazetteer, limits.due,
            by_kind(_sensor(id_, row) for id_, row in room.sight.sensors.items() if row[5] in SENSOR_KINDS),
            {id_: TeamNow(id_, row[0], row[1], row[2], row[2]) for id_, row in room.sight.teams.items()},
            {id_: row[0] for id_, row in room.sight.sources.items()},
        )  # fmt: skip

    def _in_force(self) -> tuple[Pack, Gazetteer, HandlingLimits]:
        registry = self.room.state.registry
        if self._pack is None or self._pack[0] is not registry:
            pack = pack_of(registry)
            limits = HandlingLimits(pack, Calendar(pack), UNCATEGORISED.limit)
            self._pack = (registry, pack, Gazetteer(pack.areas, pack.places), limits)
        return self._pack[1:]


def _sensor(id_: str, row: list[Any]) -> SensorNow:
    lat, lon, value, time_ms, flag, kind, *silent = row
    return SensorNow(
        id_, kind, "", lat, lon, value, time_ms, time_ms, "", flag=flag, silent=bool(silent) or flag == FLAG_SILENT
    )


def _rows(kpi: Kpi, found: Found, basis: Basis) -> list[list[Any]]:
    """Each row by its id with what it adds; of a complaint also the incident that it is part of."""
    if kpi.rows != "calls":
        return [[id_, adds] for id_, adds in found.rows]
    part_of = {
        entry.args["evidence"]["id"]: incident
        for incident, timeline in basis.state.timelines.items()
        for entry in timeline
        if entry.args.get("evidence", {}).get("kind") == "complaint"
    }
    return [[id_, part_of.get(id_)] for id_, _ in found.rows]


def _source(group: Heard) -> dict[str, Any]:
    return {
        "key": group.key, "n": group.n, "silent": group.silent, "oldest_ms": group.oldest_ms,
        "newest_ms": group.newest_ms, "silent_ms": group.silent_ms, "stale": group.stale,
    }  # fmt: skip
