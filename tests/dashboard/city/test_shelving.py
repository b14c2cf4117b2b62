"""What is put away asks nothing of anybody, is followed all the same, and comes back to its seat."""

import pytest

from dashboard.city.desk import Desk
from dashboard.city.telemetry import FLAG_ACTIVE, FLAG_NORMAL, FLAG_OUT_OF_SERVICE, FLAG_SHELVED
from tests.cities import HOUR, PACK, T0, City, a_pack

HALF_HOUR = 1800
LOUD = a_pack(rules=tuple(rule for rule in PACK.rules if rule.kind != "silence"))


@pytest.fixture
def city() -> City:
    """A city where one noise meter is too loud."""
    city = City(LOUD)
    city.reading(88.2)
    return city


def shelve(city: City, role: str = "dispatcher", seconds: float = HALF_HOUR, **more):
    given = {"reason": "known_work", "until_ms": city.now_ms + int(seconds * 1000), **more}
    return city.ask("shelve", city.alert().id, role, **given)


def flag(city: City, sensor: str = "n1") -> int:
    return city.desk.telemetry.sensors[sensor].flag


def test_a_shelved_alert_says_by_whom_why_and_until_when(city):
    (change,) = shelve(city)
    alert = city.alert()
    assert (change.type, change.args["until_ms"]) == ("alert_shelved", T0 + HALF_HOUR * 1000)
    assert change.incident == alert.incident  # its timeline says so too
    assert (alert.state, alert.seat, alert.reason) == ("shelved", "active", "known_work")
    assert (alert.shelved_at_ms, alert.shelved_until_ms) == (T0, T0 + HALF_HOUR * 1000)
    assert alert.shelved_by == "dispatcher/1/dispatcher-1"
    assert flag(city) == FLAG_SHELVED


@pytest.mark.parametrize("seconds", [None, 0, -1, 8 * 3600 + 1])
def test_a_shelf_ends_within_a_shift(city, seconds):
    until_ms = None if seconds is None else T0 + seconds * 1000
    given = {"reason": "x", "until_ms": until_ms}
    assert city.refusal("shelve", city.alert().id, **given) == ("shelf_end_missing", {"most_h": 8})
    shelve(city, seconds=8 * 3600)
    assert city.alert().shelved_until_ms == T0 + 8 * HOUR


def test_a_shelf_needs_a_reason_and_the_row_as_it_was_seen(city):
    alert = city.alert()
    assert city.refusal("shelve", alert.id, until_ms=T0 + 1000)[0] == "reason_missing"
    given = {"reason": "x", "until_ms": T0 + 1000}
    assert city.refusal("shelve", alert.id, version=alert.version - 1, **given)[0] == "changed_meanwhile"
    assert city.refusal("shelve", alert.id, "call_taker", **given)[0] == "not_your_role"


def test_an_emergency_is_shelved_by_a_supervisor_alone():
    city = City()
    city.reading(1, "l1", "level")
    city.at(10)
    given = {"reason": "x", "until_ms": city.now_ms + 60_000}
    assert city.refusal("shelve", city.alert().id, **given) == ("urgent_not_shelved", {"role": "dispatcher"})
    shelve(city, "supervisor")
    assert city.alert().state == "shelved"


@pytest.mark.parametrize(
    ("acknowledged", "cleared", "comes_back_as"),
    [(False, False, "active"), (True, False, "acknowledged"), (False, True, "returned"), (True, True, None)],
)
def test_at_its_end_it_comes_back_to_its_seat(city, acknowledged, cleared, comes_back_as):
    if acknowledged:
        city.ask("acknowledge", city.alert().id)
    shelve(city)
    if cleared:
        city.at(60).reading(40)
        city.at(200)
        assert city.alert().cleared_at_ms == T0 + 180_000
    city.at(HALF_HOUR - 1)
    assert city.alert().state == "shelved"
    city.at(HALF_HOUR)
    assert city.changes[-1].type == "alert_unshelved"
    assert city.changes[-1].at_ms == T0 + HALF_HOUR * 1000
    left = [(alert.state, alert.seat, alert.shelved_until_ms) for alert in city.state.alerts.values()]
    assert left == ([] if comes_back_as is None else [(comes_back_as, None, None)])


