"""Files of map tiles as others make them: MBTiles and raster PMTiles, opened to be read only, a tile at a time.

Blocking: whoever serves calls `tile` off the loop. May not know settings, routes or the city.
"""

from __future__ import annotations

import functools
import json
import os
import sqlite3
import threading
import weakref
import zlib
from bisect import bisect_right
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final, Protocol
from urllib.parse import quote

from dashboard.errors import CannotStart

Bounds = tuple[float, float, float, float]
MOST_ZOOM: Final = 24
MOST_ATTRIBUTION: Final = 160  # characters; more is a page, not a line in the corner of a map
SQLITE: Final = b"SQLite format 3\0"
PMTILES: Final = b"PMTiles"


class TileFile(Protocol):
    """What is asked of a file of tiles, whatever its format. `bounds` are west, south, east, north, or unknown."""

    kind: str
    media_type: str
    min_zoom: int
    max_zoom: int
    bounds: Bounds | None
    attribution: str

    def tile(self, z: int, x: int, y: int) -> bytes | None:
        """The picture of a tile, `y` counted from the north; None where the file has none.

        Raises: OSError, ValueError or sqlite3.Error when the file can no longer be read.
        """


def open_tiles(path: Path) -> TileFile:
    """The file behind a path.  Raises: CannotStart, saying in one sentence what is wrong with it."""
    try:
        with path.open("rb") as file:
            begin = file.read(len(SQLITE))
        if begin == SQLITE:
            return MBTiles(path)
        if begin.startswith(PMTILES):
            return PMTiles(path)
    except OSError as reason:
        raise CannotStart(f"COMIS_BASEMAP is {path}, which cannot be read: {reason.strerror}.") from None
    except (sqlite3.Error, ValueError, EOFError, IndexError, zlib.error) as reason:
        raise CannotStart(f"COMIS_BASEMAP is {path}, which is damaged: {reason}.") from None
    raise CannotStart(f"COMIS_BASEMAP is {path}, which is neither an MBTiles nor a PMTiles file.")


def media_type_of(picture: bytes) -> str:
    """What a tile is by its first bytes; empty where no browser draws it as a picture."""
    if picture.startswith(b"\x89PNG"):
        return "image/png"
    if picture.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if picture[:4] == b"RIFF" and picture[8:12] == b"WEBP":
        return "image/webp"
    return "image/avif" if picture[4:12] in (b"ftypavif", b"ftypavis") else ""


def plain(text: str) -> str:
    """The words of a piece of HTML, in one line: an attribution is shown as text."""
    reader = _Words()
    reader.feed(text)
    reader.close()
    words = " ".join("".join(reader.words).split())
    return words if len(words) <= MOST_ATTRIBUTION else words[: MOST_ATTRIBUTION - 1] + "…"


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.hidden = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.hidden = tag if tag in ("script", "style") else self.hidden

    def handle_endtag(self, tag: str) -> None:
        self.hidden = "" if tag == self.hidden else self.hidden

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.words.append(data)


def _not_a_picture(path: Path) -> CannotStart:
    return CannotStart(
        f"COMIS_BASEMAP is {path}, which holds no pictures but vector tiles; the map draws PNG, JPEG, WebP or AVIF."
    )


# ---- MBTiles --------------------------------------------------------------------------------------------------------


class MBTiles:
    """An MBTiles file (version 1.3): an SQLite table of tiles, rows counted from the south."""

    kind = "MBTiles"

    def __init__(self, path: Path) -> None:
        # immutable: no lock and no journal is looked for, so the file may lie on a read-only medium
        self._store = sqlite3.connect(f"file:{quote(str(path))}?mode=ro&immutable=1", uri=True, check_same_thread=False)
        weakref.finalize(self, self._store.close)
        self._turn = threading.Lock()
        try:
            said = dict(self._store.execute("select name, value from metadata").fetchall())
            sample = self._store.execute("select tile_data from tiles limit 1").fetchone()
            zooms = self._store.execute("select min(zoom_level), max(zoom_level) from tiles").fetchone()
        except sqlite3.OperationalError as reason:
            raise CannotStart(f"COMIS_BASEMAP is {path}, an SQLite file without map tiles: {reason}.") from None
        if sample is None:
            raise CannotStart(f"COMIS_BASEMAP is {path}, which holds no tile.")
        self.media_type = media_type_of(bytes(sample[0]))
        if not self.media_type:
            raise _not_a_picture(path)
        self.min_zoom, self.max_zoom = int(zooms[0]), min(int(zooms[1]), MOST_ZOOM)
        self.bounds = _bounds(said.get("bounds"))
        self.attribution = plain(str(said.get("attribution") or ""))

    def tile(self, z: int, x: int, y: int) -> bytes | None:
        """See `TileFile.tile`."""
        query = "select tile_data from tiles where zoom_level = ? and tile_column = ? and tile_row = ?"
        with self._turn:
            found = self._store.execute(query, (z, x, 2**z - 1 - y)).fetchone()
        return bytes(found[0]) if found else None


def _bounds(text: object) -> Bounds | None:
    """The stated bounds where they are four sound numbers; files in the field often state none, or the whole world."""
    try:
        west, south, east, north = (float(part) for part in str(text).split(","))
    except ValueError:
        return None
    sound = -180 <= west < east <= 180 and -90 <= south < north <= 90
    return (west, south, east, north) if sound else None


