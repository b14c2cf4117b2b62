"""A training is marked, ends by itself, and is scored by what was done in it and by nothing else."""

import pytest

from dashboard.city.desk import Desk
from dashboard.city.pack import Stage
from dashboard.city.training import MEASURES, points_of, total
from dashboard.city.trainings import Measure, Training
from tests.cities import LON, MINUTE, T0, City, a_pack

SIMULATED = {"offset_ms": T0, "rate": 1.0, "note": "simulation"}
ROWS = {row.key: row for row in MEASURES}


@pytest.fixture
def city() -> City:
    city = City(a_pack(stages=Stage(hold_s=0)))
    city.ask("set_clock", role="administrator", **SIMULATED)
    for number in (1, 2, 3):
        at = {"lat": 39.9 + number * 0.004, "lon": LON}
        city.hear("city.patrol.status", f"/devices/d{number}", device=f"d{number}", team=f"t{number}", state="on_duty")
        city.hear("city.patrol.position", f"/devices/d{number}", device=f"d{number}", team=f"t{number}", **at)
    city.types()
    return city


def begun(city: City, minutes: float = 30) -> str:
    (change,) = city.ask("begin_training", role="administrator", until_ms=int(city.now_ms + minutes * MINUTE))
    assert change.type == "training_began", change
    return change.args["training"]


def ended(city: City, seconds: float = 30 * 60) -> Training:
    city.at(seconds)
    (training,) = city.state.trainings.values()
    assert training.state == "ended"
    return training


def measured(training: Training, key: str) -> tuple[float | None, int]:
    return next((measure.value, measure.n) for measure in training.score if measure.key == key)


def test_it_ends_by_itself_and_stays_until_the_next_one(city):
    id_ = begun(city)
    city.at(29 * 60)
    assert city.state.trainings[id_].state == "running"
    training = ended(city)
    assert (training.began_ms, training.ends_ms, training.source) == (T0, T0 + 30 * MINUTE, "simulation")
    city.at(31 * 60)
    other = begun(city)
    assert list(city.state.trainings) == [other]


def test_a_restart_does_not_forget_its_end(city):
    id_ = begun(city)
    born = Desk(city.desk.pack, city.state)
    born.start(T0 + MINUTE, T0 + MINUTE)
    assert [change.type for change in born.tick(T0 + 30 * MINUTE, T0 + 30 * MINUTE, silence=False)] == [
        "training_ended"
    ]
    assert born.state.trainings[id_].state == "ended"


def test_never_on_the_live_city_never_two_and_never_without_an_end(city):
    live = City()
    assert live.refusal("begin_training", role="administrator", until_ms=T0 + MINUTE) == ("live_city", {})
    for until_ms in (None, T0, T0 + 13 * 60 * MINUTE):
        assert city.refusal("begin_training", role="supervisor", until_ms=until_ms)[0] == "training_end_missing"
    id_ = begun(city)
    assert city.refusal("begin_training", role="supervisor", until_ms=T0 + MINUTE)[0] == "training_runs"
    city.at(60)
    (change,) = city.ask("end_training", id_, role="supervisor")
    assert (change.type, city.state.trainings[id_].ends_ms) == ("training_ended", T0 + MINUTE)
    assert city.refusal("end_training", id_, role="supervisor")[0] == "training_over"


def test_priority_one_is_touched_within_a_minute_or_late(city):
    begun(city)
    city.complain("quick", "flooding")
    city.at(50)
    (quick,) = city.state.incidents
    city.ask("acknowledge_incident", quick)
    city.complain("slow", "flooding", lon=LON + 0.02)
    slow = next(id_ for id_ in city.state.incidents if id_ != quick)
    city.at(200)
    city.ask("acknowledge_incident", slow)
    city.complain("never", "flooding", lon=LON + 0.04)
    city.at(29 * 60 + 30)
    city.complain("just now", "flooding", lon=LON + 0.06)  # its minute is not over: no case
    training = ended(city)
    assert measured(training, "first_touch") == (33.3, 3)
    late = [(one.late_s, one.number) for one in training.worst if one.measure == "first_touch"]
    assert late == [(30 * 60 - 260, 3)]  # the slow one is later by another measure: each stands there once
    assert len({one.incident for one in training.worst}) == len(training.worst) == 3


def test_what_was_done_before_it_began_is_no_case(city):
    before = city.filed(category="noise")
    city.sent(before)
    city.at(60)
    begun(city)
    training = ended(city, 31 * 60)
    assert {measure.key: measure.n for measure in training.score} == {
        "first_touch": 0, "dispatched_in_time": 0, "detour_min": 0, "overdue": 1, "recalled": 0,
    }  # fmt: skip
    assert training.points is None


def test_orders_in_time_by_the_limit_of_their_stage(city):
    limit_s = city.desk.pack.stages.dispatch_s
    begun(city)
    first, second = city.filed(), city.filed()
    city.at(limit_s - 1)
    city.sent(first)
    city.at(limit_s + 30)
    city.sent(second, "t2")
    third = city.filed()  # waits, and its limit is over when the training ends
    assert city.state.incidents[third].state == "pending_dispatch"
    training = ended(city)
    assert limit_s == 15 * 60
    assert measured(training, "dispatched_in_time") == (50.0, 2)
    assert (training.worst[-1].number, training.worst[-1].late_s) == (city.state.incidents[second].number, 30)


def test_a_far_team_costs_the_minutes_beyond_the_best_one(city):
    begun(city)
    incident = city.filed(category="dust", lat=39.904, lon=LON)
    advice = city.sent(incident, "t3")
    entry = next(e for e in city.state.timelines[incident] if e.args.get("assignment") == advice)
    eta_s = {one["team"]: one["eta_s"] for one in entry.args["advice"]}
    training = ended(city)
    assert measured(training, "detour_min") == (round((eta_s["t3"] - min(eta_s.values())) / 60, 1), 1)
    assert measured(training, "detour_min")[0] > 0


def test_orders_called_back_by_a_person_count(city):
    begun(city)
    first, second = city.sent(), city.sent(team="t2")
    city.ask("recall", first, reason="错")
    training = ended(city)
    assert second in city.state.assignments
    assert measured(training, "recalled") == (50.0, 2)


def test_points_are_whole_at_the_target_and_nothing_far_from_it():
    high, low = ROWS["first_touch"], ROWS["detour_min"]
    assert [points_of(high, value) for value in (100, 90, 45, 0, None)] == [100, 100, 50, 0, None]
    assert [points_of(low, value) for value in (0, 2, 4, 6, 60)] == [100, 100, 50, 0, 0]


def test_the_whole_is_the_weighted_mean_of_what_had_a_case():
    def measure(points: float | None, weight: int) -> Measure:
        return Measure("m", "min", "low", 1, weight, points, 1, points)

    assert total((measure(100, 60), measure(40, 20), measure(None, 60))) == 85.0
    assert total((measure(None, 30),)) is None
    assert total((measure(None, 60), measure(100, 40))) is None  # who did nothing earns nothing by it
