"""The axis that sends teams, returns, extends, suspends and confirms."""

import pytest

from tests.cities import DAY, HOUR, MINUTE, T0, City, a_pack

DAY_S = DAY // 1000


@pytest.fixture
def city() -> City:
    city = City()
    for number in (1, 2, 3):
        city.hear("city.patrol.status", f"/devices/d{number}", device=f"d{number}", team=f"t{number}", state="on_duty")
    return city


def handled(city: City, category: str = "noise") -> tuple[str, str]:
    """An incident whose team has accepted, and its assignment; noise has two urgent hours."""
    incident = city.filed(category=category)
    assignment = city.sent(incident)
    city.step(assignment, "accepted")
    return incident, assignment


def test_what_is_returned_is_corrected_and_filed_by_supervision_alone():
    city = City(a_pack(filing="dispatcher"))
    incident = city.filed()
    city.ask("return", incident, reason="not_ours")
    row = city.state.incidents[incident]
    assert (row.state, row.filed_by, row.reason, row.limit_s) == ("returned", None, "not_ours", 900)
    assert city.refusal("file", incident)[0] == "not_your_role"  # a return never advances
    assert city.refusal("dispatch_team", incident, team="t1")[0] == "not_now"
    city.ask("file", incident, "supervisor")
    assert city.state.incidents[incident].state == "pending_dispatch"


def test_an_extension_adds_the_limit_at_most_twice(city):
    incident, _ = handled(city)
    assert city.refusal("extend", incident)[0] == "reason_missing"
    assert city.refusal("extend", incident, "supervisor", reason="x")[0] == "not_your_role"
    dues = []
    for _ in range(2):
        city.ask("extend", incident, reason="等配件")
        dues.append(city.state.incidents[incident].due_ms)
    assert dues == [T0 + 4 * HOUR, T0 + 6 * HOUR]
    assert city.refusal("extend", incident, reason="x") == ("no_more_extensions", {"most": 2})
    assert city.state.incidents[incident].stage_since_ms == T0


def test_what_is_over_its_limit_is_not_extended(city):
    incident, _ = handled(city)
    city.at(2 * 3600 + 1)
    assert city.refusal("extend", incident, reason="x") == ("overdue", {"since_ms": T0 + 2 * HOUR})


@pytest.mark.parametrize("until_s", [None, 0, 367 * DAY_S])
def test_a_suspension_names_a_day_within_a_year(city, until_s):
    incident, _ = handled(city)
    until_ms = None if until_s is None else T0 + until_s * 1000
    assert city.refusal("suspend", incident, reason="等产权单位", until_ms=until_ms)[0] == "until_missing"


def test_the_clock_of_a_suspended_incident_stands_still_until_its_day(city):
    incident, assignment = handled(city)
    city.at(1800)
    city.ask("suspend", incident, reason="等产权单位", until_ms=T0 + 10 * HOUR)
    row = city.state.incidents[incident]
    assert (row.state, row.due_ms, row.assignments) == ("suspended", T0 + 10 * HOUR, ())
    assert city.state.assignments[assignment].state == "recalled"
    city.at(10 * 3600 - 1)
    assert city.state.incidents[incident].state == "suspended"
    city.types()
    city.at(10 * 3600)
    assert "incident_resumed" in city.types()
    row = city.state.incidents[incident]
    assert (row.state, row.suspended_until_ms) == ("pending_dispatch", None)
    assert row.pauses == ((T0 + 30 * MINUTE, T0 + 10 * HOUR),)
    city.hear("city.patrol.status", "/devices/d1", device="d1", team="t1", state="on_duty")
    city.sent(incident)
    assert city.state.incidents[incident].due_ms == T0 + 2 * HOUR + 9 * HOUR + 30 * MINUTE


def test_a_dispatcher_ends_a_suspension_before_its_day(city):
    incident = city.filed()
    city.ask("suspend", incident, reason="雨天", until_ms=T0 + DAY)
    city.at(60)
    assert city.refusal("resume", incident, "supervisor")[0] == "not_your_role"
    city.ask("resume", incident)
    row = city.state.incidents[incident]
    assert (row.state, row.pauses) == ("pending_dispatch", ())  # nothing was dispatched: no handling clock stood still
    city.at(DAY_S + 60)
    assert city.state.incidents[incident].version == row.version  # the day that was named is no longer one


def test_where_a_dispatcher_looks_at_reports_they_wait_for_him():
    city = City(a_pack(feedback="dispatcher"))
    city.hear("city.patrol.status", "/devices/d1", device="d1", team="t1", state="on_duty")
    incident, assignment = handled(city)
    city.step(assignment, "finished")
    assert city.state.incidents[incident].state == "handle_finish"
    assert city.refusal("confirm", incident, "supervisor")[0] == "not_your_role"
    assert city.refusal("rework", incident, "supervisor", reason="x")[0] == "not_your_role"
    city.ask("rework", incident, reason="no_photo")
    again = city.sent(incident)
    city.step(again, "finished")
    city.ask("confirm", incident)
    row = city.state.incidents[incident]
    assert (row.state, row.reworks, row.handled_by) == ("pending_check", 1, ("t1",))


def test_elsewhere_a_rule_takes_them_over_at_once(city):
    incident, assignment = handled(city)
    city.types()
    city.step(assignment, "finished")
    assert [type_ for type_ in city.types() if type_ != "source_changed"] == [
        "assignment_stepped",
        "incident_confirmed",
    ]
    assert city.state.timelines[incident][-1].by == "rule:feedback"


def test_a_recall_holds_though_the_device_has_just_got_the_order(city):
    assignment = city.sent()
    seen = city.state.assignments[assignment].version
    city.step(assignment, "delivered")
    (change,) = city.ask("recall", assignment, version=seen, reason="错")
    assert change.type == "assignment_recalled"
    other = city.sent(team="t2")
    seen = city.state.assignments[other].version
    city.step(other, "accepted", "d2")
    assert city.refusal("recall", other, version=seen, reason="错")[0] == "changed_meanwhile"  # look again: it goes
