/** The lens: one place of the map, larger, where it hides the fewest things. Draws the place; what place that is, is the scene's. */

import { dodge } from "./dodge.mjs";
import { fill, h, text } from "./dom.mjs";
import { drawGround } from "./ground.mjs";
import { isHand, isOpen, isUnack } from "./lifecycle.mjs";
import { incidentMark, paint as paintMark, teamMark } from "./marks.mjs";
import { metresBetween } from "./scene.mjs";

const LENS = { w: 468, h: 384, scale: 262 };
const NOTHING = new Set();
/** Whether a mark reaches into a line of words from `left` to `right` at a height. */
const reaches = ([x, y], r, left, right, height) => x + r > left && x - r < right && Math.abs(y - height) < r;

/** @param {HTMLElement} box @param {{root: HTMLElement, store: object, basemap: object, unit: () => number}} at `unit`: px of a unit of layout */
export function mountLens(box, { root, store, basemap, unit }) {
  const pane = document.createElement("canvas"), // the lens' ground, drawn when the spot or the lens changed
    glass = document.createElement("canvas");
  let corner = null,
    drawn = "";

  /** Find a place for it anew before the next drawing. */
  let moved = true;
  /** @param {import("./map.mjs").CityMap|null} map @param {object|null} spot @param {boolean} open whether it is opened, or the place only ringed */
  function draw(map, spot, open) {
    if (!map) return;
    const u = unit();
    if (moved || !open) {
      const room = open && !root.classList.contains("far") && map.w > 2 * LENS.w * u; // never most of the map
      corner = spot && room ? place(map, spot, u) : null;
      moved = !open;
    }
    map.point_out(
      spot ? [{ ...spot, priority: spot.worst.priority, count: corner ? spot.members.length : 0 }] : [],
      corner ? new Set(spot.members.map((row) => row.id)) : NOTHING,
      corner && spot,
    );
    if (corner && spot) show(map, spot, u);
    else if (box.firstChild) box.replaceChildren();
  }

  function show(map, spot, u) {
    const w = LENS.w * u,
      high = LENS.h * u,
      ratio = Math.min(2, devicePixelRatio || 1);
    const scale = Math.min(LENS.scale * u, (Math.min(w, high) * 0.43) / (spot.radius_m / 1000)),
      times = Math.max(2, Math.round(scale / map.kmScale));
    if (!box.firstChild) fill(box, glass, h("b"));
    text(box.lastChild, `×${times}`);
    box.style.cssText = `left:${corner[0]}px;top:${corner[1]}px;width:${w}px;height:${high}px`;
    if (glass.width !== Math.round(w * ratio) || glass.height !== Math.round(high * ratio)) {
      glass.width = Math.round(w * ratio);
      glass.height = Math.round(high * ratio);
    }
    const c = glass.getContext("2d", { alpha: false }),
      kx = 111.32 * Math.cos((spot.lat * Math.PI) / 180);
    const at = (lat, lon) => [w / 2 + (lon - spot.lon) * kx * scale, high / 2 - (lat - spot.lat) * 110.99 * scale];
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    const members = spot.members.map((row) => store.tables.incidents.get(row.id)).filter((row) => row && isOpen(row));
    const key = [spot.lat, spot.lon, scale, w, high, ratio, document.documentElement.dataset.theme].join();
    if (drawn !== key) {
      drawn = key;
      pane.width = glass.width;
      pane.height = glass.height;
      const ground = pane.getContext("2d", { alpha: false });
      ground.setTransform(ratio, 0, 0, ratio, 0, 0);
      drawGround(ground, basemap, { w, h: high, scale, at, lat: spot.lat }, map.tokens, {
        weight: 2.6 * u,
        font: 26 * u,
        places: true,
        districts: false,
        roads: false,
        avoid: members.map((row) => [...at(row.lat, row.lon), 24 * u]),
      });
    }
    c.drawImage(pane, 0, 0, w, high);
    paintThings(c, map, [...incidentsHere(members, u), ...teamsHere()], { at, u, w, high });
  }

  /** What lies in the lens, the worst on top: where it is, its mark, how large, and its name. */
  const incidentsHere = (members, u) =>
    members
      .sort((a, b) => b.priority - a.priority)
      .map((row) => ({
        ...row,
        strokes: incidentMark(row.priority, { hand: isHand(row), unack: isUnack(row) }),
        size: row.dimmed ? 24 : row.priority === 1 ? 50 : (row.priority === 2 ? 38 : 30) * (members.length > 40 ? 0.6 : 1),
        stands: row.priority === 1,
      }));
  const teamsHere = () =>
    [...store.tables.teams]
      .filter(([, row]) => row.shown !== "off")
      .map(([id, row]) => {
        const [lat, lon, , heading] = store.telemetry.teams.get(id) ?? [row.lat, row.lon];
        return { lat, lon, strokes: teamMark(row.shown), size: 30, turn: heading ?? 0, call: row.call };
      });

  /** Every mark beside its neighbours; one that had to give way is tied to its place. */
  function paintThings(c, map, things, { at, u, w, high }) {
    const edge = 10 * u,
      here = things
        .map((one) => ({ ...one, at: at(one.lat, one.lon) }))
        .filter(({ at: [x, y] }) => x > edge && y > edge && x < w - edge && y < high - edge),
      marks = here.map((one) => ({ x: one.at[0], y: one.at[1], r: (one.size / 2 + (one.call ? 7 : 1)) * u, stands: one.stands })),
      places = dodge(marks, { w, h: high });
    c.lineWidth = 1.5 * u;
    c.strokeStyle = map.tokens["ink-3"];
    c.beginPath();
    for (const [k, [x, y]] of places.entries()) {
      if (Math.hypot(x - marks[k].x, y - marks[k].y) < marks[k].r * 0.6) continue;
      c.moveTo(marks[k].x, marks[k].y);
      c.lineTo(x, y);
    }
    c.stroke();
    c.lineJoin = "round";
    for (const [k, { strokes, size, turn = 0, call }] of here.entries()) {
      const [x, y] = places[k];
      c.save();
      c.textBaseline = "alphabetic"; // as marks write their digits
      c.translate(x - (size * u) / 2, y - (size * u) / 2);
      c.scale((size * u) / 20, (size * u) / 20);
      paintMark(c, strokes, (name) => map.tokens[name], { turn, font: map.tokens.font, blinkOff: !map.blink });
      c.restore();
      if (!call) continue;
      c.font = `600 ${26 * u}px ${map.tokens.font}`;
      c.textBaseline = "middle";
      const wide = c.measureText(call).width,
        covers = (left) => marks.some(({ r }, m) => m !== k && reaches(places[m], r, left, left + wide, y)),
        [right, left] = [x + 21 * u, x - 21 * u - wide],
        from = covers(right) && !covers(left) ? left : right;
      c.lineWidth = 6 * u;
      c.strokeStyle = map.tokens["map-ground"];
      c.strokeText(call, from, y);
      c.fillStyle = map.tokens["ink-1"];
      c.fillText(call, from, y);
    }
  }

  /** Where on the stage the lens hides the fewest things: it stays where it is as long as that is nearly as good. */
  function place(map, spot, u) {
    const w = LENS.w * u,
      high = LENS.h * u,
      gap = 24 * u,
      step = 44 * u,
      top = 76 * u,
      room = 16 * u;
    const things = [
      ...[...store.tables.incidents.values()]
        .filter((row) => isOpen(row) && metresBetween(row, spot) > spot.radius_m)
        .map((row) => [...map.at(row.lat, row.lon), { 1: 60, 2: 4, 3: 1 }[row.priority]]),
      ...[...store.tables.teams]
        .filter(([, row]) => row.shown !== "off")
        .map(([id, row]) => {
          const live = store.telemetry.teams.get(id) ?? [row.lat, row.lon];
          return [...map.at(live[0], live[1]), 2];
        }),
      [...map.at(spot.lat, spot.lon), 1000],
      ...[...store.telemetry.sensors.values()]
        .filter((one) => one[4] >= 3)
        .map((one) => [...map.at(one[0], one[1]), 2]),
    ];
    const cost = ([x, y]) =>
      things.reduce(
        (sum, [tx, ty, weight]) =>
          sum + (tx > x - room && tx < x + w + room && ty > y - room && ty < y + high + room ? weight : 0),
        0,
      );
    let best = null,
      least = Infinity;
    const right = map.w - w - gap,
      bottom = map.h - high - gap;
    for (let x = right; x >= gap; x -= step)
      for (let y = bottom; y >= top; y -= step) {
        const edge = Math.min(right - x, x - gap) / map.w + Math.min(bottom - y, y - top) / map.h,
          c = cost([x, y]) + edge * 3;
        if (c < least) {
          least = c;
          best = [x, y];
        }
      }
    if (corner && corner[0] <= right + 1 && corner[1] <= bottom + 1 && cost(corner) <= least + 5) best = corner;
    return best;
  }

  return {
    draw,
    /** The spot or the stage is another: look for a place again. */
    move() {
      moved = true;
    },
    /** The theme or the size is another: the ground is drawn anew. */
    redraw() {
      moved = true;
      drawn = "";
    },
  };
}
