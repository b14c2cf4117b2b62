"""The training: how much of it is left, and at its end the score with the incidents that were latest.

Pure: an empty frame; `assets/live/training.mjs` fills it. May not know any figure of the city.
"""

from __future__ import annotations

from typing import Final

from dash import html
from dash.development.base_component import Component

from layouts import parts
from layouts.theme import Choices

NAME: Final = "training"
PATH: Final = "/training"

STATE: Final = f"{NAME}-state"
SCORE: Final = f"{NAME}-score"
WORST: Final = f"{NAME}-worst"


def layout(view: parts.CityView, choices: Choices) -> Component:
    """The page's areas, empty."""
    return parts.sheet(
        NAME,
        PATH,
        choices,
        [
            html.Div(id=STATE),
            parts.panel(SCORE, "label.score", choices),
            parts.panel(WORST, "label.latest_ones", choices),
        ],
    )
