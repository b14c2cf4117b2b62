/** One incident, put on a screen by an operator for a time. Never of its own accord. Pure. */

import { isHand, isOpen, isUnack } from "../lifecycle.mjs";
import { incidentMark, teamMark } from "../marks.mjs";
import { clock as asClock, timeOfDay } from "../time.mjs";
import { category, named, t, where, word } from "../words.mjs";

export const key = "incident";

const AROUND_M = 400;

/** @param {import("../scenes.mjs").City} at @param {object} row the incident @param {string} why who put it here, until when */
export function cast({ store, now }, row, why) {
  const orders = (row.assignments ?? []).map((id) => store.tables.assignments.get(id)).filter(Boolean);
  const since = (ms) => asClock((now - ms) / 1000),
    unack = isUnack(row),
    spot = { lat: row.lat, lon: row.lon, radius_m: AROUND_M, members: [row], worst: row, recent: 0 };
  const lines = [
    {
      id: "state",
      mark: incidentMark(row.priority, { hand: isHand(row), unack }),
      words: unack ? t("label.unacknowledged") : word("state", row.state),
      small: t("scene.reported_at", { time: timeOfDay(row.reported_at_ms) }),
      figure: since(row.reported_at_ms),
      tone: unack && row.priority === 1 ? "over" : "",
    },
    ...orders.map((order) => {
      const team = store.tables.teams.get(order.team);
      return {
        id: order.id,
        mark: teamMark(team?.shown ?? "sent"),
        words: `${team?.call ?? order.team} ${word("step", order.state)}`,
        small: team ? named(team) || named(team, "name") : "",
        figure: since(order.state_since_ms ?? order.sent_at_ms),
        tone: "",
      };
    }),
  ];
  return {
    id: `${key} ${row.id}`,
    key,
    salience: 0,
    title: t("scene.incident", { number: row.number, where: where(row), what: category(row.category) }),
    why,
    spot: isOpen(row) && Number.isFinite(row.lat) ? spot : null,
    side: { head: t("scene.incident_side"), lines },
  };
}
