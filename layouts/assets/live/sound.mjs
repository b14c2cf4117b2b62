/** What is heard: one tone for what is new and unacknowledged in this seat's own list, a pulse beside it, and the button that says truly whether
 * the browser lets us be heard.
 *
 * A sound belongs to an item, once; what came while the line was cut sounds once together. Only priority one is heard again, until anybody has
 * acknowledged it or this seat silenced it. All times here are real time: they concern ears and hands, not the city. */

import { fill, h, text } from "./dom.mjs";
import { isEarly, isUnack } from "./lifecycle.mjs";
import { icon } from "./marks.mjs";
import { decides } from "./verbs.mjs";
import { category, named, rule, t, where } from "./words.mjs";

const REPEAT_MS = 20_000; // priority one, while nobody has acknowledged it
const GATHER_MS = 250; // what comes together sounds together
const GAP_MS = 3000; // between two tones: a flood of new items is heard, not a burst
const BACK_MS = 2000; // after the line is back: what was missed is still arriving
const RING_MS = 12_000; // how long an item that sounds once can be answered by a key
const TICK_MS = 250;
const REMEMBERED = "comis-sound";
const ASKED = 200;

/** One timbre per class, told apart without seeing: wave, then [hertz, from s, for s]. Never per priority. */
const TIMBRES = {
  complaint: { wave: "sine", notes: [[660, 0, 0.18], [880, 0.2, 0.3]] }, // prettier-ignore
  sensor: { wave: "triangle", notes: [[988, 0, 0.12], [988, 0.18, 0.12], [988, 0.36, 0.2]] }, // prettier-ignore
  alert: { wave: "square", notes: [[440, 0, 0.22], [330, 0.26, 0.34]] }, // prettier-ignore
  finding: { wave: "sawtooth", notes: [[523, 0, 0.4]] },
  test: { wave: "sine", notes: [[660, 0, 0.12], [660, 0.2, 0.12]] }, // prettier-ignore
};
const LOUD = { sine: 0.3, triangle: 0.3, square: 0.1, sawtooth: 0.12 };

/** Complaint, sensor, alert, finding: what the timbre tells. */
export function classOf(table, row) {
  if (table === "alerts") return "alert";
  return row.origin === "sensor" ? "sensor" : row.origin === "patrol" ? "finding" : "complaint";
}
/** Whether nobody has seen it yet and this seat must decide on it. */
export function isHeard(table, row, role) {
  if (table === "alerts")
    return !row.incident && (row.state === "active" || row.state === "returned") && decides(table, row, role);
  // What comes back from a team is work, not news.
  const before = isEarly(row) || row.state === "pending_dispatch";
  return before && row.acknowledged_at_ms == null && decides(table, row, role);
}
const insists = (table, row) => row.priority === 1 && (table === "alerts" ? row.state === "active" : isUnack(row));

