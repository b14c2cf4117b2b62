"""Readings, detections and silence become signals and alerts — and what must not."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from dashboard.city import sensing
from dashboard.city.ledger import Ledger
from dashboard.city.telemetry import FLAG_ACKNOWLEDGED, FLAG_ACTIVE, FLAG_NORMAL, FLAG_RETURNED, FLAG_SILENT
from dashboard.errors import BadPayload
from tests.cities import LAT, LON, NOISE, PACK, SEEN, SILENCE, T0, City, a_pack


def phase(city: City, rule: str, subject: str) -> str | None:
    signal = city.state.signals.get(f"{rule}|{subject}")
    return None if signal is None else signal.phase


def test_a_value_beyond_the_limit_is_an_alert_at_once_where_there_is_no_delay():
    city = City()
    city.types()
    city.reading(88.2)
    assert city.types() == ["source_changed", "alert_raised", "incident_reported", "alert_linked"]
    alert = city.alert()
    assert (alert.rule, alert.subject, alert.state, alert.value, alert.limit) == ("loud", "n1", "active", 88.2, 55)
    assert (alert.raised_at_ms, alert.version) == (T0, 2)
    incident = city.state.incidents[alert.incident]
    assert (incident.state, incident.category, incident.origin) == ("reported", "noise", "sensor")
    assert city.desk.telemetry.sensors["n1"].flag == FLAG_ACTIVE


#   value  ████      ███████████████        raise at 200 for 60 s
#   wait   [---x     [----------R            clear at 160 for 90 s
def test_an_on_delay_must_hold_whole_and_the_alert_is_of_the_moment_it_ended():
    city = City()
    city.reading(250, "p1", "pm10")
    city.at(50).reading(190, "p1", "pm10")
    assert phase(city, "dusty", "p1") is None
    city.at(60).reading(250, "p1", "pm10")
    city.at(119)
    assert phase(city, "dusty", "p1") == "waiting"
    city.at(125)
    assert phase(city, "dusty", "p1") == "raised"
    assert city.alert().raised_at_ms == T0 + 120_000


def test_a_value_that_comes_before_the_tick_ends_the_delay_first():
    city = City()
    city.reading(250, "p1", "pm10")
    city.now_ms = T0 + 60_500  # without a tick
    city.reading(100, "p1", "pm10")
    assert city.alert().raised_at_ms == T0 + 60_000
    assert phase(city, "dusty", "p1") == "clearing"


def test_hysteresis_and_off_delay_keep_an_alert_that_flickers():
    city = City()
    city.reading(80)
    city.at(10).reading(54)  # under the limit that raises, over the one that clears
    assert phase(city, "loud", "n1") == "raised"
    city.at(20).reading(50)
    city.at(100).reading(53)
    assert phase(city, "loud", "n1") == "raised"
    city.at(110).reading(50)
    city.at(229)
    assert city.alert().state == "active"
    city.at(230)
    assert (city.alert().state, city.alert().cleared_at_ms) == ("returned", T0 + 230_000)


def test_low_is_bad_where_the_rule_says_so():
    city = City()
    city.reading(2, "l1", "level")
    city.at(10)
    assert city.alert().rule == "dry"
    city.at(20).reading(3, "l1", "level")
    assert city.alert().state == "returned"  # no off-delay


def test_equal_or_older_than_the_newest_changes_nothing():
    city = City()
    city.at(100).reading(30, event_at=50)
    for late in (50, 49.9, 0):
        assert city.reading(99, event_at=late) == []
    assert city.desk.telemetry.sensors["n1"].value == 30
    assert next(change.type for change in city.reading(99, event_at=50.1)) == "alert_raised"


def test_a_late_reading_is_stored_counted_and_raises_nothing():
    city = City()
    city.at(1000)
    city.reading(250, "p1", "pm10", event_at=600)  # the rule looks back 300 s
    sensor = city.desk.telemetry.sensors["p1"]
    assert (sensor.value, city.state.signals, city.desk.telemetry.sources["/net"].late) == (250, {}, 1)
    city.reading(250, "p2", "pm10", event_at=700)
    assert phase(city, "dusty", "p2") == "waiting"


def test_a_reading_from_before_six_in_the_morning_is_judged_by_the_night():
    six = T0 - 22 * 3_600_000 - 13 * 60_000 - 20_000 + 30 * 3_600_000  # 06:00 of the next morning
    city = City(at_ms=six - 60_000)
    city.reading(40)
    city.at(90).reading(60, event_at=58)  # 05:59:58
    assert city.alert().limit == 55
    other = City(at_ms=six - 60_000)
    other.reading(40)
    other.at(90).reading(60, event_at=61)
    assert other.state.alerts == {}


def test_a_clock_that_is_ahead_meets_the_limits_of_the_night_to_come():
    ten = T0 - 13 * 60_000 - 20_000  # 22:00
    city = City(at_ms=ten - 120_000)
    city.reading(40)
    city.reading(60, event_at=180)  # a sensor whose clock is three minutes ahead
    assert city.alert().limit == 55


def test_a_value_of_another_kind_under_the_same_name_is_no_measure_of_this_one():
    city = City()
    city.reading(40)
    city.at(1).reading(500, "n1", "pm10")
    assert city.state.signals == {}
    assert city.desk.telemetry.sources["/net"].rejected == 1


def test_an_unseen_alert_that_comes_back_is_raised_again_not_doubled():
    city = City()
    city.reading(80)
    first = city.alert()
    city.at(10).reading(40)
    city.at(131).reading(80)
    again = city.alert()
    assert (again.id, again.state, again.raised_at_ms, again.cleared_at_ms) == (first.id, "active", T0 + 131_000, None)
    assert again.version > first.version
    assert city.state.incidents[again.incident].merged == 1


def test_a_seen_alert_that_ended_leaves_and_the_next_one_is_new():
    city = City()
    city.reading(80)
    first = city.alert()
    city.ask("acknowledge", first.id)
    city.at(10).reading(40)
    city.at(131)
    assert city.state.alerts == {}
    city.reading(80)
    assert city.alert().id != first.id


def test_what_is_shown_of_a_sensor_is_its_worst_alert():
    city = City(a_pack(rules=(NOISE, replace(NOISE, key="louder", raise_at=90, clear_at=85, periods=()))))
    city.reading(95)
    flags = {a.rule: a for a in city.state.alerts.values()}
    assert set(flags) == {"loud", "louder"}
    shown = city.desk.telemetry.sensors["n1"]
    city.ask("acknowledge", flags["louder"].id)
    assert shown.flag == FLAG_ACTIVE
    city.ask("acknowledge", flags["loud"].id)
    assert shown.flag == FLAG_ACKNOWLEDGED
    city.at(10).reading(80)
    city.at(200)  # the higher one is over
    assert (shown.flag, len(city.state.alerts)) == (FLAG_ACKNOWLEDGED, 1)
    city.reading(40)
    city.at(400)
    assert (shown.flag, city.state.alerts) == (FLAG_NORMAL, {})


# ---- detections -----------------------------------------------------------------------------------------------------


def detect(city: City, confidence: float = 0.9, category: str = "vending", **more):
    return city.hear(
        "city.sensor.detection", "/cam", sensor="c1", category=category, confidence=confidence, lat=LAT, lon=LON, **more
    )


def test_a_detection_lasts_until_it_was_not_seen_for_the_off_delay():
    city = City()
    detect(city)
    assert (city.alert().kind, city.alert().subject) == ("detection", "c1")
    city.at(50)
    detect(city)
    city.at(109)
    assert city.alert().state == "active"
    city.at(110)
    assert city.alert().cleared_at_ms == T0 + 110_000


def test_unsure_or_unknown_is_no_alert():
    city = City()
    detect(city, 0.59)
    assert city.state.alerts == {}
    with pytest.raises(BadPayload) as bad:
        detect(city, category="dragon")
    assert bad.value.code == "unknown_category"


def test_the_same_detection_again_is_nothing_new_even_after_it_ended():
    city = City()
    detect(city, id_="d", event_at=0)
    city.at(70)
    city.ask("acknowledge", city.alert().id)
    assert city.state.alerts == {}
    assert detect(city, id_="d", event_at=0) == []
    assert detect(city, id_="d2", event_at=-5) == []  # and one that is older than the newest
    assert city.state.alerts == {}


def test_one_camera_sees_two_classes_at_the_same_time():
    city = City()
    detect(city, event_at=0)
    detect(city, category="dust", event_at=0)
    assert len(city.state.alerts) == len(city.state.incidents) == 2


# ---- heartbeats and silence -----------------------------------------------------------------------------------------


def test_a_source_says_that_it_is_degraded_and_well_again():
    city = City()
    city.hear("city.source.heartbeat", "/net", state="degraded", note="slow")
    assert (city.state.sources["/net"].state, city.state.sources["/net"].note) == ("late", "slow")
    assert city.hear("city.source.heartbeat", "/net", state="degraded", note="slow") == []
    city.hear("city.source.heartbeat", "/net", state="up")
    assert city.state.sources["/net"].state == "live"


def test_a_source_that_is_not_heard_dies_and_lives_again():
    city = City()
    city.complain("1")
    city.hear("city.source.heartbeat", "/hotline", state="up")
    city.at(300)
    assert city.state.sources["/hotline"].state == "live"
    city.at(301)
    assert city.state.sources["/hotline"].state == "dead"
    city.complain("2")
    assert city.state.sources["/hotline"].state == "live"


def test_a_source_that_says_how_often_it_will_be_heard_is_missed_after_three_times_so_long():
    city = City()
    city.hear("city.source.heartbeat", "/net", state="up", every_s=1)
    city.hear("city.source.heartbeat", "/slow", state="up", every_s=20.5)
    city.at(3)
    assert city.state.sources["/net"].state == "live"  # three seconds are given to anybody
    city.at(4)
    assert city.state.sources["/net"].state == "dead"
    city.hear("city.source.heartbeat", "/net", state="up", every_s=1)
    assert city.state.sources["/net"].state == "live"
    city.at(62)
    assert city.state.sources["/slow"].state == "live"
    city.at(63)
    assert city.state.sources["/slow"].state == "dead"


def test_that_nobody_complains_is_no_fault():
    city = City()
    city.complain("1")
    city.at(100_000)
    assert city.state.sources["/hotline"].state == "live"


def test_that_a_device_says_nothing_is_a_fault_only_while_its_team_is_on_duty():
    city = City()
    for number in (1, 2):
        city.hear("city.patrol.status", f"device:d{number}", device=f"d{number}", team=f"t{number}", state="on_duty")
    city.hear("city.patrol.status", "device:d2", device="d2", team="t2", state="off_duty")
    city.at(100_000)
    assert (city.state.sources["device:d1"].state, city.state.sources["device:d2"].state) == ("dead", "live")
    city.hear("city.patrol.status", "device:d2", device="d2", team="t2", state="on_duty")
    city.at(100_305)
    assert city.state.sources["device:d2"].state == "dead"


def test_a_source_is_missed_by_an_engine_that_never_heard_it():
    city = City()
    city.complain("1")
    city.hear("city.source.heartbeat", "/hotline", state="up")
    city.desk.telemetry.sources.clear()  # an engine that started without a snapshot
    city.at(10)
    city._took(city.desk.start(city.now_ms, city.now_ms))
    city.at(310)
    assert city.state.sources["/hotline"].state == "live"
    city.at(315)
    assert city.state.sources["/hotline"].state == "dead"


def test_senders_that_invent_sources_are_counted_together(monkeypatch):
    monkeypatch.setattr(sensing, "MOST_SOURCES", 3)
    city = City()
    for number in range(10):
        city.hear("city.source.heartbeat", f"/invented/{number}", state="up")
    assert set(city.state.sources) == {"/invented/0", "/invented/1", "/invented/2", "other"}


def test_half_of_a_network_silent_is_one_alert_and_the_sensors_are_marked():
    city = City()
    for number in range(4):
        city.reading(30, f"n{number}")
    for now in (60, 115):
        city.at(now)
        for number in range(3):
            city.reading(30, f"n{number}")
    city.at(125)
    assert city.state.alerts == {}  # one of four
    assert city.desk.telemetry.sensors["n3"].flag == FLAG_SILENT
    assert city.state.sources["/net"].silent_sensors == 1
    city.at(170)
    for number in range(2):
        city.reading(30, f"n{number}")
    city.at(240)
    assert (city.alert().kind, city.alert().subject, city.alert().value) == ("silence", "/net", 2)
    city.reading(30, "n2")
    assert city.desk.telemetry.sensors["n2"].flag == FLAG_NORMAL
    city.at(245)
    assert city.alert().state == "returned"


def test_a_silent_sensor_with_an_alert_shows_the_alert():
    city = City(a_pack(rules=(NOISE, SILENCE)))
    city.reading(80)
    city.reading(30, "n2")
    city.at(200)
    assert city.desk.telemetry.sensors["n1"].flag == FLAG_ACTIVE
    assert city.desk.telemetry.sensors["n2"].flag == FLAG_SILENT


def test_a_silent_sensor_that_speaks_is_normal_again_though_the_limits_changed_meanwhile():
    ten = T0 - 13 * 60_000 - 20_000
    city = City(at_ms=ten - 600_000)
    city.reading(30)
    city.at(700)  # silent, and the night has begun
    city.reading(31)
    assert city.desk.telemetry.sensors["n1"].flag == FLAG_NORMAL


def test_a_camera_that_was_silent_and_sees_something_is_not_silent():
    city = City()
    detect(city, 0.1)
    city.at(200)
    assert city.desk.telemetry.sensors["c1"].flag == FLAG_SILENT
    detect(city, 0.2)
    assert city.desk.telemetry.sensors["c1"].flag == FLAG_NORMAL


def test_each_silence_rule_is_for_its_own_kind():
    cameras = replace(SILENCE, key="blind", sensor_kind="camera", after_s=30)
    city = City(a_pack(rules=(SEEN, SILENCE, cameras)))
    detect(city, 0.1)
    city.reading(30, source="/cam")
    city.at(40)
    assert (city.alert().rule, city.alert().value) == ("blind", 1)


def test_a_start_is_not_a_silence_and_does_not_end_one():
    city = City()
    city.reading(30)
    city.at(130)
    raised = city.alert()
    city._took(city.desk.start(city.now_ms, city.now_ms))
    city.at(200)
    assert city.alert() == raised
    assert city.state.sources["/net"].silent_sensors == 1
    city.reading(30)
    city.at(260)
    assert city.alert().state == "returned"


def test_a_start_does_not_end_a_silence_on_a_fast_clock_either():
    city = City()
    city.ask("set_clock", role="administrator", offset_ms=T0, rate=600.0)
    city.reading(30)
    city.at(3600)  # 5 s of real time are 3,000 s here: nobody is called silent sooner
    raised = city.alert()
    city._took(city.desk.start(city.now_ms, city.now_ms))
    city.at(3600 + 1800)  # the rule's own two minutes are long over, the 3,000 s are not
    assert city.alert() == raised
    assert city.state.sources["/net"].silent_sensors == 1
    city.at(3600 + 3600)
    assert city.alert() == raised


def test_a_team_is_silent_and_heard_again():
    city = City()
    city.hear("city.patrol.position", "/gw", device="d1", team="t1", lat=LAT, lon=LON)
    city.at(125)
    assert (city.state.teams["t1"].shown, city.state.teams["t1"].silent_since_ms) == ("silent", T0)
    city.hear("city.patrol.position", "/gw", device="d1", team="t1", lat=LAT, lon=LON)
    assert (city.state.teams["t1"].shown, city.state.teams["t1"].silent_since_ms) == ("free", None)


# ---- a city pack that changes ---------------------------------------------------------------------------------------


def test_a_rule_that_is_taken_out_of_the_pack_ends_with_its_alert():
    city = City()
    city.reading(80)
    city.reading(250, "p1", "pm10")
    pack = a_pack(rules=(SEEN,))
    city._took(city.desk.start(city.now_ms, city.now_ms, pack))
    assert (city.alert().state, city.state.signals) == ("returned", {})
    city.at(500)


def test_a_reading_of_a_kind_without_a_rule_is_only_a_value():
    city = City()
    assert [change.type for change in city.reading(1e12, "x", "ufo")] == ["source_changed"]
    assert city.reading(-1e12, "x", "ufo", event_at=1) == []


def test_every_flag_follows_from_the_state_after_a_start():
    city = City()
    city.reading(80)
    city.at(1).reading(40)
    city.at(130)
    again = Ledger(PACK, city.state, city.desk.telemetry)
    assert again.telemetry.sensors["n1"].flag == FLAG_RETURNED
