/** A small still map of the centre for paper: the city's base map and some marks, drawn once, finer than the screen for the printer. */

import { readTokens } from "./atlas.mjs";
import { fill, h } from "./dom.mjs";
import { drawGround } from "./ground.mjs";
import { incidentMark, paint, sensorMark, teamMark } from "./marks.mjs";

const FINE = 3; // dots per CSS pixel: 288 an inch
const KM = 30; // from west to east
const SIZE = { incident: { 1: 17, 2: 12 }, team: 15, sensor: 10 };

/** @typedef {[kind: string, lat: number, lon: number, priority: number, in_hand: boolean, label: string]} Mark */

/** @param {HTMLElement} box @param {import("./ground.mjs").Basemap} basemap @param {[number, number]} centre lat, lon @param {Mark[]} marks the uppermost last */
export function sketch(box, basemap, [lat0, lon0], marks) {
  const w = box.clientWidth,
    high = box.clientHeight,
    tokens = readTokens(box),
    scale = w / KM,
    kx = 111.32 * Math.cos((lat0 * Math.PI) / 180);
  const at = (lat, lon) => [w / 2 + (lon - lon0) * kx * scale, high / 2 - (lat - lat0) * 110.99 * scale];
  const canvas = h("canvas", { width: Math.round(w * FINE), height: Math.round(high * FINE), "aria-hidden": true }),
    c = canvas.getContext("2d", { alpha: false });
  c.setTransform(FINE, 0, 0, FINE, 0, 0);
  const seen = marks
    .map((mark) => ({ mark, x: at(mark[1], mark[2])[0], y: at(mark[1], mark[2])[1] }))
    .filter(({ x, y }) => x > 8 && y > 8 && x < w - 8 && y < high - 8);
  drawGround(c, basemap, { w, h: high, scale, at, lat: lat0 }, tokens, {
    weight: 0.8,
    font: 9.5,
    districtFont: 11,
    places: false,
    avoid: seen.map(({ mark, x, y }) => [x, y, mark[0] === "sensor" ? 6 : 12]),
  });
  const put = (strokes, x, y, size) => {
    c.save();
    c.translate(x - size / 2, y - size / 2);
    c.scale(size / 20, size / 20);
    paint(c, strokes, (name) => tokens[name], { font: tokens.font });
    c.restore();
  };
  for (const {
    mark: [kind, , , priority, hand],
    x,
    y,
  } of seen) {
    if (kind === "incident") put(incidentMark(priority, { hand }), x, y, SIZE.incident[priority]);
    else if (kind === "team") put(teamMark("silent"), x, y, SIZE.team);
    else put(sensorMark("silent", 2, true), x, y, SIZE.sensor);
  }
  names(c, seen, tokens, w);
  fill(box, canvas);
}

/** Numbers of the urgent and call signs of the silent, on whichever side is free; none where neither is. */
function names(c, seen, tokens, w) {
  c.font = `600 10.5px ${tokens.font}`;
  c.textBaseline = "middle";
  c.lineJoin = "round";
  const taken = seen.filter(({ mark }) => mark[0] !== "sensor").map(({ x, y }) => [x - 9, y - 9, x + 9, y + 9]);
  const clear = (box) => !taken.some((q) => box[0] < q[2] && box[2] > q[0] && box[1] < q[3] && box[3] > q[1]);
  for (const { mark, x, y } of seen.toReversed()) {
    const label = mark[5];
    if (!label) continue;
    const wide = c.measureText(label).width,
      sides = [
        [x + 12, y],
        [x - 12 - wide, y],
        [x - wide / 2, y + 16],
        [x - wide / 2, y - 16],
      ];
    const spot = sides.find(([bx, by]) => bx > 3 && bx + wide < w - 3 && clear([bx, by - 6, bx + wide, by + 6]));
    if (!spot) continue;
    taken.push([spot[0], spot[1] - 6, spot[0] + wide, spot[1] + 6]);
    c.lineWidth = 4;
    c.strokeStyle = tokens["map-ground"];
    c.strokeText(label, ...spot);
    c.fillStyle = tokens[mark[0] === "team" ? "stale-ink" : "ink-1"];
    c.fillText(label, ...spot);
  }
}
