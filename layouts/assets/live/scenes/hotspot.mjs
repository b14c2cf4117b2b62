/** The hot spot: where most open incidents that matter lie together. Severity, growth, and which of two places it is about. Pure. */

import { isOpen, isUnack } from "../lifecycle.mjs";
import { hotspot, metresBetween } from "../scene.mjs";
import { category, named, t, where } from "../words.mjs";

export const key = "hotspot";

const APART_M = 600, // nearer than this it is the same place
  RECENT_MIN = 10,
  WEIGHT = { 1: 8, 2: 3, 3: 1 };

/** The place that is shown stays a view as long as something is open there, beside the one that counts most now.
 * @param {import("../scenes.mjs").City} at @param {object|null} before the view that was shown last */
export function look({ store, now, rate, basemap }, before = null) {
  const rows = store.tables.incidents,
    found = hotspot(rows.values(), now, rate),
    seen = before?.spot ? again(before.spot, rows, now) : null,
    same = found && seen && metresBetween(found, seen) < APART_M,
    views = [];
  if (same) views.push(view(found, before.id, now, rate, basemap));
  else {
    if (seen) views.push(view(seen, before.id, now, rate, basemap));
    if (found) views.push(view(found, `${key} ${found.lat.toFixed(3)},${found.lon.toFixed(3)}`, now, rate, basemap));
  }
  return views;
}

/** A spot as it is now: what is still open of it. */
function again(spot, rows, now) {
  const members = spot.members.map((row) => rows.get(row.id)).filter((row) => row && isOpen(row));
  if (members.length < 3) return null;
  const worst = members.reduce((a, b) => (b.priority < a.priority ? b : a));
  return { ...spot, members, worst, recent: members.filter((row) => now - row.reported_at_ms < RECENT_MIN * 60_000).length };
}

function view(spot, id, now, rate, basemap) {
  const window_ms = RECENT_MIN * 60_000 * Math.max(1, rate / 60),
    ages = spot.members.map((row) => now - row.reported_at_ms).filter((age) => age < window_ms),
    rising = ages.length >= 3 && ages.filter((age) => age < window_ms / 2).length > ages.length / 2;
  const weight = spot.members.reduce((sum, row) => sum + WEIGHT[row.priority], 0),
    alarm = spot.members.some((row) => row.priority === 1 && isUnack(row));
  const salience = 40 * Math.min(1, weight / 40) + 40 * Math.min(1, ages.length / 8) + (alarm ? 20 : 0);
  const min = Math.max(1, Math.ceil(Math.max(0, ...ages) / 60_000)),
    place = nearestName(basemap, spot) || where(spot.worst);
  return {
    id,
    key,
    salience,
    title: t("scene.title", { place, what: category(spot.worst.category) }),
    why:
      ages.length >= 3
        ? t(rising ? "scene.why_rising" : "scene.why_recent", { n: ages.length, min })
        : t("scene.why_open", { n: spot.members.length, metres: spot.radius_m }),
    spot,
  };
}

/** The name on the base map nearest to a spot, within a walk. */
export function nearestName(basemap, spot) {
  let best = null,
    near = 900;
  for (const label of basemap.labels) {
    if (label.kind !== "place" && label.kind !== "hub") continue;
    const away = metresBetween({ lat: label.lat, lon: label.lon }, spot);
    if (away < near) {
      near = away;
      best = label;
    }
  }
  return best ? named(best) : "";
}
