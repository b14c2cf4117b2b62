/** What the console shows only: by area, class, team or priority, in all panels at once, with what it hides counted. Priority 1 is never hidden, and
 * nothing is hidden by its age. */

import { h, text } from "./dom.mjs";
import { icon } from "./marks.mjs";
import { t } from "./words.mjs";

/** @typedef {{kind: "area"|"class"|"team"|"priority", key: string|number, label: string}} Term */

export class Filter {
  constructor(store) {
    this.store = store;
    /** @type {Term[]} */ this.terms = [];
    this.tellers = new Set();
  }
  on(tell) {
    this.tellers.add(tell);
  }
  /** @param {Term[]} terms all of them must hold; none: everything is shown */
  set(terms) {
    this.terms = terms;
    for (const tell of this.tellers) tell();
  }
  get active() {
    return this.terms.length > 0;
  }
  get words() {
    return t("filter.by", { what: this.terms.map(({ label }) => label) });
  }
  /** Whether a row is not shown now. */
  hides(table, row) {
    return this.active && !(row.priority === 1 && table !== "complaints") && this.terms.some((one) => !this.#holds(one, row));
  }
  /** Whether a team is not shown now: by its own area, or because another is asked for. */
  hidesTeam(team) {
    return this.terms.some(({ kind, key }) => (kind === "area" && team.area !== key) || (kind === "team" && team.id !== key));
  }
  #holds({ kind, key }, row) {
    const incident = row.incident && this.store.tables.incidents.get(row.incident),
      of = (name) => row[name] ?? incident?.[name];
    if (kind === "priority") return row.priority === key;
    if (kind === "area") return of("area") === undefined || of("area") === key; // an alert without an area could be there
    if (kind === "class") return of("category") === key;
    return (of("assignments") ?? []).some((id) => this.store.tables.assignments.get(id)?.team === key);
  }
}

/** The line below the tabs of the queue: by what, how many it hides, and the way out. */
export function filterLine(filter, counts) {
  const words = h("b", { class: "clip" }),
    hidden = h("span", { class: "muted clip", "aria-live": "polite" }),
    node = h(
      "div",
      { class: "filterline", hidden: true },
      words,
      hidden,
      h(
        "button",
        { type: "button", class: "btn quiet push", onclick: () => filter.set([]) },
        icon("close", 13),
        h("kbd", null, "Esc"),
      ),
    );
  node.draw = () => {
    node.hidden = !filter.active;
    if (!filter.active) return;
    const { here, all } = counts();
    text(words, filter.words);
    text(hidden, t("filter.hidden", { here, all }));
  };
  filter.on(node.draw);
  return node;
}
