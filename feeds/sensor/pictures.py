"""Simulated pictures: a small drawn street as a camera would show it, by day or night, marked as simulated.

Pure and seeded by the camera: the same camera always stands in the same street. May not know how pictures are sent.
"""

from __future__ import annotations

import struct
import zlib
from random import Random
from typing import Final

import numpy as np
from numpy.typing import NDArray

WIDTH: Final = 320
HEIGHT: Final = 180
_HORIZON: Final = 84
_KERB: Final = 132

_LETTERS: Final = {
    "A": "01110100011000111111100011000110001", "C": "01111100001000010000100001000001111",
    "D": "11110100011000110001100011000111110", "E": "11111100001000011110100001000011111",
    "I": "11111001000010000100001000010011111", "L": "10000100001000010000100001000011111",
    "M": "10001110111010110101100011000110001", "S": "01111100001000001110000010000111110",
    "T": "11111001000010000100001000010000100", "U": "10001100011000110001100011000101110",
    "0": "01110100011001110101110011000101110", "1": "00100011000010000100001000010001110",
    "2": "01110100010000100010001000100011111", "3": "11110000010000101110000010000111110",
    "4": "00010001100101010010111110001000010", "5": "11111100001111000001000011000101110",
    "6": "00110010001000011110100011000101110", "7": "11111000010001000100010000100001000",
    "8": "01110100011000101110100011000101110", "9": "01110100011000101111000010001001100",
    ":": "00000001000010000000001000010000000",
}  # fmt: skip
"""Five columns by seven rows."""

# An indexed picture: a street at noon and the same at night are one drawing with two palettes.
_SKY, _FAR, _WALL, _WALL_2, _DARK, _LIT, _PAVE, _ROAD, _LINE, _PERSON, _CLOTH, _CART, _RED, _PLATE, _INK = range(15)
_DAY: Final = (
    (172, 186, 198), (146, 158, 166), (158, 152, 144), (132, 128, 122), (78, 84, 92), (188, 194, 198),
    (150, 148, 144), (96, 98, 102), (214, 214, 208), (58, 56, 60), (112, 104, 96), (136, 92, 64), (150, 70, 60),
    (20, 22, 24), (236, 236, 232),
)  # fmt: skip
_NIGHT: Final = (
    (22, 26, 36), (28, 32, 42), (44, 44, 48), (36, 37, 42), (24, 26, 32), (214, 186, 120),
    (58, 56, 54), (38, 39, 43), (120, 118, 110), (16, 16, 20), (74, 68, 62), (92, 66, 48), (132, 56, 46),
    (8, 9, 10), (236, 236, 232),
)  # fmt: skip

Canvas = NDArray[np.uint8]


def picture(camera: str, minute: int, category: str = "") -> bytes:
    """What a camera shows at a minute of the local day, as PNG: its street, and stalls where it sees a `category`."""
    street = Random(f"street-{camera}")
    canvas = np.full((HEIGHT, WIDTH), _SKY, dtype=np.uint8)
    night = not 390 <= minute < 1110
    _houses(canvas, street, night)
    canvas[_HORIZON + 26 : _KERB] = _PAVE
    canvas[_KERB:] = _ROAD
    for x in range(street.randrange(0, 40), WIDTH, 62):
        canvas[154:157, x : x + 30] = _LINE
    people = Random(f"people-{camera}-{minute // 15}")
    for _ in range(people.randint(2, 5) if 420 <= minute < 1380 else people.randint(0, 1)):
        _person(canvas, people.randrange(8, WIDTH - 16), people.randrange(104, 118), people)
    if category:
        _stalls(canvas, Random(f"stalls-{camera}-{category}"))
    _plate(canvas, f"SIMULATED {minute // 60:02d}:{minute % 60:02d}".replace(" ", "  "))
    return _png(canvas, _NIGHT if night else _DAY)


def _houses(canvas: Canvas, street: Random, night: bool) -> None:
    canvas[_HORIZON - 30 : _HORIZON] = _FAR
    x = -street.randrange(30)
    while x < WIDTH:
        wide, high = street.randrange(34, 74), street.randrange(46, 92)
        left, top = max(x, 0), _HORIZON + 26 - high
        canvas[top : _HORIZON + 26, left : x + wide] = _WALL if street.random() < 0.5 else _WALL_2
        for row in range(top + 8, _HORIZON + 12, 15):
            for column in range(max(x, 0) + 7, min(x + wide, WIDTH) - 8, 13):
                canvas[row : row + 8, column : column + 6] = (
                    _LIT if street.random() < (0.45 if night else 0.2) else _DARK
                )
        x += wide


def _person(canvas: Canvas, x: int, y: int, chance: Random) -> None:
    canvas[y : y + 4, x + 2 : x + 6] = _PERSON
    canvas[y + 4 : y + 14, x + 1 : x + 7] = chance.choice((_PERSON, _CLOTH, _DARK))
    canvas[y + 14 : y + 20, x + 2 : x + 6] = _PERSON


def _stalls(canvas: Canvas, chance: Random) -> None:
    """Carts with awnings on the pavement, people in front of them."""
    for n in range(chance.randint(2, 4)):
        x, y = 40 + n * 68 + chance.randrange(16), 106 + chance.randrange(6)
        canvas[y : y + 5, x - 3 : x + 37] = _RED
        canvas[y + 5 : y + 14, x : x + 2] = canvas[y + 5 : y + 14, x + 32 : x + 34] = _PERSON
        canvas[y + 14 : y + 24, x : x + 34] = _CART
        canvas[y + 24 : y + 28, x + 4 : x + 9] = canvas[y + 24 : y + 28, x + 24 : x + 29] = _PERSON
        for _ in range(chance.randint(1, 3)):
            _person(canvas, x + chance.randrange(34), y + 12, chance)


def _plate(canvas: Canvas, words: str) -> None:
    """The words at the foot, white on black: nobody shall take it for a real street."""
    canvas[HEIGHT - 18 :] = _PLATE
    x = 8
    for letter in words:
        bits = _LETTERS.get(letter, "0" * 35)
        glyph = np.array([bit == "1" for bit in bits]).reshape(7, 5).repeat(2, axis=0)[:14].repeat(2, axis=1)
        area = canvas[HEIGHT - 16 : HEIGHT - 2, x : x + 10]
        area[glyph[:, : area.shape[1]]] = _INK
        x += 12


def _png(canvas: Canvas, palette: tuple[tuple[int, int, int], ...]) -> bytes:
    rows = np.hstack([np.zeros((HEIGHT, 1), np.uint8), canvas])  # each row begins with its filter: none
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 3, 0, 0, 0)
    colours = bytes(value for colour in palette for value in colour)
    chunks = ((b"IHDR", head), (b"PLTE", colours), (b"IDAT", zlib.compress(rows.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
