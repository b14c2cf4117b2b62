"""Formulas: how each figure is counted, from the city at one moment — its value and the rows that it counts.

The engine counts with them each second, and a web process counts again when somebody asks what a figure rests on: the
same rows, the same value. May not know targets, screens or how a value goes on to people.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from statistics import median
from typing import Any, Final

import numpy as np
from msgspec import Struct

from dashboard.city import alerts
from dashboard.city.dispatch import blocked, pace
from dashboard.city.incidents import OPEN, PENDING_DISPATCH, SUSPENDED, Incident
from dashboard.city.ledger import Ledger
from dashboard.city.pack import Pack
from dashboard.city.places import Gazetteer, distances_m
from dashboard.city.posts import ABSENT, MANNED, NOT_DUE, STATES, UNKNOWN, VACATED
from dashboard.city.state import HOUR_MS, CityState
from dashboard.city.teams import ON_DUTY
from dashboard.city.telemetry import FLAG_OUT_OF_SERVICE, SensorNow, TeamNow

FEW: Final = 5
"""Below five cases a percentile or a share says nothing, below five days nothing is usual; it is shown as "–"."""
ARRIVAL_MIN: Final = 10.0
"""Within this a team should reach any post, where the pack has no target for arrivals (our choice)."""
SENSOR_KINDS: Final = ("noise", "people")
"""The kinds of sensors that a figure counts."""
AGES_H: Final = (1, 4, 24)
"""How long an open incident is open: up to an hour, four hours, a day, longer."""
MINUTE_MS: Final = 60_000
DAY_H: Final = 24


class Basis(Struct):
    """All that a formula may read: the city at one moment."""

    now_ms: int
    state: CityState
    pack: Pack
    gazetteer: Gazetteer
    handling_due: Callable[[Incident], int | None]
    sensors: dict[str, list[SensorNow]]
    """Those of `SENSOR_KINDS` that are not out of service."""
    positions: dict[str, TeamNow]
    heard: dict[str, int]
    """Source → when it was last heard."""
    listed: bool = True
    """Whether every row is wanted by its name; the engine, which counts each second, does without the longest list."""

    @staticmethod
    def of(ledger: Ledger, now_ms: int) -> Basis:
        """The city as its engine holds it."""
        telemetry = ledger.telemetry
        return Basis(
            now_ms, ledger.state, ledger.pack, ledger.gazetteer, ledger.handling_due,
            by_kind(telemetry.sensors.values()), telemetry.teams,
            {id_: now.heard_ms for id_, now in telemetry.sources.items()}, listed=False,
        )  # fmt: skip


def by_kind(sensors: Iterable[SensorNow]) -> dict[str, list[SensorNow]]:
    """The sensors that figures count, by kind; what is out of service counts nowhere."""
    found: dict[str, list[SensorNow]] = {kind: [] for kind in SENSOR_KINDS}
    for sensor in sensors:
        if sensor.kind in found and sensor.flag != FLAG_OUT_OF_SERVICE:
            found[sensor.kind].append(sensor)
    return found


class Found(Struct):
    """What a formula found: the value (None = too few to say), and each row that it counts with what that row adds.

    The value is exact, for it is judged; `kpis.told` rounds it.
    """

    value: float | None
    rows: list[tuple[str, float | None]] = []
    args: dict[str, Any] = {}
    usual: list[float] | None = None
    """Where the formula itself knows what is usual; else the last hour says it."""
    n: int = -1
    """How many it rests on: as many as there are rows."""

    def __post_init__(self) -> None:
        """Rows that are listed are counted."""
        if self.n < 0:
            self.n = len(self.rows)


Formula = Callable[[Basis], Found]


# ---- who is heard ---------------------------------------------------------------------------------------------------


class Heard(Struct):
    """One group of sources of a figure: how many there are, how many are silent, when they were heard."""

    key: str
    n: int = 0
    silent: int = 0
    oldest_ms: int | None = None
    """Of those that speak."""
    newest_ms: int | None = None
    silent_ms: int | None = None
    """Since when the first of the silent ones says nothing."""

    @property
    def stale(self) -> bool:
        """A fifth of it is silent: no figure that rests on it is current."""
        return self.n > 0 and self.silent * 5 >= self.n


def _group(key: str, members: Iterable[tuple[int | None, bool]]) -> Heard:
    """A group of members, each with when it was heard (None: never) and whether it is silent."""
    given = list(members)
    return _heard(
        key,
        len(given),
        [at for at, silent in given if at is not None and not silent],
        [at for at, silent in given if at is not None and silent],
        sum(silent for _, silent in given),
    )


def _heard(key: str, n: int, speaking: list[int], gone: list[int], silent: int) -> Heard:
    return Heard(
        key, n, silent, min(speaking, default=None), max(speaking, default=None), min(gone, default=None)
    )  # fmt: skip


def _record(basis: Basis) -> Heard:
    """The record of incidents itself: what is written in it is true as of now."""
    return Heard("record", 1, 0, basis.now_ms, basis.now_ms)


def _sources(kind: str) -> Callable[[Basis], Heard]:
    """Sources of a kind whose silence means something; of complaints those alone that send heartbeats."""

    def group(basis: Basis) -> Heard:
        rows = [
            row
            for row in basis.state.sources.values()
            if row.kind == kind and row.id not in basis.state.out_of_service and (row.beats or kind != "complaint")
        ]
        return _group(kind, ((basis.heard.get(row.id), row.state == "dead") for row in rows))

    return group


def _sensors_of(kind: str) -> Callable[[Basis], Heard]:
    def group(basis: Basis) -> Heard:
        held = basis.sensors[kind]
        speaking = [sensor.time_ms for sensor in held if not sensor.silent]
        gone = [sensor.time_ms for sensor in held if sensor.silent]
        return _heard(kind, len(held), speaking, gone, len(gone))

    return group


def _on_duty(basis: Basis) -> Heard:
    """The teams on duty, by their positions."""
    teams = [team for team in basis.state.teams.values() if team.duty == ON_DUTY]
    positions = basis.positions
    return _group(
        "teams",
        (
            (positions[team.id].time_ms if team.id in positions else None, team.silent_since_ms is not None)
            for team in teams
        ),
    )


def _lost(basis: Basis) -> Heard:
    """The silent teams: that they are silent is what is known."""
    teams = [team for team in basis.state.teams.values() if team.shown == "silent"]
    return _group("silent_teams", ((team.silent_since_ms, False) for team in teams))


def _posts(basis: Basis) -> Heard:
    """The posts that are due, by the newest position of their teams."""
    positions, members = basis.positions, []
    for post in basis.state.posts.values():
        if post.state != NOT_DUE:
            times = [positions[team].time_ms for team in post.teams if team in positions]
            members.append((max(times, default=None), post.state == UNKNOWN))
    return _group("posts", members)


GROUPS: Final[dict[str, Callable[[Basis], Heard]]] = {
    "record": _record,
    "complaint": _sources("complaint"),
    "sensor": _sources("sensor"),
    "noise": _sensors_of("noise"),
    "people": _sensors_of("people"),
    "teams": _on_duty,
    "silent_teams": _lost,
    "posts": _posts,
}
"""What a figure can rest on."""


# ---- counting -------------------------------------------------------------------------------------------------------


def _counted(ids: list[str], **args: Any) -> Found:
    return Found(len(ids), [(id_, None) for id_ in ids], args)


def open_(basis: Basis) -> Found:
    """Every open incident."""
    by_priority = {1: 0, 2: 0, 3: 0}
    ids = []
    for incident in basis.state.open_incidents():
        by_priority[incident.priority] += 1
        ids.append(incident.id)
    return _counted(ids, **{str(priority): n for priority, n in by_priority.items()})


def open_over_day(basis: Basis) -> Found:
    """Open for more than a day since it was reported."""
    bounds = [basis.now_ms - hours * HOUR_MS for hours in AGES_H]
    bands = [0] * (len(AGES_H) + 1)
    ids = []
    for incident in basis.state.open_incidents():
        band = sum(incident.reported_at_ms < bound for bound in bounds)
        bands[band] += 1
        if band == len(AGES_H):
            ids.append(incident.id)
    return _counted(ids, bands=bands)


def overdue(basis: Basis) -> Found:
    """Open and beyond the limit of the stage it is in; one whose clock stands still is not."""
    rows = [
        (incident.id, round((basis.now_ms - incident.due_ms) / MINUTE_MS, 1))
        for incident in basis.state.open_incidents()
        if incident.due_ms is not None and incident.due_ms < basis.now_ms and incident.state != SUSPENDED
    ]
    return Found(len(rows), list(rows), {"oldest_min": round(max((late for _, late in rows), default=0)) or None})


def awaiting_dispatch(basis: Basis) -> Found:
    """Waits for dispatch, and no team has it."""
    waiting = [i for i in basis.state.incidents.values() if i.state == PENDING_DISPATCH and not i.assignments]
    rows = [(i.id, round((basis.now_ms - i.stage_since_ms) / MINUTE_MS, 1)) for i in waiting]
    oldest = min((i.stage_since_ms for i in waiting), default=None)
    minutes = None if oldest is None else round((basis.now_ms - oldest) / MINUTE_MS)
    return Found(len(rows), list(rows), {"oldest_min": minutes})


def unacknowledged(basis: Basis) -> Found:
    """Alerts that nobody has acknowledged."""
    held = basis.state.alerts.values()
    return _counted([alert.id for alert in held if alert.state in (alerts.ACTIVE, alerts.RETURNED)])


def teams(*shown: str) -> Formula:
    """Teams of which screens show one of these."""

    def formula(basis: Basis) -> Found:
        held = basis.state.teams.values()
        silent = sum(team.shown == "silent" for team in held)
        return _counted([team.id for team in held if team.shown in shown], silent=silent)

    return formula


def noise_over(basis: Basis) -> Found:
    """Noise sites with a standing alert of a limit."""
    over = {
        a.subject
        for a in basis.state.alerts.values()
        if a.cleared_at_ms is None and a.kind == "threshold" and a.state != alerts.OUT_OF_SERVICE
    }
    sites = basis.sensors["noise"]
    if not sites:
        return Found(None)
    loud = [(sensor.id, round(sensor.value, 1)) for sensor in sites if sensor.id in over]
    return Found(len(loud), list(loud))


def crowd(basis: Basis) -> Found:
    """The densest of the counters that speak; every one of them is compared."""
    live = [sensor for sensor in basis.sensors["people"] if not sensor.silent]
    if not live:
        return Found(None)
    most = max(sensor.value for sensor in live)
    worst = min((sensor for sensor in live if sensor.value == most), key=lambda sensor: sensor.id)
    where = basis.gazetteer.where(worst.lat, worst.lon)
    rows: list[tuple[str, float | None]] = [(sensor.id, sensor.value) for sensor in live] if basis.listed else []
    args = {"sensor": worst.id, "where_zh": where.zh, "where_en": where.en}
    return Found(worst.value, rows, args, n=len(live))


# ---- how long -------------------------------------------------------------------------------------------------------


def percentile(values: Iterable[float], share: float) -> float | None:
    """The value that this share of the cases does not pass; None below five cases."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if len(ordered) >= FEW else None


