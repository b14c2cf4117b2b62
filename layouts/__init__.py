"""Pages, pure: one module each with NAME, PATH, ids and ``layout(view, choices)``.

A layout draws what it is given: no fetch, no clock, no app. Live data never passes through here: the frames are empty,
and the browser's modules (`assets/live`) fill them from the live channel.
"""

from __future__ import annotations

from layouts import briefing, dispatch, figures, home, screens, sources, training, wall

PAGES = (home, dispatch, wall, screens, figures, sources, training, briefing)
"""Every page in menu order."""
BY_PATH = {page.PATH: page for page in (*PAGES, *figures.DETAILS)}
"""Every address of a page: those, and one for each figure."""


def page_at(path: str | None):
    """The page of a path, or None."""
    wanted = "/" + (path or "").strip("/")
    return BY_PATH.get(wanted)
