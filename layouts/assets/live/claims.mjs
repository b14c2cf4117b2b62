/** Claims: who is at work on an item and for how long yet, who else has it open; taking it, letting go, going on with it. The server decides. */

import { dress, fill, h, put, text } from "./dom.mjs";
import { isOpen } from "./lifecycle.mjs";
import { eachSecond } from "./loop.mjs";
import { face, separator } from "./parts.mjs";
import { clock } from "./time.mjs";
import { person as nameOf, t, word } from "./words.mjs";

/** After its end only the holder may go on with it (`dashboard/city/claims.py`). */
const GRACE_S = 20;
/** A lease with less than this left goes on, while its holder is at work. */
const RENEW_S = 150;
/** At work: a key or the pointer within so long. */
const TOUCHED_MS = 90_000;
const MOST_FACES = 3;
const CLAIMS = new Set(["call_taker", "dispatcher", "supervisor"]);

export class Claims {
  /** @param {{store: import("./freeze.mjs").Shown, live: import("./store.mjs").Store, channel: import("./channel.mjs").Channel, sender: import("./verbs.mjs").Sender, person: object, selected: () => {table: string, id: string}|null}} of */
  constructor({ store, live, channel, sender, person, selected }) {
    Object.assign(this, { store, live, channel, sender, person, selected });
    sender.fence = (subject) => this.fence(split(subject));
    this.touched = performance.now();
    for (const event of ["keydown", "pointerdown", "pointermove", "wheel"])
      addEventListener(
        event,
        () => {
          this.touched = performance.now();
        },
        { passive: true, capture: true },
      );
    eachSecond(() => this.#goOn());
  }

  /** What is claimed: an alert goes with its open incident. @returns {string} `table id` */
  item({ table, id }) {
    const row = this.store.tables[table]?.get(id),
      incident = table === "alerts" && this.store.tables.incidents.get(row?.incident);
    return incident && isOpen(incident) ? `incidents ${incident.id}` : `${table} ${id}`;
  }

  /** Real time as the server counts it. */
  #now() {
    const { heartbeat, heard_at } = this.channel;
    return heartbeat ? heartbeat.now + (performance.now() - heard_at) : Date.now();
  }

  /** The claim on an item as it stands now, null where nobody's counts. @returns {{claim: object, mine: boolean, left_s: number, grace: boolean}|null} */
  of(what) {
    const claim = what && this.store.tables.claims.get(this.item(what));
    if (!claim) return null;
    const left_s = (claim.until_ms - this.#now()) / 1000;
    if (left_s <= -GRACE_S) return null;
    return { claim, mine: claim.who === this.live.me, left_s, grace: left_s <= 0 };
  }

  /** The token under which this person acts on the item: what is sent with every verb. */
  fence(what) {
    const claim = what && this.store.tables.claims.get(this.item(what));
    return claim && claim.who === this.live.me ? { claim: claim.token } : {};
  }

  /** The key: take it, or let go of it. @param {(then: (reason: string) => void, from: string) => void} askReason a supervisor says why he takes it from another */
  press(what, askReason) {
    if (!what || !CLAIMS.has(this.person.role) || !["incidents", "alerts"].includes(what.table)) return false;
    const held = this.of(what),
      subject = `${what.table} ${what.id}`,
      send = (verb, fields = {}) => this.sender.send(subject, verb, what.id, fields);
    if (held?.mine) send("release");
    else if (held && this.person.role === "supervisor")
      askReason((reason) => send("take_over", { reason }), nameOf(held.claim.who));
    else send("claim");
    return true;
  }

  /** As long as the holder is at work on it, it goes on by itself. */
  async #goOn() {
    const what = this.selected(),
      held = this.of(what);
    if (!held?.mine || held.left_s > RENEW_S || this.renewing || !this.channel.open) return;
    if (performance.now() - this.touched > TOUCHED_MS || document.visibilityState === "hidden") return;
    this.renewing = true;
    const answer = await this.channel.command("claim", what.id, { claim: held.claim.token });
    this.renewing = false;
    if (answer.status !== "done") this.sender.refuse(`${what.table} ${what.id}`, { verb: "claim", ...answer });
  }

