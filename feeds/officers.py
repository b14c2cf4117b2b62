"""Officers at the other seats of the simulated city: they acknowledge, file, dispatch, close and answer, but slowly.

Whatever a person at the console wants to do, he does first: a robot takes an item only when it has waited longer than a
person would let it wait. The one who dispatches is never the one who closes. Pure; may not know streams.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from math import inf
from typing import Any, Final

from dashboard.city import alerts
from dashboard.city.commands import Command, Person
from dashboard.city.complaints import NO_PLACE
from dashboard.city.dispatch import rank_teams
from dashboard.city.incidents import (
    HANDLE_FINISH,
    PENDING_CHECK,
    PENDING_CLOSE,
    PENDING_DISPATCH,
    PENDING_REGISTER,
    REPORTED,
    RETURNED,
    Incident,
)
from dashboard.city.ledger import UNCATEGORISED
from dashboard.city.pack import Pack
from dashboard.city.roster import Roster
from dashboard.city.state import CityState
from dashboard.city.telemetry import TeamNow
from feeds.truth import MINUTE_MS, OfficerHabits, Range

FARTHEST_M: Final = 40_000
FARTHEST_ON_FOOT_M: Final = 6_000
"""Nobody is sent farther than this by a robot (ours) …"""
PATIENCE_MS: Final = 60 * MINUTE_MS
"""… but a car, when an incident has waited so long: the Great Wall is farther from every post, and nobody else goes."""
CALLED_S: Final = (300.0, 3000.0)
CALLED_LATE_S: Final = (2700.0, 5400.0)
"""How long after handling a reporter is called back (ours)."""
_CALLED_OF_100: Final = 80
_SAID: Final = ("very_satisfied", "satisfied", "satisfied", "satisfied", "not_satisfied")
_VOID_OF_100, _REWORK_OF_100, _NOTHING_OF_100 = 4, 5, 9
"""Of a hundred: public reports not filed, checks that fail, alerts without impact (ours)."""

Where = Callable[[str], tuple[float, float] | None]


class Officers:
    """Two invented people: a dispatcher, and a supervisor who files and closes."""

    def __init__(self, habits: OfficerHabits, pack: Pack, where: Where) -> None:
        """`where` tells the true place of a complaint that came without one, None if nobody knows it."""
        self._habits, self._where = habits, where
        self._categories = {category.key: category for category in pack.categories}
        self._roster = Roster(pack.roster, pack.time_zone)
        self._dispatcher = Person(habits.dispatcher.seat, "dispatcher", habits.dispatcher.name)
        self._supervisor = Person(habits.supervisor.seat, "supervisor", habits.supervisor.name)
        self._asked: set[str] = set()
        self.dispatching_since_ms: int | None = 0
        """Since when somebody sits at the dispatcher's seat: nothing waited for him before. None: the seat is empty."""

    def decide(self, state: CityState, positions: Mapping[str, TeamNow], now_ms: int) -> list[Command]:
        """What they ask for now; each thing once."""
        busy: set[str] = set()
        return [*self._alerts(state, now_ms), *self._incidents(state, dict(positions), now_ms, busy),
                *self._call_backs(state, now_ms), *self._complaints(state, now_ms)]  # fmt: skip

    def _dispatcher_waited(self, target: str, since_ms: int, wait_s: Range, now_ms: int) -> bool:
        since = self.dispatching_since_ms
        return since is not None and self._waited(target, max(since_ms, since), wait_s, now_ms)

    # ---- what waits ----

    def _alerts(self, state: CityState, now_ms: int) -> Iterator[Command]:
        """Alerts that no incident speaks for; those of an incident are acknowledged with it."""
        for alert in state.alerts.values():
            incident = state.incidents.get(alert.incident or "")
            alone = incident is None or incident.acknowledged_at_ms is not None
            if alert.state in (alerts.ACTIVE, alerts.RETURNED) and alone:
                wait = self._habits.acknowledge_s if alert.priority > 1 else (25, 70)
                if self._dispatcher_waited(alert.id, alert.raised_at_ms, wait, now_ms):
                    yield from self._ask(self._dispatcher, "acknowledge", alert.id, alert.version, disposition="real")

    def _incidents(
        self, state: CityState, positions: dict[str, TeamNow], now_ms: int, busy: set[str]
    ) -> Iterator[Command]:
        for incident in sorted(state.open_incidents(), key=lambda one: (one.priority, one.stage_since_ms)):
            if incident.state in (REPORTED, PENDING_REGISTER, RETURNED):
                yield from self._register(incident, now_ms)
            elif incident.state == PENDING_DISPATCH and not incident.assignments:
                yield from self._dispatch(state, positions, incident, now_ms, busy)
            elif incident.state in (PENDING_CHECK, PENDING_CLOSE):
                yield from self._check(incident, now_ms)
            elif incident.state == HANDLE_FINISH:
                yield from self._confirm(incident, now_ms)

    def _register(self, incident: Incident, now_ms: int) -> Iterator[Command]:
        urgent, target = incident.priority == 1, incident.id
        if incident.origin != "complaint" and incident.acknowledged_at_ms is None and incident.state != RETURNED:
            wait = (20.0, 60.0) if urgent else self._habits.acknowledge_s
            if self._dispatcher_waited(target, incident.stage_since_ms, wait, now_ms):
                nothing = incident.priority == 3 and _of_100(target, "nothing") < _NOTHING_OF_100
                said = "no_impact" if nothing else "real"
                yield from self._ask(
                    self._dispatcher, "acknowledge_incident", target, incident.version, disposition=said
                )
            return
        wait = (20.0, 60.0) if urgent else self._habits.file_s
        if not self._waited(target, incident.stage_since_ms, wait, now_ms):
            return
        doubted = incident.priority == 3 and not incident.merged and _of_100(target, "void") < _VOID_OF_100
        if doubted or incident.finding == "not_exist" or incident.state == RETURNED:
            reason = self._habits.void_reason
            yield from self._ask(self._supervisor, "void", target, incident.version, reason=reason)
        else:
            yield from self._ask(self._supervisor, "file", target, incident.version)

    def _dispatch(
        self, state: CityState, positions: dict[str, TeamNow], incident: Incident, now_ms: int, busy: set[str]
    ) -> Iterator[Command]:
        wait = self._habits.dispatch_p1_s if incident.priority == 1 else self._habits.dispatch_s
        if not self._dispatcher_waited(incident.id, incident.stage_since_ms, wait, now_ms):
            return
        category = self._categories.get(incident.category, UNCATEGORISED)
        farthest_m = FARTHEST_M if now_ms - incident.stage_since_ms < PATIENCE_MS else inf
        for proposal in rank_teams(state, positions, incident, category, now_ms, roster=self._roster):
            idle = proposal.load == 0 or incident.priority == 1
            if proposal.blocked or not idle or proposal.team in busy or proposal.distance_m > farthest_m:
                continue
            team = state.teams[proposal.team]
            if team.silent_since_ms is not None or (team.kind == "foot" and proposal.distance_m > FARTHEST_ON_FOOT_M):
                continue
            busy.add(proposal.team)
            yield from self._ask(
                self._dispatcher, "dispatch_team", incident.id, incident.version, team=proposal.team, kind="handle"
            )
            return

    def _confirm(self, incident: Incident, now_ms: int) -> Iterator[Command]:
        if self._dispatcher_waited(incident.id, incident.stage_since_ms, self._habits.dispatch_s, now_ms):
            yield from self._ask(self._dispatcher, "confirm", incident.id, incident.version)

    def _check(self, incident: Incident, now_ms: int) -> Iterator[Command]:
        if not self._waited(incident.id, incident.stage_since_ms, self._habits.close_s, now_ms):
            return
        doubted = incident.reworks == 0 and _of_100(incident.id, "rework") < _REWORK_OF_100
        if incident.finding == "fail" or (doubted and incident.state == PENDING_CHECK):
            reason = self._habits.rework_reason
            yield from self._ask(self._supervisor, "rework", incident.id, incident.version, reason=reason)
        else:
            yield from self._ask(self._supervisor, "close", incident.id, incident.version)

    def _call_backs(self, state: CityState, now_ms: int) -> Iterator[Command]:
        """Most reporters are told within their hour, the others late, unless a person at the console does it."""
        for incident in state.incidents.values():
            due_ms, finished_ms = incident.callback_due_ms, incident.finished_at_ms
            if due_ms is None or finished_ms is None:
                continue
            wait_s = CALLED_S if _of_100(incident.id, "called") < _CALLED_OF_100 else CALLED_LATE_S
            if self._waited(incident.id, finished_ms, wait_s, now_ms):
                said = _SAID[_of_100(incident.id, "said") * len(_SAID) // 100]
                yield from self._ask(self._supervisor, "call_back", incident.id, incident.version, disposition=said)

    def _complaints(self, state: CityState, now_ms: int) -> Iterator[Command]:
        for complaint in state.complaints.values():
            since_ms = complaint.reported_at_ms
            if complaint.state == NO_PLACE:
                place = self._where(complaint.id)
                if place and self._waited(complaint.id, since_ms, self._habits.place_s, now_ms):
                    lat, lon = place
                    yield from self._ask(self._supervisor, "place", complaint.id, complaint.version, lat=lat, lon=lon)
            elif self._waited(complaint.id, since_ms, self._habits.answer_s, now_ms):
                reason = self._habits.answer
                yield from self._ask(self._supervisor, "answer", complaint.id, complaint.version, reason=reason)

    # ---- asking ----

    def _waited(self, target: str, since_ms: int, wait_s: Range, now_ms: int) -> bool:
        """Whether it has waited long enough: a share of the range that is fixed for the thing and its stage."""
        low, high = wait_s
        return now_ms - since_ms >= (low + (high - low) * _of_100(target, str(since_ms)) / 100) * 1000

    def _ask(self, person: Person, verb: str, target: str, version: int, **fields: Any) -> Iterator[Command]:
        id_ = f"{verb}-{target}-{version}-{fields.get('team', '')}".rstrip("-")
        if id_ not in self._asked:
            self._asked.add(id_)
            yield Command(id=id_, verb=verb, target=target, version=version, person=person, **fields)


def _of_100(*parts: str) -> int:
    digest = hashlib.blake2b("|".join(parts).encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % 100
