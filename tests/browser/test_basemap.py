"""Tiles under the marks: drawn in the theme's colours, named, and missed aloud without anything else changing."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from selenium.webdriver import Chrome

from dashboard.city.places import gcj02_to_wgs84, wgs84_to_gcj02
from tests.browser.conftest import Screen, Stage
from tests.browser.test_store import inside
from tests.tiles import png
from tests.waiting import until

pytestmark = pytest.mark.browser

SAID = {"min_zoom": 0, "max_zoom": 12, "bounds": None, "datum": "wgs84", "attribution": "© <b>Map</b> makers"}
COLOURS = {True: png(230, 240, 235), False: png(245, 235, 230)}  # a chequered map on bright paper
SHARE = """
const {canvas} = comis.city_map.picture, c = canvas.getContext('2d'), seen = new Map();
const {data} = c.getImageData(0, 0, canvas.width, canvas.height);
for (let k = 0; k < data.length; k += 4 * 97) {
  const key = [data[k], data[k + 1], data[k + 2]].join();
  seen.set(key, (seen.get(key) ?? 0) + 1);
}
const most = [...seen].sort((a, b) => b[1] - a[1]).slice(0, 2), all = data.length / 4 / 97;
return most.map(([key, n]) => [key, n / all])
"""


class TileServer:
    """Serves a chequered map; it can be stopped, started again at the same port, and have holes."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []
        self.broken: set[str] = set()
        self.port = 0
        self.start()

    def start(self) -> None:
        outer = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, self.headers["referer"]))
                _, _, x, y = self.path.split("/")
                self.send_response(500 if self.path in outer.broken else 404 if int(x) % 7 == 0 else 200)
                self.send_header("access-control-allow-origin", "*")
                self.send_header("content-type", "image/png")
                self.send_header("cache-control", "no-store")
                self.end_headers()
                if int(x) % 7 and self.path not in outer.broken:
                    self.wfile.write(COLOURS[(int(x) + int(y)) % 2 == 0])

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", self.port), Answer)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def tile_server() -> Iterator[TileServer]:
    server = TileServer()
    yield server
    server.stop()


@pytest.fixture
def tiled(chrome: Chrome, stage_of: Callable[..., Stage], tile_server: TileServer) -> Iterator[Screen]:
    url = f"http://127.0.0.1:{tile_server.port}"
    told = {**SAID, "templates": [url + "/{z}/{x}/{y}"]}
    yield Screen(chrome, stage_of(sensors=50, incidents=8, tiles=told, tile_server=url))
    chrome.get_log("browser")  # refused connections of the stopped server are meant
    chrome.get("about:blank")


def test_tiles_lie_under_the_marks_and_a_server_that_stops_is_said_and_changes_nothing_else(
    tiled: Screen, tile_server: TileServer
) -> None:
    tiled.open("/dispatch?as=dispatcher:2:x&lang=en&theme=dark")
    two = tiled.wait(f"const two = (() => {{{SHARE}}})(); return two[0][1] + two[1][1] > 0.6 && two", 20)
    assert {max(int(v) for v in key.split(",")) < 110 for key, _ in two} == {True}  # bright paper, turned over and sunk
    assert tiled.text(".tilewords") == "© <b>Map</b> makers"  # words, never markup
    assert {referer for _, referer in tile_server.asked} == {tiled.stage.url + "/"}  # who asks, not from which page
    assert {path.split("/")[1] for path, _ in tile_server.asked} <= {"9", "10", "11", "12"}  # never deeper than told
    marks = "return comis.city_map.slots.incidents.size"
    held = tiled.run(marks)

    tile_server.stop()
    tiled.run("comis.city_map.fit(39.72, 116.9, 12)")
    tiled.says(".tilewords", "Base map tiles do not arrive since ", 20)
    assert tiled.text(".tilewords").endswith("; drawn map shown")
    tiled.run("comis.city_map.fit(39.91, 116.4, 12)")
    drawn = tiled.run("return comis.city_map.tokens['map-ground']")
    tiled.wait(f"const two = (() => {{{SHARE}}})(); return two[0][1] > 0.3", 20)
    ground = ",".join(str(int(drawn[k : k + 2], 16)) for k in (1, 3, 5))
    assert ground in [key for key, _ in tiled.run(SHARE)]
    assert tiled.run(marks) == held  # live things go on
    asked = tiled.run("return performance.getEntriesByType('resource').length")

    tile_server.start()
    tiled.wait("return document.querySelector('.tilewords [role=status]').hidden", 40)
    assert tiled.text(".tilewords") == "© <b>Map</b> makers"
    tiled.wait(f"const two = (() => {{{SHARE}}})(); return two[0][1] + two[1][1] > 0.5", 20)
    assert tiled.run("return performance.getEntriesByType('resource').length") < asked + 80


