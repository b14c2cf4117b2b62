"""What a figure rests on, counted by a web process: the same value as the engine's, and rows that are there."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.city.kpis import KPIS, figures
from dashboard.city.kpis import History as Past
from dashboard.live.engine import _sensor, _team
from dashboard.live.evidence import Evidence
from dashboard.live.room import ControlRoom
from tests.cities import T0
from tests.histories import History, Play

COUNTS = {kpi.key for kpi in KPIS if not kpi.unit}
"""Figures that are the number of their rows."""


def room_of(play: Play, directory: Path) -> ControlRoom:
    """A control room that heard everything that an engine said."""
    room, engine = ControlRoom("redis://nowhere", directory), play.engine
    for id_, raw in play.streams.journal("0-0", 1 << 30):
        room._take(id_, raw)
    telemetry = engine.desk.telemetry
    room.sight.update(
        {
            "sensors": {id_: _sensor(sensor) for id_, sensor in telemetry.sensors.items()},
            "teams": {id_: _team(team) for id_, team in telemetry.teams.items()},
            "sources": {id_: [source.heard_ms, 0, 0, 0, 0] for id_, source in telemetry.sources.items()},
        }
    )
    room.engine_heard_ms = play.now_ms
    return room


@pytest.mark.parametrize("seed", range(3))
def test_every_figure_is_counted_again_to_the_same_value_from_rows_that_are_there(tmp_path, seed):
    play, made = Play(tmp_path, seed), History(seed)
    for step in range(120):
        play.at(*made.next(play.state))
        if step % 40 != 39:
            continue
        city_ms = play.state.clock.city_ms(play.now_ms)
        told = figures(play.engine.desk.ledger, Past(), city_ms)
        room = room_of(play, tmp_path)
        evidence = Evidence(room, lambda: play.now_ms)
        for kpi in KPIS:
            found = evidence.of(kpi.key)
            assert found is not None
            for name in told[kpi.key].keys() - {"usual", "series"}:
                assert found[name] == told[kpi.key][name], (kpi.key, name)
            ids = [row[0] for row in found["rows"]]
            assert len(ids) == found["n"]
            if kpi.key in COUNTS and found["value"] is not None:
                assert found["value"] == found["n"], kpi.key
            if kpi.rows in ("incidents", "alerts", "teams", "posts"):
                assert set(ids) <= getattr(room.state, kpi.rows).keys()
                assert len(ids) == len(set(ids))
            elif kpi.rows == "sensors":
                assert set(ids) <= room.sight.sensors.keys()


def test_a_figure_that_is_not_there_and_a_city_that_is_not_there(tmp_path):
    room = ControlRoom("redis://nowhere", tmp_path)
    assert Evidence(room).of("open") is None
    play = Play(tmp_path)
    assert Evidence(room_of(play, tmp_path), lambda: T0).of("nothing") is None
