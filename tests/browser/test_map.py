"""The map's own picture: what is blended where, that only changed cells are painted, and that a hand keeps the view."""

from __future__ import annotations

import pytest

from tests.browser.conftest import Screen
from tests.browser.test_store import inside

pytestmark = pytest.mark.browser

PICTURE = """
const {Picture} = await import('/assets/live/picture.mjs');
const picture = new Picture(document.createElement('canvas'));
picture.resize(320, 160);
const sprite = (colour, size = 8) => ({w: size, h: size, ox: -size / 2, oy: -size / 2,
  pixels: new Uint32Array(size * size).fill(colour),
  from: new Int16Array(size), to: new Int16Array(size).fill(size)});
const at = (x, y) => [...picture.context.getImageData(x, y, 1, 1).data].slice(0, 3);
const RED = 0xff0000ff, GREEN = 0xff00ff00, HALF = 0x80000080;
picture.paint();
"""


def test_a_mark_is_painted_moved_and_taken_away_without_a_trace(screen: Screen) -> None:
    screen.open("/")
    script = (
        PICTURE
        + """
        const slot = picture.take(), seen = [];
        picture.place(slot, 40, 40, sprite(RED), 3); picture.paint(); seen.push(at(40, 40));
        picture.place(slot, 200, 100, sprite(RED), 3); picture.paint(); seen.push(at(40, 40), at(200, 100));
        picture.drop(slot); picture.paint(); seen.push(at(200, 100));
        return seen"""
    )
    assert inside(screen, script) == [[255, 0, 0], [0, 0, 0], [255, 0, 0], [0, 0, 0]]


def test_only_the_cells_under_a_change_are_painted(screen: Screen) -> None:
    screen.open("/")
    script = (
        PICTURE
        + """
        const slot = picture.take(), same = sprite(RED);
        picture.place(slot, 48, 48, same, 3); const first = picture.paint();
        picture.place(slot, 48, 48, same, 3); const second = picture.paint();
        picture.place(slot, 64, 64, same, 3); return [first, second, picture.paint()]"""
    )
    assert inside(screen, script) == [1, 0, 4]


def test_the_higher_plane_lies_above_on_both_sides_of_a_seam(screen: Screen) -> None:
    screen.open("/")
    script = (
        PICTURE
        + """
        const low = picture.take(), high = picture.take();
        picture.place(high, 32, 32, sprite(GREEN, 12), 8);
        picture.place(low, 34, 32, sprite(RED, 12), 3); picture.paint();
        return [at(30, 32), at(33, 32), at(39, 32)]"""
    )
    assert inside(screen, script) == [[0, 255, 0], [0, 255, 0], [255, 0, 0]]


def test_half_transparent_marks_let_the_ground_through(screen: Screen) -> None:
    screen.open("/")
    script = (
        PICTURE
        + """
        picture.setGround(new Uint32Array(320 * 160).fill(0xffff0000)); const slot = picture.take();
        picture.place(slot, 40, 40, sprite(HALF), 3); picture.paint(); return at(40, 40)"""
    )
    red, green, blue = inside(screen, script)
    assert (green, abs(red - 128) < 2, abs(blue - 127) < 2) == (0, True, True)


def test_the_uppermost_mark_is_found_under_the_pointer(screen: Screen) -> None:
    screen.open("/")
    script = (
        PICTURE
        + """
        const low = picture.take(), high = picture.take();
        picture.place(low, 60, 60, sprite(RED, 16), 4); picture.place(high, 66, 60, sprite(GREEN, 16), 8);
        const found = (x, planes) => picture.at(x, 60, 6, planes);
        return [found(62, [4, 8]) === high, found(62, [4]) === low, found(120, [4, 8])]"""
    )
    assert inside(screen, script) == [True, True, -1]


def test_every_state_has_one_mark_in_queue_and_map(screen: Screen) -> None:
    """The same strokes are drawn as SVG and as bitmap, in each theme: none is empty."""
    screen.open("/")
    script = """
        const {Atlas, readTokens} = await import('/assets/live/atlas.mjs');
        const {svg, teamMark} = await import('/assets/live/marks.mjs');
        const empty = [];
        for (const theme of ['dark', 'light', 'contrast']) {
          document.documentElement.dataset.theme = theme;
          const atlas = new Atlas(readTokens(), 1), full = (s) => s.pixels.some(Boolean);
          for (const state of ['on_scene', 'en_route', 'sent', 'free', 'break', 'off', 'silent'])
            if (!full(atlas.team(state, 17, 40)) || !svg(teamMark(state), 17).children.length) empty.push(state);
          for (const state of ['normal', 'late', 'silent', 'returned', 'acknowledged', 'active'])
            if (!full(atlas.sensor(state, 17))) empty.push(state);
          if (!full(atlas.brackets(30))) empty.push('brackets');
          for (const p of [1, 2, 3]) for (const hand of [true, false])
            if (!full(atlas.incident(p, 20, {hand}))) empty.push(p);
        }
        return empty"""
    assert inside(screen, script) == []


