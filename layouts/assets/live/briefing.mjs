/** The briefing: how old its picture is, the button that prints it, and the small map. It is never renewed by itself. */

import { $, fill, h, text } from "./dom.mjs";
import { truth } from "./honesty.mjs";
import { eachSecond, soon } from "./loop.mjs";
import { liveMark } from "./parts.mjs";
import { long, timeOfDay } from "./time.mjs";
import { t } from "./words.mjs";

export function mount({ store, channel, clock }) {
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
  eachSecond(() => {
    show();
    old();
  });
  channel.on(() => soon(show));
  show();
  old();
}
