/** The things of the city on the map: incidents, alerts, teams, sensors and cells of many sensors, one layer each; which mark, how large, how high. */

import { isHand, isOpen, isUnack } from "./lifecycle.mjs";
import { Layer, PLANE } from "./layers.mjs";
import { metresBetween } from "./scene.mjs";
import { span } from "./time.mjs";

const FLAG = ["normal", "late", "silent", "returned", "acknowledged", "active", "shelved", "out_of_service", "suppressed"];
const AWAY = new Set(["shelved", "out_of_service", "suppressed"]); // drawn grey, under what somebody must see
const STALE_POSITION_MS = 60_000;

/** The layers that every map has, in the order of the list. */
export const cityLayers = () => [new Incidents(), new Alerts(), new Teams(), new Sensors(), new Cells()];

/** Rows of a table. */
class Rows extends Layer {
  join(map) {
    super.join(map);
    map.store.on(this.key, (ids) => this.touched(ids));
  }
  rows() {
    return this.store.tables[this.key];
  }
}

class Incidents extends Rows {
  constructor() {
    super("incidents", { listed: false });
  }
  draw(id) {
    const { map, store } = this,
      row = store.tables.incidents.get(id);
    if (!row || !isOpen(row) || map.hidden?.has(id)) return this.gone(id);
    const { sizes } = map,
      p = row.priority,
      hand = isHand(row),
      unack = isUnack(row),
      chosen = map.isSelected("incidents", id);
    const slot = this.slot(id, row.lat, row.lon),
      wink = unack && p === 1;
    map.blinks("incidents", id, wink);
    const dim = !chosen && map.dims("incidents", row);
    const plain =
      dim ||
      (!chosen && (sizes.wall ? p === 3 || (p === 2 && hand && map.crowded > 0) : p === 3 && hand && map.zoom < 13));
    const size =
      chosen && !sizes.wall
        ? sizes.selected
        : plain
          ? p === 2
            ? sizes.many * 1.2
            : sizes.many
          : p === 2 && map.crowded > 1
            ? sizes.p2 * 0.65
            : sizes[`p${p}`];
    const sprite = map.atlas.incident(p, size, { hand, unack, plain, off: wink && !map.blink });
    return this.put(slot, sprite, chosen ? PLANE.selected : plain ? PLANE.many : PLANE[`p${p}`]);
  }
  gone(id) {
    this.map.blinks("incidents", id, false);
    super.gone(id);
  }
}

class Alerts extends Rows {
  constructor() {
    super("alerts");
  }
  draw(id) {
    const { map, store } = this,
      row = store.tables.alerts.get(id);
    if (!row || row.lat == null || row.state === "normal" || row.incident) return this.gone(id);
    const slot = this.slot(id, row.lat, row.lon),
      wink = row.state === "active" && row.priority === 1;
    map.blinks("alerts", id, wink);
    return this.put(
      slot,
      map.atlas.sensor(
        row.state,
        map.dims("alerts", row) ? map.sizes.small : map.sizes.sensor,
        row.priority,
        wink && !map.blink,
      ),
      map.isSelected("alerts", id) ? PLANE.selected : AWAY.has(row.state) ? PLANE.silent : PLANE.alert,
    );
  }
  gone(id) {
    this.map.blinks("alerts", id, false);
    super.gone(id);
  }
}

class Teams extends Rows {
  constructor() {
    super("teams");
    this.labels = new Map();
  }
  draw(id) {
    const { map, store } = this,
      row = store.tables.teams.get(id);
    if (!row || row.shown === "off") return this.gone(id);
    const live = store.telemetry.teams.get(id),
      { sizes } = map,
      advice = map.advised.get(id);
    const [lat, lon, t_ms, heading] = live ?? [row.lat, row.lon, null, 0];
    if (map.lens && metresBetween({ lat, lon }, map.lens) < map.lens.radius_m) return this.gone(id);
    const slot = this.slot(id, lat, lon);
    const faint =
      map.faded.teams ||
      (row.shown !== "silent" &&
        t_ms != null &&
        map.clock.known() &&
        map.clock.now() - t_ms > STALE_POSITION_MS * Math.max(1, map.clock.rate / 10));
    this.put(
      slot,
      map.atlas.team(row.shown, advice ? sizes.advised : sizes.team, heading ?? 0, faint),
      map.isSelected("teams", id) ? PLANE.selected : PLANE.team,
    );
    if (!sizes.labels) return undefined;
    const silent = row.shown === "silent",
      words =
        silent && row.silent_since_ms
          ? `${row.call} ${span((map.clock.now() - row.silent_since_ms) / 1000)}`
          : row.call;
    return this.put(
      this.slot(id, lat, lon, this.labels),
      map.atlas.label(words, {
        size: sizes.label,
        strong: Boolean(advice),
        colour: silent ? "stale" : advice ? "ink-1" : "ink-2",
      }),
      PLANE.label,
      sizes.team * 0.68,
    );
  }
  gone(id) {
    super.gone(id);
    super.gone(id, this.labels);
  }
}

class Sensors extends Layer {
  constructor() {
    super("sensors");
  }
  join(map) {
    super.join(map);
    this.alertOf = new Map([...map.store.tables.alerts.values()].map((row) => [row.subject, row])); // sensor → its alert
    map.store.on("alerts", (ids) => {
      for (const id of ids) {
        const row = map.store.tables.alerts.get(id);
        if (!row) continue;
        this.alertOf.set(row.subject, row);
        this.due.add(row.subject);
      }
      map.ask();
    });
  }
  rows() {
    return this.store.telemetry.sensors;
  }
  draw(id) {
    const { map } = this,
      one = this.store.telemetry.sensors.get(id);
    if (!one) return this.gone(id);
    if (map.sizes.wall && one[4] < 2) return this.gone(id); // what is normal needs nobody ten metres away
    const flag = FLAG[one[4]] ?? "normal",
      slot = this.slot(id, one[0], one[1]),
      abnormal = one[4] >= 3;
    const size = abnormal ? (map.crowded > 1 ? map.sizes.sensor * 0.65 : map.sizes.sensor) : map.sizes.small;
    return this.put(
      slot,
      map.atlas.sensor(flag, size, abnormal ? (this.alertOf.get(id)?.priority ?? 2) : 3),
      AWAY.has(flag) ? PLANE.silent : abnormal ? PLANE.alert : flag === "silent" ? PLANE.silent : PLANE.sensor,
    );
  }
}

class Cells extends Layer {
  constructor() {
    super("cells", { listed: false });
  }
  rows() {
    return this.store.telemetry.cells;
  }
  draw(id) {
    const { map } = this,
      one = this.store.telemetry.cells.get(id);
    if (!one || (map.sizes.wall && one[3] < 2)) return this.gone(id);
    return this.put(this.slot(id, one[0], one[1]), map.atlas.cell(one[2], one[3]), PLANE.cell);
  }
}