def test_one_broken_tile_is_no_outage(tiled: Screen, tile_server: TileServer) -> None:
    tiled.open("/dispatch?as=dispatcher:2:x&lang=zh&theme=light")
    tiled.wait("return comis.city_map.underlay.tiles.proof && !comis.city_map.underlay.tiles.asked")
    tile_server.broken = {f"/12/{x}/{y}" for x in (3380, 3381) for y in (1549, 1550)}
    before = len(tile_server.asked)
    tiled.run("comis.city_map.fit(40.06, 117.1, 12)")
    until(lambda: tile_server.broken & {path for path, _ in tile_server.asked[before:]}, timeout_s=15)
    tiled.wait("const {tiles} = comis.city_map.underlay; return !tiles.asked && !tiles.doubting")
    assert tiled.run("return document.querySelector('.tilewords [role=status]').hidden")
    states = tiled.run("return [...comis.city_map.underlay.tiles.tiles.values()].map((tile) => tile.state)")
    assert {"here", "none", "failed"} == set(states)


def test_which_tiles_a_view_needs_and_where_a_shifted_map_lies(screen: Screen) -> None:
    screen.open("/")
    script = """
        const {needed, TileGround} = await import('/assets/live/basemap.mjs');
        const {toGcj02, fromGcj02} = await import('/assets/live/datum.mjs');
        const told = {min_zoom: 9, max_zoom: 15, bounds: null, datum: 'wgs84', templates: ['x']};
        const view = {zoom: 12, topLeft: [39.95, 116.30], bottomRight: [39.86, 116.48]};
        const names = (list) => list.map(({z, x, y}) => `${z}/${x}/${y}`);
        const how = {clock: comis.clock, changed() {}};
        const shifted = new TileGround({...told, datum: 'gcj02', attribution: ''}, document.createElement('div'), how);
        shifted.wanted = [{z: 15, x: 26979, y: 12415, keys: ['0']}];
        shifted.tiles.set('0', {state: 'here', picture: {}});
        return {
          lies: shifted.placed((lat, lon) => [lon * 1e6, lat * 1e6], 1)[0].slice(1),
          view: names(needed(told, view)),
          deeper: needed(told, {zoom: 18, topLeft: [39.9466, 116.302], bottomRight: [39.9456, 116.304]}).length,
          above: needed(told, {...view, zoom: 8}).length,
          outside: needed({...told, bounds: [113, 20, 114, 21]}, view).length,
          shifted: [toGcj02(39.9087, 116.3975), toGcj02(48.85, 2.35)],
          back: fromGcj02(...toGcj02(39.9087, 116.3975)),
        }"""
    found = inside(screen, script)
    assert set(found["view"]) == {f"12/{x}/{y}" for x in (3371, 3372, 3373) for y in (1551, 1552)}
    assert found["view"][0].startswith("12/3372/")  # the middle first
    assert (found["deeper"], found["above"], found["outside"]) == (1, 0, 0)
    assert found["shifted"] == [pytest.approx(wgs84_to_gcj02(39.9087, 116.3975), abs=1e-9), [48.85, 2.35]]
    north, west = (math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * 12415 / 2**15)))), 26979 / 2**15 * 360 - 180)
    lat, lon = gcj02_to_wgs84(north, west)
    assert found["lies"][:2] == pytest.approx([lon * 1e6, lat * 1e6], abs=2)  # 0.2 m: 530 m west of where its name says
    assert west - lon == pytest.approx(0.0062, abs=0.0003)
    assert found["back"] == pytest.approx([39.9087, 116.3975], abs=1e-7)
