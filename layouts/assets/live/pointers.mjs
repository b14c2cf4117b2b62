/** What is pointed out on the map: the corners around the selected thing, the minutes beside the ways of the advice, the number in a circle. */

import { Layer, PLANE } from "./layers.mjs";
import { isOpen } from "./lifecycle.mjs";
import { t, word } from "./words.mjs";

const BEST = [0.5];
const REST = [0.62, 0.5, 0.4, 0.72, 0.3, 0.56, 0.46, 0.35]; // of the way from the team to the thing

export class Pointers extends Layer {
  constructor() {
    super("pointers", { listed: false, hits: false });
    this.stale = false; // drawn as a whole or not at all: they are few
  }

  /** The corners around the selected, and the flags of the advice: minutes beside the way. */
  all() {
    const { map } = this,
      { selected } = map,
      wanted = new Map();
    const at = selected && this.#selected(selected);
    if (at) {
      wanted.set("on", [at.lat, at.lon, map.atlas.brackets(map.sizes.selected), PLANE.label]);
      if (at.words)
        wanted.set("on words", [at.lat, at.lon, map.atlas.label(at.words, { size: 12.5, centre: true, colour: "ink-2" }), PLANE.flag, 30]);
    }
    const ringed = map.ringed?.table ? map.placeOf(map.ringed) : map.ringed;
    if (ringed) {
      wanted.set("ring", [ringed.lat, ringed.lon, map.atlas.ring(map.sizes.selected), PLANE.label]);
      if (ringed.words)
        wanted.set("ring words", [ringed.lat, ringed.lon, map.atlas.label(ringed.words, { size: 13, strong: true, centre: true }), PLANE.flag, -32]);
    }
    for (const [k, spot] of (map.spots ?? []).entries())
      if (spot.count)
        wanted.set(`spot ${k}`, [
          spot.lat,
          spot.lon,
          map.atlas.label(String(spot.count), { size: map.sizes.label, strong: true, centre: true, halo: 6 }),
          PLANE.label,
        ]);
    const placed = []; // plates of better advice, px of the map
    for (const [id, { words, best }] of map.advised) {
      const way = map.ways?.get(id);
      if (!way || !words) continue;
      const sprite = map.atlas.label(words, { size: 12.5, plate: best ? "best" : "rest", strong: best }),
        share = this.#free(way, sprite, best, placed);
      if (share === undefined) continue;
      const [a, b] = way;
      wanted.set(`flag ${id}`, [
        a[0] + (b[0] - a[0]) * share,
        a[1] + (b[1] - a[1]) * share,
        sprite,
        best ? PLANE.flag : PLANE.label,
      ]);
    }
    for (const id of this.slots.keys()) if (!wanted.has(id)) this.gone(id);
    for (const [id, [lat, lon, sprite, plane, down]] of wanted)
      this.put(this.slot(id, lat, lon), sprite, plane, 0, down);
    this.stale = false;
  }

  /** How far along its way a plate lies on none that is placed, and takes its place there; undefined where it cannot: the list of the advice says it too. */
  #free([a, b], { w, h }, best, placed) {
    const { map } = this,
      from = map.at(...a),
      to = map.at(...b),
      half = [w / map.ratio / 2 + 2, h / map.ratio / 2 + 2];
    if (Math.hypot(from[0] - to[0], from[1] - to[1]) < 110) return undefined; // no room for a flag beside the marks
    const boxAt = (share) => {
      const [x, y] = [0, 1].map((k) => from[k] + (to[k] - from[k]) * share);
      return [x - half[0], y - half[1], x + half[0], y + half[1]];
    };
    const share = (best ? BEST : REST).find((one) => {
      const box = boxAt(one);
      return !placed.some((other) => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3]);
    });
    if (share !== undefined) placed.push(boxAt(share));
    return share;
  }

  /** Where the selected thing is; where it was last and what became of it, when it has gone from the map. */
  #selected(what) {
    const { map } = this,
      key = `${what.table} ${what.id}`,
      now = map.placeOf(what);
    if (now) this.last = { key, ...now };
    if (this.last?.key !== key) return null;
    const row = map.store.tables[what.table]?.get(what.id),
      over = what.table === "incidents" && row && !isOpen(row);
    return { ...this.last, words: now && !over ? "" : over ? word("state", row.state) : t("map.went") };
  }
}
