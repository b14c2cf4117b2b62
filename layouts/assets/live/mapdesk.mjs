/** What a person does with the map of the console: its buttons, what a pointer reads, the list of what is in view, the layers, the measure. */

import { Cameras } from "./cameras.mjs";
import { fill, h, text } from "./dom.mjs";
import { Heat } from "./heat.mjs";
import { LayerList } from "./layerlist.mjs";
import { Listing } from "./listing.mjs";
import { eachSecond, soon } from "./loop.mjs";
import { icon } from "./marks.mjs";
import { Measure } from "./measure.mjs";
import { postsLayer } from "./posts.mjs";
import { Tip } from "./tip.mjs";
import { named, t } from "./words.mjs";

/** The keys of the map. */
export const MAP_KEYS = { list: "[", layers: "]", measure: "'" };

export class MapDesk {
  /** @param {HTMLElement} over the overlay of the map @param {HTMLElement} chips its line of chips
   * @param {{onPick: (what: {table: string, id: string}) => void, onStar: () => void}} to */
  constructor(over, chips, { onPick, onStar }) {
    Object.assign(this, { over, chips, onPick, map: null });
    this.legend = h("div", { class: "maplegend" });
    this.tip = h("div", { class: "tip", hidden: true });
    const tool = (name, key, run) =>
      h("button", { type: "button", title: this.#title(key), "aria-label": t(`key.${key}`), onclick: run }, icon(name, 16));
    this.buttons = {
      layers: tool("layers", "layers", () => this.layers?.toggle()),
      list: tool("list", "in_view", () => this.list?.toggle()),
      measure: tool("measure", "measure", () => this.measure?.toggle()),
    };
    fill(
      over,
      chips,
      h(
        "div",
        { class: "maptools" },
        tool("plus", "zoom_in", () => this.map?.zoomBy(0.75)),
        tool("minus", "zoom_out", () => this.map?.zoomBy(-0.75)),
        tool("star", "refit", onStar),
        Object.values(this.buttons),
      ),
      this.legend,
      this.tip,
    );
  }
  #title(key) {
    const cap = { layers: MAP_KEYS.layers, in_view: MAP_KEYS.list, measure: MAP_KEYS.measure, refit: "*" }[key];
    return [t(`key.${key}`), cap].filter(Boolean).join("  ");
  }

  /** The map is there. @param {import("./map.mjs").CityMap} map */
  take(map) {
    this.map = map;
    this.reads = new Tip(this.tip, map);
    this.list = new Listing(this.over, map, { onPick: (what) => this.onPick(what) });
    map.add(new Heat());
    map.add(postsLayer((id) => this.onPick({ table: "teams", id })));
    map.add(new Cameras());
    this.layers = new LayerList(this.over, map);
    this.measure = new Measure(this.chips, map, this.buttons.measure);
    this.chips.append(this.layers.off);
    map.onHover = (hit, point) => this.reads.hover(hit, point);
    map.onDrawn = () => this.reads.draw();
    map.onLock = () => this.hint();
    map.onLayer = () => this.layers.remember();
    map.leaflet.on("moveend", () => soon(() => this.list.moved()));
    eachSecond(() => {
      this.reads.draw();
      this.list.draw();
    });
    this.hint();
  }
  hint() {
    const tiles = Boolean(this.map?.basemap.tiles), // they say themselves what they are
      code = this.map?.locked ? (tiles ? "label.view_locked_tiles" : "label.view_locked") : "label.view_free";
    this.legend.hidden = tiles && !this.map.locked;
    text(this.legend, t(code));
  }
  /** A place that somebody looked for: its ring, in the middle. */
  found(place) {
    this.map?.fit(place.lat, place.lon, Math.max(15, this.map.zoom));
    this.map?.ring({ lat: place.lat, lon: place.lon, words: named(place) });
  }
  /** A thing that somebody looked for: brought into the picture where it is not, though the view be held. */
  show(table, id) {
    const at = this.map?.placeOf({ table, id });
    if (!at) return;
    const { x, y } = this.map.point(at.lat, at.lon);
    if (x < 0 || y < 0 || x > this.map.w || y > this.map.h) this.map.fit(at.lat, at.lon, Math.max(13.75, this.map.zoom));
  }
  /** A click on the map. */
  click(hit) {
    const own = hit && this.map.layers.get(hit.table).pick;
    if (!hit) return;
    if (hit.members) {
      if (!this.map.apart(hit)) this.list.show(hit.table, hit.members);
    } else if (own) own(hit.id);
    else this.onPick(hit);
  }
  /** A key of the map. @returns {boolean} whether it was one */
  press(sign) {
    if (!this.map) return false;
    if (sign === MAP_KEYS.list) this.list.toggle();
    else if (sign === MAP_KEYS.layers) this.layers.toggle();
    else if (sign === MAP_KEYS.measure) this.measure.toggle();
    else return false;
    return true;
  }
  /** While something is measured the arrows move the map under its cross. @returns {boolean} whether this was one of them */
  first(event) {
    const by = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
    if (!by || !this.measure?.on || event.ctrlKey || event.altKey || event.metaKey) return false;
    this.map.hold();
    this.map.leaflet.panBy(by.map((one) => one * (event.shiftKey ? 10 : 60)), { animate: false });
    return true;
  }
  /** Esc: one step back. @returns {boolean} whether there was one */
  back() {
    if (!this.map) return false;
    if (this.measure.back() || this.layers.close() || this.list.close()) return true;
    const { ringed } = this.map;
    this.map.ring(null);
    return Boolean(ringed);
  }
}
