/** Which kinds of things the map shows: a list to switch them, with their marks as the legend; remembered on this machine. What is switched off is said
 * on the map. Incidents and alerts are never off. */

import { fill, h, text } from "./dom.mjs";
import { icon, svg } from "./marks.mjs";
import { t } from "./words.mjs";

const KEPT = "comis.layers";

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? {};
  } catch {
    return {}; // no storage, or what somebody else wrote there
  }
}

export class LayerList {
  /** @param {HTMLElement} over the overlay of the map @param {import("./map.mjs").CityMap} map */
  constructor(over, map) {
    this.map = map;
    this.usual = new Map(); // layer → how it is without a person's word
    this.box = h("section", { class: "maplayers", hidden: true, "aria-label": t("key.layers"), onkeydown: (event) => this.#key(event) });
    this.off = h("button", { type: "button", class: "chip", hidden: true, onclick: () => this.#reset() });
    over.append(this.box);
    this.remember();
  }
  /** Layers as this machine last had them; again after a page has added one. */
  remember() {
    const known = kept();
    for (const layer of this.map.layers.values()) {
      if (!layer.listed) continue;
      if (!this.usual.has(layer.key)) this.usual.set(layer.key, layer.on);
      if (typeof known[layer.key] === "boolean") this.map.show(layer.key, known[layer.key]);
    }
    this.#say();
  }
  get open() {
    return !this.box.hidden;
  }
  toggle() {
    if (this.open) return this.close();
    this.before = document.activeElement;
    this.box.hidden = false;
    this.#draw();
    this.box.querySelector("input")?.focus();
    return true;
  }
  close() {
    if (!this.open) return false;
    const inside = this.box.contains(document.activeElement);
    this.box.hidden = true;
    if (inside) this.before?.focus?.();
    return true;
  }

  #switch(key, on) {
    this.map.show(key, on);
    if (key === "sensors") this.map.show("cells", on); // the same sensors from further away
    try {
      localStorage.setItem(KEPT, JSON.stringify({ ...kept(), [key]: on }));
    } catch {
      /* a machine that keeps nothing */
    }
    this.#say();
  }
  #reset() {
    for (const [key, on] of this.usual) if (on) this.#switch(key, true);
    if (this.open) this.#draw();
  }
  /** What a person switched off is not forgotten. */
  #say() {
    const off = [...this.usual].filter(([key, on]) => on && !this.map.layers.get(key).on).map(([key]) => t(`layer.${key}`));
    this.off.hidden = !off.length;
    if (off.length) fill(this.off, t("map.off", { what: off }), icon("close", 13));
  }
  /** ↑ and ↓ go from one to the next. */
  #key(event) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!by) return;
    const all = [...this.box.querySelectorAll("input")],
      at = all.indexOf(document.activeElement);
    event.preventDefault();
    all[(at + by + all.length) % all.length]?.focus();
  }
  #draw() {
    const marks = (layer) =>
      layer.legend().map(([strokes, words]) => h("span", { class: "sign" }, svg(strokes, 14), words && h("span", null, words)));
    const section = (layer) => {
      const name = h("b");
      text(name, t(`layer.${layer.key}`));
      const input =
        layer.listed &&
        h("input", {
          type: "checkbox",
          checked: layer.on,
          onchange: (event) => this.#switch(layer.key, event.target.checked),
        });
      return h("div", null, h("label", null, input, name), h("div", { class: "signs" }, marks(layer)));
    };
    const layers = [...this.map.layers.values()].filter((layer) => layer.listed || layer.legend().length);
    fill(this.box, h("h2", null, t("map.layers")), layers.map(section));
  }
}
