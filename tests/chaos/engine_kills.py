"""The engine is killed at random moments under load; then every input was handled once, and nothing else is different.

The run without kills is the same entries, with the same ids, given to an engine over a store in memory.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
import redis

from dashboard.city.changes import Change
from dashboard.city.commands import Command, Person
from dashboard.city.state import Clock
from dashboard.live import packs
from dashboard.live.engine import Engine
from dashboard.live.launcher import Launcher, running, temporary_settings
from dashboard.live.memory_streams import MemoryStreams
from dashboard.live.redis_streams import RedisStreams
from dashboard.live.streams import CLOCK, CURSOR, INPUTS, TELEMETRY, Cursor, format_id, key, parse_id
from dashboard.live.wire import decode_journal
from dashboard.settings import Settings
from tests.histories import alerts_of
from tests.waiting import until

TICK_S = 0.05
"""The feeder sends twenty times a second, in one pipeline."""
SENSORS, TEAMS_SHARE, COMPLAINTS_SHARE = 1_000, 0.25, 0.05
RATE, CITY_MS, BAD_MS = 20.0, 1_790_800_000_000, 180_000
"""The city clock goes 20 times as fast, so that delays of minutes end; one sensor of fifty is bad for three minutes."""
LIVE_LAG_MS = 1_000
"""An engine is live again when it beats and is not farther behind than this."""


@dataclass
class Run:
    """What happened."""

    entries: dict[str, list[str]] = field(default_factory=lambda: {stream: [] for stream in INPUTS})
    """Every entry that the store said it had, by stream."""
    kills: list[float] = field(default_factory=list)
    live_s: list[float] = field(default_factory=list)
    """From each kill to the first heartbeat of the next engine that had caught up."""
    changes: list[Change] = field(default_factory=list)
    orders: list[list[Any]] = field(default_factory=list)
    cursor: Cursor = field(default_factory=Cursor)
    rejected: int = 0
    calm: list[tuple[Any, ...]] = field(default_factory=list)
    alerts: list[tuple[Any, ...]] = field(default_factory=list)


class Load:
    """Mixed events with event times of their own: 70 % readings, 25 % positions, 5 % complaints."""

    def __init__(self, seed: int, pack: Any) -> None:
        self.random, self.pack, self.number = Random(f"load-{seed}"), pack, 0
        west, south, east, north = pack.bounds
        self.lat, self.lon = (south + north) / 2, (west + east) / 2
        self.categories = [category.key for category in pack.categories]

    def event(self, now_ms: int) -> tuple[str, dict[str, str]]:
        self.number += 1
        dice = self.random.random()
        if dice < COMPLAINTS_SHARE:
            return self._complaint(now_ms)
        return self._position(now_ms) if dice < COMPLAINTS_SHARE + TEAMS_SHARE else self._reading(now_ms)

    def _place(self) -> dict[str, float]:
        return {"lat": self.lat + self.random.uniform(-0.05, 0.05), "lon": self.lon + self.random.uniform(-0.05, 0.05)}

    def _reading(self, now_ms: int) -> tuple[str, dict[str, str]]:
        kind, calm, bad = self.random.choice((("noise", 40, 90), ("pm10", 80, 300), ("water_level", 2, 30)))
        number = self.random.randrange(SENSORS)
        value = bad if (number + now_ms // BAD_MS) % 50 == 0 else calm
        data = {
            "sensor": f"{kind}-{number}",
            "kind": kind,
            "value": value,
            "unit": "u",
            "lat": self.lat,
            "lon": self.lon,
        }
        return self._entry("sensor", "city.sensor.reading", "/chaos/net", now_ms, data)

    def _position(self, now_ms: int) -> tuple[str, dict[str, str]]:
        team = self.random.choice(self.pack.teams)
        data = {"device": team.device, "team": team.id, **self._place()}
        return self._entry("patrol", "city.patrol.position", "/chaos/gw", now_ms, data)

    def _complaint(self, now_ms: int) -> tuple[str, dict[str, str]]:
        data = {"complaint": f"k{self.number}", "verb": "report", "text": "问题", "channel": "hotline", **self._place()}
        data["category"] = self.random.choice(self.categories)
        return self._entry("complaint", "city.complaint.reported", "/chaos/hotline", now_ms, data)

    def _entry(
        self, stream: str, type_: str, source: str, now_ms: int, data: dict[str, Any]
    ) -> tuple[str, dict[str, str]]:
        time_ = datetime.fromtimestamp((now_ms - self.random.choice((0, 0, 200, 3_000))) / 1000, UTC).isoformat()
        raw = json.dumps(data, ensure_ascii=False)
        return stream, {"id": f"e{self.number}", "source": source, "type": type_, "time": time_, "data": raw}


class Beats(threading.Thread):
    """Hears every heartbeat of every engine."""

    def __init__(self, address: str) -> None:
        super().__init__(daemon=True)
        self.address, self.heard, self.ended = address, list[tuple[float, dict[str, Any]]](), threading.Event()

    def run(self) -> None:
        with redis.Redis.from_url(self.address) as client, client.pubsub(ignore_subscribe_messages=True) as pubsub:
            pubsub.subscribe(key(TELEMETRY))
            while not self.ended.is_set():
                message = pubsub.get_message(timeout=0.2)
                if message and message["data"].startswith(b'{"type":"engine"'):
                    self.heard.append((time.monotonic(), json.loads(message["data"])))


def kill_engines(seed: int, kills: int, seconds: float, rate: int = 2_000) -> Run:
    """The whole story: load, kills, and what is left of it."""
    with TemporaryDirectory(prefix="comis-") as directory:
        settings = temporary_settings(Path(directory))
        with running(settings, parts=("engine",), say=lambda _line: None) as launcher:
            run = _load_and_kill(launcher, settings, seed, kills, seconds, rate)
            _collect(run, settings)
    return run


def _load_and_kill(launcher: Launcher, settings: Settings, seed: int, kills: int, seconds: float, rate: int) -> Run:
    run, load, random = Run(), Load(seed, packs.load(settings.pack)), Random(f"kills-{seed}")
    beats = Beats(settings.redis_address)
    beats.start()
    with redis.Redis.from_url(settings.redis_address) as client:
        until(lambda: beats.heard)
        clock = Clock(CITY_MS, time.time_ns() // 1_000_000, RATE, "simulation")
        turned = Command(
            id="clock", verb="set_clock", person=Person("1", "administrator", "chaos"), offset_ms=CITY_MS, rate=RATE
        )
        data = msgspec.json.encode(turned)
        id_ = client.xadd(key("command"), {"id": "clock", "source": "/seats/1", "type": "city.command", "data": data})
        run.entries["command"].append(id_.decode())
        until(lambda: client.exists(key(CLOCK)))
        share = seconds / (kills + 1)
        moments = [share * (number + 1) + random.uniform(-0.4, 0.4) * share for number in range(kills)]
        began, sent, pace = time.monotonic(), 0, threading.Event()
        while (now := time.monotonic() - began) < seconds:
            if moments and now >= moments[0] and _live(run, beats, len(run.kills)):
                moments.pop(0)
                run.kills.append(time.monotonic())
                launcher.kill("engine")
            pipeline = client.pipeline(transaction=False)
            streams = []
            while sent < now * rate:
                stream, fields = load.event(clock.city_ms(time.time_ns() // 1_000_000))
                streams.append(stream)
                pipeline.xadd(key(stream), fields)  # type: ignore[arg-type]
                sent += 1
            for stream, id_ in zip(streams, pipeline.execute(), strict=True):
                run.entries[stream].append(id_.decode())
            pace.wait(TICK_S)
        until(lambda: _handled(client, run) and _live(run, beats, len(run.kills)), timeout_s=60)
    beats.ended.set()
    beats.join()
    return run


def _handled(client: Any, run: Run) -> bool:
    cursor = msgspec.json.decode(client.get(key(CURSOR)), type=Cursor)
    return all(cursor.after.get(stream) == ids[-1] for stream, ids in run.entries.items() if ids)


def _live(run: Run, beats: Beats, kills: int) -> bool:
    """Whether an engine was live after each kill, and how soon."""
    run.live_s.clear()
    for killed, following in pairwise([*run.kills, float("inf")]):
        alive = [
            at for at, beat in list(beats.heard) if killed + 0.02 < at < following and beat["lag_ms"] < LIVE_LAG_MS
        ]
        if alive:
            run.live_s.append(alive[0] - killed)
    return len(run.live_s) == kills


# ---- what is left of it ---------------------------------------------------------------------------------------------


def _collect(run: Run, settings: Settings) -> None:
    streams = RedisStreams(settings.redis_address)
    with redis.Redis.from_url(settings.redis_address) as client:
        run.cursor = msgspec.json.decode(client.get(key(CURSOR)), type=Cursor)
        after, raw = "0-0", []
        while page := streams.journal(after, 1_000):
            raw += [entry for _, entry in page]
            after = page[-1][0]
        run.rejected = client.xlen(key("rejected"))
        calm = MemoryStreams(lambda: run.cursor.handled_ms)
        for stream in INPUTS:
            calm.streams[stream] = streams.range(stream, "-", "+", 1 << 30)
    for entry in map(decode_journal, raw):
        run.changes += entry.changes
        run.orders += entry.order
    run.orders += run.cursor.order
    with TemporaryDirectory() as directory:
        began_ms = run.changes[0].received_ms
        now = [began_ms]
        calm.now_ms = lambda: now[0]
        engine = Engine(calm, packs.load(settings.pack), Path(directory), lambda: now[0])
        engine.start()
        now[0] = run.cursor.handled_ms
        while engine.step(wait=False):
            pass
    calm_changes = [c for _, entry in calm.journal("0-0", 1 << 30) for c in decode_journal(entry).changes]
    clock = engine.desk.state.clock
    until_ms = clock.city_ms(run.cursor.handled_ms) - 2_000  # the real engine went on while it was looked at
    run.alerts, run.calm = _up_to(until_ms, alerts_of(run.changes)), _up_to(until_ms, alerts_of(calm_changes))


def _up_to(until_ms: int, alerts: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """What was known of alerts at a city time."""
    return [
        (rule, subject, raised_ms, cleared_ms if cleared_ms is not None and cleared_ms <= until_ms else None)
        for rule, subject, raised_ms, cleared_ms in alerts
        if raised_ms <= until_ms
    ]


def verdict(run: Run) -> list[dict[str, Any]]:
    """Figures of a run, each with whether it holds."""
    events = sum(map(len, run.entries.values()))
    lost, doubled = _once(run)
    seqs = [change.seq for change in run.changes]
    received = [change.cause for change in run.changes if change.type == "complaint_received"]
    differing = len(set(run.alerts) ^ set(run.calm))
    slowest = max(run.live_s, default=0.0)
    median = sorted(run.live_s)[len(run.live_s) // 2] if run.live_s else 0.0
    complaints = len(run.entries["complaint"])
    return [
        _figure("engine_kills", len(run.kills), "", len(run.live_s) == len(run.kills)),
        _figure("events_accepted", events, "", events > 0),
        _figure("events_rejected", run.rejected, "", run.rejected == 0),
        _figure(
            "events_lost", lost + complaints - len(set(received)), "", lost == 0 and len(set(received)) == complaints
        ),
        _figure("events_handled_twice", doubled, "", doubled == 0),
        _figure("changes", len(seqs), "", seqs == list(range(1, len(seqs) + 1))),
        _figure("changes_doubled", len(received) - len(set(received)), "", len(received) == len(set(received))),
        _figure("alerts", len(run.alerts), "", len(run.alerts) > 0),
        _figure("alerts_unlike_without_kills", differing, "", differing == 0),
        _figure("restart_to_live_max_s", round(slowest, 2), "s", slowest < 3),
        _figure("restart_to_live_median_s", round(median, 2), "s", median < 3),
    ]


def _figure(figure: str, value: float, unit: str, holds: bool) -> dict[str, Any]:
    return {"bench": "engine_kills", "figure": figure, "value": value, "unit": unit, "holds": bool(holds)}


def _once(run: Run) -> tuple[int, int]:
    """How many entries the journal's order does not name, and how many it names twice."""
    lost = doubled = 0
    for stream, ids in run.entries.items():
        at = {id_: index for index, id_ in enumerate(ids)}
        named = [0] * len(ids)
        for first, last, count in (item[1:] for item in run.orders if item[0] == stream):
            covered = range(at[first], at[last] + 1)
            assert len(covered) == count, (stream, first, last, count)
            for index in covered:
                named[index] += 1
        lost += named.count(0)
        doubled += sum(times - 1 for times in named if times > 1)
        assert ids == sorted(ids, key=parse_id)
        assert all(format_id(parse_id(id_)) == id_ for id_ in ids[:10])
    return lost, doubled
