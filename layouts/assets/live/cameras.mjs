/** Cameras: which there are, their layer on the map, and their pictures from our own files. What a camera saw is drawn by `camera.mjs`. */

import { h } from "./dom.mjs";
import { Layer, PLANE } from "./layers.mjs";
import { sensorMark } from "./marks.mjs";
import { ago } from "./time.mjs";
import { named, t, word } from "./words.mjs";

const FLAG = ["normal", "late", "silent", "returned", "acknowledged", "active", "shelved", "out_of_service", "suppressed"];
const BODY = "M3 6.200h8.600a1.400 1.400 0 0 1 1.400 1.400v4.800a1.400 1.400 0 0 1-1.400 1.400H3a1.400 1.400 0 0 1-1.400-1.400V7.600A1.400 1.400 0 0 1 3 6.200ZM13 9l5.200-2.400v6.800L13 11";
const FILE = /^[0-9a-f]{32}\.(?:jpg|png|webp)$/;
const MAY_SEE = new Set(["call_taker", "dispatcher", "supervisor", "leader", "administrator"]); // as `dashboard/photos.py` has it

/** The cameras that the pack knows, by id; there a moment after the page. @type {Map<string, {id: string, zh: string, en: string, lat: number, lon: number}>} */
export const known = new Map();
fetch("/pack/cameras.json")
  .then((answer) => (answer.ok ? answer.json() : []))
  .then((rows) => {
    for (const [id, zh, en, lat, lon] of rows) known.set(id, { id, zh, en, lat, lon });
  })
  .catch(() => {}); // without them a camera is called by its id

export const cameraName = (id) => named(known.get(id)) || id;

/** Grey while all is quiet, dashed violet where it is silent; the alert's own mark where it saw something. */
export function cameraMark(flag, p = 3) {
  if (flag === "silent") return [{ d: BODY, stroke: "stale", w: 1.6, dash: [2.6, 2] }];
  if (flag === "normal" || flag === "late") return [{ d: BODY, fill: "map-ground", stroke: "ink-3", w: 1.6 }];
  return sensorMark(flag, p);
}

export class Cameras extends Layer {
  constructor() {
    super("cameras");
  }
  join(map) {
    super.join(map);
    const { store } = map;
    store.on("telemetry", ({ whole, rows }) => {
      if (whole) for (const id of this.slots.keys()) this.due.add(id);
      for (const id in rows.sensors) if (this.slots.has(id) || rows.sensors[id]?.[5] === "camera") this.due.add(id);
    });
    store.on("alerts", (ids) => {
      for (const id of ids) {
        const row = store.tables.alerts.get(id);
        if (row && this.slots.has(row.subject)) this.due.add(row.subject);
      }
      map.ask();
    });
  }
  rows() {
    return this.store.telemetry.sensors;
  }
  /** Also where it is one of many in a cell, or was never heard. */
  place(id) {
    const [lat, lon] = this.rows().get(id) ?? [],
      at = known.get(id);
    return lat === undefined ? (at ? { lat: at.lat, lon: at.lon } : null) : { lat, lon };
  }
  flag(id) {
    return FLAG[this.rows().get(id)?.[4]] ?? "normal";
  }
  strokes(id) {
    return cameraMark(this.flag(id), this.#alert(id)?.priority);
  }
  #alert(id) {
    return [...this.store.tables.alerts.values()].find((row) => row.subject === id);
  }
  /** As sensors: silent ones are named in lists; what saw something is there as its alert or incident. */
  rank(id) {
    return this.flag(id) === "silent" ? 61 : null;
  }
  describe(id) {
    const one = this.rows().get(id);
    return one ? [cameraName(id), word("flag", one[4]), ago((this.map.clock.now() - one[3]) / 1000)].join(t("command.comma")) : "";
  }
  legend() {
    return ["normal", "silent"].map((flag) => [cameraMark(flag), word("flag", FLAG.indexOf(flag))]);
  }
  draw(id) {
    const { map } = this,
      one = this.rows().get(id);
    if (one?.[5] !== "camera") return this.gone(id);
    const flag = this.flag(id),
      abnormal = one[4] >= 3,
      p = abnormal ? (this.#alert(id)?.priority ?? 3) : 3;
    if (map.sizes.wall && one[4] < 2) return this.gone(id);
    const size = abnormal ? map.sizes.sensor : map.sizes.small * 1.15,
      sprite = abnormal ? map.atlas.sensor(flag, size, p) : map.atlas.mark(`cam${flag}`, cameraMark(flag), size, { alpha: flag === "silent" ? 1 : 0.75 });
    const plane = map.isSelected("cameras", id) ? PLANE.selected : abnormal ? PLANE.alert : PLANE.silent;
    return this.put(this.slot(id, one[0], one[1]), sprite, plane);
  }
}

/** A picture by its file id, or null where none can be shown to this person. @param {string} file @param {{role: string, raw: string}} person */
export function picture(file, person, words) {
  if (!FILE.test(file ?? "") || !MAY_SEE.has(person.role)) return null;
  const source = `/api/v1/files/${file}${person.raw ? `?as=${encodeURIComponent(person.raw)}` : ""}`,
    image = h("img", { src: source, alt: words, loading: "lazy", decoding: "async" });
  const link = h("a", { class: "shot", href: source, target: "_blank", rel: "noopener", title: words }, image);
  image.addEventListener("error", () => link.replaceWith(h("span", { class: "shot none" }, t("camera.gone"))));
  return link;
}
/** Why there is none, in words. */
export const noPicture = (file, person) => t(file && !MAY_SEE.has(person.role) ? "camera.not_yours" : "camera.none", { role: person.role });
