/** Peak-duty posts 定岗: which of them are held, which not. Of the campaign's posts; of the teams' own where no campaign holds any now. Pure. */

import { teamMark } from "../marks.mjs";
import { metresBetween } from "../scene.mjs";
import { named, t, word } from "../words.mjs";
import { MOST_LINES } from "./lines.mjs";

export const key = "posts";

const AT_M = 250, // nearer than this a team stands at its own post
  LEFT = 0.15, // so many posts without anybody are worth a look
  RANK = { vacated: 0, absent: 1, unknown: 2, away: 3, awaited: 4, manned: 5 },
  EMPTY = new Set(["vacated", "absent"]),
  TONE = { vacated: "over", absent: "near", unknown: "stale" };

/** @param {import("../scenes.mjs").City} at */
export function look({ store, now }) {
  const due = [...store.tables.posts.values()].filter((row) => row.state !== "not_due"),
    posts = due.length ? due.map((row) => campaignPost(row, store, now)) : ownPosts(store);
  if (!posts.length) return [];
  const empty = posts.filter((post) => EMPTY.has(post.state)).length,
    manned = posts.filter((post) => post.state === "manned").length,
    share = empty / posts.length;
  const lines = posts
    .sort((a, b) => RANK[a.state] - RANK[b.state] || (a.id < b.id ? -1 : 1))
    .slice(0, MOST_LINES)
    .map(({ id, name, state, team, since }) => ({
      id,
      mark: teamMark(team?.shown ?? "off"),
      words: name,
      small: team ? `${team.call} ${word("team", team.shown)}` : "",
      figure: EMPTY.has(state) && since !== null ? t(`post.${state}_for`, { age: since }) : word("post", state),
      tone: TONE[state] ?? "",
    }));
  return [
    {
      id: key,
      key,
      salience: share > LEFT ? Math.min(55, 20 + 60 * (share - LEFT)) : 0,
      title: due.length ? t("scene.posts_of", { campaign: named(due[0], "campaign") }) : t("scene.posts"),
      why: empty
        ? t("scene.posts_empty", { n: empty, of: posts.length })
        : t("scene.posts_all", { n: manned, of: posts.length }),
      side: { head: t("scene.posts_side"), lines, of: posts.length },
    },
  ];
}

/** A post of the campaign, with whoever is there, or else who is planned for it. */
function campaignPost(row, store, now) {
  const id = row.present[0] ?? row.leader ?? row.teams[0];
  return {
    id: row.id,
    name: named(row, "name"),
    state: row.state,
    team: store.tables.teams.get(id),
    since: row.short_since_ms == null ? null : (now - row.short_since_ms) / 1000,
  };
}

/** Where the teams stand when they are free. */
function ownPosts(store) {
  return [...store.tables.teams.values()]
    .filter((team) => named(team, "post") && team.shown !== "off")
    .map((team) => ({ id: team.id, name: named(team, "post"), state: standing(team, store), team, since: null }));
}

function standing(team, store) {
  if (team.shown === "silent") return "unknown";
  if (team.shown !== "free") return "away";
  const [lat, lon] = store.telemetry.teams.get(team.id) ?? [];
  if (lat === undefined) return "unknown";
  return metresBetween({ lat, lon }, team) < AT_M ? "manned" : "absent";
}
