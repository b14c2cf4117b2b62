"""The dispatcher's console: queue · map · teams, the selected incident below the map, timers at the foot.

Pure: an empty frame by areas; `assets/live/dispatch.mjs` fills it. The supervisor and the call taker use the same page;
which verbs are shown follows from the role. May not know any figure of the city.
"""

from __future__ import annotations

from typing import Final

from dash import html
from dash.development.base_component import Component

from dashboard import words
from layouts import board, figures, parts
from layouts.theme import Choices

NAME: Final = "dispatch"
PATH: Final = "/dispatch"

BAR: Final = f"{NAME}-bar"
SEAT: Final = f"{NAME}-seat"
COMMAND: Final = f"{NAME}-command"
STATUS: Final = f"{NAME}-status"
LOST: Final = f"{NAME}-lost"
QUEUE: Final = f"{NAME}-queue"
MAPBOX: Final = f"{NAME}-mapbox"
MAP: Final = f"{NAME}-map"
OVERLAY: Final = f"{NAME}-overlay"
INCIDENT: Final = f"{NAME}-incident"
SIDE: Final = f"{NAME}-side"
ADVICE: Final = f"{NAME}-advice"
TRAY: Final = f"{NAME}-tray"
TEAMS: Final = f"{NAME}-teams"
TIMERS: Final = f"{NAME}-timers"
KEYS: Final = f"{NAME}-keys"


def layout(view: parts.CityView, choices: Choices) -> Component:
    """The console's areas, empty."""
    return html.Div(
        [
            html.Header(
                [
                    html.Div([parts.brand("page.dispatch", choices), html.Span(id=SEAT)], className="who-where"),
                    html.Div(id=COMMAND, className="command", role="search"),
                    html.Div(id=STATUS),
                ],
                id=BAR,
            ),
            html.Div(id=LOST),
            parts.panel(QUEUE, "label.queue", choices),
            html.Main(
                [
                    html.Div([parts.city_map(MAP, view, choices), html.Div(id=OVERLAY)], id=MAPBOX),
                    parts.panel(INCIDENT, "label.incident", choices),
                ],
                className="middle",
            ),
            html.Aside(
                [
                    parts.panel(ADVICE, "label.advice", choices),
                    parts.panel(TRAY, "label.sent_not_accepted", choices),
                    parts.panel(TEAMS, "label.teams", choices),
                ],
                id=SIDE,
            ),
            html.Footer(
                [
                    html.Div(id=TIMERS),
                    html.Div(
                        [_figures(choices), _printed(choices), *parts.switches(PATH, choices)], className="switches"
                    ),
                ],
                className="foot",
            ),
            html.Div(id=KEYS),
        ],
        id=NAME,
        className="page dispatch",
    )


def _figures(choices: Choices) -> Component:
    """The way to every figure with its definition and what it rests on."""
    return html.A(words.say("page.figures", choices.lang), href=figures.PATH + choices.search())


def _printed(choices: Choices) -> Component:
    """The way to the board on paper, in a window of its own."""
    title = words.say("key.print", choices.lang)
    return html.A(
        words.say("label.print_board", choices.lang), href=board.PATH + choices.search(), target="_blank", title=title
    )
