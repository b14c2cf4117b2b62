/** What may lie on the map, as layers: each is on or off, draws its rows as marks, and is found under the pointer. Knows no row of the city.
 *
 * A new kind of thing is one `TableLayer` that a page adds with `map.add(…)`: the rows of a public table that have a place and a state. Its name
 * in the list of layers is the word `layer.<key>`, what a pointer over it reads is what `describe` says. */

import { mercatorX, mercatorY } from "./mercator.mjs";

/** What lies above what: the higher plane is drawn later, and hit first. */
export const PLANE = {
  cell: 0,
  sensor: 1,
  silent: 2,
  many: 3,
  team: 4,
  alert: 5,
  p3: 6,
  p2: 7,
  p1: 8,
  urgent: 9, // priority one that nobody has acknowledged: nothing lies on it
  selected: 10,
  label: 11,
  flag: 12,
};
/** The planes on which a pointer finds something. */
export const TOUCH = [
  PLANE.sensor,
  PLANE.silent,
  PLANE.many,
  PLANE.team,
  PLANE.alert,
  PLANE.p3,
  PLANE.p2,
  PLANE.p1,
  PLANE.urgent,
  PLANE.selected,
];

const NOTHING = new Map();

export class Layer {
  /** @param {string} key names it: the words `layer.<key>`, and the table of what a pointer hits
   * @param {{on?: boolean, listed?: boolean, hits?: boolean}} [how] `on`: shown unless a person switched it off; `listed`: a person may switch it;
   *   `hits`: a pointer finds its things */
  constructor(key, { on = true, listed = true, hits = true } = {}) {
    Object.assign(this, { key, on, listed, hits });
    /** @type {Map<string, number>} */ this.slots = new Map(); // id → its slot in the picture
    /** @type {Set<string>} */ this.due = new Set(); // ids that may look otherwise than they are drawn
  }

  /** The map takes it up. Listen to the store here. @param {import("./map.mjs").CityMap} map */
  join(map) {
    this.map = map;
    this.store = map.store;
  }
  /** All things that are drawn as one with this one, the worst first. @returns {string[]} */
  members(id) {
    return [id];
  }
  /** Everything that may be drawn now, by id. @returns {Map<string, any>} */
  rows() {
    return NOTHING;
  }
  /** Draw one row as it is now: `put` its mark, or `gone` where it has none. */
  draw(_id) {}
  /** What it lays under all marks, where it does: drawn whenever the ground is. `under(context, map)` in CSS px. */
  under = null;
  /** The marks of one thing, for lists. @returns {object[]} */
  strokes(_id) {
    return [];
  }
  /** How early a thing is named in a list: the lower, the worse. Null: never. */
  rank(_id) {
    return 80;
  }
  /** Where one of its things is, where that is not in a table of its name. @returns {{lat: number, lon: number}|null} */
  place(_id) {
    return null;
  }
  /** Where one of its things is drawn, px of the map; null where it is not. */
  where(id) {
    const slot = this.slots.get(id),
      { map } = this;
    if (slot === undefined) return null;
    return { x: map.wx[slot] * map.scaleTo - map.origin.x, y: map.wy[slot] * map.scaleTo - map.origin.y };
  }
  /** One thing in words, for the pointer and for lists; what comes from outside is shown as text. @returns {string} */
  describe(_id) {
    return "";
  }
  /** Its marks for the list of layers. @returns {[object[], string][]} strokes of a mark, and its words */
  legend() {
    return [];
  }
  /** A click on one of its things, where that means something of its own. `pick(id)` */
  pick = null;

  /** These rows changed. @param {Iterable<string>} ids */
  touched(ids) {
    for (const id of ids) this.due.add(id);
    this.map.ask();
  }
  /** Draw everything of it again. */
  all() {
    this.due.clear();
    const rows = this.on ? this.rows() : NOTHING;
    for (const id of this.slots.keys()) if (!rows.has(id)) this.gone(id);
    for (const id of rows.keys()) this.draw(id);
  }
  /** After a round of drawing: what depends on several rows. */
  settle() {}
  one(id) {
    if (this.on) this.draw(id);
    else this.gone(id);
  }

  /** The slot of a thing at its place; made where it has none. What lies in other `slots` is no thing: a pointer does not find it. */
  slot(id, lat, lon, slots = this.slots) {
    const { map } = this;
    let slot = slots.get(id);
    if (slot === undefined) {
      slot = map.take(this.hits && slots === this.slots ? { table: this.key, id } : null);
      slots.set(id, slot);
    }
    map.wx[slot] = mercatorX(lon);
    map.wy[slot] = mercatorY(lat);
    return slot;
  }
  /** Put a mark on its slot's place. `right`, `down`: beside it, CSS px. */
  put(slot, sprite, plane, right = 0, down = 0) {
    const { map } = this,
      r = map.ratio;
    map.picture.place(
      slot,
      Math.round((map.wx[slot] * map.scaleTo - map.origin.x + right) * r),
      Math.round((map.wy[slot] * map.scaleTo - map.origin.y + down) * r),
      sprite,
      plane,
    );
  }
  /** It is not on the map (any more). */
  gone(id) {
    this.drop(id, this.slots);
  }
  drop(id, slots) {
    const slot = slots.get(id);
    if (slot === undefined) return;
    this.map.drop(slot);
    slots.delete(id);
  }
}

/** Rows of one public table, each with a place and one mark. */
export class TableLayer extends Layer {
  /** @param {string} key @param {{table?: string, on?: boolean, listed?: boolean, plane?: number,
   *   mark: (row: object, map: import("./map.mjs").CityMap) => import("./atlas.mjs").Sprite|null, strokes?: (row: object) => object[], describe?: (row: object) => string,
   *   legend?: () => [object[], string][], pick?: (id: string) => void}} how `mark`: its bitmap (`map.atlas.mark(name, strokes, size)`), null where
   *   this row is not shown; `table`: where it is not called as the layer is */
  constructor(key, { table = key, plane = PLANE.silent, mark, strokes, describe, legend, pick, ...how }) {
    super(key, how);
    Object.assign(this, { table, plane, mark });
    if (strokes) this.strokes = (id) => strokes(this.rows().get(id));
    if (describe) this.describe = (id) => (this.rows().has(id) ? describe(this.rows().get(id)) : "");
    if (legend) this.legend = legend;
    if (pick) this.pick = pick;
  }
  join(map) {
    super.join(map);
    map.store.on(this.table, (ids) => this.touched(ids));
  }
  rows() {
    return this.store.tables[this.table];
  }
  draw(id) {
    const row = this.rows().get(id),
      sprite = row && row.lat != null ? this.mark(row, this.map) : null;
    if (!sprite) return this.gone(id);
    const chosen = this.map.isSelected(this.key, id);
    return this.put(this.slot(id, row.lat, row.lon), sprite, chosen ? PLANE.selected : this.plane);
  }
}
