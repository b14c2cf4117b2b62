/** The live map: what is in the store, where it is, as marks over the base map. Leaflet moves the view; the picture is ours.
 *
 * Nothing here moves the view after a person touched it; ★ gives it back. */

import { Atlas, readTokens } from "./atlas.mjs";
import { curve, drawGround } from "./ground.mjs";
import { soon } from "./loop.mjs";
import { Picture } from "./picture.mjs";
import { metresBetween } from "./scene.mjs";
import { span } from "./time.mjs";
import { isHand, isOpen, isUnack } from "./lifecycle.mjs";

const PAD = 0; // px drawn beyond the edge
const PLANE = {
  cell: 0,
  sensor: 1,
  silent: 2,
  many: 3,
  team: 4,
  alert: 5,
  p3: 6,
  p2: 7,
  p1: 8,
  selected: 9,
  label: 10,
  flag: 11,
};
const TOUCH = [
  PLANE.sensor,
  PLANE.silent,
  PLANE.many,
  PLANE.team,
  PLANE.alert,
  PLANE.p3,
  PLANE.p2,
  PLANE.p1,
  PLANE.selected,
];
const FLAG = ["normal", "late", "silent", "returned", "acknowledged", "active", "shelved", "out_of_service", "suppressed"];
const AWAY = new Set(["shelved", "out_of_service", "suppressed"]); // drawn grey, under what somebody must see
const TRAIL_POINTS = 8,
  TRAIL_MS = 300_000;
const GROUND_MS = 1000; // trails and names are drawn again at most once a second
const AT_ONCE = 3000; // marks in one frame
const FRAME_MS = 30; // marks at most thirty times a second
const STALE_POSITION_MS = 60_000;

const nothingDue = () => ({
  incidents: new Set(),
  alerts: new Set(),
  teams: new Set(),
  sensors: new Set(),
  cells: new Set(),
});
const join = (a, b) =>
  a && b ? [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])] : (a ?? b);
