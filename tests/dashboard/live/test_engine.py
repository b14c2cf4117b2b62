"""The engine over a store in memory: whatever happens to it, the city is the same."""

from __future__ import annotations

from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.city.ledger import Ledger
from dashboard.city.signals import signal_key
from dashboard.city.state import CityState, apply
from dashboard.live import snapshots
from dashboard.live.engine import Engine
from dashboard.live.streams import Cursor
from dashboard.live.wire import decode_journal
from tests.cities import T0
from tests.histories import History, Play, alerts_of, play

SEEDS = st.integers(0, 1 << 32)
MOMENTS = 60
some = settings(max_examples=settings.default.max_examples // 4)  # each example is a city's whole day


def comparable(state: CityState) -> dict[str, object]:
    """What must be the same in two runs, one of which was restarted: all but when it was at work."""
    replace = msgspec.structs.replace
    alerts = {id_: replace(row, received_at_ms=0) for id_, row in state.alerts.items()}
    incidents = {id_: replace(row, received_at_ms=0) for id_, row in state.incidents.items()}
    orders = {
        id_: replace(row, order=bool(row.order), unread=tuple(bool(number) for number in row.unread))
        for id_, row in state.assignments.items()
    }
    return {
        "alerts": alerts, "incidents": incidents, "assignments": orders, "complaints": state.complaints,
        "signals": state.signals, "refused": set(state.refused),
        "numbers": state.numbers, "recent": state.recent, "clock": state.clock, "registry": state.registry,
    }  # fmt: skip


@some
@given(SEEDS)
def test_changes_applied_to_an_empty_city_are_the_state_at_every_step(seed):
    with TemporaryDirectory() as directory:
        mirror, read = CityState(), 0
        lived, made = Play(Path(directory), seed), History(seed, clocks=True, registry=True)
        for _ in range(MOMENTS):
            lived.at(*made.next(lived.state))
            changes = lived.changes()
            for change in changes[read:]:
                assert change.seq == mirror.seq + 1
                apply(mirror, change)
            read = len(changes)
            for field in CityState.__struct_fields__:
                assert getattr(mirror, field) == getattr(lived.state, field), field


@some
@given(SEEDS)
def test_the_indexes_that_run_along_are_those_built_anew(seed):
    with TemporaryDirectory() as directory:
        lived, _ = play(Path(directory), seed, MOMENTS, clocks=True, registry=True)
        running = lived.engine.desk.ledger
        bands = {id_: (s.low, s.high, s.flag) for id_, s in running.telemetry.sensors.items()}
        anew = Ledger(running.pack, running.state, running.telemetry)
        anew.look_at_limits(running.now_ms // 300_000 * 300_000)
        anew.use(running.pack)
        for name in ("open_by_place", "incident_of_complaint", "alerts_of", "rules", "categories"):
            mine, other = getattr(running, name), getattr(anew, name)
            assert getattr(mine, "_held", mine) == getattr(other, "_held", other), name
        assert {id_: sensor.flag for id_, sensor in anew.telemetry.sensors.items()} == {
            id_: flag for id_, (_, _, flag) in bands.items()
        }
        for signal in running.state.signals.values():
            if signal.due_ms is not None:
                due = (signal.due_ms, "signal", signal_key(signal.rule, signal.subject))
                assert due in running.due
                assert due in anew.due


@some
@given(SEEDS, st.integers(1, MOMENTS - 1))
def test_a_snapshot_and_what_follows_is_the_state(seed, moment):
    with TemporaryDirectory() as directory:
        lived, made = Play(Path(directory), seed), History(seed, clocks=True)
        for number in range(MOMENTS):
            lived.at(*made.next(lived.state))
            if number == moment:
                engine = lived.engine
                taken = snapshots.picture(engine.desk.state, engine.desk.telemetry, engine.cursor, engine.journal_id)
                name = snapshots.write(Path(directory) / "one", taken)
        found = snapshots.read(Path(directory) / "one" / name)
        for _, raw in lived.streams.journal(found.journal, 1 << 30):
            for change in decode_journal(raw).changes:
                apply(found.state, change)
        for field in CityState.__struct_fields__:
            assert getattr(found.state, field) == getattr(lived.state, field), field


@some
@given(SEEDS)
def test_an_engine_killed_at_a_third_of_its_commits_raises_the_same_alerts_at_the_same_times(seed):
    with TemporaryDirectory() as one, TemporaryDirectory() as other:
        calm, told = play(Path(one), seed, MOMENTS, tokens=False)
        killed = Play(Path(other), seed, share=0.33)
        away = Random(seed)
        for now_ms, inputs in told[:-1]:
            killed.at(now_ms, inputs, handle=away.random() < 0.8)
        killed.at(*told[-1])
        assert killed.streams.kills > 0
        assert alerts_of(killed.changes()) == alerts_of(calm.changes())
        mine, others = comparable(killed.state), comparable(calm.state)
        for field in mine:
            assert mine[field] == others[field], field
        changes = killed.changes()
        assert [change.seq for change in changes] == list(range(1, len(changes) + 1))
        caused = [(change.cause, change.type, str(sorted(change.rows.items()))) for change in changes if change.cause]
        assert len(caused) == len(set(caused))


def test_an_empty_store_is_an_empty_city(tmp_path):
    lived = Play(tmp_path)
    assert [change.type for change in lived.changes()] == ["engine_started", "registry_changed"]
    assert msgspec.json.decode(lived.streams.cursor, type=Cursor).seq == 2


def test_the_last_hour_of_each_figure_outlives_a_restart(tmp_path):
    lived = Play(tmp_path)
    lived.engine.history.sample("open", T0, 4.0)
    lived.engine.history.sample("open", T0 + 60_000, 5.0)
    Engine._picture(lived.engine, force=True)
    lived.engine._writer.join()
    lived.engine.announce_picture()
    again = lived._born()
    assert again.history.series("open") == [4, 5]
    again.history.sample("open", T0 + 120_000, 6.0)
    again.start()  # as after a lost store: what it remembers itself is newer
    assert again.history.series("open") == [4, 5, 6]
