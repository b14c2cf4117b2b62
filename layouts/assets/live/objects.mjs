/** The things of the city on the map: incidents, alerts, teams, sensors and cells of many sensors, one layer each; which mark, how large, how high. */

import { around, corners } from "./captions.mjs";
import { Clusters } from "./clusters.mjs";
import { isHand, isOpen, isUnack } from "./lifecycle.mjs";
import { Layer, PLANE } from "./layers.mjs";
import { incidentMark, sensorMark, teamMark } from "./marks.mjs";
import { metresBetween } from "./scene.mjs";
import { ago, span } from "./time.mjs";
import { category, figure, inside, named, rule, t, where, word } from "./words.mjs";

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

/** Rows that are drawn as one mark where they lie on each other: the worst speaks for all, and the number stands beside it. */
class Grouped extends Rows {
  constructor(key, how) {
    super(key, how);
    this.clusters = new Clusters((id) => this.rank(id));
    this.counts = new Map(); // group → the slot of its number
  }
  /** The lower, the worse. */
  rank(_id) {
    return 0;
  }
  /** The mark of one that stands alone or for others. */
  show(_id, _members) {}
  /** How it says how many there are. */
  tell(_group, _id, _members) {}

  all() {
    const { map } = this;
    if (this.clusters.zoom(map.zoom, map.sizes.grow)) for (const cell of this.counts.keys()) this.drop(cell, this.counts);
    super.all();
  }
  /** Draw it here: with its like, or alone where it is spoken of. */
  at(id, lat, lon, alone) {
    const slot = this.slot(id, lat, lon);
    if (alone) {
      this.clusters.delete(id);
      this.show(id, [id]);
    } else this.clusters.set(id, this.map.wx[slot], this.map.wy[slot]);
  }
  settle() {
    for (const { cell, speaker, members } of this.clusters.settle()) {
      for (const id of members) if (id !== speaker) this.hide(id);
      if (speaker) this.show(speaker, members);
      if (members.length > 1) this.tell(cell, speaker, members);
      else this.drop(cell, this.counts);
    }
  }
  /** Another speaks for it. */
  hide(id) {
    this.put(this.slots.get(id), null, 0);
  }
  gone(id) {
    this.clusters.delete(id);
    super.gone(id);
  }
  members(id) {
    return this.clusters.of(id);
  }
  /** The number at a mark. `sides`: where it may stand; `needed`: whatever it lies on. */
  number(group, id, words, sides, needed) {
    const { map } = this,
      slot = this.slot(group, 0, 0, this.counts),
      sprite = map.atlas.label(words, { size: map.sizes.count, strong: true, colour: "ink-1", halo: 3 });
    map.captions.set(slot, { of: this.slots.get(id), sprite, sides, rank: this.rank(id), needed });
  }
}

