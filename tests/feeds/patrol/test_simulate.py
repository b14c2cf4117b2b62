import json
from itertools import pairwise

import msgspec

from dashboard.city.assignments import PATH
from dashboard.city.events import decode_data
from dashboard.city.places import distance_m
from feeds.patrol.simulate import Order, Team
from feeds.simulated_city import patrol_event
from tests.feeds.simulated import HOUR_MS, MINUTE_MS, PACK, SCRIPT, at

STEADY = msgspec.structs.replace(SCRIPT.teams, refused=0, silent_per_hour=0)
START_MS = at("15:00")
ORDER = Order("assignment", "t-1", "unlicensed_vending", 39.9355, 116.3972)


def team(number: int = 6, habits=STEADY, seed: int = 1) -> Team:
    """Number 6 takes no break; it walks from Qianmen."""
    return Team(PACK.teams[number], number, habits, PACK.time_zone, seed, START_MS, lambda _: (10, 12))


def words(said, word: str):
    return [one for one in said if one.word == word]


def test_a_team_goes_on_duty_and_says_where_it_is_before_it_counts_as_silent() -> None:
    said = team().advance(START_MS + HOUR_MS)
    assert words(said, "status")[0].fields == {"state": "on_duty"}
    positions = words(said, "position")
    assert max(b.at_ms - a.at_ms for a, b in pairwise(positions)) <= PACK.position_silence_s * 1000 / 2
    home = PACK.teams[6]
    assert all(distance_m(home.lat, home.lon, one.fields["lat"], one.fields["lon"]) < 300 for one in positions)


def test_asked_to_report_in_it_says_where_it_stands_within_seconds() -> None:
    one = team()
    last_ms = words(one.advance(START_MS + HOUR_MS), "position")[-1].at_ms
    one = team()
    one.advance(last_ms)
    one.report_in(last_ms)
    assert words(one.advance(last_ms + 5000), "position")


def test_it_answers_an_order_step_by_step_and_in_time() -> None:
    one = team()
    one.advance(START_MS)
    one.hear(ORDER, START_MS + 1000)
    said = one.advance(START_MS + HOUR_MS)
    steps = words(said, "feedback")
    assert tuple(step.fields["step"] for step in steps) == PATH[2:]
    times = {step.fields["step"]: step.at_ms - START_MS - 1000 for step in steps}
    assert 1000 <= times["delivered"] <= 3000
    assert 3000 <= times["seen"] - times["delivered"] <= 15_000
    assert 10 * MINUTE_MS <= times["finished"] - times["on_scene"] <= 12 * MINUTE_MS
    there = one.advance(START_MS + 2 * HOUR_MS)
    assert there
    assert one.order is None
    assert one.free


def test_it_moves_at_the_speed_it_has_and_arrives() -> None:
    one = team()
    one.advance(START_MS)
    start = one.place(START_MS)
    one.hear(ORDER, START_MS)
    said = one.advance(START_MS + HOUR_MS)
    times = {s.fields["step"]: s.at_ms for s in words(said, "feedback")}
    metres = distance_m(*start, ORDER.lat, ORDER.lon)
    km_per_hour = metres / (times["on_scene"] - times["en_route"]) * 3600
    assert 7 < km_per_hour <= 14  # the straight line is shorter than the way round the corner
    at_scene = [s for s in words(said, "position") if times["on_scene"] < s.at_ms < times["finished"]]
    assert at_scene
    assert all(distance_m(s.fields["lat"], s.fields["lon"], ORDER.lat, ORDER.lon) < 20 for s in at_scene)


def test_a_second_order_waits_and_is_taken_next() -> None:
    one = team()
    one.advance(START_MS)
    one.hear(ORDER, START_MS)
    one.hear(msgspec.structs.replace(ORDER, assignment="t-2"), START_MS + 2000)
    said = words(one.advance(START_MS + 3 * HOUR_MS), "feedback")
    first = next(
        s.at_ms for s in said if s.fields == {"assignment": "t-1", "step": "finished", "note": s.fields.get("note")}
    )
    second = {s.fields["step"]: s.at_ms for s in said if s.fields["assignment"] == "t-2"}
    assert second["seen"] < first < second["accepted"] < second["finished"]


def test_a_recall_cuts_it_short() -> None:
    one = team()
    one.advance(START_MS)
    one.hear(ORDER, START_MS)
    before = words(one.advance(START_MS + 2 * MINUTE_MS), "feedback")
    assert [s.fields["step"] for s in before][-1] == "en_route"
    one.hear(msgspec.structs.replace(ORDER, what="recall"), START_MS + 2 * MINUTE_MS)
    after = words(one.advance(START_MS + HOUR_MS), "feedback")
    assert [s.fields["step"] for s in after] == ["recall_seen"]
    assert one.free


def test_it_may_refuse_and_says_why() -> None:
    one = team(habits=msgspec.structs.replace(STEADY, refused=1))
    one.advance(START_MS)
    one.hear(ORDER, START_MS)
    said = words(one.advance(START_MS + HOUR_MS), "feedback")
    assert [s.fields["step"] for s in said] == ["delivered", "seen", "refused"]
    assert said[-1].fields["note"] in SCRIPT.teams.refusals
    assert one.free


def test_without_a_line_nothing_comes_and_then_everything() -> None:
    one = team(habits=msgspec.structs.replace(STEADY, silent_per_hour=3600, silent_min=(10, 10)))
    said = one.advance(START_MS + 8 * MINUTE_MS)
    one.hear(ORDER, START_MS + MINUTE_MS)
    assert len(words(said, "position")) <= 2
    later = words(one.advance(START_MS + 30 * MINUTE_MS), "feedback")
    assert all(s.at_ms >= START_MS + 9 * MINUTE_MS for s in later)


def test_shifts_and_breaks_are_kept_but_no_order_is_left() -> None:
    number = 0
    begins, ends = STEADY.breaks[number]
    one = Team(PACK.teams[number], number, STEADY, PACK.time_zone, 1, at("07:00"), lambda _: (10, 12))
    said = words(one.advance(at("23:00")), "status")
    assert [(s.at_ms, s.fields["state"]) for s in said] == [
        (at(PACK.teams[number].shift[0]), "on_duty"),
        (at(begins), "break"),
        (at(ends), "on_duty"),
        (at(PACK.teams[number].shift[1]), "off_duty"),
    ]
    busy = Team(PACK.teams[number], number, STEADY, PACK.time_zone, 1, at("16:00"), lambda _: (10, 12))
    busy.advance(at(begins) - MINUTE_MS)
    busy.hear(ORDER, at(begins) - MINUTE_MS)
    states = [s for s in words(busy.advance(at("22:30")), "status") if s.fields["state"] == "break"]
    assert not states or states[0].at_ms > at(begins)


def test_one_seed_gives_one_team_at_any_speed() -> None:
    fast, slow = team(), team()
    fast.advance(START_MS)
    slow.advance(START_MS)
    fast.hear(ORDER, START_MS)
    slow.hear(ORDER, START_MS)
    in_steps = [s for k in range(1, 121) for s in slow.advance(START_MS + k * 30_000)]
    assert in_steps == fast.advance(START_MS + HOUR_MS)


def test_what_a_device_says_is_what_the_city_takes() -> None:
    one = team()
    one.advance(START_MS)
    one.hear(ORDER, START_MS)
    one.found("litter", 39.9, 116.4, "", True, START_MS + 5000)
    for number, said in enumerate(one.advance(START_MS + HOUR_MS)):
        event = patrol_event(one, said, number)
        decode_data(event.type, event.data)
        assert json.loads(event.data)["device"] == one.team.device
