"""Simulated field teams: they walk their round or drive their beat, take breaks, answer orders, fall silent.

Pure and seeded: a team is asked what it said up to a moment, so the same team runs at any speed, offline or behind a
real device. May not know sockets, nor anything of the control room but its orders.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import Any, Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from dashboard.city.pack import PackTeam
from dashboard.city.places import bearing_deg, distance_m, moved
from dashboard.city.rules import LocalTime, within
from feeds.truth import MINUTE_MS, Range, TeamHabits

CORNER_M: Final = 500
"""A way longer than this turns once, as on a grid of avenues; a shorter one is straight (ours)."""
BEAT_M: Final = {"foot": 160.0, "car": 1300.0}
"""How far from its post a free team goes (ours)."""
REST_MIN: Final = {"foot": (2.0, 6.0), "car": (3.0, 9.0)}
"""Minutes a free team stands between two ways (ours)."""
_NEVER: Final = 2**62

Point = tuple[float, float]


class Said(Struct, frozen=True):
    """One message of a team's device: `status`, `position`, `feedback` or `finding`, with its fields."""

    at_ms: int
    word: str
    fields: dict[str, Any]


class Order(Struct, frozen=True):
    """What a team needs of an order. `what` is `assignment`, `recall` or `message`."""

    what: str
    assignment: str
    category: str
    lat: float
    lon: float
    kind: str = "handle"
    id: str = ""


class _Leg(Struct, frozen=True):
    start: Point
    end: Point
    from_ms: int
    to_ms: int

    def at(self, now_ms: int) -> Point:
        if now_ms >= self.to_ms or self.to_ms == self.from_ms:
            return self.end
        share = max(now_ms - self.from_ms, 0) / (self.to_ms - self.from_ms)
        return self.start[0] + (self.end[0] - self.start[0]) * share, self.start[1] + (
            self.end[1] - self.start[1]
        ) * share


