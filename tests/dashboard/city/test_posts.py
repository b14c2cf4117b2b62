"""A post is manned while its team is there and heard; away with cause, vacated, absent and unknown are told apart."""

from __future__ import annotations

import msgspec
import pytest

from dashboard.city import kpis, posts
from dashboard.city.desk import Desk
from dashboard.city.pack import Campaign, Device, PackPost
from dashboard.city.posts import Post
from dashboard.city.rules import LocalTime
from dashboard.city.state import CityState, apply
from tests.cities import DAY, HOUR, LAT, LON, MINUTE, T0, City, a_pack, a_team

CAMPAIGN = Campaign("国庆高峰勤务", "National Day", "2026-09-21", "2026-09-22", vacated_after_min=10)
GATE = PackPost("gate", "城门岗", "Gate", LAT, LON, ("t1",), radius_m=100, hours=("22:00", "02:00"))
BRIDGE = PackPost("bridge", "桥头岗", "Bridge", LAT + 0.05, LON, ("t1", "t2"), radius_m=100, needed=2, leader="t2")
TEAMS = (a_team(1), a_team(2), a_team(3))


def a_city(*held: PackPost, at_ms: int = T0, **changes) -> City:
    return City(a_pack(posts=held or (GATE,), campaign=CAMPAIGN, teams=TEAMS, **changes), at_ms)


def stand(city: City, team: str = "t1", metres: float = 0, lat: float = LAT):
    """A team says where it is: so many metres north of the gate."""
    device = team.replace("t", "d")
    place = {"lat": lat + metres / 111_195, "lon": LON}
    return city.hear("city.patrol.position", f"/devices/{device}", device=device, team=team, **place)


def keep_standing(city: City, until_s: float, team: str = "t1", metres: float = 0) -> None:
    """It says so every minute, as devices do."""
    while (seconds := (city.now_ms - city.begun_ms) / 1000 + 60) <= until_s:
        city.at(seconds)
        stand(city, team, metres)
    city.at(until_s)


def state_of(city: City, post: str = "gate") -> str:
    return city.state.posts[post].state


def test_a_post_is_manned_from_the_moment_its_team_says_that_it_is_there():
    city = a_city().at(0)
    assert (state_of(city), city.state.posts["gate"].came) == ("awaited", False)
    city.at(60)
    (change,) = [change for change in stand(city, metres=99) if change.type == "post_changed"]
    row = change.rows["posts"]["gate"]
    assert (row.state, row.since_ms, row.present, row.came) == ("manned", city.now_ms, ("t1",), True)
    assert change.args == {"post": "gate", "state": "manned", "team": "t1"}
    assert stand(city.at(61), metres=129) == []  # a fix at the edge is no leaving
    assert stand(city.at(62), "t3") == []  # nobody planned it


def test_who_leaves_is_missed_after_ten_minutes_and_not_before():
    city = a_city()
    stand(city.at(1))
    stand(city.at(60), metres=131)
    left = city.state.posts["gate"]
    assert (left.state, left.present, left.short_since_ms) == ("manned", (), T0 + 60_000)
    keep_standing(city, 659, metres=300)
    assert state_of(city) == "manned"
    keep_standing(city, 660, metres=300)
    row = city.state.posts["gate"]
    assert (row.state, row.since_ms, row.short_since_ms) == ("vacated", T0 + 660_000, T0 + 60_000)
    stand(city, metres=50)
    assert (state_of(city), city.state.posts["gate"].short_since_ms) == ("manned", None)


def test_a_post_to_which_nobody_came_is_absent_and_no_vacated_one():
    city = a_city()
    keep_standing(city, 599, metres=5000)
    assert state_of(city) == "awaited"
    keep_standing(city, 601, metres=5000)
    assert state_of(city) == "absent"


