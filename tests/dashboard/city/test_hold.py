"""A dispatch is held for some seconds, and can be taken back before the device rings."""

import pytest

from dashboard.city import kpis
from dashboard.city.assignments import ACTIVE
from dashboard.city.desk import Desk
from dashboard.city.orders import order_of, settled_by
from dashboard.city.pack import Stage
from dashboard.city.teams import Team
from tests.cities import DAY, T0, City, a_pack

HOLD = a_pack(stages=Stage(hold_s=4))
LEAVES_MS = T0 + 4000


@pytest.fixture
def city() -> City:
    return a_city()


def a_city(**more) -> City:
    city = City(a_pack(stages=Stage(hold_s=4), **more))
    for number in (1, 2, 3):
        city.hear("city.patrol.status", f"/devices/d{number}", device=f"d{number}", team=f"t{number}", state="on_duty")
    return city


def held(city: City, incident: str = "", team: str = "t1", **more) -> tuple[str, str]:
    """An incident and the order to it that is held."""
    incident = incident or city.filed(category="noise")
    version = city.state.incidents[incident].version
    (change,) = city.ask("dispatch_team", incident, team=team, version=version, **more)
    assert change.type == "assignment_held", change
    return incident, change.args["assignment"]


def orders(city: City) -> list[tuple[str, str]]:
    """What devices were told: device and kind of message."""
    given = (order_of(city.state, change) for change in city.changes)
    return [(found[0], found[1].what) for found in given if found is not None]


def team(city: City, id_: str = "t1") -> Team:
    return city.state.teams[id_]


def test_the_device_rings_only_when_the_hold_is_over(city):
    incident, id_ = held(city)
    row, order = city.state.incidents[incident], city.state.assignments[id_]
    assert (order.state, order.held_until_ms, order.order) == ("held", LEAVES_MS, 0)
    assert (row.state, row.assignments, row.dispatched_at_ms, row.dispatched_by) == (
        "pending_dispatch", (id_,), None, (),
    )  # fmt: skip
    assert (team(city).active, team(city).shown) == (id_, "sent")  # reserved
    city.at(3.9)
    assert orders(city) == []
    city.at(4)
    row, order = city.state.incidents[incident], city.state.assignments[id_]
    assert orders(city) == [("d1", "assignment")]
    assert (order.state, order.held_until_ms, order.sent_at_ms) == ("sent", None, LEAVES_MS)
    assert order.steps == (("held", T0), ("sent", LEAVES_MS))
    assert (row.state, row.dispatched_at_ms, row.dispatched_by) == (
        "pending_handle", LEAVES_MS, ("dispatcher/1/dispatcher-1",),
    )  # fmt: skip
    sent = city.changes[-1]
    assert (sent.by, sent.at_ms) == ("dispatcher/1/dispatcher-1", LEAVES_MS)
    assert city.state.incidents[incident].due_ms == city.desk.ledger.handling_due(row)
    city.step(id_, "accepted")
    assert city.state.incidents[incident].state == "handling"


def test_an_emergency_is_not_held(city):
    incident = city.filed(category="flooding")
    assert city.state.assignments[city.sent(incident)].state == "sent"


def test_a_city_without_holds_sends_at_once():
    city = City()
    assert city.state.assignments[city.sent()].steps == (("sent", T0),)


@pytest.mark.parametrize("name", ["", "王芳"])
def test_whoever_gave_it_or_another_dispatcher_takes_it_back(city, name):
    incident, id_ = held(city)
    before = city.state.incidents[incident]
    (change,) = city.ask("take_back", id_, name=name, version=city.state.assignments[id_].version)
    row = city.state.incidents[incident]
    assert (change.type, order_of(city.state, change), settled_by(change)) == ("assignment_taken_back", None, [])
    assert (city.state.assignments[id_].state, row.state, row.assignments) == ("taken_back", "pending_dispatch", ())
    assert (row.due_ms, row.stage_since_ms) == (before.due_ms, before.stage_since_ms)  # its limit went on meanwhile
    assert (team(city).active, team(city).shown) == (None, "free")
    city.at(60)
    assert orders(city) == []
    assert city.refusal("take_back", id_) == ("already_taken_back", {"team": "t1", "by": change.by, "at_ms": T0})


def test_only_a_dispatcher_takes_back_and_only_what_is_held(city):
    _, id_ = held(city)
    assert city.refusal("take_back", id_, "supervisor")[0] == "not_your_role"
    assert city.refusal("take_back", id_, version=7)[0] == "changed_meanwhile"
    assert city.refusal("recall", id_)[0] == "not_now"
    city.at(4)
    assert city.refusal("take_back", id_) == (
        "already_sent",
        {"team": "t1", "by": "dispatcher/1/dispatcher-1", "at_ms": LEAVES_MS},
    )
    assert city.ask("recall", id_)[0].type == "assignment_recalled"


def test_a_second_officer_is_told_who_holds_it_and_since_when(city):
    incident = city.filed(category="noise")
    version = city.state.incidents[incident].version
    city.ask("dispatch_team", incident, name="李伟", team="t1", version=version)
    city.at(2)
    code, args = city.refusal("dispatch_team", incident, name="王芳", team="t2", version=version)
    assert (code, args["by"], args["at_ms"], args["team"], args["state"]) == (
        "already_dispatched", "dispatcher/1/李伟", T0, "t1", "held",
    )  # fmt: skip
    version = city.state.incidents[incident].version
    assert city.refusal("dispatch_team", incident, name="王芳", team="t1", version=version)[0] == "team_has_it"


