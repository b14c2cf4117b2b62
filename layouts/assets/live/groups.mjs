/** Which rows a flood has made one row of: the group that the core wrote on them, as long as they stand at the same step. Knows no element. */

const NEW = new Set(["reported", "pending_register", "active", "returned"]);
const ALONE = new Set(["active", "returned"]);

/** @typedef {import("./order.mjs").Entry} Entry */

/** The key of the row that an entry is folded into; nothing for what stands alone: priority 1 always does. */
export function groupOf({ table, row }) {
  if (!row.group || row.priority === 1) return undefined;
  if (table === "alerts" && !ALONE.has(row.state)) return undefined;
  return `groups ${row.group}|${NEW.has(row.state) ? "new" : row.state}`;
}
export const isGroup = (key) => key?.startsWith("groups ") === true;

export class Groups {
  /** @param {(a: Entry, b: Entry) => number} before the order of the queue */
  constructor(before) {
    this.before = before;
    this.held = new Map(); // group key → key → Entry
    this.listed = new Map(); // group key → entries as they stand in a tab
    this.open = new Set(); // group keys that are unfolded
  }
  clear() {
    this.held.clear();
    this.listed.clear();
  }
  /** @param {Entry} entry */
  put(entry) {
    if (!this.held.has(entry.group)) this.held.set(entry.group, new Map());
    this.held.get(entry.group).set(entry.key, entry);
  }
  remove({ group, key }) {
    const held = this.held.get(group);
    held?.delete(key);
    if (held?.size === 0) this.held.delete(group);
  }
  /** Keys of what is in a group, in order. */
  members(group) {
    return [...(this.held.get(group)?.values() ?? [])].sort(this.before).map(({ key }) => key);
  }

  /** What of a group stands in a tab: one row, with its items below while it is open. It comes back from the later lane whole.
   * @returns {Entry[]} */
  list(group) {
    const items = [...(this.held.get(group)?.values() ?? [])].sort(this.before);
    if (!items.length) {
      this.listed.delete(group);
      return [];
    }
    const tab = items.some(({ own }) => own === "decide") ? "decide" : items[0].own;
    for (const item of items) Object.assign(item, { tab, of: tab, lead: undefined });
    let rows = items;
    if (items.length > 1) {
      const lead = { key: group, table: "groups", id: group.slice(7), row: whole(items), tab, of: tab };
      if (this.open.has(group)) for (const item of items) item.lead = lead;
      rows = this.open.has(group) ? [lead, ...items] : [lead];
    }
    this.listed.set(group, rows);
    return rows;
  }
  /** How many rows stand for more than one item. */
  get count() {
    return [...this.held.values()].filter(({ size }) => size > 1).length;
  }
  /** Rows that only stand in a tab because their group is open. */
  inside(tab) {
    let n = 0;
    for (const group of this.open)
      for (const { lead, tab: its } of this.listed.get(group) ?? []) if (lead && its === tab) n++;
    return n;
  }
}

/** A group as one row: how many, the least time left, the oldest, the last news. */
function whole(items) {
  const first = items[0].row,
    due = items.map(({ row }) => row).filter(({ due_ms }) => due_ms != null),
    least = due.reduce((a, b) => (b.due_ms < a.due_ms ? b : a), due[0] ?? {}),
    news = items.map(({ row }) => row.last_event_ms || (row.reported_at_ms ?? row.raised_at_ms));
  return {
    priority: first.priority,
    state: first.state,
    group: first.group,
    category: first.category,
    area: first.area,
    due_ms: least.due_ms,
    limit_s: least.limit_s,
    yellow_from: least.yellow_from,
    n: items.length,
    first: items[0].key,
    last_ms: Math.max(...news),
    reported_at_ms: Math.min(...items.map(({ row }) => row.reported_at_ms ?? row.raised_at_ms)),
  };
}
