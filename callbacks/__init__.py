"""What Dash itself does on a page: it turns the page. Everything live goes over `/live`, everything else is a link.

May import layouts; nobody but `dashboard.app` imports this.
"""

from __future__ import annotations

from dash import Dash

from callbacks import shell
from layouts.parts import CityView


def register_all(app: Dash, view: CityView) -> None:
    """Register every callback of every page."""
    shell.register(app, view)
