"""A camera keeps its last picture and what it saw last; both outlive a start, and nothing is decided by them."""

from __future__ import annotations

import tracemalloc

from dashboard.city import cameras
from dashboard.city.cameras import MOST_SEEN, Sighting
from dashboard.city.state import CityState, apply
from dashboard.city.telemetry import FLAG_ACTIVE, FLAG_NORMAL, FLAG_SILENT, PictureNow
from dashboard.live import snapshots
from dashboard.live.streams import Cursor
from tests.cities import LAT, LON, T0, City

FILE = "0123456789abcdef0123456789abcdef.png"


def see(city: City, category: str = "vending", confidence: float = 0.9, sensor: str = "c1", **more):
    where = {"lat": LAT, "lon": LON, **more}
    return city.hear("city.sensor.detection", "/cams", sensor=sensor, category=category, confidence=confidence, **where)


def show(city: City, image: str = FILE, sensor: str = "c1", event_at: float | None = None):
    return city.hear("city.sensor.picture", "/cams", event_at, sensor=sensor, image=image, lat=LAT, lon=LON)


def test_what_a_camera_saw_is_kept_with_the_alert_and_the_incident_that_came_of_it():
    city = City()
    see(city.at(10))
    alert = city.alert()
    assert city.state.cameras == {
        "c1": (Sighting("vending", 0.9, T0 + 10_000, T0 + 10_000, 1, alert.id, alert.incident),)
    }
    assert alert.incident in city.state.incidents
    see(city.at(40), confidence=0.7)  # the same thing goes on
    see(city.at(41), "dust", 0.61)
    see(city.at(42), "dust", 0.3)  # not sure enough
    first, second = city.state.cameras["c1"]
    assert (first.category, first.confidence, first.at_ms, first.times) == ("vending", 0.9, T0 + 40_000, 2)
    assert (second.category, second.first_ms, second.times) == ("dust", T0 + 41_000, 1)
    assert second.alert != first.alert
    city.at(200)
    see(city)
    assert [one.category for one in city.state.cameras["c1"]] == ["vending", "dust", "vending"]


def test_only_the_last_ten_are_kept_of_a_camera_and_of_so_many_cameras(monkeypatch):
    city = City()
    for n in range(14):
        see(city.at(200 * n), lat=LAT + 0.01 * n)
    held = city.state.cameras["c1"]
    assert len(held) == MOST_SEEN
    assert [one.first_ms for one in held] == [T0 + 200_000 * n for n in range(4, 14)]
    monkeypatch.setattr(cameras, "MOST_CAMERAS", 2)
    see(city.at(3000), sensor="c2")
    see(city.at(3200))
    see(city.at(3400), sensor="c3")
    assert set(city.state.cameras) == {"c1", "c3"}  # c2 saw nothing for the longest time


def test_a_picture_is_a_sign_of_life_and_no_change_of_the_journal():
    city = City()
    city.reading(25, "c1", "camera", "/cams", unit="fps")
    city.types()
    assert show(city.at(100)) == []
    assert city.desk.telemetry.pictures == {"c1": PictureNow(FILE, T0 + 100_000)}
    assert city.desk.ledger.pictured == {"c1"}
    show(city, "older.png", event_at=99)
    show(city, "as new.png", event_at=100)
    assert city.desk.telemetry.pictures["c1"].file == FILE
    city.at(400)
    sensor = city.desk.telemetry.sensors["c1"]
    assert sensor.flag in (FLAG_SILENT, FLAG_ACTIVE)
    show(city, "b" * 32 + ".jpg")
    assert (sensor.flag, sensor.silent, sensor.value) == (FLAG_NORMAL, False, 25)


def test_a_camera_registers_itself_by_a_picture_and_a_detection_may_bring_one():
    city = City()
    show(city.at(1), sensor="c7")
    sensor = city.desk.telemetry.sensors["c7"]
    assert (sensor.kind, sensor.lat, sensor.lon, sensor.time_ms) == ("camera", LAT, LON, T0 + 1000)
    see(city.at(5), sensor="c7", image=FILE)
    assert city.desk.telemetry.pictures["c7"] == PictureNow(FILE, T0 + 5000)
    incident = city.alert().incident
    evidence = [line.args["evidence"] for line in city.state.timelines[incident] if "evidence" in line.args]
    assert [one["image"] for one in evidence] == [FILE]


def test_changes_alone_and_a_snapshot_give_the_same_memory(tmp_path):
    city = City()
    for n in range(5):
        see(city.at(30 * n), "vending" if n % 2 else "dust", sensor=f"c{n % 3}")
    show(city)
    replayed = CityState()
    for change in city.changes:
        apply(replayed, change)
    assert replayed.cameras == city.state.cameras
    assert len(replayed.cameras) == 3
    taken = snapshots.picture(city.state, city.desk.telemetry, Cursor(), "0-0")
    found = snapshots.read(tmp_path / snapshots.write(tmp_path, taken))
    assert found.state == city.state
    assert found.telemetry.pictures == city.desk.telemetry.pictures


def test_what_was_seen_at_a_time_that_has_not_come_is_forgotten():
    city = City()
    see(city.at(10))
    see(city.at(500), "dust")
    city.ask("set_clock", role="administrator", offset_ms=T0 + 20_000)
    assert [one.category for one in city.state.cameras["c1"]] == ["vending"]
    city.ask("set_clock", role="administrator", offset_ms=T0)
    assert city.state.cameras == {}


def test_what_is_older_than_a_week_is_forgotten_and_a_sighting_is_small():
    city = City()
    see(city.at(0))
    see(city.at(600), sensor="c2")
    see(city.at(604_800 + 300), sensor="c3")
    assert set(city.state.cameras) == {"c2", "c3"}
    tracemalloc.start()
    held = [Sighting("vending", n / 1000, T0 + n, T0 + 2 * n, 1, f"a-{n:013}", f"i-{n:013}") for n in range(1000)]
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size / len(held) < 400
