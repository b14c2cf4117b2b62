"""Suppressed by design: what another alert says already, or is expected now, asks nobody and comes back to its seat."""

from __future__ import annotations

import shutil

import pytest
from msgspec.structs import replace

from dashboard.city import alerts
from dashboard.city.alerts import Alert
from dashboard.city.desk import Desk
from dashboard.city.pack import Quiet, registry_of
from dashboard.city.telemetry import FLAG_ACTIVE, FLAG_SUPPRESSED
from dashboard.live import packs
from dashboard.settings import REPOSITORY
from tests.cities import DUST, HOUR, NOISE, SEEN, SILENCE, T0, City, a_pack

WARNING = replace(NOISE, key="warning", periods=(), suppressed_by=("danger",), off_delay_s=0)
DANGER = replace(NOISE, key="danger", periods=(), priority=1, raise_at=90, clear_at=85, off_delay_s=0)
EXPECTED = Quiet("fireworks", "焰火", "Fireworks", "22:30", "23:00")
"""From 1,000 s to 2,800 s after the beginning, which is 22:13:20."""


def a_city(*rules, at_ms: int = T0) -> City:
    return City(a_pack(rules=rules or (WARNING, DANGER)), at_ms)


def the(city: City, rule: str = "warning") -> Alert:
    return next(alert for alert in city.state.alerts.values() if alert.rule == rule)


def flag(city: City) -> int:
    return city.desk.telemetry.sensors["n1"].flag


def test_it_is_suppressed_while_the_other_stands_and_comes_back_to_its_seat():
    city = a_city()
    city.reading(75)
    warning = the(city)
    city.at(10).ask("acknowledge", warning.id)
    city.types()
    city.at(20).reading(95)
    assert city.types()[:2] == ["alert_raised", "incident_joined"]
    warning = the(city)
    assert (warning.state, warning.seat) == (alerts.SUPPRESSED, alerts.ACKNOWLEDGED)
    assert (warning.suppressed_by, warning.suppressed_at_ms) == ("rule:danger", T0 + 20_000)
    city.at(30).reading(80)
    assert (the(city).state, the(city).suppressed_by) == (alerts.ACKNOWLEDGED, None)
    assert the(city, "danger").state == alerts.RETURNED
    told = [entry.type for entry in city.state.timelines[warning.incident]]
    assert "alert_suppressed" in told
    assert told[-1] == "alert_unsuppressed"


def test_what_is_raised_under_it_asks_nothing_and_opens_its_incident_when_it_comes_back():
    city = a_city(replace(WARNING, on_delay_s=10, category="dust"), DANGER)
    city.reading(95)
    (danger,) = city.state.incidents.values()
    city.at(10)
    assert (the(city).state, the(city).seat, the(city).incident) == (alerts.SUPPRESSED, alerts.ACTIVE, None)
    assert list(city.state.incidents.values()) == [danger]
    city.at(20).reading(80)
    assert the(city).state == alerts.ACTIVE
    assert the(city).incident in city.state.incidents
    assert len(city.state.incidents) == 2


def test_it_is_followed_and_what_is_over_and_seen_does_not_come_back():
    city = a_city()
    city.reading(75)
    city.ask("acknowledge", the(city).id)
    city.at(5).reading(95)
    city.at(9).reading(50)  # both are over at the same moment
    assert [alert.rule for alert in city.state.alerts.values()] == ["danger"]


def test_what_nobody_had_seen_comes_back_to_be_seen():
    city = a_city(WARNING, replace(DANGER, off_delay_s=60))
    city.reading(75)
    city.at(5).reading(95)
    city.at(9).reading(50)
    assert (the(city).state, the(city).seat) == (alerts.SUPPRESSED, alerts.RETURNED)
    city.at(69)
    assert the(city).state == alerts.RETURNED


def test_the_sensor_shows_the_worst_and_the_grey_mark_only_where_nothing_else_is():
    city = a_city(replace(WARNING, suppressed_by=("danger",)), replace(DANGER, category="flooding", key="danger"))
    city.reading(75)
    city.at(1).reading(95)
    assert flag(city) == FLAG_ACTIVE
    quiet = a_city(replace(NOISE, periods=(), quiet=(EXPECTED,)))
    quiet.at(1500).reading(95)
    assert flag(quiet) == FLAG_SUPPRESSED


