/** The orders of an incident: every step with its time, what is late, what became of it while the device was away, whom to call, and sending it again. */

import { dress, fill, h, keyed, text } from "./dom.mjs";
import { separator } from "./parts.mjs";
import { stepMark } from "./marks.mjs";
import { span, timeOfDay } from "./time.mjs";
import { t, word } from "./words.mjs";

const GOES_ON = new Set(["sent", "delivered", "seen", "accepted", "en_route", "on_scene"]);
/** Waits for an answer, and can therefore be sent again. */
const WAITS = new Set(["sent", "delivered", "seen", "recalled"]);
const AXIS = { handle: ["dispatcher"], verify: ["call_taker", "supervisor"], check: ["supervisor"] };

/** Whether this seat may let it ring once more. */
export const rings = (order, role) => WAITS.has(order.state) && (AXIS[order.kind] ?? []).includes(role);
/** Orders of an incident, the oldest first. */
export const ordersOf = (store, id) =>
  [...store.tables.assignments.values()]
    .filter((order) => order.incident === id)
    .sort((a, b) => a.sent_at_ms - b.sent_at_ms || (a.id < b.id ? -1 : 1));

/** The steps of an order with their times, those told after its end too. */
export const timedSteps = (order) => [
  ...order.steps.map(([step, at]) => ({ step, at })),
  ...(order.afterwards ?? []).map(([step, at]) => ({ step, at, after: true })),
];
/** "not delivered, sent again twice": what a person should know of an order; empty where all is well. */
export function trouble(order, store) {
  return [
    order.late && word("late", order.late),
    order.resent && t("label.resent", { n: order.resent }),
    order.unread?.length && t("label.unread", { n: order.unread.length }),
    order.outcome && outcomeWords(order, store),
  ]
    .filter(Boolean)
    .join(separator);
}
/** What became of an order: where two teams did it, who and when. */
export function outcomeWords(order, store) {
  if (order.outcome !== "both") return word("outcome", order.outcome);
  const call = (id) => store.tables.teams.get(id)?.call ?? id,
    done = (order.afterwards ?? []).findLast(([step]) => step === "finished"),
    other = ordersOf(store, order.incident).find(
      (one) =>
        one.team !== order.team && one.kind === order.kind && (GOES_ON.has(one.state) || one.state === "finished"),
    );
  if (!done || !other) return word("outcome", "both");
  return t("outcome.both_who", {
    team: call(order.team),
    at_ms: done[1],
    other: call(other.team),
    state: other.state,
  });
}
/** Two teams are on the same work and one of them is still at it: somebody must call it back. */
export const isDouble = (order, store) =>
  order.outcome === "both" &&
  ordersOf(store, order.incident).some(
    (one) => one.team !== order.team && one.kind === order.kind && GOES_ON.has(one.state),
  );

/** The list of them, in a box. */
export class Orders {
  constructor(box, { store, clock, calls, person, channel, onResend }) {
    Object.assign(this, { box, store, clock, calls, person, channel, onResend });
  }
  draw(id) {
    const orders = ordersOf(this.store, id);
    this.box.hidden = !orders.length;
    keyed(
      this.box,
      orders,
      (order) => order.id,
      () => this.#make(),
      (node, order) => this.#order(node, order),
    );
  }
  #make() {
    const mark = h("span"),
      call = h("b"),
      state = h("span"),
      calls = h("span"),
      again = h(
        "button",
        { type: "button", class: "btn quiet", onclick: () => this.onResend(node.order) },
        t("verb.resend"),
      ),
      wrong = h("p", { class: "wrong" }),
      steps = h("ol", { class: "steps" });
    const node = h(
      "div",
      { class: "order" },
      h("div", { class: "orderhead" }, mark, call, state, calls, again),
      wrong,
      steps,
    );
    node.parts = { mark, call, state, calls, again, wrong, steps };
    return node;
  }
  #order(node, order) {
    const { mark, call, state, calls, again, wrong, steps } = node.parts,
      team = this.store.tables.teams.get(order.team);
    node.order = order;
    dress(node, `order${order.late ? " late" : ""}`);
    if (mark.dataset.state !== order.state) {
      mark.dataset.state = order.state;
      fill(mark, stepMark(order.state, 16, word("step", order.state)));
    }
    text(call, team?.call ?? order.team);
    text(
      state,
      `${word("step", order.state)}${separator}${span(Math.max(0, this.clock.now() - order.state_since_ms) / 1000)}`,
    );
    const numbers = this.calls.of(order.team),
      key = numbers ? `${numbers.phone} ${numbers.radio}` : "";
    if (calls.dataset.key !== key) {
      calls.dataset.key = key;
      fill(calls, this.calls.node(order.team));
    }
    again.hidden = !rings(order, this.person.role);
    again.disabled = !this.channel.open;
    const words = trouble(order, this.store);
    wrong.hidden = !words;
    text(wrong, words);
    keyed(
      steps,
      timedSteps(order),
      ({ step, at, after }) => `${step} ${at} ${after}`,
      ({ step, at, after }) =>
        h("li", { class: after ? "after" : "" }, word("step", step), " ", h("time", null, timeOfDay(at))),
      () => {},
    );
  }
}
