"""The base map that an installation was given: a file of tiles served here, or the address of a tile server.

It gives the route of the tiles and what browsers are told. May not know the city or what is drawn on top; without
`COMIS_BASEMAP` there is none, and the pack's own drawing is the map.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import sqlite3
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dashboard.settings import Settings
from dashboard.tile_files import MOST_ZOOM, TileFile, open_tiles, plain

log = logging.getLogger(__name__)

KEPT_S: Final = 86_400  # a browser asks again after a day; another file has another address at once
DEEPEST: Final = 18  # of a tile server: OpenStreetMap has 19 levels and Tianditu 18


@dataclass(frozen=True, slots=True)
class BaseMap:
    """Tiles under the marks. `file`: served here; else `templates` are addresses, drawn one over the other."""

    templates: tuple[str, ...] = ()
    file: TileFile | None = None
    path: Path = Path()
    datum: str = "wgs84"
    attribution: str = ""
    version: str = ""

    def told(self) -> dict[str, Any]:
        """What a browser must know; empty where there are no tiles."""
        if not self.templates:
            return {}
        return {
            "tiles": {
                "templates": self.templates,
                "min_zoom": self.file.min_zoom if self.file else 0,
                "max_zoom": self.file.max_zoom if self.file else DEEPEST,
                "bounds": self.file.bounds if self.file else None,
                "datum": self.datum,
                "attribution": self.attribution,
            }
        }

    def routes(self) -> list[Route]:
        """The route of the tiles, where a file of ours is served."""
        return [Route("/basemap/{z}/{x}/{y}", self._serve)] if self.file else []

    async def _serve(self, request: Request) -> Response:
        z, x, y = (_number(request.path_params[name]) for name in ("z", "x", "y"))
        if z > MOST_ZOOM or max(x, y) >= 2**z:
            raise HTTPException(404)
        assert self.file is not None
        tag = f'"{self.version}-{z}-{x}-{y}"'
        headers = {"etag": tag, "cache-control": f"public, max-age={KEPT_S}"}
        if tag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        try:
            picture = await asyncio.to_thread(self.file.tile, z, x, y)
        except (OSError, ValueError, zlib.error, sqlite3.Error) as reason:
            log.warning("base map unreadable path=%s reason=%s", self.path, reason)
            return Response(status_code=503, headers={"cache-control": "no-store"})
        if not picture:
            return Response(status_code=204, headers=headers)
        return Response(picture, media_type=self.file.media_type, headers=headers)


def base_map(settings: Settings) -> BaseMap:
    """The base map of these settings.  Raises: CannotStart, saying what is wrong with the file."""
    said = plain(settings.basemap_attribution)
    if not settings.basemap:
        return BaseMap()
    if settings.basemap_origins:
        return BaseMap(tuple(settings.basemap.split()), datum=settings.basemap_datum, attribution=said)
    path = Path(settings.basemap)
    file = open_tiles(path)
    version = hashlib.sha256(f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    return BaseMap(
        (f"/basemap/{{z}}/{{x}}/{{y}}?v={version}",),
        file,
        path,
        settings.basemap_datum,
        said or file.attribution,
        version,
    )


def described(settings: Settings) -> str:
    """The base map in one line, for a person.  Raises: CannotStart as `base_map`."""
    found = base_map(settings)
    if not found.templates:
        return "drawn by COMIS from the city pack; COMIS_BASEMAP adds tiles"
    datum = f"datum {found.datum}"
    named = f"attribution: {found.attribution}" if found.attribution else _UNNAMED
    if found.file is None:
        return f"tiles of {' and '.join(settings.basemap_origins)}, asked for by the browsers ({datum}; {named})"
    file = found.file
    return f"{found.path} ({file.kind}, {file.media_type}, zoom {file.min_zoom}–{file.max_zoom}, {datum}; {named})"


_UNNAMED: Final = "no attribution, which nearly every map's licence asks for: set COMIS_BASEMAP_ATTRIBUTION"


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise HTTPException(404)
    return int(text)
