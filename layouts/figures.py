"""Figures: every KPI as a table, and a page of each: what it is, what it rests on, its last hour, the rows it counts.

Pure: what a figure *is* stands in its row (`dashboard.city.kpis`) and is drawn here; values, ages and rows come later
through `assets/live/figures.mjs`. May not know any figure of the city.
"""

from __future__ import annotations

from typing import Final

from dash import dcc, html
from dash.development.base_component import Component
from msgspec import Struct

from dashboard import words
from dashboard.city.kpis import KPIS, Kpi
from layouts import parts
from layouts.theme import Choices

NAME: Final = "figures"
PATH: Final = "/figures"

TABLE: Final = f"{NAME}-table"
NOW: Final = f"{NAME}-now"
CHART: Final = f"{NAME}-chart"
WHAT: Final = f"{NAME}-what"
SOURCES: Final = f"{NAME}-sources"
ROWS: Final = f"{NAME}-rows"
COLUMNS: Final = ("figure", "value", "target", "cases", "age", "window")


def layout(view: parts.CityView, choices: Choices) -> Component:
    """All figures, one row each; a row leads to its page."""
    names = [words.say(f"column.{name}", choices.lang) for name in COLUMNS]
    head = [html.Span(name, className="num" if i else "") for i, name in enumerate(names)]
    rows = [html.Div(head, className="frow th"), *(_row(kpi, choices) for kpi in KPIS)]
    return parts.sheet(NAME, PATH, choices, [parts.panel(TABLE, "page.figures", choices, children=rows)])


def _row(kpi: Kpi, choices: Choices) -> Component:
    name = html.Span(
        [html.B(words.say(f"kpi.{kpi.key}", choices.lang)), html.Small(words.say(f"kpi.{kpi.key}_how", choices.lang))]
    )
    cells = [html.Span(className="num") for _ in range(4)]
    window = html.Span(_window(kpi, choices.lang), className="num")
    return html.A(
        [name, *cells, window], href=f"{PATH}/{kpi.key}{choices.search()}", className="frow", **{"data-key": kpi.key}
    )


class Detail(Struct, frozen=True):
    """The page of one figure, by an address that can be handed on."""

    kpi: Kpi

    @property
    def NAME(self) -> str:
        """All of them are drawn by one module and dressed by one style."""
        return NAME

    @property
    def PATH(self) -> str:
        """`/figures/<key>`."""
        return f"{PATH}/{self.kpi.key}"

    def layout(self, view: parts.CityView, choices: Choices) -> Component:
        """What the figure is, in words; empty areas for what it is now."""
        lang = choices.lang
        return parts.sheet(
            NAME,
            self.PATH,
            choices,
            [
                html.A(words.say("figures.all", lang), href=PATH + choices.search(), className="up"),
                self._now(lang),
                _panel(CHART, "figures.last_hour", choices, _plot()),
                html.Div(
                    [
                        _panel(WHAT, "figures.what", choices, _what(self.kpi, lang)),
                        _panel(SOURCES, "figures.sources", choices, html.Div(className="rows")),
                    ],
                    className="two",
                ),
                _panel(ROWS, "figures.rows", choices, html.Div(className="rows")),
            ],
        )

    def _now(self, lang: str) -> Component:
        name, how = (words.say(f"kpi.{self.kpi.key}{part}", lang) for part in ("", "_how"))
        return html.Div(
            [
                html.Div(id=f"{NOW}-value", className="value"),
                html.Div([html.H1(name), html.P(how), html.P(id=f"{NOW}-state", className="muted")]),
            ],
            id=NOW,
            **{"data-key": self.kpi.key},
        )


DETAILS: Final = tuple(Detail(kpi) for kpi in KPIS)


def _panel(panel_id: str, title: str, choices: Choices, body: Component) -> Component:
    head = html.Div([html.H2(words.say(title, choices.lang)), html.Span(className="note")], className="phead")
    return parts.panel(panel_id, title, choices, children=[head, body])


def _plot() -> Component:
    """A place to draw in, and beside it an unseen graph of Dash: with it plotly comes, from our own server."""
    brings = dcc.Graph(id=f"{CHART}-brings", figure={"data": [], "layout": {}}, style={"display": "none"})
    return html.Div([html.Div(id=f"{CHART}-plot"), brings])


def _window(kpi: Kpi, lang: str) -> str:
    if not kpi.window_min:
        return words.say("figures.now", lang)
    if kpi.window_min >= 1440:
        return words.say("figures.window_h", lang, hours=kpi.window_min // 60)
    return words.say("figures.window_min", lang, minutes=kpi.window_min)


def _what(kpi: Kpi, lang: str) -> Component:
    """The definition, line by line."""
    apart = {"zh": "；", "en": "; "}[lang]
    lines = (
        ("window", _window(kpi, lang)),
        ("not_counted", apart.join(words.say(f"exclusion.{code}", lang) for code in kpi.exclusions) or "–"),
        ("few", words.say("figures.few", lang)),
        ("better", words.say(f"good.{kpi.good}", lang)),
        ("usual", words.say(f"usual.{kpi.usual}", lang)),
        ("definition", words.say(f"definition.{kpi.source}", lang)),
        ("version", str(kpi.version)),
    )
    return html.Dl(
        [part for code, value in lines for part in (html.Dt(words.say(f"figures.{code}_of", lang)), html.Dd(value))]
    )
