/** The right-hand side of the console: advice with its reasons, orders sent and not accepted, all teams nearest first. */

import { callbackLimit } from "./callback.mjs";
import { dress, fill, h, keyed, text } from "./dom.mjs";
import { Hand } from "./hand.mjs";
import { left as holdLeft, words as holdWords } from "./hold.mjs";
import { isOpen } from "./lifecycle.mjs";
import { eachSecond, soon, withNews } from "./loop.mjs";
import { incidentMark, stepMark, svg, teamMark } from "./marks.mjs";
import { isEarly, isHandled, shelf } from "./lifecycle.mjs";
import { ageNode, face, separator, trackNode } from "./parts.mjs";
import { isDouble, rings, timedSteps, trouble } from "./orders.mjs";
import { rhythm, showRhythm } from "./rhythm.mjs";
import { metresBetween } from "./scene.mjs";
import { clock as asClock, metres, span, timeOfDay } from "./time.mjs";
import { category, named, pack, rule, t, where, word } from "./words.mjs";

const SHOWN = ["on_scene", "en_route", "sent", "free", "break", "off", "silent"];
const BEST = 3,
  MOST = 5;
const MOST_RESTING = 40; // off duty, nearest first: a city may know thousands of people who are not at work
const NOT_ACCEPTED = new Set(["sent", "delivered", "seen"]);
/** What no reason helps against. */
const NEVER = new Set(["team_off_duty", "team_has_it", "team_handled_it"]);
const OLD_S = 60;
const POSITION_STALE_S = 120;

const remedy = (one) =>
  one.free_in_s == null
    ? ""
    : t(one.blocked === "team_off_duty" ? "remedy.begins_in" : "remedy.free_in", { s: one.free_in_s });
/** Nobody may go: who is free first, in a sentence. */
function nextFree(all) {
  const first = all.filter((one) => one.free_in_s != null).sort((a, b) => a.free_in_s - b.free_in_s)[0];
  return first ? t("remedy.first_free", { team: first.team.replace(/^.*-/, ""), s: first.free_in_s }) : "";
}

const callOf = (store, id) => store.tables.teams.get(id)?.call ?? id;

