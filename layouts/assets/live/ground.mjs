/** The base map: the city pack's rings, roads, water and names, drawn once per view. Knows nothing that is live, but gives way to it. */

import { lang } from "./words.mjs";

/** @typedef {{kind: string, width_px?: number, closed?: boolean, smooth?: boolean, points: [number, number][]}} Line
 * @typedef {{layers: Line[], labels: {zh: string, en: string, lat: number, lon: number, rank: number, kind: string}[]}} Basemap */

const WIDTH = { ring: 2.8, express: 2.2, avenue: 1.5, lane: 1.1, axis: 1.4, water: 3 };
const RANK_SCALE = [0, 0, 16, 60, 120]; // px per km from which names of a rank are written

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

function shape(line, at) {
  const path = new Path2D(),
    points = line.points.map(([lat, lon]) => at(lat, lon));
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

/** Draw the base of a view. @param {CanvasRenderingContext2D} context in CSS pixels @param {Basemap} map
 * @param {{w: number, h: number, scale: number, at: (lat: number, lon: number) => [number, number]}} view `scale`: px per km
 * @param {Object<string, string>} tokens
 * @param {{weight?: number, font?: number, districtFont?: number, places?: boolean, districts?: boolean, roads?: boolean, avoid?: number[][]}} how `avoid`: boxes of live things, [x, y, rx, ry];
 * `over` draws on the ground and under the names, which are left out where it `hides` the ground */
export function drawGround(
  context,
  map,
  view,
  tokens,
  { weight = 1, font = 12, districtFont = 15, places = true, districts = true, roads = true, avoid = [], hides, over } = {},
) {
  const { w, h, scale, at } = view,
    zoom = Math.log2((scale * 40075.017 * Math.cos(((view.lat ?? 40) * Math.PI) / 180)) / 256);
  const of = (...kinds) => map.layers.filter((line) => kinds.includes(line.kind) && zoom >= (line.min_zoom ?? 0));
  context.save();
  context.lineJoin = context.lineCap = "round";
  context.fillStyle = tokens["map-ground"];
  context.fillRect(0, 0, w, h);
  const stroke = (line, colour, width) => {
    context.strokeStyle = colour;
    context.lineWidth = width;
    context.stroke(line.path ?? shape(line, at));
  };
  const fill = (line, colour) => {
    context.fillStyle = colour;
    context.fill(shape(line, at));
  };

  const rings = of("ring")
    .map((line) => ({ ...line, area: line.closed ? area(line) : 0, path: shape(line, at) }))
    .sort((a, b) => b.area - a.area);
  const inner = rings.filter((ring) => ring.area)[1] ?? rings.find((ring) => ring.area);
  if (inner) {
    context.fillStyle = tokens["map-inner"];
    context.fill(inner.path);
  }
  for (const line of of("park")) fill(line, tokens["map-park"]);
  for (const line of of("water"))
    if (line.closed) fill(line, tokens["map-water"]);
    else stroke(line, tokens["map-water"], Math.max(3, scale * 0.09));
  for (const line of of("block")) {
    fill(line, tokens["map-block"]);
    stroke(line, tokens["map-road-2"], 1);
  }
  context.globalAlpha = 0.75;
  for (const line of of("lane")) stroke(line, tokens["map-road-3"], WIDTH.lane * weight);
  context.globalAlpha = 1;
  for (const line of of("avenue"))
    if ((line.width_px ?? 0) < 3) stroke(line, tokens["map-road-3"], (line.width_px ?? WIDTH.avenue) * weight);
  const express = of("express").map((line) => ({ ...line, path: shape(line, at) }));
  for (const line of express) stroke(line, tokens["map-ground"], WIDTH.express * 2.1 * weight);
  for (const ring of rings) stroke(ring, tokens["map-ground"], WIDTH.ring * 2.2 * weight);
  for (const line of express) stroke(line, tokens["map-road-2"], (line.width_px ?? WIDTH.express) * weight);
  rings.forEach((ring, k) =>
    stroke(
      ring,
      tokens[k < rings.length - 2 ? "map-road-2" : "map-road-1"],
      (ring.width_px ?? (k === rings.length - 1 ? 3.2 : WIDTH.ring)) * weight,
    ),
  );
  for (const line of of("axis")) {
    context.setLineDash([1, 5]);
    stroke(line, tokens["map-axis"], WIDTH.axis * weight);
    context.setLineDash([]);
  }
  for (const line of of("avenue"))
    if ((line.width_px ?? 0) >= 3) {
      const path = shape(line, at);
      stroke({ path }, tokens["map-ground"], line.width_px * 2 * weight);
      stroke({ path }, tokens["map-road-1"], line.width_px * weight);
    }
  over?.(context);
  drawNames(context, map, view, tokens, { weight, font, districtFont, places, districts, roads, avoid, hides });
  context.restore();
}

/** Names give way to live things and to each other: each tries four sides, else it is left out. The higher rank chooses first. */
function drawNames(
  context,
  map,
  { w, h, scale, at },
  tokens,
  { weight, font, districtFont, places, districts, roads, avoid, hides },
) {
  const taken = avoid.map(([x, y, rx = 12, ry = rx]) => [x - rx, y - ry, x + rx, y + ry]);
  const clear = (box) => !taken.some((q) => box[0] < q[2] && box[2] > q[0] && box[1] < q[3] && box[3] > q[1]);
  const write = (words, x, y, colour, halo) => {
    context.lineWidth = halo;
    context.strokeStyle = tokens["map-ground"];
    context.strokeText(words, x, y);
    context.fillStyle = tokens[colour];
    context.fillText(words, x, y);
  };
  context.textBaseline = "middle";
  context.textAlign = "start";
  const ordered = [...map.labels].sort((a, b) => a.rank - b.rank);
  for (const label of ordered) {
    const [x, y] = at(label.lat, label.lon),
      words = lang === "en" ? label.en : label.zh,
      { kind } = label;
    if (x < 10 || x > w - 10 || y < 10 || y > h - 10 || hides?.(x, y)) continue;
    if (kind === "district" ? !districts : kind === "ring" || kind === "axis" ? !roads : !places) {
      if (kind === "hub") hub(context, x, y, weight, tokens);
      continue;
    }
    if ((kind === "place" || kind === "hub") && scale < RANK_SCALE[Math.min(4, label.rank)]) {
      if (kind === "hub") hub(context, x, y, weight, tokens);
      continue;
    }
    const size = kind === "district" ? districtFont : kind === "ring" ? font * 0.92 : font;
    context.font = `400 ${size}px ${tokens.font}`;
    context.letterSpacing = kind === "district" ? `${(size * (lang === "en" ? 0.08 : 0.35)).toFixed(1)}px` : "0px";
    const wide = context.measureText(words).width,
      high = size * 1.1,
      dot = kind === "place" || kind === "hub";
    const beside = kind === "axis",
      spots = beside
        ? [
            [x + size * 0.4, y],
            [x - size * 0.4 - wide, y],
          ]
        : dot
          ? [
              [x + size * 0.5, y],
              [x - size * 0.5 - wide, y],
              [x - wide / 2, y - size * 1.05],
              [x - wide / 2, y + size * 1.05],
            ]
          : kind === "ring"
            ? [[x - wide / 2, y]]
            : [
                [x - wide / 2, y],
                [x - wide / 2, y - size * 1.4],
                [x - wide / 2, y + size * 1.4],
              ];
    const spot = spots
      .map(([bx, by]) => [bx, by, [bx - 3, by - high / 2, bx + wide + 3, by + high / 2]])
      .find(([bx, by, box]) => bx > 4 && bx + wide < w - 4 && by > high * 0.6 && by < h - high * 0.6 && clear(box));
    if (kind === "hub") hub(context, x, y, weight, tokens);
    if (!spot) continue;
    taken.push(spot[2]);
    if (kind === "place") {
      context.beginPath();
      context.arc(x, y, 1.6 * Math.min(weight, 1.3), 0, 7);
      context.fillStyle = tokens["map-label"];
      context.fill();
    }
    write(words, spot[0], spot[1], "map-label", kind === "ring" ? 6 : 3);
  }
  context.letterSpacing = "0px";
}

function hub(context, x, y, weight, tokens) {
  const s = 3.2 * weight;
  context.fillStyle = tokens["map-ground"];
  context.strokeStyle = tokens["map-label"];
  context.lineWidth = 1.3 * weight;
  context.fillRect(x - s, y - s, 2 * s, 2 * s);
  context.strokeRect(x - s, y - s, 2 * s, 2 * s);
}