def test_a_further_team_is_held_too_and_the_first_to_leave_moves_the_incident(city):
    incident, first = held(city)
    _, second = held(city.at(1), incident, "t2")
    assert city.state.incidents[incident].assignments == (first, second)
    city.at(4)
    assert city.state.incidents[incident].state == "pending_handle"
    assert city.state.assignments[second].state == "held"
    city.ask("take_back", second)
    assert city.state.incidents[incident].assignments == (first,)
    _, third = held(city, incident, "t2")
    city.step(first, "refused")
    assert city.state.incidents[incident].state == "pending_handle"
    city.ask("take_back", third)
    assert city.state.incidents[incident].state == "pending_dispatch"


def test_a_held_one_is_not_before_an_order_that_the_team_knows(city):
    _, waits = held(city)
    urgent = city.sent(city.filed(category="flooding"))
    assert (team(city).active, team(city).waiting) == (urgent, (waits,))
    assert (city.state.assignments[urgent].waiting, city.state.assignments[waits].waiting) == (False, True)
    city.at(4)
    assert (team(city).active, team(city).waiting) == (urgent, (waits,))
    city.step(urgent, "finished")
    assert (team(city).active, city.state.assignments[waits].waiting) == (waits, False)


@pytest.mark.parametrize(
    ("verb", "role", "more"),
    [
        ("void", "supervisor", {}),
        ("force_close", "supervisor", {}),
        ("return", "dispatcher", {}),
        ("suspend", "dispatcher", {"until_ms": T0 + DAY}),
    ],
)
def test_whatever_ends_the_wait_takes_the_held_order_back(city, verb, role, more):
    incident, id_ = held(city)
    changes = city.ask(verb, incident, role, reason="因", **more)
    row = city.state.incidents[incident]
    assert changes[0].type == "assignment_taken_back"
    assert (city.state.assignments[id_].state, city.state.assignments[id_].reason, row.assignments) == (
        "taken_back", "因", (),
    )  # fmt: skip
    assert row.state != "pending_dispatch"
    city.at(600)
    assert orders(city) == []
    assert team(city).active is None


def test_a_team_that_went_off_duty_meanwhile_is_not_sent(city):
    incident, _ = held(city)
    city.hear("city.patrol.status", "/devices/d1", device="d1", team="t1", state="off_duty")
    city.at(4)
    last = city.changes[-1]
    assert (last.type, last.by, last.args["reason"]) == ("assignment_taken_back", "rule:hold", "team_off_duty")
    assert (city.state.incidents[incident].state, team(city).shown, orders(city)) == ("pending_dispatch", "off", [])


def test_a_new_engine_sends_what_the_one_before_it_held(city):
    _, id_ = held(city)
    city.desk = Desk(HOLD, city.state, city.desk.telemetry)
    city.desk.start(city.now_ms, city.now_ms)
    city.at(600)
    assert city.state.assignments[id_].steps == (("held", T0), ("sent", LEAVES_MS))
    assert orders(city) == [("d1", "assignment")]


@pytest.mark.parametrize("rate", [0.5, 1.0, 60.0])
def test_a_hold_is_as_long_as_a_hand_needs_whatever_the_clock_does(city, rate):
    city.ask("set_clock", role="administrator", offset_ms=T0, rate=rate)
    _, id_ = held(city)
    assert city.state.assignments[id_].held_until_ms == T0 + rate * 4000


def test_under_a_clock_that_stands_still_nothing_is_held(city):
    city.ask("set_clock", role="administrator", offset_ms=T0, rate=0.0)
    assert city.state.assignments[city.sent(city.filed(category="noise"))].state == "sent"


@pytest.mark.parametrize(("jump_ms", "rate", "until_ms"), [(-30 * DAY, 1.0, 3000), (DAY, 60.0, 180_000)])
def test_what_is_left_of_a_hold_is_left_of_it_when_the_clock_is_turned(city, jump_ms, rate, until_ms):
    _, id_ = held(city)
    city.at(1)
    city.ask("set_clock", role="administrator", offset_ms=T0 + jump_ms, rate=rate)
    order = city.state.assignments[id_]
    assert (order.state, order.held_until_ms) == ("held", T0 + jump_ms + until_ms)
    assert city.desk.due_ms(silence=False) <= T0 + jump_ms + until_ms


def test_a_clock_that_is_stopped_lets_go_what_is_held(city):
    _, id_ = held(city)
    city.at(1)
    city.ask("set_clock", role="administrator", offset_ms=T0 + 500, rate=0.0)
    order = city.state.assignments[id_]
    assert (order.state, order.sent_at_ms) == ("sent", T0 + 500)
    assert orders(city) == [("d1", "assignment")]


def test_when_the_last_held_order_is_taken_back_work_that_is_done_goes_on(city):
    incident, first = held(city)
    city.at(4)
    _, second = held(city, incident, "t2")
    city.step(first, "finished")
    assert city.state.incidents[incident].state == "pending_handle"
    city.ask("take_back", second)
    assert city.state.incidents[incident].state == "pending_check"


def test_a_team_on_a_break_with_a_reason_leaves_like_any_other(city):
    city.hear("city.patrol.status", "/devices/d2", device="d2", team="t2", state="break")
    _, id_ = held(city, team="t2", reason="urgent")
    city.at(4)
    order = city.state.assignments[id_]
    assert (order.state, order.reason, order.state in ACTIVE) == ("sent", "urgent", True)
    assert order_of(city.state, city.changes[-1])[1].reason == "urgent"


def test_what_is_held_does_not_await_dispatch(city):
    def awaiting() -> float | None:
        return kpis.figures(city.desk.ledger, kpis.History(), city.now_ms)["awaiting_dispatch"]["value"]

    incident = city.filed(category="noise")
    assert awaiting() == 1
    _, id_ = held(city, incident)
    assert awaiting() == 0
    city.ask("take_back", id_)
    assert awaiting() == 1
