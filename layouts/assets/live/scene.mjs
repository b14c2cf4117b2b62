/** Which part of the city the wall talks about, and why: the place where most open incidents that matter lie together. Pure. */

import { isOpen } from "./lifecycle.mjs";

const CELL_M = 400,
  RADIUS_M = 700,
  RECENT_MS = 600_000,
  LEAST = 5,
  WEIGHT = { 1: 8, 2: 3, 3: 1 };
const LAT_M = 111_000;

/** Metres between two rows, good to a percent inside a city. */
export function metresBetween(a, b) {
  const x = (a.lon - b.lon) * LAT_M * Math.cos((a.lat * Math.PI) / 180),
    y = (a.lat - b.lat) * LAT_M;
  return Math.hypot(x, y);
}

/** @param {Iterable<object>} incidents @param {number} now city ms @param {number} [rate]
 * @returns {{lat: number, lon: number, radius_m: number, members: object[], recent: number, worst: object, score: number}|null} null where nothing stands out */
export function hotspot(incidents, now, rate = 1) {
  const open = [...incidents].filter((row) => isOpen(row) && Number.isFinite(row.lat)),
    cells = new Map();
  if (!open.length) return null;
  const east = LAT_M * Math.cos((open[0].lat * Math.PI) / 180),
    key = (r, c) => `${r} ${c}`;
  const heat = (row) => WEIGHT[row.priority] * (now - row.reported_at_ms < RECENT_MS * Math.max(1, rate / 60) ? 2 : 1);
  for (const row of open) {
    const k = [Math.floor((row.lat * LAT_M) / CELL_M), Math.floor((row.lon * east) / CELL_M)],
      name = key(...k);
    if (!cells.has(name)) cells.set(name, { at: k, rows: [], heat: 0 });
    const cell = cells.get(name);
    cell.rows.push(row);
    cell.heat += heat(row);
  }
  let best = null;
  for (const cell of cells.values()) {
    let score = 0;
    for (let r = -1; r <= 1; r++)
      for (let c = -1; c <= 1; c++) score += cells.get(key(cell.at[0] + r, cell.at[1] + c))?.heat ?? 0;
    if (!best || score > best.score) best = { cell, score };
  }
  const seed = best.cell.rows[0],
    near = open.filter((row) => metresBetween(row, seed) < RADIUS_M * 1.4);
  const total = near.reduce((sum, row) => sum + heat(row), 0);
  const lat = near.reduce((sum, row) => sum + row.lat * heat(row), 0) / total,
    lon = near.reduce((sum, row) => sum + row.lon * heat(row), 0) / total;
  const members = open.filter((row) => metresBetween(row, { lat, lon }) < RADIUS_M);
  if (members.length < LEAST) return null;
  const worst = members.reduce((a, b) =>
    b.priority < a.priority || (b.priority === a.priority && b.reported_at_ms > a.reported_at_ms) ? b : a,
  );
  const recent = members.filter((row) => now - row.reported_at_ms < RECENT_MS).length;
  return {
    lat,
    lon,
    radius_m: Math.max(250, ...members.map((row) => metresBetween(row, { lat, lon }))) * 1.12,
    members,
    recent,
    worst,
    score: best.score,
  };
}

/** The bounds that hold nearly all of the given points: a stray one does not shrink the city. @param {[number, number][]} points @returns {[[number, number], [number, number]]|null} */
export function frameOf(points, outside = 0.04) {
  if (points.length < 2) return null;
  const cut = (values) => {
    values.sort((a, b) => a - b);
    const skip = Math.floor(values.length * outside);
    return [values[skip], values[values.length - 1 - skip]];
  };
  const [s, n] = cut(points.map(([lat]) => lat)),
    [w, e] = cut(points.map(([, lon]) => lon)),
    room = Math.max(0.004, (n - s) * 0.06),
    side = Math.max(0.004, (e - w) * 0.04);
  return [
    [s - room, w - side],
    [n + room, e + side],
  ];
}
