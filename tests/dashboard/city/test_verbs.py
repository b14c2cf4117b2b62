"""What operators ask for: each verb once done, and each of its refusals."""

from __future__ import annotations

import msgspec
import pytest

from dashboard.city.commands import VERBS, Command, decode_command
from dashboard.city.pack import registry_of
from dashboard.city.verbs import _DO
from dashboard.errors import Refused
from tests.cities import DAY, HOUR, LAT, LON, T0, City, a_pack


@pytest.fixture
def city() -> City:
    return City()


def only(rows):
    (row,) = rows.values()
    return row


def finished(city: City) -> str:
    """An incident that waits for its check, dispatched by `dispatcher-1`."""
    assignment = city.sent()
    city.step(assignment, "finished")
    return city.state.assignments[assignment].incident


# ---- all verbs ------------------------------------------------------------------------------------------------------


def test_the_tables_of_verbs_agree():
    assert set(_DO) == set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_who_may_not_say_a_verb_is_told_who_may(city, verb):
    code, args = city.refusal(verb, "x", "viewer")
    assert (code, args["role"], args["roles"]) == ("not_your_role", "viewer", sorted(VERBS[verb][1]))


@pytest.mark.parametrize("verb", [verb for verb, (table, _) in VERBS.items() if table])
def test_what_is_not_there(city, verb):
    code, args = city.refusal(verb, "nobody", sorted(VERBS[verb][1])[0])
    assert (code, args) == ("not_there", {"target": "nobody", "table": VERBS[verb][0]})


def test_a_command_of_nobody_and_an_unknown_verb(city):
    changes = city.desk.carry_out(Command(id="x", verb="file", target="y"), city.now_ms, city.now_ms)
    assert (changes[0].type, changes[0].args["code"]) == ("command_refused", "nobody")
    assert city.refusal("explode", "x")[0] == "unknown_verb"


def test_a_command_of_fifteen_seconds_ago_is_too_late(city):
    incident = city.filed()
    code, args = city.refusal("dispatch_team", incident, team="t1", issued_at=T0 - 15_001)
    assert (code, args) == ("too_late", {"age_s": 15})
    city.sent(incident, issued_at=T0 - 15_000)


def test_a_repetition_changes_nothing(city):
    incident = city.filed()
    assert city.ask("dispatch_team", incident, team="t1", id="once")[0].type == "assignment_sent"
    assert city.ask("dispatch_team", incident, team="t2", id="once") == []
    city.refusal("file", incident, "supervisor", id="no")
    assert city.ask("file", incident, "supervisor", id="no") == []
    assert city.state.refused["no"].code == "not_now"


@pytest.mark.parametrize(
    "raw", [b"", b"{}", b'{"id":"1","verb":"file","extra":1}', b"\xff", b'{"id":"","verb":"file"}']
)
def test_what_is_no_command(raw):
    with pytest.raises(Refused) as refused:
        decode_command(raw)
    assert refused.value.code == "bad_command"


def test_an_unknown_verb_is_refused_when_it_is_read():
    with pytest.raises(Refused) as refused:
        decode_command(b'{"id":"1","verb":"explode"}')
    assert (refused.value.code, refused.value.arguments) == ("unknown_verb", {"verb": "explode"})


# ---- alerts ---------------------------------------------------------------------------------------------------------


def test_acknowledging_a_real_alert_files_its_incident_by_rule(city):
    city.reading(80)
    alert = city.alert()
    city.types()
    city.ask("acknowledge", alert.id)
    assert city.types() == ["alert_acknowledged", "incident_acknowledged", "incident_filed"]
    incident = only(city.state.incidents)
    assert (city.alert().state, city.alert().acknowledged_by, city.alert().disposition) == (
        "acknowledged", "dispatcher/1/dispatcher-1", "real",
    )  # fmt: skip
    assert (incident.state, incident.filed_by, incident.acknowledged_by) == (
        "pending_dispatch", "rule:filing", "dispatcher/1/dispatcher-1",
    )  # fmt: skip


@pytest.mark.parametrize("disposition", ["no_impact", "duplicate", "not_ours", "false"])
def test_an_alert_that_is_not_real_voids_an_incident_that_rests_on_it_alone(city, disposition):
    city.reading(80)
    city.ask("acknowledge", city.alert().id, disposition=disposition)
    assert (only(city.state.incidents).state, only(city.state.incidents).reason) == ("cancelled", disposition)


def test_an_incident_with_other_evidence_stays(city):
    city.reading(80)
    city.complain("1", "noise")
    city.ask("acknowledge", city.alert().id, disposition="false")
    assert only(city.state.incidents).state == "reported"


