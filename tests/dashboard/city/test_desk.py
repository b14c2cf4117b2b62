"""The front door: what is remembered, when the next tick is due, what a start does."""

from __future__ import annotations

import pytest

from dashboard.city.desk import NEVER_MS, Desk
from dashboard.city.events import BEHIND_MS
from dashboard.errors import BadPayload
from tests.cities import LAT, LON, PACK, T0, City, a_pack, an_event


def test_a_fresh_city_takes_its_pack_into_force():
    city = City()
    assert city.types() == ["engine_started", "registry_changed"]
    assert {team.id: (team.duty, team.shown) for team in city.state.teams.values()} == {
        "t1": ("on_duty", "free"), "t2": ("on_duty", "free"), "t3": ("off_duty", "off"),
    }  # fmt: skip
    assert city.state.registry["key"] == "small"


def test_tokens_of_devices_never_enter_the_journal():
    pack = a_pack(devices=(PACK.devices[0].__class__("d1", "t1", "abc123"),))
    city = City(pack)
    assert "abc123" not in str(city.changes)


@pytest.mark.parametrize(
    ("type_", "data"),
    [
        ("city.complaint.reported", {"complaint": "1", "verb": "consult", "text": "x", "channel": "web"}),
        ("city.patrol.finding", {"device": "d", "team": "t1", "category": "dust", "lat": LAT, "lon": LON}),
        ("city.patrol.status", {"device": "d", "team": "t1", "state": "break"}),
        ("city.sensor.detection", {"sensor": "c", "category": "dust", "confidence": 1, "lat": LAT, "lon": LON}),
    ],
)
def test_the_few_kinds_are_remembered_by_source_and_id(type_, data):
    city = City()
    event = an_event(type_, data, id_="e")
    assert city.desk.receive(event, T0, T0)
    assert city.desk.receive(event, T0 + 1, T0 + 1) == []
    other = an_event(type_, data, id_="e", source="/other")
    assert all(change.cause == "/other#e" for change in city.desk.receive(other, T0 + 2, T0 + 2))


def test_a_batch_names_its_source_as_any_other_event():
    city = City()
    readings = [{"sensor": "n", "kind": "noise", "value": 80, "unit": "u", "lat": LAT, "lon": LON}]
    changes = city.desk.receive(an_event("city.sensor.reading", {"readings": readings}, id_="b"), T0, T0)
    assert {change.cause for change in changes} == {"/test#b"}


@pytest.mark.parametrize(("late_ms", "code"), [(BEHIND_MS + 1, "time_too_old"), (-300_001, "time_ahead")])
def test_an_event_of_another_time_is_refused_and_changes_nothing(late_ms, code):
    city = City()
    data = {"sensor": "n", "kind": "noise", "value": 80, "unit": "u", "lat": LAT, "lon": LON}
    event = an_event("city.sensor.reading", data, at_ms=T0 - late_ms)
    with pytest.raises(BadPayload) as bad:
        city.desk.receive(event, T0, T0)
    assert (bad.value.code, city.desk.telemetry.sensors) == (code, {})


def test_the_next_tick_is_due_when_a_delay_ends_or_silence_is_looked_for():
    city = City()
    assert city.desk.due_ms() == T0 + 1_000
    assert city.desk.due_ms(silence=False) == NEVER_MS
    city.reading(250, "p1", "pm10", event_at=-59.5)
    assert city.desk.due_ms() == city.desk.due_ms(silence=False) == T0 + 500


def test_on_a_fast_clock_silence_is_looked_for_every_five_seconds():
    city = City()
    city.ask("set_clock", role="administrator", offset_ms=T0, rate=600.0)
    city.at(5)
    assert city.desk.due_ms() == T0 + 10_000


def test_a_tick_that_has_nothing_to_do_decides_nothing():
    city = City()
    city.reading(30)
    city.types()
    for _ in range(20):
        city.at((city.now_ms - T0) / 1000 + 5)
    assert city.types() == ["source_changed"]  # one sensor speaks through it


def test_a_command_that_changes_nothing_is_answered():
    city = City()
    city.reading(80)
    city.ask("acknowledge_incident", city.alert().incident)
    assert city.changes[-1].cause == "c2"


def test_a_desk_goes_on_from_a_state():
    city = City()
    city.reading(250, "p1", "pm10")
    again = Desk(PACK, city.state, city.desk.telemetry)
    again.start(T0 + 10_000, T0 + 10_000, handled_ms=T0)
    changes = again.tick(T0 + 60_000, T0 + 60_000)
    assert next(change.at_ms for change in changes if change.type == "alert_raised") == T0 + 60_000


def test_only_what_is_handled_once_is_remembered_readings_go_by_their_own_time():
    city = City()
    for second in range(0, 600, 130):  # over the limit and back, again and again: an alert each time
        city.at(second).reading(80)
        city.at(second + 5).reading(40)
    assert "alert_raised" in city.types()
    assert not any(city.state.seen.values())
    city.complain("1")
    city.ask("acknowledge_incident", next(iter(city.state.incidents)))
    assert sum(map(len, city.state.seen.values())) == 2
