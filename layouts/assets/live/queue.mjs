/** The queue: one ordered list by tab, urgent rows in a strip above, and no row that moves while a hand is on it.
 *
 * A list of our own, not a grid: rows have one height, so that a window of some thirty nodes over two thousand rows is a page of code, and holding the
 * order still under pointer and focus — what this list is for — needs no fight with a grid's own row moving. */

import { dress, fill, h, keyed, text } from "./dom.mjs";
import { calledNode } from "./escalation.mjs";
import { heldOf, words as holdWords } from "./hold.mjs";
import { isHand, isHeld, isOpen, isUnack, shelf } from "./lifecycle.mjs";
import { eachSecond, soon } from "./loop.mjs";
import { icon, incidentMark, sensorMark, svg } from "./marks.mjs";
import { leftNode, timeLeft } from "./parts.mjs";
import { ago } from "./time.mjs";
import { decides } from "./verbs.mjs";
import { category, named, rule, t, where, word } from "./words.mjs";

const ROW_PX = 54;
const HOLD_MS = 10_000; // after the pointer left or the last key: then the order may follow
const TABS = ["decide", "hand", "others", "no_place", "later"];
const SOMETIMES = new Set(["no_place", "later"]); // shown only while there is something in them
const METER = 14,
  LINE = 10,
  METER_MS = 600_000;

/** Priority, then time left, then age; ties by id. */
export function inOrder(a, b) {
  return (
    a.row.priority - b.row.priority ||
    (a.row.due_ms ?? Infinity) - (b.row.due_ms ?? Infinity) ||
    at(a.row) - at(b.row) ||
    (a.id < b.id ? -1 : 1)
  );
}
const at = (row) => row.reported_at_ms ?? row.raised_at_ms ?? row.since_ms ?? 0;
/** What comes back first; what has no end, last. */
const byEnd = (a, b) =>
  (a.row.due_ms ?? Infinity) - (b.row.due_ms ?? Infinity) || at(a.row) - at(b.row) || (a.id < b.id ? -1 : 1);

export class Queue {
  constructor(box, { store, clock, person, sender, claims, onPick }) {
    Object.assign(this, { box, store, clock, person, sender, claims, onPick });
    this.tab = "decide";
    this.order = [];
    this.strip = []; // as shown: keys `table id`
    this.entries = new Map(); // key → {table, id, row}
    this.selected = null;
    this.marked = new Set(); // keys that a verb is for instead of the selected one
    this.onMarked = () => {};
    this.inside = false;
    this.touched = -Infinity;
    this.waiting = { fresh: 0, urgent: 0 };
    this.#build();
    for (const table of ["incidents", "alerts", "complaints", "out_of_service"])
      store.on(table, () => soon(this.refresh));
    store.on("claims", () => soon(this.draw));
    claims.live.on("presence", () => soon(this.draw));
    store.on("snapshot", () => this.take());
    sender.on(() => soon(this.draw));
    eachSecond(() => {
      if (this.#free() && this.stale) this.take();
      else soon(this.draw);
      soon(this.meter);
    });
  }

  #build() {
    this.tabs = TABS.map((name) => {
      const n = h("b");
      const node = h(
        "button",
        { type: "button", class: "tab", onclick: () => this.show(name) },
        t(`label.tab_${name}`),
        n,
      );
      return { name, node, n };
    });
    const cells = Array.from({ length: METER }, () => h("i")),
      figure = h("span");
    cells[LINE].classList.add("line");
    this.load = { cells, figure };
    this.head = h(
      "div",
      { class: "phead" },
      h(
        "div",
        { class: "tabs", role: "tablist" },
        this.tabs.map(({ node }) => node),
      ),
      h("span", { class: "load", title: t("label.load_hint") }, h("span", { class: "cells" }, cells), figure),
    );
    this.stripBox = h("div", { class: "strip" });
    const fresh = h("b"),
      urgent = h("span", { class: "soft" });
    this.pill = h(
      "button",
      { type: "button", class: "pill", hidden: true, onclick: () => this.take() },
      fresh,
      urgent,
      h("kbd", null, "N"),
    );
    this.pill.parts = { fresh, urgent };
    this.tall = h("div", { class: "tall" });
    this.list = h("div", { class: "list", role: "listbox", "aria-label": t("label.queue") }, this.tall);
    this.blank = h("div", { class: "blank", hidden: true });
    fill(this.box, this.head, this.stripBox, this.pill, this.list, this.blank);
    this.list.addEventListener("scroll", () => soon(this.draw), { passive: true });
    this.box.addEventListener("pointerenter", () => {
      this.inside = true;
    });
    this.box.addEventListener(
      "pointermove",
      () => {
        this.inside = true;
      },
      { passive: true },
    );
    this.box.addEventListener("pointerleave", () => {
      this.inside = false;
      this.touched = performance.now();
    });
    this.refresh = () => this.#refresh();
    this.draw = () => this.#draw();
    this.meter = () => this.#meter();
    new ResizeObserver(() => soon(this.draw)).observe(this.list);
  }