def test_an_alert_is_acknowledged_once(city):
    city.reading(80)
    city.ask("acknowledge", city.alert().id)
    city.at(9)
    code, args = city.refusal("acknowledge", city.alert().id, "supervisor")
    assert (code, args) == ("already_acknowledged", {"by": "dispatcher/1/dispatcher-1", "at_ms": T0})


def test_an_unknown_disposition(city):
    city.reading(80)
    assert city.refusal("acknowledge", city.alert().id, disposition="boring")[0] == "unknown_disposition"
    incident = city.alert().incident
    assert city.refusal("acknowledge_incident", incident, disposition="boring")[0] == "unknown_disposition"
    assert city.alert().state == "active"


def test_acknowledging_an_incident_acknowledges_its_alerts(city):
    city.reading(80)
    city.reading(80, "n2")
    incident = only(city.state.incidents)
    city.ask("acknowledge_incident", incident.id)
    assert {alert.state for alert in city.state.alerts.values()} == {"acknowledged"}
    assert city.refusal("acknowledge_incident", incident.id)[0] == "already_acknowledged"


def test_an_alert_outlives_its_incident_and_ends_without_reopening_its_timeline(city):
    city.reading(80)
    city.ask("acknowledge", city.alert().id, disposition="false")
    incident = city.alert().incident
    for hours in range(25):
        city.at(3600 * hours + 1).reading(80)
    assert incident not in city.state.incidents
    city.reading(40)
    city.at(26 * 3600)
    assert incident not in city.state.timelines


# ---- incidents ------------------------------------------------------------------------------------------------------


def test_the_way_of_an_incident_by_its_owners(city):
    city.complain("1", channel="web")
    incident = only(city.state.incidents).id
    states = []
    for verb, role in (("accept", "call_taker"), ("file", "supervisor")):
        city.ask(verb, incident, role)
        states.append(city.state.incidents[incident].state)
    city.step(city.sent(incident), "finished")
    city.ask("close", incident, "supervisor", reason="好了")
    row = city.state.incidents[incident]
    assert [*states, row.state] == ["pending_register", "pending_dispatch", "closed"]
    assert (row.closed_by, row.closed_at_ms, row.reason) == ("supervisor/1/supervisor-1", T0, "好了")
    city.at(DAY / 1000 + 1)
    assert (city.state.incidents, city.state.assignments, city.state.timelines) == ({}, {}, {})


def test_a_verb_at_the_wrong_time_says_who_brought_it_there(city):
    incident = city.filed()
    code, args = city.refusal("file", incident, "supervisor")
    assert (code, args) == (
        "not_now",
        {"verb": "file", "state": "pending_dispatch", "by": "supervisor/1/supervisor-1", "at_ms": T0},
    )
    for verb in ("accept", "close", "rework"):
        assert city.refusal(verb, incident, "supervisor", reason="x")[0] == "not_now"


@pytest.mark.parametrize("verb", ["file", "void"])
def test_who_saw_another_version_is_told_who_changed_it(city, verb):
    city.complain("1")
    incident = only(city.state.incidents)
    city.at(5)
    city.ask("acknowledge_incident", incident.id)
    code, args = city.refusal(verb, incident.id, "supervisor", version=incident.version, reason="x")
    assert (code, args["by"], args["at_ms"], args["what"]) == (
        "changed_meanwhile", "dispatcher/1/dispatcher-1", T0 + 5000, "incident_acknowledged",
    )  # fmt: skip


def test_a_dispatcher_files_where_the_pack_says_so(city):
    city.complain("1")
    incident = only(city.state.incidents).id
    assert city.refusal("file", incident)[0] == "not_your_role"
    other = City(a_pack(filing="dispatcher"))
    other.complain("1")
    other.ask("file", only(other.state.incidents).id)
    assert only(other.state.incidents).state == "pending_dispatch"


@pytest.mark.parametrize(("verb", "role"), [("void", "supervisor"), ("return", "dispatcher")])
def test_a_reason_is_needed(city, verb, role):
    incident = city.filed()
    assert city.refusal(verb, incident, role, reason="  ") == ("reason_missing", {"verb": verb})
    city.ask(verb, incident, role, reason="不属实")
    row = city.state.incidents[incident]
    assert (row.state, row.filed_by) == (
        ("cancelled", "supervisor/1/supervisor-1") if verb == "void" else ("returned", None)
    )


