"""The axis that takes in, verifies, files, checks and closes."""

import pytest

from dashboard.city import incidents
from dashboard.city.commands import VERBS
from tests.cities import DAY, T0, City, a_pack


@pytest.fixture
def city() -> City:
    city = City()
    for number in (1, 2, 3):
        city.hear("city.patrol.status", f"/devices/d{number}", device=f"d{number}", team=f"t{number}", state="on_duty")
    return city


def reported(city: City) -> str:
    """A report by the web, not yet taken in."""
    city.complain(f"w{len(city.state.incidents)}", channel="web")
    return list(city.state.incidents)[-1]


def finished(city: City) -> str:
    """An incident that team t1 has handled."""
    incident = city.filed()
    city.step(city.sent(incident), "finished")
    return incident


def state(city: City, incident: str) -> str:
    return city.state.incidents[incident].state


def order(city: City, verb: str, incident: str, team: str, role: str = "supervisor") -> str:
    (change,) = city.ask(verb, incident, role, team=team)
    assert change.type == "assignment_sent", change
    return change.args["assignment"]


def test_the_roles_of_a_verb_are_those_of_its_steps():
    named = {"dispatch": "dispatch_team"}
    roles: dict[str, set[str]] = {}
    for steps in incidents.LIFECYCLE.values():
        for verb, step in steps.items():
            if step.roles:
                roles.setdefault(named.get(verb, verb), set()).update(step.roles)
    assert {verb: VERBS[verb][1] for verb in roles} == roles


# ---- before filing --------------------------------------------------------------------------------------------------


def test_a_report_that_is_none_of_ours_is_not_accepted_with_a_reason(city):
    incident = reported(city)
    assert city.refusal("decline", incident, "call_taker") == ("reason_missing", {"verb": "decline"})
    assert city.refusal("decline", incident, "dispatcher", reason="x")[0] == "not_your_role"
    city.ask("decline", incident, "call_taker", reason="not_ours")
    row = city.state.incidents[incident]
    assert (row.state, row.reason, row.closed_by) == ("not_accepted", "not_ours", "call_taker/1/call_taker-1")
    city.at(DAY / 1000 + 1)
    assert incident not in city.state.incidents


@pytest.mark.parametrize("found", ["exists", "not_exist", "unable"])
def test_what_a_verification_found_goes_back_to_who_files(city, found):
    incident = reported(city)
    assignment = order(city, "verify", incident, "t1", "call_taker")
    assert (state(city, incident), city.state.assignments[assignment].kind) == ("verifying", "verify")
    assert city.state.incidents[incident].dispatched_at_ms is None  # nobody handles yet: no handling limit runs
    city.step(assignment, "on_scene")
    city.step(assignment, "finished", result=found)
    assert (state(city, incident), city.state.incidents[incident].finding) == ("pending_register", found)


def test_a_team_that_does_not_say_what_it_saw_could_not_tell(city):
    incident = reported(city)
    city.step(order(city, "verify", incident, "t1"), "finished", result="pass")
    assert city.state.incidents[incident].finding == "unable"


def test_a_refused_verification_gives_the_report_back(city):
    incident = reported(city)
    city.step(order(city, "verify", incident, "t1"), "refused")
    assert (state(city, incident), city.state.incidents[incident].finding) == ("pending_register", None)


def test_only_the_axis_that_gave_an_order_recalls_it(city):
    incident = reported(city)
    assignment = order(city, "verify", incident, "t1")
    assert city.refusal("recall", assignment)[0] == "not_your_role"
    city.ask("recall", assignment, "supervisor")
    assert state(city, incident) == "pending_register"
    handled = city.sent(city.filed(category="noise"), "t2")
    assert city.refusal("recall", handled, "supervisor")[0] == "not_your_role"


# ---- after handling -------------------------------------------------------------------------------------------------


