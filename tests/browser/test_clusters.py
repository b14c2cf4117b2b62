"""What lies on each other on the map is one mark with the worst inside, and stays so; heat has one scale."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Screen
from tests.browser.test_store import inside

pytestmark = pytest.mark.browser

GROUPS = """
const {Clusters} = await import('/assets/live/clusters.mjs');
const ranks = new Map(), clusters = new Clusters((id) => ranks.get(id)), lot = [];
let seed = 7; const random = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
for (let k = 0; k < 400; k++) { ranks.set(`i${k}`, Math.floor(random() * 30));
  lot.push([`i${k}`, 210 + random() * 0.08, 96 + random() * 0.08]); }
const groups = () => JSON.stringify([...new Set(lot.map(([id]) => clusters.of(id).join()))].sort());
const shown = new Map();  // as a layer draws: each thing is shown by the last group that named it
const draw = () => { for (const {cell, speaker, members} of clusters.settle())
  { shown.delete(cell); if (speaker) shown.set(cell, members); } };
"""


WORST = """
clusters.zoom(12); for (const one of lot) clusters.set(...one); draw();
const all = [...shown.values()].flat(), worst = [...shown.values()].every((ids) =>
  ids.every((id) => ranks.get(ids[0]) <= ranks.get(id)));
const near = 17 / 2 ** 12, heads = [...shown.values()].map((ids) => clusters.at.get(ids[0]));
const apart = heads.every(([x, y], k) => heads.every(([u, v], m) => k === m || Math.hypot(x - u, y - v) >= near));
return [all.length, new Set(all).size, worst, apart, shown.size > 40 && shown.size < 300]"""

ANYWHERE = """
clusters.zoom(12); for (const one of lot) clusters.set(...one); draw(); const first = groups();
clusters.zoom(12.4); draw(); const within = groups();
clusters.zoom(16); draw(); const close = groups(); clusters.zoom(12.1); shown.clear(); draw();
const back = groups();
for (let k = 0; k < 1000; k++) {
  const one = lot[Math.floor(random() * lot.length)];
  if (random() < 0.2) { clusters.delete(one[0]); draw(); clusters.set(...one); }
  else if (random() < 0.5) { ranks.set(one[0], Math.floor(random() * 30)); clusters.set(...one); }
  else { one[1] += (random() - 0.5) * 0.02; clusters.set(...one); }
  if (k % 3 === 0) draw();
}
draw();
const live = groups(), drawn = JSON.stringify([...shown.values()].map((ids) => ids.join()).sort());
const anew = new Clusters((id) => ranks.get(id)); anew.zoom(12.1);
for (const one of [...lot].reverse()) anew.set(...one); anew.settle();
const other = JSON.stringify([...new Set(lot.map(([id]) => anew.of(id).join()))].sort());
return [first === within, first !== close, first === back, live === other, live === drawn]"""

MANY = """
const {Clusters} = await import('/assets/live/clusters.mjs'), clusters = new Clusters((id) => id.length);
const lot = Array.from({length: 6000}, (_, k) => [`t${k}`, 210 + Math.random() * 0.3, 96 + Math.random() * 0.3]);
clusters.zoom(11); for (const one of lot) clusters.set(...one); clusters.settle();
const took = [];
for (let k = 0; k < 40; k++) {
  const began = performance.now();
  for (let m = 0; m < 20; m++) { const one = lot[(k * 20 + m) % lot.length]; one[1] += 0.0001; clusters.set(...one); }
  clusters.settle(); took.push(performance.now() - began);
}
return took.sort((a, b) => a - b)[20]"""

CAPTIONS = """
const {Captions, corners} = await import('/assets/live/captions.mjs');
const {Picture} = await import('/assets/live/picture.mjs'), {PLANE} = await import('/assets/live/layers.mjs');
const picture = new Picture(document.createElement('canvas')); picture.resize(600, 400);
const map = {picture, wx: [], wy: [], scaleTo: 1, origin: {x: 0, y: 0}, ratio: 1, ask() {}};
const captions = new Captions(map);
const sprite = (w) => ({w, h: 20, ox: -3, oy: -10}), mark = sprite(30), number = sprite(24);
const put = (slot, x, y, plane) => { map.wx[slot] = x; map.wy[slot] = y; picture.place(slot, x, y, mark, plane); };
const say = (slot, of, rank, needed) => captions.set(slot, {of, sprite: number, sides: corners(30), rank, needed});
const {x, y} = picture, box = (slot) => picture.sprite[slot] && [x[slot], y[slot] - 7, x[slot] + 18, y[slot] + 7];
const cross = (a, b) => a && b && a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
const slots = Array.from({length: 16}, () => picture.take()), [a, b, c, d, na, nb, nc, nd] = slots;
"""

NONE_ON_ANOTHER = """
put(a, 100, 100, PLANE.p1); put(b, 118, 96, PLANE.p3); say(nb, b, 30, true); say(na, a, 10, true);
captions.settle(true);
const apart = !cross(box(na), box(nb)), first = captions.held.get(na).side;
put(c, 300, 100, PLANE.team); say(nc, c, 45, false); captions.settle(true); const alone = Boolean(box(nc));
put(d, 302, 100, PLANE.p2); say(nd, d, 20, true); captions.settle(true); const covered = Boolean(box(nc));
put(c, 360, 100, PLANE.team); say(nc, c, 45, false); captions.settle(true); const again = Boolean(box(nc));
put(b, 150, 60, PLANE.p3); say(nb, b, 30, true); captions.settle(true);
const stays = captions.held.get(na).side === first;
picture.drop(a); captions.drop(na);
return [apart, alone, covered, again, stays, captions.held.has(na)]"""

IN_A_CROWD = """
const marks = slots.slice(0, 8), words = slots.slice(8);
marks.forEach((slot, k) => put(slot, 200 + k % 3, 200 + k % 2, PLANE.team));
words.forEach((slot, k) => say(slot, marks[k], k, k === 7)); captions.settle(true);
const shown = words.filter((slot) => box(slot)), last = words[7];
const clear = shown.every((one) => shown.every((other) => one === other || one === last || other === last
  || !cross(box(one), box(other))));
