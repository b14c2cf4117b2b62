/** The call-back to whoever reported: its verb, its timer within the hour, what he said. */

import { askedBy } from "./escalation.mjs";
import { hourMinute } from "./time.mjs";
import { separator } from "./parts.mjs";
import { pack, t, who, word } from "./words.mjs";

export const OUTCOMES = ["very_satisfied", "satisfied", "not_satisfied", "not_reached"];

export const callbackVerbs = (row, role) =>
  row.callback_due_ms && askedBy(role) ? [{ key: "Z", verb: "call_back", ask: "outcome" }] : [];

/** Whose it is before anybody else's: the call taker's. */
export const toCall = (row, role) => role === "call_taker" && Boolean(row.callback_due_ms);

/** The hour as a limit of minutes. */
export const callbackLimit = (row) => ({
  id: `${row.id} callback`,
  of: row.id,
  state: "callback",
  due_ms: row.callback_due_ms,
  limit_s: pack().stages?.callback_s ?? 3600,
  yellow_from: 0.5,
});

/** The outcomes by digit; one who was not reached needs a reason. @param {(fields: object) => void} run @param {(then: (reason: string) => void) => void} reason */
export const outcomes = (run, reason) =>
  OUTCOMES.map((outcome, k) => ({
    key: String(k + 1),
    label: t(`outcome.${outcome}`),
    run: () =>
      outcome === "not_reached"
        ? reason((words) => run({ disposition: outcome, reason: words }))
        : run({ disposition: outcome }),
  }));

export const callbackFact = (row) =>
  (row.callback_due_ms || row.satisfaction) && [
    "callback",
    row.satisfaction
      ? [word("outcome", row.satisfaction), who(row.called_back_by), hourMinute(row.called_back_at_ms)].join(separator)
      : [
          t("label.callback_until", { time: hourMinute(row.callback_due_ms) }),
          row.callback_tries ? t("label.callback_tries", { n: row.callback_tries }) : "",
        ]
          .filter(Boolean)
          .join(separator),
  ];
