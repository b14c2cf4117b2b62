"""Truth: what really happens in the simulated city: problems that appear, are noticed or not, and end — and its script.

Pure and seeded: the same seed, pack and script give the same city, at any speed. Everything that sensors, people and
patrols then say follows from here, so this is also what correlation and dispatch can be scored against. May not know
how events are sent, nor what the control room thinks.
"""

from __future__ import annotations

import heapq
import math
import tomllib
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from dashboard.city.pack import Pack, Place, Sensor
from dashboard.city.places import distance_m, moved
from dashboard.errors import CannotStart

HOUR_MS: Final = 3_600_000
MINUTE_MS: Final = 60_000
CAMERA_SEES_M: Final = 250
"""A camera notices what happens so near to it (ours)."""
SEEN_AGAIN_MS: Final = 150_000
"""While a problem lasts its camera reports it again every 150 s (ours): half the off-delay of the shipped rule."""

Range = tuple[float, float]


class Burst(Struct, frozen=True, forbid_unknown_fields=True):
    """Many calls about one thing at one place, every day at this time."""

    at: str
    category: str
    place: str
    complaints: int


class Kind(Struct, frozen=True, forbid_unknown_fields=True):
    """How one class of problem behaves; the meaning of each field stands in the script itself."""

    category: str
    where: tuple[str, ...]
    hours: str
    life_min: Range
    service_min: Range
    complaints: float
    share: float = 0
    per_day: float = 0
    sensor: str = ""
    peak: Range = (0, 0)
    camera: float = 0
    patrol: float = 0


class Talk(Struct, frozen=True, forbid_unknown_fields=True):
    """Questions, proposals and map errors."""

    per_day: float
    verbs: dict[str, float]


class TeamHabits(Struct, frozen=True, forbid_unknown_fields=True):
    """How field teams move and answer."""

    car_kmh: Range
    foot_kmh: Range
    patrol_kmh: Range
    delivered_s: Range
    seen_s: Range
    answer_s: Range
    leave_s: Range
    refused: float
    position_moving_s: float
    position_still_s: float
    silent_per_hour: float
    silent_min: Range
    refusals: tuple[str, ...]
    finishes: tuple[str, ...]
    breaks: tuple[tuple[str, str], ...]


class Officer(Struct, frozen=True, forbid_unknown_fields=True):
    """An invented person at another seat."""

    seat: str
    name: str


class OfficerHabits(Struct, frozen=True, forbid_unknown_fields=True):
    """Who sits at the other seats, and how long they let something wait before they take it."""

    hand_over_min: float
    dispatcher: Officer
    supervisor: Officer
    acknowledge_s: Range
    file_s: Range
    dispatch_s: Range
    dispatch_p1_s: Range
    close_s: Range
    place_s: Range
    answer_s: Range
    void_reason: str
    rework_reason: str
    answer: str


class Script(Struct, frozen=True, forbid_unknown_fields=True):
    """`simulation.toml` of a pack: the habits of one city on one kind of day."""

    day: date
    begins: str
    opens: str
    calls_per_day: float
    calls_by_hour: tuple[float, ...]
    address_only: float
    misplaced_m: Range
    in_english: float
    channels: dict[str, float]
    bursts: tuple[Burst, ...]
    kinds: tuple[Kind, ...]
    hours: dict[str, tuple[float, ...]]
    talk: Talk
    teams: TeamHabits
    officers: OfficerHabits

    def at_peak(self, times: float) -> Script:
        """The same day with so many times the calls and problems; what was written as a burst stays one burst."""
        kinds = tuple(replace(kind, per_day=kind.per_day * times) for kind in self.kinds)
        return replace(self, calls_per_day=self.calls_per_day * times, kinds=kinds)

    def moment_ms(self, clock: str, zone: ZoneInfo) -> int:
        """A time of the script's day, ms since 1970 UTC."""
        hours, minutes = (int(part) for part in clock.split(":"))
        midnight = datetime.combine(self.day, time(0), zone)
        return round((midnight + timedelta(hours=hours, minutes=minutes)).timestamp() * 1000)


class Voices(Struct, frozen=True, forbid_unknown_fields=True):
    """`voices.toml` of a pack: what people say, by class of problem; `other` serves classes without own words."""

    families: str
    titles: tuple[str, ...]
    zh: dict[str, tuple[str, ...]]
    en: dict[str, tuple[str, ...]]
    talk: dict[str, tuple[str, ...]]