def test_a_team_that_is_not_heard_leaves_a_post_unknown_and_not_vacated():
    city = a_city()
    stand(city.at(1))
    city.at(1200)
    assert city.state.teams["t1"].shown == "silent"
    assert (state_of(city), city.state.posts["gate"].present) == ("unknown", ("t1",))
    stand(city)
    assert state_of(city) == "manned"
    city.at(2400)
    stand(city, metres=900)  # it is heard, and is somewhere else: now it has its time to come
    assert state_of(city) == "awaited"


def test_a_team_on_an_order_or_on_its_break_is_off_post_with_cause():
    city = a_city()
    stand(city.at(1))
    order = city.sent()
    assert state_of(city) == "manned"  # it has not moved
    for step in ("delivered", "accepted", "en_route"):
        city.step(order, step)
    stand(city.at(30), metres=400)
    assert state_of(city) == "away"
    keep_standing(city, 1500, metres=900)
    assert state_of(city) == "away"
    city.step(order, "on_scene")
    city.step(order, "finished")
    assert (state_of(city), city.state.posts["gate"].short_since_ms) == ("away", city.now_ms)  # it has time to return
    keep_standing(city, 2101, metres=900)
    assert state_of(city) == "vacated"
    city.hear("city.patrol.status", device="d1", team="t1", state="break")
    assert state_of(city) == "away"
    city.hear("city.patrol.status", device="d1", team="t1", state="off_duty")
    city.at(2702)
    assert state_of(city) == "vacated"


def test_a_post_that_needs_two_is_not_held_by_one():
    city = a_city(BRIDGE)
    stand(city.at(1), "t1", lat=BRIDGE.lat)
    assert (state_of(city, "bridge"), city.state.posts["bridge"].present) == ("awaited", ("t1",))
    stand(city.at(2), "t2", lat=BRIDGE.lat)
    assert (state_of(city, "bridge"), city.state.posts["bridge"].present) == ("manned", ("t1", "t2"))
    assert city.state.posts["bridge"].leader == "t2"
    assert (city.state.posts["bridge"].campaign_en, city.state.posts["bridge"].days) == (
        "National Day",
        ("2026-09-21", "2026-09-22"),
    )


def test_outside_its_hours_and_its_days_nobody_is_expected():
    city = a_city(at_ms=T0 - HOUR)  # 21:13
    stand(city.at(1))
    assert (state_of(city), city.state.posts["gate"].present) == ("not_due", ())
    keep_standing(city, 2800)
    row = city.state.posts["gate"]
    assert (row.state, city.changes[-1].type) == ("awaited", "post_changed")
    assert row.since_ms == T0 - HOUR + 2800_000  # 22:00
    keep_standing(city, 2900)
    assert state_of(city) == "manned"
    local = LocalTime("Asia/Shanghai")
    midnight = T0 + 107 * MINUTE - 20_000  # 00:00 of the second day
    due = {at: posts.due(row, local, midnight + at * HOUR) for at in (-3, -2, 0, 1, 2, 22, 25, 26, 46, 48, 49)}
    assert due == {
        -3: False, -2: True, 0: True, 1: True, 2: False, 22: True, 25: True, 26: False, 46: False, 48: False, 49: False,
    }  # fmt: skip
    before = msgspec.structs.replace(row, hours=("00:00", "24:00"))
    assert [posts.due(before, local, midnight + at * HOUR) for at in (-25, -24, 23, 24)] == [False, True, True, False]


def test_a_start_in_between_changes_nothing_and_what_was_short_runs_on():
    lived = a_city()
    stand(lived.at(1))
    stand(lived.at(60), metres=300)
    born = CityState()
    for change in lived.changes:
        apply(born, change)
    assert born.posts == lived.state.posts
    again = City(lived.desk.pack)
    again.desk = Desk(lived.desk.pack, born)
    again.desk.ledger.telemetry = lived.desk.telemetry
    again.now_ms = lived.now_ms
    again.desk.start(lived.now_ms, lived.now_ms)
    for city in (lived, again):
        for second in range(120, 660, 60):
            stand(city.at(second), metres=300)
        city.at(660)
    assert again.state.posts == lived.state.posts
    assert state_of(again) == "vacated"


