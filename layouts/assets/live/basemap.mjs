/** Tiles under the marks, where the installation has some: asked for, kept, drawn into the ground in the colours of the theme.
 *
 * Knows nothing of what lies on top. Where there is no tile, the drawn map is seen; a tile server that does not answer is said in the corner, and
 * the drawn map is the map until it answers again. Tiles are drawn into our own ground and not laid under it as Leaflet would: the picture stays
 * one opaque buffer with its measured budget, theme and datum cost nothing per frame, and a tile that is not there is no empty square. */

import { fromGcj02, toGcj02 } from "./datum.mjs";
import { h, text } from "./dom.mjs";
import { mercatorX, mercatorY } from "./mercator.mjs";
import { hourMinute } from "./time.mjs";
import { t } from "./words.mjs";

/** @typedef {{templates: string[], min_zoom: number, max_zoom: number, bounds: [number, number, number, number] | null,
 *   datum: "wgs84" | "gcj02", attribution: string}} Told
 * @typedef {{state: "waiting" | "here" | "none" | "failed", picture?: ImageBitmap, url: string}} Tile */

const KEPT = 320; // pictures of 256 × 256: 80 MB
const AT_ONCE = 6; // requests
const PATIENCE_MS = 8000;
const AGAIN_MS = 5000; // a server that does not answer is asked once in that time
const DRAW_MS = 300; // while tiles arrive, the ground is drawn again at most so often
const BRIGHT = 128; // a map on white paper is turned over in a dark theme, a picture from the air is not

const latOf = (row, z) => (Math.atan(Math.sinh(Math.PI * (1 - (2 * row) / 2 ** z))) * 180) / Math.PI;
const lonOf = (column, z) => (column / 2 ** z) * 360 - 180;

/** The tiles that a view needs, the middle ones first. Pure. @param {Told} told
 * @param {{w: number, h: number, zoom: number, topLeft: [number, number], bottomRight: [number, number]}} view
 * @returns {{z: number, x: number, y: number}[]} */
export function needed(told, { zoom, topLeft, bottomRight }) {
  const z = Math.min(Math.round(zoom), told.max_zoom);
  if (z < told.min_zoom) return [];
  const onMap = told.datum === "gcj02" ? toGcj02 : (lat, lon) => [lat, lon],
    place = ([lat, lon]) => [mercatorX(lon), mercatorY(lat)].map((v) => (v / 256) * 2 ** z);
  const [left, top] = place(onMap(...topLeft)),
    [right, bottom] = place(onMap(...bottomRight)),
    most = 2 ** z - 1,
    inside = (v) => Math.max(0, Math.min(most, Math.floor(v)));
  const found = [];
  for (let x = inside(left); x <= inside(right); x++)
    for (let y = inside(top); y <= inside(bottom); y++) if (within(told.bounds, z, x, y)) found.push({ z, x, y });
  const away = ({ x, y }) => Math.hypot(x + 0.5 - (left + right) / 2, y + 0.5 - (top + bottom) / 2);
  return found.sort((a, b) => away(a) - away(b));
}
function within(bounds, z, x, y) {
  if (!bounds) return true;
  const [west, south, east, north] = bounds;
  return lonOf(x + 1, z) > west && lonOf(x, z) < east && latOf(y + 1, z) < north && latOf(y, z) > south;
}

export class TileGround {
  /** @param {Told} told @param {HTMLElement} box where attribution and sentence stand
   * @param {{clock: import("./time.mjs").CityClock, changed: () => void}} how `changed`: the ground is to be drawn again */
  constructor(told, box, { clock, changed }) {
    Object.assign(this, { told, clock, changed });
    /** @type {Map<string, Tile>} */ this.tiles = new Map();
    this.wanted = [];
    this.asked = 0;
    this.since = null; // city time from which no tile arrives
    this.proof = ""; // the address of a tile that has arrived: it tells a missing tile from a server that is gone
    this.bright = null;
    this.sheet = document.createElement("canvas");
    this.sentence = h("p", { role: "status", hidden: true });
    this.credit = h("p", null, told.attribution);
    box.append(h("div", { class: "tilewords" }, this.sentence, this.credit));
  }

  get lost() {
    return this.since !== null;
  }