def load_script(directory: Path | str, pack: Pack) -> Script:
    """The script of a pack.

    Raises:
        CannotStart: there is none, or it names a place, class or shape that is not there.
    """
    path = Path(directory) / "simulation.toml"
    script: Script = _read(path, Script)
    wrong = _wrong(script, pack)
    if wrong:
        raise CannotStart(f"{path}: {wrong}.")
    return script


def load_voices(directory: Path | str, script: Script) -> Voices:
    """The voices of a pack.

    Raises:
        CannotStart: there are none, or words for `other` or for a verb of the script are missing.
    """
    path = Path(directory) / "voices.toml"
    voices: Voices = _read(path, Voices)
    for name, held, needed in (
        ("zh", voices.zh, {"other"}), ("en", voices.en, {"other"}), ("talk", voices.talk, set(script.talk.verbs)),
    ):  # fmt: skip
        missing = sorted(needed - {key for key, said in held.items() if said})
        if missing:
            raise CannotStart(f"{path}: {name} has no words for “{missing[0]}”.")
    return voices


def _read(path: Path, as_type: Any) -> Any:
    try:
        return msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), as_type)
    except FileNotFoundError:
        raise CannotStart(f"{path} is missing: this city cannot be simulated, start it with --no-simulation.") from None
    except (OSError, ValueError) as error:  # TOML and msgspec errors are ValueErrors
        raise CannotStart(f"{path}: {error}.") from None


def _wrong(script: Script, pack: Pack) -> str:
    """What the script names and the pack has not, in words; empty for a sound one."""
    categories, places = {category.key for category in pack.categories}, {place.key for place in pack.places}
    kinds, sensors = {place.kind for place in pack.places}, {sensor.kind for sensor in pack.sensors}
    for name in (*(kind.category for kind in script.kinds), *(burst.category for burst in script.bursts)):
        if name not in categories:
            return f"there is no class “{name}”"
    for burst in script.bursts:
        if burst.place not in places:
            return f"there is no place “{burst.place}”"
    for kind in script.kinds:
        if kind.hours not in script.hours:
            return f"{kind.category}: there is no shape “{kind.hours}”"
        if not kinds.intersection(kind.where):
            return f"{kind.category}: the pack has no place of the kinds {', '.join(kind.where)}"
        if kind.sensor and kind.sensor not in sensors:
            return f"{kind.category}: the pack has no sensor of the kind “{kind.sensor}”"
    for name, shape in (("calls_by_hour", script.calls_by_hour), *script.hours.items()):
        if len(shape) != 24 or sum(shape) <= 0:
            return f"{name}: 24 numbers are needed, not {len(shape)}"
    return ""


# ---- what happens ----


class Problem(Struct):
    """Something wrong in the city. `end_ms`: when it ends by itself; a team on the scene ends it earlier."""

    id: str
    category: str
    lat: float
    lon: float
    place: str
    start_ms: int
    end_ms: int
    sensor: int = -1
    """Index of the sensor of the pack whose values it drives, -1 for none."""
    peak: float = 0
    camera: int = -1
    ended_by: str = ""


class Happening(Struct, frozen=True):
    """One moment: a problem begins, ends, is told by a person, seen by a camera, met by a patrol; or just talk."""

    at_ms: int
    what: Literal["begins", "ends", "told", "seen", "met", "talk"]
    problem: Problem | None
    number: int
    """Counts up over the whole run; ids of events are made of it."""


