/** Sources: who sends, when last heard, how much, how late; and what could not be read, with the reason and the masked text as it came. */

import { mountAlarms } from "./alarms.mjs";
import { $, dress, fill, h, keyed, text } from "./dom.mjs";
import { truth, veilSentence } from "./honesty.mjs";
import { eachSecond, soon } from "./loop.mjs";
import { sourceMark } from "./marks.mjs";
import { ageNode, count, liveMark } from "./parts.mjs";
import { long, moment, span, timeOfDay } from "./time.mjs";
import { serviceNode } from "./service.mjs";
import { Sender } from "./verbs.mjs";
import { figure, t, word } from "./words.mjs";

const ORDER = { dead: 0, late: 1, live: 2 };
const SHOWN = 200,
  FOLD = 6;
const isDevice = (row) => row.kind === "patrol" && row.id.startsWith("device:");

export function mount({ root, store, channel, clock, person }) {
  const sender = new Sender(channel);
  const mark = liveMark(),
    time = h("time"),
    lost = $("sources-lost"),
    words = h("b"),
    again = h("button", { type: "button", class: "btn push", onclick: () => channel.now() }, t("label.try_now"));
  fill($("sources-status"), mark, time);
  $("sources-summary").before(mark.chip);
  fill(lost, words, again);
  dress(lost, "lost");

  /* ---- sources ----------------------------------------------------------------------------------------------------------- */
  const summary = $("sources-summary"),
    heads = ["source", "source_kind", "heard", "rate", "lag", "accepted", "rejected_n", "sensors"],
    body = h("div", { class: "rows", role: "rowgroup" });
  const foldWords = h("b"),
    foldDead = h("span", { class: "soft" }),
    foldHeard = ageNode(),
    fold = h(
      "button",
      {
        type: "button",
        class: "srow fold",
        hidden: true,
        "aria-expanded": "false",
        onclick: () => {
          unfolded = !unfolded;
          paint();
        },
      },
      h("span", null, sourceMark("live", 12)),
      foldWords,
      foldDead,
      h("span", { class: "num" }, foldHeard),
    );
  let unfolded = false;
  fill(
    $("sources-table"),
    h("div", { class: "phead" }, h("h2", null, t("label.sources"))),
    h(
      "div",
      { role: "table", "aria-label": t("label.sources") },
      h(
        "div",
        { class: "srow th", role: "row" },
        h("span", { role: "cell" }),
        heads.map((name) =>
          h("span", { class: name === "source" || name === "source_kind" ? "" : "num", role: "columnheader" }, t(`column.${name}`)),
        ),
      ),
      body,
    ),
    fold,
  );
  function make() {
    const disc = h("span", { role: "cell" }),
      name = h("b", { class: "clip" }),
      kind = h("span", { class: "soft", role: "cell" }),
      heard = ageNode(),
      cells = ["rate", "lag", "accepted", "rejected", "sensors"].map((one) =>
        h("span", { class: "num", role: "cell", "data-label": t(`column.${one === "rejected" ? "rejected_n" : one}`) }),
      ),
      note = h("p", { class: "said", role: "cell" }),
      serve = serviceNode({ store, sender, person });
    const box = h("span", { class: "num", role: "cell", "data-label": t("column.heard") }, heard),
      node = h("div", { class: "srow", role: "row" }, disc, h("span", { class: "named", role: "cell" }, name, serve.button), kind, box, cells, note, serve);
    node.parts = { disc, name, kind, heard, cells, note, serve };
    return node;
  }
  function update(node, row) {
    const { disc, name, kind, heard, cells, note, serve } = node.parts,
      live = store.telemetry.sources.get(row.id),
      now = clock.now();
    dress(node, `srow ${row.state}`);
    if (disc.dataset.state !== row.state) {
      disc.dataset.state = row.state;
      fill(disc, sourceMark(row.state, 12, word("source", row.state)));
    }
    text(name, row.id);
    name.title = row.id;
    text(kind, word("source_kind", row.kind));
    heard.show(live ? Math.max(0, (now - live[0]) / 1000) : null, row.silence_s);
    const [, rate, lag, accepted, rejected] = live ?? [];
    text(
      cells[0],
      rate == null ? "–" : t("unit.per_s", { n: rate >= 10 ? Math.round(rate) : figure(Math.round(rate * 100) / 100) }),
    );
    text(cells[1], lag == null ? "–" : lag < 1000 ? `${Math.max(0, Math.round(lag))} ms` : span(lag / 1000));
    text(cells[2], accepted == null ? "–" : count(accepted));
    text(cells[3], rejected == null ? "–" : count(rejected));
    dress(cells[3], `num${rejected ? " some" : ""}`);
    text(
      cells[4],
      row.sensors
        ? row.silent_sensors
          ? t("label.silent_of", { silent: row.silent_sensors, of: row.sensors })
          : count(row.sensors)
        : "–",
    );
    const said =
      row.state === "dead"
        ? t("label.source_dead", { age: long((now - row.since_ms) / 1000), limit: span(row.silence_s) })
        : row.note;
    text(note, said ?? "");
    note.hidden = !said;
    serve.show(row);
  }
  function paint() {
    const rows = [...store.tables.sources.values()].sort(
      (a, b) => ORDER[a.state] - ORDER[b.state] || (a.kind < b.kind ? -1 : a.kind > b.kind ? 1 : a.id < b.id ? -1 : 1),
    );
    const devices = rows.filter(isDevice),
      dead = devices.filter((row) => row.state === "dead"),
      shown = rows.filter((row) => !isDevice(row) || unfolded || row.state === "dead" || devices.length < FOLD);
    keyed(body, shown, (row) => row.id, make, update);
    fold.hidden = devices.length < FOLD;
    text(foldWords, t("label.devices", { of: devices.length }));
    text(foldDead, dead.length ? t("label.devices_dead", { n: dead.length }) : "");
    foldHeard.show(
      devices.length
        ? Math.max(
            0,
            (clock.now() - Math.max(...devices.map((row) => store.telemetry.sources.get(row.id)?.[0] ?? 0))) / 1000,
          )
        : null,
    );
    fold.setAttribute("aria-expanded", String(unfolded));
    const n = (state) => rows.filter((row) => row.state === state).length;
    const states = ["live", "late", "dead"].map((state) => [state, n(state)]);
    keyed(
      summary,
      [
        ...states.map(([state, k]) => ({ id: state, mark: state, words: `${word("source", state)} ${k}` })),
        { id: "rejected", words: t("label.rejected_held", { n: store.rejected.size }) },
      ],
      (one) => one.id,
      (one) => h("span", null, one.mark ? sourceMark(one.mark, 12) : null, h("b")),
      (node, one) => {
        text(node.lastChild, one.words);
        dress(node, `sum is-${one.id}`);
      },
    );
    if (!rows.length)
      fill(body, h("p", { class: "none", role: "row" }, h("span", { role: "cell" }, t(store.seq === null ? "label.loading" : "label.no_sources"))));
    else body.querySelector(":scope > .none")?.remove();
  }

  mountAlarms($("sources-alarms"), { store, clock });

  /* ---- rejected ------------------------------------------------------------------------------------------------------------ */
  const list = h("div", { class: "rows" }),
    note = h("span", { class: "note" });
  fill($("sources-rejected"), h("div", { class: "phead" }, h("h2", null, t("label.rejected")), note), list);
  const open = new Set();
  function makeRejected() {
    const at = h("time"),
      from = h("span", { class: "soft clip" }),
      why = h("b"),
      payload = h("pre", { tabindex: 0 }),
      button = h(
        "button",
        {
          type: "button",
          class: "rline",
          "aria-expanded": "false",
          onclick: () => {
            if (!open.delete(node.id_)) open.add(node.id_);
            soon(paintRejected);
          },
        },
        at,
        why,
        from,
      ),
      node = h("div", { class: "rejected" }, button, payload);
    node.parts = { at, from, why, payload, button };
    return node;
  }
  function paintRejected() {
    const rows = [...store.rejected.values()]
      .sort((a, b) => b.at_ms - a.at_ms || (a.id < b.id ? 1 : -1))
      .slice(0, SHOWN);
    text(note, rows.length ? t("label.rejected_hint") : t("label.nothing_rejected"));
    keyed(
      list,
      rows,
      (row) => row.id,
      makeRejected,
      (node, row) => {
        const { at, from, why, payload, button } = node.parts,
          shown = open.has(row.id);
        node.id_ = row.id;
        text(at, moment(row.at_ms, Date.now()));
        text(why, t(row.code, row.args));
        text(from, [row.stream?.split(":").pop(), row.source].filter(Boolean).join(" "));
        payload.hidden = !shown;
        button.setAttribute("aria-expanded", String(shown));
        if (shown) text(payload, typeof row.event === "string" ? row.event : JSON.stringify(row.event, null, 1));
      },
    );
  }
  for (const topic of ["sources", "telemetry", "snapshot", "out_of_service"]) store.on(topic, () => soon(paint));
  store.on("rejected", () => {
    soon(paintRejected);
    soon(paint);
  });

  function honest() {
    const truly = truth(store, channel, clock),
      dead = truly.state === "dead";
    mark.show(truly, clock);
    lost.hidden = !dead;
    root.classList.toggle("lostnow", dead);
    text(words, dead ? veilSentence(truly, clock) : "");
  }
  eachSecond(() => {
    honest();
    text(time, clock.known() ? timeOfDay(clock.now()) : "–");
    soon(paint);
  });
  sender.on(() => soon(paint));
  channel.on(() => soon(honest));
  honest();
  paint();
  paintRejected();
}
