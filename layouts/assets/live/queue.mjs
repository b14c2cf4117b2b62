/** The queue: one ordered list by tab, urgent rows in a strip above, and no row that moves while a hand is on it.
 *
 * A list of our own, not a grid: rows have one height, so that a window of some thirty nodes over two thousand rows is a page of code, and holding the
 * order still under pointer and focus — what this list is for — needs no fight with a grid's own row moving. */

import { dress, fill, h, keyed, put, text } from "./dom.mjs";
import { calledNode } from "./escalation.mjs";
import { drawGroup, loadOf, seatOf } from "./flood.mjs";
import { isGroup } from "./groups.mjs";
import { heldOf, words as holdWords } from "./hold.mjs";
import { Hand } from "./hand.mjs";
import { STATE_WORDS, isHand, isHeld, isUnack } from "./lifecycle.mjs";
import { eachSecond, soon, withNews } from "./loop.mjs";
import { icon, incidentMark, sensorMark, svg } from "./marks.mjs";
import { HIDDEN, Order, TABLES, TABS, at } from "./order.mjs";
import { leftNode, timeLeft } from "./parts.mjs";
import { ago, timeOfDay } from "./time.mjs";
import { category, named, rule, t, where, word } from "./words.mjs";

const ROW_PX = 54;
const BLOCK = 8; // rows come and go by so many: scrolling by one changes nothing in the document
const STRIP_SHARE = 0.45; // of the queue, at most, for the urgent rows above (dispatch.css)
const NARROW = matchMedia("(max-width: 800px)"); // one panel at a time: what a verb on a group is for could not be seen
const TIGHT = matchMedia("(max-width: 1500px)"), // no room for the load beside any tabs
  WIDE = matchMedia("(min-width: 1751px)"); // beside four
const SETTLE_MS = 1000; // a row that came by itself is not pressed before: longer than from aim to press
const SPARED_MS = 3000; // for so long it is said that a press was not taken
const FOLLOW_MS = 1000; // the order follows by itself at most so often
const HOLD_MS = 10_000; // after the pointer left or the last key: then the order may follow
const SOMETIMES = new Set(["no_place", "later"]); // shown only while there is something in them
const TREE = { role: "tree", "aria-multiselectable": "true" }; // a group unfolds by →, rows are marked by Space
const METER = 14,
  LINE = 10;

