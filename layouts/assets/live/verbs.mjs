/** Which verbs a role sees on a row, each with its key; sending them, and what came back. The server decides; a refusal stands beside its subject. */

import { callbackVerbs, toCall } from "./callback.mjs";
import { calls, escalationVerbs } from "./escalation.mjs";
import { STATES, isEarly, isHand, isHandled, isHeld, isOpen } from "./lifecycle.mjs";
import { pack, t, who } from "./words.mjs";

/** @typedef {{key: string, verb: string, primary?: boolean, ask?: "team"|"reason"|"until"|"shelf"|"disposition"|"assignment"|"escalate"|"outcome", target?: string}} Verb */

const ACK = { dispatcher: true, supervisor: true };
const RAISED_BY_RULE = new Set(["sensor", "patrol"]);
export const DISPOSITIONS = ["real", "no_impact", "duplicate", "not_ours", "false"];
export const REASONS = {
  void: ["false", "duplicate", "not_ours", "no_impact"],
  return: ["not_ours", "unclear", "wrong_place"],
  decline: ["not_ours", "unclear", "no_impact"],
  rework: ["not_solved", "partly_solved", "no_photo"],
  extend: ["waits_for_parts", "more_work", "weather"],
  suspend: ["waits_for_owner", "waits_for_parts", "long_term", "weather"],
  force_close: ["long_term", "not_ours", "overdue"],
  reopen: ["came_back", "not_solved", "by_mistake"],
  take_over: ["off_shift", "urgent", "overdue"],
  supervise: ["overdue", "leader", "came_back"],
  call_back: ["no_answer", "wrong_number", "call_later"],
  escalate: ["no_team", "spreading", "needs_decision", "leader"],
  deescalate: ["seen_to", "no_impact", "by_mistake"],
  break: ["nearest", "urgent"],
  shelve: ["known_work", "being_repaired", "flutters", "watched"],
  out_of_service: ["faulty", "being_repaired", "replaced", "known_work"],
};

/** How many days an incident may be suspended for, as offered. */
export const DAYS = [1, 3, 7, 30];
/** How many minutes an alert may be shelved for, as offered: at most a shift. */
export const SHELF_MIN = [30, 60, 240, 480];

/** Verbs of an incident for a role, the one that is due first. @returns {Verb[]} */
export function incidentVerbs(row, role) {
  return [...(AXES[role]?.(row) ?? []), ...acknowledgeVerbs(row, role), ...callbackVerbs(row, role), ...escalationVerbs(row, role)].sort(
    (a, b) => Boolean(b.primary) - Boolean(a.primary),
  );
}
const AXES = { call_taker: intakeVerbs, supervisor: supervisionVerbs, dispatcher: commandVerbs, leader: leaderVerbs };

function acknowledgeVerbs(row, role) {
  if (row.acknowledged_at_ms != null || !ACK[role]) return [];
  const files = role === "supervisor" || pack().filing === "dispatcher";
  if (isEarly(row) && row.state !== "returned")
    return [
      {
        key: "A",
        verb: "acknowledge_incident",
        primary: !files,
        ask: RAISED_BY_RULE.has(row.origin) ? "disposition" : undefined,
      },
    ];
  return row.state === "pending_dispatch" ? [{ key: "A", verb: "acknowledge_incident" }] : [];
}

