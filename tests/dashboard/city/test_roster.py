"""Shifts, rest and areas: what stands hard and what softly against sending a team, and what would help."""

from __future__ import annotations

import pytest

from dashboard.city.dispatch import rank_teams
from dashboard.city.pack import RosterRules
from dashboard.city.roster import Roster
from tests.cities import CATEGORIES, T0, City, a_pack, a_team

EVENING_S = 22 * 3600 + 13 * 60 + 20  # T0 in the city's zone


def a_city(shift=("00:00", "24:00"), **rules):
    teams = (a_team(1, shift=shift), a_team(2, area="new"), a_team(3))
    return City(a_pack(teams=teams, roster=RosterRules(**rules)))


@pytest.mark.parametrize(
    ("shift", "left_s"),
    [
        (("00:00", "24:00"), None),
        (("08:00", "08:00"), None),
        (("14:00", "22:30"), 22 * 3600 + 30 * 60 - EVENING_S),
        (("18:00", "06:00"), 24 * 3600 - EVENING_S + 6 * 3600),
        (("12:00", "24:00"), 24 * 3600 - EVENING_S),
        (("08:00", "20:00"), -(EVENING_S - 20 * 3600)),  # overtime
        (("23:00", "07:00"), 23 * 3600 - EVENING_S + 8 * 3600),  # early
    ],
)
def test_what_is_left_of_a_shift(shift, left_s):
    city = a_city(shift)
    assert city.desk.ledger.roster.left_s(city.state.teams["t1"], T0) == left_s


def off(city: City, team: str = "t1"):
    city.hear("city.patrol.status", device=f"d{team[1]}", team=team, state="off_duty")


def on(city: City, state: str = "on_duty"):
    city.hear("city.patrol.status", device="d1", team="t1", state=state)


def advice(city: City, incident: str):
    roster = Roster(city.desk.pack.roster, city.desk.pack.time_zone)
    row = city.state.incidents[incident]
    return {one.team: one for one in rank_teams(city.state, {}, row, CATEGORIES[2], city.now_ms, roster=roster)}


def test_off_duty_is_hard_and_says_when_the_shift_begins():
    city = a_city(("08:00", "20:00"))
    incident = city.filed()
    version = city.state.incidents[incident].version
    off(city)
    code, args = city.refusal("dispatch_team", incident, team="t1", version=version, reason="urgent")
    assert (code, args["begins_in_s"]) == ("team_off_duty", 24 * 3600 - EVENING_S + 8 * 3600)
    one = advice(city, incident)["t1"]
    assert (one.blocked, one.free_in_s) == ("team_off_duty", args["begins_in_s"])


def test_rest_is_soft_and_the_reason_is_kept():
    city = a_city()
    incident = city.filed()
    on(city, "break")
    version = city.state.incidents[incident].version
    assert city.refusal("dispatch_team", incident, team="t1", version=version)[0] == "team_on_break"
    assignment = city.sent(incident, reason="nearest")
    assert city.state.assignments[assignment].reason == "nearest"
    assert city.changes[-1].args["override"] == "team_on_break"


def test_a_shift_that_ends_before_it_could_be_done_needs_a_reason():
    city = a_city(("14:00", "22:30"), shift_ends_min=15)
    on(city)
    incident = city.filed()
    assert advice(city, incident)["t1"].blocked == "team_shift_ends"  # 17 min left, and work takes 20
    version = city.state.incidents[incident].version
    code, args = city.refusal("dispatch_team", incident, team="t1", version=version)
    assert (code, args["left_s"]) == ("team_shift_ends", 1000)
    assert city.state.assignments[city.sent(incident, reason="nearest")].team == "t1"


def test_an_emergency_asks_nobody_when_the_shift_ends():
    city = a_city(("14:00", "22:30"), shift_ends_min=15)
    on(city)
    assert city.sent(city.filed(category="flooding"))


def test_another_area_needs_a_reason_while_the_area_has_a_team_of_its_own():
    city = a_city(own_area=True)
    incident = city.filed()
    version = city.state.incidents[incident].version
    assert city.refusal("dispatch_team", incident, team="t2", version=version)[0] == "team_other_area"
    assert advice(city, incident)["t2"].blocked == "team_other_area"
    for team in ("t1", "t3"):
        off(city, team)
    assert city.sent(incident, "t2")


def test_a_city_without_such_rules_asks_nothing():
    city = a_city(("14:00", "22:30"))
    on(city)
    incident = city.filed()
    assert {one.blocked for one in advice(city, incident).values()} == {None}
    assert city.sent(incident)


def test_a_busy_team_is_said_to_be_free_in_about_so_long():
    city = a_city()
    other = city.filed()
    assignment = city.sent()
    assert advice(city, other)["t1"].free_in_s == 1200
    city.at(100).step(assignment, "on_scene")
    city.at(400)
    assert advice(city, other)["t1"].free_in_s == 900
    assert advice(city, other)["t2"].free_in_s is None


def test_who_comes_when_no_shift_of_his_runs_is_no_overtime():
    city = a_city(("08:00", "20:00"), shift_ends_min=15)
    off(city)
    on(city)  # at 22:13: nobody had planned it
    incident = city.filed()
    (change,) = city.ask("dispatch_team", incident, team="t1", version=city.state.incidents[incident].version)
    assert change.type == "assignment_sent"
