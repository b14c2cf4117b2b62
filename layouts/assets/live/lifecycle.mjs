/** What a screen must know of the lifecycles to draw a row: open, in hand, unacknowledged, decided by whom. Who may do what is the server's;
 * this only chooses which verbs are worth showing. */

const HAND = new Set(["verifying", "pending_handle", "handling", "suspended", "checking"]);
const EARLY = new Set(["reported", "pending_register", "returned"]);
const AFTER = new Set(["handle_finish", "pending_check", "pending_close"]);
const DECIDE = new Set([...EARLY, "pending_dispatch", ...AFTER]);

/** Under which heading the words of a row's state stand, by its table. */
export const STATE_WORDS = { incidents: "state", alerts: "alert", out_of_service: "alert", complaints: "complaint_state" };

/** Every state of an incident, open ones in the order of its way. */
export const STATES = [...DECIDE, ...HAND, "closed"];

/** An order to it is held and can still be taken back: decided, though no device has rung. */
export const isHeld = (row) => row.state === "pending_dispatch" && row.assignments?.length > 0;
/** A team is on it, will be in a moment, or its clock stands still: nobody must decide now. */
export const isHand = (row) => HAND.has(row.state) || isHeld(row);
/** Before filing. */
export const isEarly = (row) => EARLY.has(row.state);
/** Being handled, or about to be: teams may be sent, orders recalled, the limit extended. */
export const isHandled = (row) => row.state === "pending_handle" || row.state === "handling";
/** The limit of a shelf: calm until it ends, since nobody has to do anything. */
export const shelf = (row) => ({
  due_ms: row.shelved_until_ms,
  limit_s: (row.shelved_until_ms - row.shelved_at_ms) / 1000,
  yellow_from: 1,
});
export const isOpen = (row) => HAND.has(row.state) || DECIDE.has(row.state);
/** Nobody has said yet that it was seen. Asked of the priorities that cannot wait for the queue: 1 and 2. */
export const isUnack = (row) =>
  row.priority < 3 &&
  DECIDE.has(row.state) &&
  !AFTER.has(row.state) &&
  row.acknowledged_at_ms == null &&
  row.filed_by == null;
