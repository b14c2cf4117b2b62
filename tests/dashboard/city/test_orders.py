"""What a device is told, and when an order leaves its outbox."""

from __future__ import annotations

from dashboard.city.orders import MOST_TEXTS, order_of, settled_by
from tests.cities import DAY, LON, T0, City


def orders(city: City):
    """Every order given so far, and every number settled, by what the changes say."""
    given = [found for change in city.changes if (found := order_of(city.state, change)) is not None]
    settled = [found for change in city.changes for found in settled_by(change)]
    return given, settled


def test_an_order_says_what_where_until_when_and_what_people_told():
    city = City()
    city.complain("1", text="一")
    for number in range(2, 8):
        city.complain(str(number), text=str(number))
    incident = next(iter(city.state.incidents))
    city.ask("file", incident, "supervisor")
    city.at(60)
    assignment = city.sent(incident, note="快去", reason="近")
    ((device, order),), settled = orders(city)
    row = city.state.incidents[incident]
    assert (device, settled) == ("d1", [])
    assert (order.what, order.assignment, order.incident, order.number, order.team, order.kind) == (
        "assignment", assignment, incident, 1, "t1", "handle",
    )  # fmt: skip
    assert (order.category, order.lon, order.where_zh, order.note, order.reason) == (
        "vending", LON, "老城附近", "快去", "近",
    )  # fmt: skip
    assert (order.sent_at_ms, order.due_ms) == (T0 + 60_000, row.due_ms)
    assert [said["text"] for said in order.text] == [str(number) for number in range(8 - MOST_TEXTS, 8)]
    assert order.order == f"{assignment}:{city.state.assignments[assignment].order}"


def test_the_first_step_settles_the_order():
    city = City()
    assignment = city.sent()
    number = city.state.assignments[assignment].order
    assert number == city.state.seq
    city.step(assignment, "accepted")
    city.step(assignment, "on_scene")
    assert orders(city)[1] == [("d1", number)]
    assert city.state.assignments[assignment].order == 0


def test_a_recall_takes_the_place_of_an_order_that_was_not_delivered():
    city = City()
    assignment = city.sent()
    first = city.state.assignments[assignment].order
    city.ask("recall", assignment, reason="误派")
    second = city.state.assignments[assignment].order
    given, settled = orders(city)
    assert ([order.what for _, order in given], settled) == (["assignment", "recall"], [("d1", first)])
    city.step(assignment, "delivered")  # of the order that is no more
    assert orders(city)[1] == [("d1", first)]
    city.step(assignment, "recall_seen")
    assert orders(city)[1] == [("d1", first), ("d1", second)]


def test_a_recall_after_the_delivery_settles_nothing_yet():
    city = City()
    assignment = city.sent()
    city.step(assignment, "seen")
    before = len(orders(city)[1])
    city.ask("recall", assignment)
    assert len(orders(city)[1]) == before


def test_an_order_can_be_made_though_its_incident_has_left_within_the_batch():
    city = City()
    incident = city.filed()
    assignment = city.sent(incident)
    city.ask("recall", assignment)
    city.ask("void", incident, "supervisor", reason="x")
    city.at(DAY / 1000 + 1)
    assert city.state.incidents == {}
    assert len(orders(city)[0]) == 2


def test_a_recall_that_nobody_answers_leaves_its_outbox_with_the_incident():
    city = City()
    incident = city.filed()
    lost = city.sent(incident)
    city.ask("recall", lost, reason="失联")
    recall = city.state.assignments[lost].order
    city.step(city.sent(incident, team="t2"), "finished", device="d2")
    city.ask("close", incident, "supervisor")
    assert ("d1", recall) not in orders(city)[1]  # for as long as its answer can be taken
    city.at(DAY / 1000 + 1)
    assert city.state.assignments == {}
    assert orders(city)[1][-1] == ("d1", recall)
