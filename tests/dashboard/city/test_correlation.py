"""Which open incident a signal belongs to."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from dashboard.city.correlation import OpenByPlace, belongs_to
from dashboard.city.incidents import Incident
from dashboard.city.places import distance_m
from tests.cities import CATEGORIES, HOUR, LAT, LON, T0, City

VENDING = CATEGORIES[2]  # 50 m, 1 h
METRE_LAT = 1 / 111_035
"""A metre of latitude at 40° north, degrees."""


def an_incident(id_: str = "i", **changes) -> Incident:
    given_ = {
        "id": id_, "number": 1, "state": "reported", "category": "vending", "priority": 3, "lat": LAT, "lon": LON,
        "where_zh": "", "where_en": "", "area": "", "origin": "complaint", "reported_at_ms": T0, "received_at_ms": T0,
        "stage_since_ms": T0, "last_event_ms": T0,
    }  # fmt: skip
    return Incident(**{**given_, **changes})


def index(*incidents: Incident) -> OpenByPlace:
    made = OpenByPlace()
    for incident in incidents:
        made.put(incident.id, incident)
    return made


@pytest.mark.parametrize(
    ("away_m", "later_ms", "category", "joins"),
    [
        (0, 0, VENDING, True),
        (49.9, HOUR, VENDING, True),
        (50.2, 0, VENDING, False),
        (0, HOUR + 1, VENDING, False),
        (0, -HOUR, VENDING, True),
        (0, -HOUR - 1, VENDING, False),
        (0, 0, CATEGORIES[0], False),
        (80, 0, replace(VENDING, merge_radius_m=100), True),
        (0, 2 * HOUR, replace(VENDING, merge_hours=2), True),
    ],
)
def test_same_class_near_and_not_long_ago(away_m, later_ms, category, joins):
    found = belongs_to(index(an_incident()), category, LAT + away_m * METRE_LAT, LON, T0 + later_ms)
    assert (found is not None) is joins


def test_the_nearest_wins_then_the_older_then_the_smaller_id():
    far = an_incident("far", lat=LAT + 30 * METRE_LAT)
    near, older = an_incident("near"), an_incident("older", reported_at_ms=T0 - 1)
    for held in ((far, near), (near, far)):
        incident, distance = belongs_to(index(*held), VENDING, LAT, LON, T0)
        assert (incident.id, distance) == ("near", 0)
    assert belongs_to(index(near, older), VENDING, LAT, LON, T0)[0].id == "older"
    assert belongs_to(index(an_incident("b"), an_incident("a")), VENDING, LAT, LON, T0)[0].id == "a"


def test_what_is_closed_or_gone_or_moved_is_not_found():
    held = index(an_incident())
    held.put("i", an_incident(state="closed"))
    assert belongs_to(held, VENDING, LAT, LON, T0) is None
    held.put("i", an_incident(lat=LAT + 0.1))
    assert belongs_to(held, VENDING, LAT, LON, T0) is None
    assert belongs_to(held, VENDING, LAT + 0.1, LON, T0) is not None
    held.put("i", None)
    assert belongs_to(held, VENDING, LAT + 0.1, LON, T0) is None
    assert held._cells == {}  # a year of incidents everywhere leaves nothing behind


@given(st.integers(0, 1 << 32), st.sampled_from((39.9, 0.0, -33.8, 64.1)))
def test_the_index_finds_what_a_look_at_all_finds(seed, lat):
    random = Random(seed)
    held = [
        an_incident(f"i{n}", lat=lat + random.uniform(-0.006, 0.006), lon=LON + random.uniform(-0.006, 0.006))
        for n in range(60)
    ]
    radius_m = random.choice((10, 50, 100, 500))
    for _ in range(10):
        at = lat + random.uniform(-0.006, 0.006), LON + random.uniform(-0.006, 0.006)
        found = {incident.id for _, incident in index(*held).near("vending", *at, radius_m)}
        assert found == {i.id for i in held if distance_m(*at, i.lat, i.lon) <= radius_m}


def test_the_circle_is_whole_at_the_edge_of_a_cell():
    edge = 39.905  # a multiple of the cell's side
    just_above = edge + 1e-7
    at = just_above - 49.985 * METRE_LAT
    assert belongs_to(index(an_incident(lat=just_above)), VENDING, at, LON, T0) is not None


def test_evidence_of_a_merged_signal_is_kept_with_its_distance():
    city = City()
    city.complain("1")
    city.at(60).complain("2", text="还在", lat=LAT + 20 * METRE_LAT)
    (incident,) = city.state.incidents.values()
    assert (incident.merged, incident.complaints, incident.last_event_ms) == (1, 2, T0 + 60_000)
    first, second = (entry.args["evidence"] for entry in city.state.timelines[incident.id])
    assert (first["text"], second["text"], second["distance_m"]) == ("摊贩占道", "还在", 20)
