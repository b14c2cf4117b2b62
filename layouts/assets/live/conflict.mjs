/** What was written and refused since somebody else was there first: the words are kept beside what the other did, until their writer chooses.
 *
 * Kept in the browser's session, so that a reload loses nothing. May not decide which of the two is right. */

import { fill, h } from "./dom.mjs";
import { t, word } from "./words.mjs";

const CODES = new Set(["changed_meanwhile", "claimed", "claim_lost", "already_dispatched", "not_now"]);
const KEPT = "comis.kept";

/** The words in a command, empty where it has none. */
const wordsOf = (fields = {}) => fields.reason || fields.note || "";

export class Conflicts {
  /** @param {{store: object, sender: import("./verbs.mjs").Sender, again: (kept: object) => Promise<boolean>, told: () => void}} of */
  constructor({ store, sender, again, told }) {
    Object.assign(this, { store, sender, again, told });
    /** @type {Map<string, {verb: string, target: string, fields: object, code: string, args: object, draft: boolean}>} */
    this.kept = new Map(stored());
    sender.on((subject) => this.#look(subject));
  }

  #look(subject) {
    const refused = this.sender.refused.get(subject);
    if (!refused || !CODES.has(refused.code) || !wordsOf(refused.fields)) return;
    const { verb, target, fields, code, args } = refused;
    this.#put(subject, { verb, target, fields, code, args, draft: false });
  }
  #put(subject, kept) {
    if (kept) this.kept.set(subject, kept);
    else this.kept.delete(subject);
    try {
      sessionStorage.setItem(KEPT, JSON.stringify([...this.kept]));
    } catch {
      // a browser that keeps nothing: the words stay as long as the page does
    }
    this.told();
  }

  has(subject) {
    return this.kept.has(subject);
  }
  /** Whether the sentence of this refusal stands in the bar already. */
  says(subject, refused) {
    return this.kept.get(subject)?.code === refused?.code && !this.kept.get(subject).draft;
  }
  /** The same question, where its reason is asked for, with the words that were refused before as one answer more. */
  offered(question, subject, verb) {
    const kept = this.kept.get(subject),
      said = kept?.verb === verb && word("reason", wordsOf(kept.fields));
    if (!said || !question?.text || question.options.some(({ label }) => label === said)) return question;
    const { options, text } = question,
      own = { key: String(options.length + 1), label: said, run: () => text(wordsOf(kept.fields)) };
    return { ...question, options: [...options, own] };
  }

  /** @param {number} digit @returns {boolean} whether it was one of the choices */
  choose(subject, digit) {
    if (!this.kept.has(subject)) return false;
    const choice = this.#choices(subject).find(({ key }) => key === String(digit));
    choice?.run();
    return Boolean(choice);
  }
  #choices(subject) {
    const kept = this.kept.get(subject);
    return [
      { key: "1", name: "again", run: () => this.#again(subject) },
      !kept.draft && { key: "2", name: "draft", run: () => this.#put(subject, { ...kept, draft: true }) },
      { key: "3", name: "drop", run: () => this.#drop(subject) },
    ].filter(Boolean);
  }
  async #again(subject) {
    const kept = this.kept.get(subject);
    if (await this.again(kept)) this.#put(subject, null);
  }
  #drop(subject) {
    this.sender.dismiss(subject);
    this.#put(subject, null);
  }

  /** The bar. @param {HTMLElement} bar @param {{theirs: string, theirs_v?: number, open: boolean}} of what the other did, in words */
  draw(bar, subject, { theirs, version, open }) {
    const kept = this.kept.get(subject),
      key = kept ? [subject, kept.code, kept.draft, theirs, version, open, wordsOf(kept.fields)].join() : "";
    if (bar.dataset.key === key) return;
    bar.dataset.key = key;
    bar.hidden = !kept;
    if (!kept) {
      fill(bar);
      return;
    }
    const mine = h(
      "p",
      null,
      h("span", { class: "soft" }, t("conflict.mine")),
      h("span", null, `${word("verb", kept.verb)} “${word("reason", wordsOf(kept.fields))}”`),
      kept.fields.version != null && h("small", null, `v${kept.fields.version}`),
    );
    fill(
      bar,
      !kept.draft && h("b", null, t("conflict.kept", { words: this.sender.said(kept) })),
      !kept.draft &&
        h(
          "p",
          null,
          h("span", { class: "soft" }, t("conflict.theirs")),
          h("span", null, theirs || "–"),
          version != null && h("small", null, `v${version}`),
        ),
      mine,
      h(
        "div",
        { class: "verbs" },
        this.#choices(subject).map(({ key: digit, name, run }) =>
          h(
            "button",
            { type: "button", class: "btn", disabled: name === "again" && !open, onclick: run },
            t(`conflict.${name}`),
            h("kbd", null, digit),
          ),
        ),
      ),
    );
  }
}

function stored() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT) ?? "[]");
  } catch {
    return [];
  }
}
