"""Briefing 简报: three or four sheets of A4 for the leader, from one picture of the city; on a phone, one column.

Pure: `layout` is the frame, `sheets` draws a `Briefing` that somebody else wrote. Nothing on it moves by itself: a
newer picture is asked for by hand. May not know the state of the city.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from dash import dcc, html
from dash.development.base_component import Component

from dashboard import words
from dashboard.city.briefing import FIGURES, Briefing, Changed, Evidence, Listed, Sentence
from dashboard.city.outstanding import Decision, District, Late
from dashboard.city.unseen import Unseen
from layouts import charts, dispatch, fitting, ink, parts, rows
from layouts.telling import Telling
from layouts.theme import LANGUAGES, Choices

NAME: Final = "briefing"
PATH: Final = "/briefing"
API: Final = "/api/v1/briefing"

SHEETS: Final = f"{NAME}-sheets"
STATUS: Final = f"{NAME}-status"
AGE: Final = f"{NAME}-age"
PRINT: Final = f"{NAME}-print"
MAP: Final = f"{NAME}-map"
LATE, LATE_ALONE, DISTRICTS = 8, 17, 7
"""Lines of a sheet: what is late, on a sheet with others and alone; districts."""
FEWEST: Final = 4
Child = Component | str | None


def layout(view: parts.CityView, choices: Choices) -> Component:
    """The bar, which is not printed, and the place of the sheets."""
    lang = choices.lang
    other = [html.A(words.say(f"language.{to}", to), href=PATH + choices.search(lang=to), lang=to) for to in LANGUAGES]
    header = html.Header(
        [
            parts.brand(f"page.{NAME}", choices),
            html.Div(id=STATUS, className="status"),
            html.Span(id=AGE, className="soft"),
            html.A(words.say("briefing.newer", lang), href=PATH + choices.search(), className="btn push"),
            html.Button(words.say("briefing.print", lang), id=PRINT, className="btn", type="button"),
            html.Div([link for link in other if link.lang != lang], className="switches"),
        ]
    )
    waiting = html.P(words.say("briefing.writing", lang), className="waiting")
    # Paper has one theme, whatever the rest of the room wears.
    return html.Div(
        [header, html.Main(waiting, id=SHEETS)], id=NAME, className=f"page {NAME}", **{"data-theme": "light"}
    )


def failed(choices: Choices) -> Component:
    """What stands there when nothing could be written."""
    return html.P(words.say("briefing.not_written", choices.lang), className="waiting")


def sheets(briefing: Briefing, registry: Mapping[str, Any], choices: Choices) -> list[Component]:
    """The sheets. `registry`: the city pack in force."""
    return _Paper(Telling(briefing, registry, choices.lang), choices).sheets()


class _Paper:
    """A briefing and how it is said, as components."""

    def __init__(self, telling: Telling, choices: Choices) -> None:
        self.tell, self.briefing, self.choices = telling, telling.briefing, choices
        self.sha = self.briefing.sha256()
        self.referred: set[int] = set()
        """Numbers of evidence that stand somewhere on the sheets so far."""

    def sheets(self) -> list[Component]:
        pages = [("first", self.first()), *(("second", page) for page in self.middle()), ("third", self.third())]
        return [
            html.Section(
                [self.top(), *page, self.foot(number, len(pages))],
                className=f"sheet {name}",
                **{"data-at": str(self.briefing.at_ms), "data-sha": self.sha, "data-seq": str(self.briefing.seq)},
            )
            for number, (name, page) in enumerate(pages, 1)
        ]

    # ---- what stands on each ----

    def first(self) -> list[Child]:
        tell, clock = self.tell, self.briefing.clock
        said = "training.goes_on" if self.briefing.training else f"briefing.clock_{clock}" if clock != "live" else ""
        unreal = html.Span(tell.say(said), className="unreal") if said else None
        return [
            html.H1(tell.title()),
            html.P([tell.date(), " ", unreal], className="sub"),
            self.stopped(),
            html.Ol([self.sentence(n, one) for n, one in enumerate(self.briefing.sentences, 1)], className="say"),
            *self.changed(),
        ]

    def middle(self) -> list[list[Child]]:
        """What is late, what to decide, what is not seen: on one sheet, or the first on one of its own."""
        say, briefing = self.tell.say, self.briefing
        asked = [self.asked(number, one) for number, one in enumerate(briefing.decisions, 1)]
        blind = html.Ul([self.gap(one) for one in briefing.unseen], className="blind")
        signs = [html.P(say(f"briefing.{name}")) for name in ("signed", "remarks", "time")]
        rest: list[Child] = [
            *(asked or [html.P(say("briefing.decide_none"), className="none")]),
            self.more(briefing.decisions_n - len(asked)),
            _heading(say("briefing.unseen"), say("briefing.unseen_note")),
            blind if briefing.unseen else html.P(say("briefing.unseen_none"), className="none"),
            self.more(briefing.unseen_n - len(briefing.unseen)),
            html.Div(signs, className="sign"),
        ]
        decide = say("briefing.decide"), say("briefing.decide_note")
        if self.late_mm(LATE) + self.rest_mm() <= fitting.SHEET_MM - fitting.HEAD_AND_FOOT_MM:
            return [[*self.late(LATE), _heading(*decide), *rest]]
        return [self.late(LATE_ALONE), [_heading(*decide, first=True), *rest]]

    def late_mm(self, most: int) -> float:
        """How high the list of what is late will be."""
        where = "where_en" if self.tell.english else "where_zh"
        rows = [fitting.overdue(self.tell.category(one.category), getattr(one, where)) for one in self.briefing.late]
        return fitting.HEADING_MM + fitting.TABLE_HEAD_MM + fitting.NOTE_MM + sum(rows[:most])

    def rest_mm(self) -> float:
        """How high the decisions, what is not seen and the signatures will be."""
        asked = [self.tell.asked(one.row) for one in self.briefing.decisions if isinstance(one.row, Decision)]
        blind = [self.tell.gap(one.row) for one in self.briefing.unseen if isinstance(one.row, Unseen)]
        high = 2 * fitting.HEADING_MM + 2 * fitting.NOTE_MM + fitting.SIGN_MM
        return high + sum(fitting.decision(*one) for one in asked) + fitting.gaps(blind)

    def third(self) -> list[Child]:
        say = self.tell.say
        return [
            _heading(say("briefing.evidence"), say("briefing.evidence_note"), first=True),
            html.Div([self.hours(), self.worst()], className="figs"),
            _heading(say("briefing.map", at_ms=self.briefing.at_ms), say("briefing.map_note")),
            self.map(),
            *self.districts(),
            _heading(say("briefing.sources"), None),
            html.Ol([self.cited(one) for one in self.briefing.evidence if one.n in self.referred], className="refs"),
        ]

    def ref(self, number: int) -> Child:
        """The number of a piece of evidence, which the list of sources then has."""
        self.referred.add(number)
        return html.A(str(number), href=f"#{NAME}-e{number}", className="ref") if number else None

    def top(self) -> Component:
        return html.Div(
            [
                html.B("COMIS"),
                html.Span(self.tell.city()),
                html.Span(self.tell.say("briefing.title"), className="push"),
            ],
            className="top",
        )

    def foot(self, number: int, of: int) -> Component:
        at, say = self.briefing.at_ms, self.tell.say
        utc = datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        sha = " ".join(self.sha[i : i + 4] for i in range(0, 16, 4))
        return html.Div(
            [
                html.Span(say("briefing.up_to", day=self.tell.local(at).strftime("%Y-%m-%d"), at_ms=at), title=utc),
                html.Span(say("briefing.seq", seq=f"{self.briefing.seq:,}")),
                html.A(f"sha-256 {sha}", href=f"{API}/{self.sha}", title=self.sha),
                html.Span(f"{number} / {of}", className="push"),
            ],
            className="foot",
        )

    def stopped(self) -> Child:
        """The engine is silent: everything below is old, and the first thing one reads."""
        if not self.briefing.silent_s:
            return None
        code, s = f"briefing.{self.briefing.stopped}_silent", self.briefing.silent_s
        said = self.tell.say(code, s=s, at_ms=self.briefing.at_ms)
        return html.P([_mark("stale"), said], className="stopped")

    def sentence(self, number: int, one: Sentence) -> Component:
        pieces: list[Child] = []
        for piece in self.tell.sentence(one):
            if piece.ref:
                pieces.append(self.ref(piece.ref))
            else:
                pieces.append(html.B(piece.text) if piece.strong else piece.text)
        nth = html.Span(str(number), className="nth", **{"aria-hidden": "true"})
        lead = _mark(one.mark)  # a component without children counts as nothing
        return html.Li(
            [nth if lead is None else lead, html.Span(pieces)], className=one.mark, **{"data-about": one.about}
        )

    # ---- what changed ----

    def changed(self) -> list[Child]:
        lines, say, hour = self.fitting_lines(), self.tell.say, self.tell.hour
        since = [line.since_ms for line in lines if line.since_ms is not None]
        then = min(since, default=None)
        if then is None:
            heading = _heading(say("briefing.changed_none"), say("briefing.changed_short"))
        else:
            minutes = round((self.briefing.at_ms - then) / 60_000)
            heading = _heading(say("briefing.changed", since_ms=then), say("briefing.changed_note", minutes=minutes))
        now = hour(self.briefing.at_ms)
        span = "" if then is None else f"{hour(then)}–{now}"
        head = _head([say("briefing.figure"), hour(then), now, say("briefing.change"), span or now], unseen=(0,))
        table = html.Table([head, html.Tbody([self.line(line, then) for line in lines])], className="change")
        return [heading, table, self.more(len(self.briefing.changed) - len(lines))]

    def fitting_lines(self) -> list[Changed]:
        """The figures for which the sentences leave room; what is calm gives way, the last first."""
        left = fitting.SHEET_MM - fitting.HEAD_AND_FOOT_MM - fitting.TITLE_MM
        left -= fitting.HEADING_MM + fitting.TABLE_HEAD_MM + (fitting.STOPPED_MM if self.briefing.silent_s else 0)
        left -= fitting.sentences(
            "".join(piece.text for piece in self.tell.sentence(one)) for one in self.briefing.sentences
        )
        lines = list(self.briefing.changed[:FIGURES])
        if len(self.briefing.changed) > min(FIGURES, int(left / fitting.LINE_MM)):
            left -= fitting.REST_MM
        room = max(FEWEST, int(left / fitting.LINE_MM))
        ranked = sorted(lines, key=lambda line: line.state == "calm")[:room]
        return [line for line in lines if line in ranked]

    def line(self, line: Changed, then_ms: int | None) -> Component:
        tell, stale = self.tell, line.state == "stale"
        now = tell.say("briefing.not_known") if stale else tell.number(line.now, line.unit)
        then = tell.number(line.then, line.unit)
        if line.since_ms is not None and then_ms is not None and line.since_ms - then_ms >= 120_000:
            then = f"({tell.hour(line.since_ms)}) {then}"
        drawn = ink.spark(line.series, line.usual, line.target)
        curve = html.Img(src=drawn, alt="", className="spark") if drawn else "–"
        name = [_mark("" if stale else line.state), tell.figure(line.key, line.unit), self.ref(line.ref)]
        cells = [html.Td(name), html.Td(then, className="k"), html.Td(now, className="now")]
        cells += [html.Td(tell.change(line), className="k"), html.Td(curve)]
        return html.Tr(cells, className="hat" if stale else "", **{"data-key": line.key})

    # ---- what is late, what to decide, what is not seen ----

    def late(self, most: int) -> list[Child]:
        say, rows = self.tell.say, self.briefing.late
        if not rows:
            return [
                _heading(say("briefing.late"), None, first=True),
                html.P(say("briefing.late_none"), className="none"),
            ]
        counts = {f"p{priority}": sum(one.priority == priority for one in rows) for priority in (1, 2, 3)}
        heading = _heading(
            [say("briefing.late"), self.ref(self.briefing.late_ref)],
            say("briefing.late_note", n=len(rows), **counts),
            first=True,
        )
        head = _head([say(f"briefing.{name}") for name in ("item", "where", "stage", "owner", "late_by")], unseen=(1,))
        table = html.Table([head, html.Tbody([self.overdue(one) for one in rows[:most]])], className="late")
        return [heading, table, self.more(len(rows) - most)]

    def more(self, n: int) -> Child:
        """What there was no room for is counted."""
        return html.P(self.tell.say("briefing.more", n=n), className="none") if n > 0 else None

    def overdue(self, one: Late) -> Component:
        tell = self.tell
        where = one.where_en if tell.english else one.where_zh
        cells = [
            html.Td([_mark({1: "over", 2: "near"}.get(one.priority, "third")), self.number(one.incident, one.number)]),
            html.Td([html.Span(tell.category(one.category)), html.Small(where)], className="what"),
            html.Td(words.word("state", one.state, tell.lang)),
            html.Td(tell.owner(one), className="" if one.teams or one.holder else "alone"),
            html.Td(f"+{tell.span(one.late_s * 1000)}", className="now"),
        ]
        return html.Tr(cells, **{"data-incident": one.incident})

    def asked(self, number: int, listed: Listed) -> Component:
        one, tell, at_ms = listed.row, self.tell, self.briefing.at_ms
        assert isinstance(one, Decision)
        question, why, otherwise = tell.asked(one)
        rows: list[Child] = []
        if otherwise:
            rows += [html.Span(tell.say("briefing.otherwise")), html.Div(otherwise)]
        times: list[Child] = []
        if one.before_ms is not None:
            over = one.before_ms < at_ms
            times = [
                html.Dt(tell.say("briefing.before")),
                html.Dd(tell.hour(one.before_ms)),
                html.Dt(tell.say("briefing.over" if over else "briefing.left")),
                html.Dd(tell.span(one.before_ms - at_ms)),
            ]
        body = [
            html.H3(question),
            html.P([why, self.ref(listed.ref)]),
            html.Div(rows, className="do") if rows else None,
        ]
        return html.Div(
            [html.Span(str(number), className="n"), html.Div(body), html.Dl(times)],
            className="ask",
            **{"data-code": one.code},
        )

    def gap(self, listed: Listed) -> Component:
        assert isinstance(listed.row, Unseen)
        name, said = self.tell.gap(listed.row)
        return html.Li([html.B(name), html.Span([said, self.ref(listed.ref)])], **{"data-code": listed.row.code})

    # ---- evidence ----

    def hours(self) -> Component:
        say, briefing = self.tell.say, self.briefing
        later = briefing.hours_since_ms > briefing.midnight_ms
        note = say("briefing.hours_note" if any(briefing.hours_usual) else "briefing.hours_short")
        if later:
            note = say("briefing.hours_since", since_ms=briefing.hours_since_ms)
        read = ", ".join(f"{hour}:00 {n}" for hour, n in enumerate(briefing.hours))
        return _figure(
            f"{NAME}-hours", [say("briefing.hours"), self.ref(briefing.hours_ref)], note,
            charts.per_hour(briefing.hours, briefing.hours_usual), say("briefing.hours_read", list=read),
        )  # fmt: skip

    def worst(self) -> Child:
        """The figure that the sentences call the worst by the minute, else the one that is furthest from calm."""
        told = {
            clause.args.get("key")
            for sentence in self.briefing.sentences
            for clause in sentence.clauses[:1]
            if sentence.about == "worst"
        }
        rank = {"over": 0, "near": 1, "stale": 2, "calm": 3}
        drawable = [line for line in self.briefing.changed if line.since_ms is not None]
        if not drawable:
            return html.Figure(
                [html.Figcaption(html.B(self.tell.say("briefing.too_short")))], className="none", id=f"{NAME}-line"
            )
        line = min(drawable, key=lambda one: (one.key not in told, rank.get(one.state, 3), one.target is None))
        tell, at_ms = self.tell, self.briefing.at_ms
        minutes = len(line.series) - 1
        first_ms = at_ms - minutes * 60_000
        moments = (first_ms, (first_ms + at_ms) // 2, at_ms)
        target = None if line.target is None else (line.target, tell.say("briefing.target", target=line.target))
        drawn = charts.over_time(
            line.series, [tell.hour(moment) for moment in moments],
            tell.number(line.now, line.unit), target, line.usual, line.state,
        )  # fmt: skip
        read = tell.say("briefing.line_read", key=line.key, then=line.then, now=line.now)
        note = tell.say("briefing.last_hour", minutes=minutes)
        return _figure(f"{NAME}-line", [tell.figure(line.key, line.unit), self.ref(line.ref)], note, drawn, read)

    def map(self) -> Component:
        """The frame of the small map: the browser draws the marks that stand in it on the city's own base map."""
        marks = self.briefing.marks
        teams = sum(one.kind == "team" for one in marks)
        read = self.tell.say("briefing.map_read", n=sum(one.kind == "incident" for one in marks), teams=teams)
        drawn = msgspec.json.encode(marks).decode()
        return html.Div(id=MAP, className="city", role="img", **{"aria-label": read, "data-marks": drawn})

    def districts(self) -> list[Child]:
        say, rows = self.tell.say, self.briefing.districts
        heading = _heading(
            [say("briefing.districts"), self.ref(self.briefing.districts_ref)], say("briefing.districts_note")
        )
        names = ("district", "received", "on_time", "rework", "arrival", "n")
        head = _head([say(f"briefing.{name}") for name in names], unseen=(0,))
        rest = rows[DISTRICTS:]
        more = say("briefing.districts_more", n=len(rest), received=sum(one.received for one in rest))
        table = html.Table([head, html.Tbody([self.district(one) for one in rows[:DISTRICTS]])], className="districts")
        return [heading, table, html.P(more, className="none") if rest else None]

    def district(self, one: District) -> Component:
        tell = self.tell
        few = html.Span(tell.say("briefing.few"), className="muted")

        def share(value: float | None) -> Child:
            return few if value is None else f"{value:.1f}%"

        arrival: Any = few
        if one.median_min is not None:
            arrival = [tell.number(one.median_min, "min"), html.Span(f", {one.p90_min:.0f}", className="muted")]
        cells: list[Any] = [tell.area(one.area), f"{one.received:,}", share(one.on_time), share(one.reworked), arrival]
        cells.append(html.Span(str(one.arrivals), className="muted"))
        return html.Tr([html.Td(cell) for cell in cells], **{"data-area": one.area})

    def cited(self, one: Evidence) -> Component:
        return html.Li(
            [
                html.Span(f"[{one.n}]", className="nr"),
                html.A(self.tell.cited(one), href=self.address(one)),
                *self.named(one),
            ],
            id=f"{NAME}-e{one.n}",
            **{"data-table": one.table},
        )

    def named(self, one: Evidence) -> list[Child]:
        """The rows by name, where people know them by one."""
        if one.table != "incidents":
            return []
        found: list[Child] = []
        for id_, number in zip(one.ids, one.args.get("numbers", ()), strict=False):
            found += [" ", self.number(id_, number)]
        return found

    def number(self, incident: str, number: int) -> Component:
        """An incident by its number; the link opens it in the console."""
        asked = self.choices.search(open=f"incidents/{incident}")
        return html.A(f"#{number}", href=dispatch.PATH + asked, className="number")

    def address(self, one: Evidence) -> str:
        """Where the rows of a number are, as this page had them."""
        return f"{rows.PATH}/{self.sha}/{one.n}{self.choices.search()}"


