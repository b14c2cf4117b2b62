"""The figures that COMIS promises: one table of keys, units, budgets, limits, and the judgement of what was measured.

The only place where a budget stands; what is printed, the exit status and the docs follow from `KEYS`. May not know how
anything is measured.
"""

from __future__ import annotations

import json
import math
import operator
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

_COMPARE: Final[dict[str, Callable[[float, float], bool]]] = {"<": operator.lt, "≤": operator.le, "≥": operator.ge}


@dataclass(frozen=True, slots=True)
class Key:
    """One promised figure: what is measured, in which unit, and when it holds."""

    bench: str
    name: str
    unit: str
    compare: str
    budget: float
    limit_name: str
    """What of this machine bounds the figure, measured in the same run; empty: there is no such bound."""
    says: str
    share_of_limit: float | None = None
    """The figure must also reach this share of its limit."""

    def holds(self, value: float, limit: float | None) -> bool:
        """Whether a measured value keeps the promise."""
        if not _COMPARE[self.compare](value, self.budget):
            return False
        return self.share_of_limit is None or limit is None or value >= self.share_of_limit * limit

    @property
    def promise(self) -> str:
        """The budget in words: `< 150`, `≥ 200000 and ≥ 25 % of the limit`."""
        text = f"{self.compare} {_number(self.budget)}"
        return text if self.share_of_limit is None else f"{text} and ≥ {self.share_of_limit:.0%} of the limit"


_ECHO: Final = "echo over loopback + one frame"
_DECODE: Final = "XREAD + decode alone"
_BROADCAST: Final = "websockets broadcast of the same bytes"
_EMPTY: Final = "empty page"

KEYS: Final = (
    Key("engine", "engine_readings_per_s", "1/s", "≥", 200_000, _DECODE,
        "Readings handled a second, 100 in an entry, every commit on disk", share_of_limit=0.25),
    Key("engine", "engine_events_per_s", "1/s", "≥", 60_000, _DECODE,
        "Events handled a second, one in an entry, every commit on disk", share_of_limit=0.25),
    Key("engine", "engine_core_share", "%", "<", 25, _DECODE,
        "Share of one core that the engine takes at the reference load, a snapshot included"),
    Key("engine", "restart_to_live_s", "s", "<", 3, "reading the snapshot",
        "From kill -9 of the engine to its next journal entry and heartbeat, at the reference load; worst of three"),
    Key("channel", "change_to_pixel_p95_ms", "ms", "<", 150, _ECHO,
        "From the XADD of a complaint to its mark painted on the wall's map"),
    Key("channel", "telemetry_to_pixel_p95_ms", "ms", "<", 250, _ECHO,
        "From the XADD of a team's position to its mark painted on the wall's map"),
    Key("channel", "telemetry_to_pixel_p99_ms", "ms", "<", 400, _ECHO,
        "The same, 99th percentile"),
    Key("channel", "click_to_everyone_p95_ms", "ms", "<", 200, _ECHO,
        "From a command given in a browser to the last of 60 screens that shows its change"),
    Key("channel", "viewer_cpu_ms_per_s", "ms/s", "<", 1, _BROADCAST,
        "CPU time of the web process for each second of one more viewer at the reference load"),
    Key("channel", "viewer_kb", "kB", "<", 200, _BROADCAST,
        "Memory (PSS) of the web process for one more viewer"),
    Key("browser", "browser_busy_1080p", "%", "<", 30, _EMPTY,
        "Main thread busy with 20,000 objects and 2,000 changes a second (30 % moves, 70 % colour), 1920 × 1080"),
    Key("browser", "browser_busy_4k", "%", "<", 40, _EMPTY,
        "The same, 3840 × 2160"),
    Key("browser", "browser_long_tasks", "1/min", "≤", 1, _EMPTY,
        "Tasks of the main thread over 50 ms, in a minute"),
    Key("browser", "browser_longest_task_ms", "ms", "≤", 100, _EMPTY,
        "The longest of them; 0 where none passed 50 ms"),
    Key("browser", "browser_heap_growth", "MB", "≤", 2, "",
        "Growth of the heap after a forced collection, minute 5 against minute 1"),
    Key("browser", "wall_first_paint_s", "s", "<", 2, "same page, empty city",
        "From opening /wall to the first picture with the reference state on it"),
    Key("console", "status_change_p95_ms", "ms", "<", 200, _ECHO,
        "From a verb of one of 20 writers to the last of 21 screens that shows its change, with 10,000 open items"),
    Key("console", "console_busy_scrolling", "%", "<", 60, _EMPTY,
        "Main thread of the console meanwhile, while its queue is scrolled, 1920 × 1080"),
    Key("console", "console_long_tasks", "1/min", "≤", 1, _EMPTY,
        "Tasks of its main thread over 50 ms, in a minute"),
    Key("console", "console_longest_task_ms", "ms", "≤", 100, _EMPTY,
        "The longest of them; 0 where none passed 50 ms"),
    Key("console", "console_snapshot_task_ms", "ms", "≤", 100, _EMPTY,
        "The longest task while the open console takes in a whole picture of 10,000 open items"),
    Key("start", "idle_pss_mb", "MB", "<", 600, "",
        "Memory (PSS) of all processes of `comis up --no-simulation`, Redis included, 20 s after the start"),
    Key("start", "start_to_ready_s", "s", "<", 6, "",
        "From `comis up --no-simulation` to pages that answer, everything installed"),
    Key("soak", "hour_memory_level", "%", "≤", 5, "",
        "Memory levels off: highest PSS of all processes in the last quarter of the run above that of the third"),
    Key("soak", "hour_aof_level", "%", "≤", 10, "",
        "The journal levels off: largest append-only file in the last quarter above the largest of the third"),
    Key("soak", "wall_heap_slope", "MB/h", "<", 1, "",
        "Growth of a wall's heap after forced collections, from the second quarter of the run on"),
    Key("soak", "wall_reloads", "", "≤", 0, "",
        "How often that wall was loaded anew"),
    Key("soak", "scene_least_dwell_s", "s", "≥", 60, "",
        "The shortest time for which it showed a scene that no hand put there"),
)  # fmt: skip
"""Every figure with a budget, in the order in which it is shown."""

