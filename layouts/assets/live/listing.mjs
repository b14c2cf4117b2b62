/** Things of the map as a list, for keys and for screen readers: all that are in view, or those that no closer look takes apart.
 *
 * The focus stays on the list itself, so no update moves it; which entry is meant is told by `aria-activedescendant`. While it is open an entry keeps
 * its place: what comes is added at the end, what goes stays and says so. */

import { dress, fill, h, keyed, put, text } from "./dom.mjs";
import { icon, svg } from "./marks.mjs";
import { t } from "./words.mjs";

const MOST = 200; // entries; the worst come first

export class Listing {
  /** @param {HTMLElement} over the overlay of the map @param {import("./map.mjs").CityMap} map
   * @param {{onPick: (what: {table: string, id: string}) => void}} to */
  constructor(over, map, { onPick }) {
    Object.assign(this, { map, onPick, active: null, things: null });
    this.title = h("h2", { id: "map-list-title" });
    this.list = h("ul", {
      id: "map-list",
      role: "listbox",
      tabindex: "0",
      "aria-labelledby": "map-list-title",
      onkeydown: (event) => this.#key(event),
      onfocus: () => this.#go(this.active ?? this.order[0]),
    });
    this.rest = h("p", { class: "muted", hidden: true });
    this.box = h(
      "section",
      { class: "maplist", hidden: true, "aria-labelledby": "map-list-title" },
      h(
        "header",
        null,
        this.title,
        h(
          "button",
          { type: "button", class: "btn quiet push", title: t("key.back"), "aria-label": t("key.back"), onclick: () => this.close() },
          icon("close", 13),
        ),
      ),
      this.list,
      this.rest,
    );
    over.append(this.box);
  }

  get open() {
    return !this.box.hidden;
  }
  /** Everything in view, or closed again. */
  toggle() {
    if (this.open && !this.only) return this.close();
    this.only = null;
    this.#show();
    return true;
  }
  /** These, since they lie on each other. */
  show(table, ids) {
    this.only = ids.map((id) => ({ table, id }));
    this.#show();
  }
  #show() {
    this.before = this.open ? this.before : document.activeElement;
    this.order = [];
    this.active = null;
    this.box.hidden = false;
    this.map.ring(null);
    this.draw();
    this.list.focus();
  }
  close() {
    if (!this.open) return false;
    const inside = this.box.contains(document.activeElement);
    this.box.hidden = true;
    this.map.ring(null);
    if (inside) this.before?.focus?.();
    if (this.box.contains(document.activeElement)) document.activeElement.blur();
    return true;
  }
  /** The view moved: what is in it is put in order anew. */
  moved() {
    if (this.open && !this.only) this.order = [];
    this.draw();
  }

  /** As it is now. */
  draw() {
    if (!this.open) return;
    const { map } = this,
      now = new Map((this.only ?? map.inView()).map((one) => [`${one.table} ${one.id}`, one]));
    if (this.active && !this.order.includes(this.active)) this.active = null;
    const known = new Set(this.order);
    for (const key of now.keys()) if (!known.has(key) && this.order.length < MOST) this.order.push(key);
    if (!this.active) this.active = this.order[0] ?? null;
    keyed(
      this.list,
      this.order,
      (key) => key,
      (key) => h("li", { role: "option", id: `map-list-${key}`, onclick: () => this.#take(key) }, h("i"), h("span")),
      (node, key) => this.#entry(node, key),
    );
    const [first] = this.order;
    text(this.title, this.only ? t(`map.n_${this.only[0].table}`, { n: this.only.length }) : t("map.in_view", { n: now.size }));
    this.rest.hidden = Boolean(first) && now.size <= this.order.length;
    text(this.rest, first ? t("map.more", { n: now.size - this.order.length }) : t("map.nothing_in_view"));
    if (this.active) put(this.list, "aria-activedescendant", `map-list-${this.active}`);
    else this.list.removeAttribute("aria-activedescendant");
  }
  #entry(node, key) {
    const { table, id } = split(key),
      layer = this.map.layers.get(table),
      words = layer.slots.has(id) ? layer.describe(id) : "",
      chosen = this.map.isSelected(table, id);
    const strokes = words ? JSON.stringify(layer.strokes(id)) : "";
    if (words && node.strokes !== strokes) {
      node.strokes = strokes;
      fill(node.firstChild, svg(layer.strokes(id), 16));
    }
    if (words) node.words = words;
    text(node.lastChild, words || t("map.gone", { what: node.words ?? "" }));
    dress(node, [key === this.active && "at", chosen && "on", !words && "gone"].filter(Boolean).join(" "));
    put(node, "aria-selected", String(chosen));
  }

  #key(event) {
    const at = this.order.indexOf(this.active),
      to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: this.order.length - 1, PageDown: at + 10, PageUp: at - 10 }[event.key];
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
    if (to !== undefined) this.#go(this.order[Math.max(0, Math.min(this.order.length - 1, to))]);
    else if (event.key === "Enter" && this.active) this.#take(this.active);
    else return;
    event.preventDefault();
  }
  #go(key) {
    if (!key) return;
    this.active = key;
    const { table, id } = split(key);
    this.map.ring({ table, id });
    this.draw();
    document.getElementById(`map-list-${key}`)?.scrollIntoView({ block: "nearest" });
  }
  #take(key) {
    this.#go(key);
    const what = split(key);
    if (this.map.layers.get(what.table).slots.has(what.id)) this.onPick(what);
    this.draw();
  }
}

const split = (key) => {
  const [table, id] = key.split(/ (.*)/s);
  return { table, id };
};
