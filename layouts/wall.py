"""The wall: one scene, its figures, the newest urgent items, all teams — readable from ten metres, nothing scrolls.

Pure: an empty frame by areas; `assets/live/wall.mjs` fills it. May not know any figure of the city.
"""

from __future__ import annotations

from typing import Final

from dash import html
from dash.development.base_component import Component

from layouts import parts
from layouts.theme import Choices

NAME: Final = "wall"
PATH: Final = "/wall"

SCENE: Final = f"{NAME}-scene"
FEED: Final = f"{NAME}-feed"
WHEN: Final = f"{NAME}-when"
STAGE: Final = f"{NAME}-stage"
MAP: Final = f"{NAME}-map"
LENS: Final = f"{NAME}-lens"
TALLY: Final = f"{NAME}-tally"
VEIL: Final = f"{NAME}-veil"
FIGURES: Final = f"{NAME}-figures"
SIDE: Final = f"{NAME}-side"
BOARD: Final = f"{NAME}-board"
TICKER: Final = f"{NAME}-ticker"
TEAMS: Final = f"{NAME}-teams"


def layout(view: parts.CityView, choices: Choices) -> Component:
    """The wall's areas, empty."""
    return html.Div(
        [
            html.Header([html.Div(id=SCENE), html.Div(id=FEED), html.Div(id=WHEN)]),
            html.Main(
                [
                    parts.city_map(MAP, view, choices, still=True),
                    html.Div(id=LENS),
                    html.Div(id=TALLY),
                    html.Div(id=VEIL),
                ],
                id=STAGE,
            ),
            parts.panel(FIGURES, "label.figures", choices),
            parts.panel(SIDE, "label.scene_list", choices, hidden=True),
            parts.panel(BOARD, "label.figures", choices),
            parts.panel(TICKER, "label.urgent", choices),
            parts.panel(TEAMS, "label.teams", choices),
        ],
        id=NAME,
        className="page wall",
    )
