"""Everything that is true of the city and that a decision may depend on; it changes only by `apply(state, change)`.

Snapshot + changes = fresh state: whoever holds a snapshot and applies the changes after it holds the same state as
the engine. May not know where changes come from. Telemetry (latest values, positions) is not in here: see
`telemetry`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Final

import msgspec
from msgspec import Struct, field

from dashboard.city.alerts import Alert
from dashboard.city.assignments import Assignment
from dashboard.city.cameras import Seen, fold, forget_after
from dashboard.city.changes import Change
from dashboard.city.claims import Claim
from dashboard.city.complaints import OpenComplaint
from dashboard.city.flood import WINDOW_MS, Arrived, Flood
from dashboard.city.handovers import Handover
from dashboard.city.incidents import OPEN, Incident
from dashboard.city.posts import Post
from dashboard.city.screens import Screen, ScreenKey
from dashboard.city.signals import Signal
from dashboard.city.sources import OutOfService, Source
from dashboard.city.teams import Team
from dashboard.city.trainings import Training

HOUR_MS: Final = 3_600_000
DAY_MS: Final = 24 * HOUR_MS
REMEMBERED_MS: Final = 7 * DAY_MS
"""Causes are remembered for 7 days: the longest time a device may be offline and repeat itself."""
RECENT_MS: Final = 3_600_000
"""Complaints of the last hour are kept by place: the longest window of a burst rule."""
CALLS_MS: Final = 75 * 60_000
"""Every complaint of the last hour is kept by its id, so that a figure can say whom it counts; some are told late."""
HOURS: Final = 28 * 24
"""What is usual for an hour is taken from the same hour of four weeks."""

ROW_TYPES: Final[dict[str, type[Struct]]] = {
    "alerts": Alert,
    "incidents": Incident,
    "assignments": Assignment,
    "teams": Team,
    "sources": Source,
    "complaints": OpenComplaint,
    "signals": Signal,
    "out_of_service": OutOfService,
    "claims": Claim,
    "handovers": Handover,
    "trainings": Training,
    "floods": Flood,
    "posts": Post,
    "screens": Screen,
    "screen_keys": ScreenKey,
}
"""Every table of rows that changes may touch."""
PUBLIC: Final = tuple(table for table in ROW_TYPES if table not in ("signals", "screen_keys"))
"""The tables that screens hold; `signals` is the memory of rules, `screen_keys` is nobody's business."""


CLOCK_STEP_MS: Final = 600_000
"""A clock set forward by up to 10 min lets time pass as usual; any other setting is a start: nothing was silent
meanwhile, and what comes next is looked for anew."""


def passes(before_ms: int, after_ms: int) -> bool:
    """Whether a clock set from one city time to another lets time pass, rather than begin anew."""
    return 0 <= after_ms - before_ms <= CLOCK_STEP_MS


class Clock(Struct, frozen=True):
    """The city clock: city time = base_city_ms + (real time - base_real_ms) x rate. Live: both bases 0, rate 1."""

    base_city_ms: int = 0
    base_real_ms: int = 0
    rate: float = 1.0
    source: str = "live"
    """`live`, `simulation` or `replay`: pages say it in words."""

    def city_ms(self, real_ms: int) -> int:
        """City time at a moment of real time, both ms since 1970 UTC."""
        if self.rate == 1.0:
            return self.base_city_ms + real_ms - self.base_real_ms
        return self.base_city_ms + int((real_ms - self.base_real_ms) * self.rate)


class Entry(Struct, frozen=True, array_like=True, gc=False):
    """One line of an incident's timeline: when it happened in the city and when it was received."""

    seq: int
    at_ms: int
    received_ms: int
    type: str
    by: str
    args: dict[str, Any]


class Answered(Struct, frozen=True, array_like=True):
    """Why a command was refused: the same command id gets the same answer for 7 days."""

    code: str
    args: dict[str, Any]
    received_ms: int


class RecentComplaint(Struct, frozen=True, array_like=True, gc=False):
    """Where and when somebody complained, for burst rules."""

    at_ms: int
    category: str
    lat: float
    lon: float


def cause_hash(cause: str) -> int:
    """8 bytes that stand for `source#id` of an event or the id of a command."""
    return int.from_bytes(blake2b(cause.encode(), digest_size=8).digest(), "big")


