"""Who is called when something stands still, when that ends, and that neither a restart nor a hand loses it."""

from __future__ import annotations

import shutil

import pytest
from msgspec.structs import replace

from dashboard.city.desk import Desk
from dashboard.city.pack import Escalation, Stage, registry_of
from dashboard.live import packs
from dashboard.settings import REPOSITORY
from tests.cities import LAT, LON, NOISE, T0, City, a_pack

SUPERVISOR = "supervisor"


def an_escalation(when: str, key: str = "late", **more) -> Escalation:
    return Escalation(key, "超时", "late", when, **more)  # type: ignore[arg-type]


def a_city(*escalations: Escalation, **more) -> City:
    return City(a_pack(escalations=escalations, **more))


def stands(city: City, id_: str) -> tuple[str | None, str | None, int]:
    incident = city.state.incidents[id_]
    return incident.escalated_by, incident.escalated_to, incident.priority


# ---- by a person ----------------------------------------------------------------------------------------------------


def test_a_person_calls_the_supervisor_with_a_reason_and_somebody_ends_it():
    city = City()
    id_ = city.filed()
    assert city.refusal("escalate", id_)[0] == "reason_missing"
    (change,) = city.at(5).ask("escalate", id_, name="李伟", reason="needs_decision")
    assert (change.type, change.args["to"], change.args["reason"]) == (
        "incident_escalated",
        SUPERVISOR,
        "needs_decision",
    )
    assert stands(city, id_) == ("dispatcher/1/李伟", SUPERVISOR, 3)
    code, args = city.refusal("escalate", id_, name="王芳", reason="no_team")
    assert (code, args["by"], args["at_ms"]) == ("already_escalated", "dispatcher/1/李伟", T0 + 5000)
    assert city.refusal("deescalate", id_, SUPERVISOR)[0] == "reason_missing"
    (change,) = city.ask("deescalate", id_, SUPERVISOR, reason="seen_to")
    assert change.type == "incident_deescalated"
    assert stands(city, id_) == (None, None, 3)
    assert city.refusal("deescalate", id_, SUPERVISOR, reason="seen_to")[0] == "not_escalated"
    told = [entry.type for entry in city.state.timelines[id_]]
    assert told[-2:] == ["incident_escalated", "incident_deescalated"]


def test_the_priority_goes_up_by_one_with_its_limit_and_comes_back_with_it():
    city = City()
    id_ = city.filed(category="noise")
    before = city.state.incidents[id_]
    city.at(30).ask("escalate", id_, kind="raise", reason="spreading")
    raised = city.state.incidents[id_]
    assert (raised.priority, raised.escalated_from, raised.escalated_to) == (1, 2, None)
    assert raised.due_ms == T0 + 30_000 + 120_000
    city.at(40).ask("deescalate", id_, reason="seen_to")
    after = city.state.incidents[id_]
    assert (after.priority, after.due_ms, after.limit_s) == (2, before.due_ms, before.limit_s)
    city.ask("escalate", id_, kind="raise", reason="spreading")
    assert city.refusal("escalate", id_, kind="shout", reason="x")[0] == "unknown_escalation"
    flooding = city.filed(category="flooding")
    assert city.refusal("escalate", flooding, kind="raise", reason="spreading")[0] == "most_urgent_already"


def test_what_joins_meanwhile_makes_it_urgent_for_good():
    city = City(a_pack(rules=(replace(NOISE, priority=1),)))
    noise = city.filed(category="noise")
    city.ask("escalate", noise, kind="raise", reason="spreading")
    city.at(10).reading(90)
    assert city.alert().incident == noise
    assert stands(city, noise)[2] == 1
    city.ask("deescalate", noise, reason="seen_to")
    assert stands(city, noise) == (None, None, 1)


@pytest.mark.parametrize("role", ["viewer", "leader", "administrator", "evaluator"])
def test_others_do_not_escalate(role):
    city = City()
    assert city.refusal("escalate", city.filed(), role, reason="x")[0] == "not_your_role"


def test_what_is_over_is_not_escalated_and_an_end_ends_it():
    city = City()
    id_ = city.filed()
    city.ask("escalate", id_, reason="no_team")
    changes = city.ask("void", id_, SUPERVISOR, reason="false")
    assert [change.type for change in changes] == ["incident_voided", "incident_deescalated"]
    assert stands(city, id_) == (None, None, 3)
    assert city.refusal("escalate", id_, reason="no_team")[0] == "not_now"