def _heading(title: Any, note: str | None, first: bool = False) -> Component:
    return html.H2([html.Span(title), html.Small(note) if note else None], className="first" if first else "")


def _head(names: list[str], unseen: tuple[int, ...]) -> Component:
    """The head of a table; what a column of names is called need not be seen."""
    cells = [html.Span(name, className="unseen") if at in unseen else name for at, name in enumerate(names)]
    return html.Thead(html.Tr([html.Th(cell) for cell in cells]))


def _mark(state: str) -> Child:
    drawn = ink.mark(state)
    alt = {"over": "1", "near": "2", "third": "3", "stale": "?"}.get(state, "")
    return html.Img(src=drawn, alt=alt, className="mk") if drawn else None


def _figure(figure_id: str, title: Any, note: str, drawn: dict[str, Any], read: str) -> Component:
    """A chart with its title, and what it shows in words for whoever does not see it."""
    chart = dcc.Graph(
        id=figure_id, figure=drawn, config=charts.CONFIG, style={"width": charts.WIDTH, "height": charts.HEIGHT}
    )
    return html.Figure(
        [
            html.Figcaption([html.B(title), html.Span(note)]),
            html.Div(chart, **{"aria-hidden": "true"}),
            html.P(read, className="unseen"),
        ]
    )
