/** The training's page: the score, line by line with its target and on how many cases it rests, and what was latest. */

import { $, dress, fill, h, keyed, text } from "./dom.mjs";
import { training } from "./drill.mjs";
import { truth, veilSentence } from "./honesty.mjs";
import { eachSecond, soon } from "./loop.mjs";
import { liveMark } from "./parts.mjs";
import { clock as asClock, long, timeOfDay } from "./time.mjs";
import { category, figure, t, where } from "./words.mjs";

const unit = (value, name) => (name === "percent" ? `${figure(value)} %` : `${figure(value)} ${t("unit.min_short")}`);

export function mount({ store, channel, clock }) {
  const mark = liveMark(),
    time = h("time"),
    lost = $("training-lost"),
    again = h("button", { type: "button", class: "btn push", onclick: () => channel.now() }, t("label.try_now")),
    lostWords = h("b"),
    points = h("b", { class: "points" }),
    title = h("h1"),
    sentence = h("p", { class: "muted" });
  fill($("training-status"), mark, time);
  fill(lost, lostWords, again);
  dress(lost, "lost");
  fill($("training-state"), points, h("div", null, title, sentence));

  const rows = h("div", { class: "rows", role: "rowgroup" }),
    worst = h("div", { class: "rows" }),
    none = h("p", { class: "muted none" }, t("training.none_late"));
  const head = (names) =>
    h(
      "div",
      { class: "srow th", role: "row" },
      names.map((name, i) => h("span", { class: i ? "num" : "", role: "columnheader" }, name && t(`column.${name}`))),
    );
  fill(
    $("training-score"),
    h("div", { class: "phead" }, h("h2", null, t("label.score"))),
    h(
      "div",
      { role: "table", "aria-label": t("label.score") },
      head(["measure", "reached", "target", "cases", "weight", "points"]),
      rows,
    ),
  );
  fill($("training-worst"), h("div", { class: "phead" }, h("h2", null, t("label.latest_ones"))), worst, none);

  const line = () =>
    h(
      "div",
      { class: "srow", role: "row" },
      h("span", { role: "cell" }, h("b"), h("small")),
      Array.from({ length: 5 }, () => h("span", { class: "num", role: "cell" })),
    );
  function measure(node, row) {
    const [name, ...cells] = node.children,
      missed = row.points !== null && row.points < 100;
    text(name.firstChild, t(`measure.${row.key}`));
    text(name.lastChild, t(`measure.${row.key}_how`));
    const sign = row.good === "high" ? "≥" : "≤";
    [
      row.value === null ? "–" : unit(row.value, row.unit),
      `${sign} ${unit(row.target, row.unit)}`,
      row.n,
      `${row.weight} %`,
      row.points === null ? "–" : figure(row.points),
    ].forEach((words, i) => text(cells[i], words));
    dress(node, `srow${missed ? " missed" : ""}`);
  }
  function late(node, row) {
    const incident = store.tables.incidents.get(row.incident);
    text(node.children[0], `#${row.number}`);
    text(node.children[1], incident ? `${category(incident.category)} ${where(incident)}` : t("label.left_the_board"));
    text(node.children[2], t(`measure.${row.measure}`));
    text(node.children[3], t("training.late_by", { by: long(row.late_s) }));
  }

  function show() {
    const row = training(store),
      over = row?.state === "ended",
      true_ = truth(store, channel, clock),
      veil = true_.link.state === "dead" ? veilSentence(true_, clock) : "";
    mark.show(true_, clock);
    text(time, clock.known() ? timeOfDay(clock.now()) : "–");
    lost.hidden = !veil;
    text(lostWords, veil);
    const left_s = row ? Math.max(0, row.ends_ms - clock.now()) / 1000 : 0;
    text(points, !row ? "" : !over ? asClock(left_s) : row.points === null ? "–" : figure(row.points));
    text(title, t(`training.${!row ? "none" : !over ? "goes_on" : row.points === null ? "too_little" : "done"}`));
    text(
      sentence,
      !row
        ? t("training.how")
        : t(over ? "training.was" : "training.is", { from: row.began_ms, to: row.ends_ms, source: row.source }),
    );
    keyed(rows, row?.score ?? [], (one) => one.key, line, measure);
    keyed(
      worst,
      over ? row.worst : [],
      (one) => one.incident,
      () => h("div", { class: "lrow" }, h("b"), h("span", { class: "clip" }), h("span"), h("span", { class: "num" })),
      late,
    );
    $("training-score").hidden = !row;
    $("training-worst").hidden = !over;
    none.hidden = !over || row.worst.length > 0;
  }
  const later = () => soon(show);
  for (const topic of ["trainings", "incidents", "snapshot"]) store.on(topic, later);
  channel.on(later);
  eachSecond(later);
  later();
}