def test_a_clock_that_is_set_back_forgets_who_stood_there():
    city = a_city()
    stand(city.at(1))
    city.ask("set_clock", role="administrator", offset_ms=T0 - 2 * HOUR)
    row = city.state.posts["gate"]
    assert (row.state, row.present, row.came) == ("not_due", (), False)
    city.ask("set_clock", role="administrator", offset_ms=T0 + 30 * DAY)
    assert state_of(city) == "not_due"


def test_a_new_pack_keeps_how_its_posts_stand_and_takes_the_others_away():
    city = a_city(GATE, BRIDGE)
    stand(city.at(1))
    wider = msgspec.structs.replace(GATE, radius_m=200, teams=("t2",))
    pack = a_pack(posts=(wider,), campaign=CAMPAIGN, teams=TEAMS)
    registry = msgspec.to_builtins(pack)
    city.ask("change_registry", role="administrator", registry=registry)
    row = city.state.posts["gate"]
    assert set(city.state.posts) == {"gate"}
    assert (row.radius_m, row.present, row.state, row.short_since_ms) == (200, (), "manned", city.now_ms)
    city.ask("change_registry", role="administrator", registry=msgspec.to_builtins(a_pack(teams=TEAMS)))
    assert city.state.posts == {}


@pytest.mark.parametrize("offset_min", [0, 29, 61])
def test_a_post_is_looked_at_again_when_its_hours_turn_or_its_patience_ends(offset_min):
    local, now_ms = LocalTime("Asia/Shanghai"), T0 + offset_min * MINUTE
    row = Post(
        "gate", "", "", LAT, LON, 100, ("22:00", "23:30"), ("t1",), 1, 0, "t1", "", "", 1, ("2026-09-21", "2026-09-22")
    )
    at_ms = posts.looks_ms(row, local, CAMPAIGN, now_ms)
    assert now_ms < at_ms <= now_ms + HOUR
    assert not now_ms < T0 + 76 * MINUTE + 40_000 < at_ms  # 23:30 is not passed over
    short = msgspec.structs.replace(row, short_since_ms=now_ms - 1)
    assert posts.looks_ms(short, local, CAMPAIGN, now_ms) <= now_ms + 10 * MINUTE


def test_the_on_post_share_counts_who_can_be_seen_and_has_no_cause_to_be_elsewhere():
    places = [msgspec.structs.replace(GATE, id=f"p{n}", lat=LAT + n * 0.01, teams=(f"t{n}",)) for n in range(1, 9)]
    night = msgspec.structs.replace(GATE, id="p9", hours=("03:00", "05:00"))
    teams = tuple(a_team(n) for n in range(1, 9))
    devices = tuple(Device(f"d{n}", f"t{n}") for n in range(1, 9))
    pack = a_pack(posts=(*places, night), campaign=CAMPAIGN, teams=teams, devices=devices)
    city = City(pack)

    def counted():
        rows = kpis.figures(city.desk.ledger, kpis.History(), city.now_ms)
        return {name: rows["on_post_share"][name] for name in ("value", "n", "state", "silent", "of", "args")}

    city.at(1)
    for n in range(1, 8):
        stand(city, f"t{n}", lat=places[n - 1].lat)
    assert counted() == {
        "value": 100.0, "n": 7, "state": "calm", "silent": 0, "of": 0,
        "args": {"manned": 7, "awaited": 1, "not_due": 1},
    }  # fmt: skip
    city.hear("city.patrol.status", device="d7", team="t7", state="break")
    stand(city.at(30), "t7", metres=9000)
    stand(city.at(31), "t6", metres=9000)
    for seconds in range(60, 660, 60):
        city.at(seconds)
        for n in range(3, 7):
            stand(city, f"t{n}", lat=places[n - 1].lat if n < 6 else LAT + 0.3)
    city.at(661)
    assert counted() == {
        "value": 60.0, "n": 5, "state": "stale", "silent": 2, "of": 8,
        "args": {"manned": 3, "vacated": 1, "absent": 1, "unknown": 2, "away": 1, "not_due": 1},
    }  # fmt: skip
