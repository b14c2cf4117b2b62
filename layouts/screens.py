"""Screens: every wall of the house, what it shows and why, how it is doing; pin, cast and freeze from here.

Pure: an empty frame; `assets/live/screens.mjs` fills it. May not know any figure of the city.
"""

from __future__ import annotations

from typing import Final

from dash import html
from dash.development.base_component import Component

from layouts import parts
from layouts.theme import Choices

NAME: Final = "screens"
PATH: Final = "/screens"

SUMMARY: Final = f"{NAME}-summary"
DESK: Final = f"{NAME}-desk"
TABLE: Final = f"{NAME}-table"


def layout(view: parts.CityView, choices: Choices) -> Component:
    """The page's areas, empty."""
    return parts.sheet(
        NAME,
        PATH,
        choices,
        [
            html.Div(id=SUMMARY),
            parts.panel(DESK, "label.screen_verbs", choices),
            parts.panel(TABLE, "label.screens", choices),
        ],
    )