  /** Somebody used a key on a row: the order holds still for a while. */
  touch() {
    this.touched = performance.now();
  }
  #free() {
    return !this.store.frozen && !this.inside && performance.now() - this.touched > HOLD_MS;
  }

  /* ---- what belongs here ---------------------------------------------------------------------------------------------- */

  #sort() {
    const role = this.person.role,
      tabs = Object.fromEntries(TABS.map((name) => [name, []]));
    const put = (table, id, row, tab) => tabs[tab].push({ key: `${table} ${id}`, table, id, row });
    for (const [id, row] of this.store.tables.incidents)
      if (isOpen(row))
        put("incidents", id, row, decides("incidents", row, role) ? "decide" : isHand(row) ? "hand" : "others");
    for (const [id, row] of this.store.tables.alerts)
      if (row.state === "shelved") put("alerts", id, { ...row, ...shelf(row) }, "later");
      else if (!row.incident && (row.state === "active" || row.state === "returned"))
        put("alerts", id, row, decides("alerts", row, role) ? "decide" : "others");
    for (const [id, row] of this.store.tables.complaints)
      if (row.state === "no_place") put("complaints", id, { ...row, priority: 3 }, "no_place");
    for (const [id, row] of this.store.tables.out_of_service)
      put("out_of_service", id, { ...row, state: "out_of_service", priority: 3 }, "later");
    for (const name of TABS) tabs[name].sort(name === "later" ? byEnd : inOrder);
    return tabs;
  }

  #refresh() {
    this.found = this.#sort();
    this.#count();
    const now = new Map(this.found[this.tab].map((entry) => [entry.key, entry]));
    const shown = new Set([...this.order, ...this.strip]);
    const fresh = [...now.values()].filter((entry) => !shown.has(entry.key));
    const urgent = fresh.filter((entry) => entry.row.priority === 1);
    for (const key of shown) {
      const entry = now.get(key) ?? this.#moved(key);
      if (entry) this.entries.set(key, entry);
      else this.entries.delete(key);
    }
    const wanted = this.found[this.tab].filter((entry) => !this.#above(entry)).map((entry) => entry.key);
    this.stale =
      fresh.length > 0 || wanted.length !== this.order.length || wanted.some((key, i) => key !== this.order[i]);
    if (this.#free()) return this.take();
    if (urgent.length && this.tab === "decide") this.#raise(urgent);
    this.waiting = { fresh: fresh.length, urgent: urgent.length };
    return this.draw();
  }
  #above(entry) {
    return this.tab === "decide" && entry.row.priority === 1;
  }
  /** A row that left this tab keeps its place, dimmed, until the order is taken in. */
  #moved(key) {
    const [table, id] = split(key),
      row = this.store.tables[table]?.get(id);
    return row
      ? {
          key,
          table,
          id,
          row: { priority: 3, ...(table === "out_of_service" && { state: table }), ...row },
          gone: true,
        }
      : this.entries.get(key) && { ...this.entries.get(key), gone: true };
  }
  /** New urgent rows show above at once; the list below is scrolled by as much, so that no row moves. */
  #raise(urgent) {
    for (const entry of urgent) {
      this.entries.set(entry.key, entry);
      this.strip.push(entry.key);
    }
    this.list.scrollTop += urgent.length * ROW_PX;
  }

  /** Take in what waits: the order of now. */
  take() {
    this.found = this.#sort();
    const all = this.found[this.tab];
    this.entries = new Map(all.map((entry) => [entry.key, entry]));
    this.strip = all
      .filter((entry) => this.#above(entry))
      .sort((a, b) => isUnack(b.row) - isUnack(a.row))
      .map((entry) => entry.key);
    this.order = all.filter((entry) => !this.#above(entry)).map((entry) => entry.key);
    this.#keepMarks();
    this.stale = false;
    this.waiting = { fresh: 0, urgent: 0 };
    this.#count();
    this.#draw();
  }
  #count() {
    for (const { name, n, node } of this.tabs) {
      text(n, this.found[name].length);
      if (SOMETIMES.has(name)) node.hidden = this.found[name].length === 0 && this.tab !== name;
    }
    const shown = this.tabs.filter(({ node }) => !node.hidden).length;
    this.head.classList.toggle("four", shown > 3);
    this.head.classList.toggle("five", shown > 4);
  }
  show(tab) {
    this.tab = tab;
    this.list.scrollTop = 0;
    this.take();
  }

  /* ---- selection and focus --------------------------------------------------------------------------------------------- */

  get keys() {
    return [...this.strip, ...this.order];
  }
  /** Move by so many rows from the selected one. */
  move(by) {
    const keys = this.keys,
      from = keys.indexOf(this.selected);
    if (!keys.length) return;
    this.touch();
    this.pick(keys[Math.max(0, Math.min(keys.length - 1, from < 0 ? 0 : from + by))], true);
  }
  /** The next row that waits for a decision, after an action on the present one. */
  next() {
    const keys = this.keys.filter((key) => !this.entries.get(key)?.gone || key === this.selected),
      from = keys.indexOf(this.selected);
    const next = keys[from + 1] ?? keys[from - 1];
    if (next) this.pick(next, true);
  }
  /** @param {string|null} key `table id` @param {boolean} [focus] */
  pick(key, focus = false) {
    const changed = this.selected !== key;
    this.selected = key;
    if (key) this.#reveal(key);
    this.#draw();
    if (focus && key) this.box.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
    if (changed) this.onPick(key ? { table: split(key)[0], id: split(key)[1] } : null);
  }
  /* ---- rows that are marked: `bulk.mjs` says what becomes of them ---------------------------------------------------------- */

  /** What is known of a row of this tab. @returns {{table: string, id: string, row: object}|undefined} */
  entryOf(key) {
    return this.entries.get(key);
  }
  /** The keys that a verb is for: marked rows, else the selected one. */
  targets() {
    const keys = this.marked.size ? this.keys.filter((key) => this.marked.has(key)) : [this.selected];
    return keys.filter((key) => this.entries.has(key));
  }
  mark(keys, on = true) {
    for (const key of keys)
      if (on) this.marked.add(key);
      else this.marked.delete(key);
    this.#draw();
    this.onMarked();
  }
  unmark() {
    this.marked.clear();
    this.mark([]);
  }
  /** What has left this tab is no longer marked. */
  #keepMarks() {
    const left = [...this.marked].filter((key) => !this.entries.has(key));
    if (left.length) this.mark(left, false);
  }
  #reveal(key) {
    const i = this.order.indexOf(key);
    if (i < 0) return;
    const top = i * ROW_PX,
      { scrollTop, clientHeight } = this.list;
    if (top < scrollTop) this.list.scrollTop = top;
    else if (top + ROW_PX > scrollTop + clientHeight) this.list.scrollTop = top + ROW_PX - clientHeight;
  }

  /* ---- drawing ---------------------------------------------------------------------------------------------------------- */

  #draw() {
    for (const { name, node } of this.tabs) {
      dress(node, `tab${name === this.tab ? " on" : ""}`);
      node.setAttribute("aria-selected", String(name === this.tab));
    }
    const { fresh, urgent } = this.waiting;
    this.pill.hidden = fresh === 0;
    if (fresh) {
      text(this.pill.parts.fresh, t("label.new_n", { n: fresh }));
      text(this.pill.parts.urgent, urgent ? t("label.urgent_n", { n: urgent }) : "");
      this.pill.parts.urgent.hidden = !urgent;
    }
    const update = (node, key) => this.#row(node, key);
    keyed(
      this.stripBox,
      this.strip.filter((key) => this.entries.has(key)),
      (key) => key,
      () => this.#make(),
      update,
    );
    const high = this.list.clientHeight || 600,
      first = Math.max(0, Math.floor(this.list.scrollTop / ROW_PX) - 4),
      last = Math.min(this.order.length, Math.ceil((this.list.scrollTop + high) / ROW_PX) + 4);
    this.tall.style.height = `${this.order.length * ROW_PX}px`;
    const window_ = this.order.slice(first, last).filter((key) => this.entries.has(key));
    const focused = document.activeElement?.dataset?.key;
    keyed(
      this.tall,
      window_,
      (key) => key,
      () => this.#make(),
      (node, key) => {
        const top = `translateY(${this.order.indexOf(key, first) * ROW_PX}px)`;
        if (node.style.transform !== top) node.style.transform = top;
        update(node, key);
      },
    );
    if (focused && document.activeElement?.dataset?.key !== focused)
      this.box.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
    const empty = this.keys.length === 0;
    if (this.blank.hidden === empty) {
      this.blank.hidden = !empty;
      this.list.hidden = empty;
    }
    if (empty) this.#empty();
  }

  #make() {
    const mark = h("span", { class: "mark" }),
      name = h("b"),
      place = h("span", { class: "clip" }),
      left = leftNode(18, true),
      id = h("i", { class: "soft" }),
      age = h("i"),
      called = calledNode(),
      more = h("i", { class: "more" }),
      state = h("i", { class: "clip" }),
      faces = h("div", { class: "faces" });
    const node = h(
      "div",
      { class: "rowq", role: "option", tabindex: -1 },
      mark,
      h("div", { class: "l1" }, name, place),
      left,
      h("div", { class: "l2" }, id, age, called, more, state),
      faces,
    );
    node.parts = { mark, name, place, left, id, age, called, more, state, faces };
    node.addEventListener("click", (event) => {
      this.touch();
      if (event.ctrlKey || event.metaKey) this.mark([node.dataset.key], !this.marked.has(node.dataset.key));
      this.pick(node.dataset.key, true);
    });
    return node;
  }

  #row(node, key) {
    const entry = this.entries.get(key),
      { table, row, gone } = entry,
      { mark, name, place, left, id, age, called, more, state, faces } = node.parts,
      on = key === this.selected,
      now = (row.priority === 1 ? this.store.running : this.clock).now(); // what is urgent goes on in a frozen page
    if (node.dataset.key !== key) node.dataset.key = key;
    const unack = table === "incidents" ? isUnack(row) : table === "alerts" && row.state === "active";
    const words = this.sender.words(key),
      refused = this.sender.refused.has(key);
    dress(
      node,
      `rowq p${row.priority}${on ? " on" : ""}${unack && row.priority === 1 ? " unack" : ""}${gone ? " done" : ""}${refused ? " refused" : ""}${this.marked.has(key) ? " marked" : ""}`,
    );
    node.setAttribute("aria-selected", String(on));
    node.setAttribute("aria-checked", String(this.marked.has(key)));
    node.tabIndex = on || (!this.selected && this.keys[0] === key) ? 0 : -1;
    const look =
      table === "incidents" ? `i${row.priority}${isHand(row)}${unack}` : `${table}${row.state}${row.priority}`;
    if (mark.dataset.look !== look) {
      mark.dataset.look = look;
      fill(
        mark,
        table === "incidents"
          ? svg(incidentMark(row.priority, { hand: isHand(row), unack }), 20, {
              name: t("label.priority", { p: row.priority }),
            })
          : table === "alerts" || table === "out_of_service"
            ? svg(sensorMark(row.state, row.priority), 20, { name: word("alert", row.state) })
            : icon("place", 18),
      );
    }
    text(
      name,
      table === "alerts"
        ? named(rule(row.rule)) || row.rule
        : table === "out_of_service"
          ? row.id
          : category(row.category),
    );
    text(
      place,
      table === "complaints"
        ? row.address || row.text
        : table === "out_of_service"
          ? word("reason", row.reason)
          : where(row),
    );
    left.show(gone ? null : timeLeft(row, now));
    text(
      id,
      table === "incidents"
        ? `#${row.number}`
        : table === "alerts"
          ? subjectOf(row)
          : table === "out_of_service"
            ? word("service", row.kind)
            : word("channel", row.channel),
    );
    text(age, ago((now - at(row)) / 1000));
    called.show(row);
    const merged = row.merged > 0 ? row.merged : 0;
    if (more.dataset.n !== String(merged)) {
      more.dataset.n = String(merged);
      fill(more, merged ? [icon("merge", 13), t("label.merged_n", { n: merged })] : []);
      more.hidden = !merged;
    }
    const held = table === "incidents" && isHeld(row) && heldOf(this.store, row);
    const says = held
      ? holdWords(held, this.clock, this.sender.channel)
      : word(table === "incidents" ? "state" : "alert", row.state);
    text(state, words || says);
    dress(state, words ? (refused ? "clip refusal" : "clip sending") : "clip");
    state.title = words;
    const seenBy = row.shelved_by ?? row.acknowledged_by ?? (table === "out_of_service" ? row.by : "");
    this.claims.faces(faces, { table, id: entry.id }, seenBy);
  }

  #meter() {
    const now = this.clock.now();
    let n = 0;
    for (const { row } of this.found?.decide ?? []) if (now - (row.received_at_ms ?? 0) < METER_MS) n++;
    for (const row of this.store.tables.incidents.values())
      if (isHand(row) && row.dispatched_at_ms && now - row.received_at_ms < METER_MS) n++;
    if (this.load.n === n) return;
    this.load.n = n;
    this.load.cells.forEach((cell, i) =>
      dress(cell, `${i < n ? (i >= LINE ? "over" : "on") : ""}${i === LINE ? " line" : ""}`),
    );
    text(this.load.figure, t("label.per_10min", { n }));
  }

  /** Nothing waits: proof of life instead of an empty list. */
  #empty() {
    const loaded = this.store.seq !== null,
      key = `${this.tab} ${loaded}`;
    if (this.blank.dataset.key !== key) {
      this.blank.dataset.key = key;
      fill(
        this.blank,
        h("h3", null, t(loaded ? `label.empty_${this.tab}` : "label.loading")),
        h("p", null, t(loaded ? "label.empty_hint" : "label.loading_hint")),
        h("ul"),
      );
    }
    if (!loaded) return;
    const rows = [...this.store.tables.sources.values()].slice(0, 4).map((row) => {
      const heard = this.store.telemetry.sources.get(row.id)?.[0];
      return [
        row.id,
        `${word("source_kind", row.kind)} ${row.id}`,
        heard ? ago((this.clock.now() - heard) / 1000) : word("source", row.state),
      ];
    });
    const { checked } = this.store;
    if (checked)
      rows.push([
        "=",
        t(checked.holds ? "label.screen_equals_store" : "honesty.doubt"),
        ago((Date.now() - checked.at) / 1000),
      ]);
    keyed(
      this.blank.lastChild,
      rows,
      ([id]) => id,
      () => h("li", null, h("b"), h("span")),
      (node, [, what, since]) => {
        text(node.firstChild, what);
        text(node.lastChild, since);
      },
    );
  }
}

/** What an alert is about: a sensor by its id, a burst by its class. */
export const subjectOf = (row) => (row.kind === "burst" ? category(row.subject.split("@")[0]) : row.subject);
const split = (key) => {
  const i = key.indexOf(" ");
  return [key.slice(0, i), key.slice(i + 1)];
};
