"""Builds the pages of `docs/` that come from tables which run: lifecycles, event schemas, figures, verbs.

`python docs/build.py` writes them; a test fails where one is out of date. Knows the tables, invents nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

ROOT: Final = Path(__file__).resolve().parent
sys.path.insert(0, str(ROOT.parent))

from dashboard import words  # noqa: E402
from dashboard.city import alerts, assignments, events, handovers, incidents, kpis, signals, training  # noqa: E402
from dashboard.city.commands import VERBS, Command  # noqa: E402
from dashboard.city.lifecycle import Lifecycle  # noqa: E402
from dashboard.city.state import ROW_TYPES  # noqa: E402
from feeds import http  # noqa: E402

LIFECYCLES: Final[dict[str, tuple[str, Lifecycle, str]]] = {
    "incident": ("Incident 案卷", incidents.LIFECYCLE, incidents.REPORTED),
    "assignment": ("Assignment 派单", assignments.LIFECYCLE, assignments.SENT),
    "alert": ("Alert 告警", alerts.LIFECYCLE, alerts.ACTIVE),
    "handover": ("Handover 交班", handovers.LIFECYCLE, handovers.DRAFTED),
    "signal": ("Signal: the memory of an alert rule", signals.LIFECYCLE, signals.QUIET),
}


FIGURES: Final = f"""# Figures

Built from the table that computes them (`dashboard/city/kpis.py`, formulas in `dashboard/city/formulas.py`). Live, with
values, they are at `/figures`. A click or Enter on a tile of the wall, on a number of the briefing or on a line of that
table leads to `/figures/<key>`: definition, target, last hour, the groups of sources with their ages, and each row that
is counted; an incident, alert or team listed there opens in the console (`/dispatch?open=incidents/<id>`). The same as
JSON: `GET /api/v1/kpis/<key>`, where `rows` are [id, what it adds] of `table`; `value` and `n` are counted from them
by the same formula, by the web process itself. No personal data is in it.

Below {kpis.FEW} cases a share or percentile is “–”. A fifth of a group that a figure rests on is silent: the figure is
stale, hatched on every screen, and its age is that of the oldest source; past a critical target it is red all the same.
Targets are the city pack's (`[[figures]]`). The usual band is the 10th to 90th percentile of the figure's last hour;
of `calls_hour` that of the same hour of the days before, kept with the state for 28 days. The last hour is kept with
the snapshots; minutes in which nobody counted are gaps in it.
"""


AROUND: Final = """
The city pack moves three of these steps: with `filing = "dispatcher"` a dispatcher files too, but never what was
returned; with `feedback = "rule"` what the last team reports is confirmed at once, by rule; with `closing = "check"`
an incident closes only after a check on the spot has passed.