  /* ---- asking ---------------------------------------------------------------------------------------------------------- */

  /** What the view needs from now on; asks for what is not here. */
  look(view) {
    this.wanted = needed(this.told, view).map((at) => ({
      ...at,
      keys: this.told.templates.map((_, k) => `${k}/${at.z}/${at.x}/${at.y}`),
    }));
    this.#ask();
  }

  #ask() {
    if (this.lost) return;
    for (const at of this.wanted)
      for (const [k, key] of at.keys.entries()) {
        if (this.asked >= AT_ONCE) return;
        const tile = this.tiles.get(key);
        if (tile && tile.state !== "failed") continue;
        if (tile && performance.now() - tile.at < AGAIN_MS) continue;
        this.#fetch(key, address(this.told.templates[k], at));
      }
  }

  async #fetch(key, url) {
    const tile = { ...this.tiles.get(key), state: "waiting", url };
    this.tiles.set(key, tile);
    this.asked += 1;
    const answer = await answerOf(url);
    this.asked -= 1;
    Object.assign(tile, answer, { at: performance.now() });
    if (tile.state === "failed" || this.#barren()) await this.#doubt();
    else if (tile.state === "here") {
      this.proof = url;
      this.#answers();
    }
    this.#forget();
    this.#soon();
    this.#ask();
  }

  /** A server that has nothing of the first view is not the right one; a file says itself where it ends. */
  #barren() {
    return (
      !this.proof &&
      !this.told.bounds &&
      this.wanted.length > 0 &&
      this.wanted.every(({ keys: [key] }) => this.tiles.get(key)?.state === "none")
    );
  }

  /** A tile did not come. If one that came before does not come either, the server is gone. */
  async #doubt() {
    if (this.lost || this.doubting) return;
    this.doubting = true;
    const answers = this.proof && (await arrives(this.proof));
    this.doubting = false;
    if (answers) {
      setTimeout(() => this.#ask(), AGAIN_MS); // only some tiles are broken; the drawn map is seen there
      return;
    }
    this.since = this.clock.known() ? this.clock.now() : Date.now();
    this.#tell();
    this.#tryAgain();
  }
  #tryAgain() {
    setTimeout(async () => {
      const [first] = this.wanted,
        url = this.proof || (first && address(this.told.templates[0], first));
      if (url && document.visibilityState !== "hidden" && (await arrives(url))) this.#answers();
      else this.#tryAgain();
    }, AGAIN_MS);
  }
  #answers() {
    if (!this.lost) return;
    this.since = null;
    for (const [key, { state }] of this.tiles) if (state === "failed" || state === "none") this.tiles.delete(key);
    this.#tell();
    this.#ask();
  }
  #tell() {
    this.sentence.hidden = !this.lost;
    this.credit.hidden = this.lost; // what is seen is ours
    text(this.sentence, this.lost ? t("basemap.lost", { since: hourMinute(this.since) }) : "");
    this.changed();
  }

  /** The oldest go, but for those in view. */
  #forget() {
    if (this.tiles.size <= KEPT) return;
    const seen = new Set(this.wanted.flatMap(({ keys }) => keys));
    for (const [key, tile] of this.tiles) {
      if (this.tiles.size <= KEPT) return;
      if (seen.has(key) || tile.state === "waiting") continue;
      tile.picture?.close();
      this.tiles.delete(key);
    }
  }
  #soon() {
    if (!this.asked) {
      clearTimeout(this.drawing);
      this.drawing = 0;
      this.changed();
    } else
      this.drawing ||= setTimeout(() => {
        this.drawing = 0;
        this.changed();
      }, DRAW_MS);
  }

  /* ---- drawing --------------------------------------------------------------------------------------------------------- */

  /** The tiles of the view that are here, each with its place: [picture, left, top, right, bottom] in device px.
   * @param {(lat: number, lon: number) => [number, number]} at */
  placed(at, ratio) {
    if (this.lost) return [];
    const found = [],
      back = this.told.datum === "gcj02" ? fromGcj02 : (lat, lon) => [lat, lon];
    const corner = (x, y, z) => at(...back(latOf(y, z), lonOf(x, z))).map((v) => Math.round(v * ratio));
    for (const { z, x, y, keys } of this.wanted) {
      const pictures = keys.map((key) => this.tiles.get(key)?.picture);
      if (!pictures[0]) continue;
      const [left, top] = corner(x, y, z),
        [right] = corner(x + 1, y, z),
        [, bottom] = corner(x, y + 1, z);
      found.push([pictures.filter(Boolean), left, top, right, bottom]);
    }
    return found;
  }

  /** Draw them over the drawn ground, in the colours of the theme. */
  draw(context, placed, tokens, ratio) {
    if (!placed.length) return;
    const { width, height } = context.canvas,
      { sheet } = this;
    if (sheet.width !== width || sheet.height !== height) Object.assign(sheet, { width, height });
    const c = sheet.getContext("2d"),
      area = new Path2D();
    c.clearRect(0, 0, width, height);
    for (const [, left, top, right, bottom] of placed) area.rect(left, top, right - left, bottom - top);
    c.save();
    c.clip(area);
    c.fillStyle = "#fff"; // paper, under pictures with holes
    c.fillRect(0, 0, width, height);
    c.imageSmoothingQuality = "high";
    const lay = () => {
      for (const [pictures, left, top, right, bottom] of placed)
        for (const picture of pictures) c.drawImage(picture, left, top, right - left, bottom - top);
    };
    lay();
    this.bright ??= brightness(sheet, placed[0]) > BRIGHT;
    dress(c, tokens, this.bright, lay);
    c.restore();
    context.drawImage(sheet, 0, 0, width / ratio, height / ratio);
  }
}

