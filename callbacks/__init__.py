"""What Dash itself does: it turns the page, and puts up the briefing. Live data goes over `/live`, the rest is a link.

May import layouts; nobody but `dashboard.app` imports this.
"""

from __future__ import annotations

from dash import Dash

from callbacks import briefing, shell
from layouts.parts import CityView


def register_all(app: Dash, view: CityView, ask: briefing.Ask | None = None) -> None:
    """Register every callback of every page. `ask` writes a briefing; without it nobody does."""
    shell.register(app, view)
    if ask is not None:
        briefing.register(app, ask)