def test_a_row_of_the_store_is_a_mark_on_the_map(screen: Screen) -> None:
    screen.open("/dispatch?as=dispatcher:2:x")
    screen.wait("return comis.city_map?.slots.incidents.size > 0")
    city = screen.stage.city
    found = screen.run(
        "const row = comis.store.tables.incidents.get('i1800'); "
        "return comis.city_map.pick(comis.city_map.point(row.lat, row.lon))"
    )
    assert found["table"] == "incidents"
    screen.stage.do(
        city.commit, "incident_closed", {"incidents": {"i1800": {**city.rows["incidents"]["i1800"], "state": "closed"}}}
    )
    screen.wait("return !comis.city_map.slots.incidents.has('i1800')")


def test_nothing_moves_the_view_after_a_hand_moved_it_and_the_star_gives_it_back(screen: Screen) -> None:
    screen.open("/dispatch?as=dispatcher:2:x")
    screen.wait("return comis.city_map?.zoom > 0 && document.querySelectorAll('.rowq').length > 5")
    corner = "const c = comis.city_map.leaflet.containerPointToLatLng([0, 0]); "
    where = corner + "return [c.lat.toFixed(6), c.lng.toFixed(6), comis.city_map.zoom]"
    zoom = screen.run("return comis.city_map.zoom")
    screen.click(".maptools button:first-child")
    screen.wait(f"const m = comis.city_map; return m.locked && m.zoom > {zoom} && !m.leaflet._animatingZoom")
    before = screen.run(where)
    for _ in range(4):
        screen.key("j")
    screen.wait("return comis.city_map.selected?.table === 'incidents'")
    assert screen.run(where) == before
    screen.key("*")
    screen.wait("return !comis.city_map.locked")
    assert screen.run(where) != before


NEW_LAYER = """
const {TableLayer} = await import('/assets/live/layers.mjs');
const dot = [{d: 'M4 4H16V16H4Z', fill: 'ink-1'}];
window.picked = [];
comis.city_map.add(new TableLayer('cameras', {table: 'out_of_service', on: false,
  mark: (row, map) => row.state === 'gone' ? null : map.atlas.mark(`camera ${row.state}`, dot, 16),
  describe: (row) => row.state, pick: (id) => picked.push(id)}));
return true"""
THERE = """
const map = comis.city_map, row = comis.store.tables.out_of_service.get('c1'), at = map.point(row.lat, row.lon);
const hit = map.pick(at);
return hit && hit.table === 'cameras' ? map.layers.get('cameras').describe(hit.id) : null"""


def test_a_layer_that_a_page_adds_is_switched_drawn_found_and_told_of(screen: Screen) -> None:
    screen.open("/dispatch?as=dispatcher:2:x")
    screen.wait("return comis.city_map?.slots.incidents.size > 0")
    city, do = screen.stage.city, screen.stage.do
    corner = screen.run("const at = comis.city_map.leaflet.containerPointToLatLng([40, 300]); return [at.lat, at.lng]")
    assert inside(screen, NEW_LAYER) is True

    def stands(state: str) -> None:
        row = {"id": "c1", "lat": corner[0], "lon": corner[1], "state": state, "version": 1}
        do(city.commit, "camera_changed", {"out_of_service": {"c1": row}})
        screen.wait(f"return comis.store.tables.out_of_service.get('c1')?.state === '{state}'")

    stands("seen")
    assert screen.run(THERE) is None  # off
    screen.run("comis.city_map.show('cameras', true)")
    screen.wait(f"return (() => {{{THERE}}})() === 'seen'")
    stands("blind")
    screen.wait(f"return (() => {{{THERE}}})() === 'blind'")
    stands("gone")
    screen.wait("return !comis.city_map.slots.cameras.has('c1')")
    stands("seen")
    screen.wait("return comis.city_map.slots.cameras.has('c1')")
    screen.run("comis.city_map.show('cameras', false)")
    screen.wait("return !comis.city_map.slots.cameras.has('c1')")


def test_an_alert_that_is_over_is_forgotten_by_the_map(screen: Screen) -> None:
    screen.open("/wall").wait("return comis.city_map?.drawn_at")
    change = "comis.store.apply({type: 'changes', seq: arguments[0], changes: [{rows: {alerts: arguments[1]}}]})"
    held = "const s = comis.city_map.layers.get('sensors'); return [s.alertOf.has('zz'), s.subjectOf.has('a-zz')]"
    row = {"id": "a-zz", "subject": "zz", "priority": 3, "state": "active", "lat": 39.9, "lon": 116.4}
    screen.run(change, "x-1", {"a-zz": row})
    assert screen.run(held) == [True, True]
    screen.run(change, "x-2", {"a-zz": None})
    assert screen.run(held) == [False, False]
