/** Names on the base map. They give way to live things and to each other: each tries four sides, else it is left out; the higher rank chooses first.
 * Names of roads and rivers stand along them. Knows nothing that is live. */

import { lang } from "./words.mjs";

// px per km from which names of a rank are written, by kind; the mark of a hub, a station or a place stands with its name
const FROM = {
  place: [0, 6.5, 14, 46, 115, 230],
  hub: [0, 6.5, 14, 46, 115, 230],
  town: [0, 5, 8, 14, 46, 115],
  metro: [0, 60, 60, 60, 120, 230],
  bridge: [0, 60, 60, 60, 120, 200],
};
const ALONG = { ring: 60, express: 40, avenue: 75, lane: 150, water: 40 }; // px per km from which a line bears its name
const APART = 460; // px between two names on one line

/** @param {(kind: string) => {line: object, points: number[][]}[]} of the lines in view @returns {number[][]} boxes on which nothing more is written */
export function writeNames(context, map, of, view, tokens, how) {
  const taken = how.avoid.map(([x, y, rx = 12, ry = rx]) => [x - rx, y - ry, x + rx, y + ry]);
  const pen = {
    context,
    tokens,
    clear: (box) => !taken.some((q) => box[0] < q[2] && box[2] > q[0] && box[1] < q[3] && box[3] > q[1]),
    take: (box) => taken.push(box),
  };
  context.textBaseline = "middle";
  context.textAlign = "start";
  const along = how.places && how.roads;
  for (const label of [...map.labels].sort((a, b) => a.rank - b.rank)) {
    if (label.rank > 3) break;
    writeLabel(pen, label, view, how, along);
  }
  if (along) for (const kind in ALONG) if (view.scale >= ALONG[kind]) for (const way of of(kind)) writeAlong(pen, way, view, how);
  for (const label of map.labels) if (label.rank > 3) writeLabel(pen, label, view, how, along);
  context.letterSpacing = "0px";
  return taken;
}

const wordsOf = (one) => (lang === "en" ? one.en : one.zh);

function ink({ context, tokens }, words, x, y, colour, halo) {
  context.lineJoin = "round";
  context.lineWidth = halo;
  context.strokeStyle = tokens["map-ground"];
  context.strokeText(words, x, y);
  context.fillStyle = tokens[colour];
  context.fillText(words, x, y);
}

/** A degree is written where its line comes into view. */
function edge({ zh, lat, lon }, { h, at }) {
  const [x, y] = at(lat, lon);
  return /[NS]$/.test(zh) ? [Math.max(x, 12), y] : [x, Math.min(y, h - 16)];
}

/** Whether a label belongs into this view at all: a kind that the screen shows, and near enough. */
function shows({ kind, rank }, { scale }, { places, districts, roads }, along) {
  if (kind === "district") return districts;
  if (kind === "ring") return roads && !(along && scale >= ALONG.ring);
  if (kind === "axis") return roads && scale >= 14;
  if (kind === "graticule") return true;
  return places && scale >= (FROM[kind] ?? FROM.place)[Math.min(5, rank)];
}

function writeLabel(pen, label, view, how, along) {
  const { context, tokens } = pen,
    { w, h, scale, at } = view,
    { kind } = label,
    { weight, font, districtFont } = how,
    [x, y] = kind === "graticule" ? edge(label, view) : at(label.lat, label.lon);
  if (x < 10 || x > w - 10 || y < 10 || y > h - 10 || how.hides?.(x, y)) return;
  const mark = kind === "hub" ? scale >= 7 : kind === "metro" && how.places && scale >= 90;
  if (!shows(label, view, how, along)) {
    if (mark && pen.clear([x - 4, y - 4, x + 4, y + 4])) sign(context, kind, x, y, weight, tokens);
    return;
  }
  const words = wordsOf(label),
    small = kind === "ring" || kind === "metro" || kind === "bridge" || label.rank > 3,
    size = kind === "district" ? districtFont : small ? font * 0.92 : font;
  context.font = `400 ${size}px ${tokens.font}`;
  context.letterSpacing = kind === "district" ? `${(size * (lang === "en" ? 0.08 : 0.35)).toFixed(1)}px` : "0px";
  const wide = context.measureText(words).width,
    high = size * 1.1;
  const spot = sides(kind, x, y, wide, size)
    .map(([bx, by]) => [bx, by, [bx - 3, by - high / 2, bx + wide + 3, by + high / 2]])
    .find(([bx, by, box]) => bx > 4 && bx + wide < w - 4 && by > high * 0.6 && by < h - high * 0.6 && pen.clear(box));
  const point = kind === "place" || kind === "metro" ? [x - 4, y - 4, x + 4, y + 4] : null; // a sign covers no name
  if (point && label.rank > 3 && !pen.clear(point)) return;
  if (kind === "hub" || (spot && point)) sign(context, kind, x, y, weight, tokens);
  if (!spot) return;
  pen.take(spot[2]);
  if (point) pen.take(point);
  const strong = kind === "district" || (kind === "hub" && label.rank < 3);
  ink(pen, words, spot[0], spot[1], strong ? "map-label-strong" : "map-label", kind === "ring" ? 6 : 3);
}

