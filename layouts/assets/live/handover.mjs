/** The handover of a seat in the place of map and detail: draft, notes, read-back and both signatures side by side, by keyboard alone. The queue and the
 * teams stay in sight. The server decides what may be done. */

import { dress, fill, h, keyed, text } from "./dom.mjs";
import { isOpen } from "./lifecycle.mjs";
import { eachSecond, soon } from "./loop.mjs";
import { incidentMark, svg } from "./marks.mjs";
import { face, separator } from "./parts.mjs";
import { moment, timeOfDay } from "./time.mjs";
import { category, named, pack, person as nameOf, rule, t, where, word } from "./words.mjs";

const UNDER_WAY = new Set(["drafted", "offered"]);
const SEATED = new Set(["call_taker", "dispatcher", "supervisor"]);
const SECTIONS = ["open", "promised", "shelved", "off_soon", "overrides"];

export class Handover {
  /** @param {{root: HTMLElement, store: import("./store.mjs").Store, clock: object, channel: object, sender: import("./verbs.mjs").Sender, onPick: (table: string, id: string) => void}} of */
  constructor({ root, store, clock, channel, sender, onPick }) {
    Object.assign(this, { root, store, clock, channel, sender, onPick });
    this.at = 0;
    this.writing = null; // what is being written: a line's id, "text", or "refuse"
    this.box = h("section", {
      class: "panel handover",
      tabindex: -1,
      hidden: true,
      "aria-label": t("label.handover"),
      onkeydown: (event) => this.#key(event),
    });
    this.chip = h("button", { type: "button", class: "chip", hidden: true, onclick: () => this.open() });
    root.querySelector(".middle").append(this.box);
    this.draw = () => this.#draw();
    store.on("handovers", () => soon(this.draw));
    store.on("you", () => soon(this.draw));
    for (const table of ["incidents", "alerts", "teams"]) store.on(table, () => this.shown && soon(this.draw));
    sender.on(() => soon(this.draw));
    channel.on(() => soon(this.draw));
    eachSecond(() => this.shown && soon(this.draw));
    this.#build();
  }

