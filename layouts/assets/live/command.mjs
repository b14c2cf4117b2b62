/** The command line: `07 1841 go` read from the end, or a number, a team, a place to find. It says what it understood before Enter. Pure but for its field. */

import { isOpen } from "./lifecycle.mjs";
import { category, pack, t, where } from "./words.mjs";

const GO = new Set(["go", "派", "d", "dispatch"]);

/** Whether the order can be taken back before it leaves. */
function holdNote(incident) {
  const hold_s = pack().stages?.hold_s;
  if (!hold_s) return "";
  return incident.priority === 1 ? t("command.at_once") : t("command.held", { s: hold_s });
}

/** What a line means. @returns {{kind: "dispatch"|"find"|"team"|"nothing"|"unclear", words: string, incident?: object, teams?: object[], team?: object}} */
export function understand(line, store, role) {
  const parts = line.trim().split(/\s+/).filter(Boolean);
  if (!parts.length) return { kind: "nothing", words: "" };
  const last = parts[parts.length - 1].toLowerCase();
  const numbered = (word) => {
    const n = Number(word.replace(/^#/, ""));
    return Number.isInteger(n) ? [...store.tables.incidents.values()].find((row) => row.number === n) : undefined;
  };
  const called = (word) =>
    [...store.tables.teams.values()].find(
      (team) => team.call === word || team.call === word.padStart(2, "0") || team.id === word,
    );
  if (GO.has(last)) {
    if (role !== "dispatcher") return { kind: "unclear", words: t("command.not_your_role") };
    const incident = parts.length > 1 && numbered(parts[parts.length - 2]);
    if (!incident || !isOpen(incident)) return { kind: "unclear", words: t("command.which_incident") };
    const words = parts.slice(0, -2),
      teams = words.map(called),
      unknown = words.find((_, i) => !teams[i]);
    if (!teams.length) return { kind: "unclear", words: t("command.which_team") };
    if (unknown) return { kind: "unclear", words: t("command.unknown_team", { team: unknown }) };
    return {
      kind: "dispatch",
      incident,
      teams,
      words: `${t("command.dispatch", {
        teams: teams.map((team) => team.call),
        number: incident.number,
        what: category(incident.category),
        where: where(incident),
      })}${holdNote(incident)}`,
    };
  }
  const exact = parts.length === 1 && numbered(parts[0]);
  if (exact)
    return {
      kind: "find",
      incident: exact,
      words: t("command.show", { number: exact.number, what: category(exact.category), where: where(exact) }),
    };
  const team = parts.length === 1 && called(parts[0]);
  if (team) return { kind: "team", team, words: t("command.show_team", { team: team.call }) };
  const text = line.trim().toLowerCase(),
    found = [...store.tables.incidents.values()]
      .filter((row) => isOpen(row) && `${where(row)} ${category(row.category)}`.toLowerCase().includes(text))
      .sort((a, b) => a.priority - b.priority);
  return found.length
    ? {
        kind: "find",
        incident: found[0],
        words: t("command.found", {
          n: found.length,
          number: found[0].number,
          what: category(found[0].category),
          where: where(found[0]),
        }),
      }
    : { kind: "unclear", words: t("command.nothing_found") };
}
