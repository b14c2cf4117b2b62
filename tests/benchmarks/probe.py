"""What is timed on its way through the city: complaints and positions with a name, sent at uneven moments, and when
each of them was painted in a page. Times are milliseconds since 1970; one machine, one clock.
"""

from __future__ import annotations

import json
import random
import time
from pathlib import Path
from typing import Any, Final

from dashboard.city.places import moved
from dashboard.live.streams import key
from tests.benchmarks.chromium import Page
from tests.benchmarks.reference_load import CENTRE
from tests.benchmarks.stand import PROBES, City

PAUSE_S: Final = (0.08, 0.22)
"""Between a complaint and the next: never in step with the ten frames a second."""
ACROSS: Final = 12
STEP_M: Final = 1_100
"""The grid of the load's incidents; complaints are probed in the middle of its squares, where nothing is near."""

NOTES: Final = Path(__file__).with_name("notes.js").read_text(encoding="utf-8")
"""Runs in every page before its own scripts."""


class Prober:
    """Sends probes into a city and remembers when."""

    def __init__(self, town: City, categories: list[str], seed: int = 8) -> None:
        """The teams of the probes go on duty; complaints are of these `categories` in turn."""
        self.town, self.categories = town, categories
        self.random = random.Random(seed)
        self.sent: dict[str, float] = {}
        self.complaints = self.positions = 0
        for name in PROBES:
            data = {"device": f"device-{name}", "team": name, "state": "on_duty"}
            self._send("patrol", f"duty-{name}", "city.patrol.status", data)

    def send(self, complaints: int) -> None:
        """So many complaints, each with two positions around it, at uneven moments."""
        for _ in range(complaints):
            self._position()
            time.sleep(self.random.uniform(*PAUSE_S))
            self._complaint()
            time.sleep(self.random.uniform(*PAUSE_S))
            self._position()

    def _complaint(self) -> None:
        row, column = divmod(self.complaints % ACROSS**2, ACROSS)
        lat, lon = moved(*CENTRE, (row - ACROSS // 2) * STEP_M, (column - ACROSS // 2) * STEP_M)
        name = str(self.complaints)
        turn = self.complaints + self.complaints // ACROSS**2  # another class when a place comes round again
        category = self.categories[turn % len(self.categories)]
        self.complaints += 1
        data = {
            "complaint": f"probe-{name}", "verb": "report", "category": category, "text": "probe", "lat": lat,
            "lon": lon, "channel": "hotline",
        }  # fmt: skip
        self.sent[f"/bench/probe#{name}"] = self._send("complaint", name, "city.complaint.reported", data)

    def _position(self) -> None:
        team = PROBES[self.positions % len(PROBES)]
        angle = self.positions // len(PROBES)
        self.positions += 1
        lat, lon = moved(*CENTRE, 800 * self.random.uniform(-1, 1), 100 * angle % 5000)
        data = {"device": f"device-{team}", "team": team, "lat": lat, "lon": lon, "speed_mps": 1.4, "battery": 0.9}
        now_ms = time.time_ns() // 1_000_000
        self.sent[f"{team}:{now_ms}"] = self._send(
            "patrol", f"at-{self.positions}", "city.patrol.position", data, now_ms
        )

    def _send(self, stream: str, id_: str, type_: str, data: dict[str, Any], now_ms: int | None = None) -> float:
        now_ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now_ms / 1000)) + f".{now_ms % 1000:03d}Z"
        fields = {"id": id_, "source": "/bench/probe", "type": type_, "time": stamp, "data": json.dumps(data)}
        at = time.time() * 1000
        self.town.redis.xadd(key(stream), fields)
        return at


def painted(page: Page) -> dict[str, float]:
    """When each probe was painted in a page that has been told to watch."""
    found: dict[str, float] = page.evaluate("bench.done")
    return found