class City:
    """The simulated city from `start_ms` on: `until(now_ms)` gives what happened since the last call, in order."""

    def __init__(self, script: Script, pack: Pack, seed: int, start_ms: int, first_number: int = 0) -> None:
        """Hours are drawn one by one, each from the seed and its own number, so a run may begin at any hour.

        `first_number` counts on from an earlier run of the city: ids of events are made of numbers.
        """
        self._script, self._pack, self._seed = script, pack, seed
        self._zone = ZoneInfo(pack.time_zone)
        self._start_ms = start_ms
        self._next_hour = start_ms // HOUR_MS
        self._queue: list[tuple[int, int, str, Problem | None]] = []
        self._number = first_number
        self._by_kind: dict[str, list[Place]] = {}
        for place in pack.places:
            self._by_kind.setdefault(place.kind, []).append(place)
        self._places = {place.key: place for place in pack.places}
        self._sensors: dict[str, list[tuple[int, Sensor]]] = {}
        for index, sensor in enumerate(pack.sensors):
            self._sensors.setdefault(sensor.kind, []).append((index, sensor))
        self._kinds = {kind.category: kind for kind in script.kinds}
        bursts = sum(burst.complaints for burst in script.bursts)
        self._calls = (script.calls_per_day - script.talk.per_day - bursts) / sum(kind.share for kind in script.kinds)
        self._radius_m = {category.key: category.merge_radius_m for category in pack.categories}
        self.problems: dict[str, Problem] = {}
        """Those that go on now."""

    def until(self, now_ms: int) -> Iterator[Happening]:
        """Everything that happened up to a moment, in order of time."""
        while self._next_hour * HOUR_MS <= now_ms:
            self._draw_hour(self._next_hour)
            self._next_hour += 1
        while self._queue and self._queue[0][0] <= now_ms:
            at_ms, number, what, problem = heapq.heappop(self._queue)
            if self._still(what, problem, at_ms):
                yield Happening(at_ms, what, problem, number)  # type: ignore[arg-type]

    def handled(self, category: str, lat: float, lon: float, at_ms: int, by: str) -> list[Problem]:
        """A team put things right on the scene: the problems of the class there end.  Returns: them."""
        reach_m = max(self._radius_m.get(category, 50), 150)
        ended = [
            problem
            for problem in self.problems.values()
            if problem.category == category and distance_m(lat, lon, problem.lat, problem.lon) <= reach_m
        ]
        for problem in ended:
            problem.end_ms, problem.ended_by = at_ms, by
            self._push(at_ms, "ends", problem)
        return ended

    def near(self, category: str, lat: float, lon: float, reach_m: float) -> Problem | None:
        """A problem of the class that goes on within reach, None if there is none."""
        for problem in self.problems.values():
            if problem.category == category and distance_m(lat, lon, problem.lat, problem.lon) <= reach_m:
                return problem
        return None

    def service_min(self, category: str) -> Range:
        """Minutes that a team needs on the scene."""
        kind = self._kinds.get(category)
        return kind.service_min if kind else (10, 25)

    def _still(self, what: str, problem: Problem | None, at_ms: int) -> bool:
        """Whether a planned moment still comes: nobody tells of what is over, and nothing ends twice."""
        if problem is None:
            return True
        if what == "begins":
            self.problems[problem.id] = problem
            return True
        if what == "ends":
            return at_ms >= problem.end_ms and self.problems.pop(problem.id, None) is not None
        if at_ms >= problem.end_ms:
            return False
        if what == "seen":
            self._push(at_ms + SEEN_AGAIN_MS, "seen", problem)
        return True

    def _push(self, at_ms: int, what: str, problem: Problem | None) -> None:
        self._number += 1
        heapq.heappush(self._queue, (at_ms, self._number, what, problem))

    # ---- drawing an hour ----

    def _draw_hour(self, hour: int) -> None:
        chance = Random(f"{self._seed}-{hour}")
        local = datetime.fromtimestamp(hour * 3600, self._zone).hour
        for kind in self._script.kinds:
            expected = (self._calls * kind.share / _told(kind) + kind.per_day) * _share(
                self._script.hours[kind.hours], local
            )
            for number in range(_poisson(chance, expected)):
                self._draw_problem(chance, kind, hour, number)
        talks = self._script.talk.per_day * _share(self._script.calls_by_hour, local)
        for _ in range(_poisson(chance, talks)):
            self._push_drawn(hour * HOUR_MS + chance.randrange(HOUR_MS), "talk", None)
        for burst in self._script.bursts:
            at, minute = (int(part) for part in burst.at.split(":"))
            if at == local:
                self._draw_burst(chance, burst, hour * HOUR_MS + minute * MINUTE_MS)

    def _push_drawn(self, at_ms: int, what: str, problem: Problem | None) -> None:
        """The part of the first hour that lies before the start did not happen."""
        if at_ms >= self._start_ms:
            self._push(at_ms, what, problem)

    def _draw_problem(self, chance: Random, kind: Kind, hour: int, number: int) -> None:
        place = self._place(chance, kind.where)
        lat, lon = _near(chance, place, 90)
        sensor, peak = -1, 0.0
        if kind.sensor:
            sensor, lat, lon = self._sensor(chance, kind.sensor, place)
            peak = chance.uniform(*kind.peak)
        start_ms = hour * HOUR_MS + chance.randrange(HOUR_MS)
        if start_ms < self._start_ms:
            return
        end_ms = start_ms + round(chance.uniform(*kind.life_min) * MINUTE_MS)
        problem = Problem(
            f"{kind.category}-{hour}-{number}", kind.category, lat, lon, place.key, start_ms, end_ms, sensor, peak
        )
        self._push(start_ms, "begins", problem)
        self._push(end_ms, "ends", problem)
        self._draw_notice(chance, kind, problem)

    def _draw_notice(self, chance: Random, kind: Kind, problem: Problem) -> None:
        first = chance.random()
        told = _poisson(chance, kind.complaints)
        if first < kind.camera:
            problem.camera = self._camera(problem)
        if problem.camera >= 0:
            self._push(problem.start_ms + chance.randrange(30_000, 240_000), "seen", problem)
            told -= 1
        elif first < kind.camera + kind.patrol:
            self._push(problem.start_ms + chance.randrange(60_000, 900_000), "met", problem)
            told -= 1
        elif not problem.peak:
            told = max(told, 1)  # else nobody would ever know of it
        at_ms = problem.start_ms + chance.randrange(60_000, 480_000)
        for _ in range(told):
            self._push(at_ms, "told", problem)
            at_ms += round(chance.expovariate(1 / (7 * MINUTE_MS)))

    def _draw_burst(self, chance: Random, burst: Burst, start_ms: int) -> None:
        if start_ms < self._start_ms:
            return
        place, kind = self._places[burst.place], self._kinds.get(burst.category)
        lat, lon = _near(chance, place, 40)
        life_min = kind.life_min if kind else (30, 60)
        end_ms = start_ms + round(max(chance.uniform(*life_min), 25) * MINUTE_MS)
        problem = Problem(f"burst-{start_ms}-{burst.category}", burst.category, lat, lon, place.key, start_ms, end_ms)
        if kind and kind.sensor:
            problem.sensor, problem.lat, problem.lon = self._sensor(chance, kind.sensor, place)
            problem.peak = kind.peak[1]
        self._push(start_ms, "begins", problem)
        self._push(end_ms, "ends", problem)
        for _ in range(burst.complaints):
            self._push(start_ms + chance.randrange(20_000, 520_000), "told", problem)

    def _place(self, chance: Random, kinds: tuple[str, ...]) -> Place:
        """A place of one of the kinds; the middle of the city three times as likely as its edge."""
        named = [kind for kind in kinds if kind in self._by_kind]
        while True:
            place = chance.choice(self._by_kind[chance.choice(named)])
            away_km = distance_m(place.lat, place.lon, *self._pack.view[:2]) / 1000
            if chance.random() < max(math.exp(-away_km / 9), 0.06):
                return place

    def _sensor(self, chance: Random, kind: str, place: Place) -> tuple[int, float, float]:
        """One of the three nearest sensors of a kind, as index and place."""
        ranked = sorted(
            self._sensors[kind], key=lambda held: distance_m(place.lat, place.lon, held[1].lat, held[1].lon)
        )
        index, sensor = chance.choice(ranked[: 3 if kind in ("people", "bin_fill") else 2])
        return index, sensor.lat, sensor.lon

    def _camera(self, problem: Problem) -> int:
        """Index of the nearest camera that can see it, -1 if none can."""
        reach = [
            (distance_m(problem.lat, problem.lon, sensor.lat, sensor.lon), index)
            for index, sensor in self._sensors.get("camera", [])
        ]
        nearest = min(reach, default=(math.inf, -1))
        return nearest[1] if nearest[0] <= CAMERA_SEES_M else -1


