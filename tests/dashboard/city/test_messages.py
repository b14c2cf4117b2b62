"""Notes about an incident and messages to its teams: all of them stay, none names a phone."""

from __future__ import annotations

from dashboard.city.orders import order_of, settled_by
from tests.cities import DAY, T0, City


def timeline(city: City, incident: str, *types: str):
    return [line for line in city.state.timelines[incident] if line.type in types]


def test_two_notes_of_one_moment_both_stay():
    city = City()
    incident = city.filed()
    version = city.state.incidents[incident].version
    city.ask("note", incident, "dispatcher", "李伟", version=version, note="已联系街道")
    city.ask("note", incident, "supervisor", "王敏", version=version, note="  等物业回话 ")
    lines = timeline(city, incident, "note_written")
    assert [(line.by.rpartition("/")[2], line.args["note"]) for line in lines] == [
        ("李伟", "已联系街道"), ("王敏", "等物业回话"),
    ]  # fmt: skip
    assert city.state.incidents[incident].version == version  # no row changes: nobody's decision is refused for it


def test_a_note_says_something_and_names_no_phone():
    city = City()
    incident = city.filed()
    assert city.refusal("note", incident, note=" ")[0] == "note_missing"
    assert city.refusal("note", incident, "viewer", note="x")[0] == "not_your_role"
    city.ask("note", incident, note="房主 13812345678")
    assert timeline(city, incident, "note_written")[0].args["note"] == "房主 138****5678"


def test_a_message_reaches_every_team_under_way_and_is_read():
    city = City()
    incident = city.filed()
    first, second = city.sent(incident), city.sent(incident, "t2")
    city.changes.clear()
    city.at(20).ask("message", incident, "call_taker", note="从东门进，电话 13812345678")
    given = [order_of(city.state, change) for change in city.changes]
    assert [(device, order.what, order.note, order.assignment) for device, order in given] == [
        ("d1", "message", "从东门进，电话 138****5678", first),
        ("d2", "message", "从东门进，电话 138****5678", second),
    ]
    order = given[0][1]
    city.at(30).step(first, "read", order=order.order)
    assert city.state.assignments[first].unread == ()
    settled = [found for change in city.changes for found in settled_by(change)]
    assert settled == [("d1", int(order.order.rpartition(":")[2]))]
    (line,) = timeline(city, incident, "message_read")
    assert (line.at_ms, line.by) == (T0 + 30_000, "device:d1")
    city.types()
    city.step(first, "read", order=order.order)
    assert city.types() == []
    assert city.state.assignments[first].state == "sent"  # a message is no step


def test_a_message_to_one_team_and_the_oldest_is_read_first():
    city = City()
    incident = city.filed()
    assert city.refusal("message", incident, note="x")[0] == "nobody_under_way"
    first, second = city.sent(incident), city.sent(incident, "t2")
    for words in ("一", "二"):
        city.ask("message", incident, team="t2", note=words)
    assert city.state.assignments[first].unread == ()
    older, newer = city.state.assignments[second].unread
    city.step(second, "read", "d2")
    assert city.state.assignments[second].unread == (newer,)
    assert older < newer


def test_a_team_writes_back_whatever_became_of_its_order():
    city = City()
    assignment = city.sent()
    incident = city.state.assignments[assignment].incident
    city.ask("recall", assignment, reason="误派")
    city.at(60).step(assignment, "note", event_at=50, note="门锁着", photos=["p9"])
    city.step(assignment, "note", note=" ")
    (line,) = timeline(city, incident, "team_wrote")
    assert (line.by, line.at_ms, line.received_ms, line.args["note"], line.args["photos"]) == (
        "device:d1", T0 + 50_000, T0 + 60_000, "门锁着", ["p9"],
    )  # fmt: skip


def test_what_nobody_read_leaves_the_outbox_with_its_incident():
    city = City()
    assignment = city.sent()
    incident = city.state.assignments[assignment].incident
    city.ask("message", incident, note="在吗")
    (number,) = city.state.assignments[assignment].unread
    city.ask("force_close", incident, "supervisor", reason="not_ours")
    city.at(DAY / 1000 + 60)
    assert incident not in city.state.incidents
    left = next(change for change in reversed(city.changes) if change.type == "incident_left")
    assert ("d1", number) in settled_by(left)
