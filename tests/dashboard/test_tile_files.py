"""Files of map tiles: every tile is found at its place; a file that is no map of pictures is refused in a sentence."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from dashboard.errors import CannotStart
from dashboard.tile_files import hilbert, media_type_of, open_tiles, plain
from tests.tiles import mbtiles, pmtiles, png

RED, BLUE = png(200, 0, 0, 1), png(0, 0, 200, 1)
TILES = {(0, 0, 0): RED, (9, 421, 193): RED, (9, 421, 194): BLUE, (16, 53958, 24828): BLUE}


@pytest.mark.parametrize("leaves", [None, False, True], ids=["mbtiles", "pmtiles", "pmtiles with leaves"])
def test_every_tile_is_at_its_place_and_no_other(tmp_path: Path, leaves: bool | None) -> None:
    said = '© <a href="https://map.example/">Some Map</a> &amp; others<script>alert(1)</script>'
    path = tmp_path / "a map #1?.tiles"  # characters that mean something in an address
    if leaves is None:
        mbtiles(path, TILES, attribution=said, bounds="115.4,39.4,117.5,41.1", format="png")
    else:
        pmtiles(path, TILES, leaves=leaves, attribution=said)
    tiles = open_tiles(path)
    assert {place: tiles.tile(*place) for place in TILES} == TILES
    for z, x, y in ((9, 421, 192), (9, 420, 193), (10, 421, 193), (1, 0, 0), (16, 53958, 24829), (24, 0, 0)):
        assert tiles.tile(z, x, y) is None
    assert (tiles.min_zoom, tiles.max_zoom, tiles.media_type) == (0, 16, "image/png")
    assert tiles.bounds == pytest.approx((115.4, 39.4, 117.5, 41.1))
    assert tiles.attribution == "© Some Map & others"


def test_the_numbers_of_tiles_follow_the_curve_of_the_format() -> None:
    # the first three levels as the format's page lists them
    assert [hilbert(z, x, y) for z, x, y in ((0, 0, 0), (1, 0, 0), (1, 0, 1), (1, 1, 1), (1, 1, 0), (2, 0, 0))] == [
        *range(6)
    ]
    assert hilbert(12, 3423, 1763) == 19078479  # an example of the format's page
    assert sorted(hilbert(5, x, y) for x in range(32) for y in range(32)) == list(range(341, 341 + 1024))


def _empty(path: Path) -> Path:
    path.touch()
    return path


def _words(path: Path) -> Path:
    path.write_text("z/x/y\n")
    return path


def _other_sqlite(path: Path) -> Path:
    with sqlite3.connect(path) as store:
        store.execute("create table people (name text)")
    store.close()
    return path


def _torn(path: Path) -> Path:
    pmtiles(path, TILES)
    path.write_bytes(path.read_bytes()[:150])
    return path


def _torn_sqlite(path: Path) -> Path:
    mbtiles(path, TILES)
    path.write_bytes(path.read_bytes()[:4096])
    return path


@pytest.mark.parametrize(
    ("write", "sentence"),
    [
        (lambda path: path, "cannot be read: No such file"),
        (lambda path: path.parent, "cannot be read: Is a directory"),
        (_empty, "neither an MBTiles nor a PMTiles"),
        (_words, "neither an MBTiles nor a PMTiles"),
        (_other_sqlite, "without map tiles"),
        (_torn, "damaged"),
        (_torn_sqlite, "damaged"),
        (lambda path: mbtiles(path, {}), "holds no tile"),
        (lambda path: pmtiles(path, {}), "holds no tile"),
        (lambda path: mbtiles(path, {(0, 0, 0): b"\x1f\x8b vector"}, format="pbf"), "vector tiles"),
        (lambda path: pmtiles(path, TILES, picture=1), "vector tiles"),
        (lambda path: pmtiles(path, TILES, version=2), "version 2"),
    ],
)
def test_what_is_no_map_of_pictures_is_refused_in_one_sentence(
    tmp_path: Path, write: Callable[[Path], Path], sentence: str
) -> None:
    path = write(tmp_path / "map")
    with pytest.raises(CannotStart, match=sentence) as refusal:
        open_tiles(path)
    assert "COMIS_BASEMAP" in refusal.value.sentence
    assert "\n" not in refusal.value.sentence


def test_a_file_is_never_written_to(tmp_path: Path) -> None:
    path = mbtiles(tmp_path / "map.mbtiles", TILES)
    path.chmod(0o444)
    assert open_tiles(path).tile(0, 0, 0) == RED
    assert [entry.name for entry in tmp_path.iterdir()] == ["map.mbtiles"]  # no journal beside it


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("© OpenStreetMap contributors", "© OpenStreetMap contributors"),
        ("<b>A</b>\n  <i>B</i>", "A B"),
        ("1 < 2 <style>p{}</style>&copy;", "1 < 2 ©"),
        ("x" * 500, "x" * 159 + "…"),
    ],
)
def test_an_attribution_is_words(said: str, words: str) -> None:
    assert plain(said) == words


def test_a_picture_is_known_by_its_first_bytes() -> None:
    assert [
        media_type_of(begin)
        for begin in (RED, b"\xff\xd8\xff\xe0", b"RIFF\0\0\0\0WEBPVP8 ", b"\0\0\0\x1cftypavif", b"\x1f\x8b", b"")
    ] == ["image/png", "image/jpeg", "image/webp", "image/avif", "", ""]