def took(begin: str, end: str, share: float, minutes: int) -> Formula:
    """A percentile of the minutes between two moments of each incident whose second lies in the window."""

    def formula(basis: Basis) -> Found:
        since_ms = basis.now_ms - minutes * MINUTE_MS
        rows = []
        for incident in basis.state.incidents.values():
            begun, ended = getattr(incident, begin), getattr(incident, end)
            if ended is not None and begun is not None and ended >= since_ms:
                rows.append((incident.id, (ended - begun) / MINUTE_MS))
        value = percentile((took_min for _, took_min in rows), share)
        return Found(value, [(id_, round(took_min, 2)) for id_, took_min in rows])

    return formula


# ---- on time --------------------------------------------------------------------------------------------------------


def _judged(basis: Basis) -> list[tuple[Incident, bool]]:
    """Incidents of which it is known whether they were handled in time: those handled, and those that are overdue."""
    found = []
    for incident in basis.state.incidents.values():
        if incident.dispatched_at_ms is None or incident.reason == "false":
            continue
        end = basis.handling_due(incident)
        if end is None:
            continue  # the calendar of that year is not known: nothing can be said
        if incident.finished_at_ms is not None:
            found.append((incident, incident.finished_at_ms <= end))
        elif basis.now_ms > end and incident.state in OPEN and incident.state != SUSPENDED:
            found.append((incident, False))
    return found