/** Advice on the selected incident: who could go, when, what speaks for and against; who is near but may not. */
export class Advice {
  constructor(box, { store, clock, person, onSend, onOverride, onShown, allowed, asked }) {
    Object.assign(this, { box, store, clock, person, onSend, onOverride, onShown, allowed, asked });
    this.hand = new Hand(box);
    this.incident = null;
    box.hidden = true; // until an incident is chosen
    const title = h("h2"),
      note = h("span", { class: "note push" }),
      list = h("div"),
      short = h("div", { class: "short" });
    this.parts = { title, note, list, short };
    fill(
      box,
      h("div", { class: "phead" }, title, note),
      h(
        "div",
        { class: "acols ahead" },
        h("span"),
        h("span"),
        ["arrives", "distance", "load", "position"].map((name) => h("span", null, t(`label.${name}`))),
      ),
      list,
      short,
    );
    this.draw = () => this.#draw();
    store.on("detail", () => soon(this.draw));
    eachSecond(() => soon(this.draw));
    soon(this.draw); // what is not asked for takes no room, so that nothing below slides a moment later
  }
  show(id) {
    this.incident = id;
    this.#draw();
  }
  /** The teams that digits choose from, best first. */
  get choices() {
    return this.#may().slice(0, MOST);
  }
  /** What digits choose from: free ones first, then those that take a reason; the same digits for the same teams as long as the question stands. */
  get offered() {
    const known = new Map(this.#heard().map((one) => [one.team, one])),
      stands = this.asked() && this.offer?.incident === this.incident && this.offer.rows.length > 0, // asked before advice came
      choices = this.choices,
      others = this.withReason.filter(({ team }) => !choices.some((one) => one.team === team)),
      rows = stands ? this.offer.rows.map((one) => known.get(one.team) ?? one) : [...choices, ...others].slice(0, 9);
    this.offer = { incident: this.incident, rows };
    return rows;
  }
  /** Those that may be sent for a reason only: resting, or at the end of their shift. */
  get withReason() {
    return this.#heard().filter((one) => one.blocked && !NEVER.has(one.blocked));
  }
  /** Proposals that can be followed: not blocked, and heard of. While a hand is on them, or a question waits for a digit, each keeps its place with
   * newer figures, also one that has become blocked meanwhile: what is pressed is for the team that was read there. */
  #may() {
    const heard = this.#heard(),
      now = heard.filter((one) => !one.blocked),
      kept = this.kept?.incident === this.incident && (this.hand.here || this.asked()) ? this.kept.rows : [],
      known = new Map(heard.map((one) => [one.team, one])),
      shown = new Set(kept.map((one) => one.team)),
      rows = [...kept.map((one) => known.get(one.team) ?? one), ...now.filter((one) => !shown.has(one.team))];
    this.kept = { incident: this.incident, rows };
    return rows;
  }
  #heard() {
    return (this.store.details.get(`incident:${this.incident}`)?.advice ?? []).filter(
      (one) => this.store.tables.teams.get(one.team)?.shown !== "silent",
    );
  }

  #draw() {
    const row = this.incident && this.store.tables.incidents.get(this.incident);
    const sends = row?.state === "pending_dispatch" || (row && isHandled(row));
    this.box.hidden = !sends && !(row && isEarly(row) && this.person.role === "dispatcher");
    if (this.box.hidden) {
      this.rows = [];
      this.#tell();
      return;
    }
    const { title, note, list, short } = this.parts,
      detail = this.store.details.get(`incident:${this.incident}`),
      all = detail?.advice ?? [];
    this.rows = this.#may();
    text(title, t("label.advice_for", { number: row.number }));
    const oldest = Math.max(0, ...this.rows.slice(0, BEST).map((one) => one.position_age_s ?? 0));
    text(
      note,
      !detail
        ? t("label.loading")
        : oldest > POSITION_STALE_S
          ? t("label.advice_old", { age: span(oldest) })
          : t("label.advice_straight"),
    );
    dress(note, oldest > POSITION_STALE_S ? "note push age stale" : "note push");
    keyed(
      list,
      this.rows.slice(0, this.box.classList.contains("wide") ? MOST : BEST),
      (one) => one.team,
      () => this.#make(),
      (node, one) => this.#card(node, one),
    );
    const blocked = all
      .filter((one) => one.blocked)
      .sort((a, b) => a.distance_m - b.distance_m)
      .slice(0, 2);
    const silent = [...this.store.tables.teams.values()]
      .filter((team) => team.shown === "silent")
      .map((team) => ({ team, away: metresBetween(team, row) }))
      .sort((a, b) => a.away - b.away)[0];
    const lines = blocked.map((one) => ({
      team: one.team,
      words: t(`blocked.${one.blocked}`, { team: callOf(this.store, one.team), distance_m: one.distance_m }),
      remedy: remedy(one),
      soft: !NEVER.has(one.blocked),
    }));
    if (silent && silent.away < 1500)
      lines.push({
        team: silent.team.id,
        words: t("blocked.silent", {
          team: silent.team.call,
          distance_m: silent.away,
          age: silent.team.silent_since_ms ? span((this.clock.now() - silent.team.silent_since_ms) / 1000) : "–",
        }),
      });
    if (detail && !this.rows.length) lines.unshift({ team: "", words: t("label.no_team_fits"), remedy: nextFree(all) });
    short.hidden = !lines.length;
    keyed(
      short,
      lines,
      (line) => line.team,
      () => this.#makeShort(),
      (node, line) => this.#short(node, line),
    );
    this.#tell();
  }
  /** Who may not, why, and what would help: a wait that is known, or a reason. */
  #makeShort() {
    const words = h("span"),
      help = h("span", { class: "muted" }),
      go = h(
        "button",
        { type: "button", class: "btn quiet", onclick: () => this.onOverride(node.team) },
        t("verb.break"),
      );
    const node = h("p", null, words, help, go);
    node.parts = { words, help, go };
    return node;
  }
  #short(node, line) {
    const { words, help, go } = node.parts;
    node.team = line.team;
    text(words, line.words);
    text(help, line.remedy ?? "");
    go.hidden = !line.soft || this.person.role !== "dispatcher";
    go.disabled = !this.allowed();
  }
  #tell() {
    const key =
      this.rows
        .slice(0, BEST)
        .map((one) => `${one.team}${Math.round(one.eta_s / 60)}`)
        .join() + this.incident;
    if (key !== this.told) {
      this.told = key;
      this.onShown(this.incident, this.rows.slice(0, BEST));
    }
  }

  #make() {
    const key = h("kbd"),
      mark = h("span"),
      call = h("b"),
      post = h("span", { class: "clip" }),
      eta = h("b"),
      away = h("span", { class: "num" }),
      load = h("span", { class: "num" }),
      age = ageNode(),
      why = h("p");
    const node = h(
      "button",
      { type: "button", class: "card", onclick: () => this.onSend(node.team) },
      h(
        "span",
        { class: "acols" },
        key,
        h("span", { class: "name" }, mark, call, post),
        h("span", { class: "num" }, eta, h("span", null, t("unit.min_short"))),
        away,
        load,
        h("span", { class: "num" }, age),
        why,
      ),
    );
    node.parts = { key, mark, call, post, eta, away, load, age, why };
    return node;
  }
  #card(node, one) {
    const team = this.store.tables.teams.get(one.team),
      { key, mark, call, post, eta, away, load, age, why } = node.parts,
      index = this.rows.indexOf(one);
    node.team = one.team;
    node.disabled = !this.allowed();
    dress(node, `card${index === 0 ? " best" : ""}`);
    text(key, index + 1);
    const heading = this.store.telemetry.teams.get(one.team)?.[3] ?? 0,
      look = `${team?.shown}${Math.round(heading / 15)}`;
    if (mark.dataset.look !== look) {
      mark.dataset.look = look;
      fill(mark, svg(teamMark(team?.shown ?? "off"), 17, { turn: heading, name: word("team", team?.shown) }));
    }
    text(call, team?.call ?? one.team);
    text(post, named(team, "post"));
    text(eta, one.eta_s < 60 ? "<1" : Math.round(one.eta_s / 60));
    text(away, metres(one.distance_m));
    text(load, one.load ? String(one.load) : "–");
    age.show(one.position_age_s, OLD_S);
    text(why, this.#sentence(one, team));
  }
  /** Reasons as one sentence: how it moves, what it has in hand, what speaks for it. */
  #sentence(one, team) {
    const how = team ? t(`kind.${team.kind}`) : "",
      reasons = one.reasons
        .filter((code) => code !== "busy" && code !== "free")
        .map((code) => t(`reason_code.${code}`, { age: one.position_age_s == null ? "–" : span(one.position_age_s) }));
    const load = one.load ? t("reason_code.busy", { n: one.load }) : t("reason_code.free");
    return `${[how, load, ...reasons].filter(Boolean).join(separator)}${window.comis.lang === "en" ? "." : "。"}`;
  }
}