def test_it_is_taken_out_before_its_end_and_its_timer_then_does_nothing(city):
    shelve(city)
    (change,) = city.ask("unshelve", city.alert().id)
    assert (change.type, change.args["state"], city.alert().state) == ("alert_unshelved", "active", "active")
    city.types()
    city.at(HALF_HOUR)
    assert "alert_unshelved" not in city.types()
    assert city.refusal("unshelve", city.alert().id)[0] == "not_now"


def test_what_is_shelved_is_not_shelved_or_acknowledged(city):
    shelve(city)
    code, args = city.refusal("acknowledge", city.alert().id)
    assert (code, args["state"], args["by"]) == ("not_now", "shelved", "dispatcher/1/dispatcher-1")
    assert city.refusal("shelve", city.alert().id, reason="x", until_ms=T0 + 1000)[0] == "not_now"


def test_a_condition_that_flutters_on_the_shelf_is_one_alert_and_opens_nothing(city):
    city.ask("acknowledge", city.alert().id, disposition="false")  # its incident is void, so it would open another
    shelve(city)
    for at in (60, 400):
        city.at(at).reading(40)
        city.at(at + 130)
        city.reading(90)
    alert = city.alert()
    assert (alert.state, alert.seat, alert.value, alert.cleared_at_ms) == ("shelved", "active", 90, None)
    assert city.state.counts["alert_raised"] == 3  # followed and counted
    assert len(city.state.incidents) == 1
    city.at(HALF_HOUR)
    assert city.alert().state == "active"
    assert len(city.state.incidents) == 2  # it still holds: now somebody is asked
    assert city.alert().incident in {incident.id for incident in city.state.open_incidents()}


def test_a_shelf_outlives_a_restart(city):
    shelve(city)
    city.desk = Desk(city.desk.pack, city.state, city.desk.telemetry)
    city.desk.start(city.now_ms, city.now_ms)
    city.at(HALF_HOUR)
    assert city.alert().state == "active"


def test_a_clock_that_begins_anew_takes_the_shelf_with_it(city):
    shelve(city)
    to_ms = T0 - 30 * 24 * HOUR
    city.ask("set_clock", role="administrator", offset_ms=to_ms, rate=1.0)
    assert city.alert().shelved_until_ms == to_ms + HALF_HOUR * 1000


def test_a_sensor_out_of_service_keeps_its_alert_and_raises_nothing_new(city):
    (change,) = city.ask("out_of_service", "n1", "supervisor", reason="faulty")
    assert (change.type, list(change.rows["out_of_service"])) == ("sensor_out_of_service", ["n1"])
    assert (city.alert().state, city.alert().seat, flag(city)) == ("out_of_service", "active", FLAG_OUT_OF_SERVICE)
    city.reading(300, "n1", "pm10")  # of another kind: no measure
    city.at(60).reading(40)
    city.at(200)
    assert city.alert().seat == "returned"
    city.reading(90)
    assert (city.alert().state, city.alert().seat) == ("out_of_service", "active")
    city.at(9 * 3600)
    assert city.alert().state == "out_of_service"  # until it is put back, however long
    city.ask("in_service", "n1", "supervisor")
    assert city.state.out_of_service == {}
    assert (city.alert().state, city.alert().seat) == ("active", None)
    assert flag(city) == FLAG_ACTIVE


def test_what_began_while_out_of_service_and_still_holds_is_raised_when_it_is_put_back():
    city = City()
    for sensor in ("n1", "n2"):
        city.reading(40, sensor)
    city.ask("out_of_service", "n1", "supervisor", reason="faulty")
    city.at(10).types()
    city.reading(90, "n1")
    assert city.types() == ["signal_held"]
    assert (city.state.alerts, city.state.incidents) == ({}, {})
    city.at(20).ask("in_service", "n1", "supervisor")
    assert city.types() == ["sensor_in_service", "alert_raised", "incident_reported", "alert_linked"]
    assert city.alert().raised_at_ms == T0 + 20_000


