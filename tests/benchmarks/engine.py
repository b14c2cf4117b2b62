"""Bench *engine*: how fast the engine decides, what it takes of a core at the reference load, how soon it is back.

The real engine process over the real store with the settings that are shipped; it is held still while a backlog is laid
and then let go, so that neither sender nor clock is in the figure.
"""

from __future__ import annotations

import json
import signal
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from dashboard.live import snapshots
from dashboard.live.streams import INPUTS, REJECTED, key
from tests.benchmarks import limits, machine
from tests.benchmarks.figures import Sheet
from tests.benchmarks.pace import Pace
from tests.benchmarks.reference_load import READINGS_PER_ENTRY, Entry, ReferenceLoad
from tests.benchmarks.stand import City, Helper, Watch, city, own_cpu_s, wait_for

BEHIND_S: Final = 240
"""Event times of a backlog lie up to so far behind the city clock, each later than the last: none is a repetition."""
FEW: Final = 6_000
"""Positions in one second of single events: every mover once, so that none is a repetition."""


def run(sheet: Sheet, pace: Pace) -> None:
    """Measure all figures of the engine."""
    wanted = set(sheet.wanted)
    if wanted & {"engine_readings_per_s", "engine_events_per_s"}:
        _throughput(sheet, pace)
    if wanted & {"engine_core_share", "restart_to_live_s"}:
        _at_the_load(sheet, pace)


# ---- throughput ------------------------------------------------------------------------------------------------------


