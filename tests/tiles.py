"""Small files of map tiles, written as the formats are specified: what tests give COMIS_BASEMAP."""

from __future__ import annotations

import gzip
import json
import sqlite3
import struct
import zlib
from pathlib import Path

from dashboard.tile_files import hilbert

Tiles = dict[tuple[int, int, int], bytes]


def png(red: int, green: int, blue: int, side: int = 256) -> bytes:
    """A picture of one colour."""

    def part(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = (b"\0" + bytes((red, green, blue)) * side) * side
    return b"".join(
        (
            b"\x89PNG\r\n\x1a\n",
            part(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
            part(b"IDAT", zlib.compress(rows)),
            part(b"IEND", b""),
        )
    )


def mbtiles(path: Path, tiles: Tiles, **metadata: str) -> Path:
    """An MBTiles file; tiles are given with rows from the north, as everybody but this format counts them."""
    with sqlite3.connect(path) as store:
        store.execute("create table metadata (name text, value text)")
        store.execute("create table tiles (zoom_level integer, tile_column integer, tile_row integer, tile_data blob)")
        store.executemany("insert into metadata values (?, ?)", metadata.items())
        rows = [(z, x, 2**z - 1 - y, picture) for (z, x, y), picture in tiles.items()]
        store.executemany("insert into tiles values (?, ?, ?, ?)", rows)
    store.close()
    return path


def pmtiles(path: Path, tiles: Tiles, *, picture: int = 2, version: int = 3, leaves: bool = False, **said: str) -> Path:
    """A PMTiles file; with `leaves` every tile has a leaf directory of its own."""
    ordered = sorted((hilbert(*place), data) for place, data in tiles.items())
    data, entries = b"", []
    for number, one in ordered:
        entries.append((number, 1, len(one), len(data)))
        data += one
    below = b""
    if leaves:
        packed = [(entry[0], _directory([entry])) for entry in entries]
        entries = []
        for number, one in packed:
            entries.append((number, 0, len(one), len(below)))
            below += one
    root, metadata = _directory(entries), gzip.compress(json.dumps(said).encode())
    zooms = [z for z, _, _ in tiles] or [0]
    at = 127
    places = []
    for part in (root, metadata, below, data):
        places += [at, len(part)]
        at += len(part)
    head = b"PMTiles" + bytes([version]) + struct.pack("<8Q", *places) + struct.pack("<3Q", 0, 0, 0)
    head += bytes([1, 2, 1, picture, min(zooms), max(zooms)])
    head += struct.pack("<4i", *(round(v * 1e7) for v in (115.4, 39.4, 117.5, 41.1))) + bytes(9)
    path.write_bytes(head + root + metadata + below + data)
    return path


def _directory(entries: list[tuple[int, int, int, int]]) -> bytes:
    numbers, last = [len(entries)], 0
    for number, *_ in entries:
        numbers.append(number - last)
        last = number
    numbers += [run for _, run, _, _ in entries] + [length for _, _, length, _ in entries]
    numbers += [offset + 1 for *_, offset in entries]
    return gzip.compress(b"".join(map(_varint, numbers)))


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])