def test_what_came_and_went_while_out_of_service_is_no_alert():
    city = City(LOUD)
    city.reading(40)
    city.ask("out_of_service", "n1", "supervisor", reason="faulty")
    city.at(10).reading(90)
    city.at(20).reading(40)
    city.at(200).ask("in_service", "n1", "supervisor")
    assert city.state.alerts == {}
    assert flag(city) == FLAG_NORMAL
    city.at(210).reading(90)
    assert city.alert().state == "active"


def test_a_source_takes_its_sensors_with_it_and_its_silence_is_no_news():
    city = City()
    for number in range(3):
        city.reading(40, f"n{number}", source="/net")
    city.at(1).reading(90, "n0", source="/net")
    city.ask("out_of_service", "/net", "supervisor", reason="being_repaired")
    assert city.alert().state == "out_of_service"
    city.at(600)
    assert [alert.rule for alert in city.state.alerts.values()] == ["loud"]
    assert flag(city, "n2") == FLAG_OUT_OF_SERVICE
    city.ask("in_service", "/net", "supervisor")
    assert city.state.alerts[next(iter(city.state.alerts))].state == "active"


def test_a_sensor_stays_out_while_its_source_is():
    city = City()
    city.reading(90, "n1", source="/net")
    city.ask("out_of_service", "n1", "supervisor", reason="faulty")
    city.ask("out_of_service", "/net", "supervisor", reason="faulty")
    city.ask("in_service", "n1", "supervisor")
    assert city.alert().state == "out_of_service"
    city.ask("in_service", "/net", "supervisor")
    assert city.alert().state == "active"


def test_out_of_service_is_a_supervisors_word_with_a_reason_about_something_known(city):
    assert city.refusal("out_of_service", "n1", "dispatcher", reason="x")[0] == "not_your_role"
    assert city.refusal("out_of_service", "n1", "supervisor")[0] == "reason_missing"
    assert city.refusal("out_of_service", "n99", "supervisor", reason="x")[0] == "not_there"
    city.ask("out_of_service", "n1", "supervisor", reason="x")
    code, args = city.refusal("out_of_service", "n1", "supervisor", reason="x")
    assert (code, args["state"], args["at_ms"]) == ("not_now", "out_of_service", T0)
    assert city.refusal("in_service", "n2", "supervisor")[0] == "not_there"


def test_a_duplicate_may_name_what_it_is_one_of(city):
    other = city.filed(category="vending")
    alert = city.alert()
    given = {"disposition": "duplicate", "duplicate_of": "nothing"}
    assert city.refusal("acknowledge", alert.id, **given)[0] == "not_there"
    change = city.ask("acknowledge", alert.id, disposition="duplicate", duplicate_of=other)[0]
    assert change.args["duplicate_of"] == other


def test_an_incident_that_is_a_duplicate_ends_with_the_number_it_is_one_of(city):
    incident, other = city.alert().incident, city.filed(category="vending")
    for unknown in ("nothing", incident):
        given = {"disposition": "duplicate", "duplicate_of": unknown}
        assert city.refusal("acknowledge_incident", incident, **given)[0] == "not_there"
    changes = city.ask("acknowledge_incident", incident, disposition="duplicate", duplicate_of=other)
    ended = next(change for change in changes if change.type == "incident_voided")
    assert (ended.incident, ended.args["duplicate_of"]) == (incident, other)
    assert city.state.incidents[incident].state == "cancelled"


def test_an_alert_that_ended_with_its_source_out_of_service_is_forgotten_whole():
    city = City(LOUD)
    city.reading(90, "n0", source="/net")
    city.ask("acknowledge", city.alert().id)
    city.ask("out_of_service", "/net", "supervisor", reason="faulty")
    city.at(10).reading(40, "n0", source="/net")
    city.at(200).ask("in_service", "/net", "supervisor")
    assert city.state.alerts == {}
    city.at(210).reading(90, "n0", source="/net")
    assert (city.alert().state, flag(city, "n0")) == ("active", FLAG_ACTIVE)
