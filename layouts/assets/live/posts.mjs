/** Peak-duty posts 岗位 on the map: a quiet ring around each that is due; yellow where its team did not come or left it, violet where nobody can see. */

import { PLANE, TableLayer } from "./layers.mjs";
import { ago } from "./time.mjs";
import { lang, t, word } from "./words.mjs";

const RING = "M-1.5 10a11.5 11.5 0 1 0 23 0a11.5 11.5 0 1 0 -23 0Z"; // wide enough that the mark of its team lies in it
const RANK = { vacated: 30, absent: 31, unknown: 62 };

/** Whether somebody should look: nobody came, or who was there is gone. */
export const empty = (state) => state === "vacated" || state === "absent";

/** The ring of a state. */
export function postMark(state) {
  if (empty(state))
    return [
      { d: RING, stroke: "edge-2", w: 3.4 },
      { d: RING, stroke: "priority-2", w: 2 },
    ];
  if (state === "unknown") return [{ d: RING, stroke: "stale", w: 1.6, dash: [3, 2.4] }];
  return [{ d: RING, stroke: "ink-3", w: 1.1, ...(state === "manned" ? {} : { dash: [1.2, 3] }) }];
}

/** A post in one line: how it stands, who is planned for it, since when. */
export function postWords(row, store, now) {
  const teams = row.teams.map((id) => store.tables.teams.get(id)?.call ?? id),
    there = row.present.length;
  return t("post.says", {
    post: row[`name_${lang}`] || row.name_zh,
    state: word("post", row.state),
    there,
    needed: row.needed,
    teams,
    hours: row.hours.join("–"),
    ago: ago((now - row.since_ms) / 1000),
  });
}

/** @param {(team: string) => void} [onTeam] a click: who should stand there */
export function postsLayer(onTeam) {
  const layer = new TableLayer("posts", {
    plane: PLANE.cell,
    mark: (row, map) => {
      if (row.state === "not_due" || (map.sizes.wall && !RANK[row.state])) return null;
      const size = map.sizes.team * 1.5;
      return map.atlas.mark(`post${row.state}`, postMark(row.state), size);
    },
    strokes: (row) => postMark(row.state),
    describe: (row) => postWords(row, layer.store, layer.map.clock.now()),
    legend: () => ["manned", "away", "vacated", "unknown"].map((state) => [postMark(state), word("post", state)]),
    pick: onTeam && ((id) => onTeam(layer.rows().get(id).teams[0])),
  });
  layer.rank = (id) => RANK[layer.rows().get(id)?.state] ?? null;
  return layer;
}
