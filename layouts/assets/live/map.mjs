/** The live map: the view that a person moves, the frame that is drawn, what is found under a pointer. Leaflet moves the view; the picture is ours.
 *
 * What is drawn where say the layers (`objects.mjs`, and those a page adds); what lies under them, `underlay.mjs`. Nothing here moves the view after
 * a person touched it; ★ gives it back. */

import { Atlas, readTokens } from "./atlas.mjs";
import { Captions } from "./captions.mjs";
import { TOUCH } from "./layers.mjs";
import { soon } from "./loop.mjs";
import { mercatorX, mercatorY } from "./mercator.mjs";
import { cityLayers } from "./objects.mjs";
import { Picture } from "./picture.mjs";
import { Pointers } from "./pointers.mjs";
import { Underlay } from "./underlay.mjs";

const AT_ONCE = 3000; // marks in one frame
const CLOSEST = 18; // how near a look at things that lie on each other goes
const FRAME_MS = { wall: 30, desk: 80 }; // marks at most so often; at a desk together with the other news (loop.mjs)

const grown = (old) => {
  const next = new Float64Array(old.length * 2);
  next.set(old);
  return next;
};

/** Sizes of marks in CSS px: at the desk, and on the wall where `k` grows them with the distance of the farthest seat. */
export const DESK = {
  p1: 26,
  p2: 20,
  p3: 17,
  many: 12,
  team: 17,
  advised: 20,
  sensor: 17,
  small: 13,
  selected: 30,
  font: 12,
  districtFont: 15,
  label: 12.5,
  count: 11.5,
  weight: 1.5,
  labels: true,
  trail: 1.8,
  grow: 1,
  wall: false,
};
export const wallSizes = (k, unit) => ({
  p1: 42 * k * unit,
  p2: 34 * k * unit,
  p3: 13 * unit,
  many: 13 * unit,
  team: 26 * k * unit,
  advised: 26 * k * unit,
  sensor: 26 * k * unit,
  small: 15 * unit,
  selected: 50 * k * unit,
  font: 28 * k * unit,
  districtFont: 28 * k * unit,
  label: 26 * k * unit,
  count: 26 * k * unit,
  weight: 1.4 * unit,
  labels: false,
  trail: 2.6 * unit,
  grow: 2.1 * k * unit,
  wall: true,
});

export class CityMap {
  /** @param {object} leaflet the L.Map @param {import("./store.mjs").Store} store @param {object} basemap
   * @param {{sizes: object, clock: import("./time.mjs").CityClock, onPick?: Function, onView?: Function, still?: boolean, keepClear?: () => number[][]}} how */
  constructor(leaflet, store, basemap, { sizes, clock, onPick, onView, still = false, keepClear = () => [] }) {
    Object.assign(this, { leaflet, store, basemap, sizes, clock, onPick, onView, keepClear, still });
    this.tokens = readTokens();
    this.locked = false;
    this.selected = null; // {table, id}
    this.dims = () => false; // what a filter leaves out is drawn small
    this.faded = { teams: false }; // their source has stopped
    this.advised = new Map(); // team → {eta words, best}
    this.blink = true;
    this.owner = []; // slot → {table, id}
    this.wx = new Float64Array(1024);
    this.wy = new Float64Array(1024);
    this.blinking = new Map(); // "table id" → its layer and id
    /** @type {Map<string, import("./layers.mjs").Layer>} */ this.layers = new Map();
    this.slots = {}; // of each layer, by its key
    this.captions = new Captions(this);
    this.draw = () => this.#draw();
    this.#build();
    for (const layer of cityLayers()) this.add(layer);
    this.pointers = this.add(new Pointers());
    this.#listen();
  }

