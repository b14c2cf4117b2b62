/** The stage of the wall: shows what the director chose — title, reason, progress, map with lens, list or figures — and changes scenes in one page. */

import { direct, opening, progress, seedOf } from "./director.mjs";
import { $, dress, fill, h, keyed, text } from "./dom.mjs";
import { mountLens } from "./lens.mjs";
import { soon } from "./loop.mjs";
import { svg } from "./marks.mjs";
import { keptLine } from "./parts.mjs";
import { boardRows } from "./reading.mjs";
import { frameOf } from "./scene.mjs";
import { viewsOf } from "./scenes.mjs";
import { abnormal, mountTiles } from "./tiles.mjs";
import { clock as asClock } from "./time.mjs";
import { t } from "./words.mjs";

const KEPT = "comis.director", // over a planned reload the same scene goes on
  KEPT_MS = 60_000,
  HISTORY = 200,
  GROWS = 0.15,
  BOARD_COLUMNS = 4, // as wall.css has it
  MOVES_S = 5; // the lens looks for a better place so often

/** @param {{root: HTMLElement, store: object, clock: object, basemap: object, name: string, unit: () => number, frozen: () => boolean,
 *   stands?: () => boolean, hand?: (views: object[], city: object) => {view: object, note: string}|null}} at `name`: of this screen, so that walls
 *   side by side begin elsewhere; `stands`: the picture is frozen; `hand`: the view that an operator put here, and words for the corner;
 *   `leftOut`: figures that the panel beside the map has no room for */