def _share(judged: list[tuple[Incident, bool]]) -> float | None:
    """Per cent in time; None below five."""
    return 100 * sum(in_time for _, in_time in judged) / len(judged) if len(judged) >= FEW else None


def on_time_share(basis: Basis) -> Found:
    """Handled within the limit, of those handled or overdue (the field's 按期处置率)."""
    judged = _judged(basis)
    return Found(_share(judged), [(incident.id, float(in_time)) for incident, in_time in judged])


def worst_area(basis: Basis) -> Found:
    """The area with the lowest share handled on time, of those with five cases; of equals the one with most overdue."""
    by_area: dict[str, list[tuple[Incident, bool]]] = {}
    for incident, in_time in _judged(basis):
        by_area.setdefault(incident.area, []).append((incident, in_time))
    rated = [
        (share, sum(in_time for _, in_time in judged) - len(judged), area)
        for area, judged in by_area.items()
        if (share := _share(judged)) is not None
    ]
    if not rated:
        return Found(None)
    share, missed, area = min(rated)
    named = next((one for one in basis.pack.areas if one.key == area), None)
    zh, en = (area, area) if named is None else (named.zh, named.en)
    rows = [(incident.id, float(in_time)) for incident, in_time in by_area[area]]
    return Found(share, list(rows), {"area": area, "where_zh": zh, "where_en": en, "late": -missed})


