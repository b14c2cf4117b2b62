"""The briefing's one callback: the page asks once, and gets everything from one picture of the city."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from dash import Dash, Input, Output

from dashboard.city.briefing import Briefing
from layouts import briefing, shell
from layouts.theme import choices_from

log = logging.getLogger(__name__)

Ask = Callable[[], Awaitable[tuple[Briefing, dict[str, Any]]]]
"""Writes a briefing of now; beside it the city pack in force."""


def register(app: Dash, ask: Ask) -> None:
    """Fill the sheets once the frame stands."""

    @app.callback(Output(briefing.SHEETS, "children"), Input(shell.LOCATION, "search"))
    async def write(search: str | None) -> Any:
        choices = choices_from(search)
        try:
            written, registry = await ask()
        except Exception:  # whatever it is, the page must not stay at "being written"
            log.exception("briefing not written")
            return briefing.failed(choices)
        return briefing.sheets(written, registry, choices)
