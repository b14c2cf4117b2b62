/** A flood on the screen: the row of a group, the line that says since when and how it ends, the load of this seat as the core counts it. */

import { dress, fill, h, put, text } from "./dom.mjs";
import { icon, incidentMark, svg } from "./marks.mjs";
import { timeLeft } from "./parts.mjs";
import { ago, hourMinute, span } from "./time.mjs";
import { area, category, named, pack, rule, t, word } from "./words.mjs";

/** Cause and place of a group's key, in words. @returns {[string, string]} */
export function causeOf(group) {
  const cut = group.lastIndexOf("@"),
    cause = group.slice(0, cut),
    place = group.slice(cut + 1),
    city = pack();
  const what = city.categories[cause] ? category(cause) : rule(cause) ? named(rule(cause)) : word("rule_kind", cause);
  return [what, named(city.places?.[place]) || area(place)];
}

/** The row of a group in the queue, in the parts of any other row. */
export function drawGroup(node, row, { on, open, marked, gone, now, words, refused }) {
  const { mark, name, place, left, id, age, called, more, state, faces } = node.parts,
    [what, where] = causeOf(row.group);
  dress(
    node,
    `rowq group p${row.priority}${on ? " on" : ""}${open ? " open" : ""}${gone ? " done" : ""}${marked ? " marked" : ""}${refused ? " refused" : ""}`,
  );
  put(node, "aria-expanded", open);
  if (mark.dataset.look !== `g${row.priority}`) {
    mark.dataset.look = `g${row.priority}`;
    fill(mark, svg(incidentMark(row.priority), 20, { name: t("label.priority", { p: row.priority }) }));
  }
  text(name, what);
  text(place, where);
  left.show(gone ? null : timeLeft(row, now));
  text(id, `×${row.n}`);
  text(age, t("flood.last", { ago: ago((now - row.last_ms) / 1000) }));
  called.show({});
  const twist = open ? "minus" : "plus";
  if (more.dataset.n !== twist) {
    more.dataset.n = twist;
    more.hidden = false;
    fill(more, icon(twist, 13));
  }
  text(state, words || word("state", row.state));
  dress(state, words ? (refused ? "clip refusal" : "clip sending") : "clip");
  if (faces.dataset.who !== "") {
    faces.dataset.who = "";
    fill(faces);
  }
}

/** The seat a person sits at, as the core finds it: the one he names, else the first of his role. */
export function seatOf(person) {
  const own = (pack().seats ?? []).filter(({ role }) => role === person.role);
  return (own.find(({ id }) => id === person.seat) ?? own[0])?.id ?? person.role;
}
/** All floods as one: since when, and how many were grouped. What two seats must decide counts once. */
export function floodOf(store, seat) {
  const rows = [...store.tables.floods.values()].filter(({ id }) => seat === undefined || id === seat);
  if (!rows.length) return null;
  return {
    since_ms: Math.min(...rows.map(({ since_ms }) => since_ms)),
    grouped: Math.max(...rows.map(({ grouped }) => grouped)),
  };
}

/** The line of the wall. */
export function wallWords(store) {
  const flood = floodOf(store);
  return flood && t("flood.wall", { since: hourMinute(flood.since_ms), grouped: flood.grouped });
}

/** The notice above the queue of a seat in flood. */
export function floodNotice({ store, channel, person, rows }) {
  const title = h("b"),
    says = h("span", { class: "clip", role: "status" }), // said once; the figures below are for the eye
    figures = h("dl"),
    split = h("p"),
    node = h("div", { class: "flood", hidden: true }, h("h2", null, svg(incidentMark(2), 18), title, says), figures, split);
  const WATCHED = ["call_taker", "dispatcher", "supervisor"];
  node.draw = () => {
    const seat = WATCHED.includes(person.role) ? seatOf(person) : undefined,
      flood = floodOf(store, seat);
    node.hidden = !flood;
    if (!flood) return;
    const mine = store.health?.seats?.[seat] ?? null,
      load = loadOf(channel, seat);
    text(title, t("flood.mode"));
    text(says, t("flood.since", { since: hourMinute(flood.since_ms) }));
    const shown = [
      ["flood.load", load],
      ["flood.grouped", t("flood.into", { n: flood.grouped, rows: rows() })],
      ["flood.touch", store.health?.touch_s == null ? "–" : span(store.health.touch_s)],
      ["flood.dropped", 0],
    ];
    const key = JSON.stringify(shown);
    if (figures.dataset.key !== key) {
      figures.dataset.key = key;
      fill(figures, shown.map(([code, value]) => h("div", null, h("dt", null, t(code)), h("dd", null, String(value)))));
    }
    const words = mine ? splitWords(mine) : "";
    text(split, words);
    split.hidden = !words;
    split.title = words;
  };
  return node;
}

/** Which areas another seat would take, with the figures it rests on. */
export function splitWords({ areas, give, given, load }) {
  if (!areas.length) return "";
  const share = areas.slice(0, 3).map(([key, n]) => `${area(key) || t("flood.nowhere")} ${n}`);
  return give.length
    ? t("flood.split", { give: give.map((key) => area(key) || t("flood.nowhere")), given, load, share })
    : t("flood.no_split", { share });
}
/** New items of the last ten minutes at a seat, as the core counts them. */
export const loadOf = (channel, seat) => channel.heartbeat?.loads?.[seat] ?? 0;
