"""Sources: whoever sends us events, when each was last heard, how healthy the alarms are, and what could not be read.

Pure: an empty frame; `assets/live/sources.mjs` fills it. May not know any figure of the city.
"""

from __future__ import annotations

from typing import Final

from dash import html
from dash.development.base_component import Component

from layouts import parts
from layouts.theme import Choices

NAME: Final = "sources"
PATH: Final = "/sources"

SUMMARY: Final = f"{NAME}-summary"
TABLE: Final = f"{NAME}-table"
ALARMS: Final = f"{NAME}-alarms"
REJECTED: Final = f"{NAME}-rejected"


def layout(view: parts.CityView, choices: Choices) -> Component:
    """The page's areas, empty."""
    return parts.sheet(
        NAME,
        PATH,
        choices,
        [
            html.Div(id=SUMMARY),
            parts.panel(TABLE, "label.sources", choices),
            parts.panel(ALARMS, "alarms.title", choices),
            parts.panel(REJECTED, "label.rejected", choices),
        ],
    )
