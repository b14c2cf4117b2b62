"""Complaints and findings: what becomes an incident, what waits, what is kept."""

from __future__ import annotations

import msgspec
import pytest
from msgspec.structs import replace

from dashboard.city.complaints import OpenComplaint
from dashboard.errors import BadPayload
from tests.cities import BURST, LAT, LON, T0, City, a_pack


@pytest.fixture
def city() -> City:
    return City()


def only(rows):
    (row,) = rows.values()
    return row


@pytest.mark.parametrize(
    ("channel", "state"), [("hotline", "pending_register"), ("web", "reported"), ("app", "reported")]
)
def test_a_report_with_a_place_is_an_incident(city, channel, state):
    city.complain("1", channel=channel, reporter={"ref": "p1", "masked": "王** 138****5678"}, photos=["f1"])
    incident = only(city.state.incidents)
    assert (incident.state, incident.number, incident.complaints, incident.origin) == (state, 1, 1, "complaint")
    assert (incident.where_zh, incident.area, incident.due_ms) == ("老城附近", "old", T0 + 900_000)
    evidence = city.state.timelines[incident.id][0].args["evidence"]
    assert evidence == {
        "kind": "complaint", "id": "1", "source": "/hotline", "channel": channel, "text": "摊贩占道", "lat": LAT,
        "lon": LON, "photos": ["f1"], "reporter": "王** 138****5678", "reporter_ref": "p1",
    }  # fmt: skip
    assert city.state.counts["complaint_received"] == 1


@pytest.mark.parametrize(
    ("verb", "state"), [("report", "no_place"), ("consult", "inbox"), ("propose", "listed"), ("rectify", "listed")]
)
def test_what_cannot_be_an_incident_waits_on_its_list(city, verb, state):
    city.complain("1", verb=verb, lat=None, lon=None, address="某街")
    row = only(city.state.complaints)
    assert (row.state, row.verb, row.address, city.state.incidents) == (state, verb, "某街", {})
    assert city.state.counts["complaint_received"] == 1


def test_only_a_report_becomes_an_incident_though_it_has_a_place(city):
    city.complain("1", verb="consult")
    assert (city.state.incidents, only(city.state.complaints).state) == ({}, "inbox")


def test_a_report_of_no_known_class_is_never_merged_and_never_lost(city):
    city.complain("1", "龙")
    city.complain("2", None)
    assert [row.category for row in city.state.incidents.values()] == ["uncategorised", "uncategorised"]
    first = city.state.timelines[next(iter(city.state.incidents))][0]
    assert first.args["evidence"]["category_given"] == "龙"


def test_more_about_a_complaint_goes_where_the_complaint_is(city):
    city.complain("1")
    (updated,) = city.complain("1", type_="city.complaint.updated", text="越来越多")
    assert (updated.type, updated.incident) == ("complaint_updated", only(city.state.incidents).id)
    city.complain("2", verb="consult", text="几点?")
    city.complain("2", type_="city.complaint.updated", verb="consult", text="几点开门?")
    assert (only(city.state.complaints).text, only(city.state.complaints).version) == ("几点开门?", 2)


def test_a_complaint_that_gets_a_place_becomes_an_incident(city):
    city.complain("1", lat=None, lon=None)
    city.complain("1", type_="city.complaint.updated")
    assert (city.state.complaints, only(city.state.incidents).complaints) == ({}, 1)


def test_what_is_told_later_counts_when_the_complaint_gets_a_place(city):
    city.complain("1", None, lat=None, lon=None, text="吵")
    city.complain("1", "noise", type_="city.complaint.updated", lat=None, lon=None, text="夜里吵")
    assert (only(city.state.complaints).category, only(city.state.complaints).text) == ("noise", "夜里吵")
    city.complain("1", None, type_="city.complaint.updated", text="工地夜里吵")
    incident = only(city.state.incidents)
    assert (incident.category, city.state.timelines[incident.id][0].args["evidence"]["text"]) == ("noise", "工地夜里吵")


def evidence_of(city, incident, type_="incident_reported"):
    return next(entry.args for entry in city.state.timelines[incident.id] if entry.type == type_)


def test_photos_of_a_complaint_without_a_place_come_with_it_when_it_gets_one(city):
    city.complain("1", lat=None, lon=None, photos=["f1"])
    assert only(city.state.complaints).photos == ("f1",)
    city.ask("place", "1", "call_taker", lat=LAT, lon=LON)
    assert evidence_of(city, only(city.state.incidents))["evidence"]["photos"] == ["f1"]


