/** One place for all keys: single letters act on the selected row, `/` opens the command line, `?` shows the map of keys, Esc goes back one step. */

import { fill, h } from "./dom.mjs";
import { lettersOf } from "./verbs.mjs";
import { t } from "./words.mjs";

const SEATS = ["call_taker", "dispatcher", "supervisor"];

/** What keys do besides the verbs, by group: keys, what they do, and the roles that have it where not all do. */
export const GROUPS = {
  move: [
    ["↑ ↓ J K", "move"],
    ["Alt 1 … 5", "tabs"],
    ["→ ←", "unfold"],
    ["N", "take_new"],
    ["Esc", "back"],
  ],
  decide: [
    ["1 … 9", "choose"],
    ["Enter", "first"],
    ["0", "own_words"],
    ["Ctrl Z", "undo", ["dispatcher"]],
    ["Q", "claim", SEATS],
    [";", "resend", SEATS],
    [". ,", "write", SEATS],
    ["#", "calls", SEATS],
    ["\\", "cast", ["dispatcher", "supervisor"]],
  ],
  many: [
    ["Space", "mark", SEATS],
    ["Shift ↑ ↓", "mark_more", SEATS],
    ["=", "alike", SEATS],
  ],
  ring: [
    ["A", "ring_acknowledge", ["dispatcher", "supervisor"]],
    ["T", "ring_take", SEATS],
    ["Esc", "ring_silence"],
  ],
  page: [
    ["/", "command"],
    ["H", "handover", SEATS],
    ["Ctrl P", "print"],
    ["F8", "freeze"],
    ["*", "refit"],
    ["[", "in_view"],
    ["]", "layers"],
    ["'", "measure"],
    ["?", "keys"],
  ],
};
/** The map of keys of a role: the verbs of its rows, then the rest, without what it does not have. @returns {[string, [string, string][]][]} */
export function keysOf(role) {
  const verbs = [...lettersOf(role)].map(([letter, own]) => [letter, own.map((verb) => t(`verb.${verb}`)).join(" · ")]);
  return [
    ["verbs", verbs],
    ...Object.entries(GROUPS).map(([group, keys]) => [
      group,
      keys.filter(([, , roles]) => !roles || roles.includes(role)).map(([key, name]) => [key, t(`key.${name}`)]),
    ]),
  ].filter(([, keys]) => keys.length);
}

/** Keys that move a part that scrolls, where it has the focus. */
const SCROLL = new Set(["ArrowDown", "ArrowUp", "PageDown", "PageUp"]);

/** Signs that are keys, as both keyboards write them. */
const SIGNS = { ";": ";", "；": ";", ".": ".", "。": ".", ",": ",", "，": ",", "#": "#", "＃": "#",
  "\\": "\\", "、": "\\", "[": "[", "【": "[", "]": "]", "】": "]", "'": "'", "‘": "'", "’": "'" };

/** `onFirst` sees every key that nobody types before the others do. @param {{onFirst: (event: KeyboardEvent) => boolean, onLetter: (letter: string) => boolean, onDigit: (digit: number) => boolean, onMove: (by: number) => void, onEscape: () => void, onEnter: () => boolean, onCommand: () => void, onHelp: () => void, onStar: () => void, onUndo: () => void, onTab: (index: number) => void, onFreeze: () => void, onSign: (sign: string) => boolean, onPrint: () => void}} to */
export function listen(to) {
  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const typing = event.target.closest?.("input, textarea, [contenteditable]");
    if (!typing && to.onFirst(event)) {
      event.preventDefault();
      return;
    }
    if (event.key === "Escape") {
      to.onEscape(event);
      if (typing) event.target.blur();
      return;
    }
    if (!typing && (event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "z") {
      event.preventDefault();
      if (!event.shiftKey && !event.repeat) to.onUndo();
      return;
    }
    if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "p") {
      event.preventDefault();
      if (!event.repeat) to.onPrint();
      return;
    }
    if (event.key === "F8") {
      event.preventDefault();
      if (!event.repeat) to.onFreeze();
      return;
    }
    if (typing || event.ctrlKey || event.metaKey) return;
    if (event.altKey) {
      const index = "12345".indexOf(event.key);
      if (index >= 0) {
        event.preventDefault();
        to.onTab(index);
      }
      return;
    }
    const { key } = event;
    if (SCROLL.has(key) && event.target.closest?.("[data-scrolls=keys]")) return; // Tab led there: it is read on
    if (key === "ArrowDown" || key === "ArrowUp") {
      event.preventDefault();
      to.onMove(key === "ArrowDown" ? 1 : -1);
      return;
    }
    if (key === "j" || key === "k") {
      event.preventDefault();
      to.onMove(key === "j" ? 1 : -1);
      return;
    }
    if (key === "PageDown" || key === "PageUp") {
      event.preventDefault();
      to.onMove(key === "PageDown" ? 10 : -10);
      return;
    }
    if (key === "/" || key === "、") {
      event.preventDefault();
      to.onCommand();
      return;
    }
    if (key === "?" || key === "？") {
      event.preventDefault();
      to.onHelp();
      return;
    }
    if (key === "*") {
      event.preventDefault();
      to.onStar();
      return;
    }
    if (key === "Enter" && event.target.closest?.("button, a") == null) {
      if (to.onEnter()) event.preventDefault();
      return;
    }
    if (/^[1-9]$/.test(key)) {
      if (to.onDigit(Number(key))) event.preventDefault();
      return;
    }
    if (Object.hasOwn(SIGNS, key)) {
      if (to.onSign(SIGNS[key])) event.preventDefault();
      return;
    }
    if (/^[a-z]$/i.test(key) && to.onLetter(key.toUpperCase())) event.preventDefault();
  });
}

/** The map of keys of a role, beside everything else and closed by Esc. */
export function keyMap(box, role) {
  const caps = (keys) => keys.split(" ").map((key) => (key === "…" ? "…" : h("kbd", null, key)));
  fill(
    box,
    h(
      "div",
      { class: "keymap", role: "dialog", "aria-label": t("key.keys") },
      h("h2", null, t("key.of", { role })),
      h(
        "div",
        { class: "keygroups" },
        keysOf(role).map(([group, keys]) =>
          h(
            "section",
            { class: group },
            h("h3", null, t(`keygroup.${group}`)),
            h(
              "dl",
              null,
              keys.map(([key, does]) => [h("dt", null, caps(key)), h("dd", null, does)]),
            ),
          ),
        ),
      ),
      h("p", { class: "muted" }, t("key.hint")),
    ),
  );
  box.hidden = true;
  return {
    toggle() {
      box.hidden = !box.hidden;
    },
    close() {
      const was = !box.hidden;
      box.hidden = true;
      return was;
    },
  };
}
