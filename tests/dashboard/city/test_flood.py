"""A flood begins above ten new items in ten minutes, ends below five, and groups what may wait; nothing is lost."""

from __future__ import annotations

import msgspec
import pytest

from dashboard.city.desk import Desk
from dashboard.city.flood import Arrived, begins, by_area, roles_of, split
from dashboard.city.pack import Place, Seat
from dashboard.city.state import CityState, apply
from tests.cities import LAT, LON, PACK, T0, City, a_pack

PLACES = (Place("gate", "城门", "Gate", LAT, LON), Place("lake", "湖边", "Lake", LAT + 0.05, LON))
QUIET = tuple(rule for rule in PACK.rules if rule.kind != "burst")
TOWN = a_pack(places=PLACES, filing="dispatcher", rules=QUIET)
STEP = 0.0012
"""Degrees, more than the 50 m within which reports of one class are one incident."""


def calls(city: City, count: int, category: str = "vending", *, every_s: float = 1, **more):
    """So many callers at so many places, one after the other."""
    for _ in range(count):
        city.at((city.now_ms - city.begun_ms) / 1000 + every_s)
        number = len(city.state.incidents)
        where = {"lat": LAT + STEP * (number % 8), "lon": LON + STEP * (number // 8 - 8)}
        city.complain(f"k{number}-{city.now_ms}", category, **{**where, **more})


def flood(pack=TOWN) -> City:
    city = City(pack)
    calls(city, 11)
    return city


def incidents(city: City):
    return sorted(city.state.incidents.values(), key=lambda row: row.number)


def test_ten_new_items_in_ten_minutes_are_work_and_the_eleventh_is_a_flood():
    city = City(TOWN)
    calls(city, 10)
    assert not city.state.floods
    assert {row.group for row in incidents(city)} == {""}
    calls(city, 1)
    held = city.state.floods["dispatcher"]
    assert (held.since_ms, held.load, held.grouped) == (city.now_ms, 11, 11)
    assert {row.group for row in incidents(city)} == {"vending@gate"}


def test_what_somebody_has_touched_or_claimed_is_not_gathered_when_a_flood_begins():
    city = City(TOWN)
    calls(city, 10)
    acknowledged, claimed, seen, *_ = incidents(city)
    city.ask("acknowledge_incident", acknowledged.id)
    city.ask("claim", claimed.id)
    calls(city, 1)
    rows = {row.id: row for row in incidents(city)}
    assert (rows[acknowledged.id].group, rows[claimed.id].group) == ("", "")
    gathered = rows[seen.id]
    assert (gathered.group, gathered.version, gathered.later_until_ms) == ("vending@gate", seen.version + 1, None)
    assert not city.state.refused
    city.ask("acknowledge_incident", seen.id, version=seen.version)  # the version from before its group will do
    assert city.state.incidents[seen.id].acknowledged_at_ms == city.now_ms


def test_eleven_over_more_than_ten_minutes_are_no_flood():
    city = City(TOWN)
    calls(city, 40, every_s=60.1)
    assert not city.state.floods


def test_only_the_seat_that_must_decide_is_in_flood():
    city = City(a_pack(places=PLACES, rules=QUIET))  # supervisors file
    calls(city, 12)
    assert set(city.state.floods) == {"supervisor"}
    for row in incidents(city):
        city.ask("file", row.id, "supervisor")
    assert set(city.state.floods) == {"supervisor", "dispatcher"}


def test_it_ends_by_the_clock_when_the_load_is_below_five():
    city = flood()
    city.types()
    last = city.now_ms
    city.at((last - T0) / 1000 - 4 + 599.5)
    assert city.state.floods
    city.at((last - T0) / 1000 - 4 + 601)  # the fifth newest is ten minutes old
    assert not city.state.floods
    ended = [change for change in city.changes if change.type == "flood_ended" and change.args["seat"] == "dispatcher"]
    assert [(change.at_ms, change.args["grouped"], change.args["load"]) for change in ended] == [
        (last + 596_000, 11, 11)
    ]


def test_a_steady_load_between_the_lines_keeps_it_on_without_flapping():
    city = flood()
    city.types()
    calls(city, 40, every_s=75)  # eight in ten minutes
    assert "flood_ended" not in city.types()
    city = City(TOWN)
    calls(city, 40, every_s=75)
    assert "flood_began" not in city.types()


def test_one_that_ended_before_the_next_item_does_not_group_it():
    city = flood()
    city.desk.tick = lambda *_, **__: []  # nobody looks at the clock
    city.now_ms += 600_001
    city.complain("late", lat=LAT + 0.02)
    assert not city.state.floods
    assert incidents(city)[-1].group == ""


def test_priority_one_never_has_a_group():
    city = flood()
    for number in range(3):
        calls(city, 1, "flooding", lat=LAT + 0.003 * number)
    urgent = [row for row in incidents(city) if row.priority == 1]
    assert len(urgent) == 3
    assert {(row.group, row.later_until_ms) for row in urgent} == {("", None)}
    assert city.state.floods["dispatcher"].grouped == 11


def test_an_item_that_becomes_urgent_leaves_its_group_at_once():
    city = City(a_pack(places=PLACES, filing="dispatcher", rules=(msgspec.structs.replace(PACK.rules[0], priority=1),)))
    calls(city, 12, "noise")
    row = incidents(city)[-1]
    assert row.group == "noise@gate"
    city.reading(90, lat=row.lat, lon=row.lon)
    joined = city.state.incidents[row.id]
    assert (joined.priority, joined.group, joined.later_until_ms) == (1, "", None)


def test_one_cause_at_one_place_is_one_group():
    city = flood()
    calls(city, 3)
    calls(city, 2, "dust")
    calls(city, 1, lat=LAT + 0.05)
    assert [row.group for row in incidents(city)[11:]] == [
        "vending@gate", "vending@gate", "vending@gate", "dust@gate", "dust@gate", "vending@lake",
    ]  # fmt: skip


def test_where_no_place_has_a_name_the_area_stands_for_it():
    city = flood(a_pack(filing="dispatcher", rules=QUIET))
    assert incidents(city)[-1].group == "vending@old"


def test_low_priority_waits_until_its_time_left_turns_yellow():
    city = flood()
    row = incidents(city)[-1]
    assert row.priority == 3
    assert row.later_until_ms == row.due_ms - (1 - row.yellow_from) * row.limit_s * 1000
    calls(city, 1, "noise")
    assert incidents(city)[-1].priority == 2
    assert incidents(city)[-1].later_until_ms is None


def test_what_somebody_moves_on_waits_no_more_and_keeps_its_group():
    city = flood()
    row = incidents(city)[-1]
    city.ask("file", row.id, "dispatcher")
    filed = city.state.incidents[row.id]
    assert (filed.group, filed.later_until_ms) == ("vending@gate", None)


def test_alerts_of_one_silent_network_are_one_group():
    city = flood()
    for network in range(6):
        for kind in ("noise", "pm10"):
            city.reading(30, f"{kind}-{network}", kind, f"/west/{network}")
    city.at(400)
    held = list(city.state.alerts.values())
    assert len(held) == 6
    assert {row.group for row in held} == {"silence@/west"}
    assert all(row.later_until_ms == row.raised_at_ms + 300_000 for row in held)


def test_alerts_of_an_incident_are_no_items_of_their_own():
    city = City(TOWN)
    for number in range(12):
        city.reading(90, f"n{number}", lat=LAT, lon=LON + 0.0001)
    assert len(city.state.alerts) == 12
    assert len(city.state.incidents) == 1
    assert not city.state.floods


def test_a_state_from_a_journal_goes_on_alike():
    city = flood()
    fresh = CityState()
    for change in city.changes:
        apply(fresh, msgspec.convert(msgspec.to_builtins(change), type(change)) if not change.rows else change)
    assert fresh == city.state
    again = City(TOWN)
    again.desk = Desk(TOWN, fresh)
    again.desk.start(city.now_ms, city.now_ms)
    again.at((city.now_ms - T0) / 1000 + 610)
    assert not again.state.floods


def test_a_clock_that_begins_anew_ends_it():
    city = flood()
    city.ask("set_clock", role="administrator", offset_ms=T0 - 86_400_000, rate=1.0)
    assert not city.state.floods
    assert not city.state.arrived


def test_the_row_of_a_flood_and_of_its_item_change_together():
    city = flood()
    city.types()
    calls(city, 1)
    (change,) = [change for change in city.changes if change.type == "incident_reported"]
    assert set(change.rows) == {"incidents", "floods"}
    assert change.rows["floods"]["dispatcher"].grouped == 12


@pytest.mark.parametrize(
    ("kind", "filing", "roles"),
    [
        ("reported", "supervisor", {"call_taker", "supervisor"}),
        ("reported", "dispatcher", {"call_taker", "supervisor", "dispatcher"}),
        ("filed", "supervisor", {"dispatcher"}),
        ("filed", "dispatcher", set()),
        ("alert", "dispatcher", {"dispatcher", "supervisor"}),
    ],
)
def test_whose_decision_it_is(kind, filing, roles):
    assert set(roles_of(kind, filing)) == roles


def test_the_load_by_area_and_a_split_of_it():
    arrived = [Arrived(1000 * n, ("2",), area) for n, area in enumerate("aaaaabbbbcc")]
    areas = by_area(arrived, "2", 11_000)
    assert areas == [("a", 5), ("b", 4), ("c", 2)]
    assert split(areas) == (["b", "c"], 6)
    assert split([("a", 90), ("b", 3)]) == ([], 0)
    assert split([]) == ([], 0)


def test_of_two_seats_of_a_role_only_the_one_whose_area_it_is_is_in_flood():
    seats = (
        Seat("n", "dispatcher", "新城席", "New Town", areas=("new",)),
        Seat("o", "dispatcher", "老城席", "Old Town", areas=("old",)),
    )
    city = flood(a_pack(places=PLACES, filing="dispatcher", rules=QUIET, seats=seats))
    assert set(city.state.floods) == {"o", "supervisor"}


def test_what_is_yet_to_come_after_the_clock_was_set_back_makes_no_flood():
    later = [Arrived(T0 + 3_600_000 + n, ("1",), "") for n in range(15)]
    assert not begins(later, "1", T0)
    assert not begins(later[:5] + [Arrived(T0 - n, ("1",), "") for n in range(9)], "1", T0)
    assert begins([Arrived(T0 - n, ("1",), "") for n in range(10)], "1", T0)