/** Quiet colours, so that marks are read: turned over where paper is bright and the theme dark, nearly grey, sunk into the ground.
 * Water stays blue: what is turned over is grey, and takes some of the colour from the pictures themselves. */
function dress(c, tokens, bright, pictures) {
  const { width, height } = c.canvas,
    dark = luminance(tokens["map-ground"]) < BRIGHT;
  const lay = (how, colour, alpha) => {
    c.globalCompositeOperation = how;
    c.globalAlpha = alpha;
    c.fillStyle = colour;
    c.fillRect(0, 0, width, height);
  };
  if (dark && bright) {
    lay("difference", "#fff", 1);
    lay("saturation", "#808080", 1);
    c.globalCompositeOperation = "color";
    c.globalAlpha = 0.5;
    pictures();
  } else lay("saturation", "#808080", 0.6);
  lay("source-over", tokens["map-ground"], dark ? 0.4 : 0.3);
}
const luminance = (colour) => {
  const [r, g, b] = colour.match(/[0-9a-f]{2}/gi)?.map((v) => parseInt(v, 16)) ?? [255, 255, 255];
  return 0.3 * r + 0.59 * g + 0.11 * b;
};
/** How bright a tile is on the whole, 0 to 255. */
function brightness(sheet, [, left, top, right, bottom]) {
  const one = document.createElement("canvas");
  one.width = one.height = 8;
  const c = one.getContext("2d", { willReadFrequently: true });
  c.drawImage(sheet, left, top, right - left, bottom - top, 0, 0, 8, 8);
  const { data } = c.getImageData(0, 0, 8, 8);
  let sum = 0;
  for (let k = 0; k < data.length; k += 4) sum += 0.3 * data[k] + 0.59 * data[k + 1] + 0.11 * data[k + 2];
  return sum / 64;
}

const address = (template, { z, x, y }) =>
  template.replaceAll("{z}", z).replaceAll("{x}", x).replaceAll("{y}", y);

/** Ask for one tile. "none": the server answers that it has none there; "failed": no answer, or one that is no picture.
 * Map servers of others want to know who asks: the origin is named, the address of the page is not. */
async function answerOf(url, cache = "default") {
  try {
    const answer = await fetch(url, {
      cache,
      credentials: url.startsWith("/") ? "same-origin" : "omit",
      referrerPolicy: "origin",
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    if ([204, 404, 410].includes(answer.status)) return { state: "none" };
    if (!answer.ok) return { state: "failed" };
    return { state: "here", picture: await createImageBitmap(await answer.blob()) };
  } catch {
    return { state: "failed" };
  }
}

/** Whether a tile comes now, from its server and not from what the browser keeps. */
async function arrives(url) {
  const { state, picture } = await answerOf(url, "reload");
  picture?.close();
  return state === "here";
}
