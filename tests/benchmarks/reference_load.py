"""The reference load "Beijing": what every bench runs against, seeded, as stream entries that are ready for XADD.

100,000 sensors in 100 entries of 100 readings a second, of which 1 % cross a limit; 600 positions a second of 6,000
people and cars, 40 of them dispatchable teams; a complaint a second with bursts of ten, each correlated against 2,000
open incidents; 300 active alerts. The state is prepared through events like any other. May not know a store.

    load = ReferenceLoad()
    for entry in load.preparation(now_ms): pipe.xadd(entry.stream, entry.fields)
    for second in range(60):
        for entry in load.second(second, now_ms): pipe.xadd(entry.stream, entry.fields)
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from dashboard.city.pack import Pack, PackTeam
from dashboard.city.places import moved
from dashboard.live import packs

SENSORS: Final = 100_000
ENTRIES_PER_S: Final = 100
READINGS_PER_ENTRY: Final = 100
CROSSING_SHARE: Final = 0.01
"""Share of the readings that cross a limit, in either direction."""
ALERTS: Final = 300
MOVERS: Final = 6_000
POSITIONS_PER_S: Final = 600
TEAMS: Final = 40
INCIDENTS: Final = 2_000
COMPLAINTS_PER_S: Final = 1
BURST_PER_S: Final = 10
BURST_EVERY_S: Final = 60
BURST_S: Final = 5
JOINING_SHARE: Final = 0.9
"""Share of the complaints that belong to an open incident; the rest are new ones: 360 an hour plus those of bursts."""

CENTRE: Final = (39.91, 116.40)
_NEVER: Final = ("00:00", "00:00")
_BEIJING: Final = Path(__file__).parents[2] / "packs" / "beijing"

_KINDS: Final = (
    # kind, unit, calm from, calm to, beyond, share of all sensors
    ("noise", "dB(A)", 38.0, 50.0, 88.2, 0.25),
    ("pm10", "µg/m³", 30.0, 120.0, 260.0, 0.25),
    ("people", "p/m²", 0.1, 1.8, 4.6, 0.10),
    ("bin_fill", "%", 5.0, 80.0, 97.0, 0.20),
    ("water_level", "cm", 0.0, 4.0, 30.0, 0.10),
    ("pm25", "µg/m³", 20.0, 90.0, 280.0, 0.10),
)


class Entry(NamedTuple):
    """One stream entry, ready for XADD."""

    stream: str
    fields: dict[bytes, bytes]


class _Spot(NamedTuple):
    category: str
    lat: float
    lon: float


class ReferenceLoad:
    """The load of one seed. Two of one seed give the same bytes for the same times."""

    def __init__(self, seed: int = 8, sensors: int = SENSORS, sector: str = "0") -> None:
        """Fewer `sensors` keep the rates: each then reports more often."""
        self._random = random.Random(seed)
        self._seed = seed
        self._keys = {name: f"comis:{{{sector}}}:{name}" for name in ("sensor", "complaint", "patrol")}
        self.pack = self._pack()
        self._heads: list[str] = []
        self._tails: list[str] = []
        self._calm: list[tuple[float, float]] = []
        self._beyond: list[float] = []
        self._lay_sensors(sensors)
        # sensors that cross their limit with every reading: noise ones hold an alert all the time (its off-delay of
        # 120 s is longer than the time to their next reading), dust ones never outlast their on-delay: no alert, but
        # every crossing is a journaled change
        hot = round(sensors * CROSSING_SHARE)
        by_kind = {kind: [n for n, k in enumerate(self._kind_of) if k == kind] for kind in ("noise", "pm10")}
        self._alerting = set(self._spread(by_kind["noise"], min(ALERTS, hot)))
        self._flipping = self._alerting | set(self._spread(by_kind["pm10"], hot - len(self._alerting)))
        self._spots = self._lay_incidents()
        self._movers = [self._around(12_000) for _ in range(MOVERS)]

    # ---- the state to start from ----

    def preparation(self, now_ms: int) -> Iterator[Entry]:
        """2,000 complaints at places of their own, all sensors once (300 of them in alarm), all teams on duty."""
        time = _time(now_ms)
        for number, team in enumerate(self.pack.teams[:TEAMS]):
            data = {"device": team.device, "team": team.id, "state": "on_duty"}
            yield self._entry(
                "patrol", f"prep-duty-{number}", team.device, "city.patrol.status", time, json.dumps(data)
            )
        for number in range(0, len(self._heads), READINGS_PER_ENTRY):
            batch = range(number, min(number + READINGS_PER_ENTRY, len(self._heads)))
            yield self._readings(f"prep-{number}", batch, time, self._alerting)
        for number, spot in enumerate(self._spots):
            yield self._complaint(f"prep-{number}", spot, time)

    # ---- the load ----

    def second(self, number: int, now_ms: int, rate: float = 1.0) -> list[Entry]:
        """All entries of one second, sensors first; `rate` scales every kind."""
        return [*self.sensor_entries(number, now_ms, rate), *self.positions(number, now_ms, rate),
                *self.complaints(number, now_ms, rate)]  # fmt: skip

    def sensor_entries(self, number: int, now_ms: int, rate: float = 1.0) -> list[Entry]:
        """The sensors in turn: at 100,000 each reports every ten seconds."""
        count, time, held = round(ENTRIES_PER_S * rate), _time(now_ms), len(self._heads)
        start = number * count * READINGS_PER_ENTRY
        entries = []
        for k in range(count):
            first = start + k * READINGS_PER_ENTRY
            batch = [(first + i) % held for i in range(READINGS_PER_ENTRY)]
            beyond = set() if first // held % 2 == 0 else self._flipping  # back in even turns, beyond in odd ones
            entries.append(self._readings(f"{number}-{k}", batch, time, beyond))
        return entries

    def positions(self, number: int, now_ms: int, rate: float = 1.0) -> list[Entry]:
        """People and cars in turn, each moving some metres; the first forty are the teams of the pack."""
        count, time = round(POSITIONS_PER_S * rate), _time(now_ms)
        entries = []
        for k in range(count):
            mover = (number * count + k) % MOVERS
            lat, lon = self._movers[mover]
            angle = (mover * 37 + number) % 360
            lat, lon = moved(lat, lon, 14 * math.cos(math.radians(angle)), 14 * math.sin(math.radians(angle)))
            team = self.pack.teams[mover]
            data = (
                f'{{"device":"{team.device}","team":"{team.id}","lat":{lat:.6f},"lon":{lon:.6f},'
                f'"speed_mps":1.4,"heading_deg":{angle},"accuracy_m":8,"battery":0.8}}'
            )
            entries.append(self._entry("patrol", f"p-{number}-{k}", team.device, "city.patrol.position", time, data))
        return entries

    def complaints(self, number: int, now_ms: int, rate: float = 1.0) -> list[Entry]:
        """One a second; in the last five seconds of every minute ten. Nine of ten join one of the open incidents."""
        bursting = number % BURST_EVERY_S >= BURST_EVERY_S - BURST_S
        count, time = round((BURST_PER_S if bursting else COMPLAINTS_PER_S) * rate), _time(now_ms)
        chance = random.Random(f"{self._seed}-{number}")
        entries = []
        for k in range(count):
            spot = chance.choice(self._spots)
            if chance.random() >= JOINING_SHARE:
                spot = _beside(spot, chance.uniform(-50, 50))
            near = spot._replace(lat=spot.lat + chance.uniform(-1e-4, 1e-4), lon=spot.lon + chance.uniform(-1e-4, 1e-4))
            entries.append(self._complaint(f"{number}-{k}", near, time))
        return entries

    def passing(self, first: int, count: int, now_ms: int) -> list[Entry]:
        """Complaints between the places of the open incidents, each an incident of its own: numbers from `first` on."""
        time = _time(now_ms)
        return [
            self._complaint(f"passing-{number}", _beside(self._spots[number % len(self._spots)], 0), time)
            for number in range(first, first + count)
        ]

    # ---- laying out the city ----

    def _pack(self) -> Pack:
        """Beijing's categories, rules, districts and teams, and 5,960 people and cars that are on nobody's duty list.

        Sensors register themselves by their first reading.
        """
        beijing = packs.load(_BEIJING)
        others = [
            PackTeam(
                f"crew-{n}", f"{n}", f"{n} 号", f"Crew {n}", "", "", "foot", *CENTRE, f"crew-device-{n}", shift=_NEVER
            )
            for n in range(TEAMS + 1, MOVERS + 1)
        ]
        return msgspec.structs.replace(beijing, sensors=(), teams=(*beijing.teams[:TEAMS], *others))

    def _around(self, spread_m: float) -> tuple[float, float]:
        return moved(*CENTRE, self._random.gauss(0, spread_m), self._random.gauss(0, spread_m))

    def _lay_sensors(self, count: int) -> None:
        self._kind_of: list[str] = []
        kinds = self._random.choices(_KINDS, [kind[5] for kind in _KINDS], k=count)
        for number, (kind, unit, low, high, beyond, _) in enumerate(kinds):
            lat, lon = self._around(9_000)
            self._kind_of.append(kind)
            self._heads.append(f'{{"sensor":"ref-{number}","kind":"{kind}","value":')
            self._tails.append(f',"unit":"{unit}","lat":{lat:.5f},"lon":{lon:.5f}}}')
            self._calm.append((low, high))
            self._beyond.append(beyond)

    @staticmethod
    def _spread(numbers: list[int], count: int) -> list[int]:
        """Evenly over the turn, so that every second has its share of crossings."""
        if count <= 0 or not numbers:
            return []
        step = max(len(numbers) / count, 1)
        return [numbers[int(k * step)] for k in range(min(count, len(numbers)))]

    def _lay_incidents(self) -> list[_Spot]:
        """A grid of 1.1 km: none joins another, no burst."""
        keys = [category.key for category in self.pack.categories]
        side = math.ceil(math.sqrt(INCIDENTS))
        spots = []
        for number in range(INCIDENTS):
            row, column = divmod(number, side)
            spots.append(
                _Spot(keys[number % len(keys)], *moved(*CENTRE, (row - side / 2) * 1100, (column - side / 2) * 1100))
            )
        return spots

    # ---- bytes ----

    def _readings(self, id_: str, batch: range | list[int], time: bytes, beyond: set[int]) -> Entry:
        parts = []
        for n in batch:
            low, high = self._calm[n]
            value = self._beyond[n] if n in beyond else low + (high - low) * ((n * 7919) % 1000) / 1000
            parts.append(f"{self._heads[n]}{value:.1f}{self._tails[n]}")
        data = f'{{"readings":[{",".join(parts)}]}}'
        return self._entry("sensor", f"r-{id_}", "sensors", "city.sensor.reading", time, data)

    def _complaint(self, id_: str, spot: _Spot, time: bytes) -> Entry:
        data = (
            f'{{"complaint":"ref-{id_}","verb":"report","category":"{spot.category}",'
            f'"text":"基准负载 reference load {id_}","lat":{spot.lat:.6f},"lon":{spot.lon:.6f},"channel":"hotline"}}'
        )
        return self._entry("complaint", f"c-{id_}", "hotline", "city.complaint.reported", time, data)

    def _entry(self, stream: str, id_: str, source: str, type_: str, time: bytes, data: str) -> Entry:
        fields = {
            b"id": id_.encode(),
            b"source": f"/reference/{source}".encode(),
            b"type": type_.encode(),
            b"time": time,
            b"data": data.encode(),
        }
        return Entry(self._keys[stream], fields)


def _beside(spot: _Spot, east_m: float) -> _Spot:
    """Too far from its neighbours to join one of them."""
    return _Spot(spot.category, *moved(spot.lat, spot.lon, 450, east_m))


def _time(ms: int) -> bytes:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z").encode()
