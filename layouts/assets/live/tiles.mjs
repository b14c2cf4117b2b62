/** The figures of the wall: value, unit, age of the oldest source, series, usual band, target. Draws what the table says, computes nothing. */

import { dress, h, keyed, put, text } from "./dom.mjs";
import { incidentMark, svg } from "./marks.mjs";
import { ageNode, sparkNode } from "./parts.mjs";
import { figure, known, named, t, word } from "./words.mjs";
import { soon } from "./loop.mjs";

const ORDER = [
  "crowd",
  "arrival_median_min",
  "awaiting_dispatch",
  "on_time_share",
  "calls_10min",
  "noise_over",
  "unacknowledged",
  "open",
  "response_p90_min",
  "teams_free",
  "teams_busy",
  "teams_silent",
];

/** Value as shown: counts whole, measures with one place (more where the engine tells more: 4.05 is past 4), too few to rate as a dash. */
export function shown(row) {
  if (row.value == null) return "–";
  const places = String(row.value).split(".")[1]?.length ?? 0;
  return row.unit || places ? row.value.toFixed(Math.max(1, places)) : row.value.toLocaleString("en-US");
}

/** Where a figure says what it is, what it rests on and which rows it counts. */
export const pageOf = (key) => `/figures/${key}${location.search}`;

/** How old the oldest source of a figure is, in city seconds; null where none is known. */
export const ageOf = (row, clock) => (row.oldest_ms == null ? null : Math.max(0, (clock.now() - row.oldest_ms) / 1000));

/** Its unit in words; empty for a count that needs none. */
export function unitOf(key, row) {
  if (row.value == null) return "";
  return known(`kpi.${key}.unit`) ? t(`kpi.${key}.unit`) : row.unit ? word("unit", row.unit) : "";
}

/** The figures that need a look, the worst first; each sort in the fixed order. */
export const abnormal = (kpi) => {
  const all = chosen(kpi, kpi.size);
  return ["over", "near", "stale"].flatMap((state) => all.filter((key) => kpi.get(key).state === state));
};

/** Which figures the wall has room for: a fixed order, but an abnormal one outside of it takes the place of the last calm one. */
export function chosen(kpi, room = 6) {
  const keys = [
    ...ORDER.filter((key) => kpi.has(key)),
    ...[...kpi.keys()].filter((key) => !ORDER.includes(key)).sort(),
  ];
  const inside = keys.slice(0, room);
  for (const key of keys.slice(room)) {
    if (kpi.get(key).state === "calm" || !["over", "near", "stale"].includes(kpi.get(key).state)) continue;
    const give = inside.findLastIndex((one) => kpi.get(one).state === "calm");
    if (give >= 0) inside[give] = key;
  }
  return inside;
}

/** @param {{room: number|(() => number), first?: () => string[]}} at `first`: figures that come before the others, in their order */
export function mountTiles(box, { store, clock, frozen, room, first = () => [] }) {
  function make() {
    const name = h("span", { class: "clip" }),
      age = ageNode(),
      value = h("b"),
      unit = h("span", { class: "unit" }),
      mark = h("span"),
      spark = sparkNode(),
      aim = h("div", { class: "aim clip" });
    const node = h(
      "a",
      { class: "tile" },
      h("div", { class: "top" }, name, age),
      h("div", { class: "fig" }, value, unit, mark),
      spark,
      aim,
    );
    return Object.assign(node, { parts: { name, age, value, unit, mark, spark, aim } });
  }
  function update(node, key) {
    const row = store.kpi.get(key),
      { name, value, unit, mark, spark, aim } = node.parts,
      { state } = row;
    node.key = key;
    put(node, "href", pageOf(key));
    dress(node, `tile ${state}`);
    text(name, known(`kpi.${key}`) ? t(`kpi.${key}`) : word("kpi", key));
    text(value, shown(row));
    text(unit, unitOf(key, row));
    if (mark.dataset.state !== state) {
      mark.dataset.state = state;
      mark.replaceChildren(
        ...(state === "over" || state === "near" ? [svg(incidentMark(state === "over" ? 1 : 2), 20)] : []),
      );
    }
    spark.show(row.series, { usual: row.usual, aim: row.target });
    text(aim, aimWords(key, row));
    ages(node);
  }
  function ages(node) {
    const row = store.kpi.get(node.key);
    if (!row) return;
    node.parts.age.show(ageOf(row, clock), row.state === "stale" || frozen() ? 0 : Infinity);
  }
  const seats = typeof room === "function" ? room : () => room;
  const picked = () => {
    const before = first().filter((key) => store.kpi.has(key)),
      rest = before.length ? chosen(store.kpi, store.kpi.size).filter((key) => !before.includes(key)) : null;
    return rest ? [...before, ...rest].slice(0, seats()) : chosen(store.kpi, seats());
  };
  const paint = () => keyed(box, picked(), (key) => key, make, update);
  store.on("kpi", () => soon(paint));
  return {
    paint,
    /** What there is no room for, in order. @returns {string[]} */
    leftOut() {
      const inside = new Set(picked());
      return chosen(store.kpi, store.kpi.size).filter((key) => !inside.has(key));
    },
    tick() {
      for (const node of box.children) ages(node);
    },
  };
}

/** What stands under a figure: who is silent, where it is worst, its target or what is usual. */
export function aimWords(key, row) {
  if (row.silent) return t("kpi.silent", { silent: row.silent, of: row.of });
  const { args = {} } = row;
  if (args.oldest_min != null) return t("kpi.oldest", { minutes: args.oldest_min });
  if (args.where_zh) return named({ zh: args.where_zh, en: args.where_en }); // the target is the dashed line above it
  if (row.target != null) return t(row.good === "high" ? "kpi.target_least" : "kpi.target_most", { target: figure(row.target) });
  if (args.days != null && !row.usual) return t("kpi.usual_later", { days: args.days, of: 5 });
  if (row.usual) return t("kpi.usual", { lo: figure(row.usual[0]), hi: figure(row.usual[1]) });
  return row.value == null ? t("kpi.too_few") : "";
}
