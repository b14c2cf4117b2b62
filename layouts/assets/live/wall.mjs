/** The wall: put together from its parts, told by the store, ticked once a second. Nothing needs a pointer, nothing scrolls. */

import { $, fill, h, text } from "./dom.mjs";
import { discreet } from "./discreet.mjs";
import { truth, veilSentence } from "./honesty.mjs";
import { wallWords } from "./flood.mjs";
import { Shown } from "./freeze.mjs";
import { isOpen } from "./lifecycle.mjs";
import { eachSecond, soon } from "./loop.mjs";
import { CityMap, wallSizes } from "./map.mjs";
import { incidentMark, svg, teamMark } from "./marks.mjs";
import { count, liveMark } from "./parts.mjs";
import { postsLayer } from "./posts.mjs";
import { STANDING_UNITS, UNITS, drawnFor, growth, roomFor, sizes } from "./reading.mjs";
import { codeOf, speak, whoAmI } from "./screen.mjs";
import { adviceWords, mountSetup } from "./setup.mjs";
import { Sound, pulse, soundButton } from "./sound.mjs";
import { mountStage } from "./stage.mjs";
import { mountTicker } from "./ticker.mjs";
import { mountTiles } from "./tiles.mjs";
import { date, timeOfDay } from "./time.mjs";
import { frozenSentence, handOf, wishesOf } from "./wishes.mjs";
import { lang, t, word } from "./words.mjs";

const SHOWN = ["on_scene", "en_route", "sent", "free", "break", "off", "silent"];
const MOST_CALLS = 60;
const TILES = 6; // beside the map, at the distance it was drawn for
const STANDING_SHARE = 0.28; // of a standing picture for the figures
const STANDING = matchMedia("(max-aspect-ratio: 1/1)"),
  HAND = matchMedia("(max-width: 600px)"); // a phone, the only wall that may scroll
const EMPTY_MS = 8000; // by then the first picture is as whole as it will be

