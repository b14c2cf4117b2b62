/** Which things of one kind lie on each other at a zoom, and which of them speaks for the rest. Pure: knows neither the view nor the picture.
 *
 * The grid is anchored to the world: moving the view changes nothing. Members change only when the zoom passes half a level or a thing moves. */

const WIDE = 2 ** 26; // more cells than a row of the world has at any zoom

/** Width of a cell in px: things nearer than about this lie on each other. Wider where the whole city is in view. */
const WIDTH = [
  [11, 44],
  [12, 38],
  [13, 32],
  [14, 26],
  [Infinity, 20],
];
const MARK = 17; // px that a mark takes at a desk
const widthAt = (level) => WIDTH.find(([below]) => level < below)[1];

export class Clusters {
  /** @param {(id: string) => number} rank the lowest of a cell speaks for it */
  constructor(rank) {
    this.rank = rank;
    this.at = new Map(); // id → [x, y], the world 256 wide
    this.cellOf = new Map(); // id → its cell
    this.cells = new Map(); // cell → Set of ids
    this.speaks = new Map(); // cell → the id that speaks for it
    this.joined = new Map(); // cell → the cell that shows it too
    /** @type {Set<number>} */ this.touched = new Set();
    this.grow = 1;
    this.#grid(0);
  }

  #grid(level) {
    this.level = level;
    this.size = (widthAt(level) * this.grow) / 2 ** level;
  }
  /** Cells for a zoom; everything is grouped anew where that changes them. `grow`: how much larger the marks are than at a desk.
   * @returns {boolean} whether there are other cells now */
  zoom(zoom, grow = 1) {
    const level = Math.floor(zoom * 2) / 2;
    if (level === this.level && grow === this.grow) return false;
    this.grow = grow;
    this.#grid(level);
    this.cells.clear();
    this.cellOf.clear();
    this.speaks.clear();
    this.joined.clear();
    this.touched.clear();
    for (const [id, [x, y]] of this.at) this.#enter(id, x, y);
    return true;
  }

  /** A thing is here, or looks otherwise. */
  set(id, x, y) {
    const cell = this.#cell(x, y);
    this.at.set(id, [x, y]);
    if (this.cellOf.get(id) !== cell) {
      this.#leave(id);
      this.#enter(id, x, y);
    } else this.touched.add(cell);
  }
  delete(id) {
    this.at.delete(id);
    this.#leave(id);
  }
  #cell(x, y) {
    return Math.floor(x / this.size) * WIDE + Math.floor(y / this.size);
  }
  #enter(id, x, y) {
    const cell = this.#cell(x, y);
    if (!this.cells.has(cell)) this.cells.set(cell, new Set());
    this.cells.get(cell).add(id);
    this.cellOf.set(id, cell);
    this.touched.add(cell);
  }
  #leave(id) {
    const cell = this.cellOf.get(id);
    if (cell === undefined) return;
    this.cellOf.delete(id);
    const ids = this.cells.get(cell);
    ids.delete(id);
    if (!ids.size) this.cells.delete(cell);
    this.touched.add(cell);
  }

  /** What must be drawn again: for each group its speaker and all its members, the worst first. A cell that shows nothing (any more) has no speaker. */
  settle() {
    if (!this.touched.size) return [];
    for (const cell of this.touched) {
      const ids = this.cells.get(cell);
      if (ids) this.speaks.set(cell, this.#worst(ids));
      else this.speaks.delete(cell);
    }
    this.#join();
    for (const cell of [...this.touched]) if (this.joined.has(cell)) this.touched.add(this.joined.get(cell));
    const due = [...this.touched];
    this.touched.clear();
    return due.map((cell) => {
      if (this.joined.has(cell)) return { cell, speaker: undefined, members: [] };
      const members = this.#sorted(this.#members(cell));
      return { cell, speaker: members[0], members };
    });
  }
  /** Cells whose marks lie on each other are one group, though the line between them runs through it: the worst shows the others. */
  #join() {
    const reach = (MARK * this.grow) / 2 ** this.level,
      ordered = [...this.speaks].map(([cell, id]) => [this.rank(id), id, cell]).sort(byRank),
      heads = new Set(),
      next = new Map();
    for (const [, id, cell] of ordered) {
      const head = this.#headNear(cell, this.at.get(id), reach, heads);
      if (head === undefined) heads.add(cell);
      else next.set(cell, head);
    }
    for (const cell of new Set([...next.keys(), ...this.joined.keys()])) {
      const before = this.joined.get(cell),
        now = next.get(cell);
      if (before === now && !this.touched.has(cell)) continue;
      for (const one of [cell, before, now]) if (one !== undefined) this.touched.add(one);
    }
    this.joined = next;
  }
  #headNear(cell, [x, y], reach, heads) {
    for (let dx = -1; dx <= 1; dx++)
      for (let dy = -1; dy <= 1; dy++) {
        const other = cell + dx * WIDE + dy;
        if (!heads.has(other)) continue;
        const [ox, oy] = this.at.get(this.speaks.get(other));
        if (Math.hypot(ox - x, oy - y) < reach) return other;
      }
    return undefined;
  }
  #members(cell) {
    const ids = [...(this.cells.get(cell) ?? [])];
    for (const [other, head] of this.joined) if (head === cell) ids.push(...(this.cells.get(other) ?? []));
    return ids;
  }
  #worst(ids) {
    if (ids.size === 1) return ids.values().next().value;
    return this.#sorted([...ids])[0];
  }
  #sorted(ids) {
    return ids.length < 2 ? ids : ids.map((id) => [this.rank(id), id]).sort(byRank).map(([, id]) => id);
  }

  /** Everything that is drawn as one with a thing, the worst first; the thing itself where nothing lies on it. */
  of(id) {
    const cell = this.cellOf.get(id);
    return cell === undefined ? [id] : this.#sorted(this.#members(this.joined.get(cell) ?? cell));
  }
  /** Whether a closer look takes these apart. */
  splits(ids, zoom) {
    const reach = (widthAt(zoom) * this.grow) / 2 ** zoom,
      [x0, y0] = this.at.get(ids[0]) ?? [0, 0];
    return ids.some((id) => {
      const [x, y] = this.at.get(id) ?? [x0, y0];
      return Math.hypot(x - x0, y - y0) > reach;
    });
  }
}

const byRank = (a, b) => a[0] - b[0] || (a[1] < b[1] ? -1 : 1);
