"""What a screen sees of the telemetry: near and far, what changed, and what was taken off."""

from __future__ import annotations

from random import Random

import pytest

from dashboard.live import sight as module
from dashboard.live.sight import NEAR_ZOOM, Sight, view_of

CITY = (116.0, 39.5, 117.0, 40.5)
FAR, NEAR = view_of(CITY, 11), view_of((116.39, 39.89, 116.41, 39.91), 15)


def sensor(lat: float = 39.9, lon: float = 116.4, value: float = 1, time_ms: int = 1, flag: int = 0):
    return [lat, lon, value, time_ms, flag, "noise"]


def seen(**sensors) -> Sight:
    sight = Sight()
    sight.update({"sensors": sensors})
    return sight


def test_far_away_the_level_alone_counts_and_near_screens_share_a_grid():
    assert view_of(CITY, 11.7) == view_of((1, 2, 3, 4), 11)
    assert view_of(CITY, 0).level == 3
    assert view_of(CITY, NEAR_ZOOM - 0.01).near is False
    one, other = view_of((116.391, 39.891, 116.409, 39.909), 15), view_of((116.392, 39.892, 116.408, 39.908), 17)
    assert one == other
    assert one.west <= 116.391
    assert one.east >= 116.409
    assert one.south <= 39.891
    assert one.north >= 39.909


def test_far_away_normal_sensors_are_cells_and_the_others_objects():
    sight = seen(calm=sensor(), loud=sensor(flag=5), other=sensor(40.2, 116.7, time_ms=9))
    rows = sight.whole(FAR)
    assert set(rows["sensors"]) == {"loud"}
    assert sorted(cell[2:] for cell in rows["cells"].values()) == [[1, 0, 9], [2, 5, 1]]


def test_near_every_sensor_in_view_is_an_object():
    sight = seen(calm=sensor(), loud=sensor(flag=5), away=sensor(40.2, 116.7))
    rows = sight.whole(NEAR)
    assert set(rows["sensors"]) == {"calm", "loud"}
    assert "cells" not in rows


def test_a_frame_has_what_changed_and_takes_off_what_became_normal():
    sight = seen(a=sensor(flag=5), b=sensor(), c=sensor(flag=2))
    assert set(sight.frame(FAR)["sensors"]) == {"a", "c"}
    sight.settle()
    assert sight.frame(FAR) == {}
    sight.update({"sensors": {"a": sensor(time_ms=2), "b": sensor(value=9, time_ms=2)}})
    assert sight.frame(FAR) == {"sensors": {"a": None}}  # b is normal as before: its cell tells of it
    assert set(sight.frame(NEAR)["sensors"]) == {"a", "b"}
    sight.update({"sensors": {"a": sensor(time_ms=3, flag=5)}})
    assert sight.frame(FAR)["sensors"] == {"a": sensor(time_ms=3, flag=5)}  # before anybody was told


def test_an_older_row_is_passed_over():
    sight = seen(a=sensor(value=5, time_ms=10))
    sight.settle()
    sight.update({"sensors": {"a": sensor(value=4, time_ms=9)}})
    assert (sight.sensors["a"][2], sight.frame(NEAR)) == (5, {})
    sight.update({"sensors": {"a": sensor(value=5, time_ms=10, flag=4)}})  # the same reading, acknowledged now
    assert sight.frame(FAR)["sensors"]["a"][4] == 4


def test_teams_and_sources_are_the_same_for_all():
    sight = Sight()
    sight.update({"teams": {"t1": [39.9, 116.4, 1, None, None, None]}, "sources": {"/net": [1, 0, 2, 3, 4]}})
    for view in (FAR, NEAR):
        assert sight.frame(view) == {"teams": {"t1": [39.9, 116.4, 1, None, None, None]}}
        assert sight.whole(view)["sources"] == {"/net": [1, 0, 2, 3, 4]}


def test_of_too_many_the_most_urgent_are_sent(monkeypatch):
    monkeypatch.setattr(module, "OBJECTS", 3)
    sight = seen(**{f"s{number}": sensor(flag=number) for number in range(6)})
    assert set(sight.whole(FAR)["sensors"]) == set(sight.whole(NEAR)["sensors"]) == {"s3", "s4", "s5"}


def test_cells_are_those_of_a_count_by_hand():
    random, sight = Random(1), Sight()
    rows = {}
    for number in range(3000):
        place = random.uniform(39.5, 40.5), random.uniform(116, 117)
        rows[f"s{number}"] = sensor(*place, time_ms=random.randrange(99), flag=number % 6)
    sight.update({"sensors": rows})
    cells = sight.cells(11)
    assert sum(cell[2] for cell in cells.values()) == 3000
    assert max(cell[3] for cell in cells.values()) == 5
    assert min(cell[4] for cell in cells.values()) == min(row[3] for row in rows.values())
    assert len(cells) > len(sight.cells(9)) > len(sight.cells(5))


def test_cells_that_differ_since_the_last_look():
    sight = seen(a=sensor(), b=sensor(40.2, 116.7))
    assert len(sight.changed_cells(11)) == 2
    assert sight.changed_cells(11) == {}
    sight.update({"sensors": {"b": sensor(40.2, 116.7, time_ms=5)}})
    ((_, cell),) = sight.changed_cells(11).items()
    assert cell[4] == 5
    sight.update({"sensors": {"b": sensor(39.9, 116.4, time_ms=6)}})
    assert sorted(map(str, sight.changed_cells(11).values()))[0] == "None"  # it moved: its cell is gone
    assert Sight().changed_cells(11) == {}


@pytest.mark.parametrize("lat", [90, -90, 89.9])
def test_the_poles_do_not_break_the_grid(lat):
    assert len(seen(a=sensor(lat, 180)).cells(11)) == 1
