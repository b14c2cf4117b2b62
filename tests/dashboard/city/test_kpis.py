"""Figures: what they rest on, when they say nothing, and when they are not to be trusted."""

from __future__ import annotations

import pytest

from dashboard.city.kpis import FEW, KPIS, POINTS, History, figures
from dashboard.city.pack import Figure
from tests.cities import DAY, HOUR, LAT, LON, T0, City, a_pack


def shown(city: City, history: History | None = None):
    return figures(city.desk.ledger, history or History(), city.now_ms)


def test_an_empty_city_divides_by_nothing():
    rows = shown(City())
    assert list(rows) == [kpi.key for kpi in KPIS]
    for key in ("crowd", "arrival_median_min", "on_time_share", "response_p90_min", "noise_over"):
        assert rows[key]["value"] is None, key
    for key in ("open", "awaiting_dispatch", "calls_10min", "unacknowledged", "teams_busy", "teams_silent"):
        assert rows[key]["value"] == 0, key
    assert rows["teams_free"]["value"] == 2  # the third is off duty


def test_few_cases_rate_nothing_and_five_do():
    city = City()
    for minutes in (4, 10, 6, 8):
        assignment = city.sent(city.filed())
        city.at((city.now_ms - T0) / 1000 + minutes * 60)
        city.step(assignment, "on_scene")
        city.step(assignment, "finished")
    assert (shown(city)["arrival_median_min"]["value"], shown(city)["arrival_median_min"]["n"]) == (None, FEW - 1)
    city.step(city.sent(city.filed()), "on_scene")
    assert (shown(city)["arrival_median_min"]["value"], shown(city)["arrival_median_min"]["n"]) == (6, FEW)


def test_on_time_is_judged_by_the_limit_with_its_nights():
    # vending: 4 work hours; begun at 22:13 on Monday, due on Tuesday at 12:00
    city = City()
    sent = [city.sent(city.filed()) for _ in range(5)]
    city.at(13 * 3600)  # 11:13 of the next day
    for assignment in sent[:3]:
        city.step(assignment, "finished")
    assert shown(city)["on_time_share"]["n"] == 3
    city.at(14 * 3600)  # 12:13: the other two are late
    assert (shown(city)["on_time_share"]["value"], shown(city)["on_time_share"]["n"]) == (60, 5)


def test_calls_of_the_last_ten_minutes():
    city = City()
    for number, seconds in enumerate((0, 30, 500, 601, 661)):
        city.at(seconds)
        city.complain(str(number))
    assert shown(city)["calls_10min"]["value"] == 3
    city.at(86_400)
    assert shown(city)["calls_10min"]["value"] == 0


def test_the_oldest_that_waits_is_said():
    city = City()
    city.filed()
    city.at(300)
    city.filed()
    row = shown(city)["awaiting_dispatch"]
    assert (row["value"], row["args"]) == (2, {"oldest_min": 5})


def test_open_incidents_by_priority():
    city = City()
    city.complain("1", "flooding")
    city.complain("2", "vending")
    assert shown(city)["open"]["args"] == {"1": 1, "2": 0, "3": 1}


def test_a_fifth_of_silent_sensors_makes_a_figure_stale():
    city = City()
    for number in range(5):
        city.reading(60, f"n{number}")
    assert (shown(city)["noise_over"]["value"], shown(city)["noise_over"]["state"]) == (5, "calm")
    city.at(100)
    for number in range(4):
        city.reading(30, f"n{number}")
    city.at(130)
    row = shown(city)["noise_over"]
    assert (row["silent"], row["of"], row["state"]) == (1, 5, "stale")


def test_the_worst_crowd_is_that_of_a_counter_that_speaks():
    city = City()
    city.reading(4.5, "gate", "people")
    city.at(100)
    city.reading(2.04, "square", "people", lat=LAT, lon=LON)
    row = shown(city)["crowd"]
    assert (row["value"], row["args"]["sensor"]) == (4.5, "gate")
    city.at(130)
    row = shown(city)["crowd"]
    assert (row["value"], row["args"]["sensor"], row["state"]) == (2, "square", "stale")


@pytest.mark.parametrize(
    ("waiting", "state"), [(0, "calm"), (2, "calm"), (3, "near"), (4, "near")]
)  # fmt: skip
def test_a_target_and_what_is_near_it(waiting, state):
    city = City(a_pack(figures=(Figure("awaiting_dispatch", 2, 1),)))
    for _ in range(waiting):
        city.filed()
    assert shown(city)["awaiting_dispatch"]["state"] == state


@pytest.mark.parametrize(("density", "state"), [(2.9, "calm"), (3, "near"), (4, "near"), (4.03, "over"), (4.1, "over")])
def test_a_figure_that_can_be_critical_is_judged_as_measured_and_told_so_that_it_is_seen(density, state):
    city = City(a_pack(figures=(Figure("crowd", 4, 3),)))
    city.reading(density, "gate", "people")
    row = shown(city)["crowd"]
    assert (row["state"], row["value"]) == (state, density)


def test_teams_by_what_they_do():
    city = City()
    city.sent()
    rows = shown(city)
    assert (rows["teams_free"]["value"], rows["teams_busy"]["value"]) == (1, 1)


def test_history_keeps_an_hour_a_point_a_minute():
    history = History()
    for second in range(0, 2 * 3600, 30):
        history.sample("x", T0 + second * 1000, float(second))
    series = history.series("x")
    assert (len(series), series[-1]) == (POINTS, 7170)
    assert history.usual("x") == sorted([series[6], series[-7]])
    history.sample("x", T0 - HOUR, 1.0)  # the clock was set back
    assert history.series("x") == [1]
    history.sample("x", T0 + DAY, 2.0)
    assert history.series("x") == [2]
    assert history.usual("x") is None


def test_what_was_kept_goes_on_where_it_ended_with_a_gap_for_the_time_between():
    history = History()
    for minute in range(3):
        history.sample("x", T0 + minute * 60_000, float(minute))
    again = History(history.points())
    assert again.series("x") == [0, 1, 2]
    again.sample("x", T0 + 5 * 60_000, 9.0)
    assert again.series("x") == [0, 1, 2, None, None, 9]
    again.sample("x", T0 + 130 * 60_000, 4.0)  # two hours later nothing is left of that hour
    assert again.series("x") == [4]
