"""What teams and their devices say, in order and out of order."""

from __future__ import annotations

import pytest

from dashboard.city.assignments import PATH
from dashboard.errors import BadPayload
from tests.cities import LAT, LON, T0, City


@pytest.fixture
def city() -> City:
    return City()


def test_every_step_is_timed_and_shown(city):
    assignment = city.sent()
    shown = []
    for number, step in enumerate(PATH[2:], start=1):
        city.at(number)
        city.step(assignment, step)
        shown.append(city.state.teams["t1"].shown)
    row = city.state.assignments[assignment]
    assert row.steps == tuple((step, T0 + 1000 * number) for number, step in enumerate(PATH[1:]))
    assert shown == ["sent", "sent", "en_route", "en_route", "on_scene", "free"]
    incident = city.state.incidents[row.incident]
    assert (incident.state, incident.on_scene_at_ms, incident.finished_at_ms) == (
        "pending_check", T0 + 5000, T0 + 6000,
    )  # fmt: skip
    assert incident.assignments == ()


def test_steps_may_be_skipped(city):
    assignment = city.sent()
    city.step(assignment, "on_scene")
    row = city.state.assignments[assignment]
    assert ([step for step, _ in row.steps], city.state.incidents[row.incident].state) == (
        ["sent", "on_scene"],
        "handling",
    )


def test_a_step_counts_from_when_it_happened_not_from_when_it_was_heard(city):
    assignment = city.sent()
    city.at(100)
    city.step(assignment, "accepted", event_at=40)
    assert city.state.assignments[assignment].state_since_ms == T0 + 40_000


def test_no_step_is_earlier_than_its_order_was_sent(city):
    city.at(100)
    assignment = city.sent()
    (noted,) = [
        change for change in city.step(assignment, "finished", event_at=40) if change.type == "assignment_stepped"
    ]
    assert (noted.at_ms, noted.args["device_at_ms"]) == (T0 + 100_000, T0 + 40_000)
    row = city.state.assignments[assignment]
    assert row.steps == (("sent", T0 + 100_000), ("finished", T0 + 100_000))
    incident = city.state.incidents[row.incident]
    assert (incident.finished_at_ms, incident.stage_since_ms) == (T0 + 100_000, T0 + 100_000)
    assert "device_at_ms" not in city.step(city.sent(), "accepted")[0].args


def test_a_step_said_twice_or_behind_changes_nothing(city):
    assignment = city.sent()
    city.step(assignment, "seen", id_="a")
    assert city.step(assignment, "seen", id_="a") == []  # the same message
    assert city.step(assignment, "seen") == []  # the same step
    (noted,) = city.step(assignment, "delivered")  # a step that was skipped, late
    assert (noted.type, noted.args["state"]) == ("feedback_noted", "seen")
    assert city.state.assignments[assignment].version == 2


def test_a_step_after_the_recall_is_a_fact_and_no_step(city):
    assignment = city.sent()
    city.step(assignment, "en_route")
    city.ask("recall", assignment)
    (noted,) = city.step(assignment, "on_scene")
    assert (noted.type, noted.incident is not None) == ("feedback_noted", True)
    assert city.state.assignments[assignment].state == "recalled"
    city.step(assignment, "recall_seen")
    assert city.state.assignments[assignment].state == "recall_seen"


def test_a_refused_order_gives_the_incident_back(city):
    assignment = city.sent()
    city.step(assignment, "refused", note="车坏了")
    row = city.state.assignments[assignment]
    assert (row.state, row.note) == ("refused", "车坏了")
    assert city.state.incidents[row.incident].state == "pending_dispatch"
    assert (city.state.teams["t1"].active, city.state.teams["t1"].shown) == (None, "free")


def test_two_teams_the_last_one_to_finish_ends_it(city):
    incident = city.filed()
    first, second = city.sent(incident, "t1"), city.sent(incident, "t2")
    city.step(first, "accepted")
    city.step(second, "refused", "d2")
    assert city.state.incidents[incident].state == "handling"
    third = city.sent(incident, "t2")
    city.step(first, "finished")
    assert city.state.incidents[incident].state == "handling"
    city.ask("recall", third)
    assert city.state.incidents[incident].state == "pending_check"  # one has finished


