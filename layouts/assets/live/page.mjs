/** The entry of every page: words, pack, store, channel; then the page's own module, once its frame stands. */

import { Channel } from "./channel.mjs";
import { band } from "./drill.mjs";
import { Store } from "./store.mjs";
import { CityClock, setZone } from "./time.mjs";
import { onPainted } from "./loop.mjs";
import { speak } from "./words.mjs";

const PAGES = {
  wall: { topics: ["changes", "telemetry", "kpi"], frame: "wall" },
  dispatch: { topics: ["changes", "telemetry", "kpi", "health"], frame: "dispatch" },
  screens: { topics: ["changes", "screens"], frame: "screens" },
  sources: { topics: ["changes", "telemetry", "rejected", "health"], frame: "sources" },
  figures: { topics: ["changes", "kpi"], frame: "figures" },
  training: { topics: ["changes"], frame: "training" },
  briefing: { topics: [], frame: "briefing", still: true },
  home: { topics: ["changes"], frame: "home" },
};
const QUIET_MS = 60_000;
const WRITTEN = new Set(["text", "search", "number", "textarea"]);

const { comis } = window;
const json = async (path) => {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
};

/** The frame that Dash puts up. */
function frame(id) {
  return new Promise((found) => {
    const look = () => {
      const node = document.getElementById(id);
      if (node) {
        watcher.disconnect();
        found(node);
      }
    };
    const watcher = new MutationObserver(look);
    watcher.observe(document.documentElement, { childList: true, subtree: true });
    look();
  });
}

/** Who sits here, from `?as=role:seat:name`. The server decides what that allows. */
function identity() {
  const [role = "", seat = "", name = ""] = (comis.query.get("as") ?? "").split(":");
  return { role: role || "viewer", seat, name, raw: comis.query.get("as") ?? "" };
}

async function start() {
  const name = document.documentElement.dataset.page,
    page = PAGES[name];
  if (!page) return;
  const store = new Store(),
    clock = new CityClock(),
    person = identity();
  const channel = new Channel(store, { identity: person.raw, topics: page.topics });
  store.on("heartbeat", (heartbeat) => clock.tell(heartbeat));
  comis.store = store;
  comis.channel = channel;
  comis.clock = clock;
  onPainted((heard) => {
    comis.painted = { seq: store.seq, at: performance.now(), heard };
  });
  const [words, pack, basemap, module] = await Promise.all([
    json("/pack/words.json"),
    json("/pack/city.json"),
    ["home", "training", "figures"].includes(name) ? null : json("/pack/basemap.json"),
    import(`./${name}.mjs`),
    frame(page.frame),
  ]);
  speak(words, pack);
  setZone(pack.time_zone);
  band(store, clock);
  module.mount({ root: document.getElementById(page.frame), store, channel, clock, person, basemap, pack });
  channel.start();
  if (!page.still) reloadWhenQuiet(channel, name); // a page that is read, or signed, is renewed by hand alone
}

/** A page of another build loads itself anew, when nobody has touched it for a minute and nothing it sent waits for an answer. */
function reloadWhenQuiet(channel, name) {
  let touched = performance.now(),
    leaving = 0;
  for (const event of ["keydown", "pointerdown", "wheel"])
    addEventListener(
      event,
      () => {
        touched = performance.now();
      },
      { passive: true, capture: true },
    );
  channel.on(() => {
    const quiet = !comis.shown?.frozen && (name === "wall" ? comis.quiet?.() !== false : performance.now() - touched > QUIET_MS);
    const typing = [...document.querySelectorAll("input, textarea")].some(isTyped);
    // Screens that nobody touches come back one after the other, not all at once.
    if (channel.newer_build && quiet && !typing && channel.waiting.size === 0 && !leaving && once(channel.heartbeat.build))
      leaving = setTimeout(() => location.reload(), Math.random() * 8000);
  });
}

/** Whether somebody has written into a field that he sees: a box that is ticked, or a field that came filled, keeps no page. */
const isTyped = (field) => WRITTEN.has(field.type) && field.value !== field.defaultValue && field.checkVisibility();

/** Whether a page has not yet loaded itself anew for a build: where two servers of different builds take turns, it does not go on for ever. */
function once(build) {
  try {
    const had = JSON.parse(sessionStorage.getItem("comis.reloaded") ?? "[]");
    if (had.includes(build)) return false;
    sessionStorage.setItem("comis.reloaded", JSON.stringify([...had, build].slice(-20)));
    return true;
  } catch {
    return true; // a browser that keeps nothing
  }
}

start().catch((error) => {
  // Words may not be here yet, so both languages stand in the page's own frame.
  document.body.append(
    Object.assign(document.createElement("p"), {
      className: "lost",
      textContent: `页面没有载入完整，10 秒后再试。 The page did not load completely; trying again in 10 s. (${error.message})`,
    }),
  );
  setTimeout(() => location.reload(), 10_000);
});
