/** The browser's copy of what everybody sees: keyed tables, one generic upsert of whole rows, no rule of the domain. Knows no element and no socket. */

export const TABLES = [
  "alerts",
  "incidents",
  "assignments",
  "teams",
  "sources",
  "complaints",
  "out_of_service",
  "claims",
  "handovers",
  "trainings",
  "floods",
  "posts",
  "screens",
];
const TELEMETRY = ["sensors", "cells", "teams", "sources"];

const CRC = (() => {
  const table = new Uint32Array(256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    table[n] = c >>> 0;
  }
  return table;
})();
const encoder = new TextEncoder();
/** CRC-32 (the one of zip) of a text's UTF-8 bytes. */
export function crc32(words) {
  let c = 0xffffffff,
    i = 0;
  for (; i < words.length; i++) {
    const code = words.charCodeAt(i);
    if (code > 127) break; // ids are ASCII as a rule; ten thousand encodings are a long task
    c = CRC[(c ^ code) & 0xff] ^ (c >>> 8);
  }
  if (i === words.length) return (c ^ 0xffffffff) >>> 0;
  c = 0xffffffff;
  for (const byte of encoder.encode(words)) c = CRC[(c ^ byte) & 0xff] ^ (c >>> 8);
  return (c ^ 0xffffffff) >>> 0;
}

/** @typedef {Object<string, any>} Row */

export class Store {
  constructor() {
    /** @type {Object<string, Map<string, Row>>} */
    this.tables = Object.fromEntries(TABLES.map((name) => [name, new Map()]));
    this.telemetry = Object.fromEntries(TELEMETRY.map((name) => [name, new Map()]));
    /** @type {Map<string, Row>} */ this.kpi = new Map();
    /** @type {Map<string, Row>} */ this.rejected = new Map();
    /** @type {Map<string, Row>} */ this.details = new Map();
    this.health = null; // lists for the supervisor, and what a flood asks
    this.seq = null;
    this.coming = null; // parts of a snapshot that is not here as a whole
    this.pack = null;
    /** How each wall is doing, where that is asked for. @type {Map<string, Row>} */ this.screens = new Map();
    /** Who looks at which incident now. @type {Map<string, {name: string, role: string, seat: string}[]>} */ this.presence = new Map();
    this.code = "";
    this.me = null; // how this screen's person stands in the journal
    this.checked = null; // {at, holds}: the last comparison with the store of the server
    this.listeners = new Map();
  }

  /** Be told after a message about `topic` was applied: a table (with the Set of ids touched), `telemetry`, `kpi`, `changes`, … */
  on(topic, tell) {
    if (!this.listeners.has(topic)) this.listeners.set(topic, new Set());
    this.listeners.get(topic).add(tell);
    return () => this.listeners.get(topic).delete(tell);
  }
  tell(topic, what) {
    for (const one of this.listeners.get(topic) ?? []) one(what);
  }

  /** Apply one message of the channel. Unknown types and unknown tables are skipped: a newer server may say more. */
  apply(message) {
    const how = this[`apply_${message.type}`];
    if (how) how.call(this, message);
  }

  /** The whole picture; a large one comes in parts, so that none of them keeps the page from its work, and counts with the last. */
  apply_snapshot({ seq, pack, part = 0, parts = 1, rows }) {
    if (part === 0) this.coming = { next: 0, rows: Object.fromEntries(TABLES.map((name) => [name, new Map()])) };
    if (this.coming?.next !== part) return; // its beginning is not here
    this.coming.next++;
    for (const name of TABLES) for (const id in rows?.[name]) this.coming.rows[name].set(id, rows[name][id]);
    if (part < parts - 1) return;
    const whole = this.coming.rows;
    this.coming = null;
    this.seq = seq;
    this.pack = pack ?? this.pack;
    for (const name of TABLES) {
      const touched = new Set(this.tables[name].keys());
      this.tables[name] = whole[name];
      for (const id of this.tables[name].keys()) touched.add(id);
      this.tell(name, touched);
    }
    this.tell("snapshot", seq);
  }

  apply_changes({ seq, changes }) {
    const touched = new Map();
    for (const change of changes)
      for (const name of Object.keys(change.rows ?? {})) {
        const table = this.tables[name];
        if (!table) continue;
        if (!touched.has(name)) touched.set(name, new Set());
        for (const [id, row] of Object.entries(change.rows[name])) {
          if (row === null) table.delete(id);
          else table.set(id, row);
          touched.get(name).add(id);
        }
      }
    this.seq = seq;
    for (const [name, ids] of touched) this.tell(name, ids);
    this.tell("changes", changes);
  }

  apply_telemetry({ whole, rows }) {
    for (const name of TELEMETRY) {
      const given = rows?.[name],
        table = this.telemetry[name];
      if (whole && (name === "sensors" || name === "cells" || given)) table.clear();
      for (const id in given)
        if (given[id] === null) table.delete(id);
        else table.set(id, given[id]);
    }
    this.tell("telemetry", { whole: Boolean(whole), rows: rows ?? {} });
  }

  /** Of a figure that is held only what differs comes; the last point of its series is its value, and the moment is one for all. */
  apply_kpi({ at_ms, rows }) {
    for (const [key, row] of Object.entries(rows))
      if (row === null) this.kpi.delete(key);
      else this.kpi.set(key, figureWith(this.kpi.get(key), row));
    if (at_ms) for (const [key, row] of this.kpi) this.kpi.set(key, { ...row, at_ms });
    this.tell("kpi", rows);
  }

  apply_health({ type, ...health }) {
    this.health = health;
    this.tell("health", health);
  }

  apply_detail(detail) {
    const known = this.details.get(detail.topic) ?? {};
    this.details.set(detail.topic, { ...known, ...detail });
    this.tell("detail", detail.topic);
  }

  apply_presence({ rows }) {
    this.presence = new Map(Object.entries(rows));
    this.tell("presence", this.presence);
  }

  apply_screens({ whole, rows }) {
    if (whole) this.screens.clear();
    for (const [id, row] of Object.entries(rows))
      if (row === null) this.screens.delete(id);
      else this.screens.set(id, row);
    this.tell("walls", rows);
  }

  apply_you({ who, code = "" }) {
    this.me = who;
    this.code = code; // of this wall, by which it is enrolled
    this.tell("you", who);
  }

  apply_rejected({ rows }) {
    for (const row of rows) this.rejected.set(row.id, row);
    this.tell("rejected", rows);
  }

  /** Compare with what the server says it holds: count and xor of crc32("id:version") of every row. */
  apply_digest({ topics }) {
    const wrong = Object.keys(topics).filter((name) => this.tables[name] && !same(this.digest(name), topics[name]));
    this.checked = { at: Date.now(), holds: wrong.length === 0, wrong };
    this.tell("digest", this.checked);
  }

  /** @returns {[number, number]} count and xor of one table */
  digest(name) {
    let xor = 0;
    for (const [id, row] of this.tables[name]) xor ^= crc32(`${id}:${row.version ?? 0}`);
    return [this.tables[name].size, xor >>> 0];
  }

  /** What this screen holds, as `ControlRoom.view()` says it. */
  view() {
    return {
      seq: this.seq,
      rows: Object.fromEntries(TABLES.map((name) => [name, Object.fromEntries(this.tables[name])])),
    };
  }
}

function figureWith(held, row) {
  const next = { ...held, ...row };
  if ("value" in row && !row.series && held?.series?.length) next.series = [...held.series.slice(0, -1), row.value];
  return next;
}

const same = (a, b) => a[0] === b[0] && a[1] >>> 0 === b[1] >>> 0;
