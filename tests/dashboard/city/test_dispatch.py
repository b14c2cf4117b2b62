"""Which teams could go, in order, and why not."""

from __future__ import annotations

import pytest

from dashboard.city.dispatch import HANDLING_S, OLD_POSITION_S, blocked, rank_teams
from tests.cities import CATEGORIES, LAT, LON, T0, City, a_pack, a_team


def ranked(city: City, category: int = 2, now_s: float = 0):
    incident = city.state.incidents[city.filed()]
    return rank_teams(
        city.state, city.desk.telemetry.teams, incident, CATEGORIES[category], T0 + int(now_s * 1000)
    )  # fmt: skip


def test_no_teams_no_advice():
    assert ranked(City(a_pack(teams=()))) == []


def test_by_time_to_arrive_and_the_nearest_is_named():
    city = City(a_pack(teams=(a_team(3), a_team(1), a_team(2))))
    advice = ranked(city)
    assert [proposal.team for proposal in advice] == ["t1", "t2", "t3"]
    assert [proposal.rank for proposal in advice] == [1, 2, 3]
    assert advice[0].reasons[0] == "nearest"
    assert "nearest" not in advice[1].reasons
    assert advice[0].distance_m == pytest.approx(444, abs=2)
    assert advice[0].eta_s == pytest.approx(444 * 1.35 / 1.4, abs=3)


def test_a_car_that_is_farther_may_be_sooner():
    city = City(a_pack(teams=(a_team(1), a_team(3, kind="car"))))
    assert [proposal.team for proposal in ranked(city)] == ["t3", "t1"]


def test_what_a_team_has_in_hand_comes_first():
    city = City(a_pack(teams=(a_team(1), a_team(2))))
    city.sent(team="t1")
    advice = {proposal.team: proposal for proposal in ranked(city, now_s=1)}
    assert (advice["t1"].load, advice["t2"].load) == (1, 0)
    assert "busy" in advice["t1"].reasons
    assert "free" in advice["t2"].reasons
    assert advice["t1"].eta_s > HANDLING_S > advice["t2"].eta_s
    assert advice["t2"].rank == 1


def test_a_missing_skill_counts_as_five_minutes_and_is_said():
    city = City(a_pack(teams=(a_team(1), a_team(2, skills=("meter",), lat=LAT + 0.005))))
    advice = ranked(city, category=0)
    assert [proposal.team for proposal in advice] == ["t2", "t1"]
    assert "skilled" in advice[0].reasons
    assert "not_skilled" in advice[1].reasons
    assert not {"skilled", "not_skilled"} & set(ranked(City())[0].reasons)  # a class that asks for none


def test_the_age_of_a_position_is_said():
    city = City(a_pack(teams=(a_team(1), a_team(2))))
    city.hear("city.patrol.position", "/gw", device="d1", team="t1", lat=LAT, lon=LON)
    advice = {proposal.team: proposal for proposal in ranked(city, now_s=OLD_POSITION_S)}
    assert (advice["t1"].position_age_s, advice["t1"].distance_m) == (OLD_POSITION_S, 0)
    assert not {"position_old", "position_unknown"} & set(advice["t1"].reasons)
    assert (advice["t2"].position_age_s, "position_unknown" in advice["t2"].reasons) == (None, True)
    old = {proposal.team: proposal for proposal in ranked(city, now_s=OLD_POSITION_S + 1)}
    assert "position_old" in old["t1"].reasons


def test_a_silent_team_is_behind_those_that_are_heard_and_never_the_nearest():
    city = City(a_pack(teams=(a_team(1), a_team(2), a_team(3))))
    city.hear("city.patrol.position", "/gw", device="d1", team="t1", lat=LAT, lon=LON)
    city.at(130)
    assert city.state.teams["t1"].shown == "silent"
    advice = ranked(city, now_s=130)
    assert [proposal.team for proposal in advice] == ["t2", "t3", "t1"]
    assert advice[0].reasons[0] == "nearest"
    assert advice[2].reasons == ("free", "silent", "position_old", "own_area")
    assert advice[2].blocked is None  # somebody may have it by radio


def test_a_team_that_has_it_already_is_not_proposed_again():
    city = City(a_pack(teams=(a_team(1), a_team(2))))
    incident = city.filed()
    city.sent(incident, "t1")
    advice = rank_teams(city.state, {}, city.state.incidents[incident], CATEGORIES[2], T0)
    assert [(proposal.team, proposal.blocked) for proposal in advice] == [("t2", None), ("t1", "team_has_it")]


def test_own_area_is_said():
    advice = {proposal.team: proposal for proposal in ranked(City())}
    assert "own_area" in advice["t1"].reasons
    assert "own_area" not in advice["t2"].reasons


def test_who_may_not_go_is_last_with_the_reason():
    city = City(a_pack(teams=(a_team(1), a_team(2), a_team(3, shift=("08:00", "20:00")))))
    city.hear("city.patrol.status", "/gw", device="d1", team="t1", state="break")
    advice = ranked(city)
    assert [(proposal.team, proposal.blocked) for proposal in advice] == [
        ("t2", None), ("t1", "team_on_break"), ("t3", "team_off_duty"),
    ]  # fmt: skip
    assert advice[0].reasons[0] == "nearest"  # of those that may go
    assert blocked(city.state.teams["t2"]) is None


def test_ties_are_broken_by_id_and_the_list_may_be_cut():
    city = City(a_pack(teams=(a_team(2, lat=LAT), a_team(1, lat=LAT), a_team(3, lat=LAT))))
    incident = city.state.incidents[city.filed()]
    cut = rank_teams(city.state, {}, incident, CATEGORIES[2], T0, most=2)
    assert [proposal.team for proposal in cut] == ["t1", "t2"]
