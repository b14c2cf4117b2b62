/** One place for all keys: single letters act on the selected row, `/` opens the command line, `?` shows the map of keys, Esc goes back one step. */

import { fill, h } from "./dom.mjs";
import { t } from "./words.mjs";

export const MAP = [
  ["↑ ↓ J K", "move"],
  ["A", "acknowledge"],
  ["F", "file"],
  ["D", "dispatch"],
  ["1 … 9", "choose"],
  ["Space", "mark"],
  ["Shift ↑ ↓", "mark_more"],
  ["=", "alike"],
  ["R", "recall"],
  ["Ctrl+Z", "undo"],
  ["V", "verify"],
  ["C", "close"],
  ["W", "rework"],
  ["X", "void"],
  ["B", "return"],
  ["T", "accept"],
  ["P", "place"],
  ["E", "extend"],
  ["S", "suspend"],
  ["L", "shelve"],
  ["M", "out_of_service"],
  ["Y", "confirm"],
  ["U", "supervise"],
  ["I", "escalate"],
  ["Z", "call_back"],
  ["G", "force_close"],
  ["O", "reopen"],
  ["Q", "claim"],
  ["H", "handover"],
  ["N", "take_new"],
  ["F8", "freeze"],
  ["Alt", "tabs"],
  ["/", "command"],
  ["*", "refit"],
  ["Esc", "back"],
  ["?", "keys"],
];

/** `onFirst` sees every key that nobody types before the others do. @param {{onFirst: (event: KeyboardEvent) => boolean, onLetter: (letter: string) => boolean, onDigit: (digit: number) => boolean, onMove: (by: number) => void, onEscape: () => void, onEnter: () => boolean, onCommand: () => void, onHelp: () => void, onStar: () => void, onUndo: () => void, onTab: (index: number) => void, onFreeze: () => void}} to */
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
    if (/^[a-z]$/i.test(key) && to.onLetter(key.toUpperCase())) event.preventDefault();
  });
}

/** The map of keys, beside everything else and closed by Esc. */
export function keyMap(box) {
  fill(
    box,
    h(
      "div",
      { class: "keymap", role: "dialog", "aria-label": t("key.keys") },
      h("h2", null, t("key.keys")),
      h(
        "dl",
        null,
        MAP.map(([keys, name]) => [
          h(
            "dt",
            null,
            keys.split(" ").map((key) => (key === "…" ? "…" : h("kbd", null, key))),
          ),
          h("dd", null, t(`key.${name}`)),
        ]),
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