  get shown() {
    return !this.box.hidden;
  }
  get #me() {
    const [role = "", seat = "", name = ""] = (this.store.me ?? "").split("/");
    return { who: this.store.me, role, seat, name };
  }
  /** Where this person sits, as the server sees it. */
  #seat() {
    const { role, seat } = this.#me,
      own = (pack().seats ?? []).filter((one) => one.role === role);
    return own.find(({ id }) => id === seat) ?? own[0] ?? { id: role, role };
  }
  /** The handover of this seat that is under way, else the one that ended last. */
  row() {
    const { id } = this.#seat(),
      rows = [...this.store.tables.handovers.values()].filter((row) => row.seat === id);
    return rows.find((row) => UNDER_WAY.has(row.state)) ?? rows.sort((a, b) => b.begun_at_ms - a.begun_at_ms)[0];
  }

  open() {
    if (!SEATED.has(this.#me.role)) return false;
    this.box.hidden = false;
    this.root.classList.add("handing");
    this.at = 0;
    this.#draw();
    this.box.focus();
    return true;
  }
  close() {
    if (!this.shown) return false;
    this.box.hidden = true;
    this.writing = null;
    this.root.classList.remove("handing");
    return true;
  }
  toggle() {
    return this.close() || this.open();
  }

  /* ---- what a key means ------------------------------------------------------------------------------------------------- */

  /** The verbs of this person now. @returns {{key: string, name: string, run: () => void, primary?: boolean}[]} */
  #verbs() {
    const row = this.row(),
      mine = row?.outgoing === this.store.me;
    if (!row || !UNDER_WAY.has(row.state))
      return [{ key: "D", name: "verb.handover_begin", primary: true, run: () => this.#begin() }];
    const line = this.#lines()[this.at];
    if (row.state === "drafted")
      return mine
        ? [
            line && { key: "E", name: "handover.note", run: () => this.#write(line.id) },
            { key: "T", name: "handover.text", run: () => this.#write("text") },
            {
              key: "O",
              name: "verb.handover_offer",
              primary: true,
              run: () => this.#send("handover_offer", this.#version()),
            },
            { key: "W", name: "verb.handover_withdraw", run: () => this.#send("handover_withdraw") },
          ].filter(Boolean)
        : [];
    if (mine) return [{ key: "W", name: "verb.handover_withdraw", run: () => this.#send("handover_withdraw") }];
    return [
      line && { key: "Enter", name: "verb.handover_touch", run: () => this.#touch(line) },
      line?.section === "open" && { key: "X", name: "handover.not_taken", run: () => this.#touch(line, "return") },
      { key: "S", name: "verb.handover_sign", primary: true, run: () => this.#send("handover_sign", this.#version()) },
      { key: "R", name: "verb.handover_refuse", run: () => this.#write("refuse") },
    ].filter(Boolean);
  }
  #key(event) {
    const { key } = event,
      typing = event.target.closest("input, textarea");
    if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    if (typing) {
      if (key === "Enter" || key === "Escape") {
        event.preventDefault();
        event.stopPropagation();
        this.#written(key === "Enter" ? typing.value.trim() : null);
      }
      return;
    }
    const letter = /^[a-z]$/i.test(key) ? key.toUpperCase() : key === " " ? "Enter" : key,
      one = this.#verbs().find((verb) => verb.key === letter);
    if (letter === "Escape" || letter === "H") this.#leave();
    else if (one && !(key === "Enter" && event.target.closest("button"))) one.run();
    else if (letter === "ArrowDown" || letter === "J") this.#move(1);
    else if (letter === "ArrowUp" || letter === "K") this.#move(-1);
    else if (letter === "Home" || letter === "End") this.#move(letter === "Home" ? -Infinity : Infinity);
    else if (letter === "G") this.#go();
    else if (!/^[A-Z]$/.test(letter) && (letter !== "Enter" || event.target.closest("button"))) return; // tab, digits and marks are the page's
    event.preventDefault();
    event.stopPropagation();
  }
  #move(by) {
    this.at = Math.max(0, Math.min(this.#lines().length - 1, this.at + by));
    this.#draw();
    this.parts.list.querySelector(".on")?.scrollIntoView({ block: "nearest" });
  }
  #leave() {
    this.close();
    this.root.querySelector(".rowq.on, .rowq")?.focus({ preventScroll: true });
  }
  /** To the thing itself, in queue and detail. */
  #go() {
    const line = this.#lines()[this.at];
    if (!line) return;
    const order = line.table === "assignments" && this.store.tables.assignments.get(line.target);
    this.close();
    if (order) this.onPick("incidents", order.incident);
    else this.onPick(line.table, line.target);
  }

  /* ---- asking ------------------------------------------------------------------------------------------------------------ */

  get #subject() {
    return `handovers ${this.row()?.id ?? ""}`;
  }
  #version = () => ({ version: this.row().version });
  #send(verb, fields = {}) {
    return this.sender.send(this.#subject, verb, this.row()?.id ?? "", fields);
  }
  #begin() {
    this.at = 0;
    return this.sender.send(this.#subject, "handover_begin", "");
  }
  async #touch(line, disposition) {
    const back = disposition === "return" && line.touched_ms != null && !line.accepted, // X once more takes it after all
      done = await this.#send("handover_touch", { item: line.id, disposition: back ? "accept" : (disposition ?? "accept") });
    if (done && !disposition) this.#move(1);
  }
  #write(what) {
    this.writing = what;
    this.#draw();
    const field = this.box.querySelector(".writes");
    field?.focus();
    field?.setSelectionRange(field.value.length, field.value.length);
  }
  #written(words) {
    const what = this.writing;
    this.writing = null;
    this.#draw();
    this.box.focus();
    if (words === null) return;
    if (what === "refuse") {
      if (words) this.#send("handover_refuse", { reason: words });
    } else this.#send("handover_edit", what === "text" ? { note: words } : { note: words, item: what });
  }

  /* ---- drawing ------------------------------------------------------------------------------------------------------------- */

  #lines() {
    return this.row()?.lines ?? [];
  }

  #build() {
    const title = h("b"),
      state = h("span", { class: "muted", role: "status" }),
      people = h("span", { class: "signers push" }),
      whole = h("div", { class: "whole" }),
      columns = h(
        "div",
        { class: "hrow hcolumns" },
        h("span"),
        h("span", null, t("handover.what")),
        h("span", null, t("handover.notes")),
        h("span", null, t("handover.read_back")),
      ),
      list = h("div", { class: "hlist", role: "listbox", "aria-label": t("label.handover") }),
      refusal = h("span", { class: "refusal", role: "alert" }),
      write = h("div", { class: "hwrite" }),
      verbs = h("div", { class: "verbs" }),
      foot = h("div", { class: "hfoot" }, refusal, write, verbs);
    fill(
      this.box,
      h(
        "div",
        { class: "phead" },
        title,
        state,
        people,
        h(
          "button",
          { type: "button", class: "btn quiet", onclick: () => this.#leave(), "aria-label": t("label.close") },
          h("span", { class: "close" }, t("label.close")),
          h("kbd", null, "Esc"),
        ),
      ),
      whole,
      columns,
      list,
      foot,
    );
    this.parts = { title, state, people, whole, columns, list, refusal, write, verbs };
  }

  #draw() {
    this.#chip();
    if (!this.shown) return;
    const row = this.row(),
      p = this.parts,
      seat = this.#seat(),
      lines = row && (UNDER_WAY.has(row.state) || row.state === "signed") ? row.lines : [],
      read = lines.filter((line) => line.section === "open" && line.priority === 1);
    this.at = Math.min(this.at, Math.max(0, lines.length - 1));
    text(p.title, `${t("label.handover")} ${named(seat) || word("role", seat.role)}`);
    text(
      p.state,
      [
        row ? word("handover", row.state) : t("handover.none"),
        row?.state === "offered" &&
          t("handover.read_n", { n: read.filter((line) => line.touched_ms != null).length, of: read.length }),
        row?.reason && `“${row.reason}”`,
      ]
        .filter(Boolean)
        .join(separator),
    );
    this.#people(row);
    this.#whole(row);
    p.columns.hidden = !lines.length;
    const items = SECTIONS.flatMap((section) => {
      const of = lines.filter((line) => line.section === section);
      return of.length || section === "open"
        ? [{ id: section, section, n: of.length, more: row?.more ?? 0 }, ...of]
        : [];
    });
    keyed(
      p.list,
      lines.length ? items : [],
      (one) => one.id,
      (one) => (one.target ? this.#make() : h("h3", null, h("b"), h("span", { class: "muted" }))),
      (node, one) => (one.target ? this.#line(node, one, lines.indexOf(one), row) : this.#head(node, one)),
    );
    const words = this.sender.words(this.#subject);
    text(p.refusal, words);
    dress(p.refusal, this.sender.refused.has(this.#subject) ? "refusal" : "muted");
    this.#refuses();
    const verbs = this.#verbs(),
      off = !this.channel.open,
      key = verbs.map((one) => one.name).join() + off;
    if (p.verbs.dataset.key === key) return;
    p.verbs.dataset.key = key;
    fill(
      p.verbs,
      verbs.map(({ key: cap, name, primary }) =>
        h(
          "button",
          {
            type: "button",
            class: `btn${primary ? " primary" : ""}`,
            disabled: off,
            onclick: () => this.#verbs().find((one) => one.key === cap)?.run(),
          },
          h("span", null, t(name)),
          h("kbd", null, cap),
        ),
      ),
      lines.length > 0 &&
        h("span", { class: "muted" }, h("kbd", null, "↑ ↓"), h("kbd", null, "G"), ` ${t("handover.go")}`),
    );
  }
  #chip() {
    const row = this.row(),
      waits = row?.state === "offered" && row.outgoing !== this.store.me && SEATED.has(this.#me.role);
    this.chip.hidden = !waits;
    if (waits && this.chip.dataset.id !== row.id) {
      this.chip.dataset.id = row.id;
      fill(this.chip, t("handover.waits", { by: row.outgoing }), h("kbd", null, "H"));
    }
  }
  #people(row) {
    const { people } = this.parts,
      key = row ? [row.id, row.state, row.incoming, row.digest].join() : "";
    if (people.dataset.key === key) return;
    people.dataset.key = key;
    const one = (label, who, at) =>
      h(
        "span",
        { class: "signer" },
        t(label),
        face(nameOf(who), who === this.store.me),
        h("b", null, nameOf(who)),
        at && h("small", null, timeOfDay(at)),
      );
    fill(
      people,
      row && one("handover.outgoing", row.outgoing, row.offered_at_ms),
      row?.incoming && one("handover.incoming", row.incoming, row.state === "signed" ? row.ended_at_ms : null),
      row?.digest && h("code", { title: row.digest }, row.digest.slice(0, 12)),
    );
  }
  /** The text of the whole: written by who leaves, read by who comes. */
  #whole(row) {
    const { whole } = this.parts,
      writes = this.writing === "text",
      said = row?.text ?? "",
      key = `${row?.id} ${writes} ${writes ? "" : said}`;
    whole.hidden = !row || !(said || writes);
    if (whole.dataset.key === key) return;
    whole.dataset.key = key;
    fill(whole, writes ? this.#field(said, "handover.text_hint") : h("p", null, said));
  }
  #refuses() {
    const { write } = this.parts,
      on = this.writing === "refuse";
    if (write.dataset.on === String(on)) return;
    write.dataset.on = String(on);
    fill(write, on && this.#field("", "handover.refuse_hint"));
  }
  #field(value, hint) {
    return h("input", {
      type: "text",
      class: "writes",
      maxlength: 500,
      value,
      placeholder: t(hint),
      "aria-label": t(hint),
    });
  }
  #head(node, { section, n, more }) {
    text(node.firstChild, t(`handover.${section}`));
    text(node.lastChild, section === "open" && more ? t("handover.n_more", { n, more }) : String(n));
  }
  #make() {
    const mark = h("span", { class: "mark" }),
      what = h("b", { class: "clip" }),
      more = h("small", { class: "clip" }),
      note = h("span", { class: "note" }),
      read = h("span", { class: "read" }),
      node = h("div", { class: "hrow", role: "option" }, mark, h("span", { class: "what" }, what, more), note, read);
    node.parts = { mark, what, more, note, read };
    node.addEventListener("click", () => {
      this.at = node.index;
      this.#draw();
      if (!this.writing) this.box.focus();
    });
    return node;
  }
  #line(node, line, index, row) {
    const { mark, what, more, note, read } = node.parts,
      over = this.#over(line),
      must = line.section === "open" && line.priority === 1,
      now = this.clock.now();
    node.index = index;
    const waits = must && line.touched_ms == null && row.state === "offered";
    dress(node, `hrow${index === this.at ? " on" : ""}${over ? " over" : ""}${waits ? " must" : ""}`);
    node.setAttribute("aria-selected", String(index === this.at));
    if (mark.dataset.p !== `${line.section}${line.priority}`) {
      mark.dataset.p = `${line.section}${line.priority}`;
      fill(
        mark,
        line.priority > 0 &&
          svg(incidentMark(line.priority, { hand: false, unack: false }), 17, {
            name: t("label.priority", { p: line.priority }),
          }),
      );
    }
    text(what, this.#what(line));
    text(more, [over && t("handover.over"), ...this.#facts(line, now)].filter(Boolean).join(separator));
    const writes = this.writing === line.id,
      key = `${writes} ${writes ? "" : line.note}`;
    if (note.dataset.key !== key) {
      note.dataset.key = key;
      fill(note, writes ? this.#field(line.note, "handover.note_hint") : line.note);
    }
    const said =
      line.touched_ms == null
        ? must && row.state !== "drafted"
          ? t("handover.to_read")
          : ""
        : t(line.accepted ? "handover.read_at" : "handover.left_at", { at_ms: line.touched_ms });
    text(read, said);
    dress(read, `read${line.touched_ms != null && !line.accepted ? " left_to_queue" : ""}`);
  }
  /** What it is, as people say it. */
  #what(line) {
    const call = this.store.tables.teams.get(line.team)?.call ?? line.team,
      place = where(line),
      kind = line.table === "alerts" ? named(rule(line.category)) || line.category : category(line.category),
      number = line.number ? `#${line.number} ` : "";
    if (line.section === "off_soon") return [t("label.team", { team: call }), place].filter(Boolean).join(separator);
    return `${number}${[kind, place].filter(Boolean).join(separator)}`;
  }
  #facts(line, now) {
    const call = this.store.tables.teams.get(line.team)?.call ?? line.team,
      team = line.team && t("label.team", { team: call }),
      due = line.due_ms != null && t("label.until", { time: moment(line.due_ms, now) }),
      by = line.by && nameOf(line.by);
    if (line.section === "open")
      return [
        word(line.table === "alerts" ? "alert" : "state", line.state),
        due,
        line.claimed && t("handover.claimed"),
      ];
    if (line.section === "promised")
      return line.table === "incidents"
        ? [t("handover.supervised", { by: line.by }), due]
        : [team, word("step", line.state), due];
    if (line.section === "shelved") return [due, word("reason", line.reason), by];
    if (line.section === "off_soon") return [word("team", line.state), due];
    return [team, `“${word("reason", line.reason)}”`, by];
  }
  /** Settled since the draft was made. */
  #over(line) {
    if (line.table === "incidents") {
      const row = this.store.tables.incidents.get(line.target);
      return !row || !isOpen(row);
    }
    return line.table === "alerts" && !this.store.tables.alerts.has(line.target);
  }
}