def test_a_cause_that_is_put_away_suppresses_nothing():
    city = a_city()
    city.reading(75)
    city.at(1).reading(95)
    assert the(city).state == alerts.SUPPRESSED
    city.ask("shelve", the(city, "danger").id, "supervisor", reason="known_work", until_ms=T0 + HOUR)
    assert the(city).state == alerts.ACTIVE
    city.at(10).ask("unshelve", the(city, "danger").id)
    assert the(city).state == alerts.SUPPRESSED


def test_a_network_that_is_silent_says_it_for_its_sensors():
    """The silence of one kind is suppressed while the whole source is silent."""
    whole = replace(SILENCE, key="network", share=0.9, priority=2)
    one = replace(SILENCE, key="quiet_dust", sensor_kind="pm10", share=0.5, suppressed_by=("network",))
    city = a_city(whole, one)
    city.reading(50, "n1", "noise", "/net")
    city.reading(50, "d1", "pm10", "/net")
    city.at(60).reading(51, "n1", "noise", "/net")
    assert [alert.rule for alert in city.at(130).state.alerts.values()] == ["quiet_dust"]
    city.at(200)
    assert the(city, "quiet_dust").suppressed_by == "rule:network"


def test_a_threshold_gives_way_to_the_silence_of_its_source():
    silence = replace(SILENCE, share=0.4)
    city = a_city(replace(NOISE, suppressed_by=("quiet",)), silence)
    city.reading(75, "n1", source="/net")
    for number in range(2, 4):
        city.reading(50, f"n{number}", source="/net")
    city.at(100).reading(76, "n1", source="/net")
    city.at(140)  # two of three are silent
    assert the(city, "loud").suppressed_by == "rule:quiet"


def test_a_priority_of_one_is_never_suppressed_unless_the_pack_says_so():
    first, second = replace(WARNING, priority=1), replace(DANGER)
    city = a_city(first, second)
    city.reading(95)
    assert {alert.state for alert in city.state.alerts.values()} == {alerts.ACTIVE}
    city = a_city(replace(first, suppress_urgent=True), second)
    city.reading(95)
    assert the(city).state == alerts.SUPPRESSED


def test_one_that_becomes_an_emergency_comes_back():
    heavy = replace(DUST, key="heavy", raises="dusty", priority=1, raise_at=400, clear_at=350, on_delay_s=10)
    city = a_city(replace(DUST, on_delay_s=0, quiet=(EXPECTED,)), heavy)
    city.at(1500).reading(300, "d1", "pm10")
    assert the(city, "dusty").state == alerts.SUPPRESSED
    city.at(1510).reading(500, "d1", "pm10")
    city.at(1520)
    assert (the(city, "dusty").state, the(city, "dusty").priority) == (alerts.ACTIVE, 1)


def test_at_an_expected_time_it_is_suppressed_from_the_minute_to_the_minute():
    city = a_city(replace(NOISE, periods=(), quiet=(EXPECTED,)))
    city.reading(75)
    assert the(city, "loud").state == alerts.ACTIVE
    assert the(city.at(999), "loud").state == alerts.ACTIVE
    assert the(city.at(1000), "loud").suppressed_by == "quiet:fireworks"
    assert the(city.at(2799), "loud").state == alerts.SUPPRESSED
    assert the(city.at(2800), "loud").state == alerts.ACTIVE
    assert [change.at_ms - T0 for change in city.changes if "suppressed" in change.type] == [1_000_000, 2_800_000]


@pytest.mark.parametrize(("dates", "held"), [(("2026-09-21",), True), (("2026-09-22",), False), ((), True)])
def test_a_time_over_midnight_belongs_to_the_day_on_which_it_begins(dates, held):
    over = Quiet("night", "夜", "night", "23:30", "01:00", dates)
    city = a_city(replace(NOISE, periods=(), quiet=(over,)))
    city.at(2 * 3600 + 30 * 60).reading(75)  # 00:43 on the 22nd
    assert (the(city, "loud").state == alerts.SUPPRESSED) == held


