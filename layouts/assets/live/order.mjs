/** Which rows wait in which tab, and in what order: kept row by row as changes come, so that one change among ten thousand open items costs what one
 * row costs. Knows no element, and not what is shown of it. */

import { Groups, groupOf } from "./groups.mjs";
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
/** What is unfolded stands below its group, wherever that stands. */
const folded = (before) => (a, b) => {
  const [x, y] = [a.lead ?? a, b.lead ?? b];
  if (x.key !== y.key || (a === x && b === y)) return before(x, y);
  return a === x ? -1 : b === y ? 1 : before(a, b);
};
/** What comes back first; what has no end, last. */
const byEnd = (a, b) =>
  less(a.row.due_ms ?? Infinity, b.row.due_ms ?? Infinity) ||
  at(a.row) - at(b.row) ||
  less(a.id, b.id) ||
  less(a.table, b.table);
export const at = (row) => row.reported_at_ms ?? row.raised_at_ms ?? row.since_ms ?? 0;
const RULES = [folded(byEnd), folded(inOrder)];
const rule = (tab) => (tab === "later" ? RULES[0] : RULES[1]);

/** @typedef {{key: string, table: string, id: string, row: Object<string, any>, tab: string}} Entry */

const empty = () => Object.fromEntries([...TABS, HIDDEN].map((name) => [name, []]));

export class Order {
  /** @param {{tables: Object<string, Map<string, object>>}} store @param {string} role whose seat decides what waits for it
   * @param {() => number} now city time */
  constructor(store, role, now = () => Infinity) {
    Object.assign(this, { store, role, now });
    this.groups = new Groups(inOrder);
    this.waits = new Map(); // key → city time at which it comes back from the later lane
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
    if (old?.group || now?.group) {
      this.#regroup(key, old, now, tell);
      return;
    }
    if (old && now && old.tab === now.tab && rule(old.tab)(old, now) === 0) {
      old.row = now.row;
      old.of = now.of;
      return;
    }
    if (old) this.#out(old);
    if (now) {
      this.#in(now);
      this.entries.set(key, now);
    } else this.entries.delete(key);
    tell(old, now);
  }
  #in(entry) {
    const list = this.tabs[entry.tab];
    list.splice(place(list, entry), 0, entry);
  }
  #out(entry) {
    const list = this.tabs[entry.tab],
      i = place(list, entry);
    if (list[i] === entry) list.splice(i, 1);
  }

  /** A row came into a group, left one, or changed in one. */
  #regroup(key, old, now, tell) {
    const groups = [...new Set([old?.group, now?.group].filter(Boolean))];
    this.#anew(
      groups,
      () => {
        if (old?.group) this.groups.remove(old);
        if (now?.group) this.groups.put(now);
        if (now) this.entries.set(key, now);
        else this.entries.delete(key);
      },
      tell,
      [old, now].map((entry) => (entry && !entry.group ? [entry] : [])),
    );
  }
  /** What of these groups stands in the tabs, taken out, changed and put in again. */
  #anew(groups, change, tell, [alone, then] = [[], []]) {
    const listed = () => groups.flatMap((group) => this.groups.listed.get(group) ?? []),
      before = [...listed(), ...alone];
    for (const entry of before) this.#out(entry);
    change();
    for (const group of groups) {
      this.entries.delete(group);
      const rows = this.groups.list(group);
      if (rows[0]?.key === group) this.entries.set(group, rows[0]);
    }
    const after = [...listed(), ...then];
    for (const entry of after) this.#in(entry);
    const was = new Map(before.map((entry) => [entry.key, entry]));
    for (const entry of after) {
      const old = was.get(entry.key);
      was.delete(entry.key);
      if (!old || old.tab !== entry.tab || rule(old.tab)(old, entry) !== 0) tell(old, entry);
    }
    for (const old of was.values()) tell(old, undefined);
  }
  /** Show what is in a group, or only the group. */
  fold(group, open, tell) {
    this.#anew(
      [group],
      () => {
        if (open) this.groups.open.add(group);
        else this.groups.open.delete(group);
      },
      tell,
    );
  }
  /** What has waited in the later lane long enough comes back. */
  wake(tell) {
    const now = this.now();
    for (const [key, at_ms] of this.waits)
      if (at_ms <= now) {
        this.waits.delete(key);
        const entry = this.entries.get(key);
        if (entry) this.#one(entry.table, entry.id, tell);
      }
  }

  /** Everything anew. @returns {Map<string, Entry>} what was known before */
  renew() {
    const before = this.entries;
    this.whole = false;
    this.entries = new Map();
    this.tabs = empty();
    this.groups.clear();
    this.waits.clear();
    for (const table of TABLES)
      for (const id of this.store.tables[table].keys()) {
        const entry = this.#entry(table, id, `${table} ${id}`);
        if (!entry) continue;
        this.entries.set(entry.key, entry);
        if (entry.group) this.groups.put(entry);
        else this.tabs[entry.tab].push(entry);
      }
    for (const group of [...this.groups.held.keys()])
      for (const entry of this.groups.list(group)) {
        if (entry.key === group) this.entries.set(group, entry);
        this.tabs[entry.tab].push(entry);
      }
    for (const name of Object.keys(this.tabs)) this.tabs[name].sort(rule(name));
    return before;
  }

  /** @returns {Entry|undefined} nothing where nobody waits for it */
  #entry(table, id, key) {
    const row = this.store.tables[table].get(id);
    if (!row) return undefined;
    const made = (tab, shown = row) => {
      const hidden = this.hides(table, row);
      return { key, table, id, row: shown, tab: hidden ? HIDDEN : tab, of: tab, own: tab, group: hidden ? undefined : groupOf({ table, row }) };
    };
    const decided = () => {
      const waits = row.later_until_ms > this.now();
      if (waits) this.waits.set(key, row.later_until_ms);
      return waits ? "later" : "decide";
    };
    if (table === "incidents") {
      if (!isOpen(row)) return undefined;
      return made(decides(table, row, this.role) ? decided() : isHand(row) ? "hand" : "others");
    }
    if (table === "alerts") {
      if (row.state === "shelved") return made("later", { ...row, ...shelf(row) });
      if (row.state === "suppressed") return made("later");
      if (row.incident || (row.state !== "active" && row.state !== "returned")) return undefined;
      return made(decides(table, row, this.role) ? decided() : "others");
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
