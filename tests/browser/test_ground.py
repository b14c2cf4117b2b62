"""The drawn map: neither empty nor crowded from the municipality to a street; its names give way to what is live."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Screen
from tests.browser.test_store import inside

pytestmark = pytest.mark.browser

DRAWN = """
const {drawGround, roadWidth} = await import('/assets/live/ground.mjs');
const {readTokens} = await import('/assets/live/atlas.mjs');
const {mercatorX, mercatorY} = await import('/assets/live/mercator.mjs');
const map = await (await fetch('/pack/basemap.json')).json(), w = 1400, h = 900;
const canvas = Object.assign(document.createElement('canvas'), {width: w, height: h}), c = canvas.getContext('2d');
// Where each name is written, as a box on the screen: [words, left, top, right, bottom].
let names = [];
const write = c.fillText.bind(c);
c.fillText = (words, x, y) => {
  const high = parseFloat(c.font.match(/([0-9.]+)px/)[1]) * 0.9;
  const wide = c.measureText(words).width, m = c.getTransform();
  const ends = [[x, y - high / 2], [x + wide, y - high / 2], [x, y + high / 2], [x + wide, y + high / 2]]
    .map(([a, b]) => [m.a * a + m.c * b + m.e, m.b * a + m.d * b + m.f]);
  const xs = ends.map(([a]) => a), ys = ends.map(([, b]) => b);
  names.push([words, Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)]);
  write(words, x, y);
};
const draw = (zoom, how = {}, lat = 39.92, lon = 116.395) => {
  names = [];
  const k = 2 ** zoom, ox = mercatorX(lon) * k - w / 2, oy = mercatorY(lat) * k - h / 2;
  const at = (a, b) => [mercatorX(b) * k - ox, mercatorY(a) * k - oy];
  const scale = 256 * k / 40075.017 / Math.cos(lat * Math.PI / 180);
  drawGround(c, map, {w, h, scale, at, lat}, readTokens(), {weight: 1.5, districts: scale < 130, ...how});
  return names;
};
const meet = (a, b) => a[1] < b[3] && a[3] > b[1] && a[2] < b[4] && a[4] > b[2];
"""


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_level_is_empty_and_none_is_crowded(screen: Screen, lang: str) -> None:
    screen.open(f"/?lang={lang}")
    script = (
        DRAWN
        + """
        const found = {};
        for (const zoom of [9, 10, 11, 12, 13, 14, 15, 16, 17]) {
          const names = [...draw(zoom)];
          const torn = names.filter(([, l, t, r, b]) => l < 0 || t < 0 || r > w || b > h).map(([words]) => words);
          // signs of an upright name stand close below each other; nothing else touches
          const over = names.flatMap((a, k) => names.slice(k + 1).filter((b) => meet(a, b) && a[0].length > 1));
          const ink = names.reduce((sum, [, l, t, r, b]) => sum + (r - l) * (b - t), 0) / (w * h);
          const {data} = c.getImageData(0, 0, w, h), ground = [data[0], data[1], data[2]];
          let drawn = 0;
          for (let k = 0; k < data.length; k += 4 * 31)
            if (data[k] !== ground[0] || data[k + 1] !== ground[1] || data[k + 2] !== ground[2]) drawn += 1;
          found[zoom] = [names.length, torn, over.map(([words]) => words), ink, drawn / (data.length / 124)];
        }
        return found"""
    )
    for zoom, (count, torn, over, ink, drawn) in inside(screen, script).items():
        assert (torn, over) == ([], []), zoom
        assert count >= 6, zoom
        assert ink < 0.065, zoom  # of the map is names, at the most, before anything live takes its place
        assert drawn > 0.04, zoom


def test_names_give_way_to_live_things_and_roads_are_as_wide_as_on_the_ground(screen: Screen) -> None:
    screen.open("/?lang=en")
    script = (
        DRAWN
        + """
        const before = draw(14).map((name) => [...name]);
        // a mark on every third name
        const marks = before.filter((_, k) => k % 3 === 0).map(([, l, t, r, b]) => [(l + r) / 2, (t + b) / 2, 12, 12]);
        const after = draw(14, {avoid: marks}).map((name) => [...name]);
        const boxes = marks.map(([x, y, rx, ry]) => ['', x - rx, y - ry, x + rx, y + ry]);
        const under = after.filter((name) => boxes.some((box) => meet(name, box)));
        const hidden = draw(14, {hides: (x) => x < w / 2}).filter(([, , , r]) => r < w / 2 - 200).length;
        map.layers = [[40, 116, 40, 117], [39, 116.4, 41, 116.4]].map(([a, b, c, d]) => (
          {kind: 'graticule', points: [[a, b], [c, d]]}));
        map.labels = [['40° N', 40, 116], ['116.4° E', 39, 116.4]].map(([zh, lat, lon]) => (
          {zh, en: zh, lat, lon, rank: 3, kind: 'graticule'}));
        const degrees = draw(12);
        const ring = {kind: 'ring'}, lane = {kind: 'lane'};
        return {
          degrees: degrees.map(([words]) => words), left: degrees[0][1], bottom: degrees[1][4],
          before: before.length, after: after.length, marks: marks.length, under: under.map(([words]) => words), hidden,
          far: [roadWidth(ring, 17, 1), roadWidth(lane, 34, 1)],
          near: [roadWidth(ring, 1000, 1), roadWidth(lane, 1000, 1), roadWidth({kind: 'ring', width_m: 40}, 1000, 1)],
        }"""
    )
    found = inside(screen, script)
    assert found["before"] > 60
    assert found["marks"] >= 20
    assert found["under"] == []
    assert found["degrees"] == ["40° N", "116.4° E"]  # a city without a drawing: where its lines come into view
    assert found["left"] < 20
    assert 860 < found["bottom"] < 900
    assert found["before"] - found["marks"] <= found["after"] <= found["before"] + 10  # most names find another side
    assert found["hidden"] == 0
    assert found["near"] == [56, 15, 40]  # px at one px a metre
    assert found["far"][0] < 3
    assert found["far"][1] < 2
