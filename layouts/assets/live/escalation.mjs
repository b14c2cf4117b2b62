/** Escalation: whose seat is called to an incident, as the queue, the panel and the verbs show it. */

import { fill, h } from "./dom.mjs";
import { isOpen } from "./lifecycle.mjs";
import { icon } from "./marks.mjs";
import { t, word } from "./words.mjs";

const SEATS = new Set(["call_taker", "dispatcher", "supervisor"]);

/** Whether a role works incidents at a seat. */
export const askedBy = (role) => SEATS.has(role);

/** Whether this seat is the one that is called. */
export const calls = (row, role) => isOpen(row) && row.escalated_to === role;

/** Raised, or its supervisor called: the way up, and the way back while that stands. */
export function escalationVerbs(row, role) {
  if (!isOpen(row) || !SEATS.has(role)) return [];
  const back = { key: "I", verb: "deescalate", ask: "reason" },
    byPerson = row.escalated_by && !row.escalated_by.startsWith("rule:");
  if (byPerson) return [back];
  if (!row.escalated_by) return [{ key: "I", verb: "escalate", ask: "escalate" }];
  return [calls(row, role) ? back : { key: "I", verb: "escalate", ask: "escalate" }];
}

/** How one may escalate, by digit; then a reason is asked. @param {(kind: string) => void} then */
export const ways = (row, then) =>
  ["call", "raise"]
    .filter((kind) => kind !== "raise" || row.priority > 1)
    .map((kind, k) => ({ key: String(k + 1), label: t(`escalate.${kind}`), run: () => then(kind) }));

/** The sign in a row of the queue: an arrow up, and who is called. */
export function calledNode() {
  const node = h("i", { class: "called", hidden: true });
  node.show = (row) => {
    const words = row.escalated_by ? (row.escalated_to ? word("role", row.escalated_to) : t("label.raised")) : "";
    if ((node.dataset.words ?? "") === words) return;
    node.dataset.words = words;
    node.hidden = !words;
    node.title = words && t("label.called", { who: words });
    fill(node, words ? [icon("up", 13), h("span", null, words)] : []);
  };
  return node;
}

/** For the facts: since when, by whom, to whom. @param {(by: string) => string} who */
export const calledFact = (row, who, time) =>
  row.escalated_by && [
    "escalated",
    t(row.escalated_to ? "label.escalated_to" : "label.escalated_up", {
      to: row.escalated_to,
      by: who(row.escalated_by),
      time: time(row.escalated_at_ms),
      from: row.escalated_from ?? row.priority,
      priority: row.priority,
    }),
  ];
