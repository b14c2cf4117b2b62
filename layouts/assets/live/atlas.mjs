/** Bitmaps of marks and short texts, each made once per theme and pixel ratio, ready to be blended into the map's buffer. */

import { incidentMark, paint, sensorMark, teamMark } from "./marks.mjs";

const HEADINGS = 24; // a kite every 15°
const TOKENS = [
  "ink-1",
  "ink-2",
  "ink-3",
  "map-ground",
  "map-inner",
  "map-water",
  "map-park",
  "map-block",
  "map-road-1",
  "map-road-2",
  "map-road-3",
  "map-axis",
  "map-label",
  "map-label-strong",
  "surface-0",
  "surface-2",
  "line-2",
  "line-3",
  "ink-inverse",
  "stale",
  "stale-ink",
  "stale-hatch",
  "team-halo",
  "mark-edge",
  ...[1, 2, 3].flatMap((p) => [`priority-${p}`, `priority-${p}-ink`, `on-priority-${p}`]),
];

/** Where the system forces its colours, tokens are names and mixtures of them: as a canvas reads them, #rrggbb or #rrggbbaa. */
function asHex(node) {
  const probe = document.createElement("i"),
    c = Object.assign(document.createElement("canvas"), { width: 1, height: 1 }).getContext("2d", { willReadFrequently: true });
  return (colour) => {
    if (colour.startsWith("#") || colour === "transparent") return colour;
    probe.style.color = colour;
    node.append(probe);
    c.clearRect(0, 0, 1, 1);
    c.fillStyle = getComputedStyle(probe).color;
    probe.remove();
    c.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = c.getImageData(0, 0, 1, 1).data;
    return `#${[r, g, b, ...(a < 255 ? [a] : [])].map((part) => part.toString(16).padStart(2, "0")).join("")}`;
  };
}

/** The colours of the theme, read once; a map never asks the style sheet per frame. `node`: what wears the theme. */
export function readTokens(node = document.documentElement) {
  const style = getComputedStyle(node);
  const hex = matchMedia("(forced-colors: active)").matches ? asHex(node) : (colour) => colour;
  const tokens = Object.fromEntries(TOKENS.map((name) => [name, hex(style.getPropertyValue(`--${name}`).trim())]));
  tokens["edge-2"] = tokens["mark-edge"] === "transparent" ? tokens["priority-2"] : tokens["mark-edge"];
  tokens.font = style.getPropertyValue("--font-text").trim() || "sans-serif";
  return tokens;
}

/** @typedef {{w: number, h: number, ox: number, oy: number, pixels: Uint32Array, from: Int16Array, to: Int16Array}} Sprite
 * `ox`, `oy`: from the object's point to the bitmap's top left corner; `from`, `to`: the columns of each row that are not empty. */

export class Atlas {
  constructor(tokens, ratio) {
    this.tokens = tokens;
    this.ratio = ratio;
    /** @type {Map<string, Sprite>} */ this.sprites = new Map();
    this.colour = (name) => tokens[name];
    this.canvas = document.createElement("canvas");
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
  }

