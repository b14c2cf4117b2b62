import msgspec

from dashboard.city.commands import Command, Person
from dashboard.city.desk import Desk
from dashboard.city.events import Complaint, Event, Feedback, TeamStatus
from feeds.officers import Officers
from tests.feeds.simulated import MINUTE_MS, PACK, SCRIPT, at

NOW_MS = at("19:30")
STEADY = msgspec.structs.replace(SCRIPT.officers, file_s=(60, 60), dispatch_s=(240, 240), close_s=(300, 300))


def desk_with(*complaints: Complaint) -> Desk:
    desk = Desk(PACK)
    desk.start(NOW_MS, NOW_MS, PACK)
    for team in PACK.teams:
        status = TeamStatus(team.device, team.id, "on_duty")
        desk.receive(Event(f"duty-{team.id}", "d", "city.patrol.status", NOW_MS, status), NOW_MS, NOW_MS)
    for number, complaint in enumerate(complaints):
        desk.receive(Event(f"c{number}", "/c", "city.complaint.reported", NOW_MS, complaint), NOW_MS, NOW_MS)
    return desk


def complaint(number: int = 0, verb: str = "report", **more) -> Complaint:
    fields = {"category": "unlicensed_vending", "lat": 39.9355, "lon": 116.3972 + number * 0.02, **more}
    return msgspec.convert(
        {"complaint": f"c-{number}", "verb": verb, "text": "x", "channel": "hotline"}
        | {name: value for name, value in fields.items() if value is not None},
        Complaint,
    )


def run(desk: Desk, officers: Officers, minutes: float, every_s: int = 10) -> list[tuple[float, str]]:
    """What they asked for and when, in minutes; everything is carried out."""
    asked = []
    for second in range(0, round(minutes * 60), every_s):
        now_ms = NOW_MS + second * 1000
        desk.tick(now_ms, now_ms, silence=False)
        for command in officers.decide(desk.state, desk.telemetry.teams, now_ms):
            asked.append((second / 60, command.verb))
            changes = desk.carry_out(command, now_ms, now_ms)
            assert "command_refused" not in {change.type for change in changes}
    return asked


def test_they_take_a_report_only_after_it_waited_and_two_people_do_it() -> None:
    desk = desk_with(complaint())
    asked = run(desk, Officers(STEADY, PACK, lambda _: None), 8)
    assert [verb for _, verb in asked] == ["file", "dispatch_team"]
    assert asked[0][0] >= 1
    assert asked[1][0] - asked[0][0] >= 4
    (incident,) = desk.state.incidents.values()
    assert incident.filed_by.startswith("supervisor/3/")
    assert incident.dispatched_by[0].startswith("dispatcher/2/")


def test_what_a_person_did_first_is_left_alone() -> None:
    desk = desk_with(complaint())
    officers = Officers(STEADY, PACK, lambda _: None)
    run(desk, officers, 2)
    (incident,) = desk.state.incidents.values()
    (mine,) = officers.decide(desk.state, desk.telemetry.teams, NOW_MS + 10 * MINUTE_MS)
    person = msgspec.structs.replace(mine, id="mine", team="team-14")
    desk.carry_out(person, NOW_MS + 3 * MINUTE_MS, NOW_MS)
    assert officers.decide(desk.state, desk.telemetry.teams, NOW_MS + 12 * MINUTE_MS) == []  # held, not yet sent
    desk.tick(NOW_MS + 3 * MINUTE_MS + 4_000, NOW_MS, silence=False)
    assert desk.state.incidents[incident.id].state == "pending_handle"
    assert officers.decide(desk.state, desk.telemetry.teams, NOW_MS + 12 * MINUTE_MS) == []


def test_nothing_is_asked_twice() -> None:
    desk = desk_with(complaint())
    officers = Officers(STEADY, PACK, lambda _: None)
    late_ms = NOW_MS + 5 * MINUTE_MS
    assert len(officers.decide(desk.state, desk.telemetry.teams, late_ms)) == 1
    assert officers.decide(desk.state, desk.telemetry.teams, late_ms) == []


