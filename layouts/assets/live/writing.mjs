/** Notes about an incident and messages to its teams: two keys, one line of text each, written where the timeline stands. */

import { fill, h } from "./dom.mjs";
import { ordersOf } from "./orders.mjs";
import { t } from "./words.mjs";

const WRITERS = new Set(["call_taker", "dispatcher", "supervisor"]);
const UNDER_WAY = new Set(["sent", "delivered", "seen", "accepted", "en_route", "on_scene"]);
export const KEYS = { note: ".", message: "," };

/** Whether this seat writes. */
export const writes = (role) => WRITERS.has(role);
/** Orders whose teams a message would reach. */
export const reached = (store, id) => ordersOf(store, id).filter((order) => UNDER_WAY.has(order.state));

/** Ask for the words of a note or a message, then hand them over; to one team or all, where there are several.
 * @param {"note"|"message"} verb @param {(fields: object) => void} then */
export function askWords(verb, row, store, ask, then) {
  const call = (order) => store.tables.teams.get(order.team)?.call ?? order.team,
    orders = verb === "message" ? reached(store, row.id) : [],
    put = (to) =>
      ask({
        title: t(`ask.${verb}`, {
          number: row.number,
          teams: (to ? orders.filter(({ team }) => team === to) : orders).map(call),
        }),
        placeholder: t("ask.words_hint"),
        options: [],
        now: true,
        text: (note) => then({ note, ...(to && { team: to }) }),
      });
  if (orders.length < 2) put(null);
  else
    ask({
      title: t("ask.message_to", { number: row.number }),
      options: [
        { key: "1", label: t("label.all_teams", { n: orders.length }), run: () => put(null) },
        ...orders
          .slice(0, 8)
          .map((order, k) => ({ key: String(k + 2), label: call(order), run: () => put(order.team) })),
      ],
    });
}

/** The two ways to write, above the timeline. */
export function writingBar(box, { onWrite }) {
  const buttons = ["note", "message"].map((verb) =>
    h(
      "button",
      { type: "button", class: "btn quiet", "data-write": verb, onclick: () => onWrite(verb) },
      h("span", null, t(`verb.${verb}`)),
      h("kbd", null, KEYS[verb]),
    ),
  );
  fill(box, buttons);
  return {
    /** @param {boolean} may @param {boolean} teams whether anybody would read a message */
    show(may, teams) {
      box.hidden = !may;
      buttons[1].hidden = !teams;
    },
  };
}
