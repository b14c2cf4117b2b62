"""Briefing 简报: one page for whoever leads — five sentences, what changed, what is late, what we do not see.

Pure: rows of one moment in, one `Briefing` out. A sentence is codes with arguments; every number in it is taken from a
row or counted from rows, and names them as evidence. No free text, no forecast, no price: what the rows do not say is
not said. May not know words, screens or how it is printed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from dashboard.city import outstanding
from dashboard.city.formulas import DAY_H, FEW
from dashboard.city.incidents import CLOSED, FORCED_CLOSE, IN_HAND, OPEN
from dashboard.city.kpis import KPIS
from dashboard.city.outstanding import NAMED, NOBODY_ON_IT, Decision, District, Late
from dashboard.city.pack import Area, Place
from dashboard.city.places import Gazetteer
from dashboard.city.state import HOUR_MS, CityState
from dashboard.city.teams import ON_DUTY
from dashboard.city.trainings import ENDED
from dashboard.city.unseen import Unseen, unseen

Row = Mapping[str, Any]
SENTENCES: Final = 5
FIGURES, ASKED, GAPS = 9, 3, 6
"""Lines of a sheet: figures that changed, decisions, what we do not see. The rest is a click away."""
MARKS: Final = 80
OWN_SENTENCE: Final = ("arrival_median_min", "on_time_share", "awaiting_dispatch")
"""Figures that stand in the sentences about intake and command, so never in the first one."""
DANGER: Final = frozenset(kpi.key for kpi in KPIS if kpi.critical)
"""Figures past whose target somebody is in danger: before any other of the same gravity."""
OVER, NEAR, STALE, CALM = "over", "near", "stale", "calm"
GRAVITY: Final = (OVER, NEAR, STALE, CALM)


class Evidence(Struct, frozen=True):
    """What a number rests on: `code` and `args` say it in words, `ids` are rows of `table` as the page found them."""

    n: int
    code: str
    args: dict[str, Any]
    table: str
    ids: tuple[str, ...]


class Clause(Struct, frozen=True):
    """A part of a sentence and its evidence, 0 for none."""

    code: str
    args: dict[str, Any]
    ref: int = 0


class Sentence(Struct, frozen=True):
    """One of the five. `mark` is how grave it is: over, near, stale or calm."""

    about: str
    mark: str
    clauses: tuple[Clause, ...]


class Changed(Struct, frozen=True):
    """A figure then and now. `since_ms` is the moment of its first value; None where no value is held yet."""

    key: str
    unit: str
    state: str
    then: float | None
    now: float | None
    since_ms: int | None
    series: list[float | None]
    usual: list[float] | None
    target: float | None
    good: str
    n: int
    oldest_ms: int | None
    ref: int

    @property
    def change(self) -> float | None:
        """How much it moved; None where either end is not known."""
        return None if self.then is None or self.now is None else round(self.now - self.then, 2)


class Listed(Struct, frozen=True):
    """A decision or a gap with its evidence."""

    row: Decision | Unseen
    ref: int


class Mark(Struct, frozen=True, array_like=True):
    """A thing on the small map. `kind`: `incident`, `team` or `sensor`, the latter two silent."""

    kind: str
    lat: float
    lon: float
    priority: int = 0
    in_hand: bool = False
    label: str = ""
    """Number of an incident of priority one, call sign of a team."""


class Briefing(Struct, frozen=True):
    """The whole page, of one state and one moment."""

    at_ms: int
    """City time of the picture."""
    seq: int
    silent_s: int
    """The engine had been silent for so long when it was written; 0: it was heard."""
    stopped: str
    """What stopped then: `engine`, or the `store`, behind which nobody hears it."""
    clock: str
    """Whose clock it is: `live`, `simulation` or `replay`."""
    training: bool
    """A training goes on: this is not the real city."""
    midnight_ms: int
    free_day: int
    """How many days in a row it is free by the official notice, this one among them; 0: it is not."""
    sentences: tuple[Sentence, ...]
    changed: tuple[Changed, ...]
    late: tuple[Late, ...]
    late_ref: int
    decisions: tuple[Listed, ...]
    decisions_n: int
    """How many there are, of which the first stand here."""
    unseen: tuple[Listed, ...]
    unseen_n: int
    hours: tuple[int, ...]
    """Complaints of each hour since midnight, the running one last."""
    hours_usual: tuple[tuple[float, float] | None, ...]
    """The 10th to 90th percentile of each hour of a day, of the days before; None below five days."""
    hours_since_ms: int
    hours_ref: int
    marks: tuple[Mark, ...]
    """What the small map shows, the least urgent first: open incidents of priority 1 and 2, and what is silent."""
    districts: tuple[District, ...]
    districts_ref: int
    evidence: tuple[Evidence, ...]

    def sha256(self) -> str:
        """64 hexadecimal digits that change with anything on the page."""
        return sha256(self.content()).hexdigest()

    def content(self) -> bytes:
        """All of it as JSON, always the same bytes for the same page."""
        return msgspec.json.encode(self, order="deterministic")


def write(
    state: CityState,
    figures: Mapping[str, Row],
    sensors: Mapping[str, Sequence[Any]],
    teams: Mapping[str, Sequence[Any]],
    now_ms: int,
    silent_s: float = 0,
    stopped: str = "engine",
) -> Briefing:
    """The briefing of a moment. `sensors`, `teams`: latest values as a screen has them. An empty city has one too."""
    return _Writer(state, figures, sensors, teams, now_ms, silent_s, stopped).briefing()


class _Writer:
    """The rows of one picture, and the evidence in the order in which the page first uses it."""

    def __init__(
        self,
        state: CityState,
        figures: Mapping[str, Row],
        sensors: Mapping[str, Sequence[Any]],
        teams: Mapping[str, Sequence[Any]],
        now_ms: int,
        silent_s: float,
        stopped: str,
    ) -> None:
        registry = state.registry
        self.state, self.figures, self.now_ms, self.silent_s = state, figures, now_ms, silent_s
        self.stopped = stopped
        self.zone = ZoneInfo(str(registry.get("time_zone", "UTC")))
        self.midnight_ms = _midnight_ms(now_ms, self.zone)
        self.evidence: dict[tuple[str, tuple[str, ...]], Evidence] = {}
        self.late = outstanding.late(state, now_ms)
        self.decisions = outstanding.decisions(state, now_ms)
        gazetteer = Gazetteer(
            msgspec.convert(registry.get("areas", ()), tuple[Area, ...]),
            msgspec.convert(registry.get("places", ()), tuple[Place, ...]),
        )
        self.districts = outstanding.districts(state, self.midnight_ms, now_ms)
        self.sensors, self.places = sensors, teams
        self.unseen = unseen(state, figures, sensors, teams, gazetteer, silent_s, stopped)
        self.hours_since_ms, self.hours = _hours(state, self.midnight_ms, now_ms)

    def briefing(self) -> Briefing:
        """Everything, top to bottom: evidence is numbered as it is met."""
        return Briefing(
            at_ms=self.now_ms,
            seq=self.state.seq,
            silent_s=round(self.silent_s),
            stopped=self.stopped,
            clock=self.state.clock.source,
            training=any(row.state != ENDED for row in self.state.trainings.values()),
            midnight_ms=self.midnight_ms,
            free_day=_free_day(self.state.registry, self.now_ms, self.zone),
            sentences=self.sentences(),
            changed=tuple(self.changed(key) for key in self.chosen()),
            late=tuple(self.late),
            late_ref=self.cite_incidents("late", [one.incident for one in self.late]),
            decisions=tuple(
                Listed(one, self.cite_incidents("decision", one.incidents)) for one in self.decisions[:ASKED]
            ),
            decisions_n=len(self.decisions),
            unseen=tuple(Listed(one, self.cite_unseen(one)) for one in self.unseen[:GAPS]),
            unseen_n=len(self.unseen),
            hours=tuple(self.hours),
            hours_usual=_usual(self.state, self.midnight_ms),
            hours_since_ms=self.hours_since_ms,
            hours_ref=self.cite("hours", {"n": sum(self.hours), "since_ms": self.hours_since_ms}, "minutes", ()),
            marks=self.marks(),
            districts=tuple(self.districts),
            districts_ref=self.cite_incidents("districts", [id_ for one in self.districts for id_ in one.incidents]),
            evidence=tuple(self.evidence.values()),
        )

    def chosen(self) -> list[str]:
        """The figures there is room for, in their own order: what is not calm first of all."""
        ranked = sorted(self.figures, key=lambda key: GRAVITY.index(self.state_of(key)))[:FIGURES]
        return [key for key in self.figures if key in ranked]

    def marks(self) -> tuple[Mark, ...]:
        """The small map: what is silent below, then incidents, priority one on top."""
        silent = {one.code: one.ids for one in self.unseen if one.code == "sensors"}.get("sensors", ())
        found = [Mark("sensor", self.sensors[id_][0], self.sensors[id_][1]) for id_ in silent[:MARKS]]
        rows = [one for one in self.state.incidents.values() if one.state in OPEN and one.priority < 3]
        rows.sort(key=lambda one: (one.priority, one.reported_at_ms, one.id))
        for one in reversed(rows[:MARKS]):
            label = f"#{one.number}" if one.priority == 1 else ""
            found.append(Mark("incident", one.lat, one.lon, one.priority, one.state in IN_HAND, label))
        for gap in self.unseen:
            if gap.code == "team" and (place := self.places.get(gap.ids[0])) is not None:
                found.append(Mark("team", place[0], place[1], label=gap.args["call"]))
        return tuple(found)

    # ---- evidence ----

    def cite(self, code: str, args: dict[str, Any], table: str, ids: Sequence[str]) -> int:
        """The number of this evidence; the same rows said in the same way have one number."""
        key = (f"{code} {table}", tuple(ids) or (str(sorted(args.items())),))
        if key not in self.evidence:
            self.evidence[key] = Evidence(len(self.evidence) + 1, code, args, table, tuple(ids))
        return self.evidence[key].n

    def cite_figure(self, key: str) -> int:
        """The row of a figure."""
        row = self.figures[key]
        args = {"key": key, "n": row.get("n", 0), "window_min": row.get("window_min", 0)}
        return self.cite("figure", args, "kpis", (key,))

    def cite_incidents(self, code: str, ids: Sequence[str], **args: Any) -> int:
        """The rows of incidents, which people know by their numbers; 0 where there are none."""
        if not ids:
            return 0
        numbers = [self.state.incidents[id_].number for id_ in ids[:NAMED]]
        return self.cite(code, {"n": len(ids), "numbers": numbers, **args}, "incidents", ids)

    def cite_unseen(self, one: Unseen) -> int:
        """The rows that say what we do not see; 0 for the engine and the store, which have none."""
        return self.cite(f"unseen_{one.code}", one.args, one.table, one.ids) if one.table else 0

    # ---- sentences ----

    def sentences(self) -> tuple[Sentence, ...]:
        """Five of them, the gravest first; what is calm gives way where more is to be said."""
        tell = {"worst": self.worst, "urgent": self.urgent, "command": self.command, "intake": self.intake}
        tell |= {"sight": self.sight}
        if self.state.floods:
            tell = {"flood": self.flood, **tell}
        found = sorted((one() for one in tell.values()), key=lambda one: GRAVITY.index(one.mark))
        while len(found) > SENTENCES:
            found.remove(next((one for one in found[::-1] if one.about in ("worst", "intake")), found[-1]))
        self.evidence.clear()
        return tuple(tell[one.about]() for one in found)  # again, so that evidence is numbered as it is read

    def flood(self) -> Sentence:
        """More comes in than a seat can decide."""
        first = min(self.state.floods.values(), key=lambda one: one.since_ms)
        seats = sorted(self.state.floods)
        args = {
            "n": len(seats),
            "seats": seats,
            "since_ms": first.since_ms,
            "load": max(f.load for f in self.state.floods.values()),
        }
        ref = self.cite("flood", {"n": len(seats)}, "floods", seats)
        return Sentence("flood", OVER, (Clause("flood", args, ref),))

    def worst(self) -> Sentence:
        """The figure that is furthest from what is wanted; where none is, that all with a target keep it."""
        aimed = [key for key, row in self.figures.items() if row.get("target") is not None]
        past = sorted(
            (key for key in self.figures if self.state_of(key) in (OVER, NEAR) and key not in OWN_SENTENCE),
            key=lambda key: (GRAVITY.index(self.state_of(key)), key not in DANGER, -self._excess(key)),
        )
        if not past:
            others = [key for key in aimed if self.state_of(key) in (OVER, NEAR)]
            kept = sum(self.state_of(key) == CALM and self.figures[key].get("value") is not None for key in aimed)
            code = "others_kept" if others else "all_kept" if kept == len(aimed) else "known_kept"
            if not aimed:
                code = "no_targets" if self.figures else "no_figures"
            return Sentence("worst", CALM if self.figures else STALE, (Clause(code, {"n": kept, "of": len(aimed)}),))
        key = past[0]
        clauses = [self.figure(key), *self.moved(key), *self.aim(key)]
        if past[1:]:
            clauses.append(Clause("also", {"n": len(past) - 1, "keys": past[1 : 1 + NAMED]}))
        return Sentence("worst", self.state_of(key), tuple(clauses))

    def intake(self) -> Sentence:
        """What came since midnight and how much of what was due is on time."""
        rows = sorted(self.state.incidents.values(), key=lambda one: one.number)
        came = [one.id for one in rows if one.reported_at_ms >= self.midnight_ms]
        ended = [
            one.id
            for one in rows
            if one.state in (CLOSED, FORCED_CLOSE) and (one.closed_at_ms or 0) >= self.midnight_ms
        ]
        clauses = [Clause("intake", {"n": len(came)}, self.cite_incidents("received", came))]
        if ended:
            clauses.append(Clause("closed", {"n": len(ended)}, self.cite_incidents("closed", ended)))
        clauses += self.rated("on_time_share")
        return Sentence("intake", self.mark("on_time_share"), tuple(clauses))

    def command(self) -> Sentence:
        """How quickly teams arrive, and what waits for one."""
        clauses = self.rated("arrival_median_min")
        if "awaiting_dispatch" in self.figures:
            clauses.append(self.figure("awaiting_dispatch"))
            oldest = (self.figures["awaiting_dispatch"].get("args") or {}).get("oldest_min")
            if oldest is not None:
                clauses.append(Clause("oldest", {"minutes": oldest}, self.cite_figure("awaiting_dispatch")))
        if not clauses:
            return Sentence("command", STALE, (Clause("command_unknown", {}),))
        return Sentence("command", self.mark("arrival_median_min", "awaiting_dispatch"), tuple(clauses))

    def urgent(self) -> Sentence:
        """Priority one: how many, which, and whether one is late or alone."""
        rows = [one for one in self.state.incidents.values() if one.state in OPEN and one.priority == 1]
        if not rows:
            return Sentence("urgent", CALM, (Clause("urgent_none", {}),))
        rows.sort(key=lambda one: (one.due_ms or self.now_ms + HOUR_MS, one.id))
        named = [
            {"number": one.number, "category": one.category, "where_zh": one.where_zh, "where_en": one.where_en}
            for one in rows[:NAMED]
        ]
        ref = self.cite_incidents("urgent", [one.id for one in rows])
        over = [one for one in self.late if one.priority == 1]
        alone = [one.id for one in rows if one.state in NOBODY_ON_IT and not one.assignments]
        clauses = [Clause("urgent", {"n": len(rows), "named": named, "more": len(rows) - len(named)}, ref)]
        if over:
            late_ref = self.cite_incidents("urgent_late", [one.incident for one in over])
            longest = max(one.late_s for one in over)
            clauses.append(Clause("urgent_late", {"n": len(over), "longest_s": longest}, late_ref))
        else:
            clauses.append(Clause("urgent_in_time", {"n": len(rows)}))
        if alone:
            clauses.append(Clause("urgent_alone", {"n": len(alone)}, self.cite_incidents("urgent_alone", alone)))
        return Sentence("urgent", OVER if over or alone else CALM, tuple(clauses))

    def sight(self) -> Sentence:
        """What we do not see, said once; or who all is heard."""
        if not self.unseen:
            sources, teams = self.state.sources, [t for t in self.state.teams.values() if t.duty == ON_DUTY]
            if not sources and not teams:
                return Sentence("sight", STALE, (Clause("nobody_heard", {}),))
            refs = (
                self.cite("sources", {"n": len(sources)}, "sources", sorted(sources)) if sources else 0,
                self.cite("teams", {"n": len(teams)}, "teams", sorted(t.id for t in teams)) if teams else 0,
            )
            said = (Clause("all_live", {"n": len(sources)}, refs[0]), Clause("all_placed", {"n": len(teams)}, refs[1]))
            return Sentence("sight", CALM, tuple(one for one in said if one.args["n"]))
        by_code: dict[str, list[Unseen]] = {}
        for one in self.unseen:
            by_code.setdefault(one.code, []).append(one)
        if "team" in by_code:
            by_code.pop("devices", None)  # the team is what its device's silence means
        order = (self.stopped, "source", "sensors", "team", "devices")
        said_first: list[str] = [code for code in order if code in by_code]
        told = (said_first or list(by_code))[:NAMED]
        return Sentence("sight", STALE, tuple(self.gap(code, by_code[code]) for code in told))

    def gap(self, code: str, found: list[Unseen]) -> Clause:
        """Everything of one sort that we do not see, in one clause."""
        first = found[0]
        if code == "team":
            calls = [one.args["call"] for one in found]
            ref = self.cite("unseen_teams", {"n": len(found)}, "teams", [one.ids[0] for one in found])
            return Clause("gap_team", {"n": len(found), "calls": calls[:NAMED]}, ref)
        if code == "source":
            ref = self.cite("unseen_sources", {"n": len(found)}, "sources", [one.ids[0] for one in found])
            return Clause("gap_source", {"n": len(found), **first.args}, ref)
        return Clause(f"gap_{code}", first.args, self.cite_unseen(first))

    # ---- figures ----

    def state_of(self, key: str) -> str:
        """The state of a figure as its row says it."""
        return str(self.figures[key].get("state", CALM))

    def mark(self, *keys: str) -> str:
        """The gravest state of some figures; calm where none is known."""
        states = [self.state_of(key) for key in keys if key in self.figures]
        return min(states, key=GRAVITY.index, default=CALM)

    def figure(self, key: str) -> Clause:
        """What a figure says now, and where."""
        row = self.figures[key]
        where = {name: text for name, text in (row.get("args") or {}).items() if name in ("where_zh", "where_en")}
        code = "figure_unknown" if row.get("value") is None else "figure"
        return Clause(
            code, {"key": key, "value": row.get("value"), "unit": row["unit"], **where}, self.cite_figure(key)
        )

    def rated(self, key: str) -> list[Clause]:
        """A figure that rests on cases, with its target; where too few: that, and how many."""
        if key not in self.figures:
            return []
        row = self.figures[key]
        if row.get("value") is None:
            return [Clause("too_few", {"key": key, "n": row.get("n", 0)}, self.cite_figure(key))]
        return [self.figure(key), *self.aim(key)]

    def moved(self, key: str) -> list[Clause]:
        """How much it changed since the oldest value that is held; nothing where there is none."""
        line = self.changed(key)
        if line.change is None or line.since_ms is None or not line.change:
            return []
        return [Clause("moved", {"change": line.change, "since_ms": line.since_ms}, line.ref)]

    def aim(self, key: str) -> list[Clause]:
        """Its target, and whether it keeps it."""
        row = self.figures[key]
        target, value, good = row.get("target"), row.get("value"), row.get("good")
        if target is None or value is None or good == "none":
            return []
        kept = value <= target if good == "low" else value >= target
        side = "most" if good == "low" else "least"
        args = {"target": target, "measure": row.get("unit")}
        return [Clause(f"{'kept' if kept else 'missed'}_{side}", args, self.cite_figure(key))]

    def changed(self, key: str) -> Changed:
        """The line of a figure in the table of what changed."""
        row = self.figures[key]
        series = list(row.get("series") or ())
        known = [index for index, value in enumerate(series) if value is not None]
        since_ms = None
        if len(known) > 1:
            ago_ms = (len(series) - 1 - known[0]) * 60_000  # one point a minute of the city clock
            since_ms = int(row.get("at_ms") or self.now_ms) - ago_ms
        return Changed(
            key=key, unit=str(row.get("unit", "")), state=self.state_of(key),
            then=series[known[0]] if len(known) > 1 else None, now=row.get("value"), since_ms=since_ms,
            series=series, usual=row.get("usual"), target=row.get("target"), good=str(row.get("good", "none")),
            n=int(row.get("n") or 0), oldest_ms=row.get("oldest_ms"), ref=self.cite_figure(key),
        )  # fmt: skip

    def _excess(self, key: str) -> float:
        """By how many times its target a figure is past it."""
        row = self.figures[key]
        target, value = row.get("target"), row.get("value")
        return 0.0 if not target or value is None else abs(value - target) / abs(target)


def _midnight_ms(now_ms: int, zone: ZoneInfo) -> int:
    """The last midnight of the city."""
    today = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone).date()
    return round(datetime(today.year, today.month, today.day, tzinfo=zone).timestamp() * 1000)


def _hours(state: CityState, midnight_ms: int, now_ms: int) -> tuple[int, list[int]]:
    """Complaints of each hour since midnight, and since when they are counted: the city may have begun later."""
    hours = [0] * ((now_ms - midnight_ms) // HOUR_MS + 1)
    held = [minute for minute in state.minutes if midnight_ms <= minute * 60_000 <= now_ms]
    for minute in held:
        hours[(minute * 60_000 - midnight_ms) // HOUR_MS] += state.minutes[minute].get("complaint_received", 0)
    before = any(minute * 60_000 < midnight_ms for minute in state.minutes)
    return (midnight_ms if before or not held else min(held) * 60_000), hours


def _usual(state: CityState, midnight_ms: int) -> tuple[tuple[float, float] | None, ...]:
    """What is usual for each hour of the day: from the same hour of the days before on which the city ran."""
    found: list[tuple[float, float] | None] = []
    for hour in range(midnight_ms // HOUR_MS, midnight_ms // HOUR_MS + DAY_H):
        held = sorted(n for at, n in state.hours.items() if at < hour and (hour - at) % DAY_H == 0)
        enough = len(held) >= FEW
        found.append((float(held[len(held) // 10]), float(held[-1 - len(held) // 10])) if enough else None)
    return tuple(found)


def _free_day(registry: Mapping[str, Any], now_ms: int, zone: ZoneInfo) -> int:
    """Which day of an official holiday it is, 0 for none."""
    today = datetime.fromtimestamp(now_ms / 1000, UTC).astimezone(zone).date()
    off = {date.fromisoformat(str(day)) for year in registry.get("holidays", ()) for day in year.get("off", ())}
    days = 0
    while today - timedelta(days=days) in off:
        days += 1
    return days