Whoever dispatched a team to an incident may not close it, by force neither, whatever the seat. A return never
advances: supervision corrects and files again, or ends it. A check goes to a team that did not handle it, a rework
first to the one that did. An extension adds the limit once more, twice at most and only before it is over; in a
suspension the handling clock stands still and teams are called back. What ended can be opened again for 24 hours.
Void, decline, return, rework, extend, suspend, force_close, reopen and supervise need a reason. Every step stands in
the timeline, none is ever removed.
"""


def lifecycles() -> str:
    """Every lifecycle as a picture and as a table of who may take which step."""
    parts = ["# Lifecycles\n", "Built from the tables that the program runs (`python docs/build.py`).\n"]
    for title, lifecycle, start in LIFECYCLES.values():
        parts += [f"\n## {title}\n", "```mermaid", *_diagram(lifecycle, start), "```\n", *_steps(lifecycle)]
    parts += ["\n## Verbs\n", "| verb | on | roles |", "|---|---|---|"]
    parts += [f"| `{verb}` | {table or '–'} | {', '.join(sorted(roles))} |" for verb, (table, roles) in VERBS.items()]
    return "\n".join(parts) + "\n" + AROUND


def _diagram(lifecycle: Lifecycle, start: str) -> Iterator[str]:
    yield "stateDiagram-v2"
    yield f"    [*] --> {start}"
    for state, steps in lifecycle.items():
        ends: dict[str, list[str]] = {}
        for verb, step in steps.items():
            ends.setdefault(step.to, []).append(verb)
        for to, verbs in ends.items():
            label = "" if verbs == [to] else f": {', '.join(verbs)}"
            yield f"    {state} --> {to}{label}"
    for end in sorted({step.to for steps in lifecycle.values() for step in steps.values()} - set(lifecycle)):
        yield f"    {end} --> [*]"


def _steps(lifecycle: Lifecycle) -> Iterator[str]:
    yield "| from | verb | to | who |"
    yield "|---|---|---|---|"
    for state, steps in lifecycle.items():
        for verb, step in steps.items():
            yield f"| `{state}` | {verb} | `{step.to}` | {', '.join(sorted(step.roles)) or 'rule, timer or device'} |"


def schemas() -> str:
    """JSON Schema of every input event, the command, and every row that the channel carries."""
    data: dict[str, Any] = {"city.sensor.reading": events.Reading, **events._TYPES}
    types = [*dict.fromkeys([*data.values(), events.Readings, Command, *ROW_TYPES.values()])]
    _, components = msgspec.json.schema_components(types, ref_template="#/$defs/{name}")
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "COMIS: data of input events, commands and rows",
        "events": {name: {"$ref": f"#/$defs/{type_.__name__}"} for name, type_ in data.items()},
        "$defs": components,
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def asyncapi() -> str:
    """The input streams as AsyncAPI 3: which events go on which key."""
    channels: dict[str, Any] = {}
    for type_, stream in events.STREAM_OF.items():
        channel = channels.setdefault(stream, {"address": f"comis:{{0}}:{stream}", "messages": {}})
        channel["messages"][type_] = {
            "name": type_,
            "contentType": "application/json",
            "payload": {"$ref": f"events.schema.json#/events/{type_}"},
        }
    document = {
        "asyncapi": "3.0.0",
        "info": {"title": "COMIS input streams", "version": "1"},
        "channels": channels,
        "operations": {
            f"append_{stream}": {"action": "send", "channel": {"$ref": f"#/channels/{stream}"}} for stream in channels
        },
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


def figures() -> str:
    """Every figure in both languages: formula in words, unit, window, what is not counted, what it rests on."""
    parts = [FIGURES, _figures_in("en"), "## 指标\n", _figures_in("zh")]
    return "\n".join(parts)


def _figures_in(lang: str) -> str:
    def say(prefix: str, codes: tuple[str, ...]) -> str:
        return {"zh": "、", "en": "; "}[lang].join(words.say(f"{prefix}.{code}", lang) for code in codes) or "–"

    head = {
        "en": ("figure", "formula", "unit", "better", "window", "not counted", "rests on", "definition", "version"),
        "zh": ("指标", "公式", "单位", "方向", "时段", "不计", "来源", "定义出处", "版本"),
    }[lang]
    better = {"en": ("low", "high", "–"), "zh": ("低为好", "高为好", "–")}[lang]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for kpi in kpis.KPIS:
        window = {"en": ("now", f"{kpi.window_min} min"), "zh": ("此刻", f"{kpi.window_min} 分")}[lang]
        unit = words.say(f"unit.{kpi.unit}", lang) if kpi.unit else words.WORDS.get(f"kpi.{kpi.key}.unit", ("", ""))
        cells = [
            f"{words.say(f'kpi.{kpi.key}', lang)} `{kpi.key}`",
            words.say(f"kpi.{kpi.key}_how", lang),
            (unit if isinstance(unit, str) else unit[lang == "en"]) or {"en": "count", "zh": "个"}[lang],
            better[("low", "high", "none").index(kpi.good)],
            window[kpi.window_min > 0],
            say("exclusion", kpi.exclusions),
            say("rests_on", kpi.rests_on),
            say("definition", (kpi.source,)),
            str(kpi.version),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def training_page() -> str:
    """`training.md` with the table by which a training is scored."""
    written = (ROOT / "training.md").read_text(encoding="utf-8").split(SCORED)[0]
    lines = [SCORED, "", "| measure | what counts | target | weight |", "|---|---|---|---|"]
    for row in training.MEASURES:
        unit, sign = {"percent": "%", "min": "min"}[row.unit], {"high": "≥", "low": "≤"}[row.good]
        name, how = words.say(f"measure.{row.key}", "en"), words.say(f"measure.{row.key}_how", "en")
        lines.append(f"| {name} | {how} | {sign} {row.target:g} {unit} | {row.weight} |")
    return written + "\n".join(lines) + "\n"


def refusals() -> str:
    """`events.md` with its table of refusals: code, HTTP status, arguments and sentence, as the doors say them."""
    written = (ROOT / "events.md").read_text(encoding="utf-8").split(BUILT)[0]
    lines = [BUILT, "", "| code | HTTP | in English | 中文 |", "|---|---|---|---|"]
    for code in words.REJECTED:
        zh, en = words.WORDS[code]
        status = http.STATUS.get(code, 422) if code not in NOT_BY_HTTP else "–"
        lines.append(f"| `{code}` | {status} | {en} | {zh} |")
    return written + "\n".join(lines) + "\n"


SCORED: Final = "<!-- built by `python docs/build.py` from the table that scores -->"
BUILT: Final = "<!-- built by `python docs/build.py` from the tables that refuse -->"
NOT_BY_HTTP: Final = frozenset(
    [
        "unknown_category",
        "unknown_team",
        "unknown_assignment",
        "not_your_assignment",
        "change_from_the_future",
        "bad_frame",
        "hello_first",
        "hello_twice",
        "unknown_device",
        "newer_connection",
        "not_its_own",
        "row_without_time",
        "row_without_text",
        "bad_row",
    ]
)
"""Refused by the engine, the gateway or a replay, after or beside HTTP."""

PAGES: Final = {
    "events.md": refusals,
    "lifecycles.md": lifecycles,
    "events.schema.json": schemas,
    "asyncapi.json": asyncapi,
    "figures.md": figures,
    "training.md": training_page,
}


def outdated() -> list[str]:
    """The pages that differ from what the tables say now."""
    return [name for name, build in PAGES.items() if not _same(ROOT / name, build())]


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    for page, make in PAGES.items():
        (ROOT / page).write_text(make(), encoding="utf-8")
        print(f"docs/{page}")
