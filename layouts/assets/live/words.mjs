/** Words in the language of the page, by code. The table is the server's (`dashboard/words.py`); names of the city come from its pack. */

import { clock, hourMinute, metres, span, timeOfDay } from "./time.mjs";

export const lang = window.comis?.lang ?? "zh";
const which = lang === "en" ? 1 : 0;
let table = {};
let city = { categories: {}, rules: {}, areas: {}, figures: {}, time_zone: "UTC", zh: "", en: "" };

/** Hand over both tables; called once, before anything is drawn. */
export function speak(words, pack) {
  table = words;
  city = { ...city, ...pack };
}
export const pack = () => city;

const known = (code) => Object.hasOwn(table, code);
export { known };

/** `t(code, {team: "07"})`: the words of a code with its arguments. A code without words is shown as it is; where `n` is 1 and there are words for
 * one (`<code>_one`), these. */
export function t(code, args = {}) {
  const words = (args.n === 1 && table[`${code}_one`]) || table[code];
  if (!words) return code;
  return words[which].replace(/\{(\w+)(?::(\w+))?\}/g, (_, name, kind) => spell(args[name], kind));
}

/** The words of a code in both languages: people type either. @returns {string[]} */
export const both = (code) => table[code] ?? [];
/** Words for `prefix.value`, or the value itself: a list of another make may hold what we have no word for. */
export const word = (prefix, value) =>
  value == null ? "" : known(`${prefix}.${value}`) ? t(`${prefix}.${value}`) : String(value);

/** A word of the table inside a sentence: there English has no capital. */
export const inside = (words) => (lang === "en" ? words.charAt(0).toLowerCase() + words.slice(1) : words);

function spell(value, kind) {
  if (value == null) return "–";
  if (kind === "span") return span(Number(value));
  if (kind === "span_ms") return span(Number(value) / 1000);
  if (kind === "clock") return clock(Number(value));
  if (kind === "time") return timeOfDay(Number(value));
  if (kind === "hour") return hourMinute(Number(value));
  if (kind === "metres") return metres(Number(value));
  if (kind === "category") return category(value);
  if (kind === "person") return person(String(value)) || t("label.by_system");
  if (kind === "number") return figure(Number(value));
  if (kind === "inside") return inside(String(value));
  if (kind?.startsWith("in_")) return [value].flat().map((one) => inside(word(kind.slice(3), one))).join(lang === "en" ? ", " : "、");
  if (kind)
    return Array.isArray(value)
      ? value.map((one) => word(kind, one)).join(lang === "en" ? ", " : "、")
      : word(kind, value);
  return typeof value === "number"
    ? figure(value)
    : Array.isArray(value)
      ? value.join(lang === "en" ? ", " : "、")
      : String(value);
}

/** The name of who stands in the journal as `dispatcher/2/李伟`. */
export const person = (by) => by.split("/").pop() || by.replace(/^\/+|\/+$/g, "");

/** A figure as people read it: at most two places, a true minus. */
export const figure = (value) =>
  Number.isFinite(value) ? String(Math.round(value * 100) / 100).replace("-", "−") : "–";

/** The name in the page's language of a row or pack entry that has `zh`/`en`, or `name_zh`/`name_en`. */
export const named = (entry, stem = "") =>
  entry?.[stem ? `${stem}_${lang}` : lang] || entry?.[stem ? `${stem}_zh` : "zh"] || "";
export const category = (key) => named(city.categories[key]) || key || t("label.no_category");
/** A rule of alerts, or a timer that escalates. */
export const rule = (key) => city.rules[key] ?? city.escalations?.[key];
export const area = (key) => named(city.areas[key]) || key;
/** A person in the journal is `role/seat/name`; a rule and a device say what they are. */
export function who(by) {
  if (!by) return "";
  if (by.startsWith("rule:")) {
    const named_rule = rule(by.slice(5));
    return t("label.by_rule", { rule: named_rule ? named(named_rule) : by.slice(5) });
  }
  if (by.startsWith("quiet:")) return t("label.by_quiet");
  if (by.startsWith("device:")) return t("label.by_device", { device: by.slice(7) });
  const [role, seat, name] = by.split("/");
  return name || (seat ? t("label.seat_of", { role: word("role", role), seat }) : word("role", role));
}
export const where = (row) => row[lang === "en" ? "where_en" : "where_zh"] || row.where_zh || row.where_en || "";
