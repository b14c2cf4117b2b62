/** Figures: the table of all, or one with its definition, its last hour, its sources and the rows that it counts. */

import { chart } from "./chart.mjs";
import { $, dress, fill, h, keyed, text } from "./dom.mjs";
import { evidenceOf, rowNode, rowShow, worstFirst } from "./evidence.mjs";
import { truth, veilSentence } from "./honesty.mjs";
import { eachSecond, soon } from "./loop.mjs";
import { incidentMark, svg } from "./marks.mjs";
import { ageNode, count, liveMark, separator } from "./parts.mjs";
import { ageOf, aimWords, shown, unitOf } from "./tiles.mjs";
import { timeOfDay } from "./time.mjs";
import { figure, t, word } from "./words.mjs";

const MOST_ROWS = 200;

export function mount({ root, store, channel, clock }) {
  const mark = liveMark(),
    time = h("time"),
    lost = $("figures-lost"),
    lostWords = h("b"),
    again = h("button", { type: "button", class: "btn push", onclick: () => channel.now() }, t("label.try_now"));
  fill($("figures-status"), mark, time);
  root.querySelector("main").prepend(mark.chip);
  fill(lost, lostWords, again);
  dress(lost, "lost");
  const now = $("figures-now"),
    page = now ? onePage(now.dataset.key, { store, clock }) : allPage(root, { store, clock });

  function head() {
    const true_ = truth(store, channel, clock),
      veil = true_.link.state === "dead" ? veilSentence(true_, clock) : "";
    mark.show(true_, clock);
    text(time, clock.known() ? timeOfDay(clock.now()) : "–");
    lost.hidden = !veil;
    text(lostWords, veil);
    root.classList.toggle("dead", true_.link.state === "dead");
  }
  store.on("kpi", () => soon(page.draw));
  for (const topic of ["incidents", "alerts", "teams", "snapshot"]) store.on(topic, () => soon(page.rows));
  channel.on(() => soon(head));
  eachSecond(() => {
    head();
    page.tick();
  });
  head();
  page.draw();
}

/** Whether its age must be looked at: it is not current. */
const limit = (row) => (row.state === "stale" ? 0 : Infinity);

/** Value, unit and, where it needs somebody, the mark. */
function valueNode() {
  const value = h("b"),
    unit = h("span", { class: "unit" }),
    mark = h("i"),
    node = h("span", { class: "fig" }, value, unit, mark);
  node.show = (key, row) => {
    text(value, shown(row));
    text(unit, unitOf(key, row));
    if (mark.dataset.state === row.state) return;
    mark.dataset.state = row.state;
    const raised = { over: 1, near: 2 }[row.state];
    fill(mark, raised ? svg(incidentMark(raised), 16) : null);
  };
  return node;
}

/* ---- all of them ------------------------------------------------------------------------------------------------------------ */

function allPage(root, { store, clock }) {
  const lines = [...root.querySelectorAll("[data-key]")].map((node) => {
    const [, value, target, n, age] = node.children,
      parts = { node, key: node.dataset.key, value: valueNode(), target, n, age: ageNode() };
    fill(value, parts.value);
    fill(age, parts.age);
    return parts;
  });
  function draw() {
    for (const { node, key, value, target, n } of lines) {
      const row = store.kpi.get(key);
      if (!row) continue;
      dress(node, `frow ${row.state}`);
      value.show(key, row);
      text(target, row.target == null ? "–" : `${row.good === "high" ? "≥" : "≤"} ${figure(row.target)}`);
      text(n, count(row.n));
    }
    tick();
  }
  function tick() {
    for (const { key, age } of lines) {
      const row = store.kpi.get(key);
      if (row) age.show(ageOf(row, clock), limit(row));
    }
  }
  return { draw, tick, rows: () => {} };
}

/** Its state in words; a calm figure without a target is judged by nobody. */
const judged = (row) => (row.state === "calm" && row.target == null ? "" : t(`figures.state_${row.state}`));

/** What stands beside a figure: who is silent or where it is worst, then target and usual band, each once. */
function asideOf(key, row) {
  const aim = row.target == null ? "" : t(row.good === "high" ? "kpi.target_least" : "kpi.target_most", { target: figure(row.target) }),
    usual = row.usual ? t("kpi.usual", { lo: figure(row.usual[0]), hi: figure(row.usual[1]) }) : "",
    short = aimWords(key, row);
  return [short, short.includes(aim) ? "" : aim, short.includes(usual) ? "" : usual].filter(Boolean);
}

/* ---- one of them ------------------------------------------------------------------------------------------------------------ */

function onePage(key, { store, clock }) {
  const value = valueNode(),
    age = ageNode(),
    state = $("figures-now-state"),
    sources = $("figures-sources").querySelector(".rows"),
    rows = $("figures-rows").querySelector(".rows"),
    note = $("figures-rows").querySelector(".note"),
    chartNote = $("figures-chart").querySelector(".note"),
    more = h("p", { class: "muted none" }),
    plot = chart($("figures-chart-plot"), $("figures-chart").lastElementChild);
  fill($("figures-now-value"), value, age);
  rows.after(more);
  const evidence = evidenceOf(key, () => {
    soon(drawSources);
    soon(drawRows);
  });

  function draw() {
    const row = store.kpi.get(key);
    if (!row) return;
    dress($("figures-now"), row.state);
    value.show(key, row);
    text(state, [judged(row), ...asideOf(key, row), t("figures.n", { n: count(row.n) })].filter(Boolean).join(separator));
    plot.show(row);
    text(chartNote, row.series.length < 2 ? t("figures.no_history") : "");
    age.show(ageOf(row, clock), limit(row));
    if (evidence.body && evidence.body.state !== row.state) evidence.refresh(true);
  }

  function drawSources() {
    keyed(
      sources,
      evidence.body?.sources ?? [],
      (group) => group.key,
      () => h("div", { class: "line" }, h("b"), h("span"), h("span", { class: "num" }), ageNode()),
      (node, group) => {
        const [name, n, silent, oldest] = node.children,
          ages = [group.oldest_ms, group.stale ? group.silent_ms : null].filter((at_ms) => at_ms != null);
        dress(node, `line${group.stale ? " stale" : ""}`);
        text(name, word("rests_on", group.key));
        text(n, group.key === "record" ? "" : group.n ? t("figures.group_n", { n: count(group.n) }) : t("figures.no_source"));
        text(silent, group.silent ? t("figures.group_silent", { n: count(group.silent) }) : "");
        oldest.show(ages.length ? (evidence.body.at_ms - Math.min(...ages)) / 1000 : null, group.stale ? 0 : Infinity);
      },
    );
  }

  function drawRows() {
    const { body, failed } = evidence;
    if (failed) text(note, t("figures.not_read", { why: failed }));
    if (!body) return;
    if (!failed) text(note, t("figures.counted_at", { n: count(body.n), time: timeOfDay(body.at_ms) }));
    const listed = worstFirst(body).slice(0, MOST_ROWS);
    keyed(rows, listed, (row) => row[0], () => rowNode(), (node, row) => rowShow(node, body, row, store));
    text(more, body.rows.length > listed.length ? t("figures.more", { n: count(body.rows.length - listed.length) }) : body.rows.length ? "" : t("figures.nothing"));
    more.hidden = !more.textContent;
  }

  function tick() {
    const row = store.kpi.get(key);
    if (row) age.show(ageOf(row, clock), limit(row));
    evidence.refresh();
  }
  evidence.refresh();
  return { draw, tick, rows: drawRows };
}