const MOST_WAITING = 40; // rows of those that nobody has accepted; the oldest are the ones to act on
/** Orders that can still be taken back, and below them those that nobody has accepted yet, the oldest first. It is the list one forgets otherwise. */
export class Tray {
  /** `running`: the clock that no freeze stops, for orders that leave while the page stands still. */
  constructor(box, { store, clock, running, channel, person, mine, onPick, onTakeBack, onResend }) {
    Object.assign(this, { box, store, clock, running, channel, person, mine, onPick, onTakeBack, onResend });
    const n = h("b", { class: "muted" }),
      note = h("span", { class: "note push" }),
      list = h("div", { class: "traylist" }),
      more = h("p", { class: "traymore muted", hidden: true });
    this.parts = { n, note, list, more };
    fill(box, h("div", { class: "phead" }, h("h2", null, t("label.sent_not_accepted")), n, note), list, more);
    this.keys = [];
    this.shown = new Map(); // key → row as last drawn
    this.inside = false; // under a mouse nothing slides: "take back" stays with its order
    this.draw = () => this.#draw();
    list.addEventListener("pointerenter", ({ pointerType }) => {
      this.inside = pointerType === "mouse";
    });
    list.addEventListener("pointerleave", () => {
      this.inside = false;
      soon(this.draw);
    });
    for (const table of ["assignments", "incidents"]) store.on(table, () => withNews(this.draw));
    store.on("snapshot", () => soon(this.draw));
    channel.on(() => soon(this.draw));
    eachSecond(() => soon(this.draw));
  }
  #draw() {
    const { n, note, list, more } = this.parts,
      held = [...this.store.tables.assignments.values()]
        .filter((row) => row.state === "held")
        .sort((a, b) => a.held_until_ms - b.held_until_ms || (a.id < b.id ? -1 : 1)),
      rows = [...this.store.tables.assignments.values()]
        .filter((row) => NOT_ACCEPTED.has(row.state) || row.state === "recalled" || isDouble(row, this.store))
        .sort((a, b) => a.sent_at_ms - b.sent_at_ms);
    this.newest = this.mine.newest(this.store, (row) => row.state === "held")?.id;
    text(n, held.length + rows.length || "");
    text(note, held.length + rows.length ? t("label.tray_hint") : t("label.none"));
    more.hidden = rows.length <= MOST_WAITING;
    text(more, t("scene.more", { n: rows.length - MOST_WAITING }));
    const now = new Map([...held, ...rows.slice(0, MOST_WAITING)].map((row) => [`${row.id} ${row.state === "held"}`, row])),
      stay = this.inside ? this.keys : [];
    this.shown = new Map(stay.map((key) => [key, this.shown.get(key)]).concat([...now]));
    this.keys = [...this.shown.keys()];
    keyed(
      list,
      this.keys,
      (key) => key,
      (key) => (this.shown.get(key).state === "held" ? this.#makeHeld() : this.#make()),
      (node, key) => {
        const row = this.shown.get(key),
          gone = !now.has(key);
        if (row.state === "held") this.#held(node, row, gone);
        else this.#row(node, row);
        node.classList.toggle("gone", gone);
      },
    );
  }
  /** One that its device has not heard of: how long it still can be taken back, and the way to do it. */
  #makeHeld() {
    const to = h("span", { class: "clip" }),
      when = h("b"),
      note = h("span", { class: "muted clip" }),
      who = h("span"),
      bar = h("i", { class: "bar" }),
      cap = h("kbd", null, "Ctrl Z"),
      back = h(
        "button",
        { type: "button", class: "btn", onclick: () => this.onTakeBack(node.order) },
        h("span", null, t("verb.take_back")),
        cap,
      );
    const node = h(
      "div",
      { class: "hold" },
      stepMark("held", 16, word("step", "held")),
      h("button", { type: "button", class: "pick", onclick: () => this.onPick(node.order.incident) }, to, when),
      note,
      who,
      back,
      bar,
    );
    node.parts = { to, when, note, who, bar, back, cap };
    return node;
  }
  /** `gone`: it has left or was taken back, and stands there for as long as the mouse is on the list. */
  #held(node, row, gone) {
    const { to, when, note, who, bar, back, cap } = node.parts,
      run = gone ? null : holdLeft(row, this.running, this.channel);
    node.order = row;
    node.title = `#${row.number} ${where(this.store.tables.incidents.get(row.incident))}`;
    dress(node, `hold${run ? "" : " off"}`);
    text(to, `${callOf(this.store, row.team)} → #${row.number} `);
    text(when, gone ? t("hold.over") : holdWords(row, this.running, this.channel));
    text(note, gone ? "" : t(run ? "hold.not_rung" : "hold.stopped"));
    const name = row.by.split("/")[2];
    if (who.dataset.by !== row.by) {
      who.dataset.by = row.by;
      fill(who, face(name));
    }
    who.hidden = this.mine.has(row);
    if (run) bar.style.setProperty("transform", `scaleX(${run.share.toFixed(3)})`);
    back.hidden = this.person.role !== "dispatcher";
    back.disabled = !run;
    cap.hidden = !run || row.id !== this.newest;
  }
  #make() {
    const mark = h("span"),
      call = h("b"),
      what = h("span", { class: "what clip" }),
      track = trackNode(),
      since = h("span", { class: "since" }),
      wrong = h("span", { class: "wrong clip" }),
      again = h(
        "button",
        { type: "button", class: "btn quiet", onclick: () => this.onResend(node.order) },
        t("verb.resend"),
      ),
      below = h("div", { class: "below" }, wrong, again);
    const node = h(
      "div",
      { class: "waits" },
      h(
        "button",
        { type: "button", class: "await", onclick: () => this.onPick(node.incident) },
        mark,
        h("span", { class: "to" }, svg(teamMark("sent"), 15, { turn: 20 }), call),
        what,
        track,
        since,
      ),
      below,
    );
    node.parts = { mark, call, what, track, since, wrong, again, below };
    return node;
  }
  #row(node, row) {
    const incident = this.store.tables.incidents.get(row.incident),
      { mark, call, what, track, since, wrong, again, below } = node.parts,
      waited_s = (this.clock.now() - row.sent_at_ms) / 1000,
      limit_s = pack().stages?.accept_s ?? 60,
      p = incident?.priority ?? 3;
    node.incident = row.incident;
    node.order = row;
    node.title = timedSteps(row)
      .map(({ step, at }) => `${word("step", step)} ${timeOfDay(at)}`)
      .join(separator);
    if (mark.dataset.p !== String(p)) {
      mark.dataset.p = String(p);
      fill(mark, svg(incidentMark(p, { hand: true }), 15));
    }
    text(call, callOf(this.store, row.team));
    text(
      what,
      row.state === "recalled"
        ? t("label.recall_waits", { number: row.number })
        : `#${row.number} ${incident ? where(incident) : ""}`,
    );
    track.show(row.state);
    text(since, row.waiting ? t("label.waiting") : asClock(waited_s));
    dress(since, `since${row.late || (!row.waiting && waited_s > limit_s) ? " slow" : ""}`);
    const words = row.late || row.resent || row.outcome === "both" ? trouble(row, this.store) : "";
    below.hidden = !words;
    dress(node, `waits${row.late ? " late" : ""}${row.outcome === "both" ? " both" : ""}`);
    if (row.outcome === "both") text(since, "");
    text(wrong, words);
    again.hidden = !row.late || !rings(row, this.person.role);
    again.disabled = !this.channel.open;
  }
}

