/** The map's picture: one opaque pixel buffer, marks blended into it, only the cells that changed are put on the screen.
 *
 * Knows neither Leaflet nor the city: things have a slot, a point in device pixels, a sprite and a plane. Measured without a GPU, this is the
 * only way that keeps 20,000 objects with 2,000 changes a second under a third of the main thread; paths and `drawImage` need two to three times that. */

const CELL = 32;
export const PLANES = 13;

export class Picture {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { alpha: false });
    this.room = 1024;
    this.x = new Int32Array(this.room);
    this.y = new Int32Array(this.room);
    this.plane = new Uint8Array(this.room);
    this.cell = new Int32Array(this.room).fill(-1); // the cell whose list it is in; -1: far outside
    this.next = new Int32Array(this.room).fill(-1);
    this.prev = new Int32Array(this.room).fill(-1);
    /** @type {(import("./atlas.mjs").Sprite|null)[]} */ this.sprite = [];
    this.free = [];
    this.used = 0;
    this.reach = 1;
    this.painted_cells = 0;
    this.gather = Array.from({ length: PLANES }, () => []);
    this.resize(1, 1);
  }

  /** A new size in device pixels: everything must be placed again by `place`. */
  resize(w, h) {
    this.w = w;
    this.h = h;
    this.canvas.width = w;
    this.canvas.height = h;
    this.cols = Math.ceil(w / CELL);
    this.rows = Math.ceil(h / CELL);
    this.wide = this.cols + 2; // one ring of cells outside, for what looks in over the edge
    this.head = new Int32Array(this.wide * (this.rows + 2)).fill(-1);
    this.dirty = new Uint8Array(this.cols * this.rows);
    this.image = this.context.createImageData(w, h);
    this.pixels = new Uint32Array(this.image.data.buffer);
    this.ground = new Uint32Array(w * h).fill(0xff000000);
    this.cell.fill(-1);
    this.any = false;
  }

  /** What lies under all things; a copy is kept. Everything is painted again. @param {Uint32Array} pixels */
  setGround(pixels) {
    this.ground.set(pixels);
    this.all();
  }
  /** The same for a part of it, in device pixels; only the cells under it are painted again. */
  setGroundPart(x, y, w, h, pixels) {
    for (let row = 0; row < h; row++) this.ground.set(pixels.subarray(row * w, (row + 1) * w), (y + row) * this.w + x);
    this.#soil(x, y, w, h);
  }
  all() {
    this.dirty.fill(1);
    this.any = true;
  }

  /** A slot for a new thing; give it a place with `place`. */
  take() {
    const slot = this.free.pop() ?? this.used++;
    if (slot >= this.room) this.#grow();
    this.sprite[slot] = null;
    this.cell[slot] = -1;
    return slot;
  }
  drop(slot) {
    this.#touch(slot);
    this.#unlink(slot);
    this.sprite[slot] = null;
    this.free.push(slot);
  }

  /** Put a thing at a point with a sprite. Nothing is marked where nothing differs. */
  place(slot, x, y, sprite, plane) {
    x |= 0;
    y |= 0;
    if (
      this.sprite[slot] === sprite &&
      this.x[slot] === x &&
      this.y[slot] === y &&
      this.plane[slot] === plane &&
      this.cell[slot] >= 0
    )
      return;
    if (this.cell[slot] >= 0) this.#touch(slot);
    this.x[slot] = x;
    this.y[slot] = y;
    this.sprite[slot] = sprite;
    this.plane[slot] = plane;
    if (sprite)
      this.reach = Math.max(
        this.reach,
        Math.ceil(Math.max(sprite.w + sprite.ox, -sprite.ox, sprite.h + sprite.oy, -sprite.oy) / CELL),
      );
    const cx = Math.floor(x / CELL) + 1,
      cy = Math.floor(y / CELL) + 1;
    const cell = sprite && cx >= 0 && cy >= 0 && cx < this.wide && cy < this.rows + 2 ? cy * this.wide + cx : -1;
    if (cell !== this.cell[slot]) {
      this.#unlink(slot);
      if (cell >= 0) this.#link(slot, cell);
    }
    if (cell >= 0) this.#touch(slot);
  }

  #link(slot, cell) {
    const first = this.head[cell];
    this.next[slot] = first;
    this.prev[slot] = -1;
    if (first >= 0) this.prev[first] = slot;
    this.head[cell] = slot;
    this.cell[slot] = cell;
  }
  #unlink(slot) {
    const cell = this.cell[slot];
    if (cell < 0) return;
    const before = this.prev[slot],
      after = this.next[slot];
    if (before >= 0) this.next[before] = after;
    else this.head[cell] = after;
    if (after >= 0) this.prev[after] = before;
    this.cell[slot] = -1;
  }

  /** Mark the cells under a thing. */
  #touch(slot) {
    const s = this.sprite[slot];
    if (!s || this.cell[slot] < 0) return;
    this.#soil(this.x[slot] + s.ox, this.y[slot] + s.oy, s.w, s.h);
  }
  #soil(left, top, w, h) {
    const c0 = Math.max(0, left >> 5),
      c1 = Math.min(this.cols - 1, (left + w - 1) >> 5),
      r0 = Math.max(0, top >> 5),
      r1 = Math.min(this.rows - 1, (top + h - 1) >> 5);
    for (let r = r0; r <= r1; r++) for (let c = c0; c <= c1; c++) this.dirty[r * this.cols + c] = 1;
    if (c0 <= c1 && r0 <= r1) this.any = true;
  }

  /** Forget all places (the view moved): lists are emptied, slots stay. */
  lift() {
    this.head.fill(-1);
    this.cell.fill(-1);
    this.all();
  }

  /** Paint the cells that changed. @returns {number} how many cells */
  paint() {
    if (!this.any) return 0;
    this.any = false;
    let cells = 0;
    for (let r = 0; r < this.rows; r++) {
      const row = r * this.cols;
      for (let c = 0; c < this.cols; c++) {
        if (!this.dirty[row + c]) continue;
        let end = c;
        while (end < this.cols && this.dirty[row + end]) this.dirty[row + end++] = 0;
        this.#run(r, c, end);
        cells += end - c;
        c = end;
      }
    }
    this.painted_cells = cells;
    return cells;
  }

  /** One row of neighbouring cells: ground, then everything that reaches into it, plane by plane. */
  #run(r, c, end) {
    const x0 = c * CELL,
      x1 = Math.min(this.w, end * CELL),
      y0 = r * CELL,
      y1 = Math.min(this.h, y0 + CELL),
      { w, ground, pixels, gather, reach } = this;
    for (let y = y0; y < y1; y++) {
      const k = y * w;
      pixels.set(ground.subarray(k + x0, k + x1), k + x0);
    }
    const top = Math.max(0, r + 1 - reach),
      bottom = Math.min(this.rows + 1, r + 1 + reach),
      left = Math.max(0, c + 1 - reach),
      right = Math.min(this.wide - 1, end + reach);
    for (let cy = top; cy <= bottom; cy++)
      for (let cx = left; cx <= right; cx++) {
        for (let slot = this.head[cy * this.wide + cx]; slot >= 0; slot = this.next[slot]) {
          const s = this.sprite[slot],
            sx = this.x[slot] + s.ox,
            sy = this.y[slot] + s.oy;
          if (sx < x1 && sx + s.w > x0 && sy < y1 && sy + s.h > y0) gather[this.plane[slot]].push(slot);
        }
      }
    for (let plane = 0; plane < PLANES; plane++) {
      const slots = gather[plane];
      if (slots.length > 1) slots.sort(ascending); // the same order in every cell, or marks are torn at the seams
      for (let i = 0; i < slots.length; i++) this.#blend(slots[i], x0, y0, x1, y1);
      slots.length = 0;
    }
    this.context.putImageData(this.image, 0, 0, x0, y0, x1 - x0, y1 - y0);
  }

  #blend(slot, x0, y0, x1, y1) {
    const s = this.sprite[slot],
      sx = this.x[slot] + s.ox,
      sy = this.y[slot] + s.oy,
      { pixels, w } = this,
      src = s.pixels,
      sw = s.w;
    const yFrom = Math.max(y0, sy),
      yTo = Math.min(y1, sy + s.h);
    for (let y = yFrom; y < yTo; y++) {
      const row = y - sy,
        from = Math.max(s.from[row], x0 - sx),
        to = Math.min(s.to[row], x1 - sx);
      let k = row * sw + from,
        d = y * w + sx + from;
      for (let x = from; x < to; x++, k++, d++) {
        const p = src[k];
        if (p === 0) continue;
        const a = p >>> 24;
        if (a === 255) {
          pixels[d] = p;
          continue;
        }
        const g = pixels[d],
          keep = 256 - a; // 256, not 255: shifts by 8 stay exact on an empty pixel
        const rb = (((g & 0xff00ff) * keep) >>> 8) & 0xff00ff,
          gr = (((g & 0x00ff00) * keep) >>> 8) & 0x00ff00;
        pixels[d] = (0xff000000 | ((p & 0xffffff) + (rb | gr))) >>> 0;
      }
    }
  }

  /** The uppermost thing of the planes asked for, at most `within` device pixels from a point. @returns {number} slot or -1 */
  at(x, y, within, planes) {
    let best = -1,
      rank = -1,
      near = Infinity;
    const cx = Math.floor(x / CELL) + 1,
      cy = Math.floor(y / CELL) + 1;
    for (let r = Math.max(0, cy - 2); r <= Math.min(this.rows + 1, cy + 2); r++)
      for (let c = Math.max(0, cx - 2); c <= Math.min(this.wide - 1, cx + 2); c++) {
        for (let slot = this.head[r * this.wide + c]; slot >= 0; slot = this.next[slot]) {
          const plane = this.plane[slot];
          if (!planes.includes(plane)) continue;
          const away = Math.hypot(this.x[slot] - x, this.y[slot] - y),
            reach = Math.max(within, Math.min(this.sprite[slot].w, this.sprite[slot].h) / 3);
          if (away <= reach && (plane > rank || (plane === rank && away < near))) {
            best = slot;
            rank = plane;
            near = away;
          }
        }
      }
    return best;
  }

  /** How many things of these planes lie under a box of device pixels, beside one that does not count. A mark fills the middle of its sprite.
   * @param {Set<number>} planes */
  under(x0, y0, x1, y1, planes, but) {
    let found = 0;
    const far = this.reach * CELL,
      from = Math.max(0, Math.floor((x0 - far) / CELL) + 1),
      to = Math.min(this.wide - 1, Math.floor((x1 + far) / CELL) + 1);
    for (let r = Math.max(0, Math.floor((y0 - far) / CELL) + 1); r <= Math.min(this.rows + 1, Math.floor((y1 + far) / CELL) + 1); r++)
      for (let c = from; c <= to; c++)
        for (let slot = this.head[r * this.wide + c]; slot >= 0; slot = this.next[slot]) {
          if (slot === but || !planes.has(this.plane[slot])) continue;
          const half = this.sprite[slot].w / 3;
          if (this.x[slot] - half < x1 && this.x[slot] + half > x0 && this.y[slot] - half < y1 && this.y[slot] + half > y0) found++;
        }
    return found;
  }

  #grow() {
    const room = this.room * 2;
    for (const name of ["x", "y", "cell", "next", "prev"]) {
      const old = this[name];
      this[name] = new Int32Array(room).fill(-1);
      this[name].set(old);
    }
    const planes = new Uint8Array(room);
    planes.set(this.plane);
    this.plane = planes;
    this.room = room;
  }
}

const ascending = (a, b) => a - b;
