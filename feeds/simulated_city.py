"""The simulated city as a whole: problems, sensors, callers, cameras and teams, asked for what they said.

Pure and seeded. The rehearsal runs it offline, the live simulation behind the doors. May not know how events are sent.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import msgspec

from dashboard.city.pack import Pack
from dashboard.city.places import distance_m
from dashboard.city.rules import LocalTime
from dashboard.city.telemetry import TeamNow
from feeds.complaint.simulate import Call, Callers
from feeds.envelope import Envelope
from feeds.patrol.decode import TYPES
from feeds.patrol.simulate import Order, Said, Team
from feeds.sensor.simulate import SensorField, rfc3339
from feeds.truth import City, Happening, Script, Voices, line, problem_line

PATROL_MEETS_M: Final = 2_500
"""A patrol on its way meets a problem so far from it at most, once it is due to be met (ours)."""
BEAT_MS: Final = 30_000
BEAT: Final = b'{"state":"up","every_s":30}'
HEARTBEAT: Final = "city.source.heartbeat"
SELF_HANDLED: Final = 3
"""One of so many findings is put right on the spot (ours)."""


LOOKS_ROUND_M: Final = 150
"""A team sent to look sees what goes on so far around (ours)."""
_FOUND: Final = {"verify": ("not_exist", "exists"), "check": ("pass", "fail")}
"""What a team says of a problem that is gone, and of one that goes on."""


class Heard(NamedTuple):
    """All that the city said in one step, in order of time within each kind."""

    calls: list[Call]
    patrol: list[tuple[Team, Said]]
    sensors: list[Envelope]
    beats: list[Envelope]
    """Heartbeats of the channels by which people call: an hour without a letter is no silence."""
    truth: list[bytes]


class SimulatedCity:
    """One city from `start_ms` on."""

    def __init__(
        self, script: Script, voices: Voices, pack: Pack, seed: int, start_ms: int, first_number: int = 0
    ) -> None:
        """The same script, voices, pack, seed and start give the same city; `first_number`: see `City`."""
        self.pack = pack
        self.city = City(script, pack, seed, start_ms, first_number)
        self._field = SensorField(pack.sensors, seed)
        self._callers = Callers(script, voices, pack, seed)
        self._local = LocalTime(pack.time_zone)
        self.teams = {
            team.id: Team(team, number, script.teams, pack.time_zone, seed, start_ms, self.city.service_min)
            for number, team in enumerate(pack.teams)
        }
        self._channels = tuple(script.channels)
        self._orders: dict[str, Order] = {}
        self._nowhere: dict[str, tuple[float, float]] = {}

    def where(self, complaint: str) -> tuple[float, float] | None:
        """The true place of a complaint that came without one."""
        return self._nowhere.get(complaint)

    def hear(self, team: str, order: Order, now_ms: int, *, delivered: bool = True) -> None:
        """An order reaches a team's device; one that it holds already is the same order again."""
        if order.what == "assignment" and order.assignment in self._orders:
            return
        if order.what != "message":
            self._orders[order.assignment] = order
        if team in self.teams:
            self.teams[team].hear(order, now_ms, delivered=delivered)

    def until(self, after_ms: int, now_ms: int, sensors_every_ms: int = 0, positions_every_ms: int = 0) -> Heard:
        """What was said after one moment and up to another."""
        heard = Heard([], [], [], self._beats(after_ms, now_ms), [])
        for happening in self.city.until(now_ms):
            self._happened(happening, heard)
        for team in self.teams.values():
            for said in team.advance(now_ms, positions_every_ms):
                heard.patrol.append((team, said))
                if said.fields.get("step") == "finished":
                    self._finished(said, team, heard)
        heard.patrol.sort(key=lambda item: item[1].at_ms)
        minute = self._local.minute(now_ms)
        problems = self.city.problems.values()
        heard.sensors.extend(self._field.events(after_ms, now_ms, minute, problems, sensors_every_ms))
        return heard

    def positions(self, now_ms: int) -> dict[str, TeamNow]:
        """Where the teams on duty are, as the control room would know it."""
        return {
            id_: TeamNow(id_, *team.place(now_ms), now_ms, now_ms)
            for id_, team in self.teams.items()
            if team.duty != "off_duty"
        }

    # ---- inside ----

    def _beats(self, after_ms: int, now_ms: int) -> list[Envelope]:
        if now_ms // BEAT_MS == after_ms // BEAT_MS:
            return []
        return [
            Envelope(f"beat-{channel}-{now_ms}", f"/complaints/{channel}", HEARTBEAT, BEAT, rfc3339(now_ms))
            for channel in self._channels
        ]

    def _happened(self, happening: Happening, heard: Heard) -> None:
        problem = happening.problem
        if happening.what == "told":
            self._call(self._callers.call(happening), happening, heard)
        elif happening.what == "talk":
            self._call(self._callers.talk(happening), happening, heard)
        elif happening.what == "seen":
            event = self._field.detection(happening)
            heard.sensors.append(event)
            self._tell(happening, event.id, heard)
        elif happening.what == "met":
            self._met(happening, heard)
        elif problem is not None:
            heard.truth.append(problem_line(happening))

    def _call(self, call: Call, happening: Happening, heard: Heard) -> None:
        heard.calls.append(call)
        problem = happening.problem
        if problem is not None and call.lat is None:
            self._nowhere[call.complaint] = (problem.lat, problem.lon)
        self._tell(happening, call.complaint, heard)

    def _tell(self, happening: Happening, event: str, heard: Heard) -> None:
        """Which event speaks of which problem: what correlation is scored against."""
        problem = happening.problem.id if happening.problem else None
        heard.truth.append(line(happening.what, happening.at_ms, {"event": event, "problem": problem}))

    def _met(self, happening: Happening, heard: Heard) -> None:
        """The nearest free patrol meets the problem; without one near it goes unseen."""
        problem = happening.problem
        assert problem is not None
        free = [
            (distance_m(*team.place(happening.at_ms), problem.lat, problem.lon), id_)
            for id_, team in self.teams.items()
            if team.free
        ]
        away_m, nearest = min(free, default=(float("inf"), ""))
        if away_m > PATROL_MEETS_M:
            return
        self_handled = happening.number % SELF_HANDLED == 0
        self.teams[nearest].found(problem.category, problem.lat, problem.lon, "", self_handled, happening.at_ms)
        self._tell(happening, f"finding of {nearest}", heard)
        if self_handled:
            self.city.handled(problem.category, problem.lat, problem.lon, happening.at_ms, nearest)

    def _finished(self, said: Said, team: Team, heard: Heard) -> None:
        order = self._orders.pop(said.fields["assignment"], None)
        if order is None:
            return
        if order.kind != "handle":
            exists = self.city.near(order.category, order.lat, order.lon, LOOKS_ROUND_M) is not None
            said.fields["result"] = _FOUND[order.kind][exists]
            return
        ended = self.city.handled(order.category, order.lat, order.lon, said.at_ms, team.team.id)
        heard.truth.append(
            line(
                "handled",
                said.at_ms,
                {"team": team.team.id, "category": order.category, "problems": [p.id for p in ended]},
            )
        )


def patrol_event(team: Team, said: Said, number: int) -> Envelope:
    """What a team's device said, as the gateway would put it on the stream."""
    device = team.team.device
    data: dict[str, Any] = {"device": device, **said.fields}
    if said.word != "feedback":
        data["team"] = team.team.id
    id_ = f"{device}-simulated-{number}"
    return Envelope(id_, f"device:{device}", TYPES[said.word], msgspec.json.encode(data), rfc3339(said.at_ms))
