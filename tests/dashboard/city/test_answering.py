"""Orders that nobody answers are marked and ring again; whose an order is that was answered too late."""

from __future__ import annotations

import pytest

from dashboard.city.answering import OUTCOMES
from dashboard.city.desk import Desk
from dashboard.city.orders import order_of, settled_by
from dashboard.city.pack import Stage
from dashboard.city.state import CityState, apply
from tests.cities import DAY, T0, City, a_pack

DELIVER_S, ACCEPT_S = 30, 60


def row(city: City, assignment: str):
    return city.state.assignments[assignment]


def told(city: City, what: str):
    """Orders of a kind that devices were given, in their order."""
    given = [found for change in city.changes if (found := order_of(city.state, change)) is not None]
    return [order for _, order in given if order.what == what]


def waiting(city: City) -> set[int]:
    """Numbers of the orders that are in outboxes: given and not settled."""
    held: set[int] = set()
    for change in city.changes:
        held -= {number for _, number in settled_by(change)}
        if order_of(city.state, change) is not None:
            held.add(change.seq)
    return held


def test_an_order_that_no_device_has_got_is_marked_after_its_limit():
    city = City()
    assignment = city.sent()
    assert row(city, assignment).due_ms == T0 + DELIVER_S * 1000
    assert row(city.at(DELIVER_S - 1), assignment).late == ""
    assert row(city.at(DELIVER_S), assignment).late == "not_delivered"
    assert city.types()[-1] == "assignment_late"
    city.at(600)
    assert "assignment_late" not in city.types()  # said once


def test_acceptance_is_waited_for_from_delivery_and_seeing_it_is_none():
    city = City()
    assignment = city.sent()
    city.at(10).step(assignment, "delivered")
    city.at(40).step(assignment, "seen")
    assert row(city.at(10 + ACCEPT_S - 1), assignment).late == ""
    assert row(city.at(10 + ACCEPT_S), assignment).late == "not_accepted"
    city.step(assignment, "accepted")
    assert (row(city, assignment).late, row(city, assignment).due_ms) == ("", None)
    city.types()
    city.at(3600)
    assert "assignment_late" not in city.types()


def test_a_busy_team_need_not_accept_until_it_turns_to_the_order():
    city = City()
    first, second = city.sent(), city.sent()
    city.step(first, "accepted")
    city.step(second, "delivered")
    assert (row(city, second).waiting, row(city, second).due_ms) == (True, None)
    city.at(500).step(first, "finished")
    assert row(city, second).due_ms == T0 + (500 + ACCEPT_S) * 1000
    assert row(city.at(500 + ACCEPT_S), second).late == "not_accepted"


def test_a_mark_survives_a_restart_and_so_does_a_limit_that_still_runs():
    city = City()
    late = city.sent()
    city.at(20)
    running = city.sent(team="t2")
    city.at(DELIVER_S)
    fresh = CityState()
    for change in city.changes:
        apply(fresh, change)
    again = Desk(city.desk.pack, fresh)
    again.start(T0 + 31_000, T0 + 31_000)
    assert (fresh.assignments[late].late, fresh.assignments[running].late) == ("not_delivered", "")
    again.tick(T0 + (20 + DELIVER_S) * 1000, T0 + 60_000)
    assert fresh.assignments[running].late == "not_delivered"


def test_on_a_fast_clock_a_line_has_its_real_seconds():
    city = City()
    city.ask("set_clock", role="administrator", offset_ms=T0, rate=60.0)
    assignment = city.sent()
    assert row(city, assignment).due_ms == T0 + 300_000  # 5 s of real time
    assert row(city.at(299), assignment).late == ""
    assert row(city.at(300), assignment).late == "not_delivered"


def test_a_clock_that_begins_anew_takes_a_running_limit_with_it():
    city = City()
    assignment = city.sent()
    city.at(10).ask("set_clock", role="administrator", offset_ms=T0 + 30 * DAY, rate=1.0)
    assert row(city, assignment).due_ms == T0 + 30 * DAY + 20_000
    city.at(30 * DAY / 1000 + 19)
    assert row(city, assignment).late == ""
    assert row(city.at(30 * DAY / 1000 + 20), assignment).late == "not_delivered"


def test_a_city_may_mark_nothing():
    city = City(a_pack(stages=Stage(deliver_s=0, accept_s=0)))
    assignment = city.sent()
    city.at(600).step(assignment, "delivered")
    assert row(city.at(6000), assignment).late == ""


# ---- ringing again --------------------------------------------------------------------------------------------------


def test_what_rings_again_takes_the_place_of_the_order_that_waits():
    city = City()
    assignment = city.sent()
    first = row(city, assignment).order
    city.at(40).ask("resend", assignment)
    now = row(city, assignment)
    assert (now.resent, now.late, now.due_ms, now.state) == (1, "", T0 + 70_000, "sent")
    assert waiting(city) == {now.order}
    assert now.order != first
    (order,) = [one for one in told(city, "assignment") if one.again]
    assert (order.assignment, order.again, order.outcome) == (assignment, 1, "still_mine")
    city.step(assignment, "delivered")
    assert (waiting(city), row(city, assignment).order) == (set(), 0)


def test_a_device_that_had_it_already_says_so_once_more():
    city = City()
    assignment = city.sent()
    city.step(assignment, "delivered")
    city.at(70).ask("resend", assignment, "dispatcher")
    city.at(75).step(assignment, "delivered")
    now = row(city, assignment)
    assert (now.order, now.steps, now.due_ms) == (0, (("sent", T0), ("delivered", T0)), T0 + 135_000)
    assert waiting(city) == set()
    assert city.types()[-1] == "assignment_rang"
    city.step(assignment, "delivered")  # at least once is not twice
    assert city.types() == []