  #made(key, make) {
    let sprite = this.sprites.get(key);
    if (!sprite) {
      sprite = make();
      this.sprites.set(key, sprite);
    }
    return sprite;
  }

  /** Any mark as strokes, for layers that a page adds; the same `name` means the same bitmap. */
  mark(name, strokes, size, how = {}) {
    return this.#made(`m${name} ${size}`, () => this.#mark(strokes, size, how));
  }
  incident(p, size, how = {}) {
    const { hand = false, unack = false, digit = true, off = false, faint = false, plain = false } = how;
    return this.#made(`i${p}${size}${+hand}${+unack}${+digit}${+off}${+faint}${+plain}`, () =>
      plain
        ? this.#ring(p, size, hand)
        : this.#mark(incidentMark(p, { hand, unack, digit }), size, { blinkOff: off, alpha: faint ? 0.5 : 1 }),
    );
  }
  /** Of the many: a small ring or disc without a digit. */
  #ring(p, size, hand) {
    const r = 10 - 20 / size;
    return this.#mark(
      [
        {
          d: `M${10 - r} 10a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`,
          ...(hand ? {} : { fill: `priority-${p}` }),
          stroke: `priority-${p}-ink`,
          w: 40 / size,
        },
      ],
      size,
      { alpha: p === 3 ? 0.65 : 0.85 },
    );
  }
  team(shown, size, heading = 0, faint = false) {
    const step =
      shown === "on_scene" || shown === "break" || shown === "off"
        ? 0
        : ((Math.round((heading / 360) * HEADINGS) % HEADINGS) + HEADINGS) % HEADINGS;
    return this.#made(`t${shown}${size}h${step}${+faint}`, () =>
      this.#mark(teamMark(shown), size, { turn: (step * 360) / HEADINGS, alpha: faint ? 0.5 : 1 }),
    );
  }
  sensor(state, size, p = 2, off = false) {
    return this.#made(`s${state}${size}p${p}${+off}`, () =>
      this.#mark(sensorMark(state, p, size <= 16), size, {
        blinkOff: off,
        alpha: state === "normal" || state === "late" ? 0.75 : 1,
      }),
    );
  }
  /** Many normal sensors in one place: a grey dot that grows slowly with their number; violet dashes where the worst is silence. */
  cell(count, worst) {
    const r = Math.min(7, 1.5 + Math.log2(1 + count) * 0.6),
      silent = worst === 2,
      key = `c${r.toFixed(1)}${+silent}`;
    return this.#made(key, () =>
      this.#mark(
        [
          {
            d: `M${10 - r} 10a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`,
            ...(silent ? { stroke: "stale", w: 1.4, dash: [2, 2] } : { fill: "ink-3" }),
          },
        ],
        20,
        { alpha: silent ? 0.8 : 0.42 },
      ),
    );
  }
  /** The corners around what is selected. */
  brackets(size) {
    return this.#made(`b${size}`, () =>
      this.#mark(
        [{ d: "M-6.600 -.6v-6h6M20.600 -6.600h6v6M26.600 20.600v6h-6M-.6 26.600h-6v-6", stroke: "ink-1", w: 1.1 }],
        size,
        { room: 1.8 },
      ),
    );
  }
  /** The ring around what a list or a search means. */
  ring(size) {
    return this.#made(`o${size}`, () =>
      this.#mark([{ d: "M-4 10a14 14 0 1 0 28 0a14 14 0 1 0 -28 0Z", stroke: "ink-1", w: 1.6, dash: [3, 3] }], size, { room: 1.8 }),
    );
  }
  /** Text beside a mark, starting at the point; `strong` in weight, `colour` a token. */
  label(words, { colour = "ink-1", size = 12.5, strong = false, halo = 4, centre = false, plate = "" } = {}) {
    return this.#made(`x${words}${colour}${size}${+strong}${+centre}${plate}`, () =>
      this.#text(words, { colour, size, strong, halo, centre, plate }),
    );
  }

  #mark(strokes, size, { turn = 0, alpha = 1, blinkOff = false, room = 1.5 } = {}) {
    const side = Math.ceil(size * room * this.ratio) | 1,
      scale = (size * this.ratio) / 20,
      c = this.#clean(side, side);
    c.globalAlpha = alpha;
    c.setTransform(scale, 0, 0, scale, side / 2 - 10 * scale, side / 2 - 10 * scale);
    paint(c, strokes, this.colour, { turn, font: this.tokens.font, blinkOff });
    return this.#cut(side, side, side / 2, side / 2);
  }

  #text(words, { colour, size, strong, halo, centre, plate }) {
    const font = `${strong ? 600 : 400} ${size * this.ratio}px ${this.tokens.font}`,
      c = this.context;
    c.font = font;
    const pad = Math.ceil((plate ? 6 : halo) * this.ratio),
      wide = Math.ceil(c.measureText(words).width) + 2 * pad,
      high = Math.ceil(size * this.ratio * (plate ? 1.65 : 1.5));
    this.#clean(wide, high);
    c.font = font;
    c.textBaseline = "middle";
    if (plate) {
      c.fillStyle = this.tokens[plate === "best" ? "ink-1" : "surface-2"];
      c.beginPath();
      c.roundRect(0.5, 0.5, wide - 1, high - 1, 4 * this.ratio);
      c.fill();
      if (plate !== "best") {
        c.strokeStyle = this.tokens["line-3"];
        c.lineWidth = this.ratio;
        c.stroke();
      }
    } else {
      c.lineJoin = "round";
      c.lineWidth = halo * this.ratio;
      c.strokeStyle = this.tokens["map-ground"];
      c.strokeText(words, pad, high / 2);
    }
    c.fillStyle = this.tokens[plate === "best" ? "ink-inverse" : colour];
    c.fillText(words, pad, high / 2 + (plate ? this.ratio * 0.5 : 0));
    return this.#cut(wide, high, centre || plate ? wide / 2 : pad, high / 2);
  }

  #clean(w, h) {
    const c = this.context;
    if (this.canvas.width < w || this.canvas.height < h) {
      this.canvas.width = Math.max(w, this.canvas.width);
      this.canvas.height = Math.max(h, this.canvas.height);
    }
    c.setTransform(1, 0, 0, 1, 0, 0);
    c.globalAlpha = 1;
    c.clearRect(0, 0, w, h);
    c.setLineDash([]);
    c.textAlign = "start";
    c.textBaseline = "alphabetic";
    return c;
  }

  /** Read the bitmap back, premultiplied, with the empty columns of each row known. */
  #cut(w, h, ox, oy) {
    this.context.setTransform(1, 0, 0, 1, 0, 0);
    const { data } = this.context.getImageData(0, 0, w, h),
      pixels = new Uint32Array(w * h),
      from = new Int16Array(h),
      to = new Int16Array(h);
    for (let y = 0; y < h; y++) {
      let first = w,
        last = -1;
      for (let x = 0; x < w; x++) {
        const k = (y * w + x) * 4,
          a = data[k + 3];
        if (!a) continue;
        first = Math.min(first, x);
        last = x;
        const m = (v) => Math.round((v * a) / 255);
        pixels[y * w + x] = ((a << 24) | (m(data[k + 2]) << 16) | (m(data[k + 1]) << 8) | m(data[k])) >>> 0;
      }
      from[y] = first;
      to[y] = last + 1;
    }
    return { w, h, ox: -Math.round(ox), oy: -Math.round(oy), pixels, from, to };
  }
}
