/** How long a team has said nothing, by its own rhythm: calm, then yellow, then red; never a sound. */

import { dress, text } from "./dom.mjs";
import { span } from "./time.mjs";
import { t } from "./words.mjs";

/** So many of its own usual gaps are slow, and so many are lost; never sooner than half a minute and a minute. */
const SLOW_GAPS = 3,
  LOST_GAPS = 6,
  SLOW_LEAST_S = 30,
  LOST_LEAST_S = 60;
const RESTS = new Set(["off", "break"]);

/** @param {Array|undefined} live the team's telemetry: its seventh value is its usual gap @returns {{age_s: number|null, state: "unheard"|"rests"|"calm"|"slow"|"lost", usual_s: number}} */
export function rhythm(team, live, now, rate = 1) {
  const usual_s = live?.[6] || 0;
  if (!live) return { age_s: null, state: RESTS.has(team.shown) ? "rests" : "unheard", usual_s };
  const age_s = Math.max(0, (now - live[2]) / 1000),
    way = Math.max(1, rate / 5); // on a fast clock the way of a word alone takes city minutes
  const state = RESTS.has(team.shown)
    ? "rests"
    : age_s > Math.max(LOST_LEAST_S, LOST_GAPS * usual_s) * way
      ? "lost"
      : age_s > Math.max(SLOW_LEAST_S, SLOW_GAPS * usual_s) * way
        ? "slow"
        : "calm";
  return { age_s, state, usual_s };
}

/** Write it where the age of a position stands. */
export function showRhythm(node, { age_s, state, usual_s }) {
  text(node, age_s == null ? (state === "unheard" ? t("label.never_heard") : "–") : span(age_s));
  dress(node, `age ${state}`);
  node.title =
    state === "slow" || state === "lost" ? t(`rhythm.${state}`, { age: span(age_s), usual: span(usual_s) }) : "";
}