def test_a_check_goes_to_another_team_and_passes(city):
    incident = finished(city)
    assert city.refusal("check", incident, "supervisor", team="t1") == ("team_handled_it", {"team": "t1"})
    assignment = order(city, "check", incident, "t2")
    assert state(city, incident) == "checking"
    city.step(assignment, "finished", "d2", result="pass")
    assert (state(city, incident), city.state.incidents[incident].finding) == ("pending_close", "pass")
    city.ask("close", incident, "supervisor")
    assert state(city, incident) == "closed"


def test_a_check_that_fails_asks_for_rework(city):
    incident = finished(city)
    city.step(order(city, "check", incident, "t2"), "finished", "d2", result="fail")
    assert (state(city, incident), city.state.incidents[incident].finding) == ("pending_check", "fail")
    city.ask("rework", incident, "supervisor", reason="not_solved")
    row = city.state.incidents[incident]
    assert (row.state, row.reworks, row.handled_by) == ("pending_dispatch", 1, ("t1",))
    proposals = city.ask("dispatch_team", incident, team="t1", version=row.version)[0].args["advice"]
    assert (proposals[0]["team"], "did_it_before" in proposals[0]["reasons"]) == ("t1", True)


def test_where_the_city_closes_on_checks_alone_evidence_does_not_do():
    city = City(a_pack(closing="check"))
    for number in (1, 2):
        city.hear("city.patrol.status", f"/devices/d{number}", device=f"d{number}", team=f"t{number}", state="on_duty")
    incident = finished(city)
    assert city.refusal("close", incident, "supervisor") == ("not_checked", {"finding": None})
    city.step(order(city, "check", incident, "t2"), "finished", "d2", result="pass")
    city.ask("close", incident, "supervisor")
    assert state(city, incident) == "closed"


def test_a_forced_close_calls_teams_back_and_is_not_the_dispatchers(city):
    incident = city.filed()
    assignment = city.sent(incident)
    assert city.refusal("force_close", incident, "supervisor")[0] == "reason_missing"
    assert city.refusal("force_close", incident, "supervisor", name="dispatcher-1", reason="x")[0] == "you_dispatched"
    city.types()
    city.ask("force_close", incident, "supervisor", reason="not_ours")
    assert city.types() == ["assignment_recalled", "incident_force_closed"]
    row = city.state.incidents[incident]
    assert (row.state, row.assignments, row.reason) == ("forced_close", (), "not_ours")
    assert (city.state.assignments[assignment].state, city.state.teams["t1"].active) == ("recalled", None)


@pytest.mark.parametrize(
    ("end", "again"), [("close", "pending_dispatch"), ("void", "pending_register"), ("decline", "pending_register")]
)
def test_what_ended_is_opened_again_with_all_that_was_known(city, end, again):
    incident = {"close": finished, "void": City.filed, "decline": reported}[end](city)
    city.ask(end, incident, "supervisor", reason="false")
    assert city.refusal("reopen", incident, "supervisor")[0] == "reason_missing"
    city.ask("reopen", incident, "supervisor", reason="not_solved")
    row = city.state.incidents[incident]
    assert (row.state, row.reopened, row.closed_at_ms, row.finished_at_ms) == (again, 1, None, None)
    assert len(city.state.timelines[incident]) > 2
    city.complain("again", lat=row.lat, lon=row.lon)
    assert city.state.incidents[incident].merged == 1  # it is found again by its place
    city.at(DAY / 1000 + 60)
    assert incident in city.state.incidents  # it did not leave with the end that was taken back


def test_a_supervise_order_says_what_is_wanted_and_changes_no_stage(city):
    incident = city.filed()
    assert city.refusal("supervise", incident, "leader")[0] == "reason_missing"
    assert city.refusal("supervise", incident, "dispatcher", reason="x")[0] == "not_your_role"
    city.ask("supervise", incident, "leader", reason="九点前清理完")
    row = city.state.incidents[incident]
    assert (row.state, row.supervised_at_ms, row.supervised_by) == ("pending_dispatch", T0, "leader/1/leader-1")
    ended = finished(city)
    city.ask("close", ended, "supervisor")
    assert city.refusal("supervise", ended, "leader", reason="x")[0] == "not_now"
