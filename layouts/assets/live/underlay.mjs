/** What lies under all marks, in one bitmap that the picture keeps as its ground: the base map, what layers lay there, circles and distances, trails
 * and ways. Drawn again at most once a second; where only trails moved, only under them. */

import { TileGround } from "./basemap.mjs";
import { curve, drawGround } from "./ground.mjs";
import { isOpen } from "./lifecycle.mjs";

const TRAIL_POINTS = 8,
  TRAIL_MS = 300_000;
const AGAIN_MS = 1000; // trails and names are drawn again at most once a second
const RING_SIDES = [45, 135, 315, 225, 65, 25, 115, 155, 295, 335, 205, 245]; // degrees from east, towards south: where it says how far

const join = (a, b) =>
  a && b ? [Math.min(a[0], b[0]), Math.min(a[1], b[1]), Math.max(a[2], b[2]), Math.max(a[3], b[3])] : (a ?? b);

export class Underlay {
  /** @param {import("./map.mjs").CityMap} map */
  constructor(map) {
    this.map = map;
    this.base = document.createElement("canvas");
    this.mix = document.createElement("canvas");
    this.mixer = this.mix.getContext("2d", { willReadFrequently: true });
    this.trails = new Map();
    this.trailsDue = new Set(); // teams whose trail is not drawn as it is now
    this.trailBox = new Map(); // where each trail was drawn, CSS px
    this.due = this.baseDue = false;
    const { tiles } = map.basemap;
    if (tiles)
      this.tiles = new TileGround(tiles, map.leaflet.getContainer(), {
        clock: map.clock,
        changed: () => {
          this.baseDue = true;
          map.ask();
        },
      });
  }

  resize(w, h) {
    for (const c of [this.base, this.mix]) {
      c.width = w;
      c.height = h;
    }
  }

  /** A team was somewhere. */
  pass(id, [lat, lon, t]) {
    const trail = this.trails.get(id) ?? [];
    const last = trail[trail.length - 1];
    if (last && Math.hypot((last[0] - lat) * 111_000, (last[1] - lon) * 85_000) < 25) return;
    if (last && Math.hypot((last[0] - lat) * 111_000, (last[1] - lon) * 85_000) > 3000) trail.length = 0; // a jump is not a way
    trail.push([lat, lon, t]);
    while (trail.length > TRAIL_POINTS || (trail.length && t - trail[0][2] > TRAIL_MS * Math.max(1, this.map.clock.rate)))
      trail.shift();
    this.trails.set(id, trail);
    this.trailsDue.add(id);
  }