export function mount({ root, store: source, channel, clock: running, person, basemap }) {
  const shown = new Shown(source, running), // what stands still where an operator wants it so
    [store, clock] = [shown, shown.clock],
    me = whoAmI(window.comis.query);
  channel.screen = me;
  window.comis.shown = shown;
  const unit = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16, // of layout, px: as wall.css says
    units = () => (STANDING.matches && window.comis.viewing.sized ? STANDING_UNITS : UNITS),
    drawn = () => drawnFor(window.comis.viewing, units()),
    k = () => growth(drawn(), units());
  let numbersLeft = false,
    room = fitFigures();
  const seen = discreet(store); // what visitors may read; figures and tally count all
  let truly = truth(source, channel, running),
    map = null;

  /** What there is room for at the size that the distance asks: targets, calm tiles and numbers of teams leave, in this order. */
  function fitFigures() {
    if (window.comis.viewing.sized) document.documentElement.style.setProperty("--view-distance-m", String(drawn().distance));
    const box = $("wall-figures"),
      seen = sizes(drawn(), units()),
      px = unit(),
      whole = window.comis.viewing.sized || !HAND.matches,
      stands = whole ? STANDING_SHARE * innerHeight : Infinity, // of a phone in the hand the page scrolls
      high = STANDING.matches ? stands : box.clientHeight,
      found = roomFor({ high, wide: box.clientWidth, unit: px, min: seen.min * px, value: seen.value * px });
    if (found.rows * found.columns < TILES) numbersLeft = true; // and stay away, or their room would call them back
    root.style.setProperty("--tile-rows", found.rows);
    root.style.setProperty("--tile-columns", found.columns);
    root.classList.toggle("whole", whole);
    root.classList.toggle("far", found.beside);
    root.classList.toggle("aimless", !found.aims);
    root.classList.toggle("numberless", numbersLeft);
    return found;
  }
  /** The size of the picture or of its type is another. */
  function fitAnew() {
    numbersLeft = false;
    room = fitFigures();
    tiles.paint();
    stage.resize();
  }

  /* ---- head ------------------------------------------------------------------------------------------------------------ */
  const mark = liveMark(),
    day = h("span"),
    time = h("time");
  fill($("wall-feed"), mark);
  if (window.comis.query.get("sound") === "1") {
    // silent, unless its operator asks for the button and arms it
    const sound = (window.comis.sound = new Sound({ store: discreet(source), channel, person }));
    $("wall-feed").append(soundButton(sound));
    pulse($("wall-ticker"), sound);
  }
  fill($("wall-when"), day, time);
  const flooded = h("p", { class: "chip flooded", hidden: true });
  $("wall-stage").append(mark.chip, flooded);
  function paintFlood() {
    const words = wallWords(store);
    flooded.hidden = !words;
    text(flooded, words ?? "");
  }
  store.on("floods", () => soon(paintFlood));

  /* ---- the rest -------------------------------------------------------------------------------------------------------- */
  const tiles = mountTiles($("wall-figures"), {
    store,
    clock,
    frozen: () => truly.state === "dead",
    room: () => room.rows * room.columns,
  });
  const ticker = mountTicker($("wall-ticker"), { store: seen, clock });
  const tally = [
    h("small"),
    ...[1, 2, 3].map((p) => h("span", null, svg(incidentMark(p), 20, { name: t("label.priority", { p }) }), h("b"))),
  ];
  for (const one of tally.slice(1)) one.firstChild.style.cssText = "width:1em;height:1em";
  fill($("wall-tally"), tally);
  const sentence = h("p"),
    still = h("p", { class: "still", role: "status", hidden: true }),
    unknown = h("p", { class: "still unknown", hidden: true }), // a screen that somebody sets up, until it is enrolled
    asked = window.comis.query.has("screen");
  fill($("wall-veil"), sentence);
  $("wall-stage").append(still, unknown);
  const crew = SHOWN.map((shown) => ({ shown, n: h("b"), calls: h("p") }));
  fill(
    $("wall-teams"),
    crew.map(({ shown, n, calls }) =>
      h("div", { class: shown }, h("h2", null, svg(teamMark(shown), 20), word("team", shown), n), calls),
    ),
  );

  function paintTeams() {
    const rows = [...store.tables.teams.values()].sort((a, b) => (a.call < b.call ? -1 : 1));
    for (const { shown, n, calls } of crew) {
      const list = rows.filter((row) => row.shown === shown).map((row) => row.call);
      text(n, list.length);
      if (list.length > MOST_CALLS) list.length = 0; // thousands off duty are a number, not names that push the map away
      const words = list.join(" ");
      if (calls.dataset.words !== words) {
        calls.dataset.words = words;
        calls.style.maxWidth = list.length > 8 ? `${Math.ceil(list.length / 2) * 1.56}em` : "";
        fill(
          calls,
          list.map((call) => h("span", null, call)),
        );
      }
    }
  }
  function paintTally() {
    const open = [...store.tables.incidents.values()].filter(isOpen);
    text(tally[0], t("label.open_n", { n: count(open.length) }));
    [1, 2, 3].forEach((p) => text(tally[p].lastChild, count(open.filter((row) => row.priority === p).length)));
    const second = open.filter((row) => row.priority === 2).length,
      crowd = second > 60 ? 2 : second > 16 ? 1 : 0;
    if (map && map.crowded !== crowd) {
      map.crowded = crowd;
      map.everything = true;
      map.ask();
    }
  }
  for (const [table, paint] of [
    ["teams", paintTeams],
    ["incidents", paintTally],
  ])
    store.on(table, () => soon(paint));

  /* ---- scenes ---------------------------------------------------------------------------------------------------------- */
  let wishes = wishesOf(source.tables.screens, me.name, 0);
  const stage = mountStage({
    root,
    store: seen,
    clock,
    basemap,
    name: me.name,
    unit,
    frozen: () => truly.state === "dead",
    leftOut: () => tiles.leftOut(),
    stands: () => shown.frozen,
    hand: (views, city) => handOf(wishes, views, city, channel.serverNow()),
  });
  window.comis.stage = stage;
  mountSetup($("wall-stage"), { units, unit, changed: () => dispatchEvent(new Event("resize")) });
  new ResizeObserver(() => {
    const before = room.rows * room.columns;
    room = fitFigures();
    if (room.rows * room.columns !== before) tiles.paint();
  }).observe($("wall-figures"));
  /** What the wall leaves out beside the map for want of room; the scene of all figures shows these first. */
  window.comis.wall = {
    get left_out() {
      return tiles.leftOut();
    },
  };

  /** What operators want of this wall: obeyed at once, and after a start as soon as there is a picture to stand still. */
  function obey() {
    wishes = wishesOf(source.tables.screens, me.name, channel.serverNow());
    const { frozen } = wishes;
    if (frozen && !shown.frozen && stage.view && (source.kpi.size || performance.now() > EMPTY_MS)) shown.freeze();
    else if (!frozen && shown.frozen) shown.goOn();
    const stranger = asked && source.code && source.tables.screens.get(me.name)?.enrolled_at_ms == null;
    const short = drawn().short; // whoever sits in the last row cannot read this wall: it says so, and what would do
    unknown.hidden = !stranger && !short;
    unknown.classList.toggle("short", !stranger && short);
    if (stranger) text(unknown, t("scene.not_enrolled", { name: me.name, code: codeOf({ sha256: source.code }) }));
    else if (short) text(unknown, adviceWords(window.comis.viewing, units()));
    still.hidden = !shown.frozen;
    root.classList.toggle("frozen", shown.frozen);
    if (shown.frozen && frozen) text(still, frozenSentence(frozen, shown.held.at));
  }
  window.comis.quiet = () => stage.memory.shown?.by !== "event"; // no page of another build comes in the middle of something
  source.on("screens", () => {
    obey();
    stage.now();
  });
  speak(channel, source, () => ({
    lang,
    scene: stage.memory.shown?.key ?? "",
    title: stage.view?.title ?? "",
    why: stage.view?.why ?? "",
    by: stage.memory.shown?.by ?? "",
    shown_s: stage.memory.shown ? Math.round((stage.moment() - stage.memory.shown.since) / 1000) : 0,
    frozen: shown.frozen,
  }));

  /* ---- map --------------------------------------------------------------------------------------------------------------- */
  window.comis.map.then((leaflet) => {
    const view = (seen) => channel.look(seen);
    map = new CityMap(leaflet, seen, basemap, {
      sizes: wallSizes(k(), unit()),
      clock,
      still: true,
      onView: view,
      keepClear: () => [
        [map?.w - 260 * unit(), 36 * unit(), 270 * unit(), 40 * unit()],
        ...(document.documentElement.dataset.columns ? [[map?.w / 2, 264 * unit(), map?.w / 2, 24 * unit()]] : []), // the edge of two screens
      ],
    });
    window.comis.city_map = map;
    map.add(postsLayer());
    map.dim((_, row) => row.dimmed === true);
    stage.take(map);
    new ResizeObserver(() => soon(stage.resize)).observe($("wall-stage")); // what leaves gives its room to the map
    paintTally();
    addEventListener("resize", () => {
      map.dress(wallSizes(k(), unit()));
      fitAnew();
    });
  });

  /* ---- once a second ------------------------------------------------------------------------------------------------------ */
  function honest() {
    truly = truth(source, channel, running);
    mark.show(truly, running);
    const words = veilSentence(truly, running);
    root.classList.toggle("veiled", words !== "");
    root.classList.toggle("dead", truly.state === "dead");
    root.classList.toggle("teamless", truly.teamsStopped);
    text(sentence, words);
    map?.fade({ teams: truly.teamsStopped });
  }
  eachSecond(() => {
    honest();
    obey();
    text(time, running.known() ? timeOfDay(running.now()) : "–");
    text(day, running.known() ? date(running.now()) : "");
    tiles.tick();
    ticker.tick();
    stage.tick();
  });
  channel.on(() => soon(honest));
  store.on("snapshot", () => {
    soon(paintTeams);
    soon(paintTally);
    soon(paintFlood);
    stage.snapshot();
  });
}