# ---- PMTiles --------------------------------------------------------------------------------------------------------

_PICTURES: Final = {2: "image/png", 3: "image/jpeg", 4: "image/webp", 5: "image/avif"}
_PLAIN, _GZIP = 1, 2
_MOST_DEPTH: Final = 4
_MOST_DIRECTORY: Final = 1 << 24  # bytes of one directory, unpacked: a file that says more is damaged


class PMTiles:
    """A PMTiles file (version 3) of pictures: a header, directories along a Hilbert curve, tiles.

    Our own reader, because the package of that name unpacks every directory again for each tile, and installs a
    top-level `test` beside itself.
    """

    kind = "PMTiles"

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDONLY)  # read, not mapped: a mapped file that is cut short ends the process
        weakref.finalize(self, os.close, self._file)
        head = os.pread(self._file, 127, 0)
        if len(head) < 127:
            raise ValueError("it ends within its header")
        if head[7] != 3:
            raise CannotStart(f"COMIS_BASEMAP is {path}, a PMTiles file of version {head[7]}; version 3 is read.")
        self._root = (_uint64(head, 8), _uint64(head, 16))
        self._leaves, self._data = _uint64(head, 40), _uint64(head, 56)
        self._packed, tile_packed, picture = head[97], head[98], head[99]
        if picture not in _PICTURES:
            raise _not_a_picture(path)
        if self._packed not in (_PLAIN, _GZIP) or tile_packed not in (0, _PLAIN):
            raise CannotStart(f"COMIS_BASEMAP is {path}, packed in a way that is not read; gzip directories are.")
        self.media_type = _PICTURES[picture]
        self.min_zoom, self.max_zoom = head[100], min(head[101], MOST_ZOOM)
        west, south, east, north = (
            int.from_bytes(head[at : at + 4], "little", signed=True) / 1e7 for at in (102, 106, 110, 114)
        )
        self.bounds = _bounds(f"{west},{south},{east},{north}")
        said = self._metadata(_uint64(head, 24), _uint64(head, 32))
        self.attribution = plain(str(said.get("attribution") or ""))
        self._directory = functools.lru_cache(maxsize=64)(self._read_directory)
        if not self._directory(*self._root)[0]:
            raise CannotStart(f"COMIS_BASEMAP is {path}, which holds no tile.")

    def tile(self, z: int, x: int, y: int) -> bytes | None:
        """See `TileFile.tile`."""
        wanted, (at, length) = hilbert(z, x, y), self._root
        for _ in range(_MOST_DEPTH):
            ids, runs, lengths, offsets = self._directory(at, length)
            k = bisect_right(ids, wanted) - 1
            if k < 0:
                return None
            if runs[k]:
                inside = wanted - ids[k] < runs[k]
                return self._slice(self._data + offsets[k], lengths[k]) if inside else None
            at, length = self._leaves + offsets[k], lengths[k]
        raise ValueError("its directories lead in a circle")

    def _slice(self, at: int, length: int) -> bytes:
        found = os.pread(self._file, length, at)
        if len(found) < length:
            raise ValueError("it ends before its tiles do")
        return found

    def _unpacked(self, at: int, length: int) -> bytes:
        found = self._slice(at, length)
        if self._packed == _PLAIN:
            return found
        opened = zlib.decompressobj(wbits=31).decompress(found, _MOST_DIRECTORY)
        if len(opened) == _MOST_DIRECTORY:
            raise ValueError("a directory is too large")
        return opened

    def _metadata(self, at: int, length: int) -> dict[str, Any]:
        said = json.loads(self._unpacked(at, length)) if length else {}
        return said if isinstance(said, dict) else {}

    def _read_directory(self, at: int, length: int) -> tuple[list[int], list[int], list[int], list[int]]:
        """Columns of a directory: first tile id, run length (0: a leaf directory), length, offset."""
        numbers = _varints(self._unpacked(at, length))
        count = next(numbers)
        if count > _MOST_DIRECTORY:
            raise ValueError("a directory is too large")
        ids, last = [], 0
        for _ in range(count):
            last += next(numbers)
            ids.append(last)
        runs = [next(numbers) for _ in range(count)]
        lengths = [next(numbers) for _ in range(count)]
        offsets: list[int] = []
        for k in range(count):
            number = next(numbers)
            offsets.append(number - 1 if number else offsets[k - 1] + lengths[k - 1])
        return ids, runs, lengths, offsets


def hilbert(z: int, x: int, y: int) -> int:
    """The number of a tile in a PMTiles file: all lower levels first, then a Hilbert curve."""
    number: int = (4**z - 1) // 3
    side = 1 << z
    while (side := side >> 1) > 0:
        right, down = int(bool(x & side)), int(bool(y & side))
        number += side * side * ((3 * right) ^ down)
        if not down:
            if right:
                x, y = side - 1 - x, side - 1 - y
            x, y = y, x
    return number


def _varints(data: bytes) -> Any:
    """The numbers of a directory, one after another.  Raises: ValueError where they end too early."""
    value = shift = 0
    for byte in data:
        value |= (byte & 0x7F) << shift
        if byte & 0x80:
            shift += 7
            continue
        yield value
        value = shift = 0
    raise ValueError("a directory ends too early")


def _uint64(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 8], "little")