  /** Draw what is due. The base only when the view moved; the rest when it is time. */
  draw() {
    if (this.baseDue) {
      this.baseDue = false;
      this.#drawBase();
      this.#drawAll();
    } else if (this.due || this.trailsDue.size) {
      if (performance.now() - (this.drawn_at ?? 0) < AGAIN_MS) this.#later();
      else if (this.due) this.#drawAll();
      else this.#drawTrails();
    }
  }
  #later() {
    if (!this.soonish)
      this.soonish = setTimeout(
        () => {
          this.soonish = 0;
          this.map.ask();
        },
        AGAIN_MS - (performance.now() - this.drawn_at),
      );
  }

  #drawBase() {
    const { map } = this,
      { sizes, ratio, store } = map,
      { lat } = map.leaflet.getCenter(),
      c = this.base.getContext("2d", { alpha: false });
    const avoid = [...map.keepClear()];
    const { incidents, teams } = store.tables;
    for (const row of incidents.values())
      if (isOpen(row)) avoid.push([...map.at(row.lat, row.lon), sizes[`p${row.priority}`] * 0.62]);
    for (const [id, row] of teams)
      if (row.shown !== "off") {
        const live = store.telemetry.teams.get(id);
        avoid.push([
          ...map.at(live?.[0] ?? row.lat, live?.[1] ?? row.lon).map((v, k) => v + (k ? 0 : sizes.labels ? 9 : 0)),
          sizes.labels ? 22 : sizes.team * 0.5,
          sizes.team * 0.6,
        ]);
      }
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    const tiles = this.#tilesHere();
    this.taken = drawGround(c, map.basemap, { w: map.w, h: map.h, scale: map.kmScale, at: map.at, lat }, map.tokens, {
      weight: sizes.wall ? sizes.weight : map.zoom < 12 ? 1.05 : 1.5,
      font: sizes.font,
      districtFont: sizes.districtFont,
      places: !sizes.wall,
      districts: sizes.wall || map.kmScale < 130,
      avoid,
      hides: (x, y) => tiles.some(([, l, t, r, b]) => x * ratio >= l && x * ratio < r && y * ratio >= t && y * ratio < b),
      over: () => this.tiles?.draw(c, tiles, map.tokens, ratio),
    });
  }
  /** The tiles of this view that have arrived; the others are asked for. */
  #tilesHere() {
    const { tiles, map } = this;
    if (!tiles) return [];
    const { lat, lng } = map.topLeft,
      end = map.leaflet.containerPointToLatLng([map.w, map.h]);
    tiles.look({ zoom: map.zoom, topLeft: [lat, lng], bottomRight: [end.lat, end.lng] });
    return tiles.placed(map.at, map.ratio);
  }

  /** Base, area of the selected, trails and ways into one bitmap that the picture keeps as its ground. */
  #drawAll() {
    const { map } = this;
    this.due = false;
    this.drawn_at = performance.now();
    this.trailsDue.clear();
    this.#compose(0, 0, map.w, map.h);
    const { data } = this.mixer.getImageData(0, 0, map.picture.w, map.picture.h);
    map.picture.setGround(new Uint32Array(data.buffer));
  }

  /** Only where a trail was or is: a whole ground costs some 20 ms, forty trails of it 3 ms. */
  #drawTrails() {
    const { ratio, picture } = this.map;
    this.drawn_at = performance.now();
    for (const id of this.trailsDue) {
      const [l, t, r, b] = join(this.trailBox.get(id), this.#boxOf(id)) ?? [0, 0, 0, 0];
      const x = Math.max(0, Math.floor(l * ratio)),
        y = Math.max(0, Math.floor(t * ratio)),
        w = Math.min(picture.w, Math.ceil(r * ratio)) - x,
        h = Math.min(picture.h, Math.ceil(b * ratio)) - y;
      if (w <= 0 || h <= 0) continue;
      this.#compose(x / ratio, y / ratio, w / ratio, h / ratio);
      const { data } = this.mixer.getImageData(x, y, w, h);
      picture.setGroundPart(x, y, w, h, new Uint32Array(data.buffer));
    }
    this.trailsDue.clear();
  }

  #boxOf(id) {
    const trail = this.trails.get(id);
    if (!trail?.length) return undefined;
    const points = trail.map(([lat, lon]) => this.map.at(lat, lon)),
      xs = points.map(([x]) => x),
      ys = points.map(([, y]) => y),
      pad = 4 + this.map.sizes.trail;
    return [Math.min(...xs) - pad, Math.min(...ys) - pad, Math.max(...xs) + pad, Math.max(...ys) + pad];
  }

  /** Draw what lies under the marks into a part of the mixing canvas, CSS px. */
  #compose(left, top, w, h) {
    const { mixer: c, map } = this,
      { ratio, tokens, sizes, store } = map;
    c.save();
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    c.beginPath();
    c.rect(left, top, w, h);
    c.clip();
    c.drawImage(this.base, left * ratio, top * ratio, w * ratio, h * ratio, left, top, w, h);
    c.lineCap = c.lineJoin = "round";
    for (const layer of map.layers.values()) if (layer.on && layer.under) layer.under(c, map);
    this.#rings(c);
    c.strokeStyle = tokens["ink-1"];
    c.lineWidth = sizes.trail;
    for (const [id, trail] of map.layers.get("teams").on ? this.trails : []) {
      const box = this.#boxOf(id);
      if (!box || box[0] > left + w || box[2] < left || box[1] > top + h || box[3] < top) {
        if (this.trailsDue.has(id)) this.trailBox.set(id, box);
        continue;
      }
      this.trailBox.set(id, box);
      const row = store.tables.teams.get(id);
      if (!row || trail.length < 2 || row.shown === "off" || row.shown === "on_scene" || row.shown === "break")
        continue;
      const points = trail.map(([lat, lon]) => this.map.at(lat, lon)),
        n = points.length,
        cuts = [0, Math.floor((n - 1) / 3), Math.floor(((n - 1) * 2) / 3), n - 1];
      for (const k of [0, 1, 2]) {
        c.globalAlpha = [0.12, 0.28, 0.55][k] * (map.faded.teams ? 0.5 : 1);
        c.stroke(curve(points.slice(cuts[k], cuts[k + 1] + 1)));
      }
    }
    for (const [id, way] of map.ways ?? []) {
      const best = map.advised.get(id)?.best,
        points = way.map(([lat, lon]) => this.map.at(lat, lon));
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
    const { map } = this,
      { selected } = map,
      row = selected?.table === "incidents" && map.store.tables.incidents.get(selected.id);
    c.save();
    for (const spot of map.spots ?? []) {
      const [x, y] = map.at(spot.lat, spot.lon),
        r = (spot.radius_m / 1000) * map.kmScale;
      c.globalAlpha = 0.12;
      c.fillStyle = map.tokens[`priority-${spot.priority}`];
      c.beginPath();
      c.arc(x, y, r, 0, 7);
      c.fill();
      c.globalAlpha = 0.9;
      c.strokeStyle = map.tokens[`priority-${spot.priority}`];
      c.lineWidth = 2;
      c.setLineDash([2, 6]);
      c.stroke();
      c.setLineDash([]);
    }
    c.restore();
    if (!row || map.sizes.wall) return;
    const [x, y] = map.at(row.lat, row.lon),
      steps = [0.1, 0.25, 0.5, 1, 2, 5, 10],
      first = steps.findIndex((km) => km * map.kmScale > 60);
    if (first < 0) return;
    for (const km of steps.slice(first, first + 2)) {
      c.strokeStyle = map.tokens["ink-3"];
      c.globalAlpha = 0.35;
      c.lineWidth = 1;
      c.setLineDash([2, 5]);
      c.beginPath();
      c.arc(x, y, km * map.kmScale, 0, 7);
      c.stroke();
      c.setLineDash([]);
      c.globalAlpha = 1;
      c.font = `400 11px ${map.tokens.font}`;
      c.fillStyle = map.tokens["map-label"];
      c.textBaseline = "middle";
      this.#far(c, km < 1 ? `${km * 1000} m` : `${km} km`, x, y, km * map.kmScale);
    }
  }
  /** How far a ring is, written at it where no name stands; nowhere rather than into one. */
  #far(c, words, x, y, r) {
    const wide = c.measureText(words).width,
      { w, h } = this.map;
    for (const degrees of RING_SIDES) {
      const turn = (degrees * Math.PI) / 180,
        [cx, cy] = [x + Math.cos(turn) * (r + 6 + wide / 2), y + Math.sin(turn) * (r + 9)],
        [l, t, rt, b] = [cx - wide / 2 - 2, cy - 8, cx + wide / 2 + 2, cy + 8];
      if (l < 4 || t < 40 || rt > w - 56 || b > h - 4) continue; // under the chips and tools nobody reads it
      if (this.taken?.some((q) => l < q[2] && rt > q[0] && t < q[3] && b > q[1])) continue;
      c.fillText(words, cx - wide / 2, cy);
      return;
    }
  }
}