def test_who_dispatched_never_closes_whatever_the_seat(city):
    incident = finished(city)
    code, args = city.refusal("close", incident, "supervisor", name="dispatcher-1", seat="9")
    assert (code, args) == ("you_dispatched", {"by": "supervisor/9/dispatcher-1"})
    assert city.refusal("close", incident, "dispatcher")[0] == "not_your_role"


def test_rework_goes_back_to_dispatch_and_is_counted(city):
    incident = finished(city)
    assert city.refusal("rework", incident, "supervisor")[0] == "reason_missing"
    city.ask("rework", incident, "supervisor", reason="没清理")
    row = city.state.incidents[incident]
    assert (row.state, row.reworks, row.finished_at_ms) == ("pending_dispatch", 1, None)
    again = city.sent(incident)
    city.ask("recall", again)
    assert city.state.incidents[incident].state == "pending_dispatch"  # nobody finished this time


# ---- assignments ----------------------------------------------------------------------------------------------------


def test_a_dispatch_is_written_with_what_the_officer_saw(city):
    incident = city.filed()
    city.ask("dispatch_team", incident, team="t1", note="快", seen="7-0")
    assignment = only(city.state.assignments)
    row = city.state.incidents[incident]
    assert (assignment.state, assignment.kind, assignment.note, assignment.waiting) == ("sent", "handle", "快", False)
    assert (row.state, row.dispatched_by, row.assignments) == (
        "pending_handle", ("dispatcher/1/dispatcher-1",), (assignment.id,),
    )  # fmt: skip
    assert (row.due_ms, row.yellow_from) == (city.desk.ledger.handling_due(row), 0.8)
    assert (city.state.teams["t1"].shown, city.state.teams["t1"].active) == ("sent", assignment.id)
    args = city.changes[-1].args
    assert (args["seen"], [proposal["rank"] for proposal in args["advice"]]) == ("7-0", [1, 2, 3])


def test_the_second_officer_is_told_who_and_when(city):
    incident = city.filed()
    version = city.state.incidents[incident].version
    city.ask("dispatch_team", incident, name="李伟", team="t1", version=version)
    city.at(3)
    code, args = city.refusal("dispatch_team", incident, name="王芳", team="t2", version=version)
    assert (code, args["by"], args["at_ms"], args["team"]) == ("already_dispatched", "dispatcher/1/李伟", T0, "t1")
    assert city.refusal("dispatch_team", incident, name="王芳", team="t2")[0] == "already_dispatched"


def test_a_second_team_is_sent_by_who_knows_of_the_first(city):
    incident = city.filed()
    first = city.sent(incident, "t1")
    second = city.at(3).sent(incident, "t2")
    assert city.state.incidents[incident].assignments == (first, second)
    version = city.state.incidents[incident].version
    code, args = city.refusal("dispatch_team", incident, team="t2", version=version)
    assert (code, args) == ("team_has_it", {"team": "t2", "at_ms": T0 + 3000})


def test_the_newest_of_several_is_named_though_another_one_moved_on(city):
    incident = city.filed()
    first, second = city.sent(incident, "t1"), city.at(3).sent(incident, "t2")
    city.step(first, "accepted")
    assert city.state.incidents[incident].assignments == (first, second)  # oldest first, whoever stepped last
    code, args = city.refusal("dispatch_team", incident, team="t3")
    assert (code, args["team"], args["at_ms"]) == ("already_dispatched", "t2", T0 + 3000)


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"team": "t1", "kind": "fly"}, "unknown_kind"),
        ({"team": "t9"}, "unknown_team"),
        ({}, "unknown_team"),
        ({"team": "t3"}, "team_off_duty"),
        ({"team": "t3", "reason": "急"}, "team_off_duty"),
        ({"team": "t2"}, "team_on_break"),
    ],
)
def test_a_team_that_cannot_be_sent(city, more, code):
    incident = city.filed()
    city.hear("city.patrol.status", "/gw", device="d2", team="t2", state="break")
    assert city.refusal("dispatch_team", incident, **more)[0] == code


def test_a_team_on_a_break_goes_for_a_reason(city):
    incident = city.filed()
    city.hear("city.patrol.status", "/gw", device="d2", team="t2", state="break")
    city.sent(incident, "t2", reason="急")


def test_a_recall_frees_the_team_and_gives_the_incident_back(city):
    assignment = city.sent()
    city.ask("recall", assignment, reason="误派")
    row = city.state.assignments[assignment]
    assert (row.state, row.reason, row.steps[-1]) == ("recalled", "误派", ("recalled", T0))
    assert city.state.teams["t1"].shown == "free"
    assert city.state.incidents[row.incident].state == "pending_dispatch"
    code, args = city.refusal("recall", assignment)
    assert (code, args["state"]) == ("not_now", "recalled")


