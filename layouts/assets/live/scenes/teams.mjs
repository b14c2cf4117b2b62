/** The teams: who is silent, who has not accepted, who is longest on a scene — and whether anybody is free. Pure. */

import { teamMark } from "../marks.mjs";
import { clock as asClock, span } from "../time.mjs";
import { named, t, where, word } from "../words.mjs";
import { MOST_LINES } from "./lines.mjs";

export const key = "teams";

const SLOW_S = 120, // an order that nobody accepted for so long asks for a look
  BUSY = new Set(["sent", "en_route", "on_scene"]);

/** @param {import("../scenes.mjs").City} at */
export function look({ store, now }) {
  const teams = [...store.tables.teams.values()].filter((row) => row.duty === "on_duty"); // whoever is on a break is not (`dashboard/city/teams.py`)
  if (!teams.length) return [];
  const since_s = (row) => Math.max(0, (now - row.shown_since_ms) / 1000),
    silent = teams.filter((row) => row.shown === "silent"),
    slow = teams.filter((row) => row.shown === "sent" && since_s(row) > SLOW_S),
    busy = teams.filter((row) => BUSY.has(row.shown)),
    free = teams.filter((row) => row.shown === "free");
  const share = busy.length / teams.length,
    reasons = [
      [silent.length ? Math.min(55, 15 + 10 * silent.length) : 0, t("scene.teams_silent", { n: silent.length })],
      [slow.length ? Math.min(50, 14 + 6 * slow.length) : 0, t("scene.teams_slow", { n: slow.length, min: SLOW_S / 60 })],
      [share > 0.8 ? 250 * (share - 0.8) + 20 : 0, t("scene.teams_busy", { n: busy.length, of: teams.length })],
    ].sort((a, b) => b[0] - a[0]);
  const [salience, why] = reasons[0];
  const longest = (a, b) => a.shown_since_ms - b.shown_since_ms,
    order = [
      ...silent.map((row) => [row, "stale"]),
      ...slow.sort(longest).map((row) => [row, "near"]),
      ...busy
        .filter((row) => !slow.includes(row))
        .sort(longest)
        .map((row) => [row, ""]),
      ...free.map((row) => [row, ""]),
    ],
    lines = order.slice(0, MOST_LINES).map(([row, tone]) => line(row, store, since_s(row), tone));
  return [
    {
      id: key,
      key,
      salience: Math.min(55, salience), // more than a look at the list is the hot spot's
      title: t("scene.teams"),
      why: salience ? why : t("scene.teams_calm", { free: free.length, of: teams.length }),
      side: { head: t("scene.teams_side"), lines, of: order.length },
    },
  ];
}

/** One team: sign, what it does and where, for how long. */
function line(row, store, since_s, tone) {
  const order = row.active && store.tables.assignments.get(row.active),
    incident = order && store.tables.incidents.get(order.incident);
  return {
    id: row.id,
    mark: teamMark(row.shown),
    words: `${row.call} ${word("team", row.shown)}`,
    small: incident ? where(incident) : named(row, "post"),
    figure: row.shown === "silent" ? span(since_s) : asClock(since_s),
    tone,
  };
}
