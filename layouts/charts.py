"""Charts: figures of Plotly for paper, from rows of the briefing, and the template they all follow.

Pure: numbers in, plain dicts out; Plotly itself runs in the browser alone. Grey is normal: colour stands only at a
value past its limit. The title is said on the page, not in the chart.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from layouts.ink import AMBER_EDGE, FAINT, INK, RED, SOFT

FACE: Final = (
    '-apple-system, BlinkMacSystemFont, Inter, "Segoe UI", "PingFang SC", "HarmonyOS Sans SC", "Noto Sans CJK SC", '
    '"Microsoft YaHei UI", sans-serif'
)
BAND, GRID, BAR = "rgba(22,27,32,0.07)", "rgba(22,27,32,0.08)", "#6d7f8b"
WIDTH, HEIGHT = 306, 136
"""CSS pixels: half a sheet without its margins, and the width of a phone."""
_TICKS: Final = {"size": 10, "color": FAINT}
TEMPLATE: Final[dict[str, Any]] = {
    "layout": {
        "font": {"family": FACE, "size": 10, "color": SOFT},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": 26, "r": 8, "t": 8, "b": 22, "pad": 4},
        "xaxis": {
            "tickangle": 0, "showgrid": False, "zeroline": False, "showline": False, "ticks": "", "tickfont": _TICKS,
            "fixedrange": True,
        },
        "yaxis": {
            "showgrid": True, "gridcolor": GRID, "gridwidth": 1, "zeroline": False, "showline": False, "ticks": "",
            "nticks": 4, "tickfont": _TICKS, "fixedrange": True, "rangemode": "tozero",
        },
        "showlegend": False,
        "hovermode": False,
        "dragmode": False,
        "bargap": 0.32,
        "barcornerradius": 1,
        "separators": ".,",
        "transition": {"duration": 0},
        "annotationdefaults": {"showarrow": False, "font": {"size": 10, "color": INK}},
    },
    "data": {
        "scatter": [{"mode": "lines", "line": {"width": 1.5, "color": INK}, "cliponaxis": False, "connectgaps": False}],
        "bar": [{"marker": {"color": BAR, "line": {"width": 0}}, "cliponaxis": False}],
    },
}  # fmt: skip
CONFIG: Final = {"displayModeBar": False, "staticPlot": True, "responsive": False}
"""Printed: nothing to touch."""


def _chart(data: list[dict[str, Any]], **layout: Any) -> dict[str, Any]:
    return {"data": data, "layout": {"template": TEMPLATE, "width": WIDTH, "height": HEIGHT, **layout}}


def per_hour(hours: Sequence[int], usual: Sequence[tuple[float, float] | None]) -> dict[str, Any]:
    """What came in each hour of the day so far, on what is usual for it; an hour above that is amber.

    The hour with most bears its number, the running one is hollow.
    """
    most = max(range(len(hours)), key=hours.__getitem__) if hours else 0
    running = len(hours) - 1
    ink = [AMBER_EDGE if band and n > band[1] else BAR for n, band in zip(hours, usual, strict=False)]
    bars = {
        "type": "bar", "x": list(range(len(hours))), "y": list(hours),
        "marker": {
            "color": ["#ffffff" if hour == running else ink[hour] for hour in range(len(hours))],
            "line": {"color": ink, "width": [1 if hour == running else 0 for hour in range(len(hours))]},
        },
    }  # fmt: skip
    edge = {"type": "scatter", "x": list(range(len(usual))), "line": {"width": 0, "shape": "spline"}}
    band = [
        {**edge, "y": [one and one[0] for one in usual]},
        {**edge, "y": [one and one[1] for one in usual], "fill": "tonexty", "fillcolor": BAND},
    ]
    label = {"x": most, "y": hours[most], "text": str(hours[most]), "yanchor": "bottom", "xanchor": "center"}
    axis = {"tickvals": [0, 6, 12, 18], "ticktext": ["0:00", "6:00", "12:00", "18:00"], "range": [-0.6, 23.6]}
    high = max((*hours, *(one[1] for one in usual if one), 4)) * 1.18
    return _chart(
        [*(band if any(usual) else []), bars],
        xaxis=axis,
        yaxis={"range": [0, high], "tickformat": "d"},
        annotations=[label] if any(hours) else [],
    )


def over_time(
    series: Sequence[float | None],
    times: Sequence[str],
    value: str,
    target: tuple[float, str] | None,
    usual: Sequence[float] | None,
    state: str,
) -> dict[str, Any]:
    """A figure by the minute on its usual band, its limit dashed, its present value at the end of the line.

    `times`: the words at the first, the middle and the last value; `value` and the words of `target` as people read it.
    """
    last = len(series) - 1
    band = []
    if usual:
        edge = {"type": "scatter", "x": [0, last], "line": {"width": 0}, "hoverinfo": "skip"}
        band = [{**edge, "y": [usual[0]] * 2}, {**edge, "y": [usual[1]] * 2, "fill": "tonexty", "fillcolor": BAND}]
    dots = {"mode": "lines+markers", "marker": {"size": 1.5, "color": INK}}  # one value between two gaps is seen too
    line = {"type": "scatter", "x": list(range(len(series))), "y": list(series), **dots}
    colour = {"over": RED, "near": AMBER_EDGE}.get(state, INK)
    end = {
        "type": "scatter", "mode": "markers", "x": [last], "y": [series[-1]], "marker": {"size": 6, "color": colour},
    }  # fmt: skip
    shapes, notes = [], []
    if target is not None:
        at, text = target
        shapes.append(
            {
                "type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": at, "y1": at,
                "line": {"color": FAINT, "width": 1, "dash": "3px,3px"},
            }
        )  # fmt: skip
        notes.append({"x": 0, "xref": "paper", "xanchor": "left", "y": at, "yanchor": "bottom", "text": text} | _SOFT)
    known = [one for one in (*series, *(usual or ()), target[0] if target else None) if one is not None]
    if series[-1] is not None:
        notes.append({"x": last, "y": series[-1], "xanchor": "left", "xshift": 6, "yanchor": "middle", "text": value})
    ticks = {"tickvals": [0, last / 2, last], "ticktext": list(times), "range": [-0.5, last + 0.5]}
    return _chart(
        [*band, line, end], xaxis=ticks, yaxis={"range": [0, max((*known, 1)) * 1.15]}, shapes=shapes,
        annotations=notes, margin={"l": 26, "r": 38, "t": 8, "b": 22, "pad": 4},
    )  # fmt: skip


_SOFT: Final = {"font": {"size": 9.5, "color": FAINT}}
