"""Formulas, each with a case worked by hand, and what is said of sources that are silent."""

from __future__ import annotations

import msgspec
import pytest

from dashboard.city import formulas
from dashboard.city.formulas import Basis, percentile
from dashboard.city.kpis import History, figures
from dashboard.city.pack import Device, Figure
from dashboard.city.places import moved
from dashboard.city.state import HOURS
from tests.cities import HOUR, LAT, LON, T0, City, a_pack, a_team

MINUTE_S = 60


def rows(city: City):
    return figures(city.desk.ledger, History(), city.now_ms)


def basis(city: City) -> Basis:
    return Basis.of(city.desk.ledger, city.now_ms)


@pytest.mark.parametrize(
    ("values", "median", "ninth"),
    [([1, 2, 3, 4], None, None), ([5, 1, 4, 2, 3], 3, 5), (list(range(1, 21)), 11, 19), ([7] * 5, 7, 7)],
)
def test_a_percentile_is_a_value_that_was_measured(values, median, ninth):
    assert (percentile(values, 0.5), percentile(values, 0.9)) == (median, ninth)


def test_response_counts_from_the_report_to_the_first_dispatch():
    city = City()
    filed = [city.filed() for _ in range(6)]
    for minutes, incident in enumerate(filed[:5], start=1):
        city.at(minutes * MINUTE_S)
        city.sent(incident)
    shown = rows(city)
    assert (shown["response_median_min"]["value"], shown["response_p90_min"]["value"]) == (3, 5)
    assert shown["response_median_min"]["n"] == 5  # the sixth was never dispatched
    city.at(5 * MINUTE_S + 7201)
    assert (rows(city)["response_median_min"]["value"], rows(city)["response_median_min"]["n"]) == (None, 0)


def test_open_by_age_and_overdue():
    city = City()
    city.filed()
    city.at(3600 + 60)
    city.filed()
    city.at(23 * 3600)
    city.filed()
    city.at(86_400 + 60)
    shown = rows(city)
    assert (shown["open_over_day"]["value"], shown["open_over_day"]["args"]) == (1, {"bands": [0, 1, 1, 1]})
    # all three wait for dispatch since they were filed, limit 15 min
    assert (shown["overdue"]["value"], shown["overdue"]["n"]) == (3, 3)
    assert shown["overdue"]["args"]["oldest_min"] == round(86_460 / 60 - 15)
    assert [late for _, late in formulas.overdue(basis(city)).rows] == [1426.0, 1365.0, 46.0]


def test_one_whose_clock_stands_still_is_open_and_not_overdue():
    city = City()
    incident = city.filed()
    row = msgspec.structs.replace(city.state.incidents[incident], state="suspended", due_ms=city.now_ms - 1)
    city.state.incidents[incident] = row
    assert (rows(city)["open"]["value"], rows(city)["overdue"]["value"]) == (1, 0)


def post(number: int, north_m: float, **more):
    """A team on foot, off duty, whose post lies so many metres north."""
    lat, lon = moved(LAT, LON, north_m, 0)
    return a_team(number, lat=lat, lon=lon, **{"shift": ("08:00", "20:00"), **more})


def test_coverage_is_the_share_of_posts_that_somebody_reaches_in_time():
    # on foot 1.4 m/s over a way 1.35 times as long: 622 m in 10 min; by car 5.6 m/s: 2,489 m
    day_and_night = {"shift": ("00:00", "24:00")}
    pack = a_pack(
        teams=(
            post(1, 0, **day_and_night), post(2, 4000, kind="car", **day_and_night), post(3, 610), post(4, 640),
            post(5, 1530),
        ),
        devices=tuple(Device(f"d{number}", f"t{number}") for number in range(1, 6)),
    )  # fmt: skip
    city = City(pack)
    row = rows(city)["coverage"]
    # the one on foot reaches its own post and the third; the car its own and the fifth, 2,470 m away; nobody the fourth
    assert (row["value"], row["n"], row["args"]) == (80, 5, {"reached": 4, "within_min": 10})
    city.sent(team="t2")  # 20 min for what it has in hand
    assert rows(city)["coverage"]["args"]["reached"] == 2
    city.hear("city.patrol.status", device="d1", team="t1", state="break")
    assert rows(city)["coverage"]["value"] == 0
    assert dict(formulas.coverage(basis(city)).rows)["t2"] == 20
    strict = msgspec.structs.replace(pack, figures=(Figure("arrival_median_min", 9, 5),))
    assert rows(City(strict))["coverage"]["args"] == {"reached": 2, "within_min": 9}
    assert rows(City())["coverage"]["value"] is None  # three posts are too few to rate


def with_hours(minute: int, held: dict[int, int]) -> City:
    """A city at a minute of an hour; `held`: hours before this one → complaints."""
    hour = T0 // HOUR + 1
    city = City(at_ms=hour * HOUR + minute * 60_000)
    city.state.hours.clear()
    city.state.hours.update({hour - before: n for before, n in held.items()})
    return city


def test_what_is_usual_of_an_hour_is_that_of_the_same_minutes_of_other_days():
    # 20 min past: a third of the hour that began, two thirds of the one before
    days = {day: (30 + day, 60) for day in range(1, 6)}
    held = {24 * day: begun for day, (begun, _) in days.items()} | {
        24 * day + 1: gone for day, (_, gone) in days.items()
    }
    city = with_hours(20, held)
    city.complain("1")
    row = rows(city)["calls_hour"]
    usual = [round((30 + day) / 3 + 60 * 2 / 3, 1) for day in (1, 5)]
    assert (row["value"], row["usual"], row["args"]) == (1, usual, {"days": 5, "usual": 51.0})


