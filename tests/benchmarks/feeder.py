"""Helper process: sends the reference load into a store at its own pace, in twenty slices a second, each pipelined.

    prepare   send the state to start from; answers the last id of each stream
    run       send second after second from now on; answers at once
    stop      stop; answers how many entries went each second and how late the latest slice was

Event times are the moments of sending, on the city's clock as it is set when a word is said. May not know who reads.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from typing import Any, Final

import redis

from dashboard.city.state import Clock
from tests.benchmarks.reference_load import SENSORS, Entry, ReferenceLoad
from tests.benchmarks.stand import PIPELINE, clock_of, speak

SLICES: Final = 20


class Feeder:
    """Sends one load into one store."""

    def __init__(self, address: str, sensors: int) -> None:
        """Connects at the first entry."""
        self.clock = Clock()
        self.redis: redis.Redis = redis.Redis.from_url(address, protocol=2)
        self.load = ReferenceLoad(sensors=sensors)
        self.stopping = threading.Event()
        self.sent, self.late_s = 0, 0.0
        self.thread: threading.Thread | None = None
        self.second = 0
        self.began = 0.0

    def prepare(self) -> dict[str, str]:
        """Send the state to start from."""
        self.clock = clock_of(self.redis)
        last: dict[str, str] = {}
        entries = list(self.load.preparation(self.clock.city_ms(_now_ms())))
        for start in range(0, len(entries), PIPELINE):
            part = entries[start : start + PIPELINE]
            for entry, id_ in zip(part, self._append(part), strict=True):
                last[entry.stream] = id_.decode()
        return last

    def run(self) -> None:
        """Send at the pace of the load until `stop`."""
        began = time.monotonic()
        first = self.second
        while not self.stopping.is_set():
            due = began + (self.second - first)
            sent_ms = _now_ms() + round(1000 * max(0.0, due - time.monotonic()))
            entries = self.load.second(self.second, self.clock.city_ms(sent_ms))
            self.second += 1
            for slice_ in range(SLICES):
                wait_s = due + slice_ / SLICES - time.monotonic()
                if wait_s > 0:
                    self.stopping.wait(wait_s)
                self.late_s = max(self.late_s, -wait_s)
                if self.stopping.is_set():
                    return
                part = entries[slice_::SLICES]
                self._append(part)
                self.sent += len(part)

    def stop(self) -> dict[str, Any]:
        """Stop sending; what was sent."""
        self.stopping.set()
        if self.thread is not None:
            self.thread.join()
        self.stopping.clear()
        return {"entries_per_s": self.sent / (time.monotonic() - self.began), "late_s": round(self.late_s, 3)}

    def start(self) -> None:
        """Send in the background."""
        self.clock = clock_of(self.redis)
        self.sent, self.late_s, self.began = 0, 0.0, time.monotonic()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def _append(self, entries: list[Entry]) -> list[bytes]:
        pipe = self.redis.pipeline(transaction=False)
        for entry in entries:
            pipe.xadd(entry.stream, entry.fields)
        ids: list[bytes] = pipe.execute()
        return ids


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("--sensors", type=int, default=SENSORS)
    chosen = parser.parse_args()
    feeder = Feeder(chosen.address, chosen.sensors)
    for word in sys.stdin:
        if word.strip() == "prepare":
            speak({"last": feeder.prepare()})
        elif word.strip() == "run":
            feeder.start()
            speak({"running": True})
        elif word.strip() == "stop":
            speak(feeder.stop())


if __name__ == "__main__":
    main()