# ---- by timers ------------------------------------------------------------------------------------------------------


def test_priority_one_that_nobody_acknowledges_is_called_after_a_minute_until_somebody_does():
    city = a_city(an_escalation("unacknowledged", priority=1, after_s=60))
    city.complain("a", "flooding")
    city.complain("b", "noise", lon=LON + 0.01)
    urgent, other = sorted(city.state.incidents.values(), key=lambda row: row.priority)
    assert stands(city.at(59), urgent.id)[0] is None
    assert stands(city.at(60), urgent.id) == ("rule:late", SUPERVISOR, 1)
    assert stands(city.at(300), other.id)[0] is None
    changes = city.ask("acknowledge_incident", urgent.id)
    assert [change.type for change in changes] == ["incident_acknowledged", "incident_deescalated"]
    assert changes[-1].by == "rule:late"
    assert stands(city, urgent.id)[0] is None


def test_what_became_urgent_has_its_minute_from_then():
    city = a_city(an_escalation("unacknowledged", priority=1, after_s=60), rules=(replace(NOISE, priority=1),))
    city.complain("a", "noise")
    (id_,) = city.state.incidents
    city.at(200).reading(90)
    assert stands(city.at(259), id_)[0] is None
    assert stands(city.at(260), id_)[0] == "rule:late"


def test_beyond_the_limit_to_dispatch_it_is_called_and_the_priority_raised_until_a_team_is_sent():
    city = a_city(
        an_escalation("overdue", states=("pending_dispatch",), raises=True), stages=Stage(dispatch_s=600, hold_s=4)
    )
    id_ = city.filed()
    assert stands(city.at(599), id_)[0] is None
    assert stands(city.at(600), id_) == ("rule:late", SUPERVISOR, 2)
    held = city.ask("dispatch_team", id_, team="t1", version=city.state.incidents[id_].version)
    assert [change.type for change in held] == ["assignment_held"]  # nobody is on the way yet
    assert stands(city.at(602), id_)[0] == "rule:late"
    city.types()
    assert stands(city.at(604), id_) == (None, None, 3)
    assert city.types() == ["assignment_sent", "incident_deescalated"]


def test_an_order_that_is_not_accepted_is_called_and_calm_when_it_is():
    city = a_city(an_escalation("unaccepted", after_s=300))
    id_ = city.filed()
    order = city.sent(id_)
    city.at(100).step(order, "seen")
    assert stands(city.at(299), id_)[0] is None
    assert stands(city.at(300), id_)[:2] == ("rule:late", SUPERVISOR)
    city.step(order, "accepted")
    assert stands(city, id_)[0] is None


def test_an_order_that_waits_behind_another_is_not_asked_to_be_accepted():
    city = a_city(an_escalation("unaccepted", after_s=60))
    first, second = city.filed(), city.filed()
    order = city.sent(first)
    city.step(order, "accepted")
    city.sent(second)
    assert stands(city.at(600), second)[0] is None
    city.step(order, "finished")
    assert stands(city.at(601), second)[0] == "rule:late"


def test_handling_beyond_its_limit_is_called_till_it_is_finished():
    city = a_city(an_escalation("overdue", states=("pending_handle", "handling")))
    id_ = city.filed(category="noise")  # two urgent hours
    order = city.sent(id_)
    city.step(order, "accepted")
    assert stands(city.at(7199), id_)[0] is None
    assert stands(city.at(7200), id_)[0] == "rule:late"
    city.step(order, "finished")
    assert stands(city, id_)[0] is None


def test_the_timer_that_a_person_ended_stays_silent_and_the_next_stage_speaks_again():
    city = a_city(an_escalation("overdue"), stages=Stage(intake_s=60, dispatch_s=60))
    city.complain("a")
    (id_,) = city.state.incidents
    assert stands(city.at(60), id_)[0] == "rule:late"
    city.ask("deescalate", id_, SUPERVISOR, reason="seen_to")
    assert stands(city.at(500), id_)[0] is None
    city.ask("file", id_, SUPERVISOR)
    assert stands(city.at(559), id_)[0] is None
    assert stands(city.at(560), id_)[0] == "rule:late"