class CityState(Struct):
    """All tables of one sector. An empty city: no rows, clock live, seq 0."""

    seq: int = 0
    clock: Clock = Clock()
    alerts: dict[str, Alert] = field(default_factory=dict)
    incidents: dict[str, Incident] = field(default_factory=dict)
    assignments: dict[str, Assignment] = field(default_factory=dict)
    teams: dict[str, Team] = field(default_factory=dict)
    sources: dict[str, Source] = field(default_factory=dict)
    complaints: dict[str, OpenComplaint] = field(default_factory=dict)
    signals: dict[str, Signal] = field(default_factory=dict)
    out_of_service: dict[str, OutOfService] = field(default_factory=dict)
    claims: dict[str, Claim] = field(default_factory=dict)
    handovers: dict[str, Handover] = field(default_factory=dict)
    trainings: dict[str, Training] = field(default_factory=dict)
    """The one that goes on, or the last one with its score."""
    floods: dict[str, Flood] = field(default_factory=dict)
    posts: dict[str, Post] = field(default_factory=dict)
    screens: dict[str, Screen] = field(default_factory=dict)
    screen_keys: dict[str, ScreenKey] = field(default_factory=dict)
    timelines: dict[str, list[Entry]] = field(default_factory=dict)
    seen: dict[int, set[int]] = field(default_factory=dict)
    """Hour of receipt → hashes of the causes handled in it."""
    refused: dict[str, Answered] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    """How often each type of change happened, and `type:origin` where it has an origin."""
    minutes: dict[int, dict[str, int]] = field(default_factory=dict)
    """The same per minute of the city clock, for the last 24 h."""
    recent: deque[RecentComplaint] = field(default_factory=deque)
    calls: deque[tuple[int, str]] = field(default_factory=deque)
    """When each complaint of the last hour was made, of every verb, and its id."""
    hours: dict[int, int] = field(default_factory=dict)
    """Hour of the city clock → complaints made in it, for four weeks; an hour in which nothing ran is absent."""
    arrived: deque[Arrived] = field(default_factory=deque)
    """New items that some seat must decide, of the last 10 min: the load of every seat is counted from them."""
    turns: deque[tuple[int, str]] = field(default_factory=deque)
    """When an alert was raised or cleared, and about whom, of the last 10 min: who chatters."""
    alarms: dict[int, dict[str, int]] = field(default_factory=dict)
    """Hour of the city clock → how many alerts each subject raised in it, of the last 24 h."""
    cameras: Seen = field(default_factory=dict)
    """What each camera saw last; a memory for people, no rule reads it."""
    numbers: int = 0
    """The last short number given to an incident."""
    registry: dict[str, Any] = field(default_factory=dict)
    """The city pack in force, as journaled."""
    pack_digest: str = ""
    """Which pack, as read from its directory, the registry goes back to: an edit of the registry outlives a restart."""

    def handled(self, cause: str) -> bool:
        """Whether an event or command was handled before (within 7 days)."""
        digest = cause_hash(cause)
        return any(digest in hour for hour in self.seen.values())

    def open_incidents(self) -> Iterator[Incident]:
        """Incidents that are not closed or cancelled."""
        return (incident for incident in self.incidents.values() if incident.state in OPEN)


def apply(state: CityState, change: Change) -> None:
    """The only place where the city changes: whole rows in, and what follows from a change by counting alone."""
    state.seq = change.seq
    for table, rows in change.rows.items():
        held: dict[str, Any] = getattr(state, table)
        for key, row in rows.items():
            if row is None:
                held.pop(key, None)
            else:
                held[key] = row
    _count(state, change)
    if "arrived" in change.args:
        _arrive(state, msgspec.convert(change.args["arrived"], Arrived))
    if change.once:
        _remember(state, change)
    if change.incident is not None:
        entry = Entry(change.seq, change.at_ms, change.received_ms, change.type, change.by, change.args)
        state.timelines.setdefault(change.incident, []).append(entry)
    fold(state.cameras, change)
    special = _SPECIAL.get(change.type)
    if special is not None:
        special(state, change)


