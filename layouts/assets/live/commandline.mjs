/** The field of the command line: says what it understood before Enter, offers what Tab completes, keeps the lines of the session. */

import { completions, understand } from "./command.mjs";
import { dress, fill, h, text } from "./dom.mjs";
import { t } from "./words.mjs";

const KEPT = 50;

export class CommandLine {
  /** @param {HTMLElement} box @param {{world: () => import("./command.mjs").World, carryOut: (meant: object, atOnce: boolean) => boolean}} how
   * `carryOut` does what was meant, or says false where nothing can be done with it */
  constructor(box, { world, carryOut }) {
    Object.assign(this, { box, world, carryOut });
    this.lines = [];
    this.back = 0; // how far back in `lines`
    this.offer = null; // {stem, words, at}
    this.field = h("input", {
      type: "text",
      autocomplete: "off",
      spellcheck: "false",
      placeholder: t("label.command_hint"),
      "aria-label": t("key.command"),
      oninput: () => this.#typed(),
      onkeydown: (event) => this.#key(event),
      onblur: () => this.#offers(null),
    });
    this.echo = h("span", { class: "echo", "aria-live": "polite" });
    this.list = h("div", { class: "offers", hidden: true, role: "listbox" });
    fill(box, h("kbd", null, "/"), this.field, this.echo, this.list);
  }
  focus() {
    this.field.focus();
    this.field.select();
  }
  /** Say something beside the field that is no answer to a line. */
  say(words) {
    text(this.echo, words);
  }
  clear() {
    this.field.value = "";
    this.back = 0;
    this.#typed();
  }

  #typed() {
    this.#offers(null);
    return this.#say();
  }
  #say() {
    const meant = understand(this.field.value, this.world());
    text(this.echo, meant.words);
    this.echo.title = meant.words;
    this.box.classList.toggle("refused", meant.kind === "unclear" && this.field.value.trim().length > 3);
    return meant;
  }

  #key(event) {
    if (event.isComposing) return;
    const { key } = event;
    if (key === "Enter") {
      event.preventDefault();
      this.#enter(event.ctrlKey || event.metaKey);
    } else if (key === "Tab" && !event.ctrlKey && !event.altKey && this.#complete(event.shiftKey ? -1 : 1))
      event.preventDefault();
    else if (key === "ArrowUp" || key === "ArrowDown") {
      event.preventDefault();
      this.#recall(key === "ArrowUp" ? 1 : -1);
    }
  }
  #enter(atOnce) {
    const line = this.field.value.trim(),
      meant = this.#say();
    if (!line || !this.carryOut(meant, atOnce)) return;
    if (this.lines.at(-1) !== line) this.lines.push(line);
    this.lines.splice(0, this.lines.length - KEPT);
    this.clear();
    this.field.blur();
  }
  #recall(by) {
    this.back = Math.max(0, Math.min(this.lines.length, this.back + by));
    this.field.value = this.back ? this.lines.at(-this.back) : "";
    this.#typed();
  }

  /** The last word becomes the next of what it may be; Tab again goes on, Shift+Tab back. */
  #complete(by) {
    if (!this.offer) {
      const { value } = this.field,
        words = completions(value, this.world());
      if (!words.length) return value.trim() !== ""; // stay in the field while there is something in it
      const last = /\s$/.test(value) ? "" : (/[^\s]*$/.exec(value)?.[0] ?? ""),
        tail = /[\u4e00-\u9fff]/.test(words[0]) ? last.replace(/^[\x21-\x7e]+/, "") : last;
      this.offer = { stem: value.slice(0, value.length - tail.length), words, at: by > 0 ? -1 : 0 };
    }
    const { stem, words } = this.offer;
    this.offer.at = (this.offer.at + by + words.length) % words.length;
    this.field.value = `${stem}${words[this.offer.at]} `;
    this.#offers(this.offer);
    this.#say();
    return true;
  }
  #offers(offer) {
    this.offer = offer;
    this.list.hidden = !offer || offer.words.length < 2;
    if (this.list.hidden) return;
    fill(
      this.list,
      h("kbd", null, "Tab"),
      offer.words.map((one, k) => {
        const node = h("span", { role: "option", "aria-selected": String(k === offer.at) }, one);
        dress(node, k === offer.at ? "on" : "");
        return node;
      }),
    );
  }
}
