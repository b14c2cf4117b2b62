/** Which rows wait in which tab, and in what order: kept row by row as changes come, so that one change among ten thousand open items costs what one
 * row costs. Knows no element, and not what is shown of it. */

import { isHand, isOpen, shelf } from "./lifecycle.mjs";
import { decides } from "./verbs.mjs";

export const TABS = ["decide", "hand", "others", "no_place", "later"];
/** Where entries stand that a filter leaves out; `of`: the tab they would be in. */
export const HIDDEN = "hidden";
export const TABLES = ["incidents", "alerts", "complaints", "out_of_service"];
const MANY = 400; // so many changes at once are sorted anew as a whole

const less = (a, b) => (a < b ? -1 : a > b ? 1 : 0); // two that have no end are equal
/** Priority, then time left, then age; ties by id. */
export const inOrder = (a, b) => a.row.priority - b.row.priority || byEnd(a, b);
/** What comes back first; what has no end, last. */
const byEnd = (a, b) =>
  less(a.row.due_ms ?? Infinity, b.row.due_ms ?? Infinity) ||
  at(a.row) - at(b.row) ||
  less(a.id, b.id) ||
  less(a.table, b.table);
export const at = (row) => row.reported_at_ms ?? row.raised_at_ms ?? row.since_ms ?? 0;
const rule = (tab) => (tab === "later" ? byEnd : inOrder);

/** @typedef {{key: string, table: string, id: string, row: Object<string, any>, tab: string}} Entry */

const empty = () => Object.fromEntries([...TABS, HIDDEN].map((name) => [name, []]));

export class Order {
  /** @param {{tables: Object<string, Map<string, object>>}} store @param {string} role whose seat decides what waits for it */
  constructor(store, role) {
    Object.assign(this, { store, role });
    this.entries = new Map(); // key `table id` → Entry
    this.hides = () => false; // what a filter leaves out
    this.tabs = empty();
    this.whole = true; // to be sorted anew
  }

  /** These rows of a table changed. @param {(old: Entry|undefined, now: Entry|undefined) => void} tell of each whose place or tab is another one
   * @returns {boolean} false: too many to tell of one by one; all is sorted anew by `renew` */
  change(table, ids, tell) {
    if (this.whole || ids.size > MANY) this.whole = true;
    else for (const id of ids) this.#one(table, id, tell);
    return !this.whole;
  }

  #one(table, id, tell) {
    const key = `${table} ${id}`,
      old = this.entries.get(key),
      now = this.#entry(table, id, key);
    if (!old && !now) return;
    if (old && now && old.tab === now.tab && rule(old.tab)(old, now) === 0) {
      old.row = now.row;
      old.of = now.of;
      return;
    }
    if (old) {
      const list = this.tabs[old.tab],
        i = place(list, old);
      if (list[i] === old) list.splice(i, 1);
    }
    if (now) {
      const list = this.tabs[now.tab];
      list.splice(place(list, now), 0, now);
      this.entries.set(key, now);
    } else this.entries.delete(key);
    tell(old, now);
  }

  /** Everything anew. @returns {Map<string, Entry>} what was known before */
  renew() {
    const before = this.entries;
    this.whole = false;
    this.entries = new Map();
    this.tabs = empty();
    for (const table of TABLES)
      for (const id of this.store.tables[table].keys()) {
        const entry = this.#entry(table, id, `${table} ${id}`);
        if (!entry) continue;
        this.entries.set(entry.key, entry);
        this.tabs[entry.tab].push(entry);
      }
    for (const name of Object.keys(this.tabs)) this.tabs[name].sort(rule(name));
    return before;
  }

  /** @returns {Entry|undefined} nothing where nobody waits for it */
  #entry(table, id, key) {
    const row = this.store.tables[table].get(id);
    if (!row) return undefined;
    const made = (tab, shown = row) => ({ key, table, id, row: shown, tab: this.hides(table, row) ? HIDDEN : tab, of: tab });
    if (table === "incidents") {
      if (!isOpen(row)) return undefined;
      return made(decides(table, row, this.role) ? "decide" : isHand(row) ? "hand" : "others");
    }
    if (table === "alerts") {
      if (row.state === "shelved") return made("later", { ...row, ...shelf(row) });
      if (row.state === "suppressed") return made("later");
      if (row.incident || (row.state !== "active" && row.state !== "returned")) return undefined;
      return made(decides(table, row, this.role) ? "decide" : "others");
    }
    if (table === "complaints") return row.state === "no_place" ? made("no_place", { ...row, priority: 3 }) : undefined;
    return made("later", { ...row, state: "out_of_service", priority: 3 });
  }
}

/** Where an entry stands in its list, or would. */
function place(list, entry) {
  const before = rule(entry.tab);
  let low = 0,
    high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (before(list[middle], entry) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