def test_a_complaint_of_an_older_snapshot_has_no_photos(city):
    city.complain("1", lat=None, lon=None)
    old = msgspec.to_builtins(only(city.state.complaints))
    del old["photos"]
    assert msgspec.convert(old, OpenComplaint).photos == ()


def test_what_is_told_anew_of_an_incident_stands_in_its_timeline_and_does_not_move_it(city):
    city.complain("1", photos=["f1"], address="老街 1 号")
    before = only(city.state.incidents)
    more = {
        "photos": ["f1", "f2"], "address": "新街 9 号", "lat": LAT + 0.1, "category": "noise",
        "reporter": {"ref": "p9", "masked": "上**"},
    }  # fmt: skip
    (told,) = city.complain("1", type_="city.complaint.updated", text="越来越多", **more)
    assert told.args == {
        "complaint": "1", "source": "/hotline", "text": "越来越多", "photos": ["f2"], "address": "新街 9 号",
        "lat": LAT + 0.1, "lon": LON, "category": "noise", "reporter": "上**", "reporter_ref": "p9",
    }  # fmt: skip
    after = only(city.state.incidents)
    assert (after.lat, after.category, after.complaints) == (before.lat, before.category, 1)
    (again,) = city.complain("1", type_="city.complaint.updated", text="还在", **more)
    assert again.args == {"complaint": "1", "source": "/hotline", "text": "还在"}  # only what is new


def test_a_complaint_without_a_place_takes_over_all_that_is_told_anew(city):
    city.complain("1", lat=None, lon=None, photos=["f1"])
    reporter = {"ref": "p9", "masked": "上**"}
    city.complain(
        "1", type_="city.complaint.updated", lat=None, lon=None, channel="app", photos=["f2"], reporter=reporter
    )
    row = only(city.state.complaints)
    assert (row.photos, row.reporter, row.reporter_ref, row.channel) == (("f1", "f2"), "上**", "p9", "app")
    city.complain("1", type_="city.complaint.updated", channel="app", photos=["f3"])
    evidence = evidence_of(city, only(city.state.incidents))["evidence"]
    assert (evidence["photos"], evidence["reporter_ref"], city.state.complaints) == (["f1", "f2", "f3"], "p9", {})


def test_a_question_that_becomes_a_report_is_handled_as_one(city):
    city.complain("1", verb="consult")
    city.complain("2", verb="consult")
    city.complain("1", type_="city.complaint.updated")
    city.complain("2", type_="city.complaint.updated", lat=None, lon=None)
    (incident,) = city.state.incidents.values()
    row = only(city.state.complaints)
    assert (incident.complaints, row.id, row.verb, row.state) == (1, "2", "report", "no_place")
    counts = city.state.counts  # complaints = incidents + merged + without a place
    assert (counts["complaint_received:report"], counts["complaint_received:consult"]) == (2, 2)
    city.complain("2", verb="consult", type_="city.complaint.updated", lat=None, lon=None)
    assert only(city.state.complaints).verb == "report"


def test_an_update_of_what_nobody_reported_is_a_report(city):
    city.complain("1", type_="city.complaint.updated")
    assert only(city.state.incidents).complaints == 1


def test_the_same_number_from_two_sources_is_two_complaints(city):
    for source in ("/hotline", "/web"):
        city.complain("1", lat=None, lon=None, source=source, text=source)
    assert {row.source: row.id for row in city.state.complaints.values()} == {"/hotline": "1", "/web": "/web#1"}
    city.complain("1", lat=None, lon=None, source="/web", text="新")
    assert city.state.complaints["/web#1"].text == "新"
    assert city.state.complaints["1"].text == "/hotline"
    city.ask("place", "/web#1", "call_taker", lat=LAT, lon=LON)
    city.complain("1", source="/hotline", lat=LAT + 0.1)
    assert (len(city.state.incidents), city.state.complaints) == (2, {})


def test_the_same_event_twice_is_one(city):
    city.complain("1", id_="e")
    city.now_ms += 6 * 86_400_000
    assert city.hear(
        "city.complaint.reported", "/hotline", id_="e", complaint="1", verb="report", text="x", channel="web"
    ) == []  # fmt: skip


