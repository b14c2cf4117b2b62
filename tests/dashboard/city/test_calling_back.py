"""Whoever reported is called within an hour after handling; what he says is kept, and keeps nobody from closing."""

from __future__ import annotations

from typing import Any

import pytest

from dashboard.city.pack import Stage
from tests.cities import HOUR, T0, City, a_pack

REPORTER = {"ref": "p1", "masked": "138****0000"}


def handled(city: City, at_s: float = 0, **more: Any) -> str:
    """A reported problem that a team has finished with."""
    id_ = city.at(at_s).filed(**{"reporter": REPORTER, **more})
    order = city.sent(id_)
    city.step(order, "finished")
    return id_


def test_the_hour_runs_from_the_end_of_handling_where_somebody_is_known_to_be_told():
    city = City()
    id_ = handled(city, 30)
    assert city.state.incidents[id_].callback_due_ms == T0 + 30_000 + HOUR
    anonymous = handled(city, 40, reporter=None)
    assert city.state.incidents[anonymous].callback_due_ms is None
    assert city.refusal("call_back", anonymous, disposition="satisfied")[0] == "no_call_back"


def test_the_pack_says_how_long():
    city = City(a_pack(stages=Stage(callback_s=600)))
    assert city.state.incidents[handled(city)].callback_due_ms == T0 + 600_000


@pytest.mark.parametrize("role", ["call_taker", "dispatcher", "supervisor"])
@pytest.mark.parametrize("outcome", ["very_satisfied", "satisfied", "not_satisfied"])
def test_what_he_says_is_written_down_once(role, outcome):
    city = City()
    id_ = handled(city)
    (change,) = city.at(60).ask("call_back", id_, role, name="孙", disposition=outcome, reason="问题已解决")
    assert (change.type, change.args["outcome"], change.args["reason"]) == ("reporter_called", outcome, "问题已解决")
    row = city.state.incidents[id_]
    assert (row.callback_due_ms, row.satisfaction) == (None, outcome)
    assert (row.called_back_by, row.called_back_at_ms) == (f"{role}/1/孙", T0 + 60_000)
    code, args = city.at(70).refusal("call_back", id_, "supervisor", name="赵", disposition="satisfied")
    assert (code, args["by"], args["at_ms"]) == ("already_called_back", f"{role}/1/孙", T0 + 60_000)


def test_one_who_is_not_reached_is_called_again_within_his_hour():
    city = City()
    id_ = handled(city)
    due_ms = city.state.incidents[id_].callback_due_ms
    assert city.refusal("call_back", id_, disposition="not_reached")[0] == "reason_missing"
    city.ask("call_back", id_, disposition="not_reached", reason="no_answer")
    row = city.state.incidents[id_]
    assert (row.callback_due_ms, row.callback_tries, row.satisfaction) == (due_ms, 1, None)
    city.ask("call_back", id_, disposition="satisfied")
    assert city.state.incidents[id_].satisfaction == "satisfied"


def test_a_call_is_a_fact_and_no_change_meanwhile_is_held_against_it():
    city = City()
    id_ = handled(city)
    seen = city.state.incidents[id_].version
    city.ask("supervise", id_, "leader", reason="x")
    (change,) = city.ask("call_back", id_, disposition="satisfied", version=seen)
    assert change.type == "reporter_called"


def test_it_keeps_nobody_from_closing_and_may_follow_it():
    city = City()
    id_ = handled(city)
    city.ask("close", id_, "supervisor", name="赵")
    assert city.state.incidents[id_].state == "closed"
    assert city.state.incidents[id_].callback_due_ms is not None
    city.ask("call_back", id_, "call_taker", disposition="very_satisfied")
    assert city.state.incidents[id_].satisfaction == "very_satisfied"


def test_a_rework_begins_it_anew():
    city = City()
    id_ = handled(city)
    city.ask("call_back", id_, disposition="not_satisfied")
    city.at(100).ask("rework", id_, "supervisor", reason="not_solved")
    assert city.state.incidents[id_].callback_due_ms is None
    order = city.sent(id_)
    city.at(200).step(order, "finished")
    row = city.state.incidents[id_]
    assert (row.callback_due_ms, row.satisfaction) == (T0 + 200_000 + HOUR, None)


def test_others_do_not_call_and_an_unknown_outcome_is_refused():
    city = City()
    id_ = handled(city)
    assert city.refusal("call_back", id_, "leader", disposition="satisfied")[0] == "not_your_role"
    assert city.refusal("call_back", id_, disposition="angry")[0] == "unknown_outcome"
    assert city.refusal("call_back", id_)[0] == "unknown_outcome"