def test_of_a_few_days_nothing_is_usual_and_a_day_on_which_nothing_ran_does_not_count():
    held = {24 * day + part: 10 for day in range(1, 6) for part in (0, 1)}
    del held[24 * 3 + 1]
    row = rows(with_hours(0, held))["calls_hour"]
    assert (row["usual"], row["args"]) == (None, {"days": 4})


def test_hours_are_kept_for_four_weeks_and_one_in_which_nobody_called_is_nought():
    city = City()
    city.complain("1")
    city.at(3600)
    city.filed()
    first = T0 // HOUR
    assert (city.state.hours[first], city.state.hours[first + 1]) == (1, 1)
    city.at(3600 * 3)
    city.hear("city.patrol.status", device="d1", team="t1", state="break")
    assert city.state.hours[first + 3] == 0
    city.state.hours[first + 4 - HOURS] = 7
    city.state.hours[first + 5 - HOURS] = 8
    city.at(3600 * 4)
    city.complain("2")
    assert min(city.state.hours) == first + 5 - HOURS


def test_the_worst_area_is_the_one_that_is_least_on_time():
    city = City()
    there = {"lat": 40.2, "lon": 116.7}
    for number in range(5):
        here = city.sent(city.filed())
        new = city.sent(city.filed(**{**there, "lon": 116.7 + number * 0.002}), team="t2")
        city.step(here, "finished")
        if number < 2:
            city.step(new, "finished", device="d2")
    city.at(14 * 3600)
    shown = rows(city)
    assert (shown["on_time_share"]["value"], shown["on_time_share"]["n"]) == (70, 10)
    row = shown["worst_area"]
    assert (row["value"], row["n"]) == (40, 5)
    assert row["args"] == {"area": "new", "where_zh": "新城", "where_en": "New Town", "late": 3}


def test_areas_with_few_cases_are_not_rated():
    city = City()
    for _ in range(4):
        city.step(city.sent(city.filed()), "finished")
    assert rows(city)["worst_area"]["value"] is None


# ---- sources --------------------------------------------------------------------------------------------------------


def test_a_figure_is_as_old_as_its_oldest_source():
    city = City()
    city.reading(40, "n1")
    city.hear("city.source.heartbeat", "/hotline", state="up")
    city.hear("city.patrol.position", "/gw", device="d1", team="t1", lat=LAT, lon=LON)
    city.hear("city.patrol.position", "/gw", device="d2", team="t2", lat=LAT, lon=LON)
    city.at(50)
    city.reading(41, "n2")
    city.complain("1")
    city.hear("city.patrol.position", "/gw", device="d1", team="t1", lat=LAT, lon=LON)
    shown = rows(city)
    assert shown["noise_over"]["oldest_ms"] == T0
    assert shown["teams_free"]["oldest_ms"] == T0
    assert shown["on_time_share"]["oldest_ms"] == city.now_ms  # the record itself is of now
    assert shown["coverage"]["oldest_ms"] == T0


def test_a_silent_hotline_makes_what_rests_on_it_stale_and_old():
    city = City()
    city.complain("1")
    city.hear("city.source.heartbeat", "/hotline", state="up")
    assert rows(city)["calls_10min"]["state"] == "calm"
    city.at(310)
    shown = rows(city)
    for key in ("calls_10min", "calls_hour", "open", "awaiting_dispatch"):
        row = shown[key]
        assert (row["state"], row["silent"], row["of"], row["oldest_ms"]) == ("stale", 1, 1, T0), key
    assert shown["on_time_share"]["state"] == "calm"


def test_silent_teams_make_the_free_ones_stale_and_are_counted_themselves():
    city = City()
    for number in (1, 2):
        city.hear("city.patrol.position", "/gw", device=f"d{number}", team=f"t{number}", lat=LAT, lon=LON)
    city.at(100)
    city.hear("city.patrol.position", "/gw", device="d2", team="t2", lat=LAT, lon=LON)
    city.at(130)
    shown = rows(city)
    assert (shown["teams_free"]["state"], shown["teams_free"]["oldest_ms"]) == ("stale", T0)
    assert (shown["teams_silent"]["value"], shown["teams_silent"]["state"]) == (1, "calm")
    assert shown["coverage"]["state"] == "stale"


def test_danger_that_is_reported_is_red_however_many_are_silent():
    city = City(a_pack(figures=(Figure("crowd", 4, 3),)))
    city.reading(2, "gate", "people")
    city.at(100)
    city.reading(4.5, "square", "people")
    city.at(130)
    row = rows(city)["crowd"]
    assert (row["state"], row["silent"], row["of"]) == ("over", 1, 2)


def test_what_is_out_of_service_counts_nowhere():
    city = City()
    for number in range(5):
        city.reading(30, f"n{number}")
    city.at(100)
    for number in range(4):
        city.reading(30, f"n{number}")
    city.at(130)
    assert rows(city)["noise_over"]["state"] == "stale"
    city.ask("out_of_service", "n4", "supervisor", reason="broken")
    row = rows(city)["noise_over"]
    assert (row["state"], row["silent"], row["oldest_ms"]) == ("calm", 0, T0 + 100_000)
