"""The one Dash app: the document around every page, the assets, and the place into which a page is put.

Knows no state and no route of its own: `dashboard.app` mounts what this returns, `callbacks` turns the page.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from dash import Dash, dcc, html
from fastapi import FastAPI

from layouts.parts import CityView

ASSETS: Final = Path(__file__).parent / "assets"
LOCATION: Final = "shell-location"
PAGE: Final = "shell-page"
STYLES: Final = (
    "tokens.css", "parts.css", "home.css", "wall.css", "dispatch.css", "claims.css", "flood.css", "orders.css",
    "handover.css", "map.css", "places.css",
    "screens.css", "sources.css", "training.css", "briefing.css", "figures.css",
)  # fmt: skip

# Styles and the two scripts are named here, in this order: Dash would load each module by itself, with a time stamp in
# its address, and a module that is imported under two addresses exists twice.
INDEX: Final = """<!DOCTYPE html>
<html lang="zh-Hans-CN" data-theme="dark">
<head>
{%metas%}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="same-origin">
<title>{%title%}</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
<script src="/assets/live/first.js"></script>
STYLES{%css%}
<script type="module" src="/assets/live/page.mjs"></script>
</head>
<body>
{%app_entry%}
<footer class="dash-scripts">{%config%}{%scripts%}{%renderer%}</footer>
</body>
</html>""".replace("STYLES", "\n".join(f'<link rel="stylesheet" href="/assets/{name}">' for name in STYLES))


def create_app(view: CityView) -> Dash:
    """The Dash app on its FastAPI backend, without a callback yet; `callbacks.register_all(app, view)` adds them."""
    app = Dash(
        "comis",
        server=FastAPI(docs_url=None, redoc_url=None, openapi_url=None),
        backend="fastapi",
        assets_folder=str(ASSETS),
        include_assets_files=False,
        serve_locally=True,
        use_pages=False,
        title="COMIS",
        update_title="",
        suppress_callback_exceptions=True,  # the briefing's place is in a page that is put up later
        index_string=INDEX,
    )
    # Dash's own socket carries nothing here and would try for ever: live data goes over /live.
    app.backend.websocket_capability = False
    app.layout = html.Div([dcc.Location(id=LOCATION, refresh=True), html.Div(id=PAGE)], className="shell")
    return app