def test_another_condition_that_holds_takes_over_when_the_first_ends():
    city = a_city(
        an_escalation("unacknowledged", "unseen", after_s=30), an_escalation("overdue"), stages=Stage(intake_s=60)
    )
    city.complain("a")
    (id_,) = city.state.incidents
    assert stands(city.at(100), id_)[0] == "rule:unseen"
    city.ask("acknowledge_incident", id_)
    assert stands(city.at(101), id_)[0] == "rule:late"


def test_a_person_who_escalates_takes_it_over_from_the_timer():
    city = a_city(an_escalation("unacknowledged", after_s=30, to="leader", raises=True))
    city.complain("a")
    (id_,) = city.state.incidents
    assert stands(city.at(30), id_) == ("rule:late", "leader", 2)
    city.ask("escalate", id_, name="李伟", reason="needs_decision")
    city.ask("acknowledge_incident", id_)
    assert stands(city, id_) == ("dispatcher/1/李伟", SUPERVISOR, 2)
    city.ask("deescalate", id_, reason="seen_to")
    assert stands(city, id_) == (None, None, 3)


def test_an_officer_is_not_refused_because_a_timer_marked_the_row_meanwhile():
    city = a_city(an_escalation("overdue", raises=True), stages=Stage(dispatch_s=60))
    id_ = city.filed()
    seen = city.state.incidents[id_].version
    city.at(60)
    assert stands(city, id_)[0] == "rule:late"
    assert city.state.incidents[id_].version == seen + 1
    (sent, _) = city.ask("dispatch_team", id_, team="t1", version=seen)
    assert sent.type == "assignment_sent"
    code, args = city.refusal("extend", id_, version=seen, reason="more_work")
    assert (code, args["what"]) == ("changed_meanwhile", "incident_deescalated")


@pytest.mark.parametrize("at_s", [0, 30, 59, 60, 100])
def test_timers_survive_a_restart_at_any_moment(at_s):
    pack = a_pack(escalations=(an_escalation("unacknowledged", after_s=60, raises=True),))
    city = City(pack)
    city.complain("a")
    (id_,) = city.state.incidents
    city.at(at_s)
    desk = Desk(pack, city.state)
    desk.start(city.now_ms, city.now_ms)
    fresh = City(pack)
    fresh.desk, fresh.now_ms = desk, city.now_ms
    fresh.at(120)
    incident = fresh.state.incidents[id_]
    assert (incident.escalated_by, incident.escalated_at_ms, incident.priority) == ("rule:late", T0 + 60_000, 2)
    assert [entry.type for entry in fresh.state.timelines[id_]].count("incident_escalated") == 1


def test_a_pack_without_the_timer_ends_what_it_called():
    city = a_city(an_escalation("unacknowledged", after_s=60))
    city.complain("a")
    (id_,) = city.state.incidents
    assert stands(city.at(60), id_)[0] == "rule:late"
    city.ask("change_registry", role="administrator", registry=registry_of(a_pack()))
    assert stands(city, id_)[0] is None


# ---- the pack -------------------------------------------------------------------------------------------------------


def test_beijing_calls_the_supervisor_for_what_stands_still():
    pack = packs.load(REPOSITORY / "packs" / "beijing")
    assert {row.when for row in pack.escalations} == {"unacknowledged", "overdue", "unaccepted"}
    assert all(row.to == SUPERVISOR and row.zh and row.en for row in pack.escalations)
    city = City(replace(pack, rules=()))
    city.complain("a", "road_collapse" if "road_collapse" in {c.key for c in pack.categories} else "flooding", lat=LAT)
    (incident,) = city.state.incidents.values()
    assert incident.priority == 1
    assert stands(city.at(60), incident.id)[:2] == ("rule:urgent_unacknowledged", SUPERVISOR)


def test_a_wrong_row_is_named(tmp_path):
    shutil.copytree(REPOSITORY / "packs" / "beijing", tmp_path / "p")
    head = tmp_path / "p" / "pack.toml"
    text = head.read_text(encoding="utf-8").replace('states = ["pending_dispatch"]', 'states = ["closed"]')
    head.write_text(text, encoding="utf-8")
    found = [str(problem) for problem in packs.problems(tmp_path / "p")]
    assert found == ["Escalation not_dispatched: an open incident is never in the state “closed”."]


def test_a_claim_keeps_nobody_from_calling_for_help():
    city = City()
    id_ = city.filed()
    city.ask("claim", id_, name="李伟")
    changes = city.ask("escalate", id_, "call_taker", name="孙", reason="spreading")
    assert [change.type for change in changes] == ["incident_escalated"]
