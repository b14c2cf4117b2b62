/** The base map: the city pack's hills, water, roads and names, drawn once per view. Knows nothing that is live, but gives way to it.
 *
 * Far away a road is a line as wide as its rank; near by it is as wide as on the ground, with kerbs. What would crowd a level is not drawn on it. */

import { writeNames } from "./groundnames.mjs";

/** @typedef {{kind: string, width_px?: number, width_m?: number, closed?: boolean, smooth?: boolean, min_zoom?: number, zh?: string, en?: string,
 *   points: [number, number][]}} Line
 * @typedef {{layers: Line[], labels: {zh: string, en: string, lat: number, lon: number, rank: number, kind: string}[]}} Basemap */

const WIDTH = { ring: 2.8, express: 2.2, avenue: 1.5, lane: 1.1, axis: 1.4, runway: 2 }; // px at city scale
const WIDTH_M = { ring: 56, express: 40, avenue: 34, lane: 15, runway: 60, water: 60 };
const FROM = { lane: 30, avenue: 12, rail: 5, town: 0 }; // px per km from which a kind is drawn
const UNTIL = { ridge: 45 };
const STREET = 7; // px from which a road has kerbs and a surface
const GRID_M = [100, 200, 500, 1000]; // crosses of a round distance, where streets are far apart
const GRID_PX = 96;

/** Centripetal Catmull-Rom through the points: no overshoot where a ring turns sharply. */
function smooth(path, points, closed) {
  const n = points.length,
    get = (i) => (closed ? points[(i + n) % n] : points[Math.max(0, Math.min(n - 1, i))]);
  path.moveTo(points[0][0], points[0][1]);
  for (let i = 0; i < (closed ? n : n - 1); i++) {
    const p0 = get(i - 1),
      p1 = get(i),
      p2 = get(i + 1),
      p3 = get(i + 2);
    const d1 = root(p0, p1),
      d2 = root(p1, p2),
      d3 = root(p2, p3),
      c = [0, 0],
      e = [0, 0];
    for (const k of [0, 1]) {
      c[k] =
        p0 === p1
          ? p1[k]
          : (d1 * d1 * p2[k] - d2 * d2 * p0[k] + (2 * d1 * d1 + 3 * d1 * d2 + d2 * d2) * p1[k]) / (3 * d1 * (d1 + d2));
      e[k] =
        p3 === p2
          ? p2[k]
          : (d3 * d3 * p1[k] - d2 * d2 * p3[k] + (2 * d3 * d3 + 3 * d3 * d2 + d2 * d2) * p2[k]) / (3 * d3 * (d3 + d2));
    }
    path.bezierCurveTo(c[0], c[1], e[0], e[1], p2[0], p2[1]);
  }
  if (closed) path.closePath();
}
const root = (a, b) => Math.max(1e-6, Math.sqrt(Math.hypot(a[0] - b[0], a[1] - b[1])));

/** Smooth line through projected points, for a trail or a way. */
export function curve(points) {
  const path = new Path2D();
  if (points.length > 1) smooth(path, points, false);
  return path;
}

function shape(line, points) {
  const path = new Path2D();
  if (points.length < 2) return path;
  if (line.smooth === false || points.length < 3) {
    path.moveTo(...points[0]);
    for (const p of points.slice(1)) path.lineTo(...p);
    if (line.closed) path.closePath();
  } else smooth(path, points, Boolean(line.closed));
  return path;
}

const area = (line) =>
  Math.abs(
    line.points.reduce((sum, [lat, lon], i) => {
      const [la, lo] = line.points[(i + 1) % line.points.length];
      return sum + lon * la - lo * lat;
    }, 0),
  );

/** A colour between two, both as #rrggbb. */
function mix(a, b, share) {
  const part = (colour, k) => parseInt(colour.slice(1 + 2 * k, 3 + 2 * k), 16);
  return `rgb(${[0, 1, 2].map((k) => Math.round(part(a, k) + (part(b, k) - part(a, k)) * share)).join()})`;
}

/** The layers that this view shows, projected: each with its points and its path. */
function inView(map, { w, h, scale, at }, zoom) {
  const found = {};
  for (const line of map.layers) {
    const { kind } = line;
    if (zoom < (line.min_zoom ?? 0) || scale < (FROM[kind] ?? 0) || scale >= (UNTIL[kind] ?? Infinity)) continue;
    const points = line.points.map(([lat, lon]) => at(lat, lon)),
      reach = ((line.width_m ?? 100) / 1000) * scale + 20;
    let l = Infinity,
      t = Infinity,
      r = -Infinity,
      b = -Infinity;
    for (const [x, y] of points) {
      l = Math.min(l, x);
      r = Math.max(r, x);
      t = Math.min(t, y);
      b = Math.max(b, y);
    }
    if (r < -reach || l > w + reach || b < -reach || t > h + reach) continue;
    (found[kind] ??= []).push({ line, points, path: shape(line, points) });
  }
  return (kind) => found[kind] ?? [];
}

