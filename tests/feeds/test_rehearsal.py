import json
from collections import Counter
from pathlib import Path

import pytest

from dashboard.city.incidents import OPEN
from dashboard.live.engine import Engine
from dashboard.live.memory_streams import MemoryStreams
from dashboard.live.streams import REJECTED, Entry
from feeds.performance import STEP_MS, timed
from feeds.rehearsal import Rehearsal, command_event, rehearse, set_clock
from feeds.simulation import SEED
from tests.feeds.simulated import PACK, SCRIPT, VOICES, at

BASE_MS = 1_795_000_000_000


@pytest.fixture(scope="module")
def afternoon() -> Rehearsal:
    """The afternoon that `comis up` shows."""
    return rehearse(SCRIPT, VOICES, PACK, SEED, at(SCRIPT.begins), at(SCRIPT.opens))


@pytest.fixture(scope="module")
def engine(afternoon: Rehearsal, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """A real engine that has read the afternoon from its streams, as many entries at a time as it likes."""
    clock = [BASE_MS + STEP_MS * len(afternoon.steps) + 10]
    streams = MemoryStreams(lambda: clock[0])
    for stream, ms, number, event in timed(afternoon.steps, 1):
        flat = [p if isinstance(p, bytes) else p.encode() for pair in event.fields().items() for p in pair]
        streams.streams[stream].append(Entry((BASE_MS + ms, number), flat))
    streams.append("command", command_event(set_clock(at(SCRIPT.opens), 1, 2)).fields())
    engine = Engine(streams, PACK, Path(tmp_path_factory.mktemp("snapshots")), lambda: clock[0])
    engine.start()
    while engine.step(wait=False):
        pass
    return engine


def test_the_demonstration_opens_on_a_city_at_work(afternoon: Rehearsal) -> None:
    state = afternoon.desk.state
    incidents = [incident for incident in state.incidents.values() if incident.state in OPEN]
    assert 30 <= len(incidents) <= 50
    stages = Counter(incident.state for incident in incidents)
    assert {"pending_register", "pending_dispatch", "handling", "pending_check"} <= set(stages)
    assert {incident.priority for incident in incidents} == {1, 2, 3}
    shown = Counter(team.shown for team in state.teams.values())
    assert shown["en_route"] >= 3
    assert shown["on_scene"] >= 8
    assert shown["free"] >= 8
    assert any(alert.state == "active" for alert in state.alerts.values())
    closed = [incident for incident in state.incidents.values() if incident.state == "closed"]
    assert len(closed) > 80
    assert {incident.origin for incident in state.incidents.values()} >= {"complaint", "sensor"}


def test_whoever_dispatched_never_closed(afternoon: Rehearsal) -> None:
    for incident in afternoon.desk.state.incidents.values():
        if incident.closed_by and incident.state == "closed":
            assert incident.closed_by.startswith("supervisor/3/")
            assert all(by.startswith("dispatcher/2/") for by in incident.dispatched_by)


def test_the_same_seed_gives_the_same_inputs(afternoon: Rehearsal) -> None:
    short = at("14:00")
    one, two = (rehearse(SCRIPT, VOICES, PACK, SEED, at("13:00"), short) for _ in range(2))
    assert one.steps == two.steps
    assert one.truth == two.truth
    other = rehearse(SCRIPT, VOICES, PACK, SEED + 1, at("13:00"), short)
    assert other.steps != one.steps


def test_an_engine_comes_to_the_same_state_by_its_own_streams(afternoon: Rehearsal, engine: Engine) -> None:
    offline, live = afternoon.desk.state, engine.desk.state

    def told(state) -> dict:
        return {
            incident.id: (incident.number, incident.state, incident.priority, incident.stage_since_ms, incident.due_ms,
                          incident.merged, incident.dispatched_by, incident.closed_at_ms, incident.version)
            for incident in state.incidents.values()
        }  # fmt: skip

    assert told(live) == told(offline)
    assert {a.id: (a.state, a.team, a.steps) for a in live.assignments.values()} == {
        a.id: (a.state, a.team, a.steps) for a in offline.assignments.values()
    }
    assert {a.id: (a.state, a.raised_at_ms, a.incident) for a in live.alerts.values()} == {
        a.id: (a.state, a.raised_at_ms, a.incident) for a in offline.alerts.values()
    }
    assert {t.id: (t.shown, t.duty, t.active) for t in live.teams.values()} == {
        t.id: (t.shown, t.duty, t.active) for t in offline.teams.values()
    }
    assert live.complaints.keys() == offline.complaints.keys()


def test_the_engine_refuses_nothing_of_it_and_its_clock_stands_at_the_opening(engine: Engine) -> None:
    assert engine.streams.streams[REJECTED] == []
    clock = engine.desk.state.clock
    assert (clock.base_city_ms, clock.rate, clock.source) == (at(SCRIPT.opens), 1, "simulation")
    assert engine.streams.records["clock"]["rate"] == "1.0"


def test_ids_grow_in_every_stream_and_steps_stay_apart(afternoon: Rehearsal) -> None:
    last: dict[str, tuple[int, int]] = {}
    for stream, ms, number, _ in timed(afternoon.steps, 1):
        assert (ms, number) > last.get(stream, (-1, 0))
        last[stream] = (ms, number)
    assert max(last.values())[0] == STEP_MS * len(afternoon.steps) - 1


def test_the_truth_tells_which_event_speaks_of_which_problem(afternoon: Rehearsal) -> None:
    lines = [json.loads(line) for line in afternoon.truth]
    kinds = Counter(line["what"] for line in lines)
    assert {"problem_begins", "problem_ends", "told", "seen", "handled"} <= set(kinds)
    problems = {line["id"] for line in lines if line["what"] == "problem_begins"}
    said = {line["event"]: line["problem"] for line in lines if line["what"] == "told"}
    sent = {event.id for step in afternoon.steps for stream, event in step.inputs if stream == "complaint"}
    assert set(said) <= sent
    assert set(said.values()) <= problems