const grown = (old) => {
  const next = new Float64Array(old.length * 2);
  next.set(old);
  return next;
};
const mercatorX = (lon) => ((lon + 180) / 360) * 256;
const mercatorY = (lat) => {
  const s = Math.sin((lat * Math.PI) / 180);
  return (0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)) * 256;
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
  weight: 1.5,
  labels: true,
  trail: 1.8,
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
  weight: 1.4 * unit,
  labels: false,
  trail: 2.6 * unit,
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
    this.area = []; // rings around the selected incident
    this.blink = true;
    this.trails = new Map();
    this.trailsDue = new Set(); // teams whose trail is not drawn as it is now
    this.trailBox = new Map(); // where each trail was drawn, CSS px
    this.slots = {
      incidents: new Map(),
      alerts: new Map(),
      teams: new Map(),
      labels: new Map(),
      sensors: new Map(),
      cells: new Map(),
      flags: new Map(),
      brackets: new Map(),
    };
    this.owner = []; // slot → {table, id}
    this.wx = new Float64Array(1024);
    this.wy = new Float64Array(1024);
    this.blinking = new Set();
    this.alertOf = new Map([...store.tables.alerts.values()].map((row) => [row.subject, row])); // sensor → its alert
    this.due = nothingDue();
    this.draw = () => this.#draw();
    this.#build();
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
    this.base = document.createElement("canvas");
    this.mix = document.createElement("canvas");
    this.mixer = this.mix.getContext("2d", { willReadFrequently: true });
    this.L = L;
    this.#reset();
  }

  #listen() {
    const { leaflet, store } = this;
    leaflet.on("moveend zoomend viewreset resize", () => this.#reset());
    leaflet.on("zoomanim", ({ center, zoom }) => this.#ride(center, zoom));
    const hand = () => {
      if (!this.locked) {
        this.locked = true;
        this.onLock?.();
      }
    };
    leaflet.on("dragstart", hand);
    const box = leaflet.getContainer();
    for (const name of ["wheel", "dblclick", "touchstart"])
      box.addEventListener(
        name,
        () => {
          if (!this.still) hand();
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
    for (const table of ["incidents", "alerts", "teams"]) store.on(table, (ids) => this.#rows(table, ids));
    store.on("telemetry", ({ whole, rows }) => this.#telemetry(whole, rows));
    this.blinker = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : setInterval(() => this.#wink(), 500);
  }

  /* ---- the view ------------------------------------------------------------------------------------------------------ */

  #reset() {
    const { leaflet, L } = this,
      size = leaflet.getSize();
    if (!size.x || !size.y) return;
    const ratio = Math.min(2, window.devicePixelRatio || 1);
    const corner = leaflet.containerPointToLayerPoint([-PAD, -PAD]).round();
    this.zoom = leaflet.getZoom();
    this.scaleTo = 2 ** this.zoom;
    const pixel = leaflet.getPixelOrigin().add(corner);
    this.origin = { x: pixel.x, y: pixel.y };
    this.corner = corner;
    this.topLeft = leaflet.containerPointToLatLng([-PAD, -PAD]);
    const w = size.x + 2 * PAD,
      h = size.y + 2 * PAD;
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
      for (const c of [this.base, this.mix]) {
        c.width = this.picture.w;
        c.height = this.picture.h;
      }
    } else this.picture.lift();
    const lat = leaflet.getCenter().lat;
    this.kmScale = (256 * this.scaleTo) / 40075.017 / Math.cos((lat * Math.PI) / 180);
    this.everything = true;
    this.baseDue = true;
    this.#ask();
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

  /** The first picture, or the one ★ brings back. Never called after a person moved the map, except by ★. */
  fit(lat, lon, zoom) {
    this.leaflet.setView([lat, lon], zoom, { animate: false });
  }
  fitBounds(bounds, options = {}) {
    this.leaflet.fitBounds(bounds, { animate: false, ...options });
  }
  zoomBy(steps) {
    this.locked = true;
    this.leaflet.setZoom(this.leaflet.getZoom() + steps);
  }

  /** What lies at a point of the container: {table, id} or null. */
  pick(point) {
    const slot = this.picture.at(
      Math.round((point.x + PAD) * this.ratio),
      Math.round((point.y + PAD) * this.ratio),
      9 * this.ratio,
      TOUCH,
    );
    return slot < 0 ? null : this.owner[slot];
  }
  /** Where a thing is in the container, px; null when it is not drawn. */
  point(lat, lon) {
    const [x, y] = this.at(lat, lon);
    return { x: x - PAD, y: y - PAD };
  }

  select(what) {
    const before = this.selected;
    this.selected = what;
    for (const one of [before, what]) if (one) this.#restyle(one);
    this.groundDue = true;
    this.#ask();
  }
  advise(teams, ways) {
    this.advised = teams;
    this.ways = ways;
    this.everything = true;
    this.groundDue = true;
    this.#ask();
  }
  /** Circles on the ground around spots that are talked about; the incidents in `hidden` and the teams inside `lens` are drawn elsewhere. */
  point_out(spots, hidden, lens = null) {
    this.spots = spots;
    if (lens?.lat !== this.lens?.lat) for (const id of this.slots.teams.keys()) this.due.teams.add(id);
    this.lens = lens;
    const changed = [...hidden]
      .filter((id) => !this.hidden?.has(id))
      .concat([...(this.hidden ?? [])].filter((id) => !hidden.has(id)));
    this.hidden = hidden;
    for (const id of changed) this.due.incidents.add(id);
    this.bracketsDue = this.groundDue = true;
    this.#ask();
  }
  /** Draw small what a filter leaves out. @param {(table: string, row: object) => boolean} dims */
  dim(dims) {
    this.dims = dims;
    this.everything = true;
    this.#ask();
  }
  fade(faded) {
    if (faded.teams === this.faded.teams) return;
    this.faded = faded;
    this.everything = true;
    this.#ask();
  }
  /** A new theme or size: every bitmap is made anew. */
  dress(sizes) {
    this.tokens = readTokens();
    this.sizes = sizes ?? this.sizes;
    this.atlas = null;
    this.#reset();
  }

  /* ---- what changed -------------------------------------------------------------------------------------------------- */

  #rows(table, ids) {
    if (table === "alerts")
      for (const id of ids) {
        const row = this.store.tables.alerts.get(id);
        if (row) {
          this.alertOf.set(row.subject, row);
          this.due.sensors.add(row.subject);
        }
      }
    for (const id of ids) this.due[table].add(id);
    this.#ask();
  }
  #telemetry(whole, rows) {
    if (whole) this.everything = true;
    for (const id in rows.sensors) this.due.sensors.add(id);
    for (const id in rows.cells) this.due.cells.add(id);
    for (const id in rows.teams) {
      this.due.teams.add(id);
      if (rows.teams[id]) this.#trail(id, rows.teams[id]);
    }
    this.#ask();
  }
  #trail(id, [lat, lon, t]) {
    const trail = this.trails.get(id) ?? [];
    const last = trail[trail.length - 1];
    if (last && Math.hypot((last[0] - lat) * 111_000, (last[1] - lon) * 85_000) < 25) return;
    if (last && Math.hypot((last[0] - lat) * 111_000, (last[1] - lon) * 85_000) > 3000) trail.length = 0; // a jump is not a way
    trail.push([lat, lon, t]);
    while (trail.length > TRAIL_POINTS || (trail.length && t - trail[0][2] > TRAIL_MS * Math.max(1, this.clock.rate)))
      trail.shift();
    this.trails.set(id, trail);
    this.trailsDue.add(id);
  }

  ask() {
    this.#ask();
  }
  #ask() {
    const since = performance.now() - (this.drawn_at ?? 0);
    if (since >= FRAME_MS) soon(this.draw);
    else if (!this.waiting)
      this.waiting = setTimeout(() => {
        this.waiting = 0;
        soon(this.draw);
      }, FRAME_MS - since);
  }

  /* ---- drawing -------------------------------------------------------------------------------------------------------- */

  #draw() {
    if (!this.w) return;
    this.drawn_at = performance.now();
    const { store, due } = this;
    this.due = nothingDue();
    if (this.everything) {
      this.everything = false;
      this.#all("incidents", store.tables.incidents);
      this.#all("alerts", store.tables.alerts);
      this.#all("teams", store.tables.teams);
      this.#all("sensors", store.telemetry.sensors);
      this.#all("cells", store.telemetry.cells);
      this.#brackets();
    } else {
      let left = AT_ONCE;
      for (const table of ["incidents", "alerts", "teams", "sensors", "cells"])
        for (const id of due[table])
          if (left-- > 0) this.#one(table, id);
          else this.due[table].add(id); // a whole city at once is drawn over some frames
      if (left < 0) this.#ask();
      if (this.bracketsDue || due.incidents.size || due.teams.size) this.#brackets();
    }
    if (this.baseDue) {
      this.baseDue = false;
      this.#drawBase();
      this.#drawGround();
    } else if (this.groundDue || this.trailsDue.size) {
      if (performance.now() - (this.ground_at ?? 0) < GROUND_MS) this.#later();
      else if (this.groundDue) this.#drawGround();
      else this.#drawTrails();
    }
    this.picture.paint();
    window.comis.map_painted = { seq: store.seq, at: performance.now() }; // for measuring from event to pixel
  }
  #later() {
    if (!this.soonish)
      this.soonish = setTimeout(
        () => {
          this.soonish = 0;
          this.#ask();
        },
        GROUND_MS - (performance.now() - this.ground_at),
      );
  }

  #all(table, rows) {
    for (const id of this.slots[table].keys()) if (!rows.has(id)) this.#gone(table, id);
    for (const id of rows.keys()) this.#one(table, id);
  }

  #one(table, id) {
    if (table === "incidents") return this.#incident(id);
    if (table === "teams") return this.#team(id);
    if (table === "sensors") return this.#sensor(id);
    if (table === "cells") return this.#cell(id);
    return this.#alert(id);
  }

  #slot(table, id, lat, lon) {
    const slots = this.slots[table];
    let slot = slots.get(id);
    if (slot === undefined) {
      slot = this.picture.take();
      slots.set(id, slot);
      this.owner[slot] = { table, id };
      if (slot >= this.wx.length) {
        this.wx = grown(this.wx);
        this.wy = grown(this.wy);
      }
      this.wx[slot] = NaN;
    }
    if (lat !== undefined) {
      this.wx[slot] = mercatorX(lon);
      this.wy[slot] = mercatorY(lat);
    }
    return slot;
  }
  #put(slot, sprite, plane) {
    const r = this.ratio;
    this.picture.place(
      slot,
      Math.round((this.wx[slot] * this.scaleTo - this.origin.x) * r),
      Math.round((this.wy[slot] * this.scaleTo - this.origin.y) * r),
      sprite,
      plane,
    );
  }
  #gone(table, id) {
    const slot = this.slots[table].get(id);
    if (slot === undefined) return;
    this.picture.drop(slot);
    this.slots[table].delete(id);
    this.owner[slot] = null;
    this.blinking.delete(`${table} ${id}`);
    if (table === "teams") this.#gone("labels", id);
  }
  #restyle({ table, id }) {
    this.due[table]?.add(id);
    this.bracketsDue = true;
  }

  #isSelected(table, id) {
    return this.selected?.table === table && this.selected.id === id;
  }

  #incident(id) {
    const row = this.store.tables.incidents.get(id);
    if (!row || !isOpen(row) || this.hidden?.has(id)) return this.#gone("incidents", id);
    const { sizes } = this,
      p = row.priority,
      hand = isHand(row),
      unack = isUnack(row),
      chosen = this.#isSelected("incidents", id);
    const slot = this.#slot("incidents", id, row.lat, row.lon),
      key = `incidents ${id}`;
    const wink = unack && p === 1;
    if (wink) this.blinking.add(key);
    else this.blinking.delete(key);
    const dim = !chosen && this.dims("incidents", row);
    const plain =
      dim ||
      (!chosen && (sizes.wall ? p === 3 || (p === 2 && hand && this.crowded > 0) : p === 3 && hand && this.zoom < 13));
    const size =
      chosen && !sizes.wall
        ? sizes.selected
        : plain
          ? p === 2
            ? sizes.many * 1.2
            : sizes.many
          : p === 2 && this.crowded > 1
            ? sizes.p2 * 0.65
            : sizes[`p${p}`];
    const sprite = this.atlas.incident(p, size, { hand, unack, plain, off: wink && !this.blink });
    return this.#put(slot, sprite, chosen ? PLANE.selected : plain ? PLANE.many : PLANE[`p${p}`]);
  }

  #alert(id) {
    const row = this.store.tables.alerts.get(id);
    if (!row || row.lat == null || row.state === "normal" || row.incident) return this.#gone("alerts", id);
    const slot = this.#slot("alerts", id, row.lat, row.lon),
      key = `alerts ${id}`,
      wink = row.state === "active" && row.priority === 1;
    if (wink) this.blinking.add(key);
    else this.blinking.delete(key);
    return this.#put(
      slot,
      this.atlas.sensor(
        row.state,
        this.dims("alerts", row) ? this.sizes.small : this.sizes.sensor,
        row.priority,
        wink && !this.blink,
      ),
      this.#isSelected("alerts", id) ? PLANE.selected : AWAY.has(row.state) ? PLANE.silent : PLANE.alert,
    );
  }

  #team(id) {
    const row = this.store.tables.teams.get(id);
    if (!row || row.shown === "off") return this.#gone("teams", id);
    const live = this.store.telemetry.teams.get(id),
      { sizes } = this,
      advice = this.advised.get(id);
    const [lat, lon, t_ms, heading] = live ?? [row.lat, row.lon, null, 0];
    if (this.lens && metresBetween({ lat, lon }, this.lens) < this.lens.radius_m) return this.#gone("teams", id);
    const slot = this.#slot("teams", id, lat, lon);
    const faint =
      this.faded.teams ||
      (row.shown !== "silent" &&
        t_ms != null &&
        this.clock.known() &&
        this.clock.now() - t_ms > STALE_POSITION_MS * Math.max(1, this.clock.rate / 10));
    this.#put(
      slot,
      this.atlas.team(row.shown, advice ? sizes.advised : sizes.team, heading ?? 0, faint),
      this.#isSelected("teams", id) ? PLANE.selected : PLANE.team,
    );
    if (!sizes.labels) return undefined;
    const silent = row.shown === "silent",
      words =
        silent && row.silent_since_ms
          ? `${row.call} ${span((this.clock.now() - row.silent_since_ms) / 1000)}`
          : row.call;
    const label = this.#slot("labels", id),
      sprite = this.atlas.label(words, {
        size: sizes.label,
        strong: Boolean(advice),
        colour: silent ? "stale" : advice ? "ink-1" : "ink-2",
      });
    this.owner[label] = null;
    const r = this.ratio;
    this.picture.place(
      label,
      Math.round((this.wx[slot] * this.scaleTo - this.origin.x + sizes.team * 0.68) * r),
      Math.round((this.wy[slot] * this.scaleTo - this.origin.y) * r),
      sprite,
      PLANE.label,
    );
    return undefined;
  }

  #sensor(id) {
    const one = this.store.telemetry.sensors.get(id);
    if (!one) return this.#gone("sensors", id);
    if (this.sizes.wall && one[4] < 2) return this.#gone("sensors", id); // what is normal needs nobody ten metres away
    const flag = FLAG[one[4]] ?? "normal",
      slot = this.#slot("sensors", id, one[0], one[1]),
      abnormal = one[4] >= 3;
    const size = abnormal ? (this.crowded > 1 ? this.sizes.sensor * 0.65 : this.sizes.sensor) : this.sizes.small;
    return this.#put(
      slot,
      this.atlas.sensor(flag, size, abnormal ? this.#sensorPriority(id) : 3),
      AWAY.has(flag) ? PLANE.silent : abnormal ? PLANE.alert : flag === "silent" ? PLANE.silent : PLANE.sensor,
    );
  }
  #sensorPriority(id) {
    return this.alertOf.get(id)?.priority ?? 2;
  }

  #cell(id) {
    const one = this.store.telemetry.cells.get(id);
    if (!one || (this.sizes.wall && one[3] < 2)) return this.#gone("cells", id);
    return this.#put(this.#slot("cells", id, one[0], one[1]), this.atlas.cell(one[2], one[3]), PLANE.cell);
  }

  /** The corners around the selected, and the flags of the advice: minutes beside the way. */
  #brackets() {
    const { selected, store } = this,
      wanted = new Map();
    const row = selected && store.tables[selected.table]?.get(selected.id);
    const live = selected?.table === "teams" ? store.telemetry.teams.get(selected.id) : null;
    if (row && (live || row.lat != null))
      wanted.set("on", [
        live?.[0] ?? row.lat,
        live?.[1] ?? row.lon,
        this.atlas.brackets(this.sizes.selected),
        PLANE.label,
      ]);
    for (const [k, spot] of (this.spots ?? []).entries())
      if (spot.count)
        wanted.set(`spot ${k}`, [
          spot.lat,
          spot.lon,
          this.atlas.label(String(spot.count), { size: this.sizes.label, strong: true, centre: true, halo: 6 }),
          PLANE.label,
        ]);
    for (const [id, { words, best }] of this.advised) {
      const way = this.ways?.get(id);
      if (!way || !words) continue;
      const share = best ? 0.5 : 0.62,
        [a, b] = way,
        from = this.at(...a),
        to = this.at(...b);
      if (Math.hypot(from[0] - to[0], from[1] - to[1]) < 110) continue; // no room for a flag beside the marks
      wanted.set(`flag ${id}`, [
        a[0] + (b[0] - a[0]) * share,
        a[1] + (b[1] - a[1]) * share,
        this.atlas.label(words, { size: 12.5, plate: best ? "best" : "rest", strong: best }),
        PLANE.flag,
      ]);
    }
    for (const id of this.slots.brackets.keys()) if (!wanted.has(id)) this.#gone("brackets", id);
    for (const [id, [lat, lon, sprite, plane]] of wanted) {
      const slot = this.#slot("brackets", id, lat, lon);
      this.owner[slot] = null;
      this.#put(slot, sprite, plane);
    }
    this.bracketsDue = false;
  }

  #wink() {
    if (this.store.frozen && this.blink) return;
    if (!this.blinking.size || document.visibilityState === "hidden") return;
    this.blink = !this.blink;
    for (const key of this.blinking) {
      const [table, id] = key.split(/ (.*)/s);
      this.due[table].add(id);
    }
    this.#ask();
  }

  #drawBase() {
    const { sizes, ratio } = this,
      { lat } = this.leaflet.getCenter(),
      c = this.base.getContext("2d", { alpha: false });
    const avoid = [...this.keepClear()];
    const { incidents, teams } = this.store.tables;
    for (const row of incidents.values())
      if (isOpen(row)) avoid.push([...this.at(row.lat, row.lon), sizes[`p${row.priority}`] * 0.62]);
    for (const [id, row] of teams)
      if (row.shown !== "off") {
        const live = this.store.telemetry.teams.get(id);
        avoid.push([
          ...this.at(live?.[0] ?? row.lat, live?.[1] ?? row.lon).map((v, k) => v + (k ? 0 : sizes.labels ? 9 : 0)),
          sizes.labels ? 22 : sizes.team * 0.5,
          sizes.team * 0.6,
        ]);
      }
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    drawGround(c, this.basemap, { w: this.w, h: this.h, scale: this.kmScale, at: this.at, lat }, this.tokens, {
      weight: sizes.wall ? sizes.weight : this.zoom < 12 ? 1.05 : 1.5,
      font: sizes.font,
      districtFont: sizes.districtFont,
      places: !sizes.wall,
      districts: sizes.wall || this.kmScale < 130,
      avoid,
    });
  }

  /** Base, area of the selected, trails and ways into one bitmap that the picture keeps as its ground. */
  #drawGround() {
    this.groundDue = false;
    this.ground_at = performance.now();
    this.trailsDue.clear();
    this.#compose(0, 0, this.w, this.h);
    const { data } = this.mixer.getImageData(0, 0, this.picture.w, this.picture.h);
    this.picture.setGround(new Uint32Array(data.buffer));
  }

  /** Only where a trail was or is: a whole ground costs some 20 ms, forty trails of it 3 ms. */
  #drawTrails() {
    this.ground_at = performance.now();
    for (const id of this.trailsDue) {
      const [l, t, r, b] = join(this.trailBox.get(id), this.#boxOf(id)) ?? [0, 0, 0, 0],
        ratio = this.ratio;
      const x = Math.max(0, Math.floor(l * ratio)),
        y = Math.max(0, Math.floor(t * ratio)),
        w = Math.min(this.picture.w, Math.ceil(r * ratio)) - x,
        h = Math.min(this.picture.h, Math.ceil(b * ratio)) - y;
      if (w <= 0 || h <= 0) continue;
      this.#compose(x / ratio, y / ratio, w / ratio, h / ratio);
      const { data } = this.mixer.getImageData(x, y, w, h);
      this.picture.setGroundPart(x, y, w, h, new Uint32Array(data.buffer));
    }
    this.trailsDue.clear();
  }

  #boxOf(id) {
    const trail = this.trails.get(id);
    if (!trail?.length) return undefined;
    const points = trail.map(([lat, lon]) => this.at(lat, lon)),
      xs = points.map(([x]) => x),
      ys = points.map(([, y]) => y),
      pad = 4 + this.sizes.trail;
    return [Math.min(...xs) - pad, Math.min(...ys) - pad, Math.max(...xs) + pad, Math.max(...ys) + pad];
  }

  /** Draw what lies under the marks into a part of the mixing canvas, CSS px. */
  #compose(left, top, w, h) {
    const { mixer: c, ratio, tokens, sizes, store } = this;
    c.save();
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.beginPath();
    c.rect(left, top, w, h);
    c.clip();
    c.drawImage(this.base, left * ratio, top * ratio, w * ratio, h * ratio, left, top, w, h);
    c.lineCap = c.lineJoin = "round";
    this.#rings(c);
    c.strokeStyle = tokens["ink-1"];
    c.lineWidth = sizes.trail;
    for (const [id, trail] of this.trails) {
      const box = this.#boxOf(id);
      if (!box || box[0] > left + w || box[2] < left || box[1] > top + h || box[3] < top) {
        if (this.trailsDue.has(id)) this.trailBox.set(id, box);
        continue;
      }
      this.trailBox.set(id, box);
      const row = store.tables.teams.get(id);
      if (!row || trail.length < 2 || row.shown === "off" || row.shown === "on_scene" || row.shown === "break")
        continue;
      const points = trail.map(([lat, lon]) => this.at(lat, lon)),
        n = points.length,
        cuts = [0, Math.floor((n - 1) / 3), Math.floor(((n - 1) * 2) / 3), n - 1];
      for (const k of [0, 1, 2]) {
        c.globalAlpha = [0.12, 0.28, 0.55][k] * (this.faded.teams ? 0.5 : 1);
        c.stroke(curve(points.slice(cuts[k], cuts[k + 1] + 1)));
      }
    }
    for (const [id, way] of this.ways ?? []) {
      const best = this.advised.get(id)?.best,
        points = way.map(([lat, lon]) => this.at(lat, lon));
      c.strokeStyle = tokens[best ? "ink-1" : "ink-2"];
      c.lineWidth = best ? 2.6 : 1.8;
      c.globalAlpha = best ? 0.9 : 0.6;
      c.setLineDash(best ? [] : [5, 5]);
      c.beginPath();
      c.moveTo(...points[0]);
      for (const p of points.slice(1)) c.lineTo(...p);
      c.stroke();
    }
    c.restore();
  }

  #rings(c) {
    const row = this.selected?.table === "incidents" && this.store.tables.incidents.get(this.selected.id);
    c.save();
    for (const spot of this.spots ?? []) {
      const [x, y] = this.at(spot.lat, spot.lon),
        r = (spot.radius_m / 1000) * this.kmScale;
      c.globalAlpha = 0.12;
      c.fillStyle = this.tokens[`priority-${spot.priority}`];
      c.beginPath();
      c.arc(x, y, r, 0, 7);
      c.fill();
      c.globalAlpha = 0.9;
      c.strokeStyle = this.tokens[`priority-${spot.priority}`];
      c.lineWidth = 2;
      c.setLineDash([2, 6]);
      c.stroke();
      c.setLineDash([]);
    }
    c.restore();
    if (!row || this.sizes.wall) return;
    const [x, y] = this.at(row.lat, row.lon),
      steps = [0.1, 0.25, 0.5, 1, 2, 5, 10],
      first = steps.findIndex((km) => km * this.kmScale > 60);
    if (first < 0) return;
    for (const km of steps.slice(first, first + 2)) {
      c.strokeStyle = this.tokens["ink-3"];
      c.globalAlpha = 0.35;
      c.lineWidth = 1;
      c.setLineDash([2, 5]);
      c.beginPath();
      c.arc(x, y, km * this.kmScale, 0, 7);
      c.stroke();
      c.setLineDash([]);
      c.globalAlpha = 1;
      c.font = `400 11px ${this.tokens.font}`;
      c.fillStyle = this.tokens["map-label"];
      c.textBaseline = "middle";
      c.fillText(
        km < 1 ? `${km * 1000} m` : `${km} km`,
        x + km * this.kmScale * 0.71 + 3,
        y + km * this.kmScale * 0.71 + 4,
      );
    }
  }
}
