/** What a figure rests on, asked for when its page is open: the rows that it counts, each a line that leads to the thing itself. Computes nothing. */

import { h, put, text } from "./dom.mjs";
import { category, figure, named, rule, t, where, word } from "./words.mjs";

const EVERY_MS = 5000; // a person reads; the figure itself comes over the channel each second
const AGAIN_MS = 10_000;

/** The evidence of one figure, kept fresh while its page is looked at. @returns {{body: object|null, failed: string, refresh: () => void}} */
export function evidenceOf(key, tell) {
  const held = { body: null, failed: "", refresh };
  let next = 0,
    busy = false;
  /** `now`: something is otherwise than it was, so what it rests on is read at once. */
  async function refresh(now = false) {
    if (busy || (!now && performance.now() < next) || document.visibilityState === "hidden") return;
    busy = true;
    try {
      const answer = await fetch(`/api/v1/kpis/${key}`, { signal: AbortSignal.timeout(8000) });
      if (!answer.ok) throw new Error(String(answer.status));
      held.body = await answer.json();
      held.failed = "";
      next = performance.now() + EVERY_MS;
    } catch (error) {
      held.failed = error.message;
      next = performance.now() + AGAIN_MS;
    }
    busy = false;
    tell();
  }
  return held;
}

/** Whether a row adds yes or no to a share: 1 is well, 0 is not. */
const isShare = ({ table, unit }) => unit === "percent" && table !== "team_posts";

/** The rows as a person wants them: what is worst stands first. */
export function worstFirst(body) {
  const none = body.table === "team_posts" ? Infinity : -Infinity,
    adds = (row) => (typeof row[1] === "number" ? row[1] : none),
    sign = isShare(body) ? 1 : -1;
  return [...body.rows].sort((a, b) => sign * (adds(a) - adds(b)) || (a[0] < b[0] ? -1 : 1));
}

/** What a row adds to the figure, in words. */
function addsWords(body, adds) {
  if (body.table === "team_posts" && adds == null) return t("figures.no_team");
  if (typeof adds !== "number" || body.table === "posts") return ""; // what a post is stands beside its name
  if (isShare(body)) return t(adds ? "figures.in_time" : "figures.not_in_time");
  return body.table === "sensors" ? figure(adds) : t("figures.takes", { minutes: figure(adds) });
}

/** Whether what it adds is on the wrong side, so that it stands out. */
const isBad = (body, adds) => (body.table === "team_posts" ? adds == null || adds > body.args.within_min : isShare(body) && adds === 0);

const address = (table, id) => {
  const query = new URLSearchParams(location.search);
  query.set("open", `${table}/${id}`);
  return `/dispatch?${query}`;
};

/** Who a row is: [name, more, address]. */
function whoIs(table, id, adds, store) {
  const row = store.tables[table === "team_posts" ? "teams" : table]?.get(id);
  if (table === "calls") {
    const incident = adds && store.tables.incidents.get(adds);
    if (incident) return [id, `#${incident.number} ${category(incident.category)}`, address("incidents", adds)];
    const open = store.tables.complaints.get(id);
    return [id, open ? category(open.category) : t("figures.part_of_none"), null];
  }
  if (table === "sensors") return [id, "", null];
  if (!row) return [id, t("figures.gone"), null];
  if (table === "team_posts") return [named(row, "post"), "", null];
  if (table === "posts") return [named(row, "name"), word("post", row.state), null];
  if (table === "incidents")
    return [`#${row.number}`, [category(row.category), where(row), word("state", row.state)].filter(Boolean).join(" · "), address(table, id)];
  if (table === "alerts") {
    const by = rule(row.rule);
    return [by ? named(by) : row.rule, [where(row), word("alert", row.state)].filter(Boolean).join(" · "), address(table, id)];
  }
  return [row.call, [named(row, "name"), word("team", row.shown)].join(" · "), address(table, id)];
}

export const rowNode = () => h("a", { class: "line" }, h("b"), h("span", { class: "clip" }), h("span", { class: "num" }));

/** Draw one row of the evidence. */
export function rowShow(node, body, [id, adds], store) {
  const [name, more, adding] = node.children,
    [who, what, href] = whoIs(body.table, id, adds, store);
  text(name, who);
  text(more, what);
  text(adding, addsWords(body, adds));
  adding.classList.toggle("bad", isBad(body, adds));
  if (href) put(node, "href", href);
  else node.removeAttribute("href");
}
