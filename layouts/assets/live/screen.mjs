/** Who this wall is, and how it is doing: its name, the token of its device, and every ten seconds a word to whoever watches the walls. */

import { onPainted } from "./loop.mjs";

const SPEAKS_MS = 10_000,
  SAMPLE_MS = 60_000,
  SAMPLES = 60, // an hour: the slope of a day's work shows in it, that of a start does not
  LEAST_MS = 300_000; // younger than this a wall has no slope yet
const NAME = /^[\p{L}\p{N}_-]{1,32}$/u;

/** The screen of this browser. A name comes with the address (`?screen=hall`), a token with its fragment once (`#token=…`) or is made here; both stay in the browser.
 * @returns {{name: string, token: string}} */
export function whoAmI(query, place = location, kept = storage()) {
  const wished = query.get("screen") ?? "",
    brought = new URLSearchParams(place.hash.slice(1)).get("token") ?? "";
  let name = NAME.test(wished) ? wished : (kept.getItem("comis.screen") ?? "");
  if (!NAME.test(name)) name = `wall-${secret(2)}`;
  kept.setItem("comis.screen", name);
  let token = brought.length >= 16 ? brought : kept.getItem(`comis.screen.token.${name}`);
  if (!token) token = secret(16);
  kept.setItem(`comis.screen.token.${name}`, token);
  if (brought) history.replaceState(null, "", place.pathname + place.search); // nobody reads it off the screen
  return { name, token };
}

function secret(bytes) {
  return [...crypto.getRandomValues(new Uint8Array(bytes))].map((b) => b.toString(16).padStart(2, "0")).join("");
}

/** A browser that keeps nothing still shows the wall, under another name after each start. */
function storage() {
  try {
    localStorage.getItem("comis.screen");
    return localStorage;
  } catch {
    const held = new Map();
    return { getItem: (key) => held.get(key) ?? null, setItem: (key, value) => held.set(key, value) };
  }
}

/** How fast memory grows, MB an hour: the line through the lowest of each quarter of what was sampled, since between two collections it always grows.
 * @param {[number, number][]} samples ms and bytes, oldest first @returns {number|null} null where there are too few */
export function slopeOf(samples) {
  if (samples.length < 4 || samples.at(-1)[0] - samples[0][0] < LEAST_MS) return null;
  const quarter = samples.length / 4,
    low = [0, 1, 2, 3].map((k) =>
      samples.slice(Math.floor(k * quarter), Math.floor((k + 1) * quarter)).reduce((a, b) => (b[1] < a[1] ? b : a)),
    );
  const x0 = low.reduce((sum, [x]) => sum + x, 0) / 4,
    y0 = low.reduce((sum, [, y]) => sum + y, 0) / 4;
  const above = low.reduce((sum, [x, y]) => sum + (x - x0) * (y - y0), 0),
    below = low.reduce((sum, [x]) => sum + (x - x0) ** 2, 0);
  return below ? ((above / below) * 3_600_000) / 1e6 : null;
}

/** What stands on the wall itself, so that the right device is enrolled. */
export const codeOf = (wall) => `${wall.sha256.slice(0, 4)} ${wall.sha256.slice(4, 8)}`;

/** Speak from now on. @param {import("./channel.mjs").Channel} channel @param {object} store
 * @param {() => object} shown what stands on this wall: `scene`, `title`, `why`, `by`, `shown_s`, `frozen` */
export function speak(channel, store, shown) {
  const samples = [];
  let painted = performance.now(),
    gap = 0;
  onPainted(() => {
    const now = performance.now();
    gap = Math.max(gap, now - painted);
    painted = now;
  });
  const heap = () => performance.memory?.usedJSHeapSize ?? null;
  const sample = () => {
    if (heap() === null) return;
    samples.push([performance.now(), heap()]);
    if (samples.length > SAMPLES) samples.shift();
  };
  const say = () => {
    const now = performance.now(),
      slope = slopeOf(samples);
    channel.health({
      ...shown(),
      build: channel.build ?? "",
      seq: store.seq ?? "",
      behind_s: channel.heard_at === null ? null : round((now - channel.heard_at) / 1000),
      paint_ms: Math.round(now - painted),
      gap_ms: Math.round(gap),
      heap_mb: heap() === null ? null : round(heap() / 1e6),
      slope_mb_h: slope === null ? null : round(slope),
      up_s: Math.round(now / 1000),
      w: innerWidth,
      h: innerHeight,
      dpr: devicePixelRatio || 1,
    });
    gap = 0;
  };
  sample();
  setInterval(sample, SAMPLE_MS);
  setInterval(say, SPEAKS_MS);
  store.on("you", say); // after every hello, so that a screen that is back is seen at once
  return say;
}
const round = (value) => Math.round(value * 10) / 10;
