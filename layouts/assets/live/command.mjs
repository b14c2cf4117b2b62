/** What a line means, before Enter: targets, a verb, what it needs — `m21 m22 1841 go`, `1841 1842 ack real`, `1841 extend weather` —, a filter, or
 * something to find. Targets are read from the end, so that lists of teams can be long. Pure: knows no field and sends nothing. */

import { shelfEnd } from "./asking.mjs";
import { OUTCOMES } from "./callback.mjs";
import { isOpen } from "./lifecycle.mjs";
import { DISPOSITIONS, REASONS, verbsOf } from "./verbs.mjs";
import {
  ESCALATIONS,
  FILTER,
  OFF,
  dispositionOf,
  escalationOf,
  daysOf,
  familyOf,
  minutesOf,
  offered,
  outcomeOf,
  plain,
  reasonOf,
  verbOf,
  verbWord,
  verbsKnown,
  wordsOf,
} from "./vocabulary.mjs";
import { category, named, pack, rule, t, where, word } from "./words.mjs";

/** @typedef {{store: object, role: string, now: () => number, chosen: () => {key: string, table: string, id: string, row: object}[], places?: object[], cameras?: Iterable<object>, panels?: string[]}} World
 * `chosen`: the marked rows, else the selected one: what a verb without targets is for. `panels`: those that this page has. */

const CLAIMS = new Set(["claim", "release", "take_over"]);
const SEATS = new Set(["call_taker", "dispatcher", "supervisor"]);
/** What ends a report before anybody took it in, and after: one key, and one word for who does not mind. */
const INSTEAD = { void: "decline", decline: "void" };
const SENDS = new Set(["dispatch_team", "verify", "check"]);
const ROLES = ["call_taker", "dispatcher", "supervisor", "leader"];
const DAY_MS = 86_400_000,
  MOST_OFFERED = 9;

/** Whether the order can be taken back before it leaves. */
function holdNote(incident) {
  const hold_s = pack().stages?.hold_s;
  if (!hold_s) return "";
  return incident.priority === 1 ? t("command.at_once") : t("command.held", { s: hold_s });
}
const unclear = (words, at = "") => ({ kind: "unclear", words, at });

/** What a line means. @param {World} world
 * @returns {{kind: "nothing"|"unclear"|"dispatch"|"verb"|"find"|"team"|"place"|"camera"|"filter"|"panel", words: string}} with what the kind needs */
export function understand(line, world) {
  const bare = line.trim().replace(/^[/、]\s*/, ""),
    parts = wordsOf(bare);
  if (!parts.length) return { kind: "nothing", words: "" };
  if (FILTER.includes(plain(parts[0].text))) return filtering(parts.slice(1), world);
  const panel = panelOf(bare, world);
  if (panel) return panel;
  const said = sentence(bare, parts, world);
  if (said && (said.kind !== "unclear" || said.sure)) return said;
  const sought = seek(bare, parts, world);
  return sought.kind === "unclear" && said ? said : sought;
}

/* ---- targets, verb, what it needs ------------------------------------------------------------------------------------------------ */