def _throughput(sheet: Sheet, pace: Pace) -> None:
    load = ReferenceLoad()
    with city(load.pack, ("engine",), sheet.say) as town:
        began_ms = time.time_ns() // 1_000_000 - BEHIND_S * 1000
        town.until_handled(town.send(list(load.preparation(began_ms - 1000))))
        backlog = _Backlog(town, load, began_ms)
        sheet.say("engine: readings, 100 in an entry")
        batched = [backlog.measure(backlog.batched(pace.backlog_s)) for _ in range(pace.rounds)]
        _tell(sheet, "engine_readings", batched, READINGS_PER_ENTRY)
        sheet.say("engine: single events")
        single = [backlog.measure(backlog.single(pace.backlog_s // 10)) for _ in range(pace.rounds)]
        _tell(sheet, "engine_events", single, 1)


class Round(NamedTuple):
    """One backlog: entries a second, and microseconds of CPU time for each, of the engine and of the limit."""

    per_s: float
    limit_per_s: float
    cpu_us: float
    limit_cpu_us: float


def _tell(sheet: Sheet, name: str, rounds: list[Round], events_per_entry: int) -> None:
    """The median of all rounds; CPU times beside it, since other work on the machine does not change those."""
    median = Round(*(statistics.median(column) for column in zip(*rounds, strict=True)))
    sheet.put(f"{name}_per_s", median.per_s * events_per_entry, median.limit_per_s * events_per_entry)
    sheet.explain("engine", f"{name}_cpu_us", median.cpu_us / events_per_entry, "µs")
    sheet.explain("engine", f"{name}_limit_cpu_us", median.limit_cpu_us / events_per_entry, "µs")


class _Backlog:
    """Lays inputs while the engine stands still and times how long it takes to handle them."""

    def __init__(self, town: City, load: ReferenceLoad, began_ms: int) -> None:
        self.town, self.load, self.began_ms, self.second = town, load, began_ms, 0

    def batched(self, seconds: int) -> list[Entry]:
        """The sensors' entries of so many seconds of the reference load."""
        return [entry for number, ms in self._seconds(seconds) for entry in self.load.sensor_entries(number, ms)]

    def single(self, seconds: int) -> list[Entry]:
        """Readings one by one and as many positions again, ten thousand and six thousand for each second."""
        entries: list[Entry] = []
        for number, ms in self._seconds(seconds):
            for entry in self.load.sensor_entries(number, ms):
                for reading in msgspec.json.decode(entry.fields[b"data"])["readings"]:
                    fields = {**entry.fields, b"id": b"s%d" % len(entries), b"data": msgspec.json.encode(reading)}
                    entries.append(Entry(entry.stream, fields))
            entries += self.load.positions(number, ms, FEW / 600)
        return entries

    def measure(self, entries: list[Entry]) -> Round:
        """Let the engine handle these, then read and decode them alone."""
        town = self.town
        before = _newest(town)
        town.launcher.kill("engine", signal.SIGSTOP)
        last = town.send(entries)
        pid, began = town.pid("engine"), time.perf_counter()
        cpu_s = machine.cpu_s(pid)
        town.launcher.kill("engine", signal.SIGCONT)
        took_s = town.until_handled(last) - began
        cpu_s = machine.cpu_s(pid) - cpu_s
        limit_cpu_s = own_cpu_s()
        read, limit_s = limits.drain(town.settings.redis_address, before)
        limit_cpu_s = own_cpu_s() - limit_cpu_s
        if read != len(entries) or town.redis.exists(key(REJECTED)):
            raise RuntimeError(f"{read} entries read of {len(entries)}, {town.redis.xlen(key(REJECTED))} rejected")
        count = len(entries)
        return Round(count / took_s, count / limit_s, 1e6 * cpu_s / count, 1e6 * limit_cpu_s / count)

    def _seconds(self, count: int) -> list[tuple[int, int]]:
        first, self.second = self.second, self.second + count
        return [(number, self.began_ms + number * 1000) for number in range(first, first + count)]


def _newest(town: City) -> dict[str, str]:
    """The newest id of every input stream."""
    found = {name: town.redis.xrevrange(key(name), count=1) for name in INPUTS}
    return {name: entries[0][0].decode() if entries else "0-0" for name, entries in found.items()}


# ---- at the reference load -------------------------------------------------------------------------------------------


def _at_the_load(sheet: Sheet, pace: Pace) -> None:
    load = ReferenceLoad()
    with city(load.pack, ("engine",), sheet.say) as town, Helper("feeder", town.settings.redis_address) as feeder:
        town.until_handled({name: id_.encode() for name, id_ in feeder.ask("prepare")["last"].items()})
        feeder.ask("run")
        if "engine_core_share" in sheet.wanted:
            _core_share(sheet, pace, town, feeder)
        if "restart_to_live_s" in sheet.wanted:
            _restarts(sheet, pace, town)
        sheet.explain("engine", "feeder_entries_per_s", feeder.ask("stop")["entries_per_s"], "1/s")


def _core_share(sheet: Sheet, pace: Pace, town: City, feeder: Helper) -> None:
    sheet.say(f"engine: {pace.share_s} s at the reference load")
    with Helper("limits", "read", town.settings.redis_address) as reader:
        reader.ask("begin")
        watch = Watch(engine=town.pid("engine"), redis=town.pid("redis"), feeder=feeder.pid, reader=reader.pid)
        lags = _heartbeats(town, pace.share_s)
        shares = watch.shares()
    sheet.put("engine_core_share", shares["engine"], shares["reader"])
    sheet.explain("engine", "redis_core_share", shares["redis"], "%")
    sheet.explain("engine", "feeder_core_share", shares["feeder"], "%")
    sheet.explain("engine", "engine_lag_max_ms", max(lags), "ms")


def _heartbeats(town: City, seconds: float) -> list[float]:
    """The lag that the engine's heartbeats tell of over some seconds."""
    lags: list[float] = []
    heard = town.telemetry()
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        message = heard.get_message(timeout=0.2)
        if message and message["data"].startswith(b'{"type":"engine"'):
            lags.append(json.loads(message["data"])["lag_ms"])
    heard.close()
    if not lags:
        raise RuntimeError("the engine does not beat")
    return lags


def _restarts(sheet: Sheet, pace: Pace, town: City) -> None:
    """Kill the engine when its snapshot is old, fresh, and in between: the older it is, the more must be read again."""
    took: list[float] = []
    reading: list[float] = []
    for age_s in pace.snapshot_ages_s:
        _age_snapshot(town, age_s)
        sheet.say(f"engine: kill -9, snapshot {age_s} s old")
        took.append(_restart(town))
        reading.append(_time(lambda: snapshots.read(_snapshot(town))))
    sheet.explain("engine", "restart_to_live_s_best", min(took), "s")
    sheet.put("restart_to_live_s", max(took), max(reading))


def _age_snapshot(town: City, age_s: float) -> None:
    """Wait until the newest snapshot holds the reference state and is so old, but not about to be replaced."""
    before = town.snapshot_file()
    if _age_s(town) > age_s or _snapshot(town).stat().st_size < 1_000_000:
        wait_for(lambda: town.snapshot_file() not in ("", before), 90, "no snapshot is written")
    wait_for(lambda: _age_s(town) >= age_s, 90, "the snapshot does not age")


def _snapshot(town: City) -> Path:
    return town.settings.snapshot_dir / town.snapshot_file()


def _age_s(town: City) -> float:
    name = town.snapshot_file()
    return time.time() - int(name.rpartition("-")[2].partition(".")[0]) / 1e9 if name else 0.0


def _restart(town: City) -> float:
    """Kill the engine; seconds until both journal and heartbeat move again."""
    heard = town.telemetry()
    pid = town.pid("engine")
    town.launcher.kill("engine")
    began = time.perf_counter()
    wait_for(lambda: _runs_anew(town, pid), 10, "the engine is not started again", 0.002)
    while heard.get_message(timeout=0) is not None:
        pass  # what the old one had said
    change = town.newest_change()

    def beats() -> bool:
        message = heard.get_message(timeout=0.05)
        return bool(message and message["data"].startswith(b'{"type":"engine"'))

    wait_for(beats, 60, "the engine does not beat again", 0)
    done = wait_for(lambda: town.newest_change() != change, 60, "the journal does not move again", 0.002)
    heard.close()
    return done - began


def _runs_anew(town: City, old: int) -> bool:
    try:
        return town.pid("engine") != old
    except LookupError:
        return False


def _time(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began