export function mountStage({ root, store, clock, basemap, name, unit, frozen, stands = () => false, hand = () => null, leftOut = () => [] }) {
  /** Real ms that run on over a reload. */
  const moment = () => performance.timeOrigin + performance.now();
  const history = []; // what was shown, newest last
  const before_ = kept(name, moment());
  let memory = before_?.memory ?? opening(seedOf(name)),
    view = before_?.view ?? null, // what is shown, as it was last there
    views = [],
    map = null,
    fitted = "",
    note = "", // of the hand
    beat = 0;

  /* ---- the corner: what, why, for how long ---------------------------------------------------------------------------- */
  const title = h("h1", { class: "clip" }, t("page.wall")), // until the first picture of the city
    why = h("span", { class: "clip" }),
    bar = h("i"),
    dwell = h("span", { class: "dwell", "aria-hidden": "true" }, bar),
    then = h("span", { class: "then" });
  fill($("wall-scene"), title, h("p", null, why, dwell, then));

  /* ---- beside the map, instead of it ------------------------------------------------------------------------------------ */
  const head = h("h2", { class: "clip" }),
    list = h("div", { class: "lines" }),
    more = h("p", { class: "more" });
  fill($("wall-side"), head, list, more);
  const board = mountTiles($("wall-board"), {
    store,
    clock,
    frozen,
    first: () => [...new Set([...abnormal(store.kpi), ...leftOut()])], // what the reason names is among them
    room: () => (view?.board ? BOARD_COLUMNS * boardRows($("wall-board"), root, unit()) : 0),
  });
  const lens = mountLens($("wall-lens"), { root, store, basemap, unit });

  function make() {
    const mark = h("span"),
      words = h("b", { class: "clip" }),
      small = keptLine("small"),
      figure = h("span", { class: "figure" });
    return Object.assign(h("article", null, mark, h("div", null, words, small), figure), {
      parts: { mark, words, small, figure },
    });
  }
  function update(node, line) {
    const { mark, words, small, figure } = node.parts,
      look = JSON.stringify(line.mark);
    if (mark.dataset.look !== look) {
      mark.dataset.look = look;
      fill(mark, svg(line.mark, 20));
    }
    dress(node, `line ${line.tone}`);
    text(words, line.words);
    small.show(line.small, line.kept);
    text(figure, line.figure);
  }
  function paintSide() {
    const box = $("wall-side"),
      side = view?.side;
    box.hidden = !side;
    if (!side) return;
    text(head, side.head);
    const step = parseFloat(getComputedStyle(list).gridAutoRows) || parseFloat(getComputedStyle(box).fontSize) * 2.9,
      room = Math.max(1, Math.floor(list.clientHeight / step)),
      lines = side.lines.slice(0, room),
      rest = (side.of ?? side.lines.length) - lines.length;
    keyed(list, lines, (line) => line.id, make, update);
    text(more, rest > 0 ? t("scene.more", { n: rest }) : "");
  }

  /* ---- the map -------------------------------------------------------------------------------------------------------------- */
  /** The whole city, or what a scene is about; a city that nobody has filled yet is fitted when it is. */
  function fit() {
    const teams = [...store.tables.teams.values()].filter((row) => row.shown !== "off").map((row) => [row.lat, row.lon]),
      open = [...store.tables.incidents.values()].filter((row) => row.closed_at_ms == null).map((row) => [row.lat, row.lon]),
      frame = frameOf(view?.frame ?? teams.concat(open));
    if (!frame || !map) return;
    fitted = frameName();
    map.fitBounds(frame);
    lens.redraw();
  }
  const frameName = () => (view?.frame ? view.id : "city");

  /* ---- once a second ---------------------------------------------------------------------------------------------------------- */
  function direct_() {
    if (store.seq === null || !clock.known()) return; // ages by another clock would be nonsense
    const now = moment(),
      city = { store, now: clock.now(), rate: clock.rate, basemap };
    views = viewsOf(city, view);
    const held = hand(views, city),
      put = held?.view;
    note = held?.note ?? "";
    if (put && !views.some((one) => one.id === put.id)) views = [...views, put];
    const before = memory.shown;
    memory = direct(memory, views, now, put?.id ?? null);
    view = views.find((one) => one.id === memory.shown.id) ?? view;
    corner(now);
    if (before?.id !== memory.shown.id || !root.dataset.scene) changed();
  }
  function changed() {
    root.dataset.scene = memory.shown.key;
    history.push(memory.shown);
    if (history.length > HISTORY) history.shift();
    lens.move();
    if (map && fitted && fitted !== frameName()) fit();
    board.paint();
    paint(); // title, list and map are of one scene in every frame
  }
  function corner(now) {
    text(title, view.title);
    text(why, view.why);
    const share = progress(memory, now),
      next = memory.next && views.find((one) => one.id === memory.next.id),
      due = memory.next?.due ?? memory.turn_at;
    dwell.hidden = share === null || note !== "";
    if (share !== null) bar.style.width = `${(share * 100).toFixed(1)}%`;
    const left = due === null ? "" : asClock(Math.max(0, due - now) / 1000);
    text(then, note || share === null ? note : next ? t("scene.next_is", { left, what: next.title }) : t("scene.next_in", { left }));
  }
  /** A picture that stands still promises no next scene. */
  function rest() {
    dwell.hidden = true;
    text(then, "");
  }
  const paint = () => {
    if (!view) return;
    paintSide();
    // What matters most is ringed on the map of every scene; the lens belongs to its own.
    const spot = view.spot ?? views.find((one) => one.spot)?.spot ?? null;
    lens.draw(map, spot, Boolean(view.spot));
  };

  addEventListener("pagehide", () => {
    try {
      if (view) sessionStorage.setItem(KEPT, JSON.stringify({ name, memory, view }));
    } catch {
      // a browser that keeps nothing begins anew
    }
  });

  return {
    history,
    moment,
    /** Called once a second. */
    tick() {
      board.tick();
      if (stands()) return rest();
      direct_();
      if (beat++ % MOVES_S === 0) lens.move();
      soon(paint);
    },
    /** Something put a scene here, or took it away: not only with the next second. */
    now() {
      if (stands()) return;
      direct_();
      soon(paint);
    },
    take(city_map) {
      map = city_map;
      if (store.tables.teams.size) fit();
      const box = $("wall-stage");
      let high = box.clientHeight;
      new ResizeObserver(() => {
        if (Math.abs(box.clientHeight - high) < high * GROWS) return; // a line more of teams moves no map
        high = box.clientHeight;
        soon(fit);
      }).observe(box);
    },
    /** The first whole picture of the city. */
    snapshot() {
      if (!fitted) fit();
      direct_();
      soon(paint);
    },
    resize() {
      lens.redraw();
      fit();
    },
    get memory() {
      return memory;
    },
    get view() {
      return view;
    },
  };
}

/** What the director of this screen remembered a moment ago, before the page loaded itself anew; null otherwise. */
function kept(name, now) {
  try {
    const { name: whose, memory, view } = JSON.parse(sessionStorage.getItem(KEPT));
    if (whose !== name || view.id !== memory.shown.id || Math.abs(now - memory.at) > KEPT_MS) return null;
    return { memory: { ...memory, at: Math.min(memory.at, now) }, view };
  } catch {
    return null;
  }
}
