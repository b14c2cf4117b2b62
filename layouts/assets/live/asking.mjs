/** What a verb still needs to know, asked one thing after the other by digit or a few words, in place: for one row as for many. Sends nothing. */

import { outcomes } from "./callback.mjs";
import { fill, h } from "./dom.mjs";
import { ways } from "./escalation.mjs";
import { isOpen } from "./lifecycle.mjs";
import { metresBetween } from "./scene.mjs";
import { metres, span } from "./time.mjs";
import { DAYS, DISPOSITIONS, REASONS, SHELF_MIN } from "./verbs.mjs";
import { category, named, t, where, word } from "./words.mjs";

/** @typedef {{key: string, label: string, run: Function}} Option
 * @typedef {{title: string, options: Option[], text?: (words: string) => void, hint?: string, placeholder?: string, now?: boolean, cancel?: () => void}} Question `now`: words are wanted, so the field has the focus */

const ORIGINALS = 5,
  NEAR_M = 2000;

/** Draw a question into its box; null empties it. @param {Question|null} question */
export function drawQuestion(box, question) {
  box.hidden = !question;
  if (!question) {
    fill(box);
    return;
  }
  const field =
    question.text &&
    h("input", {
      type: "text",
      maxlength: 300,
      placeholder: question.placeholder ?? t("label.reason_hint"),
      onkeydown: (event) => {
        if (event.key === "Enter" && !event.isComposing && field.value.trim()) {
          event.preventDefault();
          question.text(field.value.trim());
        }
      },
    });
  fill(
    box,
    h("b", null, question.title),
    question.hint && h("span", { class: "muted" }, ` ${question.hint}`),
    h(
      "div",
      { class: "verbs" },
      question.options.map(({ key, label, run }) =>
        h("button", { type: "button", class: "btn", onclick: run }, label, h("kbd", null, key)),
      ),
      field,
      h(
        "button",
        { type: "button", class: "btn quiet", onclick: () => question.cancel?.() },
        t("label.cancel"),
        h("kbd", null, "Esc"),
      ),
    ),
  );
  if (question.now) field?.focus();
}

const numbered = (choices, label, run) =>
  choices.map((one, k) => ({ key: String(k + 1), label: label(one), run: () => run(one) }));

/** A code by its digit, or a few words of one's own. */
export function askReason(verb, ask, then) {
  ask({
    title: t("ask.reason", { verb: t(`verb.${verb}`) }),
    options: numbered(REASONS[verb], (key) => word("reason", key), then),
    text: then,
  });
}

/** Whether `askFields` knows how to ask what this verb needs. */
export const isPlain = (one) => !one.ask || ["disposition", "escalate", "outcome", "reason", "shelf", "until"].includes(one.ask);

/** Ask for the fields of a verb, then hand them over.
 * @param {import("./verbs.mjs").Verb} one @param {{ask: (question: Question) => void, now: () => number, store: object, row?: object}} about `row`: what a duplicate would be one of
 * @param {(fields: object) => void} then */
export function askFields(one, { ask, now, store, row }, then) {
  if (one.ask === "disposition")
    ask({
      title: t("ask.disposition"),
      options: numbered(
        DISPOSITIONS,
        (key) => word("disposition", key),
        (key) =>
          key === "duplicate"
            ? askOriginal(store, row, ask, (of) => then({ disposition: key, ...(of && { duplicate_of: of }) }))
            : then({ disposition: key }),
      ),
    });
  else if (one.ask === "outcome")
    ask({ title: t("ask.call_back"), options: outcomes(then, (reasoned) => askReason(one.verb, ask, reasoned)) });
  else if (one.ask === "escalate")
    ask({
      title: t("ask.escalate"),
      options: ways(row, (kind) => askReason(one.verb, ask, (reason) => then({ kind, reason }))),
    });
  else if (one.ask === "reason") askReason(one.verb, ask, (reason) => then({ reason }));
  else if (one.ask === "shelf")
    ask({
      title: t("ask.shelf"),
      options: numbered(
        SHELF_MIN,
        (minutes) => span(minutes * 60),
        (minutes) => askReason(one.verb, ask, (reason) => then({ reason, until_ms: shelfEnd(now(), minutes) })),
      ),
    });
  else if (one.ask === "until")
    ask({
      title: t("ask.until"),
      options: numbered(
        DAYS,
        (days) => t("label.days_n", { n: days }),
        (days) => {
          const until_ms = Math.round(now()) + days * 86_400_000;
          askReason(one.verb, ask, (reason) => then({ reason, until_ms }));
        },
      ),
    });
  else then({});
}

/** When a shelf of so many minutes ends; a moment less, since eight hours are the most that the server takes. */
export const shelfEnd = (now, minutes) => Math.floor(now) + minutes * 60_000 - 1;

/** Open incidents that a row may be a second report of, the likeliest first: of its class, then by distance. */
export function originals(store, row, most = ORIGINALS) {
  if (!row || row.lat == null) return [];
  return [...store.tables.incidents.values()]
    .filter((one) => isOpen(one) && one.id !== row.id && one.id !== row.incident)
    .map((one) => ({ row: one, away: metresBetween(one, row) }))
    .filter(({ away }) => away < NEAR_M)
    .sort(
      (a, b) =>
        (b.row.category === row.category) - (a.row.category === row.category) ||
        a.away - b.away ||
        a.row.number - b.row.number,
    )
    .slice(0, most);
}

function askOriginal(store, row, ask, then) {
  const byNumber = (words) => {
    const n = Number(words.replace(/^#/, "")),
      found = [...store.tables.incidents.values()].find((one) => one.number === n && one.id !== row?.id);
    if (found) then(found.id);
    else put(t("ask.no_such_number", { number: words }));
  };
  const put = (hint) =>
    ask({
      title: t("ask.duplicate_of"),
      hint,
      options: [
        ...numbered(
          originals(store, row),
          (one) => `#${one.row.number} ${category(one.row.category)}, ${where(one.row)}, ${metres(one.away)}`,
          (one) => then(one.row.id),
        ),
        { key: "9", label: t("ask.duplicate_unknown"), run: () => then(null) },
      ],
      text: byNumber,
      placeholder: t("ask.number_hint"),
    });
  put("");
}

const SPOTS = 6;
/** Where something without a place may be, for whoever has no pointer: the places that its own words name, the longest name first, and the middle
 * of the map that is in view. @param {{address: string, text: string}} row @param {{zh?: string, en?: string, lat: number, lon: number}[]} places
 * @param {{lat: number, lon: number}|null} middle @returns {{words: string, lat: number, lon: number}[]} */
export function spotsFor({ address, text }, places, middle) {
  const said = `${address} ${text}`.toLowerCase(),
    names = (one) => [one.zh, one.en].filter((name) => name?.length > 1 && said.includes(name.toLowerCase())),
    long = (one) => Math.max(0, ...names(one).map((name) => name.length)),
    byName = new Map(places.filter((one) => one.lat != null && long(one)).map((one) => [named(one), one]));
  const found = [...byName.values()].sort((a, b) => long(b) - long(a)).slice(0, SPOTS);
  return [
    ...found.map((one) => ({ words: named(one), lat: one.lat, lon: one.lon })),
    ...(middle ? [{ words: t("ask.place_middle"), ...middle }] : []),
  ];
}
