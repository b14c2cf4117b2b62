"""What a supervisor puts right: sources that chatter or stand, who rings most, the mix, and the load of each seat."""

from __future__ import annotations

import msgspec

from dashboard.city.health import health, loads
from dashboard.city.pack import Seat
from tests.cities import LAT, LON, PACK, City, a_pack

FLUTTERING = msgspec.structs.replace(PACK.rules[0], off_delay_s=0)
DRY = PACK.rules[2]


def found(city: City):
    return health(city.desk.ledger, city.now_ms)


def flutter(city: City, sensor: str, turns: int, every_s: float) -> None:
    for number in range(turns):
        city.at((city.now_ms - city.begun_ms) / 1000 + every_s)
        city.reading((90, 30)[number % 2], sensor)


def test_three_transitions_in_a_minute_are_chatter():
    city = City(a_pack(rules=(FLUTTERING,)))
    flutter(city, "quick", 4, 15)
    flutter(city, "slow", 4, 61)
    assert found(city)["chattering"] == {"n": 1, "rows": [["quick", 4, city.begun_ms + 60_000]]}
    city.at(60 + 601)
    assert found(city)["chattering"]["n"] == 0


def test_the_limit_of_chatter_is_exact():
    city = City(a_pack(rules=(FLUTTERING,)))
    flutter(city, "at", 3, 30)
    assert found(city)["chattering"]["n"] == 1
    city = City(a_pack(rules=(FLUTTERING,)))
    flutter(city, "over", 3, 30.1)
    assert found(city)["chattering"]["n"] == 0


def test_what_has_stood_for_more_than_a_day_is_stale():
    city = City(a_pack(rules=(FLUTTERING,)))
    city.reading(90, "n1")
    city.at(86_400)
    assert found(city)["stale"]["n"] == 0
    city.at(86_401)
    assert found(city)["stale"] == {"n": 1, "rows": [["n1", "loud", city.begun_ms]]}
    city.reading(30, "n1")
    assert found(city)["stale"]["n"] == 0


def test_the_sources_that_ring_most_and_of_how_many():
    city = City(a_pack(rules=(FLUTTERING,)))
    for number in range(12):
        flutter(city, f"n{number:02}", 2 * (number + 1), 1)
    top = found(city)["top"]
    assert (top["n"], top["all"], len(top["rows"])) == (12, 78, 10)
    assert top["rows"][:2] == [["n11", 12], ["n10", 11]]
    city.at(25 * 3600)
    city.reading(90, "late")
    assert found(city)["top"]["rows"] == [["late", 1]]


def test_the_mix_counts_what_people_must_look_at_once():
    city = City(a_pack(rules=(FLUTTERING, DRY)))
    city.reading(90, "n1")  # an incident of noise, priority 2, with its alert
    city.reading(1, "w1", "level")
    city.at(11)  # an alert that stands alone, priority 1
    city.complain("1")
    city.complain("2", lat=LAT + 0.1)
    assert found(city)["mix"] == [1, 1, 2]


def test_the_load_of_each_seat_and_a_split_of_it():
    seats = (Seat("3", "dispatcher", "派遣席", "Dispatch"),)
    city = City(a_pack(filing="dispatcher", rules=(), seats=seats))
    for number in range(6):
        city.complain(f"o{number}", lon=LON + 0.002 * number)
    for number in range(3):
        city.complain(f"n{number}", lat=40.2, lon=116.7 + 0.002 * number)
    row = found(city)["seats"]["3"]
    assert row == {"role": "dispatcher", "load": 9, "areas": [("old", 6), ("new", 3)], "give": ["new"], "given": 3}
    assert loads(city.desk.ledger, city.now_ms) == {"3": 9, "supervisor": 9}
    assert loads(city.desk.ledger, city.now_ms + 600_000) == {}


def test_how_long_the_first_touch_takes_and_who_waits_longest():
    city = City(a_pack(rules=()))
    for number in range(6):
        city.complain(f"k{number}", lon=LON + 0.002 * number)
    rows = sorted(city.state.incidents.values(), key=lambda row: row.number)
    for number, row in enumerate(rows[:5]):
        city.at(10 * (number + 1))
        assert found(city)["touch_s"] is None
        city.ask("file", row.id, "supervisor")
    assert (found(city)["touch_s"], found(city)["oldest_ms"]) == (30, rows[5].reported_at_ms)
