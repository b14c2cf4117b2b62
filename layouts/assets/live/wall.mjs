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
import { codeOf, speak, whoAmI } from "./screen.mjs";
import { Sound, pulse, soundButton } from "./sound.mjs";
import { mountStage } from "./stage.mjs";
import { mountTicker } from "./ticker.mjs";
import { mountTiles } from "./tiles.mjs";
import { date, timeOfDay } from "./time.mjs";
import { frozenSentence, handOf, wishesOf } from "./wishes.mjs";
import { t, word } from "./words.mjs";

const SHOWN = ["on_scene", "en_route", "sent", "free", "break", "off", "silent"];
const REFERENCE = 10 / 4.8; // the distance and width that the sizes were drawn for
const MOST_CALLS = 60;
const EMPTY_MS = 8000; // by then the first picture is as whole as it will be

export function mount({ root, store: source, channel, clock: running, person, basemap }) {
  const shown = new Shown(source, running), // what stands still where an operator wants it so
    [store, clock] = [shown, shown.clock],
    me = whoAmI(window.comis.query);
  channel.screen = me;
  window.comis.shown = shown;
  const number = (key, usual) => Number(window.comis.query.get(key)) || usual;
  const k = Math.max(1, number("distance", 10) / number("width", 4.8) / REFERENCE),
    unit = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16; // of layout, px: as wall.css says
  root.classList.toggle("far", k > 1.04);
  const seen = discreet(store); // what visitors may read; figures and tally count all
  let truly = truth(source, channel, running),
    pictureOf = null,
    map = null;

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
    room: k > 1.04 ? 4 : 6,
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
    stands: () => shown.frozen,
    hand: (views, city) => handOf(wishes, views, city, channel.serverNow()),
  });
  window.comis.stage = stage;

  /** What operators want of this wall: obeyed at once, and after a start as soon as there is a picture to stand still. */
  function obey() {
    wishes = wishesOf(source.tables.screens, me.name, channel.serverNow());
    const { frozen } = wishes;
    if (frozen && !shown.frozen && (source.kpi.size || performance.now() > EMPTY_MS)) shown.freeze();
    else if (!frozen && shown.frozen) shown.goOn();
    const stranger = asked && source.code && source.tables.screens.get(me.name)?.enrolled_at_ms == null;
    unknown.hidden = !stranger;
    if (stranger) text(unknown, t("scene.not_enrolled", { name: me.name, code: codeOf({ sha256: source.code }) }));
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
      sizes: wallSizes(k, unit()),
      clock,
      still: true,
      onView: view,
      keepClear: () => [[map?.w - 260 * unit(), 36 * unit(), 270 * unit(), 40 * unit()]],
    });
    window.comis.city_map = map;
    map.dim((_, row) => row.dimmed === true);
    stage.take(map);
    paintTally();
    addEventListener("resize", () => {
      map.dress(wallSizes(k, unit()));
      stage.resize();
    });
  });

  /* ---- once a second ------------------------------------------------------------------------------------------------------ */
  function honest() {
    truly = truth(source, channel, running);
    pictureOf = running.known() ? running.city : null;
    mark.show(truly, running);
    const words = veilSentence(truly, pictureOf);
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
