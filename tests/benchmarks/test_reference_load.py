from collections import Counter

import msgspec

from dashboard.city.desk import Desk
from dashboard.city.events import Readings
from dashboard.city.incidents import OPEN
from dashboard.city.state import Clock
from dashboard.live import wire
from dashboard.live.streams import Entry as StreamEntry
from tests.benchmarks.reference_load import ALERTS, INCIDENTS, TEAMS, Entry, ReferenceLoad

NOW_MS = 1_790_940_600_000  # 19:30 of 2 October 2026 in Beijing
SMALL = ReferenceLoad(sensors=40_000)


def event_of(entry: Entry, now_ms: int):
    flat = [part for pair in entry.fields.items() for part in pair]
    return wire.read_event(StreamEntry((1, 0), flat), SMALL.pack.bounds, Clock(base_city_ms=now_ms, base_real_ms=1))


def test_one_seed_gives_one_load() -> None:
    again = ReferenceLoad(sensors=40_000)
    assert again.second(7, NOW_MS) == SMALL.second(7, NOW_MS)
    assert list(again.preparation(NOW_MS))[-1] == list(SMALL.preparation(NOW_MS))[-1]


def test_a_second_has_the_rates_of_the_load() -> None:
    kinds = Counter(entry.fields[b"type"] for entry in SMALL.second(0, NOW_MS))
    assert kinds == {b"city.sensor.reading": 100, b"city.patrol.position": 600, b"city.complaint.reported": 1}
    assert len(SMALL.complaints(59, NOW_MS)) == 10
    readings = [event_of(entry, NOW_MS).data for entry in SMALL.sensor_entries(0, NOW_MS)]
    assert all(isinstance(data, Readings) and len(data.readings) == 100 for data in readings)


def test_a_desk_takes_all_of_it_and_holds_the_state_of_the_load() -> None:
    desk = Desk(SMALL.pack)
    desk.start(NOW_MS, NOW_MS, SMALL.pack)
    for entry in SMALL.preparation(NOW_MS):
        desk.receive(event_of(entry, NOW_MS), NOW_MS, NOW_MS)
    state = desk.state
    assert sum(alert.state == "active" for alert in state.alerts.values()) == ALERTS
    complaints = [i for i in state.incidents.values() if i.state in OPEN and i.origin == "complaint"]
    assert len(complaints) == INCIDENTS
    assert sum(team.duty == "on_duty" for team in state.teams.values()) == TEAMS

    crossings = 0
    for second in range(8):
        now_ms = NOW_MS + 1000 * (second + 1)
        for entry in SMALL.second(second, now_ms):
            changes = desk.receive(event_of(entry, now_ms), now_ms, now_ms)
            if entry.fields[b"type"] == b"city.sensor.reading":
                crossings += sum(change.type.startswith("signal_") for change in changes)
    # 80,000 readings; the first turn brings only those in alarm back
    assert 400 <= crossings <= 800
    assert sum(alert.state == "active" for alert in state.alerts.values()) == ALERTS
    assert msgspec.json.encode(state.counts)