  #build() {
    const L = window.L,
      pane = this.leaflet.getPane("overlayPane");
    this.canvas = document.createElement("canvas");
    this.canvas.className = "objects leaflet-zoom-animated";
    this.canvas.setAttribute("aria-hidden", "true");
    this.canvas.style.transformOrigin = "0 0";
    this.canvas.style.position = "absolute";
    pane.append(this.canvas);
    this.picture = new Picture(this.canvas);
    this.underlay = new Underlay(this);
    this.L = L;
    this.#reset();
  }

  /* ---- layers -------------------------------------------------------------------------------------------------------- */

  /** A further kind of thing on this map. @template {import("./layers.mjs").Layer} T @param {T} layer @returns {T} */
  add(layer) {
    this.layers.set(layer.key, layer);
    this.slots[layer.key] = layer.slots;
    layer.join(this);
    this.everything = true;
    this.underlay.due ||= Boolean(layer.under);
    this.ask();
    this.onLayer?.();
    return layer;
  }
  /** Switch a layer on or off. */
  show(key, on) {
    const layer = this.layers.get(key);
    if (!layer || layer.on === on) return;
    layer.on = on;
    this.everything = true;
    this.underlay.due = true; // trails go with their teams
    this.ask();
  }
  /** A place in the picture for a thing that a pointer finds, or for one that it does not (null). */
  take(hit) {
    const slot = this.picture.take();
    this.owner[slot] = hit;
    if (slot >= this.wx.length) {
      this.wx = grown(this.wx);
      this.wy = grown(this.wy);
    }
    return slot;
  }
  drop(slot) {
    this.captions.drop(slot);
    this.picture.drop(slot);
    this.owner[slot] = null;
  }

  #listen() {
    const { leaflet, store } = this;
    leaflet.on("moveend zoomend viewreset resize", () => this.#reset());
    leaflet.on("zoomanim", ({ center, zoom }) => this.#ride(center, zoom));
    leaflet.on("dragstart", () => this.hold());
    const box = leaflet.getContainer();
    for (const name of ["wheel", "dblclick", "touchstart"])
      box.addEventListener(
        name,
        () => {
          if (!this.still) this.hold();
        },
        { passive: true },
      );
    if (!this.still) {
      leaflet.on("click", ({ containerPoint }) => this.onPick?.(this.pick(containerPoint)));
      leaflet.on("mousemove", ({ containerPoint }) => {
        this.pointer = containerPoint;
        soon(this.hover);
      });
      leaflet.on("mouseout", () => {
        this.pointer = null;
        soon(this.hover);
      });
    }
    this.hover = () => {
      const hit = this.pointer ? this.pick(this.pointer) : null;
      box.style.cursor = hit ? "pointer" : "";
      this.onHover?.(hit, this.pointer);
    };
    new ResizeObserver(() => leaflet.invalidateSize({ animate: false, pan: false })).observe(box);
    store.on("telemetry", ({ whole, rows }) => this.#telemetry(whole, rows));
    this.blinker = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : setInterval(() => this.#wink(), 500);
  }

  /* ---- the view ------------------------------------------------------------------------------------------------------ */

  #reset() {
    const { leaflet, L } = this,
      size = leaflet.getSize();
    if (!size.x || !size.y) return;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const corner = leaflet.containerPointToLayerPoint([0, 0]).round();
    this.zoom = leaflet.getZoom();
    this.scaleTo = 2 ** this.zoom;
    const pixel = leaflet.getPixelOrigin().add(corner);
    this.origin = { x: pixel.x, y: pixel.y };
    this.corner = corner;
    this.topLeft = leaflet.containerPointToLatLng([0, 0]);
    const w = size.x,
      h = size.y;
    L.DomUtil.setTransform(this.canvas, corner, 1);
    if (ratio !== this.ratio || !this.atlas) {
      this.ratio = ratio;
      this.atlas = new Atlas(this.tokens, ratio);
      this.restyle = true;
    }
    if (this.w !== w || this.h !== h || this.drawnRatio !== ratio) {
      Object.assign(this, { w, h, drawnRatio: ratio });
      this.canvas.style.width = `${w}px`;
      this.canvas.style.height = `${h}px`;
      this.picture.resize(Math.round(w * ratio), Math.round(h * ratio));
      this.underlay.resize(this.picture.w, this.picture.h);
    } else this.picture.lift();
    const lat = leaflet.getCenter().lat;
    this.kmScale = (256 * this.scaleTo) / 40075.017 / Math.cos((lat * Math.PI) / 180);
    this.everything = true;
    this.underlay.baseDue = true;
    soon(this.draw); // a hand moved it
    const b = leaflet.getBounds();
    this.onView?.({
      bbox: [b.getWest(), b.getSouth(), b.getEast(), b.getNorth()].map((v) => Math.round(v * 1e5) / 1e5),
      zoom: this.zoom,
    });
  }

  /** During a zoom the picture rides along, stretched, as Leaflet's own layers do; it is drawn sharp when the zoom ends. */
  #ride(center, zoom) {
    const { leaflet, L } = this,
      scale = leaflet.getZoomScale(zoom, this.zoom),
      offset = leaflet._latLngToNewLayerPoint(this.topLeft, zoom, center);
    L.DomUtil.setTransform(this.canvas, offset, scale);
  }

  /** Where a place is on the canvas, CSS px. */
  at = (lat, lon) => [mercatorX(lon) * this.scaleTo - this.origin.x, mercatorY(lat) * this.scaleTo - this.origin.y];

  /** A person moved the view: from now on it is theirs. */
  hold() {
    if (this.locked) return;
    this.locked = true;
    this.onLock?.();
  }
  /** The first picture, or the one ★ brings back. Never called after a person moved the map, except by ★. */
  fit(lat, lon, zoom) {
    this.leaflet.setView([lat, lon], zoom, { animate: false });
  }
  fitBounds(bounds, options = {}) {
    this.leaflet.fitBounds(bounds, { animate: false, ...options });
  }
  zoomBy(steps) {
    this.hold();
    this.leaflet.setZoom(this.leaflet.getZoom() + steps);
  }

  /** What lies at a point of the container: null, or {table, id}, with `members` where the mark stands for several, the worst first. */
  pick(point) {
    const slot = this.picture.at(
      Math.round(point.x * this.ratio),
      Math.round(point.y * this.ratio),
      9 * this.ratio,
      TOUCH,
    );
    if (slot < 0) return null;
    const { table, id } = this.owner[slot],
      members = this.layers.get(table).members(id);
    return members.length > 1 ? { table, id, members } : { table, id };
  }
  /** The same as a point of the container. */
  point(lat, lon) {
    const [x, y] = this.at(lat, lon);
    return { x, y };
  }

  /** Everything drawn in view that a list names, the worst first. @returns {{table: string, id: string}[]} */
  inView() {
    const found = [];
    for (const layer of this.layers.values())
      if (layer.hits)
        for (const id of layer.slots.keys()) {
          const rank = layer.rank(id);
          if (rank === null) continue;
          const { x, y } = layer.where(id);
          if (x >= 0 && y >= 0 && x <= this.w && y <= this.h) found.push({ rank, table: layer.key, id });
        }
    return found.sort((a, b) => a.rank - b.rank || (a.id < b.id ? -1 : 1));
  }
  /** Look closer, so that things which are drawn as one stand apart. @returns {boolean} false where no closer look does that */
  apart({ table, members }) {
    const { clusters } = this.layers.get(table);
    if (this.zoom >= CLOSEST || !clusters.splits(members, CLOSEST)) return false;
    const places = members.map((id) => {
      const { x, y } = this.layers.get(table).where(id);
      return this.leaflet.containerPointToLatLng([x, y]);
    });
    this.hold();
    const bounds = this.L.latLngBounds(places),
      zoom = Math.max(this.zoom + 1, Math.min(CLOSEST, this.leaflet.getBoundsZoom(bounds, false, this.L.point(160, 160))));
    this.leaflet.setView(bounds.getCenter(), zoom, { animate: false });
    return true;
  }
  /** Where a thing is now, drawn or not; null where nobody knows. */
  placeOf({ table, id }) {
    const own = this.layers.get(table)?.place(id);
    if (own) return own;
    const row = this.store.tables[this.layers.get(table)?.table ?? table]?.get(id),
      live = this.store.telemetry[table]?.get(id),
      lat = live?.[0] ?? row?.lat,
      lon = live?.[1] ?? row?.lon;
    return lat == null ? null : { lat, lon };
  }
  /** A ring around a thing that a list or a search means. @param {{table: string, id: string}|{lat: number, lon: number, words: string}|null} what */
  ring(what) {
    this.ringed = what;
    this.pointers.stale = true;
    this.ask();
  }
  select(what) {
    const before = this.selected;
    this.selected = what;
    for (const one of [before, what]) if (one) this.#restyle(one);
    this.underlay.due = true;
    soon(this.draw);
  }
  advise(teams, ways) {
    this.advised = teams;
    this.ways = ways;
    this.everything = true;
    this.underlay.due = true;
    this.ask();
  }
  /** Circles on the ground around spots that are talked about; the incidents in `hidden` and the teams inside `lens` are drawn elsewhere. */
  point_out(spots, hidden, lens = null) {
    this.spots = spots;
    if (lens?.lat !== this.lens?.lat) for (const id of this.slots.teams.keys()) this.layers.get("teams").due.add(id);
    this.lens = lens;
    const changed = [...hidden]
      .filter((id) => !this.hidden?.has(id))
      .concat([...(this.hidden ?? [])].filter((id) => !hidden.has(id)));
    this.hidden = hidden;
    for (const id of changed) this.layers.get("incidents").due.add(id);
    this.pointers.stale = this.underlay.due = true;
    this.ask();
  }
  /** Draw small what a filter leaves out. @param {(table: string, row: object) => boolean} dims */
  dim(dims) {
    this.dims = dims;
    this.everything = true;
    this.ask();
  }
  fade(faded) {
    if (faded.teams === this.faded.teams) return;
    this.faded = faded;
    this.everything = true;
    this.ask();
  }
  /** A new theme or size: every bitmap is made anew. */
  dress(sizes) {
    this.tokens = readTokens();
    this.sizes = sizes ?? this.sizes;
    this.atlas = null;
    this.#reset();
  }

  /* ---- what changed -------------------------------------------------------------------------------------------------- */

  #telemetry(whole, rows) {
    if (whole) this.everything = true;
    for (const name of ["sensors", "cells", "teams"]) {
      const { due } = this.layers.get(name);
      for (const id in rows[name]) due.add(id);
    }
    for (const id in rows.teams) if (rows.teams[id]) this.underlay.pass(id, rows.teams[id]);
    this.ask();
  }
  #restyle({ table, id }) {
    this.layers.get(table)?.due.add(id);
    this.pointers.stale = true;
  }

  /** Something looks otherwise: draw in one of the next frames. */
  ask() {
    const pause = FRAME_MS[this.still ? "wall" : "desk"],
      since = performance.now() - (this.drawn_at ?? 0);
    if (since >= pause) soon(this.draw);
    else if (!this.waiting)
      this.waiting = setTimeout(() => {
        this.waiting = 0;
        soon(this.draw);
      }, pause - since);
  }

  /* ---- drawing -------------------------------------------------------------------------------------------------------- */

  #draw() {
    if (!this.w) return;
    this.drawn_at = performance.now();
    const anew = this.everything;
    if (anew) {
      this.everything = false;
      for (const layer of this.layers.values()) {
        layer.all();
        layer.settle();
      }
    } else this.#changed();
    this.captions.settle(anew);
    this.underlay.draw();
    this.picture.paint();
    this.onDrawn?.();
    window.comis.map_painted = { seq: this.store.seq, at: performance.now() }; // for measuring from event to pixel
  }
  #changed() {
    const { layers, pointers } = this,
      moved = ["incidents", "alerts", "teams"].some((key) => layers.get(key).due.size);
    let left = AT_ONCE;
    for (const layer of layers.values()) {
      const { due } = layer;
      if (!due.size) continue;
      layer.due = new Set();
      for (const id of due)
        if (left-- > 0) layer.one(id);
        else layer.due.add(id); // a whole city at once is drawn over some frames
      layer.settle();
    }
    if (left < 0) this.ask();
    if (pointers.stale || moved) pointers.all();
  }

  isSelected(table, id) {
    return this.selected?.table === table && this.selected.id === id;
  }
  /** Whether a thing blinks: nobody has acknowledged it, and it is the most urgent. */
  blinks(table, id, on) {
    if (on) this.blinking.set(`${table} ${id}`, [table, id]);
    else if (this.blinking.size) this.blinking.delete(`${table} ${id}`);
  }

  #wink() {
    if (this.store.frozen && this.blink) return;
    if (!this.blinking.size || document.visibilityState === "hidden") return;
    this.blink = !this.blink;
    for (const [table, id] of this.blinking.values()) this.layers.get(table).due.add(id);
    this.ask();
  }
}