def _count(state: CityState, change: Change) -> None:
    keys = [change.type]
    if "origin" in change.args:
        keys.append(f"{change.type}:{change.args['origin']}")
    if "verb" in change.args:
        keys.append(f"{change.type}:{change.args['verb']}")
    minute = change.at_ms // 60_000
    bucket = state.minutes.get(minute)
    if bucket is None:
        for old in [m for m in state.minutes if m < minute - 1440]:
            del state.minutes[old]
        bucket = state.minutes[minute] = {}
        _hour_of(state, change.at_ms)
    for key in keys:
        state.counts[key] = state.counts.get(key, 0) + 1
        bucket[key] = bucket.get(key, 0) + 1


def _hour_of(state: CityState, at_ms: int) -> int:
    """The hour of a moment, which is now one in which the city ran."""
    hour = at_ms // HOUR_MS
    if hour not in state.hours:
        for old in [one for one in state.hours if one <= hour - HOURS]:
            del state.hours[old]
        state.hours[hour] = 0
    return hour


def _arrive(state: CityState, arrived: Arrived) -> None:
    state.arrived.append(arrived)
    while state.arrived[0].at_ms <= arrived.at_ms - WINDOW_MS:
        state.arrived.popleft()


def _remember(state: CityState, change: Change) -> None:
    hour = change.received_ms // 3_600_000
    causes = state.seen.get(hour)
    if causes is None:
        for old in [h for h in state.seen if h < hour - REMEMBERED_MS // 3_600_000]:
            del state.seen[old]
        for command in [c for c, a in state.refused.items() if a.received_ms < change.received_ms - REMEMBERED_MS]:
            del state.refused[command]
        causes = state.seen[hour] = set()
    causes.add(cause_hash(change.cause))


def _refused(state: CityState, change: Change) -> None:
    state.refused[change.cause] = Answered(change.args["code"], change.args["args"], change.received_ms)


def _clock_set(state: CityState, change: Change) -> None:
    if not passes(state.clock.city_ms(change.received_ms), change.at_ms):
        state.arrived.clear()
        state.turns.clear()
    state.clock = msgspec.convert(change.args["clock"], Clock)
    state.recent = deque(seen for seen in state.recent if seen.at_ms <= change.at_ms)
    forget_after(state.cameras, change.at_ms)
    for later in [minute for minute in state.minutes if minute > change.at_ms // 60_000]:
        del state.minutes[later]  # of a time that has not come
    state.calls = deque(call for call in state.calls if call[0] <= change.at_ms)
    for table in (state.alarms, state.hours):
        for later in [hour for hour in table if hour > change.at_ms // HOUR_MS]:
            del table[later]


def _registry_changed(state: CityState, change: Change) -> None:
    state.registry = change.args["registry"]
    state.pack_digest = change.args.get("digest", state.pack_digest)


def _incident_reported(state: CityState, change: Change) -> None:
    state.numbers = max(state.numbers, change.args["number"])


def _incident_left(state: CityState, change: Change) -> None:
    state.timelines.pop(change.args["left"], None)


def _complaint_received(state: CityState, change: Change) -> None:
    args = change.args
    state.hours[_hour_of(state, change.at_ms)] += 1
    state.calls.append((change.at_ms, args.get("complaint", "")))
    while state.calls[0][0] < change.at_ms - CALLS_MS:
        state.calls.popleft()
    if args.get("lat") is None:
        return
    state.recent.append(RecentComplaint(change.at_ms, args["category"], args["lat"], args["lon"]))
    while state.recent and state.recent[0].at_ms < change.at_ms - RECENT_MS:
        state.recent.popleft()


def _alert_turned(state: CityState, change: Change) -> None:
    subject, hour = change.args.get("subject"), change.at_ms // HOUR_MS
    if subject is None:
        return
    state.turns.append((change.at_ms, subject))
    while state.turns[0][0] <= change.at_ms - WINDOW_MS:
        state.turns.popleft()
    if change.type != "alert_raised":
        return
    if hour not in state.alarms:
        for old in [one for one in state.alarms if one <= hour - 24]:
            del state.alarms[old]
    counted = state.alarms.setdefault(hour, {})
    counted[subject] = counted.get(subject, 0) + 1


_SPECIAL: Final = {
    "command_refused": _refused,
    "clock_set": _clock_set,
    "registry_changed": _registry_changed,
    "incident_reported": _incident_reported,
    "incident_left": _incident_left,
    "complaint_received": _complaint_received,
    "alert_raised": _alert_turned,
    "alert_cleared": _alert_turned,
}