def test_a_recall_of_what_has_moved_on(city):
    assignment = city.sent()
    city.step(assignment, "accepted")
    assert city.refusal("recall", assignment, version=1)[0] == "changed_meanwhile"


# ---- complaints, clock, registry ------------------------------------------------------------------------------------


def test_a_complaint_without_a_place_is_placed_by_a_click(city):
    city.complain("1", lat=None, lon=None, address="南锣鼓巷")
    assert city.refusal("place", "1", "call_taker")[0] == "place_missing"
    assert city.refusal("place", "1", "call_taker", lat=LAT)[0] == "place_missing"
    assert city.refusal("place", "1", "call_taker", lat=0, lon=0)[0] == "outside_city"
    city.ask("place", "1", "call_taker", lat=LAT, lon=LON)
    assert city.state.complaints == {}
    incident = only(city.state.incidents)
    assert (incident.state, incident.complaints) == ("pending_register", 1)
    assert city.state.timelines[incident.id][0].args["evidence"]["placed_by"] == "call_taker/1/call_taker-1"


def test_a_question_is_answered_and_not_placed(city):
    city.complain("1", verb="consult")
    assert city.refusal("place", "1", "call_taker", lat=LAT, lon=LON) == ("not_a_report", {"verb": "consult"})
    assert city.refusal("answer", "1", "call_taker")[0] == "reason_missing"
    city.ask("answer", "1", "call_taker", reason="周一至周五")
    assert city.state.complaints == {}


def test_the_clock_is_set_and_goes_at_its_rate(city):
    city.ask("set_clock", role="administrator", offset_ms=T0 + HOUR, rate=60.0, note="replay")
    clock = city.state.clock
    assert (clock.source, clock.city_ms(T0), clock.city_ms(T0 + 1000)) == ("replay", T0 + HOUR, T0 + HOUR + 60_000)
    city.ask("set_clock", role="administrator")
    assert city.state.clock.city_ms(T0 + 5) == T0 + 5


@pytest.mark.parametrize("offset_ms", [-1, 0, 99_999_999_999_999_999])
def test_the_clock_is_not_set_beyond_all_calendars(offset_ms):
    with pytest.raises(Refused) as refused:
        decode_command(b'{"id":"x","verb":"set_clock","offset_ms":%d}' % offset_ms)
    assert refused.value.code == "bad_command"


def test_a_clock_set_back_begins_anew_and_takes_running_delays_with_it(city):
    city.reading(250, "p1", "pm10")
    city.complain("1")
    city.at(10)
    city.ask("set_clock", role="administrator", offset_ms=T0 - 30 * DAY)
    assert (city.state.signals["dusty|p1"].due_ms, city.desk.telemetry.sensors) == (T0 - 30 * DAY + 50_000, {})
    assert (list(city.state.recent), [m for m in city.state.minutes if m > (T0 - 30 * DAY) // 60_000]) == ([], [])
    city.begun_ms = T0 - 30 * DAY
    city.at(49).reading(251, "p1", "pm10")
    city.at(50)
    assert city.alert().raised_at_ms == T0 - 30 * DAY + 50_000


def test_a_registry_is_changed_and_a_bad_one_is_not(city):
    assert city.refusal("change_registry", role="administrator")[0] == "registry_missing"
    assert city.refusal("change_registry", role="administrator", registry={"key": "x"})[0] == "bad_registry"
    loud = registry_of(a_pack())["rules"][0] | {"periods": [{"start": "x", "end": "y", "raise_at": 1, "clear_at": 0}]}
    for useless in (
        {"time_zone": "Mars/Base"},
        {"working_hours": [["8", "x"]]},
        {"holidays": [{"year": "soon"}]},
        {"holidays": [{"year": 2026, "off": 5}]},
        {"rules": [loud]},
    ):
        registry = registry_of(a_pack()) | useless
        assert city.refusal("change_registry", role="administrator", registry=registry)[0] == "bad_registry"
        assert city.desk.pack == a_pack()
    busy = city.sent(team="t2")
    pack = a_pack(teams=a_pack().teams[:1])
    city.ask("change_registry", role="administrator", registry=registry_of(pack))
    assert set(city.state.teams) == {"t1", "t2"}  # t2 has something in hand
    assert city.state.teams["t2"].active == busy
    assert city.desk.pack == msgspec.convert(registry_of(pack), type(pack))
