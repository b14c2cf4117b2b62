/** Service figures: all of them at once, the abnormal ones first. Pure. */

import { abnormal, chosen } from "../tiles.mjs";
import { known, t, word } from "../words.mjs";

export const key = "figures";

const LEAST = 4, // fewer stand beside the map anyway
  WORTH = { over: 12, near: 5, stale: 3 };

/** @param {import("../scenes.mjs").City} at */
export function look({ store }) {
  if (store.kpi.size < LEAST) return [];
  const rows = [...store.kpi.entries()],
    over = abnormal(store.kpi).filter((one) => store.kpi.get(one).state === "over");
  const name = (one) => (known(`kpi.${one}`) ? t(`kpi.${one}`) : word("kpi", one));
  return [
    {
      id: key,
      key,
      salience: Math.min(38, rows.reduce((sum, [, row]) => sum + (WORTH[row.state] ?? 0), 0)), // seen beside every scene: no event by itself
      title: t("scene.figures"),
      why: over.length
        ? t("scene.figures_over", { n: over.length, what: over.slice(0, 2).map(name) })
        : t("scene.figures_calm", { n: rows.filter(([, row]) => row.state === "calm").length, of: rows.length }),
      board: chosen(store.kpi, rows.length),
    },
  ];
}
