/** What a screen must know of the lifecycles to draw a row: open, in hand, unacknowledged, decided by whom. Who may do what is the server's;
 * this only chooses which verbs are worth showing. */

const HAND = new Set(["pending_handle", "handling"]);
const DECIDE = new Set(["reported", "pending_register", "pending_dispatch", "pending_check"]);

export const isHand = (row) => HAND.has(row.state);
export const isOpen = (row) => HAND.has(row.state) || DECIDE.has(row.state);
/** Nobody has said yet that it was seen. Asked of the priorities that cannot wait for the queue: 1 and 2. */
export const isUnack = (row) =>
  row.priority < 3 &&
  DECIDE.has(row.state) &&
  row.state !== "pending_check" &&
  row.acknowledged_at_ms == null &&
  row.filed_by == null;