class Incidents extends Grouped {
  constructor() {
    super("incidents", { listed: false });
  }
  draw(id) {
    const { map } = this,
      row = this.store.tables.incidents.get(id);
    if (!row || !isOpen(row) || map.hidden?.has(id)) return this.gone(id);
    map.blinks("incidents", id, this.urgent(id));
    return this.at(id, row.lat, row.lon, map.isSelected("incidents", id));
  }
  urgent(id) {
    const row = this.store.tables.incidents.get(id);
    return row?.priority === 1 && isUnack(row);
  }
  /** By priority; of one priority first what nobody acknowledged, then what waits for a decision; what a filter leaves out comes last. */
  rank(id) {
    const row = this.store.tables.incidents.get(id);
    if (!row) return 99;
    return (this.map.dims("incidents", row) ? 50 : 0) + row.priority * 10 + (isUnack(row) ? 0 : isHand(row) ? 6 : 3);
  }
  strokes(id) {
    const row = this.store.tables.incidents.get(id);
    return incidentMark(row.priority, { hand: isHand(row), unack: isUnack(row) });
  }
  describe(id) {
    const row = this.store.tables.incidents.get(id);
    return row ? `#${row.number} ${category(row.category)}${t("command.comma")}${where(row)}${t("command.comma")}${inside(word("state", row.state))}` : "";
  }
  legend() {
    return [1, 2, 3].map((p) => [incidentMark(p), t("label.priority", { p })]);
  }
  #looks(row) {
    const { map } = this,
      { sizes } = map,
      p = row.priority,
      hand = isHand(row),
      chosen = map.isSelected("incidents", row.id),
      dim = !chosen && map.dims("incidents", row);
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
    return { p, hand, chosen, plain, size };
  }
  show(id) {
    const { map } = this,
      row = this.store.tables.incidents.get(id),
      { p, hand, chosen, plain, size } = this.#looks(row),
      unack = isUnack(row),
      off = unack && p === 1 && !map.blink;
    this.put(
      this.slots.get(id),
      map.atlas.incident(p, size, { hand, unack, plain, off }),
      chosen ? PLANE.selected : plain ? PLANE.many : unack && p === 1 ? PLANE.urgent : PLANE[`p${p}`],
    );
  }
  /** `7`; with several of priority one that nobody acknowledged `2+5`. */
  tell(group, id, members) {
    const urgent = members.filter((one) => this.urgent(one)).length,
      rest = members.length - urgent;
    this.number(
      group,
      id,
      urgent > 1 && rest ? `${urgent}+${rest}` : String(members.length),
      corners(this.#looks(this.store.tables.incidents.get(id)).size),
      true,
    );
  }
  gone(id) {
    this.map.blinks("incidents", id, false);
    super.gone(id);
  }
}

