"""A snapshot is the whole of a moment, or it is not used."""

from __future__ import annotations

import msgspec
import pytest

from dashboard.city.state import CityState
from dashboard.live import snapshots
from dashboard.live.streams import Cursor
from tests.cities import LAT, LON, City

CURSOR = Cursor({"sensor": "5-0"}, 9, 77, [["sensor", "5-0", "5-0", 1]])


def a_city() -> City:
    city = City()
    for number in range(30):
        city.reading(80 if number % 3 else 30, f"n{number}")
        city.complain(str(number), "dust", lat=LAT + number * 0.01)
    city.complain("x", lat=None, lon=None)
    city.hear("city.patrol.position", "/gw", device="d1", team="t1", lat=LAT, lon=LON, heading_deg=9)
    city.step(city.sent(city.filed(category="noise", lat=LAT - 0.2)), "accepted")
    city.refusal("file", "nobody", "supervisor")
    city.ask("set_clock", role="administrator", offset_ms=city.now_ms + 5, rate=2.0, note="replay")
    return city


def taken(city: City) -> snapshots.Picture:
    points = {"open": [(29_833_333, 31.0), (29_833_334, None)]}
    return snapshots.picture(city.desk.state, city.desk.telemetry, CURSOR, "8-1", points)


def test_what_is_read_is_what_was_written(tmp_path):
    city = a_city()
    name = snapshots.write(tmp_path / "deep" / "er", taken(city))
    found = snapshots.read(tmp_path / "deep" / "er" / name)
    for field in CityState.__struct_fields__:
        assert getattr(found.state, field) == getattr(city.state, field), field
    assert found.telemetry == city.desk.telemetry
    assert (found.journal, found.cursor) == ("8-1", Cursor({"sensor": "5-0"}, 9, 77))
    assert found.points == {"open": [(29_833_333, 31.0), (29_833_334, None)]}


def test_an_empty_city(tmp_path):
    name = snapshots.write(tmp_path, snapshots.picture(CityState(), City().desk.telemetry, Cursor(), "0-0"))
    assert snapshots.read(tmp_path / name).state == CityState()


def test_one_that_was_written_before_complaints_were_kept_by_the_hour(tmp_path, monkeypatch):
    sections = snapshots._sections
    old = {"calls", "hours", "points"}
    monkeypatch.setattr(snapshots, "_sections", lambda given: (one for one in sections(given) if one[0] not in old))
    city = a_city()
    found = snapshots.read(tmp_path / snapshots.write(tmp_path, taken(city)))
    assert (len(found.state.calls), found.state.hours) == (0, {})
    assert found.state.incidents == city.state.incidents


def test_a_picture_stays_as_it_is_while_the_city_goes_on(tmp_path):
    city = a_city()
    picture, before = taken(city), msgspec.json.encode(city.state.incidents)
    seq = city.state.seq
    city.at(400)
    city.complain("later")
    city.reading(99, "new")
    found = snapshots.read(tmp_path / snapshots.write(tmp_path, picture))
    assert (found.state.seq, msgspec.json.encode(found.state.incidents)) == (seq, before)
    assert found.state.timelines.keys() == found.state.incidents.keys()
    assert "new" not in found.telemetry.sensors


def test_only_the_newest_three_are_kept(tmp_path):
    names = [snapshots.write(tmp_path, taken(City())) for _ in range(5)]
    assert {path.name for path in tmp_path.iterdir()} == set(names[-3:])


def test_a_file_that_is_not_whole_or_was_changed_is_refused(tmp_path):
    path = tmp_path / snapshots.write(tmp_path, taken(a_city()))
    whole = path.read_bytes()
    for damaged in (
        *(whole[:size] for size in range(0, len(whole), 997)),
        *(
            whole[:at] + bytes([whole[at] ^ bit]) + whole[at + 1 :]
            for bit in (0x10, 0x80)
            for at in range(10, len(whole), 97)
        ),
        b"",
        b"nonsense" * 100,
    ):
        path.write_bytes(damaged)
        with pytest.raises(msgspec.DecodeError, match="not whole"):
            snapshots.read(path)
    path.write_bytes(whole)
    snapshots.read(path)