/** Draw the base of a view. @param {CanvasRenderingContext2D} context in CSS pixels @param {Basemap} map
 * @param {{w: number, h: number, scale: number, at: (lat: number, lon: number) => [number, number]}} view `scale`: px per km
 * @param {Object<string, string>} tokens
 * @param {{weight?: number, font?: number, districtFont?: number, places?: boolean, districts?: boolean, roads?: boolean, avoid?: number[][]}} how `avoid`: boxes of live things, [x, y, rx, ry];
 * `over` draws on the ground and under the names, which are left out where it `hides` the ground
 * @returns {number[][]} the boxes of names and live things, CSS px */
export function drawGround(
  context,
  map,
  view,
  tokens,
  { weight = 1, font = 12, districtFont = 15, places = true, districts = true, roads = true, avoid = [], hides, over } = {},
) {
  const { w, h, scale } = view,
    zoom = Math.log2((scale * 40075.017 * Math.cos(((view.lat ?? 40) * Math.PI) / 180)) / 256);
  const of = inView(map, view, zoom);
  context.save();
  context.lineJoin = context.lineCap = "round";
  context.fillStyle = tokens["map-ground"];
  context.fillRect(0, 0, w, h);
  land(context, map, of, view, tokens);
  for (const { path } of of("graticule")) {
    context.strokeStyle = tokens["map-road-3"];
    context.lineWidth = 1;
    context.stroke(path);
  }
  if (places) crosses(context, view, tokens);
  ways(context, of, scale, weight, tokens);
  context.lineCap = "butt";
  for (const { path } of of("axis")) {
    context.setLineDash([1, 5]);
    context.strokeStyle = tokens["map-axis"];
    context.lineWidth = WIDTH.axis * weight;
    context.stroke(path);
    context.setLineDash([]);
  }
  over?.(context);
  const taken = writeNames(context, map, of, view, tokens, { weight, font, districtFont, places, districts, roads, avoid, hides });
  context.restore();
  return taken;
}

/** Hills, built-up land, parks, water, blocks. */
function land(context, map, of, { scale, at }, tokens) {
  const stroke = (path, colour, width) => {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke(path);
  };
  const fill = (path, colour) => {
    context.fillStyle = colour;
    context.fill(path);
  };
  hills(context, of("ridge"), scale, tokens);
  const closed = map.layers.filter((line) => line.kind === "ring" && line.closed).sort((a, b) => area(b) - area(a)),
    inner = closed.at(-3) ?? closed[0];
  if (inner)
    fill(
      shape(
        inner,
        inner.points.map(([lat, lon]) => at(lat, lon)),
      ),
      tokens["map-inner"],
    );
  for (const { path } of of("town")) fill(path, tokens["map-inner"]);
  for (const { path } of of("park")) fill(path, tokens["map-park"]);
  for (const { line, path } of of("water"))
    if (line.closed) fill(path, tokens["map-water"]);
    else stroke(path, tokens["map-water"], Math.max(1.8, ((line.width_m ?? WIDTH_M.water) / 1000) * scale));
  for (const { path } of of("block")) {
    fill(path, tokens["map-block"]);
    stroke(path, tokens["map-road-2"], 1);
  }
  context.lineCap = "butt";
  for (const { line, path } of of("runway"))
    stroke(path, tokens["map-road-2"], Math.max(WIDTH.runway, ((line.width_m ?? WIDTH_M.runway) / 1000) * scale));
  context.lineCap = "round";
}

/** Hills: soft heaps along each ridge, gone before one is a haze across the screen. */
function hills(context, ridges, scale, tokens) {
  const [r, g, b] = [1, 3, 5].map((k) => parseInt(tokens["map-park"].slice(k, k + 2), 16)),
    tone = (alpha) => `rgba(${r},${g},${b},${alpha})`,
    strength = 0.6 * Math.min(1, (UNTIL.ridge - scale) / 20);
  for (const { line, points } of ridges) {
    const radius = ((line.width_m ?? 8000) / 1000) * scale * 0.62;
    let due = 0;
    for (const [k, [x, y]] of points.entries()) {
      const before = points[k - 1] ?? [x, y];
      due += Math.hypot(x - before[0], y - before[1]);
      if (k && due < radius * 0.55) continue;
      due = 0;
      const heap = context.createRadialGradient(x, y, 0, x, y, radius);
      heap.addColorStop(0, tone(strength));
      heap.addColorStop(0.5, tone(strength * 0.5));
      heap.addColorStop(1, tone(0));
      context.fillStyle = heap;
      context.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
    }
  }
}

