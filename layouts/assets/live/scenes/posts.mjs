/** Peak-duty posts 定岗: which of them somebody stands at, which not. Of the table of posts, or of the posts of the teams where there is none. Pure. */

import { teamMark } from "../marks.mjs";
import { metresBetween } from "../scene.mjs";
import { named, t, word } from "../words.mjs";

export const key = "posts";

const AT_M = 250, // nearer than this a team stands at its post
  LEFT = 0.25; // so many posts without anybody are worth a look

/** @param {import("../scenes.mjs").City} at */
export function look({ store }) {
  const posts = postsOf(store);
  if (!posts.length) return [];
  const empty = posts.filter((post) => post.state === "empty"),
    share = empty.length / posts.length;
  const lines = [...posts]
    .sort((a, b) => RANK[a.state] - RANK[b.state] || (a.id < b.id ? -1 : 1))
    .map((post) => ({
      id: post.id,
      mark: teamMark(post.team?.shown ?? "off"),
      words: post.name,
      small: post.team ? `${post.team.call} ${word("team", post.team.shown)}` : "",
      figure: t(`scene.post_${post.state}`),
      tone: { empty: "near", unknown: "stale" }[post.state] ?? "",
    }));
  return [
    {
      id: key,
      key,
      salience: share > LEFT ? Math.min(55, 20 + 60 * (share - LEFT)) : 0,
      title: t("scene.posts"),
      why: empty.length
        ? t("scene.posts_empty", { n: empty.length, of: posts.length })
        : t("scene.posts_all", { n: posts.filter((post) => post.state === "manned").length, of: posts.length }),
      side: { head: t("scene.posts_side"), lines },
    },
  ];
}

const RANK = { empty: 0, unknown: 1, called: 2, rest: 3, manned: 4 };

/** @returns {{id: string, name: string, lat: number, lon: number, state: "manned"|"called"|"rest"|"unknown"|"empty", team: object|undefined}[]} */
function postsOf(store) {
  const posted = [...store.tables.teams.values()].filter((row) => named(row, "post") && row.shown !== "off");
  return posted.map((team) => ({
    id: team.id,
    name: named(team, "post"),
    lat: team.lat,
    lon: team.lon,
    team,
    state: standing(team, store),
  }));
}

function standing(team, store) {
  if (team.shown === "break") return "rest";
  if (team.shown !== "free") return team.shown === "silent" ? "unknown" : "called";
  const [lat, lon] = store.telemetry.teams.get(team.id) ?? [];
  if (lat === undefined) return "unknown";
  return metresBetween({ lat, lon }, team) < AT_M ? "manned" : "empty";
}
