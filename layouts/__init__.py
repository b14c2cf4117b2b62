"""Pages, pure: one module each with NAME, PATH, ids and ``layout(view, choices)``.

A layout draws what it is given: no fetch, no clock, no app. Live data never passes through here: the frames are empty,
and the browser's modules (`assets/live`) fill them from the live channel.
"""

from __future__ import annotations

from layouts import briefing, dispatch, home, sources, training, wall

PAGES = (home, dispatch, wall, sources, training, briefing)
"""Every page in menu order."""


def page_at(path: str | None):
    """The page of a path, or None."""
    wanted = "/" + (path or "").strip("/")
    return next((page for page in PAGES if wanted == page.PATH), None)