/** Crosses at round distances: a measure for the eye where streets are far apart. They are no street, and look like none. */
function crosses(context, { w, h, scale, at, lat = 40 }, tokens) {
  const metres = GRID_M.find((m) => (m / 1000) * scale >= GRID_PX);
  if (!metres || scale < 110) return;
  const rough = Math.round(lat), // the same crosses in every view of a city
    dLat = metres / 110_990,
    dLon = metres / (111_320 * Math.cos((rough * Math.PI) / 180)),
    [x0, y0] = at(0, 0),
    [x1] = at(0, 1);
  const lonOf = (x) => (x - x0) / (x1 - x0);
  context.strokeStyle = tokens["map-road-3"];
  context.lineWidth = 1;
  context.beginPath();
  let row = Math.floor((lat - h / scale / 110.99) / dLat);
  for (; ; row++) {
    const y = Math.round(at(row * dLat, 0)[1]) + 0.5;
    if (y < -8) break;
    if (y > h + 8 || y0 === y) continue;
    for (let k = Math.ceil(lonOf(0) / dLon); ; k++) {
      const x = Math.round(at(0, k * dLon)[0]) + 0.5;
      if (x > w) break;
      context.moveTo(x - 3, y);
      context.lineTo(x + 3, y);
      context.moveTo(x, y - 3);
      context.lineTo(x, y + 3);
    }
  }
  context.stroke();
}

/** How wide a road is on the screen: by its rank far away, by its metres near by. */
export function roadWidth({ kind, width_px, width_m }, scale, weight) {
  const rank = width_px || WIDTH[kind];
  const far = scale < 12 ? 0.55 : scale < 25 ? 0.8 : 1; // a whole municipality is no knot of lines
  return Math.max(rank * weight * far, ((width_m || WIDTH_M[kind] * (rank >= 3 ? 1.8 : 1)) / 1000) * scale);
}

/** Roads by rank. Those of one level are one net: first all kerbs, then all surfaces. */
function ways(context, of, scale, weight, tokens) {
  const draw = (path, colour, width) => {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke(path);
  };
  const net = (roads, kerb, casing) => {
    const wide = roads.map((road) => ({ ...road, px: roadWidth(road.line, scale, weight) }));
    if (casing) for (const { path, px } of wide) if (px < STREET * 1.6) draw(path, tokens["map-ground"], px * 2.1);
    for (const { path, px, colour } of wide)
      if (px >= STREET) draw(path, tokens[kerb ?? colour], px + (px > 16 ? 2.4 : 1.6));
    for (const { path, px, colour } of wide) {
      const surface = Math.min(1, Math.max(0, (px - STREET + 1) / 6)); // from a line to a street, without a leap
      draw(path, surface ? mix(tokens[colour], tokens["map-road-3"], surface) : tokens[colour], px);
    }
    if (casing)
      for (const { path, px } of wide)
        if (px > 18) {
          context.setLineDash([10, 14]);
          draw(path, tokens["map-road-2"], 1);
          context.setLineDash([]);
        }
  };
  const coloured = (kind, colour) => of(kind).map((road) => ({ ...road, colour }));
  const great = (road) => (road.line.width_px ?? 0) >= 3;
  const avenues = coloured("avenue", "map-road-3");
  context.globalAlpha = scale < 60 ? 0.75 : 1;
  net([...coloured("lane", "map-road-3"), ...avenues.filter((road) => !great(road))], "map-road-2");
  context.globalAlpha = 1;
  rails(context, of("rail"), scale, tokens);
  const rings = of("ring").sort((a, b) => area(b.line) - area(a.line));
  net(
    [
      ...coloured("express", "map-road-2"),
      ...rings.map((road, k) => ({ ...road, colour: k < rings.length - 2 ? "map-road-2" : "map-road-1" })),
    ],
    "map-road-2",
    true,
  );
  net(
    avenues.filter(great).map((road) => ({ ...road, colour: "map-road-1" })),
    "map-road-1",
    true,
  );
}

/** A railway: a thin line with sleepers. */
function rails(context, lines, scale, tokens) {
  if (!lines.length) return;
  context.lineCap = "butt";
  context.strokeStyle = tokens["map-road-2"];
  for (const { path } of lines) {
    context.lineWidth = 0.8;
    context.stroke(path);
    context.setLineDash([1.2, scale < 30 ? 6 : 9]);
    context.lineWidth = scale < 30 ? 3.2 : 5;
    context.stroke(path);
    context.setLineDash([]);
  }
  context.lineCap = "round";
}