class Alerts extends Rows {
  constructor() {
    super("alerts", { listed: false });
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
  rank(id) {
    const { priority, state } = this.store.tables.alerts.get(id) ?? {};
    return AWAY.has(state) ? 65 : priority * 10 + (state === "active" ? 1 : 7);
  }
  strokes(id) {
    const { priority, state } = this.store.tables.alerts.get(id);
    return sensorMark(state, priority);
  }
  describe(id) {
    const row = this.store.tables.alerts.get(id);
    if (!row) return "";
    const what = [named(rule(row.rule)) || row.rule, where(row) || row.subject, word("alert", row.state)];
    return what.join(t("command.comma"));
  }
  legend() {
    return ["active", "acknowledged", "returned", "shelved"].map((state) => [sensorMark(state), word("alert", state)]);
  }
  gone(id) {
    this.map.blinks("alerts", id, false);
    super.gone(id);
  }
}

/** Of teams in one place the one speaks that somebody must ask about; then by how near it is to being free. */
const ASKED = ["silent", "sent", "en_route", "on_scene", "free", "break"];

class Teams extends Grouped {
  constructor() {
    super("teams");
    this.labels = new Map();
  }
  draw(id) {
    const { map, store } = this,
      row = store.tables.teams.get(id);
    if (!row || row.shown === "off") return this.gone(id);
    const live = store.telemetry.teams.get(id),
      lat = live?.[0] ?? row.lat,
      lon = live?.[1] ?? row.lon;
    if (map.lens && metresBetween({ lat, lon }, map.lens) < map.lens.radius_m) return this.gone(id);
    return this.at(id, lat, lon, map.advised.has(id) || map.isSelected("teams", id));
  }
  rank(id) {
    return 40 + ASKED.indexOf(this.store.tables.teams.get(id)?.shown);
  }
  strokes(id) {
    return teamMark(this.store.tables.teams.get(id).shown);
  }
  describe(id) {
    const row = this.store.tables.teams.get(id),
      heard = this.store.telemetry.teams.get(id)?.[2] ?? row?.shown_since_ms;
    return row ? `${row.call} ${word("team", row.shown)}${t("command.comma")}${ago((this.map.clock.now() - heard) / 1000)}` : "";
  }
  legend() {
    return ["free", "sent", "en_route", "on_scene", "silent"].map((shown) => [teamMark(shown), word("team", shown)]);
  }
  show(id, members) {
    const { map, store } = this,
      { sizes } = map,
      row = store.tables.teams.get(id),
      advice = map.advised.get(id),
      [, , t_ms = null, heading] = store.telemetry.teams.get(id) ?? [],
      slot = this.slots.get(id);
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
    if (!sizes.labels) return;
    const silent = row.shown === "silent",
      age = silent && row.silent_since_ms ? ` ${span((map.clock.now() - row.silent_since_ms) / 1000)}` : "",
      more = members.length > 1 ? ` +${members.length - 1}` : "",
      sprite = map.atlas.label(`${row.call}${age}${more}`, {
        size: sizes.label,
        strong: Boolean(advice),
        colour: silent ? "stale" : advice ? "ink-1" : "ink-2",
      });
    map.captions.set(this.slot(id, 0, 0, this.labels), {
      of: slot,
      sprite,
      sides: around(sizes.team),
      rank: advice ? 0 : this.rank(id),
      name: true,
      needed: Boolean(advice) || silent || map.isSelected("teams", id),
    });
  }
  hide(id) {
    super.hide(id);
    super.drop(id, this.labels);
  }
  /** At a desk the call of the team says it; on the wall the number. */
  tell(group, id, members) {
    if (!this.map.sizes.labels) this.number(group, id, String(members.length), corners(this.map.sizes.team, 1), false);
  }
  gone(id) {
    super.gone(id);
    super.drop(id, this.labels);
  }
}

class Sensors extends Layer {
  constructor() {
    super("sensors");
  }
  join(map) {
    super.join(map);
    this.alertOf = new Map(); // sensor → its alert
    this.subjectOf = new Map(); // alert → its sensor, so that what is over is forgotten
    const { alerts } = map.store.tables;
    this.#heard(alerts, alerts.keys());
    map.store.on("alerts", (ids) => {
      this.#heard((map.store.whole ?? map.store).tables.alerts, ids); // hidden ones too: the sensor's mark must go
      map.ask();
    });
  }
  #heard(alerts, ids) {
    for (const id of ids) {
      const row = alerts.get(id),
        subject = row?.subject ?? this.subjectOf.get(id);
      if (row) {
        this.alertOf.set(subject, row);
        this.subjectOf.set(id, subject);
      } else {
        if (this.alertOf.get(subject)?.id === id) this.alertOf.delete(subject);
        this.subjectOf.delete(id);
      }
      if (subject !== undefined) this.due.add(subject);
    }
  }
  rows() {
    return this.store.telemetry.sensors;
  }
  /** Switched off, the abnormal ones stay. */
  all() {
    this.due.clear();
    for (const id of this.slots.keys()) if (!this.rows().has(id)) this.gone(id);
    for (const id of this.rows().keys()) this.draw(id);
  }
  one(id) {
    this.draw(id);
  }
  /** Silent ones are in the list of what is in view; what is normal is not, and the abnormal ones are there as alerts. */
  rank(id) {
    return this.slots.has(id) && this.store.telemetry.sensors.get(id)?.[4] === 2 ? 60 : null;
  }
  strokes(id) {
    return sensorMark(FLAG[this.store.telemetry.sensors.get(id)[4]] ?? "normal");
  }
  describe(id) {
    const one = this.store.telemetry.sensors.get(id);
    if (!one) return "";
    const [, , value, at, flag, kind] = one,
      age = ago((this.map.clock.now() - at) / 1000);
    return [`${word("sensor_kind", kind)} ${id}${t("command.comma")}${figure(value)}`, word("flag", flag), age].join(t("command.comma"));
  }
  legend() {
    return ["normal", "late", "silent"].map((flag) => [sensorMark(flag), word("flag", FLAG.indexOf(flag))]);
  }
  draw(id) {
    const { map } = this,
      one = this.store.telemetry.sensors.get(id);
    const elsewhere = one?.[5] === "camera" && map.layers.has("cameras"); // there with a mark of its own
    if (!one || elsewhere || this.store.hides?.(id)) return this.gone(id);
    if (one[4] < (this.on ? (map.sizes.wall ? 2 : 0) : 3)) return this.gone(id); // what is normal needs nobody ten metres away
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
    super("cells", { listed: false, hits: false });
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
