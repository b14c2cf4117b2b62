/** The newest urgent items of the wall, three at a time, and one calm line when there are none. */

import { dress, fill, h, keyed, text } from "./dom.mjs";
import { incidentMark, svg } from "./marks.mjs";
import { isHand, isOpen, isUnack } from "./lifecycle.mjs";
import { soon } from "./loop.mjs";
import { keptLine } from "./parts.mjs";
import { clock as asClock, span } from "./time.mjs";
import { category, inside, lang, t, where, word } from "./words.mjs";

const ROOM = 3,
  DWELL_S = 8;

/** Urgent: every open priority 1, then priority 2 beyond its limit; unacknowledged first, then the newest. */
export function urgent(incidents, now) {
  return [...incidents]
    .filter(
      (row) => isOpen(row) && (row.priority === 1 || (row.priority === 2 && row.due_ms != null && row.due_ms < now)),
    )
    .sort(
      (a, b) =>
        a.priority - b.priority ||
        isUnack(b) - isUnack(a) ||
        isHand(a) - isHand(b) ||
        b.reported_at_ms - a.reported_at_ms ||
        (a.id < b.id ? -1 : 1),
    );
}

export function mountTicker(box, { store, clock }) {
  const where_ = h("span"),
    dots = h("span", { class: "pages" }),
    head = h("div", { class: "head" }, where_, dots),
    calm = h("p", { class: "calm" }),
    list = h("div", { style: { display: "contents" } });
  fill(box, head, list, calm);
  let page = 0,
    turned = 0,
    rows = [];

  function make() {
    const mark = h("span"),
      line = keptLine("p"),
      state = keptLine("small");
    return Object.assign(h("article", { class: "news" }, mark, h("div", null, line, state)), {
      parts: { mark, line, state },
    });
  }
  function update(node, row) {
    const { mark, line, state } = node.parts,
      look = `${row.priority}${isHand(row)}${isUnack(row)}`;
    if (mark.dataset.look !== look) {
      mark.dataset.look = look;
      fill(
        mark,
        svg(incidentMark(row.priority, { hand: isHand(row), unack: isUnack(row) }), 20, {
          name: t("label.priority", { p: row.priority }),
        }),
      );
    }
    const age = asClock((clock.now() - row.reported_at_ms) / 1000),
      what = category(row.category),
      done = newsWords(row, store);
    if (lang === "en") {
      // English words are long: what and since when, then where and how far; what is cut is the name
      line.show(what, `, ${age}`);
      state.show(where(row), `, ${inside(done)}`);
    } else {
      line.show(`${where(row)} ${what}`);
      state.show("", `${age} ${done}`);
    }
  }

  function paint() {
    rows = urgent(store.tables.incidents.values(), clock.now()).filter((row) => !row.dimmed);
    const pages = Math.max(1, Math.ceil(rows.length / ROOM));
    page %= pages;
    const from = page * ROOM,
      now = rows.slice(from, from + ROOM);
    text(
      where_,
      rows.length
        ? now.length === 1
          ? t("label.urgent_at", { at: from + 1, all: rows.length })
          : t("label.urgent_of", { from: from + 1, to: from + now.length, all: rows.length })
        : t("label.urgent"),
    );
    if (dots.children.length !== Math.min(pages, 6))
      fill(
        dots,
        Array.from({ length: Math.min(pages, 6) }, () => h("i")),
      );
    [...dots.children].forEach((dot, k) => dress(dot, k === page % 6 ? "on" : ""));
    dots.hidden = pages < 2 && !rows.length;
    calm.hidden = rows.length > 0;
    if (!rows.length) text(calm, withheldWords(store, clock) || calmWords(store, clock));
    keyed(list, now, (row) => row.id, make, update);
  }
  store.on("incidents", () => soon(paint));
  store.on("assignments", () => soon(paint));
  soon(paint);
  return {
    tick() {
      if (rows.length > ROOM && ++turned >= DWELL_S) {
        turned = 0;
        page++;
      }
      soon(paint);
    },
  };
}

/** "未确认", "38 队到场". */
function newsWords(row, store) {
  if (isUnack(row)) return t("label.unacknowledged");
  const order = (row.assignments ?? [])
      .map((id) => store.tables.assignments.get(id))
      .filter(Boolean)
      .at(-1),
    team = order && store.tables.teams.get(order.team);
  if (order && isHand(row))
    return t("label.team_step", { team: team?.call ?? order.team, step: word("step", order.state) });
  return word("state", row.state);
}

/** What is urgent and not for this wall is counted, so that nothing looks calm that is not. */
function withheldWords({ whole }, clock) {
  const n = whole ? urgent(whole.tables.incidents.values(), clock.now()).length : 0;
  return n && t("wall.withheld", { n });
}

function calmWords(store, clock) {
  const closed = [...store.tables.incidents.values()]
    .filter((row) => row.priority === 1 && row.closed_at_ms)
    .sort((a, b) => b.closed_at_ms - a.closed_at_ms)[0];
  return closed
    ? t("label.nothing_urgent_since", { age: span((clock.now() - closed.closed_at_ms) / 1000) })
    : t("label.nothing_urgent");
}