def test_a_waiting_assignment_starts_when_the_one_before_is_over(city):
    first = city.sent()
    second = city.sent(city.filed(category="noise"), "t1")
    team = city.state.teams["t1"]
    assert (team.active, team.waiting, city.state.assignments[second].waiting) == (first, (second,), True)
    city.step(first, "finished")
    team = city.state.teams["t1"]
    assert (team.active, team.waiting, city.state.assignments[second].waiting) == (second, (), False)
    assert (team.shown, city.state.assignments[second].version) == ("sent", 2)


def test_a_team_may_turn_to_the_second_order_first(city):
    first = city.sent()
    second = city.sent(city.filed(category="noise"), "t1")
    for step, active, shown in (
        ("seen", first, "sent"),
        ("accepted", second, "en_route"),
        ("on_scene", second, "on_scene"),
    ):
        city.step(second, step)
        team, waits = city.state.teams["t1"], {id_: a.waiting for id_, a in city.state.assignments.items()}
        assert (team.active, team.shown) == (active, shown)
        assert waits == {first: active != first, second: active != second}
    city.step(first, "accepted")  # for later
    assert (city.state.teams["t1"].active, city.state.teams["t1"].waiting) == (second, (first,))
    city.step(second, "finished")
    team = city.state.teams["t1"]
    assert (team.active, team.waiting, team.shown) == (first, (), "en_route")
    assert not city.state.assignments[first].waiting


def test_a_waiting_assignment_may_be_recalled(city):
    first = city.sent()
    second = city.sent(city.filed(category="noise"), "t1")
    city.ask("recall", second)
    assert (city.state.teams["t1"].active, city.state.teams["t1"].waiting) == (first, ())


@pytest.mark.parametrize(
    ("assignment", "device", "code"), [("nobody", "d1", "unknown_assignment"), ("", "d2", "not_your_assignment")]
)
def test_feedback_about_what_is_not_ones_own(city, assignment, device, code):
    assignment = assignment or city.sent()
    before = city.state.seq
    with pytest.raises(BadPayload) as bad:
        city.step(assignment, "seen", device)
    assert (bad.value.code, city.state.seq) == (code, before)


def test_duty(city):
    def say(state: str, team: str = "t1", **more):
        return city.hear("city.patrol.status", "/gw", device="d1", team=team, state=state, **more)

    say("break")
    assert (city.state.teams["t1"].duty, city.state.teams["t1"].shown) == ("break", "break")
    assert say("break") == []
    city.at(60)
    say("off_duty")
    assert city.state.teams["t1"].shown == "off"
    assert say("on_duty", event_at=30) == []  # older than what is known
    with pytest.raises(BadPayload) as bad:
        say("break", "t9")
    assert bad.value.code == "unknown_team"


def position(city: City, lat: float = LAT, team: str = "t1", **more):
    return city.hear("city.patrol.position", "/gw", device="d1", team=team, lat=lat, lon=LON, **more)


def test_a_position_older_than_the_newest_changes_nothing(city):
    city.at(100)
    position(city, LAT, event_at=50, speed_mps=1.5, battery=0.8)
    position(city, LAT + 1, event_at=50)
    position(city, LAT + 2, event_at=40)
    now = city.desk.telemetry.teams["t1"]
    assert (now.lat, now.time_ms, now.heard_ms, now.speed_mps, now.battery) == (
        LAT, T0 + 50_000, T0 + 100_000, 1.5, 0.8,
    )  # fmt: skip
    position(city, LAT + 1, event_at=60)
    assert (now.lat, now.speed_mps) == (LAT + 1, None)


def test_a_position_of_a_team_that_nobody_knows(city):
    with pytest.raises(BadPayload) as bad:
        position(city, team="t9")
    assert bad.value.code == "unknown_team"
    assert "t9" not in city.desk.telemetry.teams


def test_a_team_has_a_rhythm_of_its_own_and_one_silence_does_not_change_it():
    city = City()

    def speaks(second: float) -> float:
        city.at(second).hear("city.patrol.position", "/gw", device="d1", team="t1", lat=LAT, lon=LON)
        return city.desk.telemetry.teams["t1"].usual_s

    assert [speaks(second) for second in (0, 20, 40, 60)] == [0, 20, 20, 20]
    assert speaks(3660) == 28  # an hour counts as three gaps
    for number in range(1, 30):
        usual_s = speaks(3660 + 5 * number)
    assert 5 <= usual_s < 5.2