/** Supervision: takes in, verifies, files, checks, closes. */
function supervisionVerbs(row) {
  const { state } = row,
    verbs = [];
  if (isEarly(row)) verbs.push({ key: "F", verb: "file", primary: true });
  if (state === "pending_check" || state === "pending_close")
    verbs.push({ key: "C", verb: "close", primary: true }, { key: "W", verb: "rework", ask: "reason" });
  if (state === "pending_check") verbs.push({ key: "V", verb: "check", ask: "team" });
  if (state === "verifying" || state === "checking") verbs.push({ key: "R", verb: "recall", ask: "assignment" });
  verbs.push(...intakeVerbs(row).map((one) => ({ ...one, primary: false })));
  if (state === "pending_register" || state === "pending_dispatch" || state === "returned")
    verbs.push({ key: "X", verb: "void", ask: "reason" });
  if (isOpen(row) && !isEarly(row) && state !== "verifying" && state !== "pending_close")
    verbs.push({ key: "G", verb: "force_close", ask: "reason" });
  if (!isOpen(row)) verbs.push({ key: "O", verb: "reopen", primary: true, ask: "reason" });
  return [...verbs, ...leaderVerbs(row)];
}
function intakeVerbs(row) {
  const verbs = [];
  if (row.state === "reported")
    verbs.push({ key: "T", verb: "accept", primary: true }, { key: "X", verb: "decline", ask: "reason" });
  if (isEarly(row)) verbs.push({ key: "V", verb: "verify", ask: "team" });
  return verbs;
}
function leaderVerbs(row) {
  return isOpen(row) ? [{ key: "U", verb: "supervise", ask: "reason" }] : [];
}

/** Command: sends teams, returns, extends, suspends, confirms. */
function commandVerbs(row) {
  const { state } = row,
    verbs = [];
  if (isEarly(row) && state !== "returned" && pack().filing === "dispatcher")
    verbs.push({ key: "F", verb: "file", primary: true });
  if (isHeld(row)) verbs.push({ key: "R", verb: "take_back", primary: true, ask: "assignment" });
  if (state === "pending_dispatch")
    verbs.push(
      { key: "D", verb: "dispatch_team", primary: !isHeld(row), ask: "team" },
      { key: "B", verb: "return", ask: "reason" },
    );
  if (isHandled(row)) {
    if (row.assignments?.length) verbs.push({ key: "R", verb: "recall", ask: "assignment" });
    verbs.push({ key: "D", verb: "dispatch_team", ask: "team" }, { key: "E", verb: "extend", ask: "reason" });
  }
  if (state === "pending_dispatch" || isHandled(row)) verbs.push({ key: "S", verb: "suspend", ask: "until" });
  if (state === "suspended") verbs.push({ key: "S", verb: "resume" });
  if (state === "handle_finish")
    verbs.push({ key: "Y", verb: "confirm", primary: true }, { key: "W", verb: "rework", ask: "reason" });
  return verbs;
}

export function alertVerbs(row, role) {
  if (!ACK[role]) return [];
  const verbs = [],
    chief = role === "supervisor";
  if (row.state === "active" || row.state === "returned")
    verbs.push({ key: "A", verb: "acknowledge", primary: true, ask: "disposition" });
  if (row.state === "shelved") verbs.push({ key: "L", verb: "unshelve", primary: true });
  else if (row.state !== "out_of_service" && row.state !== "suppressed" && (chief || row.priority > 1))
    verbs.push({ key: "L", verb: "shelve", ask: "shelf" });
  if (chief && row.state !== "out_of_service" && row.kind !== "burst")
    verbs.push({ key: "M", verb: "out_of_service", ask: "reason", target: row.subject });
  return verbs;
}
/** A sensor or source that was taken out of service. */
export const serviceVerbs = (row, role) =>
  role === "supervisor" ? [{ key: "M", verb: "in_service", primary: true }] : [];
export function complaintVerbs(row, role) {
  return row.state === "no_place" && ["dispatcher", "supervisor", "call_taker"].includes(role)
    ? [{ key: "P", verb: "place", primary: true, ask: "place" }]
    : [];
}
export const verbsOf = (table, row, role) =>
  table === "incidents"
    ? incidentVerbs(row, role)
    : table === "alerts"
      ? alertVerbs(row, role)
      : table === "complaints"
        ? complaintVerbs(row, role)
        : table === "out_of_service"
          ? serviceVerbs(row, role)
          : [];