/** Where a name may stand around its point, the best first. */
function sides(kind, x, y, wide, size) {
  if (kind === "axis")
    return [
      [x + size * 0.4, y],
      [x - size * 0.4 - wide, y],
    ];
  if (kind === "ring") return [[x - wide / 2, y]];
  if (kind === "graticule") return [[x + 3, y - size * 0.7]];
  if (kind === "place" || kind === "hub" || kind === "metro")
    return [
      [x + size * 0.5 + 1, y],
      [x - size * 0.5 - 1 - wide, y],
      [x - wide / 2, y - size * 1.05],
      [x - wide / 2, y + size * 1.05],
    ];
  return [
    [x - wide / 2, y],
    [x - wide / 2, y - size * 1.4],
    [x - wide / 2, y + size * 1.4],
  ];
}

function sign(context, kind, x, y, weight, tokens) {
  context.fillStyle = tokens["map-ground"];
  context.strokeStyle = tokens["map-label"];
  context.lineWidth = 1.3 * Math.min(weight, 1.5);
  if (kind === "hub") {
    const s = 3.2 * weight;
    context.fillRect(x - s, y - s, 2 * s, 2 * s);
    context.strokeRect(x - s, y - s, 2 * s, 2 * s);
    return;
  }
  context.beginPath();
  context.arc(x, y, kind === "metro" ? 3 : 1.6 * Math.min(weight, 1.3), 0, 7);
  if (kind === "metro") {
    context.fill();
    context.stroke();
  } else {
    context.fillStyle = tokens["map-label"];
    context.fill();
  }
}

/** A name along its line, every so often, where the line is straight enough to be read. Chinese on a way that goes down stands upright. */
function writeAlong(pen, { line, points }, { w, h }, { font, hides }) {
  const words = wordsOf(line);
  if (!words) return;
  const { context, tokens } = pen,
    size = font * (line.kind === "lane" ? 0.92 : 1);
  context.font = `400 ${size}px ${tokens.font}`;
  context.letterSpacing = line.kind === "water" ? `${(size * 0.2).toFixed(1)}px` : "0px";
  const wide = context.measureText(words).width,
    path = line.closed ? [...points, points[0]] : points;
  let gone = 0,
    next = Math.min(APART / 2, lengthOf(path) / 2);
  for (let k = 1; k < path.length; k++) {
    const [a, b] = [path[k - 1], path[k]],
      step = Math.hypot(b[0] - a[0], b[1] - a[1]);
    while (step > 0 && gone + step >= next) {
      const share = (next - gone) / step,
        x = a[0] + (b[0] - a[0]) * share,
        y = a[1] + (b[1] - a[1]) * share;
      next += APART;
      if (x < 20 || y < 20 || x > w - 20 || y > h - 20 || hides?.(x, y)) continue;
      const from = along(path, k, share, -wide / 2),
        to = along(path, k, share, wide / 2);
      if (!from || !to || Math.hypot(to[0] - from[0], to[1] - from[1]) < wide * 0.975) continue;
      let turn = Math.atan2(to[1] - from[1], to[0] - from[0]);
      if (turn > Math.PI / 2) turn -= Math.PI;
      if (turn <= -Math.PI / 2) turn += Math.PI;
      put(pen, words, x, y, turn, wide, size, w, h);
    }
    gone += step;
  }
}

function put(pen, words, x, y, turn, wide, size, w, h) {
  const { context } = pen,
    upright = lang !== "en" && Math.abs(turn) > 1.05,
    signs = [...words],
    high = size * 1.1;
  const tall = upright ? signs.length * high : Math.abs(Math.sin(turn)) * wide + high * Math.cos(turn),
    across = upright ? size : Math.cos(turn) * wide + high * Math.abs(Math.sin(turn)),
    box = [x - across / 2 - 2, y - tall / 2 - 2, x + across / 2 + 2, y + tall / 2 + 2];
  if (box[0] < 0 || box[1] < 0 || box[2] > w || box[3] > h || !pen.clear(box)) return;
  pen.take(box);
  if (upright) {
    const slant = Math.cos(turn) / Math.sin(turn) || 0; // one sign below the other, on the way
    signs.forEach((sign, k) => {
      const dy = (k - (signs.length - 1) / 2) * high;
      ink(pen, sign, x - size / 2 + slant * dy, y + dy, "map-label", 3);
    });
    return;
  }
  context.save();
  context.translate(x, y);
  context.rotate(turn);
  ink(pen, words, -wide / 2, 0, "map-label", 3);
  context.restore();
}

const lengthOf = (path) => path.reduce((sum, p, k) => (k ? sum + Math.hypot(p[0] - path[k - 1][0], p[1] - path[k - 1][1]) : 0), 0);

/** The point so far along a line from a place on its piece `k`; nothing beyond its end. */
function along(path, k, share, px) {
  const ahead = px > 0;
  let left = Math.abs(px),
    [x, y] = [0, 1].map((c) => path[k - 1][c] + (path[k][c] - path[k - 1][c]) * share);
  for (let at = ahead ? k : k - 1; path[at]; at += ahead ? 1 : -1) {
    const step = Math.hypot(path[at][0] - x, path[at][1] - y);
    if (step >= left) {
      const part = step ? left / step : 0;
      return [x + (path[at][0] - x) * part, y + (path[at][1] - y) * part];
    }
    left -= step;
    [x, y] = path[at];
  }
  return undefined;
}
