/** The frozen page: the views look at the store through this, and while it is frozen they see what was there when F8 was pressed.
 *
 * The store itself goes on, so that leaving takes everything in at once. What comes through meanwhile: priority one, what this seat itself works on,
 * the state of the sources, and what a person asks for (a detail not yet loaded, the part of the map moved to). */

import { h, text } from "./dom.mjs";
import { icon } from "./marks.mjs";
import { TABLES } from "./store.mjs";
import { timeOfDay } from "./time.mjs";
import { t } from "./words.mjs";

const HELD = TABLES.filter((name) => name !== "sources");
const WATCHED = ["incidents", "alerts"];

export class Shown {
  /** @param {import("./store.mjs").Store} store @param {import("./time.mjs").CityClock} clock */
  constructor(store, clock) {
    Object.assign(this, { store, running: clock, held: null, moved: false });
    this.worked = new Set(); // ids this seat worked on since the page was frozen
    this.listeners = new Map();
    /** The clock of what is shown: ages and rings stand still with the rows. */
    this.clock = Object.assign(Object.create(clock), { now: () => this.held?.at ?? clock.now() });
    for (const name of HELD) store.on(name, (ids) => this.held || this.tell(name, ids));
    store.on("sources", (ids) => {
      if (this.held) this.held.tables.sources = store.tables.sources;
      this.tell("sources", ids);
    });
    store.on("changes", (changes) => (this.held ? this.#let(changes) : this.tell("changes", changes)));
    store.on("snapshot", (seq) => (this.held ? this.#urgent() : this.tell("snapshot", seq)));
    store.on("telemetry", (what) => (this.held ? this.#look(what) : this.tell("telemetry", what)));
    store.on("kpi", (rows) => this.held || this.tell("kpi", rows));
    store.on("detail", (topic) => this.#detail(topic));
    store.on("digest", (checked) => this.tell("digest", checked));
  }

  on(topic, tell) {
    if (!this.listeners.has(topic)) this.listeners.set(topic, new Set());
    this.listeners.get(topic).add(tell);
  }
  tell(topic, what) {
    for (const one of this.listeners.get(topic) ?? []) one(what);
  }
  get #now() {
    return this.held ?? this.store;
  }
  get tables() {
    return this.#now.tables;
  }
  get telemetry() {
    return this.#now.telemetry;
  }
  get kpi() {
    return this.#now.kpi;
  }
  get details() {
    return this.#now.details;
  }
  get seq() {
    return this.store.seq;
  }
  get checked() {
    return this.store.checked;
  }
  get frozen() {
    return this.held !== null;
  }

  freeze() {
    const { tables, telemetry, kpi, details } = this.store;
    this.worked.clear();
    this.held = {
      at: this.running.now(),
      tables: { ...copies(tables), sources: tables.sources },
      telemetry: { ...copies(telemetry), sources: telemetry.sources },
      kpi: new Map(kpi),
      details: new Map(details),
    };
    this.tell("frozen", true);
  }
  /** Take everything in at once. */
  goOn() {
    const { tables } = this.held,
      { store } = this;
    this.held = null;
    for (const name of HELD) this.tell(name, new Set([...tables[name].keys(), ...store.tables[name].keys()]));
    this.tell("telemetry", { whole: true, rows: { teams: Object.fromEntries(store.telemetry.teams) } });
    this.tell("kpi", Object.fromEntries(store.kpi));
    for (const topic of store.details.keys()) this.tell("detail", topic);
    this.tell("snapshot", store.seq);
    this.tell("frozen", false);
  }

  /** How many rows will look otherwise when it goes on. */
  waiting() {
    if (!this.held) return 0;
    let n = 0;
    for (const name of HELD) {
      const then = this.held.tables[name],
        now = this.store.tables[name];
      for (const [id, row] of now) {
        const old = then.get(id);
        if (old !== row && (!old || old.version !== row.version)) n++;
      }
      for (const id of then.keys()) if (!now.has(id)) n++;
    }
    return n;
  }

  /** This seat works on it: its row is shown as it is, and goes on. */
  work(table, id) {
    if (!this.held) return;
    this.worked.add(id);
    this.#put(table, id);
    this.#detail(`incident:${id}`);
  }
  /** A hand moved the map: the next whole telemetry is the answer to it. */
  look() {
    this.moved = true;
  }

  #put(table, id) {
    const row = this.store.tables[table]?.get(id);
    if (row) this.held.tables[table].set(id, row);
    else this.held.tables[table]?.delete(id);
    this.tell(table, new Set([id]));
  }
  #passes(id, table = "incidents") {
    return (
      this.worked.has(id) ||
      this.store.tables[table].get(id)?.priority === 1 ||
      this.held.tables[table].get(id)?.priority === 1
    );
  }
  #let(changes) {
    for (const { rows = {}, incident } of changes) {
      const ids = WATCHED.flatMap((table) => Object.keys(rows[table] ?? {}).map((id) => [id, table]));
      const orders = Object.entries(rows.assignments ?? {}).map(([id, row]) => [row?.incident ?? id]);
      if (![...ids, ...orders, [incident]].some(([id, table]) => id && this.#passes(id, table))) continue;
      for (const table of HELD) for (const id of Object.keys(rows[table] ?? {})) this.#put(table, id);
    }
  }
  /** After a whole picture: what is urgent in it. */
  #urgent() {
    for (const table of WATCHED) {
      const ids = new Set([...this.store.tables[table].keys(), ...this.held.tables[table].keys()]);
      for (const id of ids)
        if (this.#passes(id, table) && this.held.tables[table].get(id) !== this.store.tables[table].get(id))
          this.#put(table, id);
    }
  }
  #look({ whole, rows }) {
    if (!whole || !this.moved) return;
    this.moved = false;
    const { sensors, cells } = copies(this.store.telemetry);
    Object.assign(this.held.telemetry, { sensors, cells });
    this.tell("telemetry", { whole, rows: { sensors: rows.sensors, cells: rows.cells } });
  }
  /** What was shown of a subject stays; what was not there yet was asked for. */
  #detail(topic) {
    if (this.held) {
      const live = this.store.details.get(topic);
      if (!live) return;
      const then = this.#passes(topic.replace("incident:", "")) ? {} : this.held.details.get(topic);
      this.held.details.set(topic, { ...live, ...then });
    }
    this.tell("detail", topic);
  }
}

const copies = (maps) => Object.fromEntries(Object.entries(maps).map(([name, rows]) => [name, new Map(rows)]));

/** The button of the bar, and the sentence that stands as long as the page is frozen. @param {Shown} shown */
export function freezeButton(shown) {
  const name = h("span"),
    since = h("b", { role: "status" }), // said once; the count beside it is for the eye
    wait = h("span"),
    press = () => {
      if (shown.frozen) shown.goOn();
      else shown.freeze();
    },
    node = h(
      "button",
      { type: "button", class: "barbtn", onclick: press, title: t("key.freeze") },
      icon("freeze"),
      name,
      h("kbd", null, "F8"),
    ),
    chip = h("button", { type: "button", class: "chip frozen", onclick: press }, since, wait);
  const draw = () => {
    const { frozen } = shown;
    node.setAttribute("aria-pressed", String(frozen));
    node.setAttribute("aria-label", t(frozen ? "label.frozen" : "label.freeze"));
    text(name, t(frozen ? "label.frozen" : "label.freeze"));
    chip.hidden = !frozen;
    text(since, frozen ? t("label.frozen_since", { time: timeOfDay(shown.held.at) }) : "");
    const n = shown.waiting();
    text(wait, frozen ? t(n === 1 ? "label.one_change_waits" : "label.changes_wait", { n }) : "");
  };
  shown.on("frozen", draw);
  draw();
  return { node, chip, press, draw };
}
