"""A second limit raises the priority of an alert and its incident, lowers both again, and makes no alert of its own."""

from __future__ import annotations

import shutil

import pytest
from msgspec.structs import replace

from dashboard.city import alerts
from dashboard.live import packs
from dashboard.settings import REPOSITORY
from tests.cities import DUST, NOISE, City, a_pack

HEAVY = replace(
    DUST,
    key="heavy",
    raises="dusty",
    priority=1,
    category="",
    raise_at=400,
    clear_at=350,
    on_delay_s=30,
    off_delay_s=120,
)
"""From 400 for half a minute it is an emergency; the first limit is 200 for a minute, over after 90 s below 160."""


def a_city(*rules) -> City:
    return City(a_pack(rules=rules or (DUST, HEAVY)))


def dust(city: City, at_s: float, value: float):
    return city.at(at_s).reading(value, "d1", "pm10")


def loud(city: City, at_s: float = 100) -> str:
    """Beyond both limits; the incident."""
    dust(city, at_s - 61, 300)
    dust(city, at_s - 31, 500)
    city.at(at_s)
    (id_,) = city.state.incidents
    return id_


def priorities(city: City) -> tuple[int, int]:
    (incident,) = city.state.incidents.values()
    return city.alert().priority, incident.priority


def test_it_goes_up_after_its_delay_and_down_after_two_quiet_minutes():
    city = a_city()
    dust(city, 0, 300)
    dust(city, 70, 500)
    assert priorities(city.at(99)) == (3, 3)
    city.types()
    assert priorities(city.at(100)) == (1, 1)
    assert city.types() == ["alert_escalated"]
    dust(city, 200, 340)
    assert priorities(city.at(319)) == (1, 1)
    city.types()
    assert priorities(city.at(320)) == (3, 3)
    assert city.types() == ["alert_deescalated"]
    dust(city, 330, 100)
    city.at(420)
    assert city.alert().state == alerts.RETURNED
    assert len(city.state.alerts) == 1


def test_a_value_that_comes_back_at_once_raises_nothing_and_one_that_flutters_lowers_nothing():
    city = a_city()
    dust(city, 0, 300)
    dust(city, 70, 500)
    dust(city, 90, 300)
    assert priorities(city.at(200)) == (3, 3)
    dust(city, 210, 500)
    city.at(240)
    dust(city, 250, 340)
    dust(city, 300, 450)
    assert priorities(city.at(500)) == (1, 1)


def test_one_that_jumps_past_both_limits_is_raised_when_the_second_says_so():
    city = a_city()
    dust(city, 0, 500)
    assert city.at(29).state.alerts == {}
    assert priorities(city.at(30)) == (1, 1)
    assert city.alert().rule == "dusty"


def test_an_acknowledged_alert_stays_acknowledged_and_its_incident_is_the_same():
    city = a_city()
    dust(city, 0, 300)
    city.at(60).ask("acknowledge", city.alert().id)
    dust(city, 70, 500)
    assert priorities(city.at(100)) == (1, 1)
    assert city.alert().state == alerts.ACKNOWLEDGED
    (id_,) = city.state.incidents
    assert [entry.type for entry in city.state.timelines[id_]][-1] == "alert_escalated"


def test_an_emergency_does_not_stay_on_a_dispatchers_shelf():
    city = a_city()
    dust(city, 0, 300)
    city.at(61).ask("shelve", city.alert().id, reason="known_work", until_ms=city.now_ms + 3_600_000)
    dust(city, 70, 500)
    city.types()
    city.at(100)
    assert city.types() == ["alert_unshelved", "alert_escalated"]
    assert (city.alert().state, city.alert().priority) == (alerts.ACTIVE, 1)


def test_what_else_is_as_urgent_keeps_the_incident_up():
    other = replace(NOISE, key="roar", priority=1, category="dust", periods=())
    city = a_city(DUST, HEAVY, other)
    id_ = loud(city)
    city.reading(90)
    dust(city, 110, 300)
    city.at(230)
    dusty = next(alert for alert in city.state.alerts.values() if alert.rule == "dusty")
    assert (dusty.priority, city.state.incidents[id_].priority) == (3, 1)


def test_a_category_that_is_urgent_by_itself_stays_so():
    city = a_city(replace(DUST, category="flooding"), HEAVY)
    loud(city)
    dust(city, 110, 300)
    assert priorities(city.at(230)) == (3, 1)


def test_out_of_service_it_raises_nothing_and_says_so_when_it_is_back():
    city = a_city()
    dust(city, 0, 100)
    city.ask("out_of_service", "d1", "supervisor", reason="faulty")
    dust(city, 10, 500)
    assert city.at(200).state.alerts == {}
    city.ask("in_service", "d1", "supervisor")
    assert priorities(city) == (1, 1)


@pytest.mark.parametrize("wrong", ["raises = 'camera'", "raises = 'nothing'", "raises = 'bin_full'"])
def test_a_second_limit_of_something_else_is_named(tmp_path, wrong):
    shutil.copytree(REPOSITORY / "packs" / "beijing", tmp_path / "p")
    file = tmp_path / "p" / "rules.toml"
    text = file.read_text(encoding="utf-8")
    assert 'raises = "site_dust"' in text
    file.write_text(text.replace('raises = "site_dust"', wrong), encoding="utf-8")
    (found,) = packs.problems(tmp_path / "p")
    assert (found.code, found.arguments["rule"]) == ("pack_rule_raises", "site_dust_heavy")
