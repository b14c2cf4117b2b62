/** An incident put on a wall from the console 投屏: which screen is asked in place, by digit or by name. Sends nothing. */

import { t } from "./words.mjs";

export const CASTS = "\\";
const SCREENS = 9;

/** @param {object} store @param {object} row the incident @param {(question: object|null) => void} ask @param {(screen: string) => void} then */
export function askScreen(store, row, ask, then) {
  const names = [...store.tables.screens.values()]
    .filter((screen) => screen.id !== "*" && screen.enrolled_at_ms != null)
    .map((screen) => screen.id)
    .sort();
  ask({
    title: t("ask.screen", { number: row.number }),
    hint: names.length ? "" : t("ask.no_screen"),
    options: names.slice(0, SCREENS).map((name, k) => ({ key: String(k + 1), label: name, run: () => then(name) })),
    text: then,
    placeholder: t("ask.screen_name"),
  });
}
