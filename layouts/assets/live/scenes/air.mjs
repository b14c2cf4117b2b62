/** Air and noise: where a limit of noise, dust or smoke is passed now, and how many more than usual. Pure. */

import { sensorMark } from "../marks.mjs";
import { span } from "../time.mjs";
import { MOST_LINES } from "./lines.mjs";
import { figure, known, named, rule, t, where, word } from "../words.mjs";

export const key = "air";

const KINDS = new Set(["noise", "pm10", "pm25"]),
  RECENT_MS = 600_000,
  STANDS = new Set(["active", "acknowledged"]);

/** @param {import("../scenes.mjs").City} at */
export function look({ store, now, rate }) {
  const kindOf = (row) => rule(row.rule)?.sensor_kind ?? store.telemetry.sensors.get(row.subject)?.[5];
  const over = [...store.tables.alerts.values()].filter(
      (row) => STANDS.has(row.state) && !row.dimmed && row.lat != null && KINDS.has(kindOf(row)),
    ),
    recent = over.filter((row) => now - row.raised_at_ms < RECENT_MS * Math.max(1, rate / 60));
  const figures = [...store.kpi.keys()].filter((one) => one.startsWith("noise") || one.startsWith("pm") || one.startsWith("air"));
  if (!over.length && !figures.length) return [];
  const lines = over
    .sort((a, b) => a.priority - b.priority || b.raised_at_ms - a.raised_at_ms || (a.id < b.id ? -1 : 1))
    .slice(0, MOST_LINES)
    .map((row) => ({
      id: row.id,
      mark: sensorMark(row.state, row.priority),
      words: where(row) || row.subject,
      small: rule(row.rule) ? named(rule(row.rule)) : word("sensor_kind", kindOf(row)),
      kept: ` ${span((now - row.raised_at_ms) / 1000)}`,
      figure: row.value == null ? "" : `${figure(row.value)}${unitOf(row.unit)}`,
      tone: row.priority === 1 ? "over" : row.state === "active" ? "near" : "",
    }));
  return [
    {
      id: key,
      key,
      salience: Math.min(55, 3 * over.length + 8 * recent.length),
      title: t("scene.air"),
      why:
        recent.length >= 2
          ? t("scene.air_recent", { n: recent.length, min: RECENT_MS / 60_000 })
          : over.length
            ? t("scene.air_over", { n: over.length })
            : t("scene.air_calm"),
      side: lines.length ? { head: t("scene.air_side"), lines, of: over.length } : null,
    },
  ];
}

const unitOf = (unit) => (unit ? ` ${known(`unit.${unit}`) ? word("unit", unit) : unit}` : "");
