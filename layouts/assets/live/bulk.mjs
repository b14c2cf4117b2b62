/** Several rows under one verb: mark them, ask once, plan → review → commit where teams are sent, and a result per item that stays until it is
 * dismissed. Each item is a command of its own; one refusal stops none of the others. */

import { askFields, drawQuestion, isPlain } from "./asking.mjs";
import { dress, fill, h } from "./dom.mjs";
import { causeOf } from "./flood.mjs";
import { soon } from "./loop.mjs";
import { metresBetween } from "./scene.mjs";
import { subjectOf } from "./queue.mjs";
import { separator } from "./parts.mjs";
import { verbsOf } from "./verbs.mjs";
import { familyOf } from "./vocabulary.mjs";
import { area, category, named, rule, t, where, word } from "./words.mjs";

/** How many rows alike are marked at once: what a person can look through before one key decides them. */
export const ALIKE = 20;
/** Commands in flight: half of what the channel takes, so that a single verb beside them is never refused. */
const LANES = 16;
const NEAR_M = 2000;
/** Whether two rows are alike: the same class or rule, in the same area, or near where rows have no area. */
export function alike(a, b) {
  if (a.table !== b.table) return false;
  const kind = (entry) => entry.row.category ?? entry.row.rule ?? entry.row.kind;
  if (kind(a) !== kind(b)) return false;
  if (a.row.area || b.row.area) return a.row.area === b.row.area;
  return a.row.lat == null || b.row.lat == null || metresBetween(a.row, b.row) < NEAR_M;
}

/** Run jobs side by side, at most so many at a time. @param {(() => Promise)[]} jobs */
export async function paced(jobs, lanes = LANES, tell = () => {}) {
  let at = 0,
    done = 0;
  const lane = async () => {
    while (at < jobs.length) {
      await jobs[at++]();
      tell(++done);
    }
  };
  await Promise.all(Array.from({ length: Math.min(lanes, jobs.length) }, lane));
}

/** Which team goes to which incident, each team once, the most urgent incident first.
 * @param {{id: string, choices: {team: string, eta_s: number}[]}[]} items in order of urgency */
export function planTeams(items) {
  const taken = new Set();
  return items.map(({ id, choices }) => {
    const at = choices.findIndex(({ team }) => !taken.has(team));
    if (at >= 0) taken.add(choices[at].team);
    return { id, at, choices, except: at < 0 };
  });
}

