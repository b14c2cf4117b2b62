/** Which verbs a role sees on a row, each with its key; sending them, and what came back. The server decides; a refusal stands beside its subject. */

import { isHand, isOpen } from "./lifecycle.mjs";
import { pack, t } from "./words.mjs";

/** @typedef {{key: string, verb: string, primary?: boolean, ask?: "team"|"reason"|"disposition"|"assignment"}} Verb */

const ACK = { dispatcher: true, supervisor: true };
const RAISED_BY_RULE = new Set(["sensor", "patrol"]);
export const DISPOSITIONS = ["real", "no_impact", "duplicate", "not_ours", "false"];
export const REASONS = {
  void: ["false", "duplicate", "not_ours", "no_impact"],
  return: ["not_ours", "unclear", "wrong_place"],
  rework: ["not_solved", "partly_solved", "no_photo"],
  break: ["nearest", "urgent"],
};

/** Verbs of an incident for a role, the one that is due first. @returns {Verb[]} */
export function incidentVerbs(row, role) {
  const verbs = [],
    files = role === "supervisor" || (role === "dispatcher" && pack().filing === "dispatcher");
  const early = row.state === "reported" || row.state === "pending_register";
  if (early && files) verbs.push({ key: "F", verb: "file", primary: true });
  if (row.state === "pending_dispatch" && role === "dispatcher")
    verbs.push({ key: "D", verb: "dispatch_team", primary: true, ask: "team" });
  if (row.state === "pending_check" && role === "supervisor")
    verbs.push({ key: "C", verb: "close", primary: true }, { key: "W", verb: "rework", ask: "reason" });
  if (row.acknowledged_at_ms == null && early && ACK[role])
    verbs.push({
      key: "A",
      verb: "acknowledge_incident",
      primary: !files,
      ask: RAISED_BY_RULE.has(row.origin) ? "disposition" : undefined,
    });
  else if (row.acknowledged_at_ms == null && row.state === "pending_dispatch" && ACK[role])
    verbs.push({ key: "A", verb: "acknowledge_incident" });
  if (row.state === "reported" && (role === "call_taker" || role === "supervisor"))
    verbs.push({ key: "T", verb: "accept", primary: role === "call_taker" });
  if (isHand(row) && role === "dispatcher") {
    if (row.assignments?.length) verbs.push({ key: "R", verb: "recall", ask: "assignment" });
    verbs.push({ key: "D", verb: "dispatch_team", ask: "team" });
  }
  if (row.state === "pending_dispatch" && role === "dispatcher")
    verbs.push({ key: "B", verb: "return", ask: "reason" });
  if ((early || row.state === "pending_dispatch") && role === "supervisor")
    verbs.push({ key: "X", verb: "void", ask: "reason" });
  return verbs;
}

export function alertVerbs(row, role) {
  return (row.state === "active" || row.state === "returned") && ACK[role]
    ? [{ key: "A", verb: "acknowledge", primary: true, ask: "disposition" }]
    : [];
}
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
        : [];

const ROLES = ["call_taker", "dispatcher", "supervisor"];
/** Why a key does nothing here: the verb it would be for another seat, and whose. @returns {{verb: string, code: string, args: object}|null} null: it is nobody's now */
export function notYours(table, row, role, letter) {
  const roles = ROLES.filter((one) => verbsOf(table, row, one).some(({ key }) => key === letter));
  if (!roles.length) return null;
  const { verb } = verbsOf(table, row, roles[0]).find(({ key }) => key === letter);
  return { verb, code: "not_your_role", args: { role, verb, roles } };
}

const DUE = new Set(["file", "dispatch_team", "close", "accept", "acknowledge", "place"]);
/** Whether this seat is the one that must decide next. A role without verbs sees all that anybody must decide. */
export function decides(table, row, role) {
  const verbs = verbsOf(table, row, role);
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
    const answer = await this.channel.command(verb, target, fields);
    this.sending.delete(subject);
    if (answer.status !== "done") this.refused.set(subject, { ...answer, verb, at: performance.now() });
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
  /** The refusal's sentence, or "sending…", or nothing. */
  words(subject) {
    const refused = this.refused.get(subject);
    if (refused) return t(refused.code, refused.args);
    return this.sending.has(subject) ? t("label.sending") : "";
  }
}
