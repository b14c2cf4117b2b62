/** The wall's director: which scene is shown now, since when, why, and what comes next. Pure: the same views, times and seed give the same scenes.
 *
 * A scene offers views. Each has an id (what it is about), its scene's key and a salience from 0 to 100: severity and growth are in it,
 * novelty is judged here. Attention when it counts, stability otherwise: a scene stays a minute whatever happens, a rival must beat it
 * clearly, what was looked at for long counts less, and so many changes an hour are the most. May know no row, no element and no clock. */

export const DWELL_MS = 60_000; // real time: the least that a scene is shown; only a hand goes past it
export const TURN_MS = 120_000; // a calm scene gives way to the next one after this
export const EVENT = 40; // from here on a view is worth a change of its own
export const FACTOR = 1.5; // a rival beats what is shown by so much
export const MOST_AN_HOUR = 40;
export const KEPT_FOR_EVENTS = 10; // of these; calm turns stop before
const HOUR_MS = 3_600_000;
const TIRES_MS = 180_000; // what was shown for so long counts half
const FORGETS = 0.1; // ten minutes out of sight make up for one in it
const NEWS = 1.25; // grown by so much it is new again
const CALM = 10; // nothing is so dull that a trifle beats it

/** @typedef {{id: string, key: string, salience: number}} View what a scene would show, and how much it matters
 * @typedef {{id: string, key: string, since: number, by: "first"|"event"|"turn"|"hand", salience: number}} Shown
 * @typedef {{shown: Shown|null, changes: number[], tired: Object<string, {ms: number, level: number}>, // `tired`: looked at for so long, at that level
 *   at: number|null, seed: number,
 *   next: {id: string, due: number}|null, turn_at: number|null}} Memory */

/** A director who has shown nothing yet. Another seed begins the calm turns elsewhere: walls side by side differ. @returns {Memory} */
export const opening = (seed = 0) => ({
  shown: null,
  changes: [],
  tired: {},
  at: null,
  seed,
  next: null,
  turn_at: null,
});

/** A seed of a screen's name. */
export function seedOf(name) {
  let seed = 7;
  for (const one of name) seed = (seed * 31 + one.codePointAt(0)) >>> 0;
  return seed;
}

/** How much a view counts now: less, the longer it was looked at. */
const worth = (view, tired) => view.salience * 2 ** (-(tired[view.id]?.ms ?? 0) / TIRES_MS);

/** The next moment. @param {Memory} memory @param {View[]} views in the order of the calm turns, one at least @param {number} now real ms, never back
 * @param {string|null} hand id of the view that an operator put here: shown at once, as long as it is given @returns {Memory} */
export function direct(memory, views, now, hand = null) {
  const tired = grow(memory, views, now),
    changes = memory.changes.filter((at) => now - at < HOUR_MS),
    held = { ...memory, tired, changes, at: now, next: null, turn_at: null };
  const put = (view, by) => ({
    ...held,
    shown: { id: view.id, key: view.key, since: now, by, salience: view.salience },
    changes: memory.shown ? [...changes, now] : changes,
    turn_at: by === "hand" ? null : now + TURN_MS,
  });
  const wished = hand === null ? null : views.find((view) => view.id === hand);
  if (wished) return memory.shown?.id === hand ? { ...held, shown: renewed(memory.shown, wished, "hand") } : put(wished, "hand");
  if (!memory.shown) return put(first(views, tired, memory.seed), "first");

  const { shown } = memory,
    here = views.find((view) => view.id === shown.id),
    taken = !here && shown.by === "hand", // a cast that has ended: what it showed is nobody's view, and would stand still
    dwells = taken ? now : shown.since + DWELL_MS,
    bar = Math.max(CALM, here ? worth(here, tired) : 0) * FACTOR;
  // An event has one showing of its own, until it has grown or is forgotten; after that its turns are those of everybody.
  const rival = best(views.filter((view) => !tired[view.id]), tired, shown.id),
    wins = rival && worth(rival, tired) >= Math.max(EVENT, bar);
  if (wins) {
    const due = Math.max(dwells, changes.length < MOST_AN_HOUR ? now : changes[0] + HOUR_MS);
    if (due <= now) return put(rival, "event");
    return { ...held, shown: renewed(shown, here), next: { id: rival.id, due } };
  }
  const stays = here && worth(here, tired) >= EVENT,
    turns = changes.length < MOST_AN_HOUR - KEPT_FOR_EVENTS ? now : changes[changes.length - (MOST_AN_HOUR - KEPT_FOR_EVENTS)] + HOUR_MS,
    turn_at = Math.max(turns, shown.since + TURN_MS, stays ? now + fades(here, tired) : 0);
  const calm = { ...held, shown: renewed(shown, here), turn_at };
  // What it was about is over, or a hand took its pin back: it stays its minute and goes.
  const over = taken || ((!here || shown.by === "hand") && now >= dwells && now >= turns);
  if (views.length < 2 && here) return { ...calm, turn_at: null };
  return over || now >= turn_at ? put(following(views, shown, tired), "turn") : calm;
}

const renewed = (shown, view, by = shown.by) => (view ? { ...shown, by, salience: view.salience } : shown);

/** How long everything was looked at by now; what has grown is new again. */
function grow({ shown, tired, at }, views, now) {
  const passed = at === null ? 0 : Math.max(0, now - at),
    next = {};
  for (const [id, { ms, level }] of Object.entries(tired)) {
    const left = shown?.id === id ? ms + passed : ms - passed * FORGETS;
    if (left > 0) next[id] = { ms: left, level };
  }
  for (const { id, salience } of views) {
    if (shown?.id === id && !next[id]) next[id] = { ms: Math.max(1, passed), level: salience };
    if (next[id] && salience > Math.max(EVENT, next[id].level * NEWS))
      if (shown?.id === id) next[id] = { ms: 1, level: salience };
      else delete next[id];
  }
  return next;
}

/** In how many ms a view that stays as it is will no longer be worth its place. */
const fades = (view, tired) => Math.max(0, TIRES_MS * Math.log2(view.salience / EVENT) - (tired[view.id]?.ms ?? 0));

function best(views, tired, but) {
  let found = null;
  for (const view of views)
    if (view.id !== but && (!found || worth(view, tired) > worth(found, tired))) found = view;
  return found;
}

function first(views, tired, seed) {
  const found = best(views, tired, null);
  return found.salience >= EVENT ? found : views[seed % views.length];
}

/** The next of the calm turns: one scene after the other; of a scene with several views the one that counts most. */
function following(views, shown, tired) {
  const keys = [...new Set(views.map((view) => view.key))],
    at = keys.indexOf(shown.key),
    key = keys[(at + 1) % keys.length];
  return best(views.filter((view) => view.key === key), tired, keys.length > 1 ? null : shown.id) ?? views[0];
}

/** How far the present scene is, for its progress mark: 0 to 1, null where nothing else comes. @param {Memory} memory */
export function progress({ shown, next, turn_at }, now) {
  const until = next?.due ?? turn_at;
  if (!shown || until === null || until === undefined) return null;
  return Math.min(1, Math.max(0, (now - shown.since) / Math.max(1, until - shown.since)));
}
