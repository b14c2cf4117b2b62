/** A training goes on: every page says so at its top, unmistakably, with the time that is left; at its end where the score is. */

import { dress, h, text } from "./dom.mjs";
import { eachSecond } from "./loop.mjs";
import { clock as asClock } from "./time.mjs";
import { figure, t } from "./words.mjs";

/** The training that goes on, or the last one; null where there never was one. */
export const training = (store) => store.tables.trainings.values().next().value ?? null;

/** Put the band above a page for as long as its city is one of a training. */
export function band(store, clock) {
  const words = h("b", { role: "status" }),
    left = h("span"),
    score = h("a", { href: `/training${location.search}` }),
    node = h("aside", { class: "band", "aria-label": t("page.training"), hidden: true }, h("p", null, words, left, score));
  document.body.prepend(node);
  const show = () => {
    const row = training(store);
    node.hidden = !row;
    document.documentElement.classList.toggle("trained", Boolean(row));
    if (!row) return;
    const over = row.state === "ended";
    dress(node, `band${over ? " over" : ""}`);
    text(words, t(over ? "training.over" : "training.goes_on"));
    text(
      left,
      over
        ? row.points == null
          ? ""
          : t("training.points", { n: figure(row.points) })
        : t("training.left", { left: asClock(Math.max(0, row.ends_ms - clock.now()) / 1000) }),
    );
    text(score, t("training.see_score"));
    score.hidden = !over || document.documentElement.dataset.page === "training";
  };
  store.on("trainings", show);
  eachSecond(show);
}