def test_an_empty_seat_dispatches_nothing_and_a_new_one_waits_from_its_beginning() -> None:
    desk = desk_with(complaint())
    officers = Officers(STEADY, PACK, lambda _: None)
    officers.dispatching_since_ms = None
    assert [verb for _, verb in run(desk, officers, 30)] == ["file"]
    officers.dispatching_since_ms = NOW_MS + 30 * MINUTE_MS
    assert officers.decide(desk.state, desk.telemetry.teams, NOW_MS + 33 * MINUTE_MS) == []
    (command,) = officers.decide(desk.state, desk.telemetry.teams, NOW_MS + 34 * MINUTE_MS)
    assert command.verb == "dispatch_team"


def test_two_incidents_at_once_get_two_teams() -> None:
    desk = desk_with(complaint(0), complaint(1))
    run(desk, Officers(STEADY, PACK, lambda _: None), 9)
    assert len({assignment.team for assignment in desk.state.assignments.values()}) == 2


def test_beyond_the_reach_of_every_team_a_car_is_sent_in_the_end() -> None:
    desk = desk_with(complaint(lat=40.432, lon=116.568))
    asked = run(desk, Officers(STEADY, PACK, lambda _: None), 70, every_s=60)
    assert [verb for _, verb in asked] == ["file", "dispatch_team"]
    assert asked[1][0] - asked[0][0] >= 60
    (sent,) = desk.state.assignments.values()
    assert next(team.kind for team in PACK.teams if team.id == sent.team) == "car"


def test_a_complaint_without_a_place_is_placed_where_it_truly_is() -> None:
    desk = desk_with(complaint(0, lat=None, lon=None, address="南锣鼓巷"))
    officers = Officers(STEADY, PACK, {"c-0": (39.9355, 116.3972)}.get)
    late_ms = NOW_MS + 60 * MINUTE_MS
    (command,) = officers.decide(desk.state, desk.telemetry.teams, late_ms)
    assert (command.verb, command.lat, command.lon) == ("place", 39.9355, 116.3972)
    nobody_knows = Officers(STEADY, PACK, lambda _: None)
    assert nobody_knows.decide(desk.state, desk.telemetry.teams, late_ms) == []


def test_questions_are_answered() -> None:
    desk = desk_with(complaint(0, verb="consult", category=None, lat=None, lon=None))
    (command,) = Officers(STEADY, PACK, lambda _: None).decide(desk.state, {}, NOW_MS + 60 * MINUTE_MS)
    assert (command.verb, command.reason) == ("answer", SCRIPT.officers.answer)


def test_they_follow_what_was_found_on_the_spot() -> None:
    desk = desk_with(complaint())
    (incident,) = desk.state.incidents
    person = Person("9", "supervisor", "李")
    ask = Command(id="v", verb="verify", target=incident, person=person, team="team-15")
    (sent,) = desk.carry_out(ask, NOW_MS, NOW_MS)
    found = Feedback("device-15", sent.args["assignment"], "finished", result="not_exist")
    desk.receive(Event("f", "d", "city.patrol.feedback", NOW_MS, found), NOW_MS, NOW_MS)
    assert [verb for _, verb in run(desk, Officers(STEADY, PACK, lambda _: None), 3)] == ["void"]


def test_what_was_sent_back_is_ended_by_supervision_and_not_sent_again() -> None:
    desk = desk_with(complaint())
    officers = Officers(STEADY, PACK, lambda _: None)
    run(desk, officers, 2)
    (incident,) = desk.state.incidents
    ask = Command(id="r", verb="return", target=incident, person=Person("9", "dispatcher", "王"), reason="not_ours")
    desk.carry_out(ask, NOW_MS, NOW_MS)
    assert [verb for _, verb in run(desk, officers, 6)] == ["void"]
