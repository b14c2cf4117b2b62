"""Helper process: the same objects as a plain Dash app shows them: all in the `data` of one `dl.GeoJSON`, every second.

    west south east north   where the objects lie; answers the address of its page and changes them from then on

What anybody would write first with the same two libraries, beside which the map of COMIS is measured. May not know
the channel, the store or a layout of ours.
"""

from __future__ import annotations

import argparse
import logging
import sys
import threading
from typing import Any, Final

import dash_leaflet as dl
from dash import Dash, Input, Output, dcc, html
from werkzeug.serving import make_server

from tests.benchmarks.objects import Objects
from tests.benchmarks.reference_load import CENTRE
from tests.benchmarks.stand import speak

EVERY_MS: Final = 1_000
ZOOM: Final = 14
COUNT_FRAMES: Final = """
window.plain = {frames: 0, changed: 0, first: null, version: 0};
new MutationObserver(() => { window.plain.version++; })
  .observe(document, {childList: true, subtree: true, attributes: true});
(function frame() {
  if (document.querySelectorAll(".leaflet-marker-pane > *").length >= 1000) {
    if (window.plain.first === null) window.plain.first = performance.now();
    if (window.plain.version !== window.plain.seen) window.plain.changed++;
    window.plain.seen = window.plain.version;
  }
  window.plain.frames++;
  requestAnimationFrame(frame);
})();
"""
"""Runs in the page: frames in which something of the drawn city was another than before."""


class PlainObjects(Objects):
    """The objects, kept here instead of published."""

    def _publish(self, numbers: Any) -> None:
        """Nobody is told: the page asks."""

    def _keep_teams(self) -> None:
        """There are none."""

    def collection(self) -> dict[str, Any]:
        """All objects as GeoJSON."""
        return {"type": "FeatureCollection", "features": [self._feature(n, row) for n, row in enumerate(self.rows)]}

    def _feature(self, number: int, row: list[Any]) -> dict[str, Any]:
        lat, lon, value, time_ms, flag, kind = row
        about = {"id": f"object-{number}", "value": value, "time_ms": time_ms, "flag": flag, "kind": kind}
        return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, lat]}, "properties": about}


def create(objects: PlainObjects) -> Dash:
    """The app: one map, one layer, one interval, one callback."""
    app = Dash(__name__, serve_locally=True)
    app.layout = html.Div([
        dl.Map([dl.GeoJSON(id="objects", data=objects.collection())], center=CENTRE, zoom=ZOOM, zoomControl=False,
               style={"height": "100vh"}),
        dcc.Interval(id="again", interval=EVERY_MS),
    ])  # fmt: skip
    app.callback(Output("objects", "data"), Input("again", "n_intervals"))(lambda _n: objects.collection())
    return app


def main() -> None:
    parser = argparse.ArgumentParser()
    for side in ("west", "south", "east", "north"):
        parser.add_argument(side, type=float)
    chosen = parser.parse_args()
    objects = PlainObjects("redis://127.0.0.1:1/0")
    objects.lay(chosen.west, chosen.south, chosen.east, chosen.north)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, create(objects).server, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    objects.start()
    speak({"url": f"http://127.0.0.1:{server.server_port}/"})
    sys.stdin.read()  # until it is let go


if __name__ == "__main__":
    main()
