"""Turning the page: the address decides which layout stands in the shell."""

from __future__ import annotations

from dash import Dash, Input, Output
from dash.development.base_component import Component

from layouts import page_at, shell
from layouts.parts import CityView
from layouts.theme import choices_from


def page_for(path: str | None, search: str | None, view: CityView) -> Component | None:
    """The layout of a path, drawn for the choices in the query; None where there is no such page."""
    page = page_at(path)
    return page.layout(view, choices_from(search)) if page else None


def register(app: Dash, view: CityView) -> None:
    """The shell's one callback."""

    @app.callback(Output(shell.PAGE, "children"), Input(shell.LOCATION, "pathname"), Input(shell.LOCATION, "search"))
    async def show_page(path: str | None, search: str | None) -> Component | None:
        return page_for(path, search, view)
