/** Phone and radio of teams: read once, by seats that send them, and never over the live channel. */

import { h } from "./dom.mjs";
import { t } from "./words.mjs";

const MAY_CALL = new Set(["call_taker", "dispatcher", "supervisor"]);

export class Calls {
  constructor(person) {
    this.person = person;
    this.numbers = {};
    this.tellers = new Set();
    this.shown = false;
  }
  get allowed() {
    return MAY_CALL.has(this.person.role);
  }
  on(tell) {
    this.tellers.add(tell);
  }
  /** Read the numbers; a seat that may not have them does not ask. @returns {Promise<void>} */
  async load() {
    if (!this.allowed) return;
    const answer = await fetch(`/pack/numbers.json?as=${encodeURIComponent(this.person.raw ?? this.person.role)}`);
    if (answer.ok) this.numbers = await answer.json();
    this.#tell();
  }
  /** Show them in the list of teams, or the jobs again. @returns {boolean} whether this seat may */
  toggle() {
    if (!this.allowed) return false;
    this.shown = !this.shown;
    this.#tell();
    return true;
  }
  #tell() {
    for (const tell of this.tellers) tell();
  }
  /** @returns {{phone: string, radio: string}|null} null: none, or not for this seat */
  of(team) {
    const [phone = "", radio = ""] = this.numbers[team] ?? [];
    return phone || radio ? { phone, radio } : null;
  }
  /** Both numbers of a team as one piece of text, the phone one to dial. */
  node(team) {
    const one = this.of(team);
    return (
      one &&
      h(
        "span",
        { class: "calls" },
        one.phone && h("a", { href: `tel:${one.phone.replace(/[^\d+]/g, "")}` }, one.phone),
        one.radio && h("span", { class: "muted" }, t("label.radio", { radio: one.radio })),
      )
    );
  }
}