/** A line with a verb in it; undefined where there is none. */
function sentence(line, parts, world) {
  const at = verbAt(parts, world);
  if (at < 0) return undefined;
  const letter = /^[a-z]$/i.test(parts[at].text) ? parts[at].text.toUpperCase() : null,
    verb = letter ? null : verbOf(parts[at].text);
  let before = parts.slice(0, at).map(({ text }) => text),
    after = parts.slice(at + 1);
  if (!before.length) {
    const n = after.findIndex(({ text }) => !(/^#|\d{3}/.test(text) && targetOf(text, world)));
    before = after.slice(0, n < 0 ? after.length : n).map(({ text }) => text);
    after = after.slice(before.length);
  }
  const means = { letter, family: verb ? familyOf(verb) : { D: "dispatch_team", R: "recall" }[letter] };
  if (means.family === "recall" || SENDS.has(means.family) || letter === "V") {
    const all = [...before, ...(means.family === "recall" ? [] : leading(after, world))],
      ordered = orders(means, all, after.slice(all.length - before.length), line, world);
    if (ordered) return { ...ordered, sure: true };
  }
  const entries = before.length ? before.flatMap((text) => targetsOf(text, means, world)) : world.chosen();
  const wrong = before.find((text) => !targetsOf(text, means, world).length);
  if (wrong) return { ...unclear(t("command.unknown_target", { word: wrong }), wrong), sure: before.length > 1 || numeral(wrong) };
  if (!entries.length) return unclear(t("command.which", { verb: words(means) }));
  if (CLAIMS.has(means.family)) return { ...claimed(means.family, entries, world), sure: before.length > 0 };
  return { ...applied(means, entries, line, after, world), sure: before.length > 0 };
}
const numeral = (text) => /^#?\d+$/.test(text);
const leading = (after, world) => {
  const n = after.findIndex(({ text }) => !targetOf(text, world));
  return after.slice(0, n < 0 ? after.length : n).map(({ text }) => text);
};
const words = ({ letter, family }) => (family ? t(`verb.${family}`) : letter);

/** Where the verb stands: the first word that is one; a letter only after a target, or alone. */
function verbAt(parts, world) {
  return parts.findIndex(({ text }, k) => {
    if (/^[a-z]$/i.test(text)) return k > 0 ? Boolean(targetOf(parts[k - 1].text, world)) : parts.length === 1;
    return verbOf(text) !== undefined && !(k === 0 && targetOf(text, world));
  });
}

function numbered(text, { store }) {
  const n = numeral(text) ? Number(text.replace(/^#/, "")) : NaN;
  return Number.isInteger(n) ? [...store.tables.incidents.values()].find((row) => row.number === n) : undefined;
}
function called(text, { store }) {
  const bare = text.replace(/^m(?=\d)/i, ""); // a unit as it is said on the radio: m21
  return [...store.tables.teams.values()].find(
    (team) => team.call === bare || team.call === bare.padStart(2, "0") || team.id === text,
  );
}
function sensed(text, { store }) {
  const sought = text.toLowerCase();
  return [...store.tables.alerts.values()].filter((row) => row.subject.toLowerCase() === sought || row.id === text);
}
const targetOf = (text, world) => numbered(text, world) ?? called(text, world) ?? sensed(text, world)[0];
const entryOf = (table, row) => ({ key: `${table} ${row.id}`, table, id: row.id, row });

const OF_ALERTS = new Set(["shelve", "unshelve", "out_of_service"]);
/** What one word names: an incident by number, alerts by their sensor; a verb of alerts takes those of the incident. */
function targetsOf(text, { family, letter }, world) {
  const incident = numbered(text, world);
  if (incident) {
    const alerts = [...world.store.tables.alerts.values()].filter((row) => row.incident === incident.id);
    if (OF_ALERTS.has(family) || ((letter === "L" || letter === "M") && alerts.length))
      return alerts.map((row) => entryOf("alerts", row));
    return [entryOf("incidents", incident)];
  }
  if (family === "in_service" && world.store.tables.out_of_service.has(text))
    return [entryOf("out_of_service", world.store.tables.out_of_service.get(text))];
  return sensed(text, world).map((row) => entryOf("alerts", row));
}

const fitsOf = ({ letter, family }) => (one) =>
  letter ? one.key === letter : familyOf(one.verb) === family;

/** To take in hand, or let go: no matter in which state it is. */
function claimed(family, items, { role }) {
  if (!SEATS.has(role)) return unclear(t("not_your_role", { role, verb: family, roles: [...SEATS] }));
  const number = items.length === 1 ? name(items[0]) : t("command.items", { n: items.length, numbers: items.map(short) });
  return { kind: "claim", family, items, words: `${number}: ${t(`verb.${family}`)}` };
}

/** A verb on its rows: which of them have it now, and what it still needs. */
function applied(means, entries, line, after, world) {
  const { store, role } = world,
    fits = fitsOf(means),
    all = entries.map((entry) => {
      const verbs = verbsOf(entry.table, entry.row, role);
      return { ...entry, one: verbs.find(fits) ?? verbs.find(({ verb }) => verb === INSTEAD[means.family]) };
    }),
    items = all.filter(({ one }) => one),
    out = all.filter(({ one }) => !one);
  if (!items.length) return unclear(whyNot(means, entries[0], role));
  const family = familyOf((items.find(({ one }) => fits(one)) ?? items[0]).one.verb),
    same = items.filter(({ one }) => familyOf(one.verb) === family),
    left = [...out, ...items.filter((item) => !same.includes(item))],
    one = same.find((item) => item.one.ask)?.one ?? same[0].one;
  if (one.ask === "place") return unclear(t("ask.place"));
  if (one.ask === "assignment") return recalledFrom(same, world);
  const needs = fieldsOf(one, line, after, world);
  if (needs.unclear) return unclear(needs.unclear, needs.at);
  const number = same.length === 1 ? name(same[0]) : t("command.items", { n: same.length, numbers: same.map(short) }),
    leaves = left.length ? t("command.left_out", { numbers: left.map(short) }) : "",
    asked = needs.missing ? t("command.asks") : "";
  return {
    kind: "verb",
    family,
    items: same,
    out: left,
    fields: needs.missing ? null : needs.fields,
    fallback: one.ask === "disposition" ? { disposition: "real" } : null,
    words: [`${number}: ${t(`verb.${family}`)}`, needs.words, asked, leaves].filter(Boolean).join(t("command.comma")),
  };
}
const short = ({ table, row, id }) => (table === "incidents" ? `#${row.number}` : row.subject ?? id);
const name = ({ table, row, id }) =>
  table === "incidents"
    ? `#${row.number} ${category(row.category)}${t("command.comma")}${where(row)}`
    : `${row.subject ?? id} ${named(rule(row.rule))}`.trim();

/** Why a row has no such verb: another seat's, or not in this state. */
function whyNot(means, { table, row, id }, role) {
  const fits = fitsOf(means),
    roles = ROLES.filter((one) => verbsOf(table, row, one).some(fits));
  if (roles.length && !roles.includes(role)) {
    const { verb } = verbsOf(table, row, roles[0]).find(fits);
    return t("not_your_role", { role, verb, roles });
  }
  return t("command.not_now", {
    what: short({ table, row, id }),
    state: word(table === "incidents" ? "state" : "alert", row.state),
    verb: words(means),
  });
}

/** What a verb needs, from the words after it. @returns {{fields?: object, words?: string, missing?: boolean, unclear?: string, at?: string}} */
function fieldsOf(one, line, after, world) {
  const rest = (k) => (after[k] ? line.slice(after[k].at).trim() : ""),
    first = after[0]?.text;
  if (one.ask === "disposition" || (familyOf(one.verb) === "acknowledge" && first)) return dispositioned(after, world);
  if (one.ask === "reason") return reasoned(one.verb, rest(0));
  if (one.ask === "escalate") {
    const kind = first && escalationOf(first);
    if (!first) return { missing: true };
    if (!kind) return { unclear: t("command.unknown_word", { word: first }), at: first };
    const why = reasoned(one.verb, rest(1));
    return { ...why, fields: { kind, ...why.fields }, words: join(t(`escalate.${kind}`), why.words) };
  }
  if (one.ask === "outcome") {
    const outcome = first && outcomeOf(first);
    if (!outcome) return first ? { unclear: t("command.unknown_word", { word: first }), at: first } : { missing: true };
    const why = outcome === "not_reached" ? reasoned(one.verb, rest(1)) : {};
    return { ...why, fields: { disposition: outcome, ...why.fields }, words: join(t(`outcome.${outcome}`), why.words) };
  }
  if (one.ask === "shelf" || one.ask === "until") {
    const until = one.ask === "until",
      joined = after[1] && /^(分|分钟|时|小时|天|日)$/.test(after[1].text) ? 2 : 1, // 30分 are two words to the reader
      said = joined === 2 ? first + after[1].text : first,
      n = said && (until ? daysOf(said) : minutesOf(said));
    if (!first) return { missing: true };
    if (!n) return { unclear: t(until ? "command.which_days" : "command.which_minutes", { word: first }), at: first };
    const why = reasoned(one.verb, rest(joined)),
      until_ms = until ? Math.round(world.now()) + n * DAY_MS : shelfEnd(world.now(), n);
    const long = until ? t("label.days_n", { n }) : t("command.minutes", { n });
    return { ...why, fields: { until_ms, ...why.fields }, words: join(long, why.words) };
  }
  if (first && one.ask === undefined) return { unclear: t("command.unknown_word", { word: first }), at: first };
  return { fields: {}, words: "", missing: one.ask !== undefined };
}
const join = (...said) => said.filter(Boolean).join(t("command.comma"));

function dispositioned(after, world) {
  if (!after.length) return { missing: true };
  const said = after[0].text,
    disposition = dispositionOf(said);
  if (!disposition) return { unclear: t("command.unknown_disposition", { word: said }), at: said };
  const of = after.slice(1).find(({ text }) => numeral(text))?.text,
    original = of && numbered(of, world);
  if (of && !original) return { unclear: t("ask.no_such_number", { number: of }), at: of };
  const known = word("disposition", disposition);
  if (disposition !== "duplicate" || !original)
    return { fields: { disposition }, words: known, missing: disposition === "duplicate" };
  return {
    fields: { disposition, duplicate_of: original.id },
    words: t("command.duplicate_of", { number: original.number }),
  };
}
function reasoned(verb, said) {
  if (!said) return { missing: true };
  const code = reasonOf(said, verb);
  if (code) return { fields: { reason: code }, words: word("reason", code) };
  return said.length > 1
    ? { fields: { reason: said }, words: t("command.own_reason", { words: said }) }
    : { unclear: t("command.unknown_word", { word: said }), at: said };
}

/* ---- teams to incidents, and orders that are taken back --------------------------------------------------------------------------- */

/** `m21 m22 1841 go`, `07 1841 recall`, `07 recall`; undefined where no team is named: then it is a verb like others. */
function orders(means, texts, after, line, world) {
  const last = texts.at(-1);
  if (last === undefined) return undefined;
  const alone = texts.length === 1 && means.family === "recall" && !last.startsWith("#") && teamAlone(last, world);
  if (alone) return recalled(null, [alone], world);
  const incident = numbered(last, world),
    named_ = texts.slice(0, -1);
  if (!incident || (means.family !== "recall" && !isOpen(incident)))
    return unclear(t("command.which_incident", { word: last }), last);
  const teams = named_.map((text) => called(text, world));
  if (!named_.length) return undefined;
  if (named_.every((text, k) => numbered(text, world) && !teams[k])) return undefined; // only incidents: a verb on many
  const unknown = named_.find((_, k) => !teams[k]);
  if (unknown) return unclear(t("command.unknown_team", { team: unknown }), unknown);
  if (means.family === "recall") return recalled(incident, teams, world);
  return sent(means, incident, teams, after, line, world);
}
const teamAlone = (text, world) => {
  const team = called(text, world);
  return team && (team.call === text || !numbered(text, world)) ? team : undefined;
};

function sent(means, incident, teams, after, line, world) {
  const one = verbsOf("incidents", incident, world.role).find(fitsOf(means));
  if (!one)
    return unclear(
      world.role === "dispatcher" || means.family !== "dispatch_team"
        ? whyNot(means, entryOf("incidents", incident), world.role)
        : t("command.not_your_role"),
    );
  const off = teams.find((team) => team.shown === "off");
  if (off) return unclear(t("team_off_duty", { team: off.call }), off.call);
  const said = after.length ? reasoned("break", line.slice(after[0].at).trim()) : { fields: {} };
  if (said.unclear) return unclear(said.unclear, said.at);
  const rests = teams.find((team) => team.shown === "break");
  if (rests && !said.fields.reason) return unclear(t("team_on_break", { team: rests.call }), rests.call);
  const says = {
    teams: teams.map((team) => team.call),
    number: incident.number,
    what: category(incident.category),
    where: where(incident),
    verb: t(`verb.${one.verb}`),
  };
  return {
    kind: "dispatch",
    verb: one.verb,
    incident,
    teams,
    fields: said.fields,
    words: join(
      one.verb === "dispatch_team"
        ? `${t("command.dispatch", says)}${holdNote(incident)}`
        : t("command.sends", says),
      said.words,
    ),
  };
}

const ON_ITS_WAY = new Set(["held", "sent", "delivered", "seen", "accepted", "en_route", "on_scene"]);
function recalled(incident, teams, world) {
  const ids = new Set(teams.map(({ id }) => id)),
    live = [...world.store.tables.assignments.values()].filter(
      (order) => ids.has(order.team) && (!incident || order.incident === incident.id) && ON_ITS_WAY.has(order.state),
    );
  if (!live.length) return unclear(t("command.no_order", { team: teams.map(({ call }) => call) }), teams[0].call);
  return recallOf(live, world);
}
/** All orders to these incidents. */
function recalledFrom(items, world) {
  return recallOf(
    items
      .flatMap(({ row }) => row.assignments ?? [])
      .map((id) => world.store.tables.assignments.get(id))
      .filter((order) => order && ON_ITS_WAY.has(order.state)),
    world,
  );
}
function recallOf(live, world) {
  return {
    kind: "recall",
    orders: live,
    words: t("command.recall", {
      teams: live.map((order) => world.store.tables.teams.get(order.team)?.call ?? order.team),
      numbers: live.map((order) => `#${order.number}`),
    }),
  };
}

/* ---- filters, panels, things to find ------------------------------------------------------------------------------------------------ */

/** `z 东城 p1`: by area, class, team, priority; all must hold. Nothing after it ends the filter. */
function filtering(parts, world) {
  if (!parts.length || OFF.includes(plain(parts[0].text)))
    return { kind: "filter", terms: [], words: t("filter.none") };
  const terms = [];
  for (const { text } of parts) {
    const term = termOf(text, world);
    if (term) terms.push(term);
    else if (text !== "级") return unclear(t("command.unknown_filter", { word: text }), text);
  }
  return { kind: "filter", terms, words: t("filter.by", { what: terms.map(({ label }) => label) }) };
}
const NAMED = (entries, text) => {
  const sought = plain(text);
  if (!sought) return undefined;
  const all = Object.entries(entries).map(([key, one]) => [key, plain(one.zh ?? ""), plain(one.en ?? "")]);
  return (
    all.find((names) => names.includes(sought)) ??
    all.find(([, zh, en]) => zh.startsWith(sought) || en.startsWith(sought)) ??
    (sought.length > 1 ? all.find(([, zh, en]) => zh.includes(sought) || en.includes(sought)) : undefined)
  )?.[0];
};
function termOf(text, world) {
  const p = /^p?([123])$/i.exec(text);
  if (p && (text.length > 1 || !called(text, world) || text === p[1]))
    return { kind: "priority", key: Number(p[1]), label: t("label.priority", { p: p[1] }) };
  const areas = pack().areas ?? {},
    area = NAMED(areas, text);
  if (area) return { kind: "area", key: area, label: named(areas[area]) };
  const categories = pack().categories ?? {},
    one = NAMED(categories, text);
  if (one) return { kind: "class", key: one, label: named(categories[one]) };
  const team = called(text, world);
  if (team) return { kind: "team", key: team.id, label: t("label.team", { team: team.call }) };
  return undefined;
}

const PANELS = { handover: ["handover", "交班"], keys: ["keys", "按键"] };
function panelOf(line, { panels = [] }) {
  const name_ = Object.keys(PANELS).find((one) => PANELS[one].includes(plain(line)));
  if (!name_) return undefined;
  return panels.includes(name_)
    ? { kind: "panel", panel: name_, words: t(`key.${name_}`) }
    : unclear(t("command.no_panel"), line);
}

/** A number, a team, open incidents by class or place, a place on the map. */
function seek(line, parts, world) {
  const { store, places = [] } = world,
    exact = parts.length === 1 && numbered(parts[0].text, world);
  if (exact)
    return {
      kind: "find",
      incident: exact,
      words: t("command.show", { number: exact.number, what: category(exact.category), where: where(exact) }),
    };
  const team = parts.length === 1 && called(parts[0].text, world);
  if (team) return { kind: "team", team, words: t("command.show_team", { team: team.call }) };
  const text = line.toLowerCase(),
    found = [...store.tables.incidents.values()]
      .filter((row) => isOpen(row) && `${where(row)} ${category(row.category)}`.toLowerCase().includes(text))
      .sort((a, b) => a.priority - b.priority);
  if (found.length)
    return {
      kind: "find",
      incident: found[0],
      words: t("command.found", {
        n: found.length,
        number: found[0].number,
        what: category(found[0].category),
        where: where(found[0]),
      }),
    };
  const place = places.find((one) => [one.zh, one.en].some((name_) => name_?.toLowerCase().includes(text)));
  if (place) return { kind: "place", place, words: t("command.place", { place: named(place) }) };
  const camera = [...(world.cameras ?? [])].find(
    (one) => one.id.toLowerCase() === text || [one.zh, one.en].some((name_) => name_?.toLowerCase().includes(text)),
  );
  if (camera) return { kind: "camera", camera, words: t("command.camera", { camera: named(camera) || camera.id }) };
  const stranger = parts.find((part) => !targetOf(part.text, world) && verbOf(part.text) === undefined);
  return unclear(t("command.nothing_found", { word: stranger?.text ?? line }), stranger?.text ?? line);
}

/* ---- what Tab completes ---------------------------------------------------------------------------------------------------------------- */

/** What the last word may become, likeliest first, from what is there now. @returns {string[]} whole words */
export function completions(line, world) {
  const bare = line.replace(/^[/、]\s*/, ""),
    parts = wordsOf(bare),
    open = /\s$/.test(bare) || !parts.length,
    last = open ? "" : parts.at(-1).text,
    before = open ? parts : parts.slice(0, -1);
  const begun = (words_) =>
    [...new Set(words_)].filter((one) => one && plain(one).startsWith(plain(last)) && one !== last).slice(0, MOST_OFFERED);
  if (before.length && FILTER.includes(plain(before[0].text))) return begun(filterWords());
  const verbPart = before.find(({ text }, k) => verbOf(text) !== undefined && k > 0) ?? before.find(({ text }) => verbOf(text));
  if (verbPart) return begun(objectWords(familyOf(verbOf(verbPart.text)), before, world));
  const targets = before.map(({ text }) => text);
  return begun(targets.length ? [...fitting(targets, world), ...live(world)] : [...live(world), ...fitting([], world)]);
}
const filterWords = () => [
  "p1",
  "p2",
  "p3",
  ...Object.values(pack().areas ?? {}).map(named),
  ...Object.values(pack().categories ?? {}).map(named),
].map((one) => one.replace(/[（(].*$/, "").trim().replace(/\s+/g, "-"));

function objectWords(family, before, world) {
  if (family === "acknowledge")
    return before.some(({ text }) => dispositionOf(text) === "duplicate") ? numbers(world) : offered(DISPOSITIONS, "disposition");
  if (family === "escalate" && !before.some(({ text }) => escalationOf(text) && !numeral(text)))
    return offered(ESCALATIONS, "escalate").map((one, k) => (one.includes(" ") ? ESCALATIONS[k] : one));
  if (family === "call_back") return offered(OUTCOMES, "outcome");
  return offered(REASONS[family] ?? [], "reason");
}
/** The verbs that the last target has for this seat, then all others. */
function fitting(targets, world) {
  const incident = targets.length ? numbered(targets.at(-1), world) : world.chosen()[0]?.row,
    table = targets.length ? "incidents" : world.chosen()[0]?.table,
    own = incident && table ? verbsOf(table, incident, world.role).map(({ verb }) => verb) : [];
  return [...own.map(familyOf), ...(own.length ? [] : verbsKnown())].map(verbWord);
}
const numbers = ({ store }) =>
  [...store.tables.incidents.values()]
    .filter(isOpen)
    .sort((a, b) => a.priority - b.priority || b.number - a.number)
    .map(({ number }) => String(number));
const live = (world) => [
  ...numbers(world),
  ...[...world.store.tables.teams.values()].filter(({ shown }) => shown !== "off").map(({ call }) => call),
  ...[...world.store.tables.alerts.values()].map(({ subject }) => subject),
];
