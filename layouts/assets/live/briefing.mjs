/** The briefing: how old its picture is, the button that prints it, and the small map. It is never renewed by itself. */

import { $, fill, h, text } from "./dom.mjs";
import { truth } from "./honesty.mjs";
import { eachSecond, soon } from "./loop.mjs";
import { liveMark } from "./parts.mjs";
import { sketch } from "./sketch.mjs";
import { long, timeOfDay } from "./time.mjs";
import { t } from "./words.mjs";

export function mount({ root, store, channel, clock, basemap, pack }) {
  const mark = liveMark(),
    show = () => mark.show(truth(store, channel, clock), clock);
  fill($("briefing-status"), mark, mark.chip);
  $("briefing-print").addEventListener("click", () => window.print());
  const age = $("briefing-age"),
    words = h("b"),
    since = h("span");
  fill(age, words, since);
  function old() {
    const at_ms = Number(document.querySelector(".briefing .sheet")?.dataset.at ?? NaN);
    if (!Number.isFinite(at_ms)) return;
    text(words, t("briefing.of", { at_ms }));
    const seconds = clock.known() ? (clock.now() - at_ms) / 1000 : 0;
    text(since, seconds >= 5 ? t("briefing.old", { age: long(seconds) }) : "");
    age.title = timeOfDay(at_ms);
  }
  /** The sheets come when they are written, which may be before or after this module. */
  function draw() {
    const box = $("briefing-map");
    if (!box || box.firstChild) return;
    watcher.disconnect();
    sketch(box, basemap, pack.view, JSON.parse(box.dataset.marks));
    old();
  }
  const watcher = new MutationObserver(draw);
  watcher.observe(root, { childList: true, subtree: true });
  draw();
  eachSecond(() => {
    show();
    old();
  });
  channel.on(() => soon(show));
  show();
  old();
}