BENCHES: Final = tuple(dict.fromkeys(key.bench for key in KEYS))
LONG: Final = frozenset({"soak"})
"""Benches that run only when they are named."""
_BY_NAME: Final = {key.name: key for key in KEYS}

MISSED, MISSING = 1, 2
"""Exit status where a budget was missed, and where a figure could not be had at all."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value and the limit that was measured beside it; those without a promise explain others."""

    bench: str
    name: str
    value: float | None
    unit: str
    limit: float | None = None
    limit_name: str = ""
    budget: str = ""
    holds: bool | None = None

    def line(self) -> str:
        """As one line of JSON."""
        plain: dict[str, Any] = {
            "bench": self.bench, "figure": self.name, "value": _rounded(self.value), "unit": self.unit,
            "budget": self.budget or None, "holds": self.holds, "limit": _rounded(self.limit),
            "limit_name": self.limit_name or None,
        }  # fmt: skip
        return json.dumps(plain, ensure_ascii=False)


@dataclass
class Sheet:
    """What a run has measured so far."""

    wanted: Sequence[str] = tuple(_BY_NAME)
    """Names of the promised figures this run is for."""
    tell: Callable[[Figure], None] = lambda _figure: None
    say: Callable[[str], None] = lambda _line: None
    """Told in words what is going on."""
    figures: list[Figure] = field(default_factory=list)

    def put(self, name: str, value: float, limit: float | None = None) -> None:
        """A promised figure.  Raises: KeyError for a name that is not in `KEYS`."""
        key = _BY_NAME[name]
        if name in self.wanted:
            holds = key.holds(value, limit)
            self._add(Figure(key.bench, name, value, key.unit, limit, key.limit_name, key.promise, holds))

    def explain(self, bench: str, name: str, value: float, unit: str) -> None:
        """A figure without a promise, which helps to understand the others."""
        self._add(Figure(bench, name, value, unit))

    def close(self) -> None:
        """Every wanted figure that was not measured counts as failed."""
        had = {figure.name for figure in self.figures}
        for name in self.wanted:
            if name not in had:
                key = _BY_NAME[name]
                self._add(Figure(key.bench, name, None, key.unit, None, key.limit_name, key.promise, False))

    def status(self) -> int:
        """The exit status of the run."""
        promised = [figure for figure in self.figures if figure.name in _BY_NAME]
        if any(figure.value is None for figure in promised):
            return MISSING
        return MISSED if any(not figure.holds for figure in promised) else 0

    def _add(self, figure: Figure) -> None:
        self.figures.append(figure)
        self.tell(figure)


def wanted_names(asked: Iterable[str]) -> list[str]:
    """The figures meant by names of benches and figures; nothing asked: all but those of long benches.

    Raises: KeyError with a name that is neither.
    """
    asked = list(asked)
    if not asked:
        return [key.name for key in KEYS if key.bench not in LONG]
    for name in asked:
        if name not in BENCHES and name not in _BY_NAME:
            raise KeyError(name)
    return [key.name for key in KEYS if key.name in asked or key.bench in asked]


def benches_of(names: Iterable[str]) -> list[str]:
    """The benches that measure these figures, in order."""
    meant = {_BY_NAME[name].bench for name in names}
    return [bench for bench in BENCHES if bench in meant]


def table(figures: Sequence[Figure]) -> str:
    """Figures as a person reads them."""
    rows = [("figure", "value", "", "budget", "", "limit", "")]
    for figure in figures:
        verdict = {None: "", True: "holds", False: "MISSED"}[figure.holds]
        value = "not measured" if figure.value is None else _number(figure.value)
        limit = "" if figure.limit is None else _number(figure.limit)
        rows.append((figure.name, value, figure.unit, figure.budget, verdict, limit, limit and figure.limit_name))
    widths = [max(_width(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [text + " " * (width - _width(text)) for text, width in zip(row, widths, strict=True)]
        cells[1] = " " * (widths[1] - _width(row[1])) + row[1]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def as_markdown() -> str:
    """The promises as a table for the docs."""
    lines = ["| key | unit | budget | limit in the same run | what it says |", "|---|---|---|---|---|"]
    lines += [f"| `{key.name}` | {key.unit} | {key.promise} | {key.limit_name or '–'} | {key.says} |" for key in KEYS]
    return "\n".join(lines) + "\n"


def percentile(values: Sequence[float], share: float) -> float:
    """The value that `share` (0–1) of all do not pass, by the nearest rank.  Raises: ValueError without values."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share) - 1)]


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")


def _number(value: float) -> str:
    return f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text)