def test_a_recall_that_nobody_has_seen_is_marked_and_rings_again():
    city = City()
    assignment = city.sent()
    city.step(assignment, "accepted")
    city.ask("recall", assignment, reason="误派")
    assert row(city.at(ACCEPT_S), assignment).late == "not_seen"
    city.ask("resend", assignment)
    assert [order.what for order in told(city, "recall")] == ["recall", "recall"]
    city.step(assignment, "recall_seen")
    assert waiting(city) == set()


def test_only_the_axis_that_gave_an_order_and_only_one_that_waits_rings_again():
    city = City()
    assignment = city.sent()
    assert city.refusal("resend", assignment, "supervisor")[0] == "not_your_role"
    city.step(assignment, "accepted")
    assert city.refusal("resend", assignment)[0] == "not_now"


def test_no_order_rings_for_a_team_that_went_off_duty():
    city = City()
    assignment = city.sent()
    city.hear("city.patrol.status", device="d1", team="t1", state="off_duty")
    assert city.refusal("resend", assignment)[0] == "team_off_duty"


# ---- while the device was away --------------------------------------------------------------------------------------


def test_still_mine_what_was_done_out_of_reach_counts_as_done():
    city = City()
    assignment = city.sent()
    city.at(900)
    for step, at in (("accepted", 100), ("on_scene", 300), ("finished", 800)):
        city.step(assignment, step, event_at=at)
    now = row(city, assignment)
    assert (now.state, now.outcome) == ("finished", "still_mine")
    assert now.steps[-1] == ("finished", T0 + 800_000)
    assert city.state.incidents[now.incident].state == "pending_check"


def test_an_order_answered_in_time_has_no_outcome():
    city = City()
    assignment = city.sent()
    for second, step in enumerate(("delivered", "seen", "accepted", "en_route", "on_scene", "finished")):
        city.at(second).step(assignment, step)
    assert row(city, assignment).outcome == ""


def recalled_while_away(city: City, other: str | None):
    """Team 1 is away; its order is recalled and another team may be sent.  Returns: its order and the other's."""
    mine = city.sent()
    incident = row(city, mine).incident
    city.at(60).ask("recall", mine, reason="联系不上")
    theirs = city.sent(incident, other) if other else None
    return mine, theirs


def test_taken_the_device_is_told_that_another_team_has_it():
    city = City()
    mine, theirs = recalled_while_away(city, "t2")
    city.at(300).step(mine, "accepted", event_at=100)
    now = row(city, mine)
    assert (now.state, now.outcome, now.afterwards) == ("recalled", "taken", (("accepted", T0 + 100_000),))
    assert told(city, "recall")[-1].outcome == "taken"
    assert waiting(city) == {now.order, row(city, theirs).order}  # in place of the recall that waited
    city.step(mine, "recall_seen")
    assert waiting(city) == {row(city, theirs).order}


def test_cancelled_nothing_is_opened_again_and_nothing_is_lost():
    city = City()
    mine, _ = recalled_while_away(city, None)
    incident = row(city, mine).incident
    city.ask("void", incident, "supervisor", reason="duplicate")
    before = city.state.incidents[incident]
    city.at(300).step(mine, "finished", event_at=200, note="摊已清", photos=["p1"])
    now = row(city, mine)
    assert (now.outcome, now.afterwards) == ("cancelled", (("finished", T0 + 200_000),))
    assert city.state.incidents[incident] == before
    line = city.state.timelines[incident][-1]
    assert (line.type, line.at_ms, line.args["note"], line.args["photos"]) == (
        "feedback_noted", T0 + 200_000, "摊已清", ["p1"],
    )  # fmt: skip
    assert told(city, "recall")[-1].outcome == "cancelled"


def test_both_did_it_and_the_device_that_has_seen_its_recall_is_told_all_the_same():
    city = City()
    mine, theirs = recalled_while_away(city, "t2")
    city.step(mine, "recall_seen")
    city.step(theirs, "accepted", "d2")
    incident = city.state.incidents[row(city, mine).incident]
    city.at(300).step(mine, "finished", event_at=200)
    now = row(city, mine)
    assert (now.state, now.outcome) == ("recall_seen", "both")
    assert city.state.incidents[incident.id] == incident  # the other team goes on
    assert waiting(city) == {now.order}
    city.step(mine, "recall_seen")
    assert (waiting(city), row(city, mine).order) == (set(), 0)


def test_a_team_that_got_the_work_anew_keeps_it():
    city = City()
    mine, again = recalled_while_away(city, "t1")
    city.at(300).step(mine, "on_scene", event_at=200)
    assert (row(city, mine).outcome, row(city, again).state) == ("still_mine", "sent")


@pytest.mark.parametrize("step", ["delivered", "seen", "accepted", "on_scene"])
def test_each_outcome_is_told_once(step):
    city = City()
    mine, _ = recalled_while_away(city, "t2")
    city.step(mine, step)
    city.step(mine, step)
    city.step(mine, "finished")
    outcomes = [order.outcome for order in told(city, "recall")]
    assert outcomes == ["cancelled", "taken", "both"]
    assert set(outcomes) < set(OUTCOMES)


def test_a_mark_and_a_message_refuse_nobody_a_recall():
    city = City()
    assignment = city.sent()
    seen = row(city, assignment).version
    city.at(40)
    city.ask("message", row(city, assignment).incident, note="在吗")
    assert row(city, assignment).version == seen + 2
    assert city.ask("recall", assignment, version=seen, reason="误派")[0].type == "assignment_recalled"


def test_a_step_of_the_team_still_does():
    city = City()
    assignment = city.sent()
    seen = row(city, assignment).version
    city.at(40).step(assignment, "accepted")
    assert city.refusal("recall", assignment, version=seen, reason="误派")[0] == "changed_meanwhile"