/** Every letter that is a verb for a role on some row, with its verbs: found by asking of each kind of row that there is. @returns {Map<string, string[]>} */
export function lettersOf(role) {
  const found = new Map(),
    incident = { priority: 2, origin: "sensor", assignments: [], acknowledged_at_ms: null },
    some = [{}, { assignments: ["t"] }, { escalated_by: "a/b/c" }, { callback_due_ms: 1 }],
    rows = [
      ...STATES.flatMap((state) => some.map((more) => ["incidents", { ...incident, state, ...more }])),
      ...["active", "shelved"].map((state) => ["alerts", { state, priority: 2, subject: "s" }]),
      ["complaints", { state: "no_place" }],
      ["out_of_service", {}],
    ];
  for (const [table, row] of rows)
    for (const { key, verb } of verbsOf(table, row, role)) {
      const verbs = found.get(key) ?? found.set(key, []).get(key),
        words = t(`verb.${verb}`);
      if (!verbs.some((one) => t(`verb.${one}`) === words)) verbs.push(verb);
    }
  return found;
}

const ROLES = ["call_taker", "dispatcher", "supervisor", "leader"];
/** Why a key does nothing here: the verb it would be for another seat, and whose. @returns {{verb: string, code: string, args: object}|null} null: it is nobody's now */
export function notYours(table, row, role, letter) {
  const roles = ROLES.filter((one) => verbsOf(table, row, one).some(({ key }) => key === letter));
  if (!roles.length) return null;
  const { verb } = verbsOf(table, row, roles[0]).find(({ key }) => key === letter);
  return { verb, code: "not_your_role", args: { role, verb, roles } };
}

const DUE = new Set(["file", "dispatch_team", "confirm", "close", "accept", "acknowledge", "place"]);
/** Whether this seat is the one that must decide next. A role without verbs sees all that anybody must decide. */
export function decides(table, row, role) {
  const verbs = verbsOf(table, row, role);
  if (calls(row, role) || toCall(row, role)) return true;
  if (["dispatcher", "supervisor", "call_taker"].includes(role))
    return verbs.some(
      (one) =>
        (DUE.has(one.verb) && !(isOpen(row) && isHand(row))) || (one.verb === "acknowledge_incident" && one.primary),
    );
  return table !== "incidents" || (isOpen(row) && !isHand(row));
}

/** What is on its way and what was refused, by subject (`table id`). */
export class Sender {
  /** @param {import("./channel.mjs").Channel} channel */
  constructor(channel) {
    this.channel = channel;
    this.sending = new Map();
    this.refused = new Map();
    this.tellers = new Set();
    /** The token under which this person acts on a subject, as a field of its commands. @type {(subject: string) => object} */
    this.fence = () => ({});
  }
  on(tell) {
    this.tellers.add(tell);
  }
  #tell(subject) {
    for (const tell of this.tellers) tell(subject);
  }

  /** @param {string} subject where the answer is shown @returns {Promise<boolean>} whether it was done */
  async send(subject, verb, target, fields = {}) {
    this.refused.delete(subject);
    this.sending.set(subject, { verb, at: performance.now() });
    this.#tell(subject);
    const answer = await this.channel.command(verb, target, { ...fields, ...this.fence(subject) });
    this.sending.delete(subject);
    if (answer.status !== "done") this.refused.set(subject, { ...answer, verb, target, fields, at: performance.now() });
    this.#tell(subject);
    return answer.status === "done";
  }
  /** Refused before it was sent, by the same rule as the server's: it stands beside its subject all the same. */
  refuse(subject, { verb, code, args }) {
    this.refused.set(subject, { status: "refused", code, args, verb, at: performance.now() });
    this.#tell(subject);
  }
  dismiss(subject) {
    if (this.refused.delete(subject)) this.#tell(subject);
  }
  /** A refusal as a sentence: people by name, teams by call sign. */
  said({ code, args }) {
    const call = (id) => this.channel.store.tables.teams.get(id)?.call ?? id;
    return t(code, { ...args, ...(args?.by && { by: who(args.by) }), ...(args?.team && { team: call(args.team) }) });
  }
  /** The refusal's sentence, or "sending…", or nothing. */
  words(subject) {
    const refused = this.refused.get(subject);
    if (refused) return this.said(refused);
    return this.sending.has(subject) ? t("label.sending") : "";
  }
}