export class Sound {
  /** @param {{store: import("./store.mjs").Store, channel: import("./channel.mjs").Channel, person: {role: string}, waits?: (row: object) => boolean}} from
   *   `waits`: rows that may not be told yet, as on a frozen page; `catchUp()` tells them once together */
  constructor({ store, channel, person, waits = () => false }) {
    Object.assign(this, { store, channel, person, waits });
    this.repeat_ms = REPEAT_MS;
    /** What was asked for, newest last: {kind, keys, again, played, at}. */
    this.asked = [];
    /** What can be answered by a key now: {keys, first: {table, id}, at} or null. */
    this.ring = null;
    this.known = null; // keys that have sounded, or were there before we listened
    this.fresh = new Map(); // key → when it came, until its tone
    this.insisting = new Map(); // key → when it last sounded
    this.silenced = new Set();
    this.rang_at = -Infinity;
    this.context = null;
    this.playing = [];
    this.wish = remembered();
    this.tellers = new Set();
    store.on("changes", (changes) => {
      for (const { rows = {} } of changes)
        for (const table of ["incidents", "alerts"])
          for (const id of Object.keys(rows[table] ?? {})) this.#look(table, id);
    });
    store.on("snapshot", () => this.catchUp());
    store.on("heartbeat", () => this.#tick()); // a hidden tab's timers are slowed down, its socket is not
    setInterval(() => this.#tick(), TICK_MS);
  }

  /** Be told when the state or the ring changed. */
  on(tell) {
    this.tellers.add(tell);
  }
  #tell() {
    this.channel.stays = this.state === "on"; // who relies on being called keeps the line while the tab is hidden
    for (const tell of this.tellers) tell();
  }

  /* ---- the three states --------------------------------------------------------------------------------------------------- */

  /** `on` only while the browser really plays; after a reload it must be armed again. @returns {"blocked"|"off"|"on"} */
  get state() {
    if (this.wish === "off") return "off";
    return this.context?.state === "running" ? "on" : "blocked";
  }
  press() {
    if (this.state === "on") {
      this.#wish("off");
      this.#stop();
    } else this.#arm();
    this.#tell();
  }
  async #arm() {
    this.#wish("on");
    try {
      this.context ??= new AudioContext();
      this.context.onstatechange = () => this.#tell();
      await this.context.resume();
    } catch {
      // no device, or not allowed: the state says so
    }
    if (this.state === "on") this.#play("test", []);
    if (window.Notification?.permission === "default") Notification.requestPermission().catch(() => {});
    this.#tell();
  }
  #wish(wish) {
    this.wish = wish;
    try {
      sessionStorage.setItem(REMEMBERED, wish);
    } catch {
      // a browser that keeps nothing asks again
    }
  }

  /* ---- what rings ----------------------------------------------------------------------------------------------------------- */

  /** Compare with the whole picture: after a cut, or after a freeze. The first picture is not news; its unacknowledged priority one is. */
  catchUp() {
    const first = this.known === null;
    this.known ??= new Set();
    for (const key of [...this.insisting.keys(), ...this.fresh.keys(), ...(this.ring?.keys ?? [])])
      this.#look(...split(key));
    for (const table of ["incidents", "alerts"])
      for (const id of this.store.tables[table].keys()) this.#look(table, id, first);
    for (const key of this.known) {
      const [table, id] = split(key);
      if (this.store.tables[table].has(id)) continue;
      this.known.delete(key);
      this.silenced.delete(key);
    }
  }
  #look(table, id, first = false) {
    if (this.known === null) return;
    const row = this.store.tables[table].get(id),
      key = `${table} ${id}`;
    if (!row || !isHeard(table, row, this.person.role)) {
      this.fresh.delete(key);
      this.insisting.delete(key);
      this.#answered(key);
      return;
    }
    if (this.waits(row)) return;
    const now = performance.now();
    if (!this.known.has(key)) {
      this.known.add(key);
      if (!first) this.fresh.set(key, now);
    }
    if (!insists(table, row) || this.silenced.has(key)) this.insisting.delete(key);
    else if (!this.insisting.has(key)) this.insisting.set(key, first ? now : -Infinity); // one that became urgent is heard at once
  }
  /** Somebody acknowledged it, or it went: it rings no longer. */
  #answered(key) {
    if (!this.ring?.keys.includes(key)) return;
    const keys = this.ring.keys.filter((one) => one !== key);
    this.#keep(keys);
  }
  /** Of what rings, only these are left. */
  #keep(keys) {
    const first = this.#first(keys);
    if (first) this.ring = { ...this.ring, keys, first };
    else {
      this.ring = null;
      this.#stop();
    }
    this.#tell();
  }

  #tick() {
    const now = performance.now();
    if (this.ring && now - this.ring.at > RING_MS) {
      const keys = this.ring.keys.filter((key) => this.insisting.has(key));
      if (keys.length < this.ring.keys.length) this.#keep(keys);
    }
    if (now - this.rang_at < GAP_MS) return;
    if (this.fresh.size) {
      const since = Math.min(...this.fresh.values());
      if (now < Math.max(since + GATHER_MS, (this.channel.opened_at ?? 0) + BACK_MS)) return;
      const keys = [...this.fresh.keys()];
      this.fresh.clear();
      this.#ring(keys, now, false);
      return;
    }
    const again = [...this.insisting].filter(([, at]) => now - at >= this.repeat_ms).map(([key]) => key);
    if (again.length) this.#ring([...this.insisting.keys()], now, true);
  }

  #ring(keys, now, again) {
    this.rang_at = now;
    for (const key of keys) if (this.insisting.has(key)) this.insisting.set(key, now);
    const all = [...new Set([...(this.ring?.keys ?? []).filter((key) => this.insisting.has(key)), ...keys])],
      told = this.#first(keys);
    this.ring = { keys: all, first: this.#first(all), at: now };
    this.#play(classOf(told.table, told.row), keys, again);
    this.#notify(told);
    this.#tell();
  }
  /** The most urgent of several, then the one that came last. */
  #first(keys) {
    const at = (row) => row.reported_at_ms ?? row.raised_at_ms ?? 0;
    return keys
      .map((key) => {
        const [table, id] = split(key);
        return { table, id, row: this.store.tables[table].get(id) };
      })
      .filter(({ row }) => row)
      .sort((a, b) => a.row.priority - b.row.priority || at(b.row) - at(a.row))[0];
  }

  /** Silence this ring: its items are not heard again; they stay unacknowledged, and what is new rings. @returns {boolean} whether something rang */
  silence() {
    if (!this.ring) return false;
    for (const key of this.ring.keys) {
      this.silenced.add(key);
      this.insisting.delete(key);
    }
    this.#keep([]);
    return true;
  }

  /* ---- the tone ------------------------------------------------------------------------------------------------------------ */

  #play(kind, keys, again = false) {
    const played = this.state === "on";
    this.asked.push({ kind, keys, again, played, at: performance.now() });
    if (this.asked.length > ASKED) this.asked.shift();
    if (!played) return;
    this.#stop();
    const { wave, notes } = TIMBRES[kind],
      start = this.context.currentTime + 0.02;
    for (const [hertz, from, length] of notes) {
      const tone = this.context.createOscillator(),
        gain = this.context.createGain();
      tone.type = wave;
      tone.frequency.value = hertz;
      gain.gain.setValueAtTime(0, start + from);
      gain.gain.linearRampToValueAtTime(LOUD[wave], start + from + 0.015);
      gain.gain.setValueAtTime(LOUD[wave], start + from + length - 0.04);
      gain.gain.linearRampToValueAtTime(0, start + from + length);
      tone.connect(gain).connect(this.context.destination);
      tone.start(start + from);
      tone.stop(start + from + length);
      tone.onended = () => {
        gain.disconnect();
        this.playing = this.playing.filter((one) => one !== tone);
      };
      this.playing.push(tone);
    }
  }
  #stop() {
    for (const tone of this.playing) tone.stop();
    this.playing = [];
  }
  /** For a hidden tab: what and where, no more; it is read by whoever passes. */
  #notify({ table, row }) {
    if (document.visibilityState !== "hidden" || this.state === "off" || window.Notification?.permission !== "granted")
      return;
    try {
      const note = new Notification(whatOf(table, row), { body: where(row), tag: "comis" });
      note.onclick = () => window.focus();
      this.asked.at(-1).note = { title: note.title, body: note.body };
    } catch {
      // a phone's browser has notifications for installed pages only
    }
  }
}