export class Queue {
  constructor(box, { store, clock, person, sender, claims, onPick }) {
    Object.assign(this, { box, store, clock, person, sender, claims, onPick });
    this.seat = seatOf(person);
    this.tab = "decide";
    this.sorted = new Order(store, person.role, () => (clock.known() ? clock.now() : -Infinity));
    this.order = []; // as shown in the list: keys `table id`
    this.strip = []; // as shown above it
    this.shown = new Set(); // of both
    this.fresh = new Set(); // of this tab, and not shown
    this.left = new Map(); // shown though their row is gone: as they were last
    this.stops = new Set(); // where Tab stops: one row of the strip, one of the list
    this.settled = new Map(); // key → when it came to where it stands, by itself
    this.selected = null;
    this.first = null; // the item that the detail shows: the selected one, of a group its first
    this.marked = new Set(); // keys that a verb is for instead of the selected one
    this.onMarked = () => {};
    this.onCounted = () => {};
    this.touched = this.followed = this.spared = -Infinity;
    this.stale = false;
    this.least = 0; // px of the list, so that it can be scrolled though it be short
    this.stood = -1;
    this.taken_ms = null; // city time of the order that is shown
    this.#build();
    for (const table of TABLES)
      store.on(table, (ids) => {
        this.sorted.change(table, ids, (old, now) => this.#note(old, now));
        withNews(this.refresh);
      });
    store.on("claims", () => withNews(this.draw));
    claims.live.on("presence", () => withNews(this.draw));
    store.on("snapshot", () => soon(this.refresh));
    store.on("frozen", (on) => on || this.take());
    sender.on(() => soon(this.draw));
    eachSecond(() => {
      this.sorted.wake((old, now) => this.#note(old, now));
      soon(this.stale ? this.refresh : this.draw);
      soon(this.meter);
    });
  }

  #build() {
    this.tabs = TABS.map((name) => {
      const n = h("b");
      const node = h(
        "button",
        { type: "button", class: "tab", role: "tab", onclick: () => this.show(name) },
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
        { class: "tabs", role: "tablist", "aria-label": t("label.queue") },
        this.tabs.map(({ node }) => node),
      ),
      h("span", { class: "load", title: t("label.load_hint") }, h("span", { class: "cells" }, cells), figure),
    );
    this.stripTall = h("div", { class: "tall" });
    this.stripBox = h("div", { class: "strip", hidden: true, ...TREE, "aria-label": t("label.urgent") }, this.stripTall);
    const fresh = h("b"),
      urgent = h("span"),
      what = h("span", { class: "clip soft" });
    this.pill = h(
      "button",
      { type: "button", class: "pill", hidden: true, onclick: () => this.take() },
      fresh,
      urgent,
      what,
      h("kbd", null, "N"),
    );
    this.pill.parts = { fresh, urgent, what };
    this.says = h("button", { type: "button", class: "says clip", onclick: () => this.list.scrollTo({ top: 0 }) });
    this.news = h("div", { class: "news" }, this.pill, this.says);
    this.tall = h("div", { class: "tall" });
    this.list = h("div", { class: "list", ...TREE, "aria-label": t("label.queue") }, this.tall);
    this.blank = h("div", { class: "blank", hidden: true });
    fill(this.box, this.head, this.stripBox, this.news, this.list, this.blank);
    /** What is in view of strip and list, px: kept, since asking for it while drawing makes the browser lay out the page. */
    this.view = { strip: { top: 0, high: 0 }, list: { top: 0, high: 600 } };
    const watched = { strip: this.stripBox, list: this.list };
    for (const [name, node] of Object.entries(watched)) {
      const read = () => {
        this.view[name] = { top: node.scrollTop, high: node.clientHeight };
      };
      node.addEventListener("scroll", () => (read(), soon(this.slide)), { passive: true });
      new ResizeObserver(() => (read(), soon(this.draw))).observe(node);
    }
    this.hand = new Hand(this.box, () => {
      this.touched = performance.now();
      soon(this.refresh); // what is urgent and waited shows
    });
    for (const screen of [TIGHT, WIDE]) screen.addEventListener("change", () => soon(this.refresh));
    this.refresh = () => this.#refresh();
    this.draw = () => this.#draw();
    this.slide = () => this.#rows(false);
    this.meter = () => this.#meter();
  }

  /** Somebody used a key on a row: the order holds still for a while. */
  touch() {
    this.touched = performance.now();
  }
  #free() {
    return !this.store.frozen && !this.hand.here && performance.now() - this.touched > HOLD_MS;
  }

  /* ---- what belongs here ---------------------------------------------------------------------------------------------- */

  /** A row has another place now, or none. */
  #note(old, now) {
    const { key } = now ?? old,
      mine = now?.tab === this.tab;
    if (mine || old?.tab === this.tab) this.stale = true;
    if (mine && !this.shown.has(key)) this.fresh.add(key);
    else this.fresh.delete(key);
    if (now) this.left.delete(key);
    else if (this.shown.has(key)) this.left.set(key, old);
  }
  /** A group that was selected is no more: what the detail shows is selected, and no verb is for the rest of the group. */
  #groupEnds() {
    if (!isGroup(this.selected) || this.#stands(this.selected)) return;
    this.selected = this.first;
    this.onMarked();
  }
  #renew() {
    const before = this.sorted.renew();
    this.stale = true;
    this.fresh = new Set(this.sorted.tabs[this.tab].filter(({ key }) => !this.shown.has(key)).map(({ key }) => key));
    for (const key of this.shown)
      if (this.sorted.entries.has(key)) this.left.delete(key);
      else if (before.has(key)) this.left.set(key, before.get(key));
  }

  #refresh() {
    if (this.sorted.whole) this.#renew();
    this.#groupEnds();
    this.#count();
    if (this.taken_ms === null) return this.take();
    if (this.stale && this.#free() && performance.now() - this.followed >= FOLLOW_MS) this.#follow();
    else if (!this.hand.here) this.#raise();
    return this.#draw();
  }
  /** What is urgent and does not stand above yet, whether it is new or has become so. */
  #urgent() {
    if (this.tab !== "decide") return [];
    const first = this.sorted.tabs.decide,
      above = new Set(this.strip),
      found = [];
    for (let i = 0; i < first.length && first[i].row.priority === 1; i++) if (!above.has(first[i].key)) found.push(first[i]);
    return found;
  }
  /** A row as it is shown; one that left this tab keeps its place, dimmed, until the order is taken in. */
  #entry(key) {
    const entry = this.sorted.entries.get(key);
    if (entry?.tab === this.tab) return entry;
    const [table, id] = split(key),
      row = this.store.tables[table]?.get(id);
    if (row)
      return { key, table, id, row: { priority: 3, ...(table === "out_of_service" && { state: table }), ...row }, gone: true };
    return { ...(entry ?? this.left.get(key) ?? { key, table, id, row: { priority: 3 } }), gone: true };
  }

  /** Urgent rows show above while no hand is on the queue; the list below is scrolled by as much as the strip grows, so that no row moves. */
  #raise() {
    const urgent = this.#urgent().map(({ key }) => key);
    if (!urgent.length) return;
    const before = this.#places(),
      keys = new Set(urgent),
      next = { strip: [...this.strip, ...urgent], order: this.order.filter((key) => !keys.has(key)) };
    if (!this.#steady(this.#held() ?? this.#seen(this.order[Math.ceil(this.view.list.top / ROW_PX)]), next))
      Object.assign(this, next);
    for (const key of urgent) {
      this.shown.add(key);
      this.fresh.delete(key);
    }
    this.#moved(before);
  }
  /** The order follows by itself: the row under the focus stays where it is, and where it cannot, the order waits. */
  #follow() {
    const before = this.#places(),
      next = this.#next();
    if (!this.#steady(this.#held(), next)) return;
    this.#take(next);
    this.followed = performance.now();
    this.#moved(before);
  }
  /** Note the rows that stand elsewhere than before. */
  #moved(before) {
    const now = performance.now();
    for (const [key, at] of this.settled) if (now - at > SETTLE_MS) this.settled.delete(key);
    for (const [key, top] of this.#places()) if (before.get(key) !== top) this.settled.set(key, now);
  }
  /** The row of the list that has the focus and is in view, as long as it belongs here. */
  #held() {
    const row = document.activeElement;
    if (!this.tall.contains(row) || this.sorted.entries.get(row.dataset.key)?.tab !== this.tab) return null;
    const seen = this.#seen(row.dataset.key);
    return seen && { ...seen, most: Math.max(0, this.list.offsetTop - seen.top) }; // it does not vanish under the strip
  }
  #seen(key) {
    const i = this.order.indexOf(key),
      { top: scrolled, high } = this.view.list,
      top = i * ROW_PX - scrolled;
    return i >= 0 && top > -ROW_PX && top < high ? { key, top: top + this.list.offsetTop } : null;
  }
  /** Show another order and keep a row where it stands on the screen. @returns {boolean} false where that cannot be; then nothing is changed */
  #steady(anchor, next) {
    if (anchor) {
      const high = (n) => n && Math.min(n * ROW_PX + 1, this.box.clientHeight * STRIP_SHARE),
        i = next.order.indexOf(anchor.key),
        scroll = (top) => i * ROW_PX + Math.min(anchor.most ?? Infinity, top - anchor.top),
        to = scroll(this.list.offsetTop + high(next.strip.length) - high(this.strip.length));
      if (i < 0 || to < -1) return false;
      Object.assign(this, next);
      this.#scroll(to);
      this.#scroll(scroll(this.list.offsetTop)); // as the browser laid it out
    } else Object.assign(this, next);
    return true;
  }
  /** Scroll the list, beyond its end too where a row must not move. */
  #scroll(to) {
    this.least = to + this.list.clientHeight;
    this.tall.style.height = `${Math.max(this.order.length * ROW_PX, this.least)}px`;
    this.list.scrollTop = to;
    this.view.list = { top: this.list.scrollTop, high: this.list.clientHeight };
    this.#draw();
  }
  /** Where the rows in view stand: key → px from the top of the queue. */
  #places() {
    const { top } = this.view.list,
      over = this.strip.length * ROW_PX - top,
      first = Math.max(0, Math.floor(top / ROW_PX)),
      found = new Map(this.strip.map((key, i) => [key, i * ROW_PX]));
    for (let i = first; i < Math.min(this.order.length, first + 40); i++) found.set(this.order[i], over + i * ROW_PX);
    return found;
  }

  /** Take in what waits: the order of now. */
  take() {
    if (this.sorted.whole) this.#renew();
    this.settled.clear(); // it was asked for
    this.least = 0;
    this.#take(this.#next());
    this.#draw();
  }
  #next() {
    const all = this.sorted.tabs[this.tab],
      below = this.tab === "decide" ? all.findIndex(({ row }) => row.priority > 1) : 0,
      n = below < 0 ? all.length : below;
    return {
      strip: all.slice(0, n).sort((a, b) => isUnack(b.row) - isUnack(a.row)).map(({ key }) => key),
      order: all.slice(n).map(({ key }) => key),
    };
  }
  #take(next) {
    const stood = this.keys.indexOf(this.selected);
    if (stood >= 0) this.stood = stood; // where to go on from, should it be gone now
    Object.assign(this, next);
    this.shown = new Set(this.keys);
    this.fresh.clear();
    this.left.clear();
    this.#keepMarks();
    this.stale = false;
    this.taken_ms = this.store.seq === null ? null : this.clock.now();
    this.#count();
  }
  /** Leave out what a filter hides; it is counted. @param {(table: string, row: object) => boolean} hides */
  narrow(hides) {
    this.sorted.hides = hides;
    this.sorted.whole = true;
    this.take();
  }
  /** How many a filter hides: of this tab, and of all. */
  get hidden() {
    const all = this.sorted.tabs[HIDDEN];
    return { here: all.filter(({ of }) => of === this.tab).length, all: all.length };
  }
  #count() {
    this.onCounted();
    for (const { name, n, node } of this.tabs) {
      const many = this.sorted.tabs[name].length - this.sorted.groups.inside(name);
      text(n, many);
      if (SOMETIMES.has(name) && !this.hand.inside) node.hidden = many === 0 && this.tab !== name; // no tab moves under a hand
    }
    const shown = this.tabs.filter(({ node }) => !node.hidden).length;
    this.head.classList.toggle("four", shown > 3);
    this.head.classList.toggle("five", shown > 4);
    this.head.classList.toggle("lined", shown > (TIGHT.matches ? 0 : WIDE.matches ? 4 : 3));
  }
  show(tab) {
    this.tab = tab;
    this.list.scrollTop = this.view.list.top = 0;
    this.shown.clear();
    this.take();
  }

  /* ---- selection and focus --------------------------------------------------------------------------------------------- */

  get keys() {
    return [...this.strip, ...this.order];
  }
  /** Move by so many rows from the selected one. */
  move(by) {
    const keys = this.keys,
      from = keys.indexOf(this.selected),
      gone = this.selected && from < 0 ? this.stood - (by > 0 ? 1 : 0) : -1; // go on where it stood
    if (!keys.length) return;
    this.touch();
    const to = from >= 0 ? from + by : gone >= 0 ? gone + by : 0;
    this.pick(keys[Math.max(0, Math.min(keys.length - 1, to))], true);
  }
  /** The next row that waits for a decision, after an action on the present one. */
  next() {
    const keys = this.keys.filter((key) => key === this.selected || !this.#entry(key).gone),
      from = keys.indexOf(this.selected);
    const next = keys[from + 1] ?? keys[from - 1];
    if (next) this.pick(next, true, !this.hand.here); // the list is not scrolled under a hand
  }
  /** @param {string|null} key `table id` @param {boolean} [focus] @param {boolean} [reveal] false: it is in view, and must not move */
  pick(key, focus = false, reveal = true) {
    const changed = this.selected !== key;
    this.selected = key;
    if (key && reveal) this.#reveal(key);
    this.#draw();
    if (focus && key) this.box.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
    if (!changed) return;
    this.onMarked();
    this.first = (isGroup(key) && this.sorted.entries.get(key)?.row.first) || key; // of a group, its first
    const [table, id] = split(this.first ?? " ");
    this.onPick(key ? { table, id } : null);
  }
  /** The pointer chose a row: one that has come under it by itself a moment ago was not meant. */
  #press(key, marks, twist) {
    this.touch();
    const meant = performance.now() - (this.settled.get(key) ?? -Infinity) > SETTLE_MS;
    if (!meant) this.spared = performance.now();
    if (meant && isGroup(key) && (twist || NARROW.matches)) return this.fold(key, !this.isOpen(key));
    if (meant && marks) this.mark([key], !this.marked.has(key));
    return this.pick(meant ? key : null, true, false); // a verb that follows must not reach the row of before either
  }

  /* ---- groups ------------------------------------------------------------------------------------------------------------ */

  /** How many there are, in all tabs. */
  get groups() {
    return this.sorted.groups.count;
  }
  isOpen(key) {
    return this.sorted.groups.open.has(key);
  }
  /** Unfold a group or fold it: asked for by a hand, so the list follows at once. */
  fold(key, open) {
    this.touch();
    this.sorted.fold(key, open, (old, now) => this.#note(old, now));
    this.take();
  }
  /** → unfolds the selected group, ← folds it, also from a row inside. @returns {boolean} whether the key was for that */
  turn(key) {
    const { selected } = this,
      group = isGroup(selected) ? selected : this.sorted.entries.get(selected)?.lead?.key;
    if (!group || (key !== "ArrowRight" && key !== "ArrowLeft")) return false;
    const open = key === "ArrowRight";
    if (open !== this.isOpen(group)) this.fold(group, open);
    if (!open) this.pick(group, true);
    return true;
  }
  /** Keys with each group's items instead of the group. */
  #items(keys) {
    const within = (key) => (this.#stands(key) ? this.sorted.groups.members(key) : []);
    return [...new Set(keys.flatMap((key) => (isGroup(key) ? within(key) : [key])))];
  }
  /** Whether a group is one still, and not one item that is left of it. */
  #stands(group) {
    return this.sorted.entries.has(group);
  }

  /* ---- rows that are marked: `bulk.mjs` says what becomes of them ---------------------------------------------------------- */

  /** What is known of a row of this tab. @returns {{table: string, id: string, row: object}|undefined} */
  entryOf(key) {
    return this.shown.has(key) || this.#inGroup(key) ? this.#entry(key) : undefined;
  }
  /** The keys that a verb is for: marked rows, else the selected one. */
  targets() {
    const all = this.marked.size ? this.#items(this.keys).filter((key) => this.marked.has(key)) : this.#items([this.selected]);
    return all.filter((key) => this.shown.has(key) || this.#inGroup(key));
  }
  /** Whether a row is in a group that is shown. */
  #inGroup(key) {
    return this.shown.has(this.sorted.entries.get(key)?.group);
  }
  /** Whether a verb is for more than the selected row. */
  get many() {
    return this.marked.size > 0 || (isGroup(this.selected) && this.#stands(this.selected));
  }
  isMarked(key) {
    return this.marked.size > 0 && this.#items([key]).every((one) => this.marked.has(one));
  }
  mark(keys, on = true) {
    for (const key of this.#items(keys))
      if (on) this.marked.add(key);
      else this.marked.delete(key);
    this.marked = new Set(this.#items([...this.marked]));
    this.#draw();
    this.onMarked();
  }
  unmark() {
    this.marked.clear();
    this.mark([]);
  }
  /** What has left this tab is no longer marked. */
  #keepMarks() {
    const left = [...this.marked].filter((key) => !this.shown.has(key) && !this.#inGroup(key));
    if (left.length) this.mark(left, false);
  }
  #reveal(key) {
    const i = this.order.indexOf(key);
    if (i < 0) return;
    const top = i * ROW_PX,
      { scrollTop, clientHeight } = this.list;
    if (top < scrollTop) this.list.scrollTop = top;
    else if (top + ROW_PX > scrollTop + clientHeight) this.list.scrollTop = top + ROW_PX - clientHeight;
    this.view.list = { top: this.list.scrollTop, high: clientHeight }; // so that the row is there to take the focus
  }

  /* ---- drawing ---------------------------------------------------------------------------------------------------------- */

  #draw() {
    for (const { name, node } of this.tabs) {
      dress(node, `tab${name === this.tab ? " on" : ""}`);
      put(node, "aria-selected", name === this.tab);
    }
    this.#tell();
    this.#rows(true);
    const empty = this.strip.length + this.order.length === 0;
    if (this.blank.hidden === empty) {
      this.blank.hidden = !empty;
      this.list.hidden = empty;
    }
    if (empty) this.#empty();
  }
  /** The rows in view, those of the strip and those of the list. @param {boolean} all false: what is drawn already is as it should be */
  #rows(all) {
    const focused = document.activeElement?.dataset?.key,
      { strip, list } = this.view;
    this.stops = new Set([this.strip, this.order].map((keys) => (keys.includes(this.selected) ? this.selected : keys[0])));
    this.stripBox.hidden = this.strip.length === 0;
    this.#window(this.stripTall, this.strip, strip, 0, all);
    this.#window(this.tall, this.order, list, this.least, all);
    if (focused && document.activeElement?.dataset?.key !== focused)
      this.box.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  }
  #window(tall, keys, { top, high }, least, all) {
    const first = Math.max(0, Math.floor(top / ROW_PX / BLOCK - 0.5) * BLOCK),
      last = Math.min(keys.length, Math.ceil((top + (high || 600)) / ROW_PX / BLOCK + 0.5) * BLOCK),
      px = `${Math.max(keys.length * ROW_PX, least)}px`,
      window = `${first} ${last}`;
    if (!all && tall.window === window) return;
    tall.window = window;
    if (tall.style.height !== px) tall.style.height = px;
    let at = first;
    keyed(
      tall,
      keys.slice(first, last),
      (key) => key,
      () => this.#make(),
      (node, key) => {
        const place = `translateY(${at++ * ROW_PX}px)`;
        if (node.style.transform !== place) node.style.transform = place;
        if (all || !node.dataset.key) this.#row(node, key);
      },
    );
  }

  /** The line between strip and list: what waits to be taken in, else what the order is. It has its room always, so that nothing comes over a row. */
  #tell() {
    const urgent = this.#urgent(),
      { pill, says } = this,
      spared = performance.now() - this.spared < SPARED_MS,
      waits = !spared && (this.fresh.size > 0 || urgent.length > 0);
    pill.hidden = !waits;
    says.hidden = waits;
    dress(pill, `pill${urgent.length ? " p1" : ""}`);
    if (waits) {
      const { fresh, urgent: n, what } = pill.parts,
        first = urgent[0];
      text(fresh, this.fresh.size ? t("label.new_n", { n: this.fresh.size }) : "");
      text(n, urgent.length ? t("label.urgent_n", { n: urgent.length }) : "");
      text(what, first ? `${nameOf(first)} ${where(first.row)}` : "");
      return;
    }
    const { strip, list } = this.view,
      below = Math.max(0, Math.ceil(this.strip.length - (strip.top + strip.high) / ROW_PX - 0.1)),
      above = Math.floor(list.top / ROW_PX + 0.1);
    says.disabled = above === 0;
    text(
      says,
      spared
        ? t("label.row_moved")
        : below > 0
        ? t("label.urgent_below", { n: below })
        : this.stale && this.taken_ms
          ? t("label.order_of", { time: timeOfDay(this.taken_ms) })
          : above > 0
            ? t("label.rows_above", { n: above })
            : t(this.tab === "later" ? "label.order_end" : "label.order_live"),
    );
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
      { class: "rowq", role: "treeitem", tabindex: -1 },
      mark,
      h("div", { class: "l1" }, name, place),
      left,
      h("div", { class: "l2" }, id, age, called, more, state),
      faces,
    );
    node.parts = { mark, name, place, left, id, age, called, more, state, faces };
    node.addEventListener("click", (event) => this.#press(node.dataset.key, event.ctrlKey || event.metaKey, event.target.closest(".more")));
    return node;
  }

  #row(node, key) {
    const entry = this.#entry(key),
      { table, row, gone } = entry,
      { mark, name, place, left, id, age, called, more, state, faces } = node.parts,
      on = key === this.selected,
      now = (row.priority === 1 ? this.store.running : this.clock).now(); // what is urgent goes on in a frozen page
    if (node.dataset.key !== key) node.dataset.key = key;
    if (table === "groups") {
      const marked = this.isMarked(key);
      put(node, "aria-selected", on);
      put(node, "aria-checked", marked);
      node.tabIndex = this.stops.has(key) ? 0 : -1;
      const words = this.sender.words(key),
        refused = this.sender.refused.has(key);
      drawGroup(node, row, { on, open: this.isOpen(key), marked, gone, now, words, refused });
      return;
    }
    const unack = table === "incidents" ? isUnack(row) : table === "alerts" && row.state === "active";
    const words = this.sender.words(key),
      refused = this.sender.refused.has(key);
    dress(
      node,
      `rowq p${row.priority}${on ? " on" : ""}${unack && row.priority === 1 ? " unack" : ""}${gone ? " done" : ""}${refused ? " refused" : ""}${this.marked.has(key) ? " marked" : ""}${entry.lead ? " inside" : ""}`,
    );
    if (node.hasAttribute("aria-expanded")) node.removeAttribute("aria-expanded");
    put(node, "aria-selected", on);
    put(node, "aria-checked", this.marked.has(key));
    put(node, "aria-level", entry.lead ? 2 : 1);
    const tab = this.stops.has(key) ? 0 : -1;
    if (node.tabIndex !== tab) node.tabIndex = tab;
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
    text(name, nameOf(entry));
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
      fill(more, merged ? [icon("merge", 13), h("span", { class: "wide clip" }, t("label.merged_n", { n: merged })), h("span", { class: "narrow" }, merged)] : []);
      more.hidden = !merged;
    }
    const held = table === "incidents" && isHeld(row) && heldOf(this.store, row);
    const says = held
      ? holdWords(held, this.clock, this.sender.channel)
      : word(STATE_WORDS[table], row.state);
    text(state, words || says);
    dress(state, words ? (refused ? "clip refusal" : "clip sending") : "clip");
    if (state.title !== words) state.title = words;
    const seenBy = row.shelved_by ?? row.acknowledged_by ?? (table === "out_of_service" ? row.by : "");
    this.claims.faces(faces, { table, id: entry.id }, seenBy);
  }

  #meter() {
    const n = loadOf(this.sender.channel, this.seat);
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
      hidden = this.hidden.here,
      key = `${this.tab} ${loaded} ${hidden}`;
    if (this.blank.dataset.key !== key) {
      this.blank.dataset.key = key;
      const [what, hint] = !loaded
        ? ["label.loading", "label.loading_hint"]
        : hidden
          ? ["label.empty_filtered", "label.empty_filtered_hint"]
          : [`label.empty_${this.tab}`, "label.empty_hint"];
      fill(
        this.blank,
        h("h2", null, t(what, { n: hidden })),
        h("p", null, t(hint)),
        h("ul"),
      );
    }
    if (!loaded) return;
    const rows = [...this.store.tables.sources.values()].slice(0, 4).map((row) => {
      const heard = this.store.telemetry.sources.get(row.id)?.[0];
      return [
        row.id,
        [word("source_kind", row.kind), row.id],
        heard ? ago((this.clock.now() - heard) / 1000) : word("source", row.state),
      ];
    });
    const { checked } = this.store;
    if (checked)
      rows.push([
        "=",
        [t(checked.holds ? "label.screen_equals_store" : "honesty.doubt"), ""],
        ago((Date.now() - checked.at) / 1000),
      ]);
    keyed(
      this.blank.lastChild,
      rows,
      ([id]) => id,
      () => h("li", null, h("b"), h("small", { class: "muted clip" }), h("span")),
      (node, [, words, since]) => {
        [...words, since].forEach((one, i) => text(node.children[i], one));
      },
    );
  }
}

/** What stands first in a row. */
const nameOf = ({ table, row }) =>
  table === "alerts"
    ? named(rule(row.rule)) || row.rule
    : table === "out_of_service"
      ? row.id
      : category(row.category);
/** What an alert is about: a sensor by its id, a burst by its class. */
export const subjectOf = (row) => (row.kind === "burst" ? category(row.subject.split("@")[0]) : row.subject);
const split = (key) => {
  const i = key.indexOf(" ");
  return [key.slice(0, i), key.slice(i + 1)];
};