def test_a_detection_can_be_expected_too():
    city = a_city(replace(SEEN, quiet=(EXPECTED,)))
    city.at(1500).hear(
        "city.sensor.detection", "/cams", sensor="c1", category="vending", confidence=0.9, lat=39.9, lon=116.4
    )
    assert city.alert().state == alerts.SUPPRESSED
    assert city.state.incidents == {}


@pytest.mark.parametrize("at_s", [500, 1200, 3000])
def test_times_survive_a_restart(at_s):
    pack = a_pack(rules=(replace(NOISE, periods=(), quiet=(EXPECTED,)),))
    city = City(pack)
    city.reading(75)
    city.at(at_s)
    fresh = City(pack)
    fresh.desk, fresh.now_ms = Desk(pack, city.state), city.now_ms
    fresh.desk.start(city.now_ms, city.now_ms)
    fresh.at(999 if at_s < 999 else at_s)
    assert the(fresh.at(max(at_s, 2799)), "loud").state == (alerts.SUPPRESSED if at_s < 2800 else alerts.ACTIVE)
    assert the(fresh.at(3600), "loud").state == alerts.ACTIVE


def test_two_alerts_of_one_sensor_may_leave_in_one_change():
    city = a_city(replace(NOISE, periods=(), off_delay_s=0), DANGER)
    city.reading(95)
    for id_ in list(city.state.alerts):
        city.ask("acknowledge", id_)
    city.ask("out_of_service", "n1", "supervisor", reason="faulty")
    city.at(10).reading(50)
    city.ask("in_service", "n1", "supervisor")
    assert city.state.alerts == {}


def test_another_pack_suppresses_by_its_own_rules():
    city = a_city()
    city.reading(75)
    city.at(1).reading(95)
    bare = a_pack(rules=(replace(WARNING, suppressed_by=()), DANGER))
    city.ask("change_registry", role="administrator", registry=registry_of(bare))
    assert the(city).state == alerts.ACTIVE
    city.ask("change_registry", role="administrator", registry=registry_of(a_pack(rules=(WARNING, DANGER))))
    assert the(city).state == alerts.SUPPRESSED


def test_nobody_acknowledges_or_shelves_it_meanwhile():
    city = a_city()
    city.reading(75)
    city.at(5).reading(95)
    for verb in ("acknowledge", "shelve", "unshelve"):
        code, args = city.refusal(verb, the(city).id, "supervisor", reason="x")
        assert (code, args["state"], args["by"], args["at_ms"]) == ("not_now", "suppressed", "rule:danger", T0 + 5000)


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ('suppressed_by = ["nothing"]', "pack_rule_suppressed"),
        ('suppressed_by = ["site_noise"]', "pack_rule_suppressed"),
        ('quiet = [{ key = "q", zh = "q", en = "q", start = "25:00", end = "01:00" }]', "pack_rule_quiet"),
        (
            'quiet = [{ key = "q", zh = "q", en = "q", start = "22:00", end = "01:00", dates = ["1 Oct"] }]',
            "pack_rule_quiet",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path, wrong, code):
    shutil.copytree(REPOSITORY / "packs" / "beijing", tmp_path / "p")
    file = tmp_path / "p" / "rules.toml"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace('key = "site_noise"\n', f'key = "site_noise"\n{wrong}\n'), encoding="utf-8")
    (found,) = packs.problems(tmp_path / "p")
    assert (found.code, found.arguments["rule"]) == (code, "site_noise")


def test_an_urgent_rule_that_says_it_gives_way_is_named(tmp_path):
    shutil.copytree(REPOSITORY / "packs" / "beijing", tmp_path / "p")
    file = tmp_path / "p" / "rules.toml"
    text = file.read_text(encoding="utf-8").replace(
        'key = "crowd_danger"\n', 'key = "crowd_danger"\nsuppressed_by = ["site_noise"]\n'
    )
    file.write_text(text, encoding="utf-8")
    assert [problem.code for problem in packs.problems(tmp_path / "p")] == ["pack_rule_urgent"]