  /** Who else has it open. */
  #others(what, holder) {
    if (what.table !== "incidents") return [];
    return (this.live.presence.get(what.id) ?? []).filter(({ name, role, seat }) => {
      const who = `${role}/${seat}/${name}`;
      return who !== this.live.me && who !== holder;
    });
  }

  /** The faces of a row: the holder with what is left of the lease, else who saw it first; then who looks at it. */
  faces(node, what, seenBy) {
    const held = this.of(what),
      others = this.#others(what, held?.claim.who),
      name = nameOf(held?.claim.who ?? seenBy ?? ""),
      key = [held?.claim.token, held?.mine, held?.grace, name, ...others.map((one) => one.name)].join();
    if (node.dataset.who !== key) {
      node.dataset.who = key;
      const looks = others.slice(0, MOST_FACES).map((one) => dressed(face(one.name || one.role), "who looks"));
      node.lease = held ? h("small") : null;
      fill(node, node.lease, looks, name && this.#face(name, held, seenBy));
    }
    if (held) text(node.lease, this.#left(held));
    dress(node, `faces${held ? (held.grace ? " grace" : " leased") : ""}`);
    put(node, "title", [held && this.#says(held), this.#looking(others)].filter(Boolean).join("\n"));
  }
  #face(name, held, seenBy) {
    const me = held ? held.mine : seenBy?.split("/")[2] === this.person.name;
    return dressed(face(name, me), `who${me ? " me" : ""}${held ? " holds" : ""}`);
  }
  #left({ left_s, grace }) {
    const left = clock(Math.max(0, Math.ceil(grace ? left_s + GRACE_S : left_s)));
    return grace ? t("claim.grace", { left }) : left;
  }
  #says(held) {
    const left = clock(Math.max(0, Math.ceil(held.grace ? held.left_s + GRACE_S : held.left_s)));
    return t(held.grace ? "claim.grace_of" : "claim.held_by", { who: nameOf(held.claim.who), left });
  }
  #looking(others) {
    return others.length
      ? t("claim.looks", {
          who: others.map((one) => one.name || `${word("role", one.role)} ${one.seat}`).join(separator),
        })
      : "";
  }

  /** The holder in the head of the detail, with the key: an element with `.show(what, open)`. @param {() => void} press */
  line(press) {
    const button = h("button", { type: "button", class: "btn quiet lease", onclick: press }),
      looks = h("span", { class: "looks" }),
      label = h("span", { class: "label" }, t("claim.left")),
      words = h("span", { class: "nowrap" }),
      holder = h("span", { class: "holder" }),
      node = h("span", { class: "claim" }, looks, holder, label, words, button);
    node.show = (what, open) => {
      const able = open && CLAIMS.has(this.person.role) && ["incidents", "alerts"].includes(what.table),
        held = open ? this.of(what) : null,
        others = this.#others(what, held?.claim.who),
        verb = held?.mine ? "release" : held && this.person.role === "supervisor" ? "take_over" : "claim",
        key = [able, verb, held?.claim.token, ...others.map((one) => one.name)].join();
      dress(node, `claim${held?.grace ? " grace" : held ? " leased" : ""}`);
      label.hidden = !held || held.grace;
      words.hidden = !held;
      if (held) text(words, this.#left(held));
      node.title = [held && this.#says(held), this.#looking(others)].filter(Boolean).join("\n");
      button.disabled = !this.channel.open;
      if (node.dataset.key === key) return;
      node.dataset.key = key;
      button.hidden = !able || (held && !held.mine && verb === "claim" && !held.grace);
      fill(button, t(`verb.${verb}`), h("kbd", null, "Q"));
      fill(
        looks,
        others.slice(0, MOST_FACES).map((one) => dressed(face(one.name || one.role), "who looks")),
      );
      fill(holder, held && this.#face(nameOf(held.claim.who), held));
    };
    return node;
  }
}

function split(subject) {
  const [table, ...id] = subject.split(" ");
  return { table, id: id.join(" ") };
}
function dressed(node, name) {
  dress(node, name);
  return node;
}
