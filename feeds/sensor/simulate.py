"""Simulated sensors: calm values with the shape of the day, excursions where the truth says so, and what cameras see.

Pure and seeded. A sensor reports at its own rhythm; when time runs fast it is enough that it says its newest value.
May not know how events are sent.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import numpy as np
from numpy.typing import NDArray

from dashboard.city.pack import Sensor
from feeds.envelope import Envelope
from feeds.truth import MINUTE_MS, Happening, Problem

READING: Final = "city.sensor.reading"
DETECTION: Final = "city.sensor.detection"
RAMP_MS: Final = {"people": 4 * MINUTE_MS, "water_level": 6 * MINUTE_MS, "pm10": 3 * MINUTE_MS, "pm25": 3 * MINUTE_MS}
"""How long an excursion takes to reach its height; a noise is there at once."""

# base, amplitude of the day, hour of the maximum, spread of one value, lower and upper end of what is calm: all ours
_CALM: Final[dict[str, tuple[float, float, float, float, float, float]]] = {
    "noise": (46.0, 7.0, 16.0, 2.0, 34.0, 66.0),
    "pm10": (85.0, 25.0, 9.0, 9.0, 15.0, 150.0),
    "pm25": (48.0, 14.0, 21.0, 6.0, 8.0, 110.0),
    "people": (0.9, 0.75, 18.5, 0.12, 0.0, 2.3),
    "water_level": (1.0, 0.0, 0.0, 0.3, 0.0, 4.0),
    "camera": (25.0, 0.0, 0.0, 0.2, 24.0, 25.0),
}
_NIGHT_QUIET: Final = {"noise": 51.0}
"""Between 21:30 and 06:30 nothing calm is above this: the limit of the night is 55."""
_DECIMALS: Final = {"people": 2, "camera": 0, "bin_fill": 0}


class SensorField:
    """All sensors of a pack as arrays."""

    def __init__(self, sensors: Sequence[Sensor], seed: int) -> None:
        """No sensors: an empty field that says nothing."""
        self._sensors = tuple(sensors)
        self._seed = seed
        count = len(self._sensors)
        chance = np.random.default_rng([seed, 1])
        self._every_ms = np.array([round(sensor.every_s * 1000) for sensor in self._sensors], dtype=np.int64)
        self._phase_ms = (chance.random(count) * self._every_ms).astype(np.int64)
        self._lean = chance.normal(0, 1, count)
        self._kind = np.array([sensor.kind for sensor in self._sensors])
        self._bins = {
            "period_ms": (chance.uniform(6, 11, count) * 3_600_000).astype(np.int64),
            "shift_ms": (chance.uniform(0, 11, count) * 3_600_000).astype(np.int64),
        }
        self._heads = [
            f'{{"sensor":{_json(sensor.id)},"kind":{_json(sensor.kind)},"value":' for sensor in self._sensors
        ]
        self._tails = [
            f',"unit":{_json(sensor.unit)},"lat":{sensor.lat},"lon":{sensor.lon}}}' for sensor in self._sensors
        ]
        groups: dict[str, list[int]] = {}
        for index, sensor in enumerate(self._sensors):
            groups.setdefault(sensor.group or sensor.kind, []).append(index)
        self._groups = {name: np.array(members, dtype=np.int64) for name, members in groups.items()}

    def due(self, after_ms: int, now_ms: int, every_ms: int = 0) -> NDArray[np.int64]:
        """Indices of the sensors that report within (after, now]. `every_ms`: none oftener than that."""
        rhythm = np.maximum(self._every_ms, every_ms)
        return np.flatnonzero((now_ms - self._phase_ms) // rhythm > (after_ms - self._phase_ms) // rhythm)

    def values(
        self, indices: NDArray[np.int64], now_ms: int, local_minute: int, problems: Iterable[Problem]
    ) -> NDArray[np.float64]:
        """What those sensors measure at a moment."""
        values = self._calm(indices, now_ms, local_minute)
        driven = {problem.sensor: problem for problem in problems if problem.sensor >= 0 and problem.peak}
        if driven:
            where = {int(index): position for position, index in enumerate(indices)}
            for index, problem in driven.items():
                if index in where:
                    values[where[index]] = self._excursion(index, problem, values[where[index]], now_ms)
        return values

    def events(
        self, after_ms: int, now_ms: int, local_minute: int, problems: Iterable[Problem], every_ms: int = 0
    ) -> list[Envelope]:
        """One event for each network with the newest value of each of its sensors that reported since `after_ms`."""
        indices = self.due(after_ms, now_ms, every_ms)
        if not len(indices):
            return []
        values = dict(zip(indices.tolist(), self.values(indices, now_ms, local_minute, problems), strict=True))
        time = rfc3339(now_ms)
        events = []
        for group, members in self._groups.items():
            said = [index for index in members.tolist() if index in values]
            if said:
                data = f'{{"readings":[{",".join(self._reading(index, values[index]) for index in said)}]}}'
                events.append(Envelope(f"{group}-{now_ms}", f"/sensors/{group}", READING, data.encode(), time))
        return events

    def detection(self, happening: Happening) -> Envelope:
        """What the camera of a problem says of it; now and then it is not sure."""
        problem = happening.problem
        assert problem is not None
        sensor = self._sensors[problem.camera]
        sure = 0.62 + (_hash(f"{problem.id}-{happening.at_ms}") % 36) / 100
        data: dict[str, Any] = {
            "sensor": sensor.id,
            "category": problem.category,
            "confidence": round(sure, 2),
            "lat": round(problem.lat, 6),
            "lon": round(problem.lon, 6),
        }
        id_, source = f"seen-{happening.number}", f"/sensors/{sensor.group or sensor.kind}"
        return Envelope(id_, source, DETECTION, msgspec.json.encode(data), rfc3339(happening.at_ms))

    # ---- values ----

    def _reading(self, index: int, value: float) -> str:
        digits = _DECIMALS.get(self._sensors[index].kind, 1)
        return f"{self._heads[index]}{value:.{digits}f}{self._tails[index]}"

    def _calm(self, indices: NDArray[np.int64], now_ms: int, local_minute: int) -> NDArray[np.float64]:
        chance = np.random.default_rng([self._seed, 2, now_ms // 1000])
        noise = chance.normal(0, 1, len(self._sensors))[indices]
        kinds, lean = self._kind[indices], self._lean[indices]
        values = np.zeros(len(indices))
        hour = local_minute / 60
        for kind, (base, amplitude, best, spread, low, high) in _CALM.items():
            mask = kinds == kind
            if mask.any():
                day = base + amplitude * np.cos((hour - best) / 24 * 2 * np.pi)
                lean_here = spread if kind != "people" else 0.35
                top = min(high, _NIGHT_QUIET.get(kind, high)) if not 390 <= local_minute < 1290 else high
                values[mask] = np.clip(day + lean[mask] * lean_here + noise[mask] * spread, low, top)
        mask = kinds == "bin_fill"
        if mask.any():
            at = indices[mask]
            share = ((now_ms + self._bins["shift_ms"][at]) % self._bins["period_ms"][at]) / self._bins["period_ms"][at]
            values[mask] = 8 + 78 * share
        return values

    def _excursion(self, index: int, problem: Problem, calm: float, now_ms: int) -> float:
        """Up to its height within the ramp of the kind, and a little unrest on top."""
        ramp_ms = RAMP_MS.get(self._sensors[index].kind, 0)
        share = 1.0 if not ramp_ms else min(max((now_ms - problem.start_ms) / ramp_ms, 0.0), 1.0)
        unrest = (_hash(f"{index}-{now_ms // 10_000}") % 100 / 100 - 0.5) * 0.02 * problem.peak
        return calm + (problem.peak - calm) * share + unrest


def rfc3339(ms: int) -> str:
    """A moment as RFC 3339 in UTC, to the millisecond."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(text: str) -> str:
    return msgspec.json.encode(text).decode()


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=4).digest(), "big")