/** All teams: state, post, job, how long in that state, age of the position; nearest to the selected first. */
export class Crew {
  constructor(box, { store, clock, calls, onPick }) {
    Object.assign(this, { box, store, clock, calls, onPick });
    this.near = null;
    this.hides = () => false; // what a filter leaves out
    const title = h("h2"),
      counts = h("div", { class: "counts" }),
      list = h("div", { class: "crewlist" });
    this.counts = SHOWN.map((shown) => {
      const n = h("span"),
        node = h("span", { title: word("team", shown) }, svg(teamMark(shown), 14, { name: word("team", shown) }), n);
      return { shown, n, node };
    });
    fill(
      counts,
      this.counts.map(({ node }) => node),
    );
    this.parts = { title, list };
    fill(
      box,
      h("div", { class: "phead" }, title, counts),
      h(
        "div",
        { class: "rowt th" },
        h("span"),
        h("span"),
        h("span", null, t("label.post")),
        h("span", null, t("label.job")),
        h("span", { class: "num" }, t("label.in_state")),
        h("span", { class: "num" }, t("label.position")),
        h("span", { class: "callcell" }, t("label.phone_radio")),
      ),
      list,
    );
    this.draw = () => this.#draw();
    calls.on(() => {
      box.classList.toggle("calling", calls.shown);
      soon(this.draw);
    });
    for (const table of ["teams", "assignments"]) store.on(table, () => withNews(this.draw));
    store.on("snapshot", () => soon(this.draw));
    eachSecond(() => soon(this.draw));
  }
  /** @param {object|null} row the incident that decides the order */
  show(row, advised = []) {
    this.near = row;
    this.advised = new Set(advised);
    soon(this.draw);
  }

  #draw() {
    const teams = [...this.store.tables.teams.values()].filter((team) => !this.hides(team)),
      live = this.store.telemetry.teams,
      place = (team) => {
        const one = live.get(team.id);
        return one ? { lat: one[0], lon: one[1] } : team;
      };
    text(this.parts.title, t("label.teams_n", { n: teams.length }));
    for (const { shown, n, node } of this.counts) {
      const count = teams.filter((team) => this.#seen(team) === shown).length;
      text(n, count);
      node.hidden = count === 0;
    }
    const away = new Map(teams.map((team) => [team.id, this.near ? metresBetween(place(team), this.near) : 0]));
    teams.sort(
      (a, b) =>
        (a.shown === "off") - (b.shown === "off") || away.get(a.id) - away.get(b.id) || (a.call < b.call ? -1 : 1),
    );
    const listed = teams.filter((team) => team.shown !== "off").length + MOST_RESTING;
    keyed(
      this.parts.list,
      teams.slice(0, listed),
      (team) => team.id,
      () => this.#make(),
      (node, team) => this.#row(node, team),
    );
  }
  /** What a team is to whoever sends it: one that should be there and was never heard is no better than silent. */
  #seen(team) {
    const { telemetry } = this.store,
      told = telemetry.teams.size + telemetry.sensors.size > 0;
    return told && team.shown === "free" && !telemetry.teams.has(team.id) ? "silent" : team.shown;
  }
  #make() {
    const mark = h("span"),
      call = h("b"),
      post = h("span", { class: "post clip" }),
      job = h("span", { class: "clip" }),
      since = h("span", { class: "num" }),
      age = ageNode(),
      calls = h("span", { class: "callcell" });
    const node = h(
      "button",
      { type: "button", class: "rowt", onclick: () => this.onPick(node.team) },
      mark,
      call,
      post,
      job,
      since,
      age,
      calls,
    );
    node.parts = { mark, call, post, job, since, age, calls };
    return node;
  }
  #row(node, team) {
    const { mark, call, post, job, since, age, calls } = node.parts,
      live = this.store.telemetry.teams.get(team.id),
      now = this.clock.now(),
      heading = live?.[3] ?? 0,
      shown = this.#seen(team),
      look = `${shown}${Math.round(heading / 15)}`;
    node.team = team.id;
    if (mark.dataset.look !== look) {
      mark.dataset.look = look;
      fill(mark, svg(teamMark(shown), 16, { turn: heading, name: word("team", shown) }));
    }
    dress(
      node,
      `rowt${this.advised?.has(team.id) ? " on" : ""}${team.shown === "break" || team.shown === "off" ? " rest" : ""}`,
    );
    text(call, team.call);
    text(post, named(team, "post") + (team.kind === "car" ? `${separator}${t("kind.car_short")}` : ""));
    const order = team.active && this.store.tables.assignments.get(team.active);
    text(job, order ? `#${order.number}${team.waiting?.length ? ` +${team.waiting.length}` : ""}` : "");
    text(since, team.shown === "silent" ? "–" : asClock((now - team.shown_since_ms) / 1000));
    showRhythm(age, rhythm(team, live, now, this.clock.rate));
    const numbers = this.calls.of(team.id);
    text(calls, numbers ? `${numbers.phone} ${numbers.radio}` : "");
  }
}

const LIMITS = 9,
  OTHERS = 2;
/** So many rows with the earliest limits, in order: ten thousand are gone through without sorting them. */
class First {
  constructor(most) {
    this.most = most;
    this.rows = [];
  }
  offer(row) {
    const { rows, most } = this,
      before = (other) => row.due_ms < other.due_ms || (row.due_ms === other.due_ms && row.id < other.id);
    if (row.due_ms == null || (rows.length === most && !before(rows[most - 1]))) return;
    let i = rows.length;
    while (i > 0 && before(rows[i - 1])) i--;
    rows.splice(i, 0, row);
    rows.length = Math.min(rows.length, most);
  }
}

/** The most pressing limits, as a strip at the foot; of call-backs, which are the call taker's, few in front of others. */
export class Timers {
  /** The rows whose limits end first, found in one go through all. */
  #first() {
    const first = new First(LIMITS),
      calls = new First(this.person.role === "call_taker" ? LIMITS : OTHERS);
    for (const row of this.store.tables.incidents.values()) {
      if (isOpen(row)) first.offer(row);
      if (row.callback_due_ms) calls.offer({ ...row, ...callbackLimit(row), table: "calls" });
    }
    for (const row of this.store.tables.alerts.values())
      if (row.state === "shelved") first.offer({ ...row, ...shelf(row), table: "alerts" });
    for (const row of calls.rows) first.offer(row);
    return first.rows;
  }
  constructor(box, { store, clock, person, onPick, leftNode, timeLeft }) {
    Object.assign(this, { box, store, clock, person, onPick, leftNode, timeLeft });
    this.list = h("div", { class: "timerlist" });
    fill(
      box,
      h("div", { class: "timer head" }, t("label.timers")),
      this.list,
      h("div", { class: "timer head push" }, h("kbd", null, "?"), t("key.keys")),
    );
    eachSecond(() => soon(this.draw));
    for (const table of ["incidents", "alerts"]) store.on(table, () => withNews(this.draw));
    this.draw = () => this.#draw();
  }
  #draw() {
    const now = this.clock.now(),
      rows = this.#first();
    keyed(
      this.list,
      rows,
      (row) => row.id,
      () => {
        const left = this.leftNode(18),
          what = h("small"),
          node = h(
            "button",
            { type: "button", class: "timer", onclick: () => this.onPick(...node.subject) },
            left,
            what,
          );
        node.parts = { left, what };
        return node;
      },
      (node, row) => {
        node.subject = row.of ? ["incidents", row.of] : [row.table ?? "incidents", row.id];
        node.parts.left.show(this.timeLeft(row, now));
        const alert = row.table === "alerts";
        text(node.parts.what, `${alert ? row.subject : `#${row.number}`} ${t(`limit_short.${row.state}`)}`);
        node.title = `${alert ? named(rule(row.rule)) || row.rule : category(row.category)} ${where(row)}`;
      },
    );
  }
}
