"""Helper process: many moving and changing things for one map, published as the engine publishes its telemetry.

    lay W S E N   so many objects at even places within these bounds, all at once
    run           2,000 visible changes a second from now on: 30 % move by some metres, 70 % change their colour
    stop          stop

Objects are sensors to the web process and the browser, which carry them as any other. The engine does not know them:
its rules would have to be broken 1,400 times a second. May not know who looks.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import sys
import threading
import time
from typing import Any, Final

import redis

from dashboard.live.streams import TELEMETRY, key
from tests.benchmarks.reference_load import ReferenceLoad
from tests.benchmarks.stand import speak

OBJECTS: Final = 20_000
CHANGES_PER_S: Final = 2_000
MOVING_SHARE: Final = 0.3
FRAMES_PER_S: Final = 10
STEP_DEG: Final = 0.00025
"""About 28 m: four pixels at zoom 14."""
FLAGS: Final = (0, 1, 2, 3, 4, 5)
SHARES: Final = (60, 15, 15, 3, 4, 3)
"""A city in a bad hour: one object in ten is in alarm, three in ten are late or silent."""


class Objects:
    """All objects of one map."""

    def __init__(self, address: str, seed: int = 8) -> None:
        """None laid yet."""
        self.redis: redis.Redis = redis.Redis.from_url(address, protocol=2)
        self.random = random.Random(seed)
        self.rows: list[list[Any]] = []
        self.stopping = threading.Event()
        self.thread: threading.Thread | None = None
        self.load = ReferenceLoad(sensors=0)
        self.round = 0

    def lay(self, west: float, south: float, east: float, north: float) -> None:
        """An even grid of objects, none at the very edge."""
        columns = math.ceil(math.sqrt(OBJECTS * 16 / 9))
        lines = math.ceil(OBJECTS / columns)
        self.rows = []
        for number in range(OBJECTS):
            line, column = divmod(number, columns)
            lat = south + (north - south) * (line + 0.5) / lines
            lon = west + (east - west) * (column + 0.5) / columns
            flag = self.random.choices(FLAGS, SHARES)[0]
            self.rows.append([round(lat, 5), round(lon, 5), 50.0, _now_ms(), flag, "noise"])
        self._publish(range(OBJECTS))

    def start(self) -> None:
        """Change in the background."""
        self.stopping.clear()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def stop(self) -> None:
        """Stand still."""
        self.stopping.set()
        if self.thread is not None:
            self.thread.join()

    def _run(self) -> None:
        began, frame = time.monotonic(), 0
        while not self.stopping.wait(max(0.0, began + frame / FRAMES_PER_S - time.monotonic())):
            self._publish([self._change() for _ in range(CHANGES_PER_S // FRAMES_PER_S)])
            if frame % FRAMES_PER_S == 0:
                self._keep_teams()
            frame += 1

    def _change(self) -> int:
        number = self.random.randrange(OBJECTS)
        row = self.rows[number]
        row[3] = _now_ms()
        if self.random.random() < MOVING_SHARE:
            turn = self.random.choice((-STEP_DEG, STEP_DEG))
            row[self.random.randrange(2)] += turn
        else:
            others = [(flag, share) for flag, share in zip(FLAGS, SHARES, strict=True) if flag != row[4]]
            row[4] = self.random.choices(*zip(*others, strict=True))[0]
        return number

    def _publish(self, numbers: Any) -> None:
        rows = {f"object-{number}": self.rows[number] for number in numbers}
        self.redis.publish(
            key(TELEMETRY), json.dumps({"type": "telemetry", "rows": {"sensors": rows}}, separators=(",", ":"))
        )

    def _keep_teams(self) -> None:
        """Positions of the forty teams, eight a second, so that none of them falls silent."""
        self.round += 1
        pipe = self.redis.pipeline(transaction=False)
        for entry in self.load.positions(self.round % 5, _now_ms(), 8 / 600):
            pipe.xadd(entry.stream, entry.fields)
        pipe.execute()


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    objects = Objects(parser.parse_args().address)
    for line in sys.stdin:
        word, *bounds = line.split()
        if word == "lay":
            objects.lay(*map(float, bounds))
        elif word == "run":
            objects.start()
        elif word == "stop":
            objects.stop()
        speak({"objects": len(objects.rows)})


if __name__ == "__main__":
    main()