def _told(kind: Kind) -> float:
    """Calls to expect about one problem: one at least, where neither camera nor patrol was first."""
    first = kind.camera + kind.patrol
    return max((1 - first) * (kind.complaints + math.exp(-kind.complaints)) + first * (kind.complaints - 1), 0.2)


def _share(shape: tuple[float, ...], hour: int) -> float:
    return shape[hour] / sum(shape)


def _near(chance: Random, place: Place, spread_m: float) -> tuple[float, float]:
    return moved(place.lat, place.lon, chance.gauss(0, spread_m), chance.gauss(0, spread_m))


def _poisson(chance: Random, expected: float) -> int:
    """A count with that mean (Knuth's way; exact, and the means here are under 60)."""
    limit, product, count = math.exp(-expected), chance.random(), 0
    while product > limit:
        product *= chance.random()
        count += 1
    return count


# ---- the truth as lines ----


def line(what: str, at_ms: int, fields: Mapping[str, Any]) -> bytes:
    """One line of the truth file: what happened, city time, and the fields of it."""
    return msgspec.json.encode({"what": what, "at_ms": at_ms, **fields}) + b"\n"


def problem_line(happening: Happening) -> bytes:
    """A problem that begins or ends, as a line."""
    problem = happening.problem
    assert problem is not None
    fields = msgspec.to_builtins(problem)
    if happening.what == "ends":
        fields = {"id": problem.id, "category": problem.category, "ended_by": problem.ended_by or "itself"}
    return line(f"problem_{happening.what}", happening.at_ms, fields)
