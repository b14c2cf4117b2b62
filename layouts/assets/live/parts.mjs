/** Small parts drawn the same on every page: time left, age, sparkline, the live mark, a person, an assignment's track. */

import { dress, fill, h, text } from "./dom.mjs";
import { clockWords, markWords } from "./honesty.mjs";
import { ring, setRing, sourceMark, stepMark } from "./marks.mjs";
import { clock as asClock, span } from "./time.mjs";
import { lang, t, word } from "./words.mjs";

const NS = "http://www.w3.org/2000/svg";

/** Time left of a limit. @param {{due_ms: number|null, limit_s: number|null, yellow_from?: number}} row @returns {{left_s: number, share: number, state: "calm"|"near"|"over"}|null} */
export function timeLeft(row, now) {
  if (row.due_ms == null) return null;
  const left_s = (row.due_ms - now) / 1000,
    limit_s = row.limit_s || 900,
    share = left_s / limit_s;
  return { left_s, share, state: left_s < 0 ? "over" : share <= 1 - (row.yellow_from ?? 0.5) ? "near" : "calm" };
}

/** The ring and its figure, as one element with `.show(left)`. */
export function leftNode(size = 18, reverse = false) {
  const figure = h("b"),
    dial = ring(size),
    node = h("span", { class: "left" }, reverse ? [figure, dial] : [dial, figure]);
  node.show = (left) => {
    node.hidden = !left;
    if (!left) return;
    dress(node, `left ${left.state}`);
    setRing(dial, left.share, left.state);
    text(figure, (left.left_s < 0 ? "+" : "") + asClock(left.left_s));
  };
  return node;
}

/** An age: fades, then hatches beyond its limit. */
export function ageNode() {
  const node = h("span", { class: "age" });
  node.show = (seconds, limit_s = Infinity) => {
    text(node, seconds == null ? "–" : span(seconds));
    dress(node, `age${seconds == null ? "" : seconds > limit_s ? " stale" : seconds > limit_s / 2 ? " late" : ""}`);
  };
  return node;
}

/** A series with its usual band and target; newest at the right. `series`: numbers, nulls are gaps. */
export function sparkNode() {
  const box = h("div", { class: "sparkbox" }),
    tip = h("i", { class: "tip" }),
    picture = document.createElementNS(NS, "svg");
  picture.setAttribute("class", "spark");
  picture.setAttribute("preserveAspectRatio", "none");
  picture.setAttribute("aria-hidden", "true");
  const [band, target, line] = ["band", "target", "line"].map((name) => {
    const p = document.createElementNS(NS, "path");
    p.setAttribute("class", name);
    picture.append(p);
    return p;
  });
  box.append(picture, tip);
  box.show = (series, { usual = null, aim = null } = {}) => {
    const values = (series ?? []).filter((v) => Number.isFinite(v));
    box.hidden = values.length < 2;
    if (box.hidden) return;
    const w = 300,
      high = 60,
      pad = 4,
      all = [...values, ...(usual ?? []), ...(aim == null ? [] : [aim])];
    const lo = Math.min(...all),
      hi = Math.max(...all),
      x = (i) => (i / (values.length - 1)) * (w - 10),
      y = (v) => pad + (1 - (v - lo) / (hi - lo || 1)) * (high - 2 * pad);
    picture.setAttribute("viewBox", `0 0 ${w} ${high}`);
    line.setAttribute("d", values.map((v, i) => `${i ? "L" : "M"}${x(i).toFixed(1)} ${y(v).toFixed(1)}`).join(""));
    band.setAttribute("d", usual ? `M0 ${y(usual[1]).toFixed(1)}H${w - 10}V${y(usual[0]).toFixed(1)}H0Z` : "");
    target.setAttribute("d", aim == null ? "" : `M0 ${y(aim).toFixed(1)}H${w}`);
    tip.style.left = `${((w - 10) / w) * 100}%`;
    tip.style.top = `${(y(values[values.length - 1]) / high) * 100}%`;
  };
  return box;
}

/** The live mark: disc, word, figure — and the chip that says whose clock this is. */
export function liveMark() {
  const disc = h("i"),
    name = h("b", { role: "status" }), // the seconds beside it are not read out
    figure = h("small"),
    chip = h("span", { class: "chip clockwork", hidden: true }),
    node = h("span", { class: "livemark" }, disc, name, figure);
  let shown = "";
  node.chip = chip;
  node.show = (true_, clock) => {
    const [what, since] = markWords(true_, clock),
      state = true_.state === "connecting" ? "late" : true_.state;
    if (shown !== state) {
      shown = state;
      fill(disc, sourceMark(state, 12));
    }
    dress(node, `livemark ${true_.state}`);
    text(name, what);
    text(figure, since);
    const words = clockWords(clock);
    chip.hidden = !words;
    text(chip, words);
  };
  return node;
}

/** A line of which the end is never cut: `show(name, kept)`, the name gives way. */
export function keptLine(tag) {
  const name = h("span", { class: "clip" }),
    kept = h("span"),
    node = h(tag, { class: "kept" }, name, kept);
  node.show = (words, rest = "") => {
    text(name, words);
    text(kept, rest);
  };
  return node;
}

/** A person by the first character of the name. */
export const face = (name, me = false) =>
  h("span", { class: `who${me ? " me" : ""}`, title: name }, [...(name || "?")][0].toUpperCase());

const PATH = ["held", "sent", "delivered", "seen", "accepted", "en_route", "on_scene", "finished"];
/** An assignment's way as a row of steps: done, now, to come. */
export function trackNode() {
  const node = h("span", { class: "track", role: "img" });
  node.show = (state) => {
    if (node.dataset.state === state) return;
    node.dataset.state = state;
    const at = PATH.indexOf(state);
    node.setAttribute("aria-label", word("step", state));
    fill(
      node,
      at < 0
        ? stepMark(state, 14, word("step", state))
        : PATH.map((step, i) =>
            h(
              "i",
              { class: i < at ? "done" : i === at ? "now" : "", title: word("step", step) },
              i === at ? stepMark(step, 14) : null,
            ),
          ),
    );
  };
  return node;
}

/** What a part needs that scrolls by itself: Tab stops there, and then arrows move it and not the queue; a click changes nothing. */
export const scrolls = (label) => ({
  tabindex: 0,
  role: "group",
  "aria-label": t(label),
  onfocus: ({ target }) => {
    target.dataset.scrolls = target.matches(":focus-visible") ? "keys" : "";
  },
});

/** A thousand as 1,284. */
export const count = (n) => n.toLocaleString("en-US");
export const separator = lang === "en" ? ", " : "，";
