/** What operators want of this wall: an incident that is cast to it, a scene that is pinned here or everywhere, a picture that stands still. Pure. */

import { cast as castView } from "./scenes/incident.mjs";
import { long, timeOfDay } from "./time.mjs";
import { person, t, word } from "./words.mjs";

const ALL = "*";

/** @param {Map<string, object>} screens the table of wishes @param {string} name of this wall @param {number} now real ms, as the server counts them
 * @returns {{cast: object|null, pin: object|null, frozen: object|null}} the rows that hold for it */
export function wishesOf(screens, name, now) {
  const own = screens.get(name),
    all = screens.get(ALL);
  return {
    cast: own?.incident && (own.cast_until_ms ?? 0) > now ? own : null,
    pin: [own, all].find((row) => row?.scene) ?? null,
    frozen: [all, own].find((row) => row?.frozen_at_ms != null) ?? null,
  };
}

/** The view that a hand put here, with the words for the corner; null where the director is free. Without a `view` where
 * what is pinned has nothing to show: the director goes on, and the corner says so.
 * @param {ReturnType<typeof wishesOf>} wishes @param {object[]} views of now @param {import("./scenes.mjs").City} city @returns {{view: object|null, note: string}|null} */
export function handOf({ cast, pin }, views, city, now) {
  const incident = cast && city.store.tables.incidents.get(cast.incident);
  if (incident) {
    const left = long(Math.max(0, cast.cast_until_ms - now) / 1000);
    return {
      view: castView(city, incident, t("scene.cast_by", { by: person(cast.cast_by) })),
      note: t("scene.cast_left", { left }),
    };
  }
  const wanted = pin && views.filter((view) => view.key === pin.scene).sort((a, b) => b.salience - a.salience)[0];
  const by = pin && { by: person(pin.scene_by), time: timeOfDay(pin.scene_at_ms) };
  if (wanted) return { view: wanted, note: t("scene.pinned_by", by) };
  return pin ? { view: null, note: t("scene.pinned_empty", { ...by, scene: word("scene_name", pin.scene) }) } : null;
}

/** The sentence of a wall that stands still. @param {object} row the wish @param {number} picture city time of what it shows */
export const frozenSentence = (row, picture) =>
  t("scene.frozen_by", { by: person(row.frozen_by), time: timeOfDay(row.frozen_at_ms), picture: timeOfDay(picture) });
