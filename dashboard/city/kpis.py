"""KPIs: one row per figure — key, unit, direction, formula, window, source.

Screens and the API show this one computation. A figure says how many it rests on and how old its oldest source is.
Few enough to rate nothing: the value is None, shown "–". May not know screens. `History` is the engine's memory of
past values for sparklines; no rule reads it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Final, Literal

from msgspec import Struct

from dashboard.city import alerts
from dashboard.city.incidents import OPEN, PENDING_DISPATCH, SUSPENDED, Incident
from dashboard.city.ledger import Ledger

FEW: Final = 5
"""Below five cases a percentile or a share says nothing; it is shown as "–"."""
POINTS: Final = 60
"""One point a minute of the city clock, for the last hour."""


class Found(Struct):
    """What a formula found: value (None = too few), its base, its oldest source, silent ones of how many."""

    value: float | None
    n: int = 0
    oldest_ms: int | None = None
    silent: int = 0
    of: int = 0
    args: dict[str, Any] = {}


class Kpi(Struct, frozen=True):
    """One figure.

    `good` says which way is better; `window_min` 0 = now. `source` says where the definition comes from.
    """

    key: str
    unit: str
    good: Literal["low", "high", "none"]
    formula: Callable[[Ledger, int], Found]
    window_min: int = 0
    source: str = "own"
    critical: bool = False
    """Past its target somebody is in danger: red. Any other figure past its target is yellow."""


def figures(ledger: Ledger, history: History, now_ms: int) -> dict[str, dict[str, Any]]:
    """Every figure as screens show it, by key: value, unit, n, ages, state, target, usual band, the last hour."""
    targets = {figure.key: figure for figure in ledger.pack.figures}
    rows = {}
    for kpi in KPIS:
        found = kpi.formula(ledger, now_ms)
        target = targets.get(kpi.key)
        history.sample(kpi.key, now_ms, found.value)
        rows[kpi.key] = {
            "value": found.value, "unit": kpi.unit, "n": found.n, "at_ms": now_ms, "oldest_ms": found.oldest_ms,
            "state": _state(kpi, found, target.target if target else None, target.near if target else None),
            "target": target.target if target else None, "good": kpi.good, "window_min": kpi.window_min,
            "usual": history.usual(kpi.key), "series": history.series(kpi.key),
            "silent": found.silent, "of": found.of, "args": found.args,
        }  # fmt: skip
    return rows


def _state(kpi: Kpi, found: Found, target: float | None, near: float | None) -> str:
    """`stale`: a fifth of its sensors is silent; `over`: past a critical target; `near`: it needs attention."""
    if found.of and found.silent * 5 >= found.of:
        return "stale"
    if found.value is None or target is None or kpi.good == "none":
        return "calm"
    sign = 1 if kpi.good == "low" else -1
    if sign * found.value > sign * target:
        return "over" if kpi.critical else "near"
    warned = kpi.critical and near is not None and sign * found.value >= sign * near
    return "near" if warned else "calm"


class History:
    """Past values of figures, one a minute of the city clock; empty after a start."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._points: dict[str, deque[tuple[int, float | None]]] = {}

    def sample(self, key: str, now_ms: int, value: float | None) -> None:
        """Keep the value of this minute."""
        points = self._points.setdefault(key, deque(maxlen=POINTS))
        minute = now_ms // 60_000
        if points and (points[-1][0] > minute or minute - points[-1][0] > 2 * POINTS):
            points.clear()
        if points and points[-1][0] == minute:
            points[-1] = (minute, value)
        else:
            points.append((minute, value))

    def series(self, key: str) -> list[float | None]:
        """The last hour, oldest first."""
        return [value for _, value in self._points.get(key, ())]

    def usual(self, key: str) -> list[float] | None:
        """The 10th to 90th percentile of the last hour, None below 20 points."""
        values = sorted(value for value in self.series(key) if value is not None)
        if len(values) < 20:
            return None
        return [values[len(values) // 10], values[-1 - len(values) // 10]]


# ---- formulas -------------------------------------------------------------------------------------------------------


def _open(ledger: Ledger, now_ms: int) -> Found:
    by_priority = {1: 0, 2: 0, 3: 0}
    for incident in ledger.state.incidents.values():
        if incident.state in OPEN:
            by_priority[incident.priority] += 1
    total = sum(by_priority.values())
    return Found(total, total, now_ms, args={str(priority): n for priority, n in by_priority.items()})


def _awaiting(ledger: Ledger, now_ms: int) -> Found:
    waiting = [i for i in ledger.state.incidents.values() if i.state == PENDING_DISPATCH and not i.assignments]
    oldest = min((i.stage_since_ms for i in waiting), default=None)
    minutes = None if oldest is None else round((now_ms - oldest) / 60_000)
    return Found(len(waiting), len(waiting), now_ms, args={"oldest_min": minutes})


def _recent(ledger: Ledger, now_ms: int, field: str, minutes: int) -> list[Incident]:
    since = now_ms - minutes * 60_000
    return [i for i in ledger.state.incidents.values() if (at := getattr(i, field)) is not None and at >= since]


def _percentile(values: list[float], share: float) -> float | None:
    if len(values) < FEW:
        return None
    values.sort()
    return round(values[min(len(values) - 1, int(share * len(values)))], 1)


def _arrivals(ledger: Ledger, now_ms: int) -> list[float]:
    arrived = _recent(ledger, now_ms, "on_scene_at_ms", 120)
    return [
        (i.on_scene_at_ms - i.dispatched_at_ms) / 60_000
        for i in arrived
        if i.on_scene_at_ms is not None and i.dispatched_at_ms is not None
    ]


def _arrival_median(ledger: Ledger, now_ms: int) -> Found:
    minutes = _arrivals(ledger, now_ms)
    return Found(_percentile(minutes, 0.5), len(minutes), now_ms)


def _response_p90(ledger: Ledger, now_ms: int) -> Found:
    seen = _recent(ledger, now_ms, "dispatched_at_ms", 120)
    minutes = [(i.dispatched_at_ms - i.reported_at_ms) / 60_000 for i in seen if i.dispatched_at_ms is not None]
    return Found(_percentile(minutes, 0.9), len(minutes), now_ms)


def _on_time(ledger: Ledger, now_ms: int) -> Found:
    """Handled within the limit, of those handled or overdue (the field's 按期处置率), over the state's 24 h."""
    on_time = due = 0
    for incident in ledger.state.incidents.values():
        if incident.dispatched_at_ms is None or incident.reason == "false":
            continue
        end = ledger.handling_due(incident)
        if end is None:
            continue  # the calendar of that year is not known: nothing can be said
        if incident.finished_at_ms is not None:
            due += 1
            on_time += incident.finished_at_ms <= end
        elif now_ms > end and incident.state in OPEN and incident.state != SUSPENDED:
            due += 1
    return Found(round(100 * on_time / due, 1) if due >= FEW else None, due, now_ms)


def _calls(ledger: Ledger, now_ms: int) -> Found:
    minute = now_ms // 60_000
    total = sum(ledger.state.minutes.get(m, {}).get("complaint_received", 0) for m in range(minute - 9, minute + 1))
    rows = ledger.state.sources
    heard = [
        now.heard_ms for key, now in ledger.telemetry.sources.items() if key in rows and rows[key].kind == "complaint"
    ]
    return Found(total, total, max(heard, default=None))


def _teams(*shown: str) -> Callable[[Ledger, int], Found]:
    def formula(ledger: Ledger, now_ms: int) -> Found:
        teams = ledger.state.teams
        chosen = [team for team in teams.values() if team.shown in shown]
        heard = [now.heard_ms for team in chosen if (now := ledger.telemetry.teams.get(team.id)) is not None]
        silent = sum(team.shown == "silent" for team in teams.values())
        return Found(len(chosen), len(teams), min(heard, default=None), args={"silent": silent})

    return formula


def _unacknowledged(ledger: Ledger, now_ms: int) -> Found:
    held = ledger.state.alerts
    count = sum(alert.state in (alerts.ACTIVE, alerts.RETURNED) for alert in held.values())
    return Found(count, len(held), now_ms)


def _noise(ledger: Ledger, now_ms: int) -> Found:
    over = {
        a.subject
        for a in ledger.state.alerts.values()
        if a.cleared_at_ms is None and a.kind == "threshold" and a.state != alerts.OUT_OF_SERVICE
    }
    sites = [sensor for sensor in ledger.telemetry.sensors.values() if sensor.kind == "noise"]
    live = [sensor for sensor in sites if not sensor.silent]
    oldest = min((sensor.heard_ms for sensor in live), default=None)
    loud = sum(sensor.id in over for sensor in sites)
    return Found(loud if sites else None, len(sites), oldest, len(sites) - len(live), len(sites))


def _crowd(ledger: Ledger, now_ms: int) -> Found:
    counters = [sensor for sensor in ledger.telemetry.sensors.values() if sensor.kind == "people"]
    live = [sensor for sensor in counters if not sensor.silent]
    if not live:
        return Found(None, 0, None, len(counters), len(counters))
    worst = max(live, key=lambda sensor: sensor.value)
    where = ledger.gazetteer.where(worst.lat, worst.lon)
    return Found(
        round(worst.value, 1), len(live), worst.heard_ms, len(counters) - len(live), len(counters),
        {"sensor": worst.id, "where_zh": where.zh, "where_en": where.en},
    )  # fmt: skip


KPIS: Final = (
    Kpi("crowd", "per_m2", "low", _crowd, 0, "scenic practice: warn 3, stop entry 4 people a square metre", True),
    Kpi(
        "arrival_median_min",
        "min",
        "low",
        _arrival_median,
        120,
        "own target: arrival median ≤ 10 min inside the 4th ring",
    ),
    Kpi("awaiting_dispatch", "", "low", _awaiting, 0, "own target: dispatch ≤ 15 min"),
    Kpi("on_time_share", "percent", "high", _on_time, 1440, "按期处置率 = on time / (handled + overdue)"),
    Kpi("calls_10min", "", "none", _calls, 10, "count"),
    Kpi("noise_over", "", "none", _noise, 0, "sites over the limit of GB 12523"),
    Kpi("open", "", "none", _open, 0, "count"),
    Kpi("response_p90_min", "min", "low", _response_p90, 120, "report to first dispatch, 90th percentile"),
    Kpi("unacknowledged", "", "low", _unacknowledged, 0, "alerts nobody has seen"),
    Kpi("teams_free", "", "none", _teams("free")),
    Kpi("teams_busy", "", "none", _teams("sent", "en_route", "on_scene")),
    Kpi("teams_silent", "", "low", _teams("silent")),
)
"""Every figure, in the order of the wall's tiles."""
