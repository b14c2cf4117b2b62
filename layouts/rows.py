"""Rows: what one number of a briefing was counted from, as a plain document: the rows as they were when it was written.

Pure: rows in, one document out; no script. May not know the state of the city as it is now.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Final

import msgspec

from dashboard import words
from dashboard.city.briefing import Briefing
from layouts import dispatch, figures
from layouts.telling import Telling
from layouts.theme import Choices

PATH: Final = "/briefing/rows"
Cell = str | tuple[str, str]
"""Text, or text and where it leads."""


def document(briefing: Briefing, registry: dict[str, Any], number: int, rows: list[Any], choices: Choices) -> str:
    """The rows of the evidence of this number."""
    tell = Telling(briefing, registry, choices.lang)
    evidence = next(one for one in briefing.evidence if one.n == number)
    title = f"[{number}] {tell.cited(evidence)}"
    found = [msgspec.to_builtins(row) for row in rows]
    cells: Sequence[Sequence[Cell]]
    if evidence.table == "minutes":
        head = ["", tell.say("briefing.hours")]
        cells = [[f"{hour}:00", str(n)] for hour, n in enumerate(briefing.hours)]
    elif evidence.table == "incidents":
        head = [tell.say(f"briefing.{name}") for name in ("item", "where", "stage", "came", "limit")]
        cells = [_incident(tell, row, choices) for row in found]
    elif evidence.table == "sensors":
        head = [tell.say(f"briefing.{name}") for name in ("sensor", "kind", "value", "heard")]
        cells = [
            [id_, words.word("sensor_kind", row[5], tell.lang), tell.number(row[2], " "), tell.hour(row[3])]
            for id_, row in zip(evidence.ids, found, strict=True)
        ]
    else:
        cells = [[name, _plain(tell, name, value)] for row in found for name, value in _fields(row)]
        head = []
    when = tell.say("briefing.of", at_ms=briefing.at_ms)
    sha = briefing.sha256()
    note = (
        f'{escape(when)} <a href="/api/v1/briefing/{sha}/{number}">{escape(tell.say("briefing.rows"))}</a> '
        f"<small>sha-256 {sha}</small>"
    )
    if evidence.table == "kpis":
        links = [(words.word("kpi", key, tell.lang), f"{figures.PATH}/{key}{choices.search()}") for key in evidence.ids]
        note += f"<br>{escape(tell.say('figures.what'))}: {' '.join(_cell(link) for link in links)}"
    return _page(title, note, _table(head, cells), choices)


def gone(choices: Choices) -> str:
    """The page is not kept any more."""
    return _page(words.say("briefing.rows_gone", choices.lang), "", "", choices)


def _incident(tell: Telling, row: dict[str, Any], choices: Choices) -> list[Cell]:
    where = row["where_en" if tell.english else "where_zh"]
    what = f"#{row['number']} {tell.category(row['category'])}"
    state = words.word("state", row["state"], tell.lang)
    address = dispatch.PATH + choices.search(open=f"incidents/{row['id']}")
    return [(what, address), where, state, tell.hour(row["reported_at_ms"]), tell.hour(row["due_ms"])]


def _fields(row: Any) -> Iterable[tuple[str, Any]]:
    held = row if isinstance(row, dict) else {}
    return [(name, value) for name, value in held.items() if value not in (None, "", [], {}) and name != "series"]


def _plain(tell: Telling, name: str, value: Any) -> str:
    """A field of a row as text; a moment in the time of the city."""
    if name.endswith("_ms") and isinstance(value, int):
        return tell.local(value).strftime("%Y-%m-%d %H:%M:%S")
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _cell(cell: Cell) -> str:
    """Text is text; with an address it is a link."""
    if isinstance(cell, str):
        return escape(cell)
    text, address = cell
    return f'<a href="{escape(address, quote=True)}">{escape(text)}</a>'


def _table(head: list[str], rows: Sequence[Sequence[Cell]]) -> str:
    body = "".join(f"<tr>{''.join(f'<td>{_cell(cell)}</td>' for cell in row)}</tr>\n" for row in rows)
    names = f"<thead><tr>{''.join(f'<th>{escape(name)}</th>' for name in head)}</tr></thead>" if head else ""
    return f"<table>{names}<tbody>{body}</tbody></table>"


def _page(title: str, note: str, body: str, choices: Choices) -> str:
    lang = "en" if choices.lang == "en" else "zh-Hans-CN"
    return (
        f'<!DOCTYPE html>\n<html lang="{lang}">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>{escape(title)}</title><link rel="icon" href="/assets/icon.svg" type="image/svg+xml">'
        '<link rel="stylesheet" href="/assets/board.css"></head>\n<body>'
        f"<header><h1>{escape(title)}</h1><p>{note}</p></header>{body}</body></html>\n"
    )
