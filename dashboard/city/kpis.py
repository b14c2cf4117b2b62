"""KPIs: one row per figure — key, unit, direction, formula, window, exclusions, sources, where its definition is from.

Screens and the API show this one computation. A figure says how many it rests on and how old its oldest source is.
Few enough to rate nothing: the value is None, shown "–". May not know screens. Its words, in both languages, go by its
key: `kpi.<key>`, and `kpi.<key>_how` for the formula. `History` is the engine's memory of past values for sparklines;
no rule reads it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, Final, Literal

from msgspec import Struct

from dashboard.city import formulas
from dashboard.city.formulas import FEW, GROUPS, Basis, Formula, Found, Heard
from dashboard.city.ledger import Ledger

__all__ = ["FEW", "KPIS", "POINTS", "History", "Kpi", "figures", "news", "shown"]

PLACES: Final = 6
"""Places of a value at most."""
POINTS: Final = 60
"""One point a minute of the city clock, for the last hour."""
Points = dict[str, list[tuple[int, float | None]]]
"""Figure → minute of the city clock and value, oldest first."""


class Kpi(Struct, frozen=True):
    """One figure.

    `good` says which way is better; `window_min` 0 = now. `rows`: the table whose rows it counts. `rests_on`: groups
    of sources, keys of `formulas.GROUPS`; a fifth of one silent, and the figure is not current.
    """

    key: str
    unit: str
    good: Literal["low", "high", "none"]
    formula: Formula
    rows: Literal["incidents", "alerts", "teams", "sensors", "calls", "posts", "team_posts"]
    rests_on: tuple[str, ...]
    window_min: int = 0
    exclusions: tuple[str, ...] = ()
    """Codes of `words`, `exclusion.<code>`: what is not counted."""
    source: str = "own"
    """Where the definition comes from, `definition.<code>` of `words`; `own` is our own."""
    version: int = 1
    """Of the definition: another formula, window or exclusion is another version."""
    critical: bool = False
    """Past its target somebody is in danger: red. Any other figure past its target is yellow."""
    usual: Literal["last_hour", "same_hour"] = "last_hour"
    """What its usual band comes from: its own last hour, or the same hour of the days before."""


def figures(ledger: Ledger, history: History, now_ms: int) -> dict[str, dict[str, Any]]:
    """Every figure as screens show it, by key: value, unit, n, ages, state, target, usual band, the last hour."""
    basis = Basis.of(ledger, now_ms)
    heard = {key: group(basis) for key, group in GROUPS.items()}
    rows = {}
    for kpi in KPIS:
        found = kpi.formula(basis)
        row = shown(kpi, basis, found, [heard[key] for key in kpi.rests_on])
        history.sample(kpi.key, now_ms, row["value"])
        rows[kpi.key] = {
            **row,
            "usual": history.usual(kpi.key) if kpi.usual == "last_hour" else found.usual,
            "series": history.series(kpi.key),
        }  # fmt: skip
    return rows


def shown(kpi: Kpi, basis: Basis, found: Found, heard: Sequence[Heard]) -> dict[str, Any]:
    """One figure as a row, without its memory: value, base, target and state, and how old what it rests on is."""
    target = next((figure for figure in basis.pack.figures if figure.key == kpi.key), None)
    aim, near = (target.target, target.near) if target else (None, None)
    quietest = max(heard, key=lambda group: group.silent / group.n if group.n else 0)
    return {
        "value": told(found.value, aim), "unit": kpi.unit, "n": found.n, "at_ms": basis.now_ms,
        "oldest_ms": _oldest(heard),
        "state": _state(kpi, found, heard, aim, near),
        "target": aim, "good": kpi.good, "window_min": kpi.window_min,
        "silent": quietest.silent, "of": quietest.n if quietest.silent else 0, "args": found.args,
    }  # fmt: skip


def told(value: float | None, target: float | None) -> float | None:
    """A value with one place; with more where one place would say that it is at its target, and it is not."""
    if value is None or value == target:
        return value
    return next((short for places in range(1, PLACES) if (short := round(value, places)) != target), value)


def _oldest(heard: Sequence[Heard]) -> int | None:
    """When the oldest source of a figure was heard; of a group that is not current the silent ones too."""
    moments = [group.oldest_ms for group in heard] + [group.silent_ms for group in heard if group.stale]
    return min((moment for moment in moments if moment is not None), default=None)


def _state(kpi: Kpi, found: Found, heard: Sequence[Heard], target: float | None, near: float | None) -> str:
    """`over`: past a critical target; `stale`: a fifth of a source group is silent; `near`: it needs attention.

    Danger that those who speak report is danger, however many are silent; that nothing is wrong is not believed.
    """
    sign = 1 if kpi.good == "low" else -1
    past = found.value is not None and target is not None and kpi.good != "none" and sign * (found.value - target) > 0
    if past and kpi.critical:
        return "over"
    if any(group.stale for group in heard):
        return "stale"
    if past:
        return "near"
    warned = kpi.critical and near is not None and found.value is not None and sign * (found.value - near) >= 0
    return "near" if warned else "calm"


def news(before: dict[str, dict[str, Any]], now: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any] | None]:
    """What differs between two seconds of figures, field by field; None for a figure that is gone.

    Without `at_ms`, which is one for all. The last point of a series is the value: a series is told once a minute.
    """
    told: dict[str, dict[str, Any] | None] = {key: None for key in before if key not in now}
    for key, row in now.items():
        held = before.get(key, {})
        fresh = {
            name: field for name, field in row.items() if name != "at_ms" and (name not in held or held[name] != field)
        }
        if "value" in fresh and held.get("series", [None])[:-1] == row.get("series", [])[:-1]:
            fresh.pop("series", None)
        if fresh:
            told[key] = fresh
    return told


class History:
    """Past values of figures, one a minute of the city clock; a snapshot keeps them over a restart."""

    def __init__(self, points: Points | None = None) -> None:
        """Nothing yet, or what was kept."""
        self._points = {key: deque(kept, maxlen=POINTS) for key, kept in (points or {}).items()}

    def points(self) -> Points:
        """All that is remembered, to be kept."""
        return {key: list(points) for key, points in self._points.items()}

    def sample(self, key: str, now_ms: int, value: float | None) -> None:
        """Keep the value of this minute."""
        points = self._points.setdefault(key, deque(maxlen=POINTS))
        minute = now_ms // 60_000
        if points and (points[-1][0] > minute or minute - points[-1][0] > 2 * POINTS):
            points.clear()
        if points and points[-1][0] == minute:
            points[-1] = (minute, value)
        else:
            missed = range(points[-1][0] + 1, minute) if points else ()
            points.extend((one, None) for one in missed)  # nobody counted: a gap, not an hour that is shorter
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


_HANDLED: Final = ("not_dispatched", "false_report", "suspended", "no_calendar")

KPIS: Final = (
    Kpi(
        "crowd", "per_m2", "low", formulas.crowd, "sensors", ("people",),
        exclusions=("silent_sensors", "out_of_service"), source="scenic", version=2, critical=True,
    ),
    Kpi(
        "arrival_median_min", "min", "low", formulas.took("dispatched_at_ms", "on_scene_at_ms", 0.5, 120),
        "incidents", ("record", "teams"), 120, ("no_arrival",),
    ),
    Kpi(
        "awaiting_dispatch", "", "low", formulas.awaiting_dispatch, "incidents", ("record", "complaint"),
        exclusions=("has_team",),
    ),
    Kpi(
        "on_time_share", "percent", "high", formulas.on_time_share, "incidents", ("record",), 1440, _HANDLED,
        "gbt_30428_4",
    ),
    Kpi("calls_10min", "", "none", formulas.calls(10), "calls", ("complaint",), 10, version=2),
    Kpi(
        "noise_over", "", "none", formulas.noise_over, "sensors", ("noise",), exclusions=("out_of_service",),
        source="gb_12523", version=2,
    ),
    Kpi("open", "", "none", formulas.open_, "incidents", ("record", "complaint"), exclusions=("ended",)),
    Kpi(
        "response_p90_min", "min", "low", formulas.took("reported_at_ms", "dispatched_at_ms", 0.9, 120),
        "incidents", ("record",), 120, ("not_dispatched",),
    ),
    Kpi(
        "unacknowledged", "", "low", formulas.unacknowledged, "alerts", ("record", "sensor"),
        exclusions=("put_away",), source="isa_18_2",
    ),
    Kpi("teams_free", "", "high", formulas.teams("free"), "teams", ("teams",), exclusions=("off_duty",)),
    Kpi(
        "teams_busy", "", "none", formulas.teams("sent", "en_route", "on_scene"), "teams", ("teams",),
        exclusions=("off_duty", "silent_teams"),
    ),
    Kpi(
        "teams_silent", "", "low", formulas.teams("silent"), "teams", ("record", "silent_teams"),
        exclusions=("off_duty",),
    ),
    Kpi(
        "overdue", "", "low", formulas.overdue, "incidents", ("record",),
        exclusions=("ended", "suspended", "no_limit"),
    ),
    Kpi("open_over_day", "", "low", formulas.open_over_day, "incidents", ("record",), exclusions=("ended",)),
    Kpi(
        "response_median_min", "min", "low", formulas.took("reported_at_ms", "dispatched_at_ms", 0.5, 120),
        "incidents", ("record",), 120, ("not_dispatched",),
    ),
    Kpi(
        "arrival_p90_min", "min", "low", formulas.took("dispatched_at_ms", "on_scene_at_ms", 0.9, 120),
        "incidents", ("record", "teams"), 120, ("no_arrival",),
    ),
    Kpi(
        "calls_hour", "", "none", formulas.calls_hour, "calls", ("complaint",), 60, ("stood_still",),
        usual="same_hour",
    ),
    Kpi(
        "coverage", "percent", "high", formulas.coverage, "team_posts", ("teams",),
        exclusions=("off_duty", "on_break", "silent_teams"),
    ),
    Kpi(
        "worst_area", "percent", "high", formulas.worst_area, "incidents", ("record",), 1440,
        (*_HANDLED, "small_areas"), "gbt_30428_4",
    ),
    Kpi(
        "on_post_share", "percent", "high", formulas.on_post_share, "posts", ("posts",),
        exclusions=("posts_not_due", "posts_awaited", "posts_away", "posts_unknown"), source="peak_duty",
    ),
)  # fmt: skip
"""Every figure, in the order of the wall's tiles."""
