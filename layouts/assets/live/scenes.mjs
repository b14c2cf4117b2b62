/** The scenes of the wall, in the order of their calm turns. Each is a module of one shape: `key`, and `look(city, before)`, which gives its views.
 *
 * A view is plain data: `id` what it is about, `key`, `salience` 0–100, `title` and `why` in words; and what it shows: `spot` a place under the lens,
 * `side` a list beside the map, `board` figures instead of it, `frame` points that the map holds (all the city where there are none). Pure. */

import * as air from "./scenes/air.mjs";
import * as figures from "./scenes/figures.mjs";
import * as hotspot from "./scenes/hotspot.mjs";
import * as overview from "./scenes/overview.mjs";
import * as posts from "./scenes/posts.mjs";
import * as teams from "./scenes/teams.mjs";

/** @typedef {{store: import("./store.mjs").Store, now: number, rate: number, basemap: object}} City what a scene may look at; `now` is city time */

export const SCENES = [overview, hotspot, teams, posts, air, figures];
export const KEYS = SCENES.map((scene) => scene.key);

/** Every view that there is now; a scene that this city has nothing for has none.
 * @param {City} city @param {object|null} shown the view that is shown: its place stays a view as long as something is open there */
export const viewsOf = (city, shown = null) =>
  SCENES.flatMap((scene) => scene.look(city, shown?.key === scene.key ? shown : null));
