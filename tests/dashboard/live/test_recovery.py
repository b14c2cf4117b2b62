"""The way to the present: from any snapshot that leads there, and from none that does not."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType, FunctionType

import pytest

from dashboard.city.state import Clock
from dashboard.city.telemetry import FLAG_ACTIVE
from dashboard.errors import CannotStart
from dashboard.live import recovery, snapshots
from dashboard.live.streams import CHANGE, Cursor
from tests.cities import DAY, T0
from tests.histories import History, Play


def lived(tmp_path, moments: int = 60, seed: int = 3, **history: bool) -> Play:
    play, made = Play(tmp_path, seed), History(seed, **history)
    for number in range(moments):
        play.at(*made.next(play.state))
        if number % 20 == 10:
            engine = play.engine
            picture = snapshots.picture(engine.desk.state, engine.desk.telemetry, engine.cursor, engine.journal_id)
            play.file = snapshots.write(tmp_path, picture)
    return play


def recovered(play: Play, file: str | None = None, cursor: Cursor | None = None):
    return recovery.recover(
        play.streams, play.directory, play.file if file is None else file, cursor or play.engine.cursor
    )  # fmt: skip


def cut(play: Play, count: int) -> None:
    """The journal loses its oldest entries."""
    del play.streams.streams[CHANGE][:count]


@pytest.mark.parametrize("seed", range(5))
def test_state_and_latest_values_are_those_of_the_engine(tmp_path, seed):
    play = lived(tmp_path, seed=seed, clocks=seed % 2 == 1)
    found = recovered(play)
    assert found.state == play.state
    assert found.journal == play.engine.journal_id
    known = play.engine.desk.telemetry
    assert {id_: (s.time_ms, s.value, s.kind, s.source) for id_, s in found.telemetry.sensors.items()} == {
        id_: (s.time_ms, s.value, s.kind, s.source) for id_, s in known.sensors.items()
    }
    assert {id_: (t.time_ms, t.lat, t.heard_ms) for id_, t in found.telemetry.teams.items()} == {
        id_: (t.time_ms, t.lat, t.heard_ms) for id_, t in known.teams.items()
    }


def test_without_any_snapshot_the_journal_is_read_from_its_beginning(tmp_path):
    play = lived(tmp_path)
    for path in tmp_path.iterdir():
        path.unlink()
    assert recovered(play).state == play.state
    assert recovered(play, file="").state == play.state


def test_a_damaged_snapshot_gives_way_to_the_one_before(tmp_path):
    play = lived(tmp_path)
    newest = tmp_path / play.file
    newest.write_bytes(newest.read_bytes()[:-20])
    cut(play, 5)  # the journal alone is not enough any more
    assert recovered(play).state == play.state


def test_a_journal_with_a_gap_is_not_the_present(tmp_path):
    play = lived(tmp_path)
    for path in tmp_path.iterdir():
        path.unlink()
    cut(play, 3)
    with pytest.raises(CannotStart):
        recovered(play)


def test_a_journal_that_ends_before_the_cursor_is_not_the_present(tmp_path):
    play = lived(tmp_path)
    del play.streams.streams[CHANGE][-1:]
    later = Cursor(play.engine.cursor.after, play.state.seq + 1)
    with pytest.raises(CannotStart):
        recovered(play, cursor=later)


def test_an_empty_store_is_the_beginning(tmp_path):
    play = Play(tmp_path)
    play.streams.streams.clear()
    found = recovery.recover(play.streams, tmp_path, "", Cursor())
    assert (found.state.seq, found.journal, found.telemetry.sensors) == (0, "0-0", {})


def reading(value: float, time: str = "", sensor: str = "n1", lat: float = 39.9):
    data = f'{{"sensor":"{sensor}","kind":"noise","value":{value},"unit":"dB","lat":{lat},"lon":116.4}}'
    fields = {"id": f"{sensor}-{value}", "source": "/net", "type": "city.sensor.reading", "data": data}
    return "sensor", {**fields, "time": time} if time else fields


def test_flags_follow_from_the_alerts_though_no_engine_is_there(tmp_path):
    play = Play(tmp_path)
    play.at(T0 + 1000, [reading(80)])
    assert recovered(play, file="").telemetry.sensors["n1"].flag == FLAG_ACTIVE


def test_what_the_engine_refused_is_not_heard_again(tmp_path):
    play = Play(tmp_path)
    play.at(T0 + 1000, [reading(30, lat=10), reading(30, sensor="n2")])
    position = '{"device":"d9","team":"t9","lat":39.9,"lon":116.4}'
    fields = {"id": "p", "source": "/gw", "type": "city.patrol.position", "data": position}
    play.at(T0 + 2000, [("patrol", fields)])
    found = recovered(play, file="")
    assert (set(found.telemetry.sensors), found.telemetry.teams) == ({"n2"}, {})


def test_what_was_known_before_the_clock_was_set_back_is_forgotten(tmp_path):
    play, made = Play(tmp_path), History(1)
    play.at(T0 + 1000, [reading(30)])
    play.at(T0 + 2000, [made._spoken("set_clock", "administrator", offset_ms=T0 - 30 * DAY, rate=1.0)])
    assert recovered(play, file="").telemetry.sensors == {}
    play.at(T0 + 3000, [reading(31)])
    assert recovered(play, file="").telemetry.sensors["n1"].time_ms == T0 - 30 * DAY + 1000


def test_an_edited_registry_outlives_a_restart_and_a_new_pack_replaces_it(tmp_path):
    from dashboard.city.pack import registry_of
    from tests.cities import a_pack

    play, made = Play(tmp_path), History(1)
    edited = a_pack(teams=play.pack.teams[:1])
    play.at(T0 + 1000, [made._spoken("change_registry", "administrator", registry=registry_of(edited))])
    play.engine = play._born()
    assert set(play.state.teams) == {"t1"}
    assert play.engine.desk.pack == edited
    play.pack = a_pack(silence_s=77)
    play.engine = play._born()
    assert (set(play.state.teams), play.engine.desk.pack.silence_s) == ({"t1", "t2", "t3"}, 77)


def test_a_clock_set_many_times_is_not_looked_through_for_each_input(tmp_path):
    """A rehearsed afternoon sets it 566 times: each input looked through them all, 2 s of a start with 17,000."""
    play, made = Play(tmp_path), History(1)
    for step in range(1, 101):
        made.now_ms = T0 + step * 1000
        play.at(made.now_ms, [made._spoken("set_clock", "administrator", offset_ms=T0 + step * 60_000, rate=1.0)])
        play.at(made.now_ms + 500, [reading(30, sensor=f"n{number}") for number in range(10)])
    for path in tmp_path.iterdir():
        path.unlink()
    looked = count_calls(Clock.city_ms, lambda: recovered(play, file=""))
    assert looked < 5_000


def count_calls(function: FunctionType, work: Callable[[], object]) -> int:
    calls = 0

    def see(frame: FrameType, what: str, _: object) -> None:
        nonlocal calls
        calls += what == "call" and frame.f_code is function.__code__

    sys.setprofile(see)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls
