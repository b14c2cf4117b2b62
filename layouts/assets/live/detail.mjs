/** The selected subject: what it is, how much time is left, the verbs with their keys, evidence, timeline, facts. Text from outside is text. */

import { drawQuestion } from "./asking.mjs";
import { callbackFact } from "./callback.mjs";
import { CameraPanel } from "./camera.mjs";
import { cameraName, picture } from "./cameras.mjs";
import { dress, fill, h, keyed, text } from "./dom.mjs";
import { calledFact } from "./escalation.mjs";
import { heldOf, words as holdWords } from "./hold.mjs";
import { STATE_WORDS, isHand, isHeld, isOpen, isUnack, shelf } from "./lifecycle.mjs";
import { eachSecond, soon, withNews } from "./loop.mjs";
import { icon, incidentMark, sensorMark, svg } from "./marks.mjs";
import { ageNode, face, leftNode, scrolls, separator, timeLeft } from "./parts.mjs";
import { ago, metres, moment, span, timeOfDay } from "./time.mjs";
import { Orders } from "./orders.mjs";
import { subjectOf } from "./queue.mjs";
import { verbsOf } from "./verbs.mjs";
import { area, category, figure, named, pack, rule, t, where, who, word } from "./words.mjs";
import { reached, writes, writingBar } from "./writing.mjs";

const STEPS = ["report", "file", "dispatch", "handle", "feedback", "check", "close"];
const STEP_OF = {
  reported: 0,
  verifying: 1,
  pending_register: 1,
  returned: 1,
  pending_dispatch: 2,
  pending_handle: 3,
  handling: 3,
  suspended: 3,
  handle_finish: 4,
  pending_check: 5,
  checking: 5,
  pending_close: 6,
  closed: 6,
  forced_close: 6,
  cancelled: 6,
  not_accepted: 6,
};
const KEY_ENTRIES = new Set([
  "incident_reported",
  "incident_filed",
  "assignment_sent",
  "incident_closed",
  "incident_voided",
  "incident_declined",
  "incident_force_closed",
  "incident_reworked",
  "incident_reopened",
  "incident_supervised",
  "incident_escalated",
]);
const QUIET = new Set(["alert_linked"]);

export class Detail {
  constructor(box, { store, clock, person, channel, sender, claims, conflicts, calls, act, onClaim, onWrite, onResend }) {
    Object.assign(this, { box, store, clock, person, channel, sender, claims, conflicts, calls, act, onClaim });
    Object.assign(this, { onWrite, onResend });
    this.what = null;
    this.asking = null;
    this.draw = () => this.#draw();
    for (const table of ["incidents", "alerts", "complaints", "out_of_service", "assignments", "teams", "claims"])
      store.on(table, (ids) => {
        const other = table === "assignments" || table === "teams" || table === "claims";
        if (this.what && (other || ids.has(this.what.id))) withNews(this.draw);
      });
    store.on("detail", (topic) => {
      if (topic === `incident:${this.what?.id}` || topic === `camera:${this.what?.id}`) soon(this.draw);
    });
    claims.live.on("presence", () => withNews(this.draw));
    sender.on(() => soon(this.draw));
    channel.on(() => soon(this.draw));
    eachSecond(() => {
      if (this.what) soon(this.draw);
    });
    this.#idle();
  }

  show(what) {
    if (this.what?.table === what?.table && this.what?.id === what?.id) return;
    this.what = what;
    this.asking = null;
    this.camera = what?.table === "cameras" ? new CameraPanel(this.box, this, what.id) : null;
    if (this.camera) this.parts = null;
    else if (what) this.#build();
    else this.#idle();
    this.#draw();
  }
  row() {
    return this.what ? (this.store.tables[this.what.table]?.get(this.what.id) ?? null) : null;
  }
  get subject() {
    return this.what ? `${this.what.table} ${this.what.id}` : "";
  }

  #idle() {
    dress(this.box, "incident nothing");
    const keys = [
      ["↑ ↓", "move"],
      ["D", "dispatch"],
      ["N", "take_new"],
      ["/", "command"],
      ["?", "keys"],
    ];
    fill(
      this.box,
      h(
        "div",
        { class: "idle" },
        h("b", null, t("label.none_selected")),
        keys.map(([key, name]) => h("span", null, h("kbd", null, key), t(`key.${name}`))),
      ),
    );
    this.parts = null;
  }

  #build() {
    const mark = h("span"),
      title = h("h2", { class: "clip" }),
      place = h("span", { class: "clip" }),
      number = h("b"),
      limit = h("span", { class: "limit muted nowrap" }),
      left = leftNode(22),
      people = h("span", { class: "people" }),
      claim = this.claims.line(this.onClaim);
    const verbs = h("div", { class: "verbs" }),
      note = h("span", { class: "sending muted" }),
      life = h("div", { class: "life" }),
      ask = h("div", { class: "ask notice", hidden: true }),
      refusal = h("div", { class: "notice refusal", role: "alert", hidden: true }),
      conflict = h("div", { class: "notice conflict", role: "alert", hidden: true });
    const evidence = h("div", { class: "evidence" }),
      timeline = h("div", { class: "tl" }),
      facts = h("dl", { class: "facts" }),
      evidenceNote = h("span"),
      orders = h("div", { class: "orders" }),
      writing = h("div", { class: "verbs writing", hidden: true });
    dress(this.box, "incident");
    fill(
      this.box,
      h(
        "div",
        { class: "ihead" },
        h(
          "button",
          { type: "button", class: "btn quiet back", onclick: () => this.onBack?.() },
          `‹ ${t("label.queue")}`,
        ),
        mark,
        title,
        h("span", { class: "where" }, place, " ", number),
        h("span", { class: "push" }),
        limit,
        left,
        people,
        claim,
      ),
      h("div", { class: "irow" }, verbs, note, life),
      h("div", { class: "notices" }, conflict, refusal, ask),
      h(
        "div",
        { class: "icols" },
        h("div", scrolls("label.evidence"), h("h3", null, h("b", null, t("label.evidence")), evidenceNote), evidence),
        h("div", scrolls("label.timeline"), h("h3", null, h("b", null, t("label.timeline")), t("label.timeline_hint")), writing, timeline),
        h("div", scrolls("label.facts"), h("h3", null, h("b", null, t("label.facts"))), orders, facts),
      ),
    );
    if (this.what.table !== "incidents") life.hidden = true;
    else
      fill(
        life,
        STEPS.map((step) => h("i", null, t(`life.${step}`))),
      );
    this.parts = {
      mark,
      title,
      place,
      number,
      limit,
      left,
      people,
      verbs,
      note,
      life,
      ask,
      refusal,
      claim,
      conflict,
      evidence,
      evidenceNote,
      timeline,
      facts,
      orders: new Orders(orders, this),
      writing: writingBar(writing, this),
    };
  }

  #draw() {
    this.camera?.draw();
    if (!this.parts) return;
    const row = this.row(),
      p = this.parts,
      { table, id } = this.what;
    if (!row) {
      text(p.note, t("label.gone"));
      fill(p.verbs);
      return;
    }
    const now = this.clock.now(),
      unack = table === "incidents" && isUnack(row);
    const look = `${table}${row.priority}${row.state}${unack}`;
    if (p.mark.dataset.look !== look) {
      p.mark.dataset.look = look;
      fill(
        p.mark,
        table === "incidents"
          ? svg(incidentMark(row.priority, { hand: isHand(row), unack }), 26, {
              name: t("label.priority", { p: row.priority }),
            })
          : table === "alerts"
            ? svg(sensorMark(row.state, row.priority), 26)
            : table === "out_of_service"
              ? svg(sensorMark(table), 26)
              : icon("place", 24),
      );
    }
    text(
      p.title,
      table === "alerts"
        ? named(rule(row.rule)) || row.rule
        : table === "complaints"
          ? row.category
            ? category(row.category)
            : word("channel", row.channel)
          : table === "out_of_service"
            ? row.id
            : category(row.category),
    );
    text(
      p.place,
      table === "incidents"
        ? where(row)
        : table === "alerts"
          ? `${where(row)} ${subjectOf(row)}`
          : table === "out_of_service"
            ? word("service", row.kind)
            : row.address,
    );
    text(p.number, table === "incidents" ? `#${row.number}` : "");
    const left = timeLeft(row.state === "shelved" ? shelf(row) : row, now);
    p.left.show(left);
    text(
      p.limit,
      left
        ? t(`limit.${row.state}`)
        : table === "out_of_service"
          ? word("alert", table)
          : word(STATE_WORDS[table], row.state),
    );
    const by = row.acknowledged_by ?? "";
    if (p.people.dataset.by !== by) {
      p.people.dataset.by = by;
      fill(
        p.people,
        by
          ? [
              face(who(by), by.split("/")[2] === this.person.name),
              h("span", { class: "muted" }, t("label.acknowledged_short")),
            ]
          : [],
      );
    }
    this.#verbs(row);
    const sending = this.sender.sending.has(this.subject),
      refused = this.sender.refused.get(this.subject);
    text(p.note, sending ? t("label.sending") : "");
    p.people.hidden = Boolean(this.claims.of(this.what)); // who holds it goes before who saw it
    p.claim.show(this.what, table !== "incidents" || isOpen(row));
    this.conflicts.draw(p.conflict, this.subject, {
      theirs: this.conflicts.has(this.subject) ? this.#newest() : "",
      version: row.version,
      open: this.channel.open,
    });
    const sentence = refused && !this.conflicts.says(this.subject, refused) ? this.sender.said(refused) : "";
    if (p.refusal.dataset.words !== sentence) {
      p.refusal.dataset.words = sentence;
      p.refusal.hidden = !sentence;
      fill(
        p.refusal,
        sentence
          ? [
              h("b", null, word("verb", refused.verb)),
              ` ${sentence}`,
              h(
                "div",
                { class: "verbs" },
                h(
                  "button",
                  { type: "button", class: "btn quiet", onclick: () => this.sender.dismiss(this.subject) },
                  t("label.dismiss"),
                  h("kbd", null, "Esc"),
                ),
              ),
            ]
          : [],
      );
    }
    if (table === "incidents") this.#incident(id, row, now);
    else if (table === "alerts") this.#alert(row, now);
    else if (table === "out_of_service") this.#service(row, now);
    else this.#complaint(row, now);
  }

  #verbs(row) {
    const verbs = verbsOf(this.what.table, row, this.person.role),
      off = !this.channel.open,
      key = verbs.map((one) => one.verb + one.key).join() + off + this.sender.sending.has(this.subject);
    if (this.parts.verbs.dataset.key === key) return;
    this.parts.verbs.dataset.key = key;
    fill(
      this.parts.verbs,
      verbs.map((one) =>
        h(
          "button",
          {
            type: "button",
            class: `btn${one.primary ? " primary" : ""}`,
            disabled: off,
            "data-verb": one.verb,
            onclick: () => this.act(one),
          },
          h("span", null, t(`verb.${one.verb}`)),
          h("kbd", null, one.key),
        ),
      ),
      !verbs.length && h("span", { class: "muted" }, t("label.no_verbs", { role: word("role", this.person.role) })),
    );
  }

  /** Ask one thing more, in the panel itself. @param {import("./asking.mjs").Question|null} question */
  ask(question) {
    this.asking = question;
    const { ask } = this.parts ?? {};
    if (ask) drawQuestion(ask, question);
  }

  /* ---- an incident ------------------------------------------------------------------------------------------------------- */

  #incident(id, row, now) {
    const p = this.parts,
      detail = this.store.details.get(`incident:${id}`),
      timeline = detail?.timeline ?? [];
    const at = STEP_OF[row.state] ?? 0,
      over = !isOpen(row);
    [...p.life.children].forEach((node, k) =>
      dress(node, k < at || (over && k <= at) ? "done" : k === at ? "now" : ""),
    );
    const evidence = timeline
      .filter((entry) => entry.args?.evidence)
      .map((entry) => ({ ...entry.args.evidence, at_ms: entry.at_ms, received_ms: entry.received_ms, seq: entry.seq }))
      .reverse();
    text(
      p.evidenceNote,
      !detail ? t("label.loading") : evidence.length > 1 ? t("label.sources_n", { n: evidence.length }) : "",
    );
    keyed(
      p.evidence,
      evidence.slice(0, 40),
      (one) => `${one.seq}`,
      (one) => this.#evidence(one),
      (node, one) => node.age.show(Math.max(0, (now - one.at_ms) / 1000)),
    );
    p.orders.draw(id);
    p.writing.show(writes(this.person.role), reached(this.store, id).length > 0);
    const lines = timeline.filter((entry) => !QUIET.has(entry.type)),
      held = isHeld(row) && heldOf(this.store, row),
      waits = !over && {
        seq: "now",
        at_ms: null,
        words: held ? `${this.#call(held.team)} ${holdWords(held, this.clock, this.channel)}` : t(`waits.${row.state}`),
      };
    keyed(
      p.timeline,
      [...lines.slice(-60), ...(waits && detail ? [waits] : [])],
      (entry) => `${entry.seq}`,
      () => {
        const time = h("time"),
          dot = h("span", { class: "dot" }),
          words = h("p");
        const node = h("div", { class: "entry" }, time, dot, words);
        node.parts = { time, dot, words };
        return node;
      },
      (node, entry) => this.#entry(node, entry, now),
    );
    this.#facts(p.facts, [
      ["category", category(row.category)],
      ["condition", conditionOf(row)],
      ["closing", named(pack().categories[row.category], "closing")],
      ["state", `${word("state", row.state)}${separator}${ago((now - row.stage_since_ms) / 1000)}`],
      row.due_ms && ["limit", `${span(row.limit_s)}${separator}${t("label.until", { time: moment(row.due_ms, now) })}`],
      ["area", area(row.area)],
      ["origin", word("origin", row.origin)],
      ["signals", t("label.signals_n", { complaints: row.complaints, merged: row.merged })],
      row.filed_by && ["filed", who(row.filed_by)],
      row.dispatched_by?.length && ["dispatched", row.dispatched_by.map(who).join(separator)],
      row.finding && ["finding", word("finding", row.finding)],
      row.reworks && ["reworks", String(row.reworks)],
      row.extensions && ["extensions", String(row.extensions)],
      row.reopened && ["reopened", String(row.reopened)],
      callbackFact(row),
      calledFact(row, who, (ms) => moment(ms, now)),
      row.supervised_by && ["supervised", who(row.supervised_by)],
      row.reason && ["reason", word("reason", row.reason)],
      row.closed_by && ["closed", who(row.closed_by)],
      ["place", `${row.lat.toFixed(5)}, ${row.lon.toFixed(5)}`],
    ]);
  }

  #evidence(one) {
    const kind =
      {
        complaint: "phone",
        finding: "photo",
        detection: "camera",
        threshold: "wave",
        burst: "people",
        silence: "wave",
      }[one.kind] ?? "note";
    const age = ageNode(),
      main = h("span"),
      sub = h("small", { class: "clip" });
    const away = one.distance_m != null ? t("label.away", { distance: metres(one.distance_m) }) : "",
      known = rule(one.rule);
    if (one.kind === "complaint") {
      fill(main, `“${one.text}”`);
      fill(sub, [word("channel", one.channel), one.reporter, one.address, photos(one.photos), away].filter(Boolean).join(separator));
    } else if (one.kind === "finding") {
      fill(main, t("evidence.finding", { team: this.#call(one.team) }), one.text ? ` “${one.text}”` : "");
      fill(sub, [photos(one.photos), away].filter(Boolean).join(separator));
    } else if (one.kind === "detection") {
      fill(main, t("evidence.detection"), " ", h("b", null, figure(one.value)));
      fill(sub, [cameraName(one.subject), away].filter(Boolean).join(separator));
    } else if (one.kind === "burst") {
      fill(main, t("evidence.burst", { n: one.value }));
      fill(sub, known ? named(known, "cause") : "");
    } else {
      fill(main, known ? named(known) : one.subject, " ", h("b", null, figure(one.value)), ` ${one.unit ?? ""}`);
      fill(
        sub,
        [one.subject, one.limit != null && t("evidence.limit", { limit: figure(one.limit) }), away]
          .filter(Boolean)
          .join(separator),
      );
    }
    const shot = one.image && picture(one.image, this.person, t("camera.picture_of", { camera: cameraName(one.subject), time: timeOfDay(one.at_ms) }));
    const node = h("div", { class: "ev" }, icon(kind), h("p", null, main, sub), age, shot);
    node.age = age;
    return node;
  }
  #call(id) {
    return this.store.tables.teams.get(id)?.call ?? id;
  }

  #entry(node, entry, now) {
    const { time, dot, words } = node.parts,
      lag_s = entry.at_ms == null ? 0 : (entry.received_ms - entry.at_ms) / 1000;
    if (entry.seq === "now") {
      text(time, timeOfDay(now));
      dress(dot, "dot now last");
      text(words, entry.words);
      return;
    }
    if (node.done) return;
    node.done = true;
    text(time, timeOfDay(entry.at_ms));
    dress(dot, `dot${KEY_ENTRIES.has(entry.type) ? " key" : ""}`);
    const learned =
      this.clock.source === "live" && lag_s >= 1 && lag_s < 604_800 ? h("small", null, `(+${span(lag_s)})`) : null;
    fill(words, this.#sentence(entry), learned);
    words.title = words.textContent;
  }

  #sentence({ type, by, args }) {
    const evidence = args?.evidence,
      name = who(by);
    const more = {
      by: name,
      ...args,
      team: args?.team && this.#call(args.team),
      ...(evidence
        ? { what: this.#source(evidence), away: evidence.distance_m != null ? metres(evidence.distance_m) : "" }
        : {}),
    };
    if (type === "complaint_updated")
      return [
        t(`change.${type}`, more),
        args.address,
        args.lat != null ? `${args.lat.toFixed(5)}, ${args.lon.toFixed(5)}` : "",
        args.category ? category(args.category) : "",
        photos(args.photos),
      ]
        .filter(Boolean)
        .join(separator);
    if (type === "assignment_stepped" || type === "feedback_noted" || type === "team_wrote")
      return [
        t(`change.${type}`, { ...more, step: args.step }),
        args.outcome ? `${separator}${word("outcome", args.outcome)}` : "",
        args.result ? `${separator}${word("finding", args.result)}` : "",
        args.note ? ` “${args.note}”` : "",
        args.photos?.length ? `${separator}${photos(args.photos)}` : "",
      ].join("");
    const words = t(`change.${type}`, more),
      original = this.store.tables.incidents.get(args?.duplicate_of),
      of = original ? `${separator}${t("command.duplicate_of", { number: original.number })}` : "",
      reason = args?.reason ? `${separator}${word("reason", args.reason)}` : "";
    return words + (of || reason);
  }
  /** What was done to it last, in a sentence: what somebody's refused words stand beside. */
  #newest() {
    const lines = this.store.details.get(`incident:${this.what.id}`)?.timeline ?? [],
      person = ({ by }) => by && by !== this.claims.live.me && !/^(device|rule):/.test(by), // a receipt is nobody's doing
      entry = lines.findLast(person) ?? lines.at(-1);
    return entry ? `${this.#sentence(entry)}${separator}${timeOfDay(entry.at_ms)}` : "";
  }
  #source(evidence) {
    const { kind } = evidence;
    return kind === "complaint"
      ? word("channel", evidence.channel)
      : kind === "finding"
        ? t("evidence.finding", { team: this.#call(evidence.team) })
        : named(rule(evidence.rule)) || word("evidence", kind);
  }

  /* ---- an alert, a complaint without a place ---------------------------------------------------------------------------------- */

  #alert(row, now) {
    const known = rule(row.rule) ?? {},
      p = this.parts;
    fill(
      p.evidence,
      [
        ["cause", named(known, "cause")],
        ["consequence", named(known, "consequence")],
        ["response", named(known, "response")],
      ]
        .filter(([, words]) => words)
        .map(([name, words]) =>
          h("div", { class: "ev" }, icon("note"), h("p", null, words, h("small", null, t(`rule.${name}`)))),
        ),
    );
    fill(
      p.timeline,
      [
        ["alert_raised", row.raised_at_ms],
        ["alert_cleared", row.cleared_at_ms],
        ["alert_acknowledged", row.acknowledged_at_ms],
        ["alert_shelved", row.shelved_at_ms],
      ]
        .filter(([, at]) => at)
        .sort((a, b) => a[1] - b[1])
        .map(([type, at], k, all) =>
          h(
            "div",
            { class: "entry" },
            h("time", null, timeOfDay(at)),
            h("span", { class: `dot${k === all.length - 1 ? " last" : ""}` }),
            h(
              "p",
              null,
              t(`change.${type}`, {
                by: who({ alert_acknowledged: row.acknowledged_by, alert_shelved: row.shelved_by }[type]),
                until_ms: row.shelved_until_ms,
                subject: subjectOf(row),
                disposition: row.disposition,
              }),
            ),
          ),
        ),
    );
    this.#facts(p.facts, [
      ["rule", named(known) || row.rule],
      ["state", word("alert", row.state)],
      row.seat && ["seat", row.seat === "normal" ? word("flag", 0) : word("alert", row.seat)],
      row.suppressed_by && ["suppressed", suppressor(row)],
      row.second && ["second", named(rule(row.second)) || row.second],
      row.shelved_by && ["shelved", who(row.shelved_by)],
      row.reason && ["reason", word("reason", row.reason)],
      row.value != null && ["value", `${figure(row.value)} ${row.unit}`],
      row.limit != null && ["threshold", `${figure(row.limit)} ${row.unit}`],
      [row.kind === "burst" ? "category" : "subject", subjectOf(row)],
      known.time_available_s && ["time_available", span(known.time_available_s)],
      ["since", ago((now - row.raised_at_ms) / 1000)],
    ]);
  }
  /** A sensor or source that was taken out of service. */
  #service(row, now) {
    fill(this.parts.evidence);
    fill(this.parts.timeline);
    this.#facts(this.parts.facts, [
      ["reason", word("reason", row.reason)],
      ["out_of_service", who(row.by)],
      ["since", ago((now - row.since_ms) / 1000)],
    ]);
  }
  #complaint(row, now) {
    const p = this.parts;
    fill(
      p.evidence,
      h(
        "div",
        { class: "ev" },
        icon("phone"),
        h("p", null, `“${row.text}”`, h("small", null, [row.address, row.reporter, photos(row.photos)].filter(Boolean).join(separator))),
      ),
    );
    fill(p.timeline);
    this.#facts(p.facts, [
      ["category", row.category && category(row.category)],
      ["address", row.address],
      ["channel", word("channel", row.channel)],
      ["since", ago((now - row.reported_at_ms) / 1000)],
      ["place", t("label.place_hint")],
    ]);
  }

  #facts(box, facts) {
    const rows = facts.filter((one) => one && one[1]);
    keyed(
      box,
      rows.flatMap(([name, value]) => [
        { id: `${name}t`, tag: "dt", words: t(`fact.${name}`) },
        { id: `${name}d`, tag: "dd", words: value },
      ]),
      (one) => one.id,
      (one) => h(one.tag),
      (node, one) => text(node, one.words),
    );
  }
}

/** The rule whose alert says it already, or the time in which it is expected. */
function suppressor(row) {
  const [kind, key] = row.suppressed_by.split(":"),
    cause = kind === "rule" ? rule(key) : rule(row.rule)?.quiet?.find((one) => one.key === key);
  return named(cause) || key;
}
/** On which filing condition of its class it was filed. */
const conditionOf = (row) =>
  named(pack().categories[row.category]?.conditions?.find((one) => one.key === row.condition));
const photos = (list) => (list?.length ? t("label.photos_n", { n: list.length }) : "");
