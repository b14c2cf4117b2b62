/** The measure: a click puts a point, the way between the points is said in metres; Esc ends it. Nothing is picked meanwhile. */

import { fill, h } from "./dom.mjs";
import { metresBetween } from "./scene.mjs";
import { t } from "./words.mjs";

/** A length as people read it: metres, from a kilometre on kilometres. */
const long = (m) => (m < 1000 ? `${Math.round(m)} m` : `${(m / 1000).toFixed(m < 10_000 ? 2 : 1)} km`);

export class Measure {
  /** @param {HTMLElement} chips where it says the length @param {import("./map.mjs").CityMap} map @param {HTMLElement} button */
  constructor(chips, map, button) {
    Object.assign(this, { map, button, on: false });
    this.points = [];
    this.chip = h("span", { class: "chip measured", role: "status", hidden: true });
    chips.append(this.chip);
    button.setAttribute("aria-pressed", "false");
    map.leaflet.on("click", ({ latlng }) => this.on && this.#put(latlng));
    map.leaflet.on("mousemove", ({ latlng }) => this.on && this.#point(latlng));
  }
  toggle() {
    if (this.on) this.#end();
    else {
      this.on = true;
      this.map.measuring = true;
      this.button.setAttribute("aria-pressed", "true");
      this.map.leaflet.getContainer().classList.add("measuring");
      this.#draw();
    }
  }
  /** Esc ends it. */
  back() {
    if (!this.on) return false;
    this.#end();
    return true;
  }
  /** A point where the middle of the map is: for those who have no pointer. */
  putHere() {
    if (!this.on) return false;
    this.#put(this.map.leaflet.getCenter());
    return true;
  }

  #put({ lat, lng }) {
    this.points.push([lat, lng]);
    this.ahead = null;
    this.#draw();
  }
  /** The way to where the pointer is, before a click. */
  #point({ lat, lng }) {
    if (!this.points.length) return;
    this.ahead = [lat, lng];
    this.line?.setLatLngs([...this.points, this.ahead]);
    this.#say();
  }
  #end() {
    this.on = this.map.measuring = false;
    this.points = [];
    this.ahead = null;
    this.chip.hidden = true;
    this.button.setAttribute("aria-pressed", "false");
    this.map.leaflet.getContainer().classList.remove("measuring");
    this.drawn?.remove();
    this.drawn = this.line = null;
  }
  #legs() {
    const way = this.ahead ? [...this.points, this.ahead] : this.points;
    return way.slice(1).map(([lat, lon], k) => metresBetween({ lat: way[k][0], lon: way[k][1] }, { lat, lon }));
  }
  #say() {
    const legs = this.#legs(),
      total = legs.reduce((sum, m) => sum + m, 0);
    this.chip.hidden = false;
    fill(
      this.chip,
      h("b", null, this.points.length ? long(total) : t("map.measure_hint")),
      legs.length > 1 && h("span", null, ` ${t("map.measure_last", { length: long(legs.at(-1)) })}`),
      h("kbd", null, "Esc"),
    );
  }
  /** Leaflet's own lines, since they ride along with the view; words are text nodes. */
  #draw() {
    const { L, tokens } = this.map;
    this.drawn?.remove();
    const how = { color: tokens["ink-1"], weight: 2, interactive: false, renderer: (this.svg ??= L.svg()) };
    this.line = L.polyline(this.points, { ...how, dashArray: "6 5" });
    const dots = this.points.map((at) => L.circleMarker(at, { ...how, radius: 4, fillColor: tokens["map-ground"], fillOpacity: 1 })),
      legs = this.#legs();
    let far = 0;
    const tips = this.points.slice(1).map((at, k) => {
      far += legs[k];
      return L.tooltip({ permanent: true, direction: "right", offset: [8, 0], className: "measuretip", interactive: false })
        .setLatLng(at)
        .setContent(h("span", null, long(far)));
    });
    this.drawn = L.layerGroup([this.line, ...dots, ...tips]).addTo(this.map.leaflet);
    this.#say();
  }
}
