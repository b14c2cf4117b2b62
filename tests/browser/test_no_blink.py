"""No frame lacks an unchanged marker: the screencast, and a pixel read after each paint, while changes pour in."""

from __future__ import annotations

import base64
import json
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from tests.browser.conftest import Screen, Stage
from tests.conftest import FULL

pytestmark = pytest.mark.browser

FRAMES = 300 if FULL else 60
WITHIN_S = 300
SIZE = (1280, 720)

MARKERS = """
const map = comis.city_map, {picture, ratio} = map, layer = map.layers.get('incidents'), found = [];
const box = map.canvas.getBoundingClientRect();
const teams = [...map.layers.get('teams').slots.keys()].map((id) => map.layers.get('teams').where(id));
for (const [id, slot] of layer.slots) {
  const {x, y} = layer.where(id), row = comis.store.tables.incidents.get(id);
  // alone, not blinking
  if (layer.members(id).length > 1 || layer.urgent(id) || picture.plane[slot] < 6) continue;  // full marks
  if (x < 90 || y < 60 || x > map.w - 90 || y > map.h - 50) continue;  // nothing of the page lies over them
  if (teams.some((team) => Math.hypot(team.x - x, team.y - y) < 64)) continue;  // no name of a team that walks
  const px = Math.round(x * ratio) - 4, py = Math.round(y * ratio) + 4;
  const colour = [...picture.context.getImageData(px, py, 1, 1).data].slice(0, 3);
  const ground = picture.ground[py * picture.w + px], bare = [0, 8, 16].map((by) => (ground >> by) & 255);
  if (colour.reduce((sum, v, n) => sum + Math.abs(v - bare[n]), 0) < 90) continue;  // hardly told from the ground
  found.push({id, px, py, x: Math.round(box.x) + px, y: Math.round(box.y) + py, colour, bare});
}
return found"""
"""Full marks that nothing should touch: id, a pixel inside on canvas and page, its colour and the ground's."""

READ = """
const markers = arguments[0], {context} = comis.city_map.picture, before = comis.city_map.onDrawn;
window.read = {paints: 0, cells: 0, missing: []};
comis.city_map.onDrawn = () => {
  before?.();
  read.paints++;
  read.cells += comis.city_map.picture.painted_cells;
  for (const {id, px, py, colour} of markers) {
    const now = context.getImageData(px, py, 1, 1).data;
    if (colour.some((v, k) => v !== now[k])) read.missing.push([id, read.paints, ...now]);
  }
};
"""
"""In the page: after each paint of the map, the pixel of each marker."""

LOOK = """
const [frames, markers, done] = arguments, canvas = document.createElement('canvas');
const context = canvas.getContext('2d', {willReadFrequently: true}), missing = [];
(async () => {
  for (const [k, frame] of frames.entries()) {
    const picture = await createImageBitmap(await (await fetch(`data:image/jpeg;base64,${frame}`)).blob());
    canvas.width = picture.width; canvas.height = picture.height; context.drawImage(picture, 0, 0);
    for (const {id, x, y, colour, bare} of markers) {
      const now = context.getImageData(x, y, 1, 1).data;
      const off = (from) => from.reduce((sum, v, n) => sum + Math.abs(v - now[n]), 0);
      if (off(colour) > off(bare) / 2) missing.push([id, k, ...now]);
    }
  }
})().then(() => done(missing), (error) => done([String(error)]));
"""
"""In an empty page: the markers that a frame lacks: not clearly nearer to their colour than to the ground's."""


class Cast:
    """The frames that the browser puts on the screen, as it puts them there."""

    def __init__(self, line: ClientConnection) -> None:
        self.line = line
        self.number = 0

    def say(self, method: str, **params: Any) -> None:
        self.number += 1
        self.line.send(json.dumps({"id": self.number, "method": method, "params": params}))

    def frames(self, count: int, each: Callable[[int], None]) -> Iterator[str]:
        """So many frames as JPEG; `each` is called after every one."""
        self.say("Page.startScreencast", format="jpeg", quality=90, everyNthFrame=1)
        deadline, seen = time.monotonic() + WITHIN_S, 0
        while seen < count:
            message = json.loads(self.line.recv(timeout=max(1, deadline - time.monotonic())))
            if message.get("method") != "Page.screencastFrame":
                continue
            self.say("Page.screencastFrameAck", sessionId=message["params"]["sessionId"])
            yield message["params"]["data"]
            seen += 1
            each(seen)
        self.say("Page.stopScreencast")


@contextmanager
def cast(screen: Screen) -> Iterator[Cast]:
    address = screen.chrome.capabilities["goog:chromeOptions"]["debuggerAddress"]
    with urllib.request.urlopen(f"http://{address}/json") as answer:
        page = next(one for one in json.load(answer) if one["type"] == "page")
    with connect(page["webSocketDebuggerUrl"], max_size=None) as line:
        yield Cast(line)


def news(stage: Stage, spared: set[str], k: int) -> None:
    """Another version of an incident that is no marker: acknowledged, handled, closed, and back."""
    city = stage.city
    rows = [row for id_, row in city.rows["incidents"].items() if id_ not in spared]
    row = rows[k % len(rows)]
    state = ("pending_dispatch", "handling", "closed")[k % 3]
    stage.do(
        city.commit,
        "incident_extended",
        {"incidents": {row["id"]: {**row, "state": state, "version": row["version"] + 1}}},
    )


def scatter(screen: Screen) -> None:
    """Incidents all over the view, so that some stand by themselves; wait until they are drawn."""
    city, do = screen.stage.city, screen.stage.do
    points = screen.run(
        "const m = comis.city_map, found = []; "
        "for (let x = 95; x < m.w - 90; x += 47) for (let y = 65; y < m.h - 50; y += 47) { "
        "const at = m.leaflet.containerPointToLatLng([x, y]); found.push([at.lat, at.lng]); } return found"
    )
    rows = [do(city.incident, 5000 + k, "road_damage", *at, "", "", priority=2 + k % 2) for k, at in enumerate(points)]
    do(city.commit, "incident_reported", {"incidents": {row["id"]: row for row in rows}})
    screen.wait(f"return comis.city_map.slots.incidents.has('{rows[-1]['id']}')")


def test_no_frame_lacks_an_unchanged_marker(screen: Screen, stage_of: Callable[..., Stage]) -> None:
    screen.stage = stage_of(sensors=3000, incidents=90, changes_per_s=2000)
    screen.open("/dispatch?as=dispatcher:2:x", *SIZE)
    screen.wait("return comis.city_map?.slots.incidents.size > 20 && comis.city_map.slots.sensors.size > 1000")
    scatter(screen)
    markers = screen.run(MARKERS)
    assert len(markers) >= 6, "too few marks stand by themselves"
    screen.run(READ, markers)
    spared = {one["id"] for one in markers} | {"i1800"}
    with cast(screen) as shown:
        frames = list(shown.frames(FRAMES, lambda k: news(screen.stage, spared, k) if k % 4 == 0 else None))
    read = screen.run("return read")
    assert read["missing"] == []
    assert read["paints"] >= FRAMES // 4, "changes poured in"
    assert read["cells"] > 10 * read["paints"], "and were painted"
    assert len({base64.b64decode(frame)[-400:] for frame in frames}) > FRAMES // 3, "the frames differ"
    screen.chrome.get("about:blank")
    missing: list[Any] = []
    for k in range(0, len(frames), 10):
        missing += screen.chrome.execute_async_script(LOOK, frames[k : k + 10], markers)
    assert missing == []
