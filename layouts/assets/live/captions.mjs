/** Words beside marks: on which side of its mark each stands, so that none lies on another. Knows slots of the picture, no row and no layer.
 *
 * The more urgent chooses first. A word keeps its side while it can, and follows its mark at once; sides are chosen anew when the view changes,
 * otherwise a few times a second. One that finds no place is left out where its mark says enough without it. */

import { PLANE } from "./layers.mjs";

const PAUSE_MS = 300;
const ON_WORDS = 100; // what it costs to lie on another word
const ON_MARK = 10; // on a mark that people look for
const TURNS = 5; // to change sides
const OVER_TEAMS = new Set([PLANE.alert, PLANE.p3, PLANE.p2, PLANE.p1, PLANE.urgent, PLANE.selected]);
const LOOKED_FOR = new Set([PLANE.team, ...OVER_TEAMS]);
const CELL = 96; // px of the grid in which words are compared

/** A side: −1 left, 0 centred, 1 right of the mark; then how far away, and how far down, CSS px. @typedef {[number, number, number]} Side */

/** The corners of a mark, for a number: above first, or below. @returns {Side[]} */
export function corners(size, first = -1) {
  const out = size * 0.56,
    up = size * 0.42 * first;
  return [[1, out, up], [1, out, -up], [-1, out, up], [-1, out, -up]];
}
/** Beside, below and above a mark, for a name. @returns {Side[]} */
export function around(size) {
  return [[1, size * 0.68, 0], [-1, size * 0.68, 0], [0, 0, size * 0.95], [0, 0, size * -0.95]];
}

export class Captions {
  /** @param {import("./map.mjs").CityMap} map */
  constructor(map) {
    this.map = map;
    this.held = new Map(); // slot of the words → how they are
    this.settled_at = -Infinity;
    this.stale = false;
    this.later = 0;
  }

  /** Words at the mark in the slot `of`. @param {{of: number, sprite: import("./atlas.mjs").Sprite, sides: Side[], rank: number, needed?: boolean, name?: boolean}} how
   *   `rank`: the lower, the earlier it chooses; `needed`: shown whatever it lies on, and whatever lies on its mark; `name`: it says whose it is */
  set(slot, how) {
    const held = this.held.get(slot),
      [x, y] = this.#mark(how.of),
      side = held && how.sides[held.side] ? held.side : 0;
    const same = held && held.x === x && held.y === y && held.sprite === how.sprite && held.rank === how.rank;
    if (!same) this.stale = true;
    const one = { needed: false, ...how, slot, x, y, side, out: held?.out ?? false };
    this.held.set(slot, one);
    this.#put(one);
  }
  drop(slot) {
    if (this.held.delete(slot)) this.stale = true;
  }

  /** Choose sides, where something moved. `anew`: at once, since everything did. */
  settle(anew) {
    if (!this.stale) return;
    const now = performance.now(),
      wait = this.settled_at + PAUSE_MS - now;
    if (!anew && wait > 0) {
      this.later ||= setTimeout(() => {
        this.later = 0;
        this.map.ask();
      }, wait);
      return;
    }
    this.stale = false;
    this.settled_at = now;
    const { w, h } = this.map.picture,
      placed = new Map(),
      seen = [...this.held.values()].filter(({ x, y }) => x >= 0 && y >= 0 && x < w && y < h);
    for (const one of seen.sort((a, b) => a.rank - b.rank || a.slot - b.slot)) this.#choose(one, placed);
  }

  #choose(one, placed) {
    const { picture } = this.map,
      { of, side: before, needed, x, y } = one,
      covered = !needed && !one.name && picture.under(x, y, x, y, OVER_TEAMS, of) > 0; // whose number it is, nobody could tell
    let best = Infinity;
    for (let side = 0; side < one.sides.length; side++) {
      const box = this.#box(one, one.sides[side]),
        words = overlaps(placed, box) ? ON_WORDS : 0,
        cost = words + ON_MARK * picture.under(...box, LOOKED_FOR, of) + side + (side === before ? 0 : TURNS);
      if (cost >= best) continue;
      Object.assign(one, { side, out: covered || (words > 0 && !needed) });
      best = cost;
    }
    if (!one.out) enter(placed, this.#box(one, one.sides[one.side]));
    this.#put(one);
  }

  #mark(of) {
    const { wx, wy, scaleTo, origin, ratio } = this.map;
    return [Math.round((wx[of] * scaleTo - origin.x) * ratio), Math.round((wy[of] * scaleTo - origin.y) * ratio)];
  }
  /** The point of its sprite, device px. */
  #point({ x, y, sprite }, [way, away, down]) {
    const { ratio } = this.map,
      inner = sprite.w + 2 * sprite.ox; // without the halo on both sides
    return [x + Math.round(way > 0 ? away * ratio : way < 0 ? -away * ratio - inner : -inner / 2), y + Math.round(down * ratio)];
  }
  /** What its letters cover, device px. */
  #box(one, side) {
    const [x, y] = this.#point(one, side),
      { w, h, ox } = one.sprite;
    return [x, Math.round(y - h * 0.36), x + w + 2 * ox, Math.round(y + h * 0.36)];
  }
  #put(one) {
    const [x, y] = this.#point(one, one.sides[one.side]);
    this.map.picture.place(one.slot, x, y, one.out ? null : one.sprite, PLANE.label);
  }
}

const cellsOf = ([x0, y0, x1, y1]) => {
  const found = [];
  for (let cx = Math.floor(x0 / CELL); cx <= Math.floor(x1 / CELL); cx++)
    for (let cy = Math.floor(y0 / CELL); cy <= Math.floor(y1 / CELL); cy++) found.push(cx * 4096 + cy);
  return found;
};
function enter(placed, box) {
  for (const cell of cellsOf(box))
    if (placed.has(cell)) placed.get(cell).push(box);
    else placed.set(cell, [box]);
}
const overlaps = (placed, box) => cellsOf(box).some((cell) => placed.get(cell)?.some((other) => crosses(box, other)));
const crosses = (a, b) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];
