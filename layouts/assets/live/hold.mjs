/** Orders that are held: how long until one leaves, who gave it, and what to say where nobody can know. */

import { linkState } from "./honesty.mjs";
import { pack, t } from "./words.mjs";

/** The held order of an incident that leaves first. @returns {object|undefined} */
export function heldOf(store, incident) {
  return (incident.assignments ?? [])
    .map((id) => store.tables.assignments.get(id))
    .filter((order) => order?.state === "held")
    .sort((a, b) => a.held_until_ms - b.held_until_ms)[0];
}

/** Real seconds left and their share of the hold; null while the line is cut or late: the engine may have sent it. @returns {{left_s: number, share: number}|null} */
export function left(order, clock, channel) {
  if (!channel.open || linkState(channel).state !== "live" || !(clock.rate > 0)) return null;
  const left_s = Math.max(0, (order.held_until_ms - clock.now()) / clock.rate / 1000);
  return { left_s, share: Math.min(1, left_s / (pack().stages?.hold_s || 4)) };
}

/** "leaves in 3 s". */
export function words(order, clock, channel) {
  const run = left(order, clock, channel);
  if (!run) return t("hold.unknown");
  return run.left_s > 0 ? t("hold.leaves_in", { s: Math.ceil(run.left_s) }) : t("hold.leaves_now");
}

/** What this person ordered: by the whole name where the address has it, and by what was sent from this page. */
export class Mine {
  constructor(person) {
    this.name = person.name ? `${person.role}/${person.seat}/${person.name}` : null;
    this.ordered = new Set();
  }
  /** A dispatch that was done from here. */
  note(incident, team) {
    this.ordered.add(`${incident} ${team}`);
  }
  has(order) {
    return order.by === this.name || this.ordered.has(`${order.incident} ${order.team}`);
  }
  /** The newest order of this person that passes. */
  newest(store, passes = () => true) {
    return [...store.tables.assignments.values()]
      .filter((order) => this.has(order) && passes(order))
      .sort((a, b) => b.sent_at_ms - a.sent_at_ms || (a.id < b.id ? 1 : -1))[0];
  }
}
