/** What a pointer over the map reads: the thing under it, or all things that are drawn as one. It follows its thing where that moves, and says so
 * where it goes; a new movement of the pointer asks anew. What comes from outside is text. */

import { fill, h } from "./dom.mjs";
import { svg } from "./marks.mjs";
import { t } from "./words.mjs";

const MOST = 8; // things named one by one

export class Tip {
  /** @param {HTMLElement} box the element over the map that shows it @param {import("./map.mjs").CityMap} map */
  constructor(box, map) {
    Object.assign(this, { box, map, hit: null });
    box.hidden = true;
  }

  /** The pointer is here, over this. @param {{table: string, id: string}|null} hit @param {{x: number, y: number}} point */
  hover(hit, point) {
    this.hit = hit;
    this.said = "";
    if (!hit) {
      this.box.hidden = true;
      return;
    }
    const at = this.map.layers.get(hit.table).where(hit.id);
    this.off = { x: point.x - (at?.x ?? point.x), y: point.y - (at?.y ?? point.y) };
    this.at = point;
    this.gone = false;
    this.draw();
  }

  /** Again, because something may look otherwise. */
  draw() {
    const { hit, map, box } = this;
    if (!hit) return;
    const layer = map.layers.get(hit.table),
      at = layer.where(hit.id),
      members = at ? layer.members(hit.id) : [];
    if (at) this.at = { x: at.x + this.off.x, y: at.y + this.off.y };
    const words = members.slice(0, MOST).map((id) => layer.describe(id)),
      said = at ? `${members.length} ${words.join("\n")}` : "gone";
    if (said !== this.said) {
      this.said = said;
      this.#write(layer, members, words, !at);
    }
    box.hidden = !this.words;
    if (!box.hidden) this.#place();
  }
  #write(layer, members, words, gone) {
    const { box } = this;
    if (gone) {
      if (!this.gone) fill(box, h("p", { class: "gone" }, t("map.gone", { what: this.words ?? "" })));
      this.gone = true;
      return;
    }
    [this.words] = words;
    const rest = members.length - words.length;
    fill(
      box,
      members.length > 1 && h("b", null, t(`map.n_${layer.key}`, { n: members.length })),
      words.map((one, k) => h("p", null, members.length > 1 && svg(layer.strokes(members[k]), 14), h("span", null, one))),
      rest > 0 && h("p", { class: "muted" }, t("map.more", { n: rest })),
    );
  }
  /** Beside the pointer, and always whole on the map. */
  #place() {
    const { box, at, map } = this,
      w = box.offsetWidth,
      high = box.offsetHeight;
    const x = at.x + 14 + w < map.w ? at.x + 14 : Math.max(4, at.x - 14 - w),
      y = at.y + 14 + high < map.h ? at.y + 14 : Math.max(4, at.y - 14 - high);
    box.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
  }
}
