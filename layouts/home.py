"""The door: the pages, who works where, and whether the picture is live.

Pure: links and one empty mark; `assets/live/home.mjs` fills the mark. May not know any figure of the city.
"""

from __future__ import annotations

from typing import Final

from dash import html
from dash.development.base_component import Component

from dashboard import words
from layouts import parts
from layouts.theme import Choices

NAME: Final = "home"
PATH: Final = "/"

STATUS: Final = f"{NAME}-status"
DOORS: Final = (
    ("/dispatch", "page.dispatch", "home.dispatch", "dispatcher:2"),
    ("/dispatch", "home.supervisor_title", "home.supervisor", "supervisor:1"),
    ("/wall", "page.wall", "home.wall", "wall"),
    ("/briefing", "page.briefing", "home.briefing", "leader"),
    ("/figures", "page.figures", "home.figures", ""),
    ("/screens", "page.screens", "home.screens", "supervisor:6"),
    ("/sources", "page.sources", "home.sources", ""),
)
"""Path, title, one sentence, and the role that the demo takes by this door."""


def layout(view: parts.CityView, choices: Choices) -> Component:
    """The doors and the switches of language and theme."""
    lang = choices.lang
    doors = [
        html.A(
            [html.B(words.say(title, lang)), html.Span(words.say(sentence, lang))],
            href=path + choices.search(**({"as": choices.identity or identity} if identity else {})),
            className="door",
        )
        for path, title, sentence, identity in DOORS
    ]
    return html.Div(
        [
            html.Main(
                [
                    html.Span(className="logo", **{"aria-hidden": "true"}),
                    html.H1(["COMIS", html.Span(view.zh if lang == "zh" else view.en)]),
                    html.P(words.say("home.what", lang)),
                    html.Nav(doors),
                    html.Div(id=STATUS),
                    html.Div(parts.switches(PATH, choices), className="switches"),
                ],
                className="sheet",
            )
        ],
        id=NAME,
        className="page home",
    )