def test_a_late_complaint_counts_in_its_minute_and_is_timed_by_its_event(city):
    city.at(1000)
    city.complain("1", event_at=100)
    incident = only(city.state.incidents)
    assert (incident.reported_at_ms, incident.received_at_ms, incident.stage_since_ms) == (
        T0 + 100_000, T0 + 1_000_000, T0 + 1_000_000,
    )  # fmt: skip
    assert city.state.minutes[(T0 + 100_000) // 60_000]["complaint_received"] == 1


# ---- bursts ---------------------------------------------------------------------------------------------------------


def burst(city: City, number: int, lat: float = LAT, category: str = "vending", **more):
    return city.complain(str(number), category, lat=lat, lon=LON + number * 0.0001, **more)


#   count of 3 within 500 m and 600 s
def test_three_near_each_other_in_ten_minutes_are_a_burst(city):
    for number, seconds in enumerate((0, 100, 590)):
        city.at(seconds)
        assert city.state.alerts == {}
        burst(city, number)
    alert = city.alert()
    assert (alert.kind, alert.value, alert.subject.split("@")[0]) == ("burst", 3, "vending")
    city.at(650)
    burst(city, 4)  # the same one goes on: three in the last ten minutes
    city.at(700)
    burst(city, 5)
    city.at(705)
    burst(city, 6, lat=LAT + 0.01)
    city.at(1299)
    assert city.alert().state == "active"
    city.at(1300)
    assert city.alert().cleared_at_ms == T0 + 1_300_000


@pytest.mark.parametrize(
    "third", [{"seconds": 601}, {"lat": LAT + 0.01}, {"category": "noise"}, {"verb": "consult"}]
)  # fmt: skip
def test_what_is_not_part_of_a_burst(city, third):
    burst(city, 0)
    burst(city, 1)
    city.at(third.pop("seconds", 10))
    burst(city, 2, **third)
    assert city.state.alerts == {}


def test_a_burst_that_is_over_is_over_though_no_tick_has_passed(city):
    for number in range(3):
        burst(city, number)
    city.now_ms = T0 + 600_500
    for number in range(3, 6):
        burst(city, number)
    raised = [change.at_ms for change in city.changes if change.type == "alert_raised"]
    assert raised == [T0, T0 + 600_500]


def test_a_rule_for_one_class_and_its_incident():
    city = City(a_pack(rules=(replace(BURST, category="noise"),)))
    for number in range(3):
        burst(city, number)
    assert city.state.alerts == {}
    for number in range(3, 6):
        burst(city, number, category="noise")
    assert city.state.incidents[city.alert().incident].category == "noise"


def test_what_becomes_more_urgent_has_the_shorter_limit_from_then_on():
    city = City(a_pack(rules=(replace(BURST, category="vending"),)))
    city.complain("1")
    incident = only(city.state.incidents).id
    city.ask("file", incident, "supervisor")
    row = city.state.incidents[incident]
    assert (row.priority, row.limit_s, row.due_ms) == (3, 900, T0 + 900_000)
    city.at(60).complain("2")
    city.complain("3")
    row = city.state.incidents[incident]
    assert (row.priority, row.limit_s, row.due_ms) == (1, 120, T0 + 180_000)


def test_an_incident_that_becomes_more_urgent_late_is_not_given_more_time():
    city = City(a_pack(rules=(replace(BURST, category="vending"),)))
    city.complain("1")
    incident = only(city.state.incidents).id
    city.ask("file", incident, "supervisor")
    city.at(850).complain("2")
    city.complain("3")
    city.complain("4")
    row = city.state.incidents[incident]
    assert (row.priority, row.limit_s, row.due_ms) == (1, 900, T0 + 900_000)


# ---- findings -------------------------------------------------------------------------------------------------------


def find(city: City, **more):
    data = {"device": "d1", "team": "t1", "category": "vending", "lat": LAT, "lon": LON, **more}
    return city.hear("city.patrol.finding", "/gw", **data)


def test_a_finding_is_an_incident_and_one_put_right_is_only_counted(city):
    find(city, text="三轮车", photos=["f1"])
    incident = only(city.state.incidents)
    assert (incident.state, incident.origin) == ("reported", "patrol")
    assert city.state.timelines[incident.id][0].args["evidence"]["photos"] == ["f1"]
    find(city, self_handled=True)
    assert (incident.merged, city.state.counts["finding_handled"], len(city.state.incidents)) == (0, 1, 1)


def test_a_finding_that_is_acknowledged_is_filed_by_rule(city):
    find(city)
    city.ask("acknowledge_incident", only(city.state.incidents).id)
    assert only(city.state.incidents).state == "pending_dispatch"


@pytest.mark.parametrize(
    ("wrong", "code"), [({"category": "龙"}, "unknown_category"), ({"team": "t9"}, "unknown_team")]
)
def test_a_finding_of_what_nobody_knows(city, wrong, code):
    before = city.state.seq
    with pytest.raises(BadPayload) as bad:
        find(city, **wrong)
    assert (bad.value.code, city.state.seq) == (code, before)
