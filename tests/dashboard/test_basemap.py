"""The base map of an installation: a file is served tile by tile, an address is handed on, and both are named."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette

from dashboard.app import create_server
from dashboard.basemap import BaseMap, base_map, described
from dashboard.errors import CannotStart
from dashboard.guard import policy
from dashboard.settings import Settings
from tests.tiles import mbtiles, pmtiles, png

RED = png(200, 0, 0, 1)
TILES = {(10, 843, 387): RED, (16, 53958, 24828): RED}
OSM = "https://tile.example/{z}/{x}/{y}.png"


@pytest.fixture(params=[mbtiles, pmtiles])
def settings(tmp_path: Path, request: pytest.FixtureRequest) -> Settings:
    path = request.param(tmp_path / "city.tiles", TILES, attribution="<a>© A Map</a>")
    return Settings(basemap=str(path))


def get(found: BaseMap, path: str, **headers: str) -> httpx.Response:
    """Ask the route as it stands in the web process."""

    async def ask() -> httpx.Response:
        inside = httpx.ASGITransport(Starlette(routes=found.routes()))
        async with httpx.AsyncClient(transport=inside, base_url="http://127.0.0.1") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())


def test_without_a_setting_there_is_no_route_and_nothing_is_told() -> None:
    found = base_map(Settings())
    assert (found.told(), found.routes()) == ({}, [])
    assert "drawn by COMIS" in described(Settings())


def test_a_tile_is_served_once_and_then_only_confirmed(settings: Settings) -> None:
    found = base_map(settings)
    tiles = found.told()["tiles"]
    assert (tiles["min_zoom"], tiles["max_zoom"], tiles["attribution"]) == (10, 16, "© A Map")
    address = tiles["templates"][0].format(z=10, x=843, y=387)
    got = get(found, address)
    assert (got.status_code, got.content, got.headers["content-type"]) == (200, RED, "image/png")
    assert got.headers["cache-control"] == "public, max-age=86400"
    again = get(found, address, **{"if-none-match": got.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("10/843/388", 204),
        ("0/0/0", 204),
        ("10/1024/0", 404),
        ("25/0/0", 404),
        ("10/-1/0", 404),
        ("10/843/387.png", 404),
        ("10/٨/387", 404),
        ("10/..%2f..%2fsecret/1", 404),
        ("../../etc/passwd", 404),
        ("%2e%2e/%2e%2e/settings.py", 404),
        ("9" * 5000 + "/1/1", 404),
    ],
)
def test_no_address_leads_anywhere_but_to_a_tile(settings: Settings, path: str, status: int) -> None:
    got = get(base_map(settings), f"/basemap/{path}")
    assert got.status_code == status
    assert RED not in got.content


def test_a_file_that_breaks_while_it_is_served_is_an_answer_and_not_the_end(tmp_path: Path) -> None:
    path = pmtiles(tmp_path / "city.pmtiles", TILES, leaves=True)
    found = base_map(Settings(basemap=str(path)))
    path.write_bytes(path.read_bytes()[:127] + bytes(1000))  # cut short and written over where it stands
    assert {get(found, f"/basemap/{z}/{x}/{y}").status_code for z, x, y in TILES} == {503}
    assert get(found, "/basemap/0/0/0").status_code == 204  # no tile of this file, whatever became of it


def test_an_address_is_told_as_it_stands_and_only_its_server_may_be_asked() -> None:
    settings = Settings(
        basemap=f"{OSM}  https://t0.tiles.example:8443/cva?l={{z}}&x={{x}}&y={{y}}&tk=secret",
        basemap_datum="gcj02",
        basemap_attribution="© <b>Map</b> makers",
    )
    found = base_map(settings)
    tiles = found.told()["tiles"]
    assert tiles["templates"] == tuple(settings.basemap.split())
    assert (tiles["datum"], tiles["attribution"], found.routes()) == ("gcj02", "© Map makers", [])
    assert settings.basemap_origins == ("https://tile.example", "https://t0.tiles.example:8443")
    said = policy([], settings.basemap_origins)
    assert "connect-src 'self' https://tile.example https://t0.tiles.example:8443;" in said
    assert "connect-src 'self';" in policy([], Settings().basemap_origins)
    assert "secret" not in described(settings)
    assert "https://tile.example" in described(settings)
    assert Settings.from_environment(settings.to_environment()) == settings


def test_a_map_that_names_nobody_is_remarked_on(tmp_path: Path) -> None:
    assert "set COMIS_BASEMAP_ATTRIBUTION" in described(Settings(basemap=OSM))
    path = mbtiles(tmp_path / "a.mbtiles", TILES)
    assert "set COMIS_BASEMAP_ATTRIBUTION" in described(Settings(basemap=str(path)))
    named = described(Settings(basemap=str(path), basemap_attribution="© A Map"))
    assert named.endswith("(MBTiles, image/png, zoom 10–16, datum wgs84; attribution: © A Map)")


def test_the_web_process_serves_the_tiles_tells_of_them_and_does_not_start_with_a_wrong_file(tmp_path: Path) -> None:
    path = mbtiles(tmp_path / "city.mbtiles", TILES, attribution="© A Map")
    app = create_server(Settings(basemap=str(path), data_dir=tmp_path))

    async def ask(*paths: str) -> list[httpx.Response]:
        inside = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=inside, base_url="http://127.0.0.1") as client:
            return [await client.get(path) for path in paths]

    told, tile, none = asyncio.run(ask("/pack/basemap.json", "/basemap/10/843/387", "/basemap/10/843/388"))
    assert told.json()["tiles"]["attribution"] == "© A Map"
    assert len(told.json()["layers"]) > 100  # the drawn map is there too, for where the tiles end
    assert (tile.status_code, tile.content, none.status_code) == (200, RED, 204)
    assert "connect-src 'self';" in tile.headers["content-security-policy"]
    path.unlink()
    with pytest.raises(CannotStart, match="No such file"):
        create_server(Settings(basemap=str(path), data_dir=tmp_path))
