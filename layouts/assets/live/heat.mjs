/** How much is going on where, as shades of ink under the marks: open incidents by their priority, and complaints of the last hour. The same scale
 * everywhere and at every zoom, so that a shade means the same today and tomorrow. */

import { isOpen } from "./lifecycle.mjs";
import { Layer } from "./layers.mjs";
import { t } from "./words.mjs";

const WEIGHT = { 1: 8, 2: 3, 3: 1 };
const COMPLAINT = 0.5,
  RECENT_MS = 3_600_000;
const REACH_M = 700; // how far one thing warms its surroundings
const LEAST_PX = 14; // and at least so far on the screen
const STEP = 6; // px of one square of the picture
const SHADES = [
  [1.2, 0.07],
  [3, 0.13],
  [7, 0.2],
  [15, 0.28],
]; // at this weight within reach, this much ink
const AGAIN_MS = 5000;

export class Heat extends Layer {
  constructor() {
    super("heat", { on: false, hits: false });
    this.sheet = document.createElement("canvas");
    this.under = (context, map) => this.#lay(context, map);
  }
  join(map) {
    super.join(map);
    map.store.on("incidents", () => this.#later());
  }
  legend() {
    return SHADES.map(([, ink], k) => [
      [{ d: "M0 0H20V20H0Z", fill: "ink-1", alpha: ink }],
      k === 0 ? t("map.heat_least") : k === SHADES.length - 1 ? t("map.heat_most") : "",
    ]);
  }

  /** A new report shows within seconds; a picture of every change nobody needs. */
  #later() {
    this.stale = true;
    if (!this.on || this.waits) return;
    this.waits = setTimeout(() => {
      this.waits = 0;
      this.map.underlay.due = true;
      this.map.ask();
    }, AGAIN_MS);
  }
  #lay(context, map) {
    const view = `${map.origin.x} ${map.origin.y} ${map.zoom} ${map.w} ${map.h} ${map.tokens["ink-1"]}`;
    if (this.stale !== false || this.view !== view) {
      this.stale = false;
      this.view = view;
      this.#draw(map);
    }
    context.imageSmoothingEnabled = true;
    context.drawImage(this.sheet, 0, 0, this.sheet.width * STEP, this.sheet.height * STEP);
  }
  #draw(map) {
    const w = Math.ceil(map.w / STEP),
      h = Math.ceil(map.h / STEP),
      warmth = warm(sources(map), { w, h, reach: Math.max(LEAST_PX, (REACH_M / 1000) * map.kmScale) / STEP, at: map.at });
    this.sheet.width = w;
    this.sheet.height = h;
    const c = this.sheet.getContext("2d"),
      image = c.createImageData(w, h),
      [r, g, b] = colour(map.tokens["ink-1"]);
    for (let k = 0; k < warmth.length; k++) {
      if (warmth[k] > 0) image.data.set([r, g, b, Math.round(ink(warmth[k]) * 255)], k * 4);
    }
    c.putImageData(image, 0, 0);
  }
}

/** How much ink a weight is, without steps between the shades of the legend. */
export function ink(weight) {
  const above = SHADES.findIndex(([from]) => weight < from);
  if (above < 0) return SHADES.at(-1)[1];
  const [low, from] = SHADES[above - 1] ?? [0, 0],
    [high, to] = SHADES[above];
  return from + ((to - from) * (weight - low)) / (high - low);
}

/** What warms: [lat, lon, weight]. A complaint counts while its incident had news within the hour, closed or not. */
function sources({ store, clock }) {
  const now = clock.now(),
    found = [];
  for (const row of store.tables.incidents.values()) {
    const recent = now - row.last_event_ms < RECENT_MS ? COMPLAINT * (row.complaints ?? 0) : 0,
      weight = (isOpen(row) ? WEIGHT[row.priority] : 0) + recent;
    if (weight && row.lat != null) found.push([row.lat, row.lon, weight]);
  }
  return found;
}

/** The weight within reach of each square, falling off to nothing at its edge. @returns {Float32Array} */
export function warm(things, { w, h, reach, at }) {
  const field = new Float32Array(w * h),
    r = Math.ceil(reach);
  for (const [lat, lon, weight] of things) {
    const [px, py] = at(lat, lon),
      x = px / STEP,
      y = py / STEP;
    if (x < -r || y < -r || x > w + r || y > h + r) continue;
    for (let j = Math.max(0, Math.floor(y - r)); j <= Math.min(h - 1, Math.ceil(y + r)); j++)
      for (let i = Math.max(0, Math.floor(x - r)); i <= Math.min(w - 1, Math.ceil(x + r)); i++) {
        const away = ((i - x) ** 2 + (j - y) ** 2) / reach ** 2;
        if (away < 1) field[j * w + i] += weight * (1 - away) ** 2;
      }
  }
  return field;
}

/** A token's colour as numbers. */
function colour(token) {
  const c = document.createElement("canvas").getContext("2d");
  c.fillStyle = token;
  c.fillRect(0, 0, 1, 1);
  return c.getImageData(0, 0, 1, 1).data;
}