export class Bulk {
  /** `ask(question)`: the page's one question; `follow()`: also follow the details of `topics`; `sent(incident, team)`: a dispatch was done;
   * `pick(table, id)`: show this row. */
  constructor({ store, queue, person, sender, clock, ask, follow, sent, pick }) {
    Object.assign(this, { store, queue, person, sender, clock, ask, follow, sent, pick });
    this.plan = null;
    this.topics = []; // of the incidents that a plan is for
    this.result = null;
    this.running = null;
    this.parts = {
      head: h("div", { class: "bulkhead" }),
      ask: h("div", { class: "bulkask notice", hidden: true }),
      plan: h("ol", { class: "plan" }),
      result: h("div", { class: "result" }),
    };
    const { head, ask: box, plan, result } = this.parts;
    this.box = h("div", { class: "bulk", hidden: true }, head, box, plan, result);
    queue.box.append(this.box);
    this.draw = () => this.#draw();
    queue.onMarked = this.draw;
    store.on("detail", (topic) => {
      if (!this.plan?.waits) return;
      this.plan.told.add(topic);
      soon(this.#advised);
    });
  }

  /** The rows that a verb is for now, marked ones before the selected one. */
  get entries() {
    return this.queue.targets().map((key) => ({ key, ...this.queue.entryOf(key) }));
  }
  /** Whether a verb is for marked rows now. */
  get many() {
    return this.queue.many;
  }

  /* ---- marking ---------------------------------------------------------------------------------------------------------- */

  /** A key that is about several rows, before all others see it. @returns {boolean} whether it was one */
  press(event) {
    const { key } = event,
      plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (!plain) return false;
    if (this.plan && this.#planKey(key)) return true;
    if (key === " " && !event.target.closest?.("button, a, select")) {
      this.#mark();
      return true;
    }
    if (event.shiftKey && (key === "ArrowDown" || key === "ArrowUp")) {
      this.#extend(key === "ArrowDown" ? 1 : -1);
      return true;
    }
    if (key === "=" || key === "＝") {
      this.markAlike();
      return true;
    }
    return false;
  }
  #mark() {
    const { queue } = this;
    queue.touch();
    if (!queue.selected) queue.move(0);
    if (queue.selected) queue.mark([queue.selected], !queue.isMarked(queue.selected));
  }
  /** Shift with an arrow: from where it began to here, on top of what was marked before. */
  #extend(by) {
    const { queue } = this;
    if (!queue.selected) queue.move(0);
    if (this.range?.at !== queue.selected) this.range = { from: queue.selected, before: new Set(queue.marked) };
    queue.move(by);
    this.range.at = queue.selected;
    const keys = queue.keys.filter((key) => key === queue.selected || key === this.range.from || this.#here(key)),
      ends = [keys.indexOf(this.range.from), keys.indexOf(queue.selected)].sort((a, b) => a - b);
    queue.marked = new Set([...this.range.before, ...keys.slice(ends[0], ends[1] + 1)]);
    queue.mark([]);
  }
  /** Still of this tab: not one that left it and only keeps its place. */
  #here(key) {
    const entry = this.queue.entryOf(key);
    return entry && !entry.gone;
  }
  /** The next rows that are like the selected one, at most so many at a time, in the order of the queue. */
  markAlike() {
    const { queue } = this;
    queue.touch();
    if (!queue.selected) queue.move(0);
    const like = queue.entryOf(queue.selected);
    if (!like) return;
    const all = queue.keys.filter((key) => this.#here(key) && alike(like, queue.entryOf(key))),
      fresh = [queue.selected, ...all].filter((key, i, keys) => keys.indexOf(key) === i && !queue.marked.has(key));
    this.like = { words: this.#kind(like), all: all.length, keys: new Set(all) };
    queue.mark(fresh.slice(0, ALIKE));
  }
  #kind({ table, row }) {
    const what = table === "alerts" ? named(rule(row.rule)) || row.rule : category(row.category);
    return [what, row.area ? area(row.area) : ""].filter(Boolean).join(separator);
  }
  /** Esc, one step. @returns {boolean} whether there was one to go */
  back() {
    if (this.plan) this.#endPlan();
    else if (this.result) this.result = null;
    else if (this.queue.marked.size) this.queue.unmark();
    else return false;
    this.draw();
    return true;
  }

  /* ---- one verb, many rows ------------------------------------------------------------------------------------------------ */

  /** The verbs that the marked rows offer, with how many of them. @returns {{key: string, verb: string, n: number}[]} */
  verbs() {
    const found = new Map();
    for (const { table, row } of this.entries)
      for (const one of verbsOf(table, row, this.person.role)) {
        if (one.ask === "place") continue;
        const at = familyOf(one.verb);
        found.set(at, { key: one.key, verb: at, n: (found.get(at)?.n ?? 0) + 1 });
      }
    return [...found.values()].sort((a, b) => b.n - a.n);
  }

  /** The verb of a letter over all marked rows: asks what it needs once. @returns {boolean} whether any row has such a verb */
  begin(letter) {
    if (this.running) return true;
    const all = this.entries.map((entry) => ({
        ...entry,
        one: verbsOf(entry.table, entry.row, this.person.role).find(({ key }) => key === letter),
      })),
      lead = (all.find(({ key, one }) => one && key === this.queue.selected) ?? all.find(({ one }) => one))?.one;
    if (!lead || lead.ask === "place") return false;
    const family = familyOf(lead.verb),
      items = all.filter(({ one }) => one && familyOf(one.verb) === family),
      out = all.filter((entry) => !items.includes(entry));
    this.queue.touch();
    this.result = null;
    this.#put(family, items, out);
    this.draw();
    return true;
  }
  /** What the command line meant: many rows under a verb, with all that it needs or with what is still to be asked. */
  carryOut({ family, items, out, fields }) {
    this.result = null;
    if (fields) this.#run(family, commands(items, fields), out);
    else this.#put(family, items, out);
  }
  /** These orders are recalled, or taken back where they have not left. */
  recall(orders) {
    const items = orders.map((order) => ({
      key: `incidents ${order.incident}`,
      table: "incidents",
      id: order.incident,
      row: this.store.tables.incidents.get(order.incident) ?? { number: order.number },
      verb: order.state === "held" ? "take_back" : "recall",
      target: order.id,
      fields: { version: order.version },
    }));
    this.#run("recall", items, []);
  }
  #put(family, items, out) {
    const asks = items.find(({ one }) => one.ask)?.one,
      left = out.length ? t("bulk.left_out_n", { n: out.length, numbers: out.map((one) => this.#name(one)) }) : "";
    const about = {
      ask: (question) => this.#ask(items, family, question, left),
      now: () => this.clock.now(),
      store: this.store,
      row: items[0].row,
    };
    if (asks?.ask === "team") this.#startPlan(asks, items, out);
    else if (asks?.ask === "assignment") this.#confirm(family, this.#orders(items), out, left);
    else if (asks && isPlain(asks))
      askFields(asks, about, (fields) => this.#run(family, commands(items, fields), out));
    else this.#confirm(family, commands(items, {}), out, left);
  }
  /** Without anything to ask: say how many, and do it at one more key. */
  #confirm(family, jobs, out, left) {
    this.#ask(jobs, family, {
      title: "",
      options: [
        {
          key: "1",
          label: t("bulk.do", { verb: t(`verb.${family}`), n: jobs.length }),
          run: () => this.#run(family, jobs, out),
        },
      ],
    }, left);
  }
  #ask(items, family, question, left) {
    const about = t("bulk.about", { verb: t(`verb.${family}`), n: items.length });
    this.ask({
      ...question,
      title: [about, question.title].filter(Boolean).join(separator),
      hint: [question.hint, left].filter(Boolean).join(separator),
      in: this.parts.ask,
    });
  }
  /** The orders to these incidents, each taken back or recalled by its own step. */
  #orders(items) {
    return items.flatMap((entry) =>
      (entry.row.assignments ?? [])
        .map((id) => this.store.tables.assignments.get(id))
        .filter(Boolean)
        .map((order) => ({
          ...entry,
          verb: order.state === "held" ? "take_back" : "recall",
          target: order.id,
          fields: { version: order.version },
        })),
    );
  }

  async #run(family, jobs, out) {
    this.ask(null);
    this.running = { family, done: 0, all: jobs.length };
    this.draw();
    const done = [],
      refused = out.map((entry) => ({
        ...entry,
        words: t("bulk.left_out", {
          verb: t(`verb.${family}`),
          state: word(entry.table === "incidents" ? "state" : "alert", entry.row.state),
        }),
      }));
    for (const { table, id } of jobs) this.store.work(table, id);
    await paced(
      jobs.map((job) => async () => {
        const subject = job.key;
        if (await this.sender.send(subject, job.verb, job.target, job.fields)) {
          done.push(job);
          if (job.verb === "dispatch_team") this.sent(job.target, job.fields.team);
        } else refused.push({ ...job, words: this.sender.words(subject) });
      }),
      LANES,
      (n) => {
        this.running.done = n;
        soon(this.draw);
      },
    );
    this.running = null;
    this.result = { family, done: done.length, refused };
    this.like = null;
    this.queue.marked = new Set(refused.map(({ key }) => key));
    this.queue.refresh();
    if (!refused.length) this.queue.next();
    this.draw();
  }
  #name({ table, row, id }) {
    return table === "incidents" ? `#${row.number}` : table === "alerts" ? subjectOf(row) : id;
  }

  /* ---- plan, review, commit ------------------------------------------------------------------------------------------------ */

  #startPlan(one, items, out) {
    const some = items.slice(0, ALIKE),
      told = new Set(this.sender.channel.topics); // what is followed already is kept fresh and not told anew
    this.plan = { one, items: some, out, later: items.length - some.length, told, waits: true, at: 0, lines: [] };
    this.topics = some.map(({ id }) => `incident:${id}`);
    this.follow();
    this.#advised();
  }
  /** The server's advice on each has come: choose, and let the person look at it before anything leaves. */
  #advised = () => {
    const { plan } = this;
    if (!plan?.waits) return;
    const details = plan.items.map(
      ({ id }) => plan.told.has(`incident:${id}`) && this.store.details.get(`incident:${id}`),
    );
    plan.waits = details.some((detail) => !detail);
    if (!plan.waits)
      plan.lines = planTeams(
        plan.items.map(({ id }, k) => ({
          id,
          choices: (details[k].advice ?? []).filter(
            (one) => !one.blocked && this.store.tables.teams.get(one.team)?.shown !== "silent",
          ),
        })),
      );
    this.draw();
  };
  #planKey(key) {
    const { plan } = this,
      line = plan.lines[plan.at];
    if (key === "ArrowDown" || key === "ArrowUp")
      plan.at = Math.max(0, Math.min(plan.lines.length - 1, plan.at + (key === "ArrowDown" ? 1 : -1)));
    else if (key === " " && line) line.except = !line.except || line.at < 0;
    else if ((key === "ArrowLeft" || key === "ArrowRight") && line?.choices.length)
      line.at = (line.at + (key === "ArrowRight" ? 1 : line.choices.length - 1)) % line.choices.length;
    else if (key === "Enter") this.#commit();
    else return false;
    this.draw();
    return true;
  }
  #commit() {
    const { plan } = this,
      jobs = plan.lines
        .map((line, k) => ({ line, entry: plan.items[k] }))
        .filter(({ line }) => !line.except)
        .map(({ line, entry }) => ({
          ...entry,
          verb: entry.one.verb,
          target: entry.id,
          fields: { version: entry.row.version, team: line.choices[line.at].team },
        }));
    if (plan.waits || !jobs.length) return;
    this.#endPlan();
    this.#run(plan.one.verb, jobs, plan.out);
  }
  #endPlan() {
    this.plan = null;
    this.topics = [];
    this.follow();
  }

  /* ---- drawing -------------------------------------------------------------------------------------------------------------- */

  /** Show a question about the marked rows beside them. */
  show(question) {
    drawQuestion(this.parts.ask, question);
    this.draw();
  }
  #draw() {
    const { queue } = this,
      n = this.many ? queue.targets().length : 0,
      asking = !this.parts.ask.hidden;
    if (!n || queue.targets().some((key) => !this.like?.keys.has(key))) this.like = null; // one of another kind was marked too
    this.box.hidden = !n && !this.result && !this.running && !asking;
    if (this.box.hidden) return;
    this.#head(n, asking);
    this.#plan();
    this.#result();
  }
  #head(n, asking) {
    const { head } = this.parts,
      { running, like } = this;
    dress(head, "bulkhead");
    head.hidden = Boolean(this.plan);
    fill(
      head,
      h(
        "b",
        { "aria-live": "polite" },
        running
          ? t("bulk.running", { verb: t(`verb.${running.family}`), done: running.done, all: running.all })
          : n
            ? like
              ? t("bulk.marked_like", { n, all: like.all, what: like.words })
              : this.queue.marked.size
                ? t("bulk.marked", { n })
                : t("flood.together", { n, what: causeOf(this.entries[0].row.group).join(separator) })
            : "",
      ),
      !running &&
        !asking &&
        !this.plan &&
        n > 0 &&
        h(
          "div",
          { class: "verbs" },
          this.verbs().map(({ key, verb, n: of }) =>
            h(
              "button",
              { type: "button", class: "btn", onclick: () => this.begin(key) },
              h("span", null, `${t(`verb.${verb}`)} ${of}`),
              h("kbd", null, key),
            ),
          ),
          this.queue.marked.size > 0 && h(
            "button",
            { type: "button", class: "btn quiet", onclick: () => this.back() },
            t("bulk.unmark"),
            h("kbd", null, "Esc"),
          ),
        ),
    );
  }
  #plan() {
    const { plan } = this,
      box = this.parts.plan;
    box.hidden = !plan;
    if (!plan) return;
    const sent = plan.lines.filter(({ except }) => !except).length;
    fill(
      box,
      h("li", { class: "planhead" }, h("b", null, t("bulk.plan", { verb: t(`verb.${plan.one.verb}`) })), this.#planHint()),
      plan.lines.map((line, k) => this.#line(line, plan.items[k].row, k === plan.at)),
      h(
        "li",
        { class: "verbs" },
        h(
          "button",
          { type: "button", class: "btn primary", disabled: plan.waits || !sent, onclick: () => this.#commit() },
          t("bulk.commit", { n: sent }),
          h("kbd", null, "Enter"),
        ),
        h(
          "button",
          { type: "button", class: "btn quiet", onclick: () => this.back() },
          t("label.cancel"),
          h("kbd", null, "Esc"),
        ),
      ),
    );
    box.querySelector(".on")?.scrollIntoView({ block: "nearest" });
  }
  #planHint() {
    const { plan } = this;
    return h(
      "small",
      null,
      plan.waits ? t("label.loading") : t("bulk.plan_hint"),
      plan.later > 0 && ` ${t("bulk.later", { n: plan.later })}`,
    );
  }
  #line(line, row, on) {
    const team = line.at >= 0 ? line.choices[line.at] : null,
      call = team && (this.store.tables.teams.get(team.team)?.call ?? team.team);
    return h(
      "li",
      { class: `line${on ? " on" : ""}${line.except ? " except" : ""}`, "aria-selected": String(on) },
      h("span", { class: "clip" }, `#${row.number} ${category(row.category)}, ${where(row)}`),
      h("span", null, "→"),
      h(
        "b",
        null,
        !team
          ? t("bulk.no_team")
          : line.except
            ? t("bulk.excepted")
            : t("label.choice", { team: call, minutes: Math.max(1, Math.round(team.eta_s / 60)) }),
      ),
    );
  }
  #result() {
    const { result } = this,
      box = this.parts.result;
    box.hidden = !result;
    if (!result) return;
    fill(
      box,
      h(
        "div",
        { class: "resulthead", role: "status" },
        h("b", null, t(`verb.${result.family}`)),
        t("bulk.result", { done: result.done, refused: result.refused.length }),
        h(
          "button",
          { type: "button", class: "btn quiet push", onclick: () => this.back() },
          t("label.dismiss"),
          h("kbd", null, "Esc"),
        ),
      ),
      result.refused.length > 0 &&
        h(
          "ul",
          null,
          result.refused.map((item) =>
            h(
              "li",
              null,
              h("button", { type: "button", class: "ref", onclick: () => this.pick(item.table, item.id) }, this.#name(item)),
              ` ${item.words}`,
            ),
          ),
        ),
    );
  }
}

/** Each item's command, at the version that was seen when the question was put. */
const commands = (items, fields) =>
  items.map((entry) => ({
    ...entry,
    verb: entry.one.verb,
    target: entry.one.target ?? entry.id,
    fields: {
      ...(entry.table === "incidents" && { version: entry.row.version }),
      ...(entry.one.ask || !("disposition" in fields) ? fields : {}),
    },
  }));