# ---- complaints -----------------------------------------------------------------------------------------------------


def calls(minutes: int) -> Formula:
    """Complaints of the last minutes, of every kind."""

    def formula(basis: Basis) -> Found:
        since_ms = basis.now_ms - minutes * MINUTE_MS
        return _counted([complaint for at_ms, complaint in basis.state.calls if at_ms > since_ms])

    return formula


def calls_hour(basis: Basis) -> Found:
    """Complaints of the last 60 minutes, beside those of the same 60 minutes on each day before."""
    found = calls(60)(basis)
    hour, share = divmod(basis.now_ms, HOUR_MS)
    held, days = basis.state.hours, []
    for before in range(hour - DAY_H, min(held, default=hour), -DAY_H):
        if before in held and before - 1 in held:  # the city ran in both hours that these 60 minutes touch
            days.append(held[before] * share / HOUR_MS + held[before - 1] * (1 - share / HOUR_MS))
    found.args = {"days": len(days)}
    if len(days) >= FEW:
        days.sort()
        found.args["usual"] = round(median(days), 1)
        found.usual = [round(days[len(days) // 10], 1), round(days[-1 - len(days) // 10], 1)]
    return found


# ---- posts ----------------------------------------------------------------------------------------------------------


def on_post_share(basis: Basis) -> Found:
    """Posts that are manned, of those whose teams can be seen and have no cause to be elsewhere (到岗率)."""
    held = basis.state.posts.values()
    rows = [(post.id, float(post.state == MANNED)) for post in held if post.state in (MANNED, ABSENT, VACATED)]
    states = {state: n for state in STATES if (n := sum(post.state == state for post in held))}
    value = 100 * states.get(MANNED, 0) / len(rows) if len(rows) >= FEW else None
    return Found(value, list(rows), states)


# ---- teams over the city --------------------------------------------------------------------------------------------


def coverage(basis: Basis) -> Found:
    """Share of the teams' posts that some team can reach in time, by the estimate that ranks teams for dispatch."""
    target = next((figure.target for figure in basis.pack.figures if figure.key == "arrival_median_min"), ARRIVAL_MIN)
    held = list(basis.state.teams.values())
    lats, lons = np.array([team.lat for team in held]), np.array([team.lon for team in held])
    best_s = np.full(len(held), np.inf)
    for team in held:
        if team.silent_since_ms is None and blocked(team) is None:
            now = basis.positions.get(team.id)
            lat, lon = (team.lat, team.lon) if now is None else (now.lat, now.lon)
            per_m, before_s = pace(team)
            best_s = np.minimum(best_s, distances_m(lat, lon, lats, lons) * per_m + before_s)
    rows: list[tuple[str, float | None]] = [
        (team.id, None if seconds == np.inf else round(seconds / 60, 1))
        for team, seconds in zip(held, best_s.tolist(), strict=True)
    ]
    reached = sum(minutes is not None and minutes <= target for _, minutes in rows)
    value = 100 * reached / len(rows) if len(rows) >= FEW else None
    return Found(value, rows, {"reached": reached, "within_min": target})