class Team:
    """One team and its device."""

    def __init__(
        self,
        team: PackTeam,
        number: int,
        habits: TeamHabits,
        time_zone: str,
        seed: int,
        start_ms: int,
        service_min: Callable[[str], Range],
    ) -> None:
        """`number` counts the teams and decides about breaks; `service_min`: the minutes a class of problem takes."""
        self.team, self._habits, self._service_min = team, habits, service_min
        self._local = LocalTime(str(ZoneInfo(time_zone)))
        self._chance = Random(f"{seed}-{team.id}")
        slots = len(habits.breaks)
        self._break = habits.breaks[number % (slots * 2)] if number % (slots * 2) < slots else None
        self.duty = "off_duty"
        self.order: Order | None = None
        self.waiting: list[Order] = []
        self._steps: list[tuple[int, str]] = []
        """Steps of the active order that are planned, next one first."""
        self._legs: list[_Leg] = []
        self._here: Point = (team.lat, team.lon)
        self._next_position_ms = start_ms + self._chance.randrange(1000, 20_000)
        self._next_way_ms = start_ms + round(self._chance.uniform(0, 4) * MINUTE_MS)
        self._next_duty_ms = start_ms
        self._silent_until_ms = 0
        self._next_silence_ms = start_ms + self._until_silent_ms()
        self._battery = self._chance.uniform(0.55, 1.0)
        self._held: list[tuple[int, str, dict[str, Any]]] = []

    # ---- what others may ask ----

    def place(self, now_ms: int) -> Point:
        """Where it is at a moment not earlier than the last one asked about."""
        for leg in self._legs:
            if now_ms < leg.to_ms:
                return leg.at(now_ms)
        return self._legs[-1].end if self._legs else self._here

    @property
    def free(self) -> bool:
        """On duty and with nothing in hand."""
        return self.duty == "on_duty" and self.order is None

    def hear(self, order: Order, now_ms: int, *, delivered: bool = True) -> None:
        """An order reaches the device. `delivered`: it says so itself; a real device client says it for the team."""
        chance, habits = self._chance, self._habits
        now_ms = max(now_ms, self._silent_until_ms)
        if order.what == "recall":
            self._recalled(order, now_ms)
            return
        if order.what == "message":
            self._plan_say(now_ms + _ms(chance, habits.seen_s), "read", order, order=order.id)
            return
        if delivered:
            now_ms += _ms(chance, habits.delivered_s)
            self._plan_say(now_ms, "delivered", order)
        now_ms += _ms(chance, habits.seen_s)
        self._plan_say(now_ms, "seen", order)
        if self.order is None:
            self._take(order, now_ms)
        else:
            self.waiting.append(order)

    def found(self, category: str, lat: float, lon: float, text: str, self_handled: bool, now_ms: int) -> None:
        """The patrol meets a problem and reports it."""
        fields = {"category": category, "lat": round(lat, 6), "lon": round(lon, 6), "text": text}
        self._held.append((now_ms, "finding", {**fields, "self_handled": True} if self_handled else fields))

    def report_in(self, now_ms: int) -> None:
        """It says where it is within seconds, also where it stands: so that nobody opens a map of old places."""
        self._next_position_ms = min(self._next_position_ms, now_ms + self._chance.randrange(1000, 5000))

    def advance(self, now_ms: int, every_ms: int = 0) -> list[Said]:
        """All it said up to a moment, in order of time. `every_ms`: positions come no oftener than that."""
        said: list[Said] = []
        while True:
            held = min((at for at, _, _ in self._held), default=_NEVER)
            step = self._steps[0][0] if self._steps else _NEVER
            way = self._next_way_ms if self.order is None else _NEVER
            at_ms = min(held, step, way, self._next_position_ms, self._next_duty_ms, self._next_silence_ms)
            if at_ms > now_ms:
                break
            if at_ms == self._next_duty_ms:
                self._look_at_clock(at_ms, said)
            elif at_ms == self._next_silence_ms:
                self._fall_silent(at_ms)
            elif at_ms == held:
                self._say_held(at_ms, said)
            elif at_ms == step:
                self._do_step(at_ms)
            elif at_ms == way:
                self._next_way(at_ms)
            else:
                self._say_position(at_ms, said, every_ms)
        return sorted(said, key=lambda one: one.at_ms)

    # ---- orders ----

    def _plan_say(self, at_ms: int, step: str, of: Order, **more: Any) -> None:
        self._held.append((at_ms, "feedback", {"assignment": of.assignment, "step": step, **more}))

    def _take(self, order: Order, now_ms: int) -> None:
        """It decides, sets off, arrives, and is done: the whole plan, until a recall cuts it short."""
        chance, habits = self._chance, self._habits
        answer_ms = now_ms + _ms(chance, habits.answer_s)
        self.order = order
        if chance.random() < habits.refused:
            self._steps = [(answer_ms, "refused")]
            return
        leave_ms = answer_ms + _ms(chance, habits.leave_s)
        self._steps = [(answer_ms, "accepted"), (leave_ms, "en_route")]

    def _do_step(self, at_ms: int) -> None:
        order = self.order
        assert order is not None
        _, step = self._steps.pop(0)
        if step == "refused":
            self._plan_say(at_ms, step, order, note=self._chance.choice(self._habits.refusals))
            self._next_order(at_ms)
            return
        self._plan_say(at_ms, step, order, **self._note(step))
        if step == "en_route":
            kmh = self._habits.car_kmh if self.team.kind == "car" else self._habits.foot_kmh
            arrival_ms = self._go((order.lat, order.lon), at_ms, self._chance.uniform(*kmh))
            self._steps = [(arrival_ms, "on_scene")]
            self._next_position_ms = min(self._next_position_ms, at_ms + 2000)
        elif step == "on_scene":
            low, high = self._service_min(order.category)
            share = 1.0 if order.kind == "handle" else 0.4
            self._steps = [(at_ms + round(self._chance.uniform(low, high) * share * MINUTE_MS), "finished")]
        elif step == "finished":
            self._next_order(at_ms)

    def _note(self, step: str) -> dict[str, str]:
        return {"note": self._chance.choice(self._habits.finishes)} if step == "finished" else {}

    def _next_order(self, at_ms: int) -> None:
        self.order, self._steps = None, []
        self._next_way_ms = at_ms + round(self._chance.uniform(0.5, 3) * MINUTE_MS)
        if self.waiting:
            self._take(self.waiting.pop(0), at_ms)

    def _recalled(self, recall: Order, now_ms: int) -> None:
        at_ms = now_ms + _ms(self._chance, self._habits.seen_s)
        self._plan_say(at_ms, "recall_seen", recall)
        self._held = [held for held in self._held if held[2].get("step") in (None, "recall_seen", "read")
                      or held[2].get("assignment") != recall.assignment or held[0] <= now_ms]  # fmt: skip
        self.waiting = [order for order in self.waiting if order.assignment != recall.assignment]
        if self.order is not None and self.order.assignment == recall.assignment:
            self._here, self._legs = self.place(now_ms), []
            self._next_order(at_ms)

    # ---- moving ----

    def _go(self, end: Point, at_ms: int, kmh: float) -> int:
        """Sets off for a place.  Returns: when it is there."""
        start = self.place(at_ms)
        stops = [start, end]
        if distance_m(*start, *end) > CORNER_M:
            corner = (start[0], end[1]) if self._chance.random() < 0.5 else (end[0], start[1])
            stops = [start, corner, end]
        self._legs = []
        for a, b in pairwise(stops):
            took_ms = round(distance_m(*a, *b) / (kmh / 3.6) * 1000)
            self._legs.append(_Leg(a, b, at_ms, at_ms + took_ms))
            at_ms += took_ms
        return at_ms

    def _next_way(self, at_ms: int) -> None:
        """A free team goes somewhere near its post, stands a while, goes on."""
        if self.duty != "on_duty":
            self._next_way_ms = at_ms + 5 * MINUTE_MS
            return
        reach_m = BEAT_M[self.team.kind]
        chance = self._chance
        goal = moved(self.team.lat, self.team.lon, chance.uniform(-reach_m, reach_m), chance.uniform(-reach_m, reach_m))
        kmh = self._habits.car_kmh if self.team.kind == "car" else self._habits.patrol_kmh
        there_ms = self._go(goal, at_ms, chance.uniform(*kmh))
        self._next_way_ms = there_ms + round(chance.uniform(*REST_MIN[self.team.kind]) * MINUTE_MS)

    def _say_position(self, at_ms: int, said: list[Said], every_ms: int) -> None:
        leg = next((leg for leg in self._legs if leg.from_ms <= at_ms < leg.to_ms), None)
        seconds = self._habits.position_moving_s if leg else self._habits.position_still_s
        self._next_position_ms = at_ms + max(round(seconds * 1000), every_ms)
        if self.duty == "off_duty" or at_ms < self._silent_until_ms:
            return
        lat, lon = self.place(at_ms)
        self._battery = max(self._battery - seconds / 80_000, 0.08)
        fields: dict[str, Any] = {
            "lat": round(lat + self._chance.gauss(0, 2e-5), 6),
            "lon": round(lon + self._chance.gauss(0, 2e-5), 6),
            "accuracy_m": round(self._chance.uniform(4, 18)),
            "battery": round(self._battery, 2),
            "speed_mps": 0.0,
        }
        if leg is not None:
            metres = distance_m(*leg.start, *leg.end)
            fields["speed_mps"] = round(metres / max((leg.to_ms - leg.from_ms) / 1000, 1), 1)
            fields["heading_deg"] = round(bearing_deg(*leg.start, *leg.end))
        said.append(Said(at_ms, "position", fields))

    # ---- duty and silence ----

    def _look_at_clock(self, at_ms: int, said: list[Said]) -> None:
        """Every minute: does the shift begin or end, is it time for a break. Nobody leaves an order half done."""
        self._next_duty_ms = (at_ms // MINUTE_MS + 1) * MINUTE_MS
        minute = self._local.minute(at_ms)
        wanted = "on_duty" if within(minute, *self.team.shift) else "off_duty"
        if wanted == "on_duty" and self._break is not None and within(minute, *self._break):
            wanted = "break"
        if wanted == self.duty or (wanted != "on_duty" and (self.order is not None or self._held)):
            return
        if wanted == "on_duty" and self.duty == "off_duty":
            self._here, self._legs = (self.team.lat, self.team.lon), []
        self.duty = wanted
        said.append(Said(at_ms, "status", {"state": wanted}))

    def _until_silent_ms(self) -> int:
        rate = self._habits.silent_per_hour
        return round(self._chance.expovariate(rate) * 60 * MINUTE_MS) if rate > 0 else _NEVER

    def _fall_silent(self, at_ms: int) -> None:
        """No line: what it has to say waits, and comes with its own times."""
        self._silent_until_ms = at_ms + round(self._chance.uniform(*self._habits.silent_min) * MINUTE_MS)
        self._next_silence_ms = self._silent_until_ms + self._until_silent_ms()

    def _say_held(self, at_ms: int, said: list[Said]) -> None:
        self._held.sort(key=lambda held: held[0])
        at, word, fields = self._held.pop(0)
        if at < self._silent_until_ms:
            self._held.append((self._silent_until_ms, word, fields))
            return
        said.append(Said(at_ms, word, fields))


def _ms(chance: Random, seconds: Range) -> int:
    return round(chance.uniform(*seconds) * 1000)
