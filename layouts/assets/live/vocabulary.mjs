/** The words of the command line in both languages, and what each stands for: verbs, reasons, dispositions, spans. Pure; knows no row. */

import { OUTCOMES } from "./callback.mjs";
import { DISPOSITIONS, REASONS } from "./verbs.mjs";
import { both, lang } from "./words.mjs";

/** Verbs that are one to the hand: what is asked and meant is the same. */
const FAMILY = { acknowledge_incident: "acknowledge", take_back: "recall" };
export const familyOf = (verb) => FAMILY[verb] ?? verb;

/** What people type for a verb besides its own words, the usual one first. */
const ALIASES = {
  acknowledge: ["ack"],
  dispatch_team: ["go", "派", "send"],
  return: ["return"],
  accept: ["accept"],
  decline: ["不受理"],
  force_close: ["force", "强结"],
  reopen: ["reopen", "重开"],
  out_of_service: ["oos"],
  in_service: ["inservice"],
  take_back: ["takeback"],
  unshelve: ["unshelve"],
  call_back: ["callback"],
};
const VERBS = [
  "acknowledge",
  "dispatch_team",
  "recall",
  "take_back",
  "file",
  "void",
  "accept",
  "decline",
  "verify",
  "check",
  "close",
  "rework",
  "return",
  "extend",
  "suspend",
  "resume",
  "confirm",
  "supervise",
  "escalate",
  "deescalate",
  "call_back",
  "shelve",
  "unshelve",
  "out_of_service",
  "in_service",
  "force_close",
  "reopen",
  "claim",
  "release",
  "take_over",
];
export const ESCALATIONS = ["call", "raise"];
export const FILTER = ["z", "filter", "筛", "筛选"];
export const OFF = ["off", "all", "全部", "取消"];

const HAN = /[\u4e00-\u9fff]/;
/** A word as it is compared: without case, spaces, strokes. */
export const plain = (words) => words.toLowerCase().replace(/[\s_·-]+/g, "");
const here = (words) => words[lang === "en" ? 1 : 0];

let spoken = null;
/** Every word of a verb → the verb. Made at the first use, when the table of words is there. */
function verbWords() {
  if (spoken) return spoken;
  spoken = new Map();
  for (const verb of VERBS)
    for (const words of [...(ALIASES[verb] ?? []), ...both(`verb.${verb}`), verb])
      if (!spoken.has(plain(words))) spoken.set(plain(words), verb);
  return spoken;
}
/** The verb that a word is, or undefined. */
export const verbOf = (word) => verbWords().get(plain(word));
/** What to type for a verb, in the language of the page: one word. */
export function verbWord(verb) {
  const alias = (ALIASES[verb] ?? []).find((one) => HAN.test(one) === (lang !== "en")),
    own = here(both(`verb.${verb}`)) ?? verb;
  return alias ?? (own.includes(" ") ? plain(verb) : own.toLowerCase());
}
export const verbsKnown = () => VERBS;

/** The words of a line, each with where it begins: 1841确认属实 is three. @returns {{text: string, at: number}[]} */
export function wordsOf(line) {
  const found = [];
  for (const { 0: text, index } of line.matchAll(/[\u4e00-\u9fff]+|[^\s\u4e00-\u9fff，、,]+/g)) {
    const verb = HAN.test(text) && [...verbWords().keys()].filter((one) => text.startsWith(one));
    const longest = verb && verb.sort((a, b) => b.length - a.length)[0];
    if (longest && longest.length < text.length)
      found.push({ text: longest, at: index }, { text: text.slice(longest.length), at: index + longest.length });
    else found.push({ text, at: index });
  }
  return found;
}

/** The code that a word stands for: by its digit, its key, its words in either language, the beginning of one, or any two hanzi of one. */
function codeOf(word, codes, prefix) {
  const sought = plain(word);
  if (/^[1-9]$/.test(word)) return codes[Number(word) - 1];
  const names = codes.map((code) => [code, [plain(code), ...both(`${prefix}.${code}`).map(plain)]]);
  const exact = names.find(([, all]) => all.includes(sought));
  if (exact) return exact[0];
  const begins = names.filter(([, all]) => all.some((one) => one.startsWith(sought) || (HAN.test(sought) && one.includes(sought))));
  return sought.length > 1 && begins.length === 1 ? begins[0][0] : undefined;
}
export const dispositionOf = (word) => codeOf(word, DISPOSITIONS, "disposition");
/** A reason of this verb; one of another verb only by its whole name. */
export const reasonOf = (word, verb) =>
  codeOf(word, REASONS[verb] ?? [], "reason") ?? Object.values(REASONS).flat().find((code) => named(code).includes(plain(word)));
const named = (code) => [plain(code), ...both(`reason.${code}`).map(plain)];
export const outcomeOf = (word) => codeOf(word, OUTCOMES, "outcome");
export const escalationOf = (word) => codeOf(word, ESCALATIONS, "escalate");

/** How many minutes a word says: 30, 30m, 2h, 30分, 2小时. */
export function minutesOf(word) {
  const found = /^(\d{1,4})(m|min|分|分钟|h|时|小时)?$/i.exec(word);
  if (!found) return undefined;
  return Number(found[1]) * (/^(h|时|小时)$/i.test(found[2] ?? "") ? 60 : 1);
}
/** How many days a word says: 3, 3d, 3天. */
export function daysOf(word) {
  const found = /^(\d{1,3})(d|天|日)?$/i.exec(word);
  return found ? Number(found[1]) : undefined;
}

/** The words to offer for codes, in the language of the page, without spaces inside. */
export const offered = (codes, prefix) =>
  codes.map((code) => {
    const own = here(both(`${prefix}.${code}`)) ?? code;
    return /\s/.test(own) ? code : own.toLowerCase();
  });
