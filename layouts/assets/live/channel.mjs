/** The way to the control room and back: one WebSocket, back-off that never gives up, commands with an answer each. Draws nothing. */

const BACKOFF_S = [0.3, 4];
const HIDDEN_MS = 60_000; // a tab hidden for longer lets go of its socket and comes back with a snapshot
const ANSWER_MS = 10_000; // after that the screen says that it does not know
const TOO_OLD_MS = 15_000; // the server refuses a person's command older than this: never send it again
const MISTRUST = 2; // comparisons in a row that may fail before the screen takes the whole picture again

/** @returns {string} a fresh id; `randomUUID` exists only where the page is trusted (https, 127.0.0.1) */
export function freshId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
}

export class Channel {
  /** @param {import("./store.mjs").Store} store @param {{identity?: string, topics: string[], url?: string}} options */
  constructor(store, { identity = "", topics, url }) {
    this.store = store;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    this.url = url ?? `${scheme}://${location.host}/live${identity ? `?as=${encodeURIComponent(identity)}` : ""}`;
    this.topics = [...topics];
    this.view = null;
    /** Which wall this is. @type {{name: string, token: string}|null} */ this.screen = null;
    this.socket = null;
    this.attempt = 0;
    this.opened_at = null;
    this.lost_at = null; // when the link went, performance.now()
    this.next_try_at = null;
    this.heartbeat = null;
    this.heard_at = null; // last heartbeat, performance.now()
    this.build = null;
    this.newer_build = false;
    this.bad_digests = 0;
    this.stays = false; // somebody relies on being called: a hidden tab keeps its socket
    /** @type {Map<string, {command: object, sent_at: number, settle: (answer: object) => void, timer: number}>} */
    this.waiting = new Map();
    this.tellers = new Set();
    store.on("digest", (checked) => this.#trust(checked));
    document.addEventListener("visibilitychange", () => this.#hidden());
    addEventListener("online", () => this.now());
    addEventListener("pagehide", () => this.socket?.close()); // kept for "back", it would still count as looked at
    addEventListener("pageshow", ({ persisted }) => persisted && this.now());
  }

  /** Be told when the link, the heartbeat or a waiting command changed. */
  on(tell) {
    this.tellers.add(tell);
  }
  #tell() {
    for (const tell of this.tellers) tell();
  }

  get open() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  start() {
    if (!this.socket) this.#connect();
  }
  /** Try at once, whatever the back-off says. */
  now() {
    if (!this.socket) {
      clearTimeout(this.timer);
      this.#connect();
    }
  }

  #connect() {
    this.next_try_at = null;
    const socket = new WebSocket(this.url);
    this.socket = socket;
    socket.onopen = () => {
      this.opened_at = performance.now();
      this.#send({
        type: "hello",
        after: this.store.seq,
        topics: this.topics,
        ...(this.view ? { view: this.view } : {}),
        ...(this.screen ? { screen: this.screen } : {}),
      });
      this.#again();
      this.#tell();
    };
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
    socket.onclose = () => this.#lost(socket);
    socket.onerror = () => {}; // always followed by close, which says the same
  }

  #lost(socket) {
    if (socket !== this.socket) return;
    this.socket = null;
    if (this.lost_at === null) this.lost_at = performance.now();
    if (this.opened_at !== null && performance.now() - this.opened_at > 5000) this.attempt = 0;
    this.opened_at = null;
    if (document.visibilityState === "hidden" && this.let_go) {
      this.#tell();
      return;
    }
    const [least, most] = BACKOFF_S;
    const wait = Math.min(most, least * 2 ** this.attempt++) * (0.5 + Math.random()) * 1000;
    this.next_try_at = performance.now() + wait;
    this.timer = setTimeout(() => this.#connect(), wait);
    this.#tell();
  }

  #receive(message) {
    if (message.type === "heartbeat") return this.#beat(message);
    if (message.type === "answer") return this.#answer(message);
    this.store.apply(message);
    if (message.type === "snapshot" && !this.store.coming) {
      this.bad_digests = 0;
      this.#tell();
    }
    return undefined;
  }

  #beat(heartbeat) {
    this.heartbeat = heartbeat;
    this.heard_at = performance.now();
    this.lost_at = null;
    this.attempt = 0;
    if (this.build === null) this.build = heartbeat.build;
    this.newer_build = heartbeat.build !== this.build;
    this.store.tell("heartbeat", heartbeat);
    this.#tell();
  }

  #send(message) {
    if (this.open) this.socket.send(JSON.stringify(message));
  }

  /** Say which part of the map is looked at. */
  look(view) {
    this.view = view;
    this.#send({ type: "view", view });
  }
  /** Say how this wall is doing; its identity is told with every hello. */
  health(health) {
    if (this.screen) this.#send({ type: "screen", health });
  }
  /** Ask for these topics from now on. */
  follow(topics) {
    if (topics.length === this.topics.length && topics.every((one, i) => one === this.topics[i])) return;
    this.topics = [...topics];
    this.#send({ type: "topics", topics: this.topics });
  }

  /** Ask for something to be done. Resolves with the answer; never rejects, a lost link is an answer too.
   * @param {string} verb @param {string} target @param {object} [fields] @returns {Promise<{status: string, code?: string, args?: object}>} */
  command(verb, target, fields = {}) {
    const command = {
      type: "command",
      id: freshId(),
      verb,
      target,
      seen: this.store.seq,
      issued_at: this.serverNow(),
      ...fields,
    };
    if (!this.open) return Promise.resolve({ status: "refused", code: "not_connected", args: {} });
    return new Promise((settle) => {
      const timer = setTimeout(
        () => this.#answer({ command: command.id, status: "refused", code: "no_answer", args: {} }),
        ANSWER_MS,
      );
      this.waiting.set(command.id, { command, sent_at: performance.now(), settle, timer });
      this.#send(command);
      this.#tell();
    });
  }

  /** Real time as the server counts it: the age of a command is judged there, and clocks of desks differ. */
  serverNow() {
    if (!this.heartbeat) return Date.now();
    return Math.round(this.heartbeat.now + (performance.now() - this.heard_at));
  }

  #answer({ command, status, code, args }) {
    const waiting = this.waiting.get(command);
    if (!waiting) return;
    clearTimeout(waiting.timer);
    this.waiting.delete(command);
    waiting.settle({ status, code, args: args ?? {} });
    this.#tell();
  }

  /** After a cut: what has no answer yet goes out again under the same id (the server knows it), unless it is too old. */
  #again() {
    for (const { command, sent_at } of this.waiting.values())
      if (performance.now() - sent_at < TOO_OLD_MS) this.#send(command);
  }

  #trust({ holds }) {
    this.bad_digests = holds ? 0 : this.bad_digests + 1;
    if (this.bad_digests < MISTRUST) return;
    this.bad_digests = 0;
    this.refetch();
  }

  /** Forget the position and take the whole picture again. */
  refetch() {
    this.store.seq = null;
    this.attempt = 0;
    this.socket?.close();
  }

  #hidden() {
    clearTimeout(this.hider);
    if (document.visibilityState === "hidden") {
      this.hider = setTimeout(() => {
        if (this.stays) return;
        this.let_go = true;
        this.store.seq = null;
        this.socket?.close();
      }, HIDDEN_MS);
    } else if (this.let_go) {
      this.let_go = false;
      this.now();
    }
  }
}
