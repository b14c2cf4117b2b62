"""Ink: marks and sparklines for paper, as pictures in themselves: black, one red, one amber, violet for the unseen.

Pure. The shapes and colours are those of the light theme (`assets/live/marks.mjs`, `assets/tokens.css`); paper has no
other.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

INK, SOFT, FAINT, BAND = "#161b20", "#42494f", "#5d646b", "#e4e6e8"
RED, AMBER, AMBER_EDGE, VIOLET = "#cb1e21", "#f4af2d", "#835508", "#613392"

_FACE: Final = "font-family='Noto Sans,Arial,sans-serif' text-anchor='middle' font-weight='600'"
_MARKS: Final = {
    "over": f"<rect x='2' y='2' width='16' height='16' rx='2' fill='{RED}' stroke='{RED}' stroke-width='2'/>"
    f"<text x='10' y='14.3' font-size='12' fill='#fff' {_FACE}>1</text>",
    "near": f"<path d='M10 2.4 18.6 17.4H1.4Z' fill='{AMBER}' stroke='{AMBER_EDGE}' stroke-width='1.4' "
    f"stroke-linejoin='round'/><text x='10' y='15.9' font-size='10.6' fill='{INK}' {_FACE}>2</text>",
    "stale": f"<path d='M10 1.8 18.2 10 10 18.2 1.8 10Z' fill='none' stroke='{VIOLET}' stroke-width='1.8' "
    "stroke-dasharray='3 2.2'/>"
    f"<text x='10' y='14.2' font-size='11.5' fill='{VIOLET}' {_FACE}>?</text>",
    "third": "<circle cx='10' cy='10' r='8' fill='#1a6aa1'/>"
    f"<text x='10' y='14.2' font-size='11.6' fill='#fff' {_FACE}>3</text>",
}
_W, _H, _PAD = 120, 24, 3


def mark(state: str) -> str:
    """The mark of a state (over, near, stale; third: priority 3) as the address of a picture; empty where calm."""
    drawn = _MARKS.get(state)
    return _picture(f"viewBox='-1 -1 22 22' width='20' height='20'>{drawn}") if drawn else ""


def spark(series: list[float | None], usual: list[float] | None, target: float | None) -> str:
    """The values of a figure, newest at the right, on its usual band, with its target dashed; empty below two."""
    known = [value for value in series if value is not None]
    if len(known) < 2:
        return ""
    scale = [*known, *(usual or ())]
    low, high = min(scale), max(scale)
    near = target is not None and low - (high - low) <= target <= high + (high - low)
    if near and target is not None:
        low, high = min(low, target), max(high, target)
    span = (high - low) or 1.0

    def y(value: float) -> float:
        return round(_PAD + (1 - (value - low) / span) * (_H - 2 * _PAD), 1)

    step = (_W - 5) / (len(series) - 1)
    parts = []
    if usual:
        top, bottom = y(usual[1]), y(usual[0])
        parts.append(f"<rect x='0' y='{top}' width='{_W - 5}' height='{max(0.8, bottom - top):.1f}' fill='{BAND}'/>")
    if near and target is not None:
        parts.append(
            f"<path d='M0 {y(target)}H{_W - 5}' fill='none' stroke='{FAINT}' stroke-width='.7' "
            "stroke-dasharray='3 2.5'/>"
        )
    path, pen = "", "M"
    for index, value in enumerate(series):
        if value is None:
            pen = "M"
            continue
        dot = "h.01" if pen == "M" else ""  # one value between two gaps is seen too
        path, pen = f"{path}{pen}{index * step:.1f} {y(value)}{dot}", "L"
    parts.append(
        f"<path d='{path}' fill='none' stroke='{INK}' stroke-width='1.1' stroke-linejoin='round' "
        "stroke-linecap='round'/>"
    )
    if series[-1] is not None:
        parts.append(f"<circle cx='{_W - 5}' cy='{y(series[-1])}' r='2.2' fill='{INK}'/>")
    return _picture(f"viewBox='0 0 {_W} {_H}' width='{_W}' height='{_H}'>{''.join(parts)}")


def _picture(body: str) -> str:
    return "data:image/svg+xml," + quote(f"<svg xmlns='http://www.w3.org/2000/svg' {body}</svg>", safe=" ='/:<>.-")
