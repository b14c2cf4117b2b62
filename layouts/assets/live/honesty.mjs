/** How true the picture is: the link, the engine behind it, the sources. Says it in one word, one figure and one plain sentence. */

import { t, word } from "./words.mjs";
import { long, longDate, timeOfDay } from "./time.mjs";

const LATE_S = 2; // a heartbeat comes every second
const DEAD_S = 4; // looked at once a second, so that it is said within five

/** The link's state. `told_s`: how long ago it had stopped when the last heartbeat came.
 * @param {import("./channel.mjs").Channel} channel
 * @returns {{state: "connecting"|"live"|"late"|"dead", since_s: number, told_s?: number, behind_s: number|null, reason: string}} */
export function linkState(channel, now = performance.now()) {
  const { heartbeat, heard_at } = channel;
  if (heard_at === null) {
    const since_s = channel.lost_at === null ? 0 : (now - channel.lost_at) / 1000;
    return { state: since_s > DEAD_S ? "dead" : "connecting", since_s, behind_s: null, reason: "link" };
  }
  const silent_s = (now - heard_at) / 1000;
  const ago_s = (since_ms) => (since_ms != null ? (heartbeat.now - since_ms) / 1000 : -silent_s),
    [store_s, engine_s] = [heartbeat.store_lost_ms, heartbeat.engine?.heard_ms].map((ms) => ago_s(ms) + silent_s);
  const behind_s = (heartbeat.engine?.lag_ms ?? 0) / 1000;
  if (silent_s > DEAD_S || (channel.lost_at !== null && silent_s > LATE_S))
    return { state: "dead", since_s: silent_s, behind_s, reason: "link" };
  const stopped = (since_s, reason) => ({ state: "dead", since_s, told_s: since_s - silent_s, behind_s, reason });
  if (store_s > LATE_S) return stopped(store_s, "store");
  if (engine_s > DEAD_S) return stopped(engine_s, "engine");
  if (silent_s > LATE_S) return { state: "late", since_s: silent_s, behind_s, reason: "link" };
  return { state: "live", since_s: silent_s, behind_s, reason: "" };
}

/** A device of a team is a source of its own. One that falls silent is told by its team's mark; many of them are told here, as one. */
const isDevice = (row) => row.kind === "patrol" && row.id.startsWith("device:");
const MANY_DEVICES = 0.2;

/** Sources that have stopped or run late, worst first, each with its age in city seconds. */
export function lateSources(store, clock) {
  const now = clock.now(),
    late = [],
    kinds = new Map();
  for (const row of store.tables.sources.values()) kinds.set(row.kind, (kinds.get(row.kind) ?? 0) + 1);
  for (const row of store.tables.sources.values()) {
    if (row.state === "live" || isDevice(row)) continue;
    const heard = store.telemetry.sources.get(row.id)?.[0] ?? row.since_ms;
    late.push({
      ...row,
      alone: kinds.get(row.kind) === 1,
      silent_s: Math.max(0, (now - Math.min(heard ?? now, row.since_ms ?? now)) / 1000),
    });
  }
  const devices = [...store.tables.sources.values()].filter(isDevice),
    dead = devices.filter((row) => row.state === "dead");
  if (dead.length && dead.length >= devices.length * MANY_DEVICES) {
    const since = Math.min(...dead.map((row) => row.since_ms));
    late.push({
      id: "devices",
      kind: "patrol",
      state: "dead",
      silent_s: Math.max(0, (now - since) / 1000),
      dead: dead.length,
      of: devices.length,
    });
  }
  return late.sort((a, b) => (a.state === "dead" ? 0 : 1) - (b.state === "dead" ? 0 : 1) || b.silent_s - a.silent_s);
}

/** One sentence for a source that stopped; its name only where there are several of its kind. */
export function sourceSentence(row) {
  if (row.of) return t("honesty.stopped_devices", { n: row.dead, of: row.of, age: long(row.silent_s) });
  const source = row.alone ? "" : ` ${row.id} `;
  if (row.state === "late")
    return t("honesty.source_late", { source: `${word("source_kind", row.kind)}${source}`, note: row.note || "" });
  return t(`honesty.stopped_${row.kind}`, { source, age: long(row.silent_s) });
}

/** The whole screen in one state: what the live mark says. */
export function truth(store, channel, clock) {
  const link = linkState(channel),
    late = lateSources(store, clock);
  const doubt = store.checked && !store.checked.holds;
  const state = link.state === "live" ? (late.length || doubt ? "late" : "live") : link.state;
  return { state, link, late, doubt, teamsStopped: link.state === "dead" || everyPatrolStopped(store) };
}
/** No position arrives: each device has stopped, or what they all speak through. */
const everyPatrolStopped = (store) => {
  const patrols = [...store.tables.sources.values()].filter((row) => row.kind === "patrol"),
    ways = patrols.filter((row) => row.id.startsWith("gateway:"));
  return [ways, patrols].some((rows) => rows.length > 0 && rows.every((row) => row.state === "dead"));
};

/** Words of the live mark: [word, figure]. */
export function markWords({ state, link, late, doubt }, clock) {
  if (state === "connecting") return [t("honesty.connecting"), ""];
  if (state === "dead")
    return [
      t({ engine: "honesty.engine_stopped", store: "honesty.store_stopped" }[link.reason] ?? "honesty.dead"),
      long(link.since_s),
    ];
  if (link.state === "late") return [t("honesty.late"), long(link.since_s)];
  if (doubt) return [t("honesty.doubt"), ""];
  if (late.length) return [t("honesty.partly_late"), long(late[0].silent_s)];
  return [
    t("honesty.live"),
    link.behind_s === null ? "" : t("honesty.behind", { s: link.behind_s < 0.05 ? "<0.1" : link.behind_s.toFixed(1) }),
  ];
}

/** The city time of the last picture, in words: what stopped went on until then, though the clock runs on. */
export function pictureOf({ link }, clock) {
  return clock.known() ? timeOfDay(clock.city - (link.told_s ?? 0) * 1000 * clock.rate) : "–";
}

/** The sentence that stands over a picture that is not current; empty when it is. */
export function veilSentence(truth, clock) {
  const { state, link, late } = truth;
  if (link.state === "dead")
    return t(`honesty.veil_${link.reason}`, { age: long(link.since_s), time: pictureOf(truth, clock) });
  if (state === "connecting") return "";
  const worst = late.find((row) => row.state === "dead");
  return worst ? sourceSentence(worst) : "";
}

/** What the clock is, in words, when it is not the city's own: empty on the live clock. */
export function clockWords(clock) {
  if (!clock.known() || clock.source === "live") return "";
  return t(`honesty.${clock.source}`, {
    when: `${longDate(clock.now())} ${timeOfDay(clock.now()).slice(0, 5)}`,
    rate: speed(clock),
  });
}
function speed(clock) {
  if (clock.rate !== 0) return `×${Math.round(clock.rate * 10) / 10}`;
  return t(clock.leaps() ? "honesty.full_speed" : "honesty.paused");
}