marks.forEach((slot, k) => put(slot, 60 + 60 * k, 300, PLANE.team));
words.forEach((slot, k) => say(slot, marks[k], k, false));
captions.settle(true);
return [shown.length, shown.includes(last), clear, words.every((slot) => box(slot))]"""

DODGE = """
const {dodge} = await import('/assets/live/dodge.mjs'), r = 20, room = {w: 400, h: 300};
const lot = Array.from({length: 12}, (_, k) => ({x: 150 + k % 4, y: 150 + k % 3, r, stands: k === 0}));
const at = dodge(lot, room), again = dodge(lot, room);
const apart = at.every(([x, y], a) => at.every(([u, v], b) => a === b || Math.hypot(x - u, y - v) > 2 * r - 2));
const inside = at.slice(1).every(([x, y]) => x >= r && x <= 400 - r && y >= r && y <= 300 - r);
const edge = dodge(lot.map((one) => ({...one, x: 2})), room).slice(1).every(([x]) => x >= r);
const far = dodge([{x: 50, y: 50, r}, {x: 200, y: 50, r}], room);
return [apart, inside && edge, at[0].join(), JSON.stringify(at) === JSON.stringify(again), JSON.stringify(far)]"""

HEAT = """
const {warm, ink} = await import('/assets/live/heat.mjs');
const at = (lat, lon) => [lon, lat], how = {w: 40, h: 40, reach: 5, at};
const one = warm([[60, 60, 8]], how), moved = warm([[90, 120, 8]], how), two = warm([[60, 60, 8], [60, 60, 3]], how);
return [one[10 * 40 + 10], moved[15 * 40 + 20], two[10 * 40 + 10], one[30 * 40 + 30],
  [0, 1.2, 15, 99].map(ink).map((v) => Math.round(v * 100) / 100)]"""


def test_each_thing_is_in_one_group_that_depends_on_place_and_zoom_alone_and_the_worst_speaks(screen: Screen) -> None:
    """A thousand moves, acknowledgements and departures, drawn one by one: the same as all at once."""
    screen.open("/")
    assert inside(screen, GROUPS + WORST) == [400, 400, True, True, True]
    assert inside(screen, GROUPS + ANYWHERE) == [True, True, True, True, True]
    assert inside(screen, MANY) < 20, "6,000 moving teams: 0.3 ms on a machine of its own"
    assert inside(screen, HEAT) == [8, 8, 11, 0, [0, 0.07, 0.28, 0.28]]


def test_of_words_beside_marks_none_lies_on_another_and_the_more_urgent_chooses_first(screen: Screen) -> None:
    screen.open("/")
    apart, alone, covered, again, stays, held = inside(screen, CAPTIONS + NONE_ON_ANOTHER)
    assert (apart, alone, covered, again, stays, held) == (True, True, False, True, True, False)
    shown, needed, clear, all_again = inside(screen, CAPTIONS + IN_A_CROWD)
    assert (shown, needed, clear, all_again) == (5, True, True, True)


def test_in_the_lens_marks_give_way_to_each_other_and_the_worst_stands(screen: Screen) -> None:
    screen.open("/")
    assert inside(screen, DODGE) == [True, True, "150,150", True, "[[50,50],[200,50]]"]


WORST_ON_THE_WALL = """
const map = comis.city_map, layer = map.layers.get('incidents'), {picture, ratio} = map;
const group = [...new Set([...layer.slots.keys()].map((id) => layer.members(id)))].find((ids) => ids.includes('i6002'));
const [speaker] = group, {x, y} = layer.where(speaker), colour = map.atlas.colour('priority-1');
const c = document.createElement('canvas').getContext('2d'); c.fillStyle = colour; c.fillRect(0, 0, 1, 1);
const at = picture.context.getImageData(Math.round(x * ratio) - 14, Math.round(y * ratio) - 14, 1, 1).data;
const wanted = c.getImageData(0, 0, 1, 1).data;
return [speaker, group.length >= 4, picture.plane[layer.slots.get(speaker)],
  [0, 1, 2].every((k) => Math.abs(at[k] - wanted[k]) < 3),
  [...map.atlas.sprites.keys()].some((key) => /^x2\\+\\d/.test(key))]"""


def test_on_the_wall_an_unacknowledged_priority_one_speaks_for_all_that_lie_on_it(screen: Screen) -> None:
    city, do = screen.stage.city, screen.stage.do
    screen.open("/wall")
    screen.wait("return comis.city_map?.slots.incidents.size > 0 && comis.map_painted")
    lat, lon = screen.run(
        "const at = comis.city_map.leaflet.containerPointToLatLng([700, 180]); return [at.lat, at.lng]"
    )
    rows = [
        do(city.incident, 6000 + k, "road_damage", lat + k * 1e-4, lon, "", "", priority=p, acknowledged=p > 1)
        for k, p in enumerate((3, 2, 1, 2, 1))
    ]
    do(city.commit, "incident_reported", {"incidents": {row["id"]: row for row in rows}})
    screen.wait("return comis.city_map.slots.incidents.has('i6004')")
    screen.wait(f"return (() => {{{WORST_ON_THE_WALL}}})()[4]")
    speaker, several, plane, red, counted = screen.run(WORST_ON_THE_WALL)
    assert (speaker in ("i6002", "i6004"), several, plane, red, counted) == (True, True, 9, True, True)