/** What an item is about, in words. */
export const whatOf = (table, row) => (table === "alerts" ? named(rule(row.rule)) || row.rule : category(row.category));

function remembered() {
  try {
    return sessionStorage.getItem(REMEMBERED);
  } catch {
    return null;
  }
}
const split = (key) => {
  const i = key.indexOf(" ");
  return [key.slice(0, i), key.slice(i + 1)];
};

/** The one button: blocked, off or on. @param {Sound} sound */
export function soundButton(sound) {
  const name = h("span"),
    mark = h("i"),
    node = h("button", { type: "button", class: "barbtn sound", onclick: () => sound.press() }, mark, name);
  const draw = () => {
    const { state } = sound;
    if (node.dataset.state === state) return;
    node.dataset.state = state;
    node.setAttribute("aria-pressed", String(state === "on"));
    node.title = t(`label.sound_${state}_hint`);
    node.setAttribute("aria-label", t(`label.sound_${state}`));
    text(name, t(`label.sound_${state}`));
    fill(mark, icon(state === "on" ? "sound" : "mute"));
  };
  sound.on(draw);
  draw();
  return node;
}

/** Pulse a head beside each tone: set aside and put on again, so that it starts anew. */
export function pulse(head, sound) {
  let at = null;
  sound.on(() => {
    const { ring } = sound;
    if ((ring?.at ?? null) === at) return;
    at = ring?.at ?? null;
    head.classList.remove("pulse", "urgent");
    if (!ring) return;
    void head.offsetWidth;
    head.classList.add("pulse");
    head.classList.toggle("urgent", ring.first.row.priority === 1);
  });
}
