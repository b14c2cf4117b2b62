"""A replay into a real engine: what comes out is what was in the file, at the recorded times."""

import argparse
import asyncio
import json
import os
import random
from pathlib import Path

import pytest
import redis

from dashboard.errors import CannotStart
from dashboard.live import packs
from dashboard.live.launcher import BEGINS_ANEW, running, temporary_settings
from dashboard.live.streams import key
from feeds import replay

RECORDINGS = os.environ.get("COMIS_RECORDINGS", "")
HEADER = "Unique Key,Created Date,Complaint Type,Descriptor,Incident Address,Latitude,Longitude"


def made(path: Path, rows: int) -> Path:
    """An invented export of two hours: a repeat, rows without a place, without a time, far away, phones."""
    rng, lines = random.Random(7), [HEADER]
    for n in range(rows):
        kind = rng.choice(["Noise - Street", "Illegal Parking", "Blocked Driveway"])
        seconds = n * 7200 // rows
        time = f"05/01/2022 {12 if seconds < 3600 else 1:02d}:{seconds % 3600 // 60:02d}:{seconds % 60:02d} AM"
        place = f"{40.7 + rng.randrange(30) / 1000},{-73.9 + rng.randrange(30) / 1000}"
        lines.append(f"{n},{time},{kind},call 13812345678,{n} Main St,{place}")
    lines[5] = lines[5].rsplit(",", 2)[0] + ",,"
    lines[10] = lines[9]
    lines[15] = lines[15].replace("05/01/2022", "sometime")
    lines[20] = lines[20].rsplit(",", 2)[0] + ",10.0,10.0"
    path.write_text("\n".join(lines) + "\n")
    return path


def city(settings, recording):
    return running(replay.own_settings(settings, recording, None), parts=("engine", "web"), say=lambda _: None)


def run(started, recording, speed):
    lines = []
    pack = packs.load(started.settings.pack)
    totals = asyncio.run(replay.replay(started.settings, pack, recording, speed, lines.append))
    return totals, lines


@pytest.mark.parametrize("speed", [600.0, float("inf")])
def test_every_row_is_accounted_for(tmp_path, speed):
    rows = 120
    recording = replay.load([made(tmp_path / "export.csv", rows)], None)
    if speed == 600:  # only its first half hour: 3 s
        recording.complaints[:] = [each for each in recording.complaints if each.time_ms < 1_651_379_400_000]
        rows = recording.rows
    with city(temporary_settings(tmp_path / "var"), recording) as started:
        totals, lines = run(started, recording, speed)
        with redis.Redis.from_url(started.settings.redis_address, decode_responses=True) as store:
            clock = store.hgetall(key("clock"))
            rejected = [fields for _, fields in store.xrange(key("rejected"))]
            stored = [fields for _, fields in store.xrange(key("complaint"))]
    assert (totals.rows, totals.sent, totals.rejected) == (rows, rows - 2, 2)
    assert (totals.repeats, totals.without_place) == (1, 1)
    assert " = " in lines[-1]
    assert lines[-1].startswith(f"City: {rows - 3} complaints")
    assert "1 without a place" in lines[-1]
    assert sorted(fields["code"] for fields in rejected) == ["outside_city", "row_without_time"]
    assert json.loads(next(each["args"] for each in rejected if each["code"] == "row_without_time"))["line"] == 16
    assert json.loads(next(each["args"] for each in rejected if each["code"] == "outside_city"))["line"] == 21
    assert (clock["source"], float(clock["rate"])) == ("replay", 1.0)
    assert stored[0]["time"] == "2022-05-01T04:00:00Z"
    assert "13812345678" not in str(stored) + str(rejected)


@pytest.mark.parametrize("name", ["nyc311", "konstanz311"])
def test_a_recorded_set(tmp_path, name):
    files = sorted((Path(RECORDINGS) / name).glob("*")) if RECORDINGS else []
    if not files:
        pytest.skip(f"COMIS_RECORDINGS has no {name}")
    recording = replay.load(files, None)
    with city(temporary_settings(tmp_path / "var"), recording) as started:
        totals, lines = run(started, recording, float("inf"))
    assert totals.sent == totals.rows == recording.rows
    assert " = " in lines[-1]
    assert f"City: {totals.rows} complaints" in lines[-1]


def test_without_an_engine_it_is_one_sentence(tmp_path, redis_settings, monkeypatch):
    monkeypatch.setattr(replay, "ANSWER_S", 0.1)
    recording = replay.load([made(tmp_path / "export.csv", 40)], None)
    pack = packs.load(replay.own_settings(temporary_settings(tmp_path / "var"), recording, None).pack)
    with pytest.raises(CannotStart, match="is COMIS running"):
        asyncio.run(replay.replay(redis_settings, pack, recording, 600.0, lambda _: None))
    silent = temporary_settings(tmp_path / "nothing")
    with pytest.raises(CannotStart, match="does not answer"):
        asyncio.run(replay.replay(silent, pack, recording, 600.0, lambda _: None))


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path):
    with pytest.raises(CannotStart, match="cannot be read"):
        replay.load([tmp_path / "none.csv"], None)
    (tmp_path / "odd.csv").write_text("colour,shape\nred,round\n")
    with pytest.raises(CannotStart, match=r"colour, shape.*docs/replay\.md"):
        replay.load([tmp_path / "odd.csv"], None)
    (tmp_path / "empty.csv").write_text(f"{HEADER}\n1,never,a,b,c,1,2\n")
    with pytest.raises(CannotStart, match=r"No row .* Line 2 has no readable time: “never”\."):
        replay.load([tmp_path / "empty.csv"], None)


def test_only_the_directory_of_a_replay_is_emptied(tmp_path):
    recording = replay.load([made(tmp_path / "export.csv", 40)], None)
    settings = temporary_settings(tmp_path / "var")
    own = replay.own_settings(settings, recording, None)
    (own.data_dir / "old").touch()
    assert not (replay.own_settings(settings, recording, None).data_dir / "old").exists()
    (own.data_dir / BEGINS_ANEW).unlink()
    with pytest.raises(CannotStart, match="holds something else than an earlier replay"):
        replay.own_settings(settings, recording, None)


def test_a_store_of_others_is_not_replayed_into_by_accident(tmp_path):
    chosen = argparse.Namespace(files=[made(tmp_path / "export.csv", 40)], mapping=None, speed=600.0, pack=None)
    with pytest.raises(CannotStart, match="--into-running"):
        replay.main(temporary_settings(tmp_path / "var", redis_url="redis://elsewhere"), chosen)
