/** The panel of one camera: its state, its last picture with the age beside it, what it saw and which incident came of it. */

import { cameraMark, cameraName, known, noPicture, picture } from "./cameras.mjs";
import { dress, fill, h, keyed, text } from "./dom.mjs";
import { icon, svg } from "./marks.mjs";
import { ageNode, separator } from "./parts.mjs";
import { ago, hourMinute, moment } from "./time.mjs";
import { category, figure, t, word } from "./words.mjs";

const FLAG = ["normal", "late", "silent", "returned", "acknowledged", "active", "shelved", "out_of_service", "suppressed"];

export class CameraPanel {
  /** @param {HTMLElement} box @param {object} of the detail that it stands in: `store`, `clock`, `person`, `onBack`, `onOpen(table, id)` @param {string} id */
  constructor(box, of, id) {
    Object.assign(this, { of, id, file: undefined });
    this.mark = h("span");
    this.title = h("h2", { class: "clip" });
    this.place = h("span", { class: "where clip muted" });
    this.state = h("span", { class: "camstate nowrap muted" });
    this.shot = h("div", { class: "shotbox" });
    this.age = ageNode();
    this.seen = h("div", { class: "evidence" });
    this.note = h("span");
    this.facts = h("dl", { class: "facts" });
    dress(box, "incident camera");
    fill(
      box,
      h(
        "div",
        { class: "ihead" },
        h("button", { type: "button", class: "btn quiet back", onclick: () => of.onBack?.() }, `‹ ${t("label.queue")}`),
        this.mark,
        this.title,
        this.place,
        h("span", { class: "push" }),
        this.state,
      ),
      h(
        "div",
        { class: "icols" },
        h("div", null, h("h3", null, h("b", null, t("camera.last")), this.age), this.shot),
        h("div", null, h("h3", null, h("b", null, t("camera.seen")), this.note), this.seen),
        h("div", null, h("h3", null, h("b", null, t("camera.facts"))), this.facts),
      ),
    );
  }

  draw() {
    const { store, clock, person } = this.of,
      { id } = this,
      now = clock.now(),
      detail = store.details.get(`camera:${id}`),
      live = store.telemetry.sensors.get(id) ?? detail?.sensor,
      alert = [...store.tables.alerts.values()].find((row) => row.subject === id),
      flag = FLAG[live?.[4]] ?? (store.tables.out_of_service.has(id) ? "out_of_service" : "normal");
    const look = `${flag}${alert?.priority}`;
    if (this.mark.dataset.look !== look) {
      this.mark.dataset.look = look;
      fill(this.mark, svg(cameraMark(flag, alert?.priority), 26));
    }
    const name = cameraName(id);
    text(this.title, name);
    text(this.place, name === id ? "" : id);
    text(this.state, live ? word("flag", live[4]) : detail ? t("camera.unheard") : t("label.loading"));
    this.state.classList.toggle("stale", flag === "silent" || !live);
    this.#picture(detail, name, now, person);
    const seen = [...(detail?.seen ?? [])].reverse();
    text(this.note, !detail ? t("label.loading") : seen.length ? t("camera.seen_n", { n: seen.length }) : "");
    if (detail && !seen.length) fill(this.seen, h("p", { class: "muted" }, t("camera.nothing_seen")));
    else
      keyed(
        this.seen,
        seen,
        (one) => `${one[5]} ${one[2]}`,
        () => this.#sighting(),
        (node, one) => this.#saw(node, one, now),
      );
    const at = known.get(id),
      [lat, lon] = live ?? (at ? [at.lat, at.lon] : []);
    this.#facts([
      ["subject", id],
      live && ["heard", ago((now - live[3]) / 1000)],
      alert && ["state", word("alert", alert.state)],
      lat !== undefined && ["place", `${lat.toFixed(5)}, ${lon.toFixed(5)}`],
    ]);
  }

  #picture(detail, name, now, person) {
    const [file, at] = detail?.picture ?? [];
    this.age.hidden = !file;
    if (file) this.age.show(Math.max(0, (now - at) / 1000));
    const key = detail ? (file ?? "") : undefined;
    if (key === this.file && this.shot.firstChild) return;
    this.file = key;
    const words = file ? t("camera.picture_of", { camera: name, time: moment(at, now) }) : "";
    fill(
      this.shot,
      (file && picture(file, person, words)) ??
        h("p", { class: "shot none muted" }, detail ? noPicture(file, person) : t("label.loading")),
    );
  }

  #sighting() {
    const main = h("span"),
      sub = h("small", { class: "clip" }),
      link = h("button", { type: "button", class: "btn quiet", hidden: true, onclick: () => node.open?.() }),
      age = ageNode(),
      node = h("div", { class: "ev" }, icon("camera"), h("p", null, main, sub), age, link);
    node.parts = { main, sub, link, age };
    return node;
  }
  /** One sighting: [class, confidence, from, to, times, alert, incident]. */
  #saw(node, [key, confidence, from, to, times, alert, incident], now) {
    const { tables } = this.of.store,
      { main, sub, link, age } = node.parts,
      row = tables.incidents.get(incident || tables.alerts.get(alert)?.incident),
      open = row ? ["incidents", row.id] : tables.alerts.has(alert) ? ["alerts", alert] : null;
    const said = `${key}${confidence}`;
    if (node.said !== said) {
      node.said = said;
      fill(main, category(key), " ", h("b", null, t("camera.sure", { percent: figure(Math.round(100 * confidence)) })));
    }
    const when = times > 1 ? t("camera.from_to", { from: hourMinute(from), to: hourMinute(to), times }) : moment(from, now);
    text(sub, [when, !open && t("camera.over")].filter(Boolean).join(separator));
    link.hidden = !open;
    text(link, row ? `#${row.number} ${word("state", row.state)}` : t("camera.alert"));
    node.open = open && (() => this.of.onOpen?.(...open));
    age.show(Math.max(0, (now - to) / 1000));
  }

  #facts(facts) {
    const rows = facts.filter((one) => one && one[1]);
    keyed(
      this.facts,
      rows.flatMap(([name, value]) => [
        { id: `${name}t`, tag: "dt", words: t(`fact.${name}`) },
        { id: `${name}d`, tag: "dd", words: value },
      ]),
      (one) => one.id,
      (one) => h(one.tag),
      (node, one) => text(node, one.words),
    );
  }
}
