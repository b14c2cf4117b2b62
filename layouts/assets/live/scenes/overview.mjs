/** The whole city: what is open, and that nothing stands out where nothing does. Always there, never an event. Pure. */

import { isOpen } from "../lifecycle.mjs";
import { count } from "../parts.mjs";
import { named, pack, t } from "../words.mjs";

export const key = "overview";

/** @param {import("../scenes.mjs").City} at */
export function look({ store }) {
  const n = [...(store.whole ?? store).tables.incidents.values()].filter(isOpen).length;
  return [
    {
      id: key,
      key,
      salience: 0,
      title: t("scene.overview", { city: named(pack()) }),
      why: n ? t("scene.whole_city", { n: count(n) }) : t("scene.nothing_open"),
    },
  ];
}
