"""The board on paper, for the day the power goes: incidents, teams and their numbers, what has no place, what rests.

Pure: rows in, one plain document out, A4 landscape, black on white, with room to write on. No script, no live channel:
it is the picture of the moment at its head. May not know who asks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from html import escape
from typing import Any, Final
from zoneinfo import ZoneInfo

from dashboard import words
from dashboard.city.assignments import Assignment
from dashboard.city.complaints import NO_PLACE
from dashboard.city.incidents import Incident
from dashboard.city.state import CityState
from dashboard.city.teams import Team
from layouts.theme import LANGUAGES, Choices

PATH: Final = "/dispatch/print"
NEVER_MS: Final = 1 << 53
_SHOWN: Final = ("on_scene", "en_route", "sent", "free", "silent", "break", "off")
Numbers = Mapping[str, tuple[str, str]]
"""Team → phone and radio number."""


def board(state: CityState, heard: Mapping[str, int], numbers: Numbers | None, choices: Choices, now_ms: int) -> str:
    """The document. `heard`: when each team was last heard; `numbers`: None for a seat that may not have them."""
    sheet = _Sheet(state, heard, numbers, choices, now_ms)
    parts = [sheet.incidents(), sheet.teams(), sheet.complaints(), sheet.shelved()]
    say, lang = sheet.say, "en" if choices.lang == "en" else "zh-Hans-CN"
    return "".join(
        (
            f'<!DOCTYPE html>\n<html lang="{lang}">\n<head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(say('board.title'))} {sheet.moment(now_ms)}</title>",
            '<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">',
            '<link rel="stylesheet" href="/assets/board.css"></head>\n<body>',
            sheet.head(),
            "<main>",
            *parts,
            "</main>",
            f"<footer>{escape(say('board.foot'))}</footer></body></html>\n",
        )
    )


class _Sheet:
    """The rows of one picture, and how they are written in one language."""

    def __init__(
        self, state: CityState, heard: Mapping[str, int], numbers: Numbers | None, choices: Choices, now_ms: int
    ) -> None:
        self.state, self.heard, self.numbers, self.choices, self.now_ms = state, heard, numbers, choices, now_ms
        self.lang = choices.lang
        registry = state.registry
        self.zone = ZoneInfo(str(registry.get("time_zone", "UTC")))
        self.categories = {one["key"]: one for one in registry.get("categories", ())}
        self.rules = {one["key"]: one for one in registry.get("rules", ())}
        self.city = str(registry.get(self.lang, ""))

    # ---- words and times ----

    def say(self, code: str, **arguments: Any) -> str:
        return words.say(code, self.lang, self.zone, **arguments)

    def moment(self, at_ms: int) -> str:
        return datetime.fromtimestamp(at_ms / 1000, self.zone).strftime("%Y-%m-%d %H:%M:%S")

    def time(self, at_ms: int | None) -> str:
        """Hour and minute, with the day where it is another one."""
        if at_ms is None:
            return ""
        when, now = (datetime.fromtimestamp(ms / 1000, self.zone) for ms in (at_ms, self.now_ms))
        return when.strftime("%H:%M" if when.date() == now.date() else "%m-%d %H:%M")

    def named(self, table: Mapping[str, Mapping[str, Any]], key: str) -> str:
        return str(table[key][self.lang]) if key in table else key

    def call(self, team: str) -> str:
        row = self.state.teams.get(team)
        return team if row is None else row.call

    # ---- the parts ----

    def head(self) -> str:
        other = next(lang for lang in LANGUAGES if lang != self.lang)
        link = escape(PATH + self.choices.search(lang=other), quote=True)
        clock = self.state.clock.source
        unreal = "" if clock == "live" else f"<strong>{escape(self.say('board.not_real'))}</strong>"
        if any(row.state != "ended" for row in self.state.trainings.values()):
            unreal = f"<strong>{escape(self.say('training.goes_on'))}</strong>"
        return (
            f"<header><h1>{escape(self.city)} {escape(self.say('board.title'))}</h1>{unreal}"
            f"<p>{escape(self.say('board.picture_of', time=self.moment(self.now_ms)))}</p>"
            f'<nav>{escape(self.say("board.how"))} <a href="{link}" lang="{other}">'
            f"{escape(words.say(f'language.{other}', other))}</a></nav></header>"
        )

    def incidents(self) -> str:
        rows = sorted(
            self.state.open_incidents(),
            key=lambda one: (one.priority, NEVER_MS if one.due_ms is None else one.due_ms, one.stage_since_ms, one.id),
        )
        return self._table(
            self.say("board.incidents", n=len(rows)),
            ("number", "priority", "class", "place", "state", "since", "due", "teams", "reports", "remarks"),
            (self._incident(row) for row in rows),
        )

    def _incident(self, row: Incident) -> tuple[str, ...]:
        orders = (self.state.assignments[id_] for id_ in row.assignments if id_ in self.state.assignments)
        late = row.due_ms is not None and row.due_ms < self.now_ms
        return (
            f"#{row.number}",
            str(row.priority),
            self.named(self.categories, row.category),
            row.where_en if self.lang == "en" else row.where_zh,
            words.word("state", row.state, self.lang),
            self.time(row.stage_since_ms),
            self.time(row.due_ms) + (f" {self.say('board.overdue')}" if late else ""),
            "; ".join(self._order(order) for order in orders),
            str(row.complaints),
            "",
        )

    def _order(self, order: Assignment) -> str:
        return f"{self.call(order.team)} {words.word('step', order.state, self.lang)} {self.time(order.state_since_ms)}"

    def teams(self) -> str:
        rows = sorted(self.state.teams.values(), key=lambda one: (_SHOWN.index(one.shown), one.call))
        columns = ["team", "name", "state", "since", "job", "post", "shift", "heard"]
        if self.numbers is not None:
            columns += ["phone", "radio"]
        return self._table(self.say("board.teams", n=len(rows)), (*columns, "remarks"), map(self._team, rows))

    def _team(self, row: Team) -> tuple[str, ...]:
        order = self.state.assignments.get(row.active or "")
        waiting = f" +{len(row.waiting)}" if row.waiting else ""
        heard = self.heard.get(row.id)
        english = self.lang == "en"
        cells = [
            row.call,
            row.name_en if english else row.name_zh,
            words.word("team", row.shown, self.lang),
            self.time(row.shown_since_ms),
            "" if order is None else f"#{order.number}{waiting}",
            row.post_en if english else row.post_zh,
            "–".join(row.shift),
            self.say("label.never_heard") if heard is None else self.time(heard),
        ]
        if self.numbers is not None:
            cells += self.numbers.get(row.id, ("", ""))
        return (*cells, "")

    def complaints(self) -> str:
        rows = sorted(
            (row for row in self.state.complaints.values() if row.state == NO_PLACE), key=lambda one: one.reported_at_ms
        )
        return self._table(
            self.say("board.no_place", n=len(rows)),
            ("time", "channel", "class", "text", "address", "reporter", "remarks"),
            (
                (
                    self.time(row.reported_at_ms),
                    words.word("channel", row.channel, self.lang),
                    self.named(self.categories, row.category),
                    row.text[:200],
                    row.address,
                    row.reporter,
                    "",
                )
                for row in rows
            ),
        )

    def shelved(self) -> str:
        rested = sorted(
            (row for row in self.state.alerts.values() if row.shelved_until_ms is not None),
            key=lambda one: (one.shelved_until_ms or 0, one.id),
        )
        rows = [
            (
                self.named(self.rules, row.rule),
                row.subject,
                self.time(row.shelved_until_ms),
                words.word("reason", row.reason, self.lang),
                words.person(row.shelved_by or ""),
                "",
            )
            for row in rested
        ]
        out = self.say("alert.out_of_service")
        rows += [
            (out, row.id, "", words.word("reason", row.reason, self.lang), words.person(row.by), "")
            for row in sorted(self.state.out_of_service.values(), key=lambda one: one.id)
        ]
        return self._table(
            self.say("board.shelved", n=len(rows)), ("rule", "subject", "until", "reason", "by", "remarks"), rows
        )

    def _table(self, title: str, columns: Iterable[str], rows: Iterable[tuple[str, ...]]) -> str:
        """A part of the board; text from outside is text. A part without rows is its title alone."""
        names = list(columns)
        body = "".join(f"<tr>{_cells('td', zip(names, cells, strict=True))}</tr>\n" for cells in rows)
        if not body:
            return f"<section><h2>{escape(title)}</h2></section>"
        head = _cells("th", ((name, self.say(f"board.column.{name}")) for name in names))
        return (
            f"<section><h2>{escape(title)}</h2><table><thead><tr>{head}</tr></thead>"
            f"<tbody>{body}</tbody></table></section>"
        )


def _cells(tag: str, cells: Iterable[tuple[str, str]]) -> str:
    return "".join(f'<{tag} class="{name}">{escape(text)}</{tag}>' for name, text in cells)
