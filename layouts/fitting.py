"""Fitting: how high things will stand on a sheet of A4, estimated a little high, so that nothing runs over its foot.

Pure. The numbers are those of `assets/briefing.css`; a browser test holds the fullest page against them.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import ceil
from typing import Final

SHEET_MM: Final = 266.0
"""What is between the edges of a sheet, without a margin for faces that run wide."""
HEAD_AND_FOOT_MM: Final = 18.0
TITLE_MM: Final = 37.0
HEADING_MM: Final = 14.0
TABLE_HEAD_MM: Final = 6.5
LINE_MM: Final = 8.2
"""A line of the table of what changed."""
STOPPED_MM: Final = 18.0
SIGN_MM: Final = 30.0
NOTE_MM: Final = 7.5
REST_MM: Final = 6.0
"""How many lines are left out."""
_PT_MM: Final = 0.3528


def lines(text: str, width_mm: float, pt: float) -> int:
    """How many lines a text takes: a hanzi is as wide as it is high, any other character a little below half."""
    units = sum(1.0 if char > "\u2e80" else 0.49 for char in text)
    return max(1, ceil(units * pt * _PT_MM / width_mm))


def sentences(texts: Iterable[str]) -> float:
    """The five sentences."""
    return sum(3.8 + 7.75 * lines(text, 158, 13.5) for text in texts)


def decision(question: str, why: str, otherwise: str) -> float:
    """One question with its reason and what happens otherwise."""
    asked = 7.5 + 7.2 * lines(question, 122, 14) + 1 + 5.3 * lines(why, 120, 10)
    return max(28.0, asked + (7.2 * lines(otherwise, 100, 10) if otherwise else 0))


def gaps(texts: Iterable[tuple[str, str]]) -> float:
    """What is not seen, two beside each other."""
    high = [5 + 5.3 * (lines(name, 70, 10) + lines(said, 70, 10)) for name, said in texts]
    return sum(3 + max(high[at : at + 2]) for at in range(0, len(high), 2))


def overdue(what: str, where: str) -> float:
    """One line of what is late."""
    return 2.6 + 5.3 * lines(f"{what}  {where}", 74, 9.6)
