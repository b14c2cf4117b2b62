"""What follows from a change by counting alone: causes for seven days, counts, minutes, what is forgotten when."""

from __future__ import annotations

import pytest

from dashboard.city.changes import Change
from dashboard.city.state import CityState, Clock, apply, passes
from tests.cities import DAY, HOUR, LAT, LON, MINUTE, T0, City


def a_change(seq: int = 1, at_ms: int = T0, received_ms: int | None = None, type_: str = "x", **more) -> Change:
    return Change(seq, at_ms, at_ms if received_ms is None else received_ms, type_, **more)


def test_a_cause_is_remembered_for_seven_days_and_no_longer():
    state = CityState()
    apply(state, a_change(cause="/web#1", once=True))
    assert state.handled("/web#1")
    assert not state.handled("/web#2")
    apply(state, a_change(2, T0 + 7 * DAY, cause="/web#2", once=True))
    assert state.handled("/web#1")
    apply(state, a_change(3, T0 + 7 * DAY + HOUR, cause="/web#3", once=True))
    assert not state.handled("/web#1")
    assert len(state.seen) == 2


def test_an_answer_is_kept_as_long_as_its_command():
    state = CityState()
    refused = {"code": "not_now", "args": {"a": 1}}
    apply(state, a_change(type_="command_refused", cause="c1", once=True, args=refused))
    assert (state.refused["c1"].code, state.refused["c1"].args) == ("not_now", {"a": 1})
    apply(state, a_change(2, T0 + 7 * DAY + 2 * HOUR, cause="c2", once=True))
    assert state.refused == {}


def test_changes_are_counted_by_type_origin_and_verb_also_by_the_minute():
    state = CityState()
    apply(state, a_change(type_="complaint_received", args={"origin": "placed", "verb": "report", "category": "x"}))
    apply(state, a_change(2, T0 + MINUTE, type_="complaint_received", args={"origin": "inbox", "category": "x"}))
    assert state.counts == {
        "complaint_received": 2, "complaint_received:placed": 1, "complaint_received:report": 1,
        "complaint_received:inbox": 1,
    }  # fmt: skip
    assert [bucket["complaint_received"] for bucket in state.minutes.values()] == [1, 1]
    apply(state, a_change(3, T0 + DAY + 2 * MINUTE))
    assert len(state.minutes) == 1


def test_rows_are_put_and_taken_by_their_table():
    city = City()
    city.complain("1")
    row = next(iter(city.state.incidents.values()))
    state = CityState()
    apply(state, a_change(rows={"incidents": {"i": row}}, incident="i", args={"a": 1}))
    assert (state.incidents, [entry.args for entry in state.timelines["i"]]) == ({"i": row}, [{"a": 1}])
    assert list(state.open_incidents()) == [row]
    apply(state, a_change(2, type_="incident_left", rows={"incidents": {"i": None, "gone": None}}, args={"left": "i"}))
    assert (state.incidents, state.timelines, state.seq) == ({}, {}, 2)


def test_recent_complaints_are_those_of_the_last_hour():
    city = City()
    city.complain("1")
    city.complain("2", lat=None, lon=None)
    city.at(3600)
    city.complain("3")
    assert [(seen.at_ms - T0, seen.lat, seen.lon) for seen in city.state.recent] == [
        (0, LAT, LON),
        (3_600_000, LAT, LON),
    ]
    city.at(3601)
    city.complain("4")
    assert len(city.state.recent) == 2


@pytest.mark.parametrize(
    ("clock", "real_ms", "city_ms"),
    [
        (Clock(), 5, 5),
        (Clock(T0, 1_000, 1.0), 3_000, T0 + 2_000),
        (Clock(T0, 1_000, 600.0), 2_000, T0 + 600_000),
        (Clock(T0, 1_000, 0.0), 9_000, T0),
        (Clock(T0, 1_000, 0.5), 1_001, T0),
    ],
)
def test_the_city_clock(clock, real_ms, city_ms):
    assert clock.city_ms(real_ms) == city_ms


@pytest.mark.parametrize(("step_ms", "does"), [(0, True), (600_000, True), (600_001, False), (-1, False)])
def test_a_clock_that_is_set_a_little_ahead_lets_time_pass(step_ms, does):
    assert passes(T0, T0 + step_ms) is does
