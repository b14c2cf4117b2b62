"""The stand of all benches: the real processes over a real store in a directory of their own, the pack of the reference
load, and helper processes that feed and watch. Nothing of it outlives the bench.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import redis

from dashboard.city.pack import Pack, PackTeam
from dashboard.city.state import Clock
from dashboard.live.launcher import Launcher, running, temporary_settings
from dashboard.live.streams import CHANGE, CLOCK, CURSOR, REJECTED, SNAPSHOT, TELEMETRY, key
from dashboard.settings import REPOSITORY, Settings
from tests.benchmarks import machine

REDIS_MB: Final = 3_000
PIPELINE: Final = 200
"""Entries sent in one go: about 2 MB at 100 readings an entry."""
PROBES: Final = tuple(f"probe-{number}" for number in range(8))
"""Teams beside those of the load, whose positions are timed from the door to the pixel."""
CATCH_UP_S: Final = 120.0


class City:
    """The running processes of one city, and the store behind them."""

    def __init__(self, settings: Settings, launcher: Launcher) -> None:
        """For a city that has been started."""
        self.settings, self.launcher = settings, launcher
        self.redis: redis.Redis = redis.Redis.from_url(settings.redis_address, protocol=2)

    def pid(self, part: str) -> int:
        """The process of a part as it runs now."""
        return self.launcher.pid(part)

    def send(self, entries: Sequence[Any]) -> dict[str, bytes]:
        """Append entries as fast as the store keeps them.  Returns: the last id of each stream."""
        last: dict[str, bytes] = {}
        for start in range(0, len(entries), PIPELINE):
            part = entries[start : start + PIPELINE]
            pipe = self.redis.pipeline(transaction=False)
            for entry in part:
                pipe.xadd(entry.stream, entry.fields)
            for entry, id_ in zip(part, pipe.execute(), strict=True):
                last[entry.stream] = id_
        return last

    def handled(self, last: dict[str, bytes]) -> bool:
        """Whether the engine's cursor has passed these ids."""
        raw = self.redis.get(key(CURSOR))
        after: dict[str, str] = msgspec.json.decode(raw)["after"] if raw else {}
        return all(
            _id(after.get(stream.rpartition(":")[2], "0-0")) >= _id(id_.decode()) for stream, id_ in last.items()
        )

    def until_handled(self, last: dict[str, bytes], timeout_s: float = CATCH_UP_S) -> float:
        """Wait for the engine.  Returns: when it was seen to be done, as `time.perf_counter`.  Raises: TimeoutError."""
        return wait_for(lambda: self.handled(last), timeout_s, "the engine does not catch up")

    def snapshot_file(self) -> str:
        """Name of the newest snapshot; none yet: empty."""
        return (self.redis.hget(key(SNAPSHOT), "file") or b"").decode()

    def newest_change(self) -> bytes:
        """Id of the newest journal entry; none yet: `0-0`."""
        entries = self.redis.xrevrange(key(CHANGE), count=1)
        return entries[0][0] if entries else b"0-0"

    def clock(self) -> Clock:
        """The city's clock as it is set."""
        return clock_of(self.redis)

    def refused(self) -> int:
        """How many events it could not take: a load of which some are refused is not the load."""
        return int(self.redis.xlen(key(REJECTED)))

    def telemetry(self) -> Any:
        """A subscription to what the engine publishes."""
        heard = self.redis.pubsub(ignore_subscribe_messages=True)
        heard.subscribe(key(TELEMETRY))
        return heard


@contextlib.contextmanager
def city(pack: Pack | None, parts: Sequence[str], say: Callable[[str], None]) -> Iterator[City]:
    """A city of its own for as long as the block lasts; without a pack the shipped one."""
    with tempfile.TemporaryDirectory(prefix="comis-bench-") as name:
        directory = Path(name)
        changes: dict[str, Any] = {"redis_memory_mb": REDIS_MB, "log_level": "WARNING"}
        if pack is not None:
            changes["pack"] = write_pack(pack, directory / "pack")
        settings = temporary_settings(directory / "var", **changes)
        with running(settings, parts, say=say) as launcher:
            made = City(settings, launcher)
            try:
                yield made
            finally:
                made.redis.close()


def write_pack(pack: Pack, directory: Path) -> Path:
    """The shipped pack with the teams of the load and the probes, and without sensors: those register themselves."""
    shutil.copytree(REPOSITORY / "packs" / "beijing", directory)
    probes = [
        PackTeam(name, f"P{n}", name, name, "", "", "foot", 39.9, 116.4, f"device-{name}")
        for n, name in enumerate(PROBES)
    ]
    for stem, rows in (("teams", [*pack.teams, *probes]), ("sensors", []), ("devices", [])):
        (directory / f"{stem}.toml").unlink(missing_ok=True)
        (directory / f"{stem}.json").write_bytes(msgspec.json.encode({stem: rows}))
    return directory


class Helper:
    """A process that works beside the bench: told by lines, answers by lines of JSON, ends when it is let go."""

    def __init__(self, module: str, *arguments: object) -> None:
        """Start `python -m tests.benchmarks.<module>`."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"tests.benchmarks.{module}", *map(str, arguments)],
            cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.name = module

    @property
    def pid(self) -> int:
        """Its process id."""
        return self.process.pid

    def ask(self, word: str, timeout_s: float = 120.0) -> dict[str, Any]:
        """Say a word and take the answer.  Raises: TimeoutError, RuntimeError where it has ended."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{word}\n".encode())
        self.process.stdin.flush()
        return self.answer(timeout_s)

    def answer(self, timeout_s: float = 120.0) -> dict[str, Any]:
        """Its next line.  Raises: TimeoutError, RuntimeError where it has ended."""
        assert self.process.stdout is not None
        with selectors.DefaultSelector() as selector:
            selector.register(self.process.stdout, selectors.EVENT_READ)
            if not selector.select(timeout_s):
                raise TimeoutError(f"{self.name} does not answer")
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} has ended")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """Let it end; one that does not is ended."""
        with contextlib.suppress(OSError):
            if self.process.stdin is not None:
                self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def __enter__(self) -> Helper:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Watch:
    """CPU time of processes over a span: `share` of one core each, in percent."""

    def __init__(self, **pids: int) -> None:
        """Begin now."""
        self.pids = pids
        self.began = time.perf_counter()
        self.before = {name: machine.cpu_s(pid) for name, pid in pids.items()}

    def shares(self) -> dict[str, float]:
        """Percent of a core that each has taken since the beginning."""
        wall = time.perf_counter() - self.began
        return {name: 100 * (machine.cpu_s(pid) - self.before[name]) / wall for name, pid in self.pids.items()}


def clock_of(store: redis.Redis) -> Clock:
    """The city's clock as it is set; a store that holds none has the live one."""
    held = {name.decode(): value.decode() for name, value in store.hgetall(key(CLOCK)).items()}
    return msgspec.convert(held, Clock, strict=False)


def wait_for(condition: Callable[[], object], timeout_s: float, otherwise: str, pause_s: float = 0.01) -> float:
    """Wait until something holds.  Returns: that moment as `time.perf_counter`.  Raises: TimeoutError."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{otherwise} within {timeout_s:.0f} s")
        time.sleep(pause_s)
    return time.perf_counter()


def speak(answer: dict[str, Any]) -> None:
    """A helper's answer to the bench that started it."""
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


def own_cpu_s() -> float:
    """CPU time of this process."""
    return machine.cpu_s(os.getpid())


def _id(text: str) -> tuple[int, int]:
    ms, _, ordinal = text.partition("-")
    return int(ms), int(ordinal or 0)
