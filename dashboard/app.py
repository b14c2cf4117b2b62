"""The web process: one ASGI app in front of pages, channel, API and doors; the only module that sees every part.

    /live                                   the live channel
    /api/v1/… POST events, readings, …      the doors (feeds)
    /api/v1/… GET, POST commands            the API
    /api/v1/files/…                         pictures, for seats that may see them
    /pack/…                                 words, city pack, cameras and base map for the browser; numbers of teams
    /basemap/{z}/{x}/{y}                    tiles, where COMIS_BASEMAP is a file
    /dispatch/print /briefing/rows/…        the board on paper; what a number of a briefing was counted from
    / /wall /dispatch /figures /briefing …, /_dash…, /assets/    Dash
    /healthz /readyz /metrics               for whoever watches

Known paths are named; everything else is 404 in the format of its prefix. Dash's own catch-all is never reached.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import msgspec
import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from callbacks import register_all
from dashboard import api, basemap, guard, pages, paper, photos
from dashboard.briefings import Briefings
from dashboard.city.state import PUBLIC
from dashboard.live import packs
from dashboard.live.channel import Channel
from dashboard.live.intake import RedisIntake
from dashboard.live.room import ControlRoom
from dashboard.settings import Settings
from feeds import doors, runner
from layouts import BY_PATH, shell
from layouts.documents import city_view, documents

log = logging.getLogger(__name__)

TABLES: Final = frozenset(f"/api/v1/{table}" for table in PUBLIC)
"""Read here; complaints are a door too, for whoever posts."""
DASH_PREFIXES: Final = ("/_dash", "/assets/", "/_favicon", "/_reload-hash")


def build_name() -> str:
    """What a page compares itself with: the version of the program and the age of its newest browser module."""
    try:
        release = version("comis")
    except PackageNotFoundError:
        release = "0"
    newest = max((path.stat().st_mtime_ns for path in shell.ASSETS.rglob("*") if path.is_file()), default=0)
    return f"{release}-{newest // 1_000_000_000:x}"


class Front:
    """Which part answers a path."""

    def __init__(self, pages: ASGIApp, doors_app: ASGIApp, api_app: ASGIApp) -> None:
        """`pages` is Dash, `doors_app` the feeds' doors, `api_app` everything else of ours."""
        self.pages, self.doors, self.api = pages, doors_app, api_app
        self.page_paths = frozenset(BY_PATH)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request over by its path."""
        path = scope.get("path", "")
        if scope["type"] == "http" and path in self.page_paths:
            # Dash answers every page with one document at its root; its own catch-all is never registered.
            await self.pages({**scope, "path": "/", "raw_path": b"/"}, receive, send)
        elif scope["type"] == "http" and path.startswith(DASH_PREFIXES):
            await self.pages(scope, receive, send)
        elif scope["type"] == "http" and path in doors.PATHS and not (scope["method"] == "GET" and path in TABLES):
            await self.doors(scope, receive, send)
        else:
            await self.api(scope, receive, send)


def create_server(settings: Settings) -> ASGIApp:
    """The whole web process of one city as one ASGI app; it follows the store from its start-up on."""
    pack, tiles = packs.load(settings.pack), basemap.base_map(settings)
    room = ControlRoom(settings.redis_address, settings.snapshot_dir)
    channel = Channel(room, build_name())
    briefings = Briefings(room)
    intake = RedisIntake(settings.redis_address)
    view = city_view(pack)
    dash = shell.create_app(view)
    register_all(dash, view, briefings.page)
    dash._setup_server()  # a browser that only reconnects its socket must find the callbacks (docs/architecture)

    @contextlib.asynccontextmanager
    async def life(_: Any) -> AsyncIterator[None]:
        await room.open()
        channel.open()
        beating = asyncio.create_task(runner.kept_up("doors", lambda: runner.beat(intake, "doors:http")))
        yield
        beating.cancel()
        await asyncio.gather(beating, return_exceptions=True)
        await channel.close()
        await room.close()
        await intake.close()

    drawn = msgspec.json.encode({**packs.basemap(settings.pack), **tiles.told()})
    more = [*paper.routes(settings, room), *briefings.routes(), *photos.routes(settings, settings.files_dir)]
    more += tiles.routes()
    ours = api.create_api(settings, room, channel, documents(pack, drawn), life, more)
    front = Front(pages.behind_a_door(dash), doors.create_doors(settings, intake, pack.bounds), ours)
    return guard.guarded(front, settings, script_hashes=dash.csp_hashes())


def serve(settings: Settings) -> None:
    """Serve until a signal ends it. No permessage-deflate: it costs 5 ms of each viewer's second and saves little."""
    config = uvicorn.Config(
        create_server(settings), host=settings.host, port=settings.port, log_level="warning", access_log=False,
        ws_per_message_deflate=False, ws_max_size=262_144, timeout_graceful_shutdown=2, lifespan="on",
        server_header=False,
    )  # fmt: skip
    uvicorn.Server(config).run()
