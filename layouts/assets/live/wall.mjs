/** The wall: put together from its parts, told by the store, ticked once a second. Nothing needs a pointer, nothing scrolls. */

import { $, fill, h, text } from "./dom.mjs";
import { truth, veilSentence } from "./honesty.mjs";
import { wallWords } from "./flood.mjs";
import { drawGround } from "./ground.mjs";
import { isHand, isOpen, isUnack } from "./lifecycle.mjs";
import { eachSecond, soon } from "./loop.mjs";
import { CityMap, wallSizes } from "./map.mjs";
import { incidentMark, paint as paintMark, svg, teamMark } from "./marks.mjs";
import { count, liveMark } from "./parts.mjs";
import { frameOf, hotspot, metresBetween } from "./scene.mjs";
import { Sound, pulse, soundButton } from "./sound.mjs";
import { mountTicker } from "./ticker.mjs";
import { mountTiles } from "./tiles.mjs";
import { date, timeOfDay } from "./time.mjs";
import { category, named, t, where, word } from "./words.mjs";

const SHOWN = ["on_scene", "en_route", "sent", "free", "break", "off", "silent"];
const DWELL_MS = 60_000; // real time: a scene stays at least a minute
const REFERENCE = 10 / 4.8; // the distance and width that the sizes were drawn for
const LENS = { w: 468, h: 384, scale: 262 };
const MOST_CALLS = 60;

export function mount({ root, store, channel, clock, person, basemap, pack }) {
  const number = (key, usual) => Number(window.comis.query.get(key)) || usual;
  const k = Math.max(1, number("distance", 10) / number("width", 4.8) / REFERENCE),
    unit = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16; // of layout, px: as wall.css says
  root.classList.toggle("far", k > 1.04);
  let truly = truth(store, channel, clock),
    pictureOf = null,
    spot = null,
    spot_at = -Infinity,
    map = null;

  /* ---- head ------------------------------------------------------------------------------------------------------------ */
  const title = h("h1", { class: "clip" }),
    why = h("p", { class: "clip" }),
    mark = liveMark(),
    day = h("span"),
    time = h("time");
  fill($("wall-scene"), title, why);
  fill($("wall-feed"), mark);
  if (window.comis.query.get("sound") === "1") {
    // silent, unless its operator asks for the button and arms it
    const sound = (window.comis.sound = new Sound({ store, channel, person }));
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
  const ticker = mountTicker($("wall-ticker"), { store, clock });
  const tally = [
    h("small"),
    ...[1, 2, 3].map((p) => h("span", null, svg(incidentMark(p), 20, { name: t("label.priority", { p }) }), h("b"))),
  ];
  for (const one of tally.slice(1)) one.firstChild.style.cssText = "width:1em;height:1em";
  fill($("wall-tally"), tally);
  const sentence = h("p");
  fill($("wall-veil"), sentence);
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

  /* ---- scene and lens -------------------------------------------------------------------------------------------------- */
  function scene() {
    const found = hotspot(store.tables.incidents.values(), clock.now(), clock.rate);
    const stays = spot && performance.now() - spot_at < DWELL_MS && found && found.score < spot.score * 2;
    if (found && stays && metresBetween(found, spot) > 600) {
      spot.members = spot.members.filter((row) => {
        const now = store.tables.incidents.get(row.id);
        return now && isOpen(now);
      });
    } else {
      if (!spot || !found || metresBetween(found, spot) > 600) spot_at = performance.now();
      spot = found;
    }
    if (spot) {
      const place = nearestName(basemap, spot) || where(spot.worst);
      text(title, t("scene.title", { place, what: category(spot.worst.category) }));
      text(
        why,
        spot.recent >= 3
          ? t("scene.why_recent", { n: spot.recent, min: 10 })
          : t("scene.why_open", { n: spot.members.length, metres: spot.radius_m }),
      );
    } else {
      text(title, named(pack));
      const n = [...store.tables.incidents.values()].filter(isOpen).length;
      text(why, n ? t("scene.whole_city", { n: count(n) }) : t("scene.nothing_open"));
    }
    if (!map) return;
    moved = true;
    soon(lens);
  }

  let moved = true;
  const pane = document.createElement("canvas"); // the lens' ground, drawn when the spot or the lens changed
  const glass = document.createElement("canvas");
  function lens() {
    const box = $("wall-lens"),
      u = unit();
    if (moved) {
      const room = !root.classList.contains("far") && map?.w > 2 * LENS.w * u; // never most of the map
      lens.at = spot && room ? place(u) : null;
      moved = false;
    }
    const corner = spot ? lens.at : null;
    if (map)
      map.point_out(
        spot ? [{ ...spot, priority: spot.worst.priority, count: corner ? spot.members.length : 0 }] : [],
        new Set(corner ? spot.members.map((row) => row.id) : []),
        corner && spot,
      );
    if (!corner) {
      if (box.firstChild) box.replaceChildren();
      return;
    }
    const w = LENS.w * u,
      high = LENS.h * u,
      ratio = Math.min(2, devicePixelRatio || 1);
    const scale = Math.min(LENS.scale * u, (Math.min(w, high) * 0.43) / (spot.radius_m / 1000)),
      times = Math.max(2, Math.round(scale / map.kmScale));
    if (!box.firstChild) fill(box, glass, h("b"));
    text(box.lastChild, `×${times}`);
    box.style.cssText = `left:${corner[0]}px;top:${corner[1]}px;width:${w}px;height:${high}px`;
    if (glass.width !== Math.round(w * ratio) || glass.height !== Math.round(high * ratio)) {
      glass.width = Math.round(w * ratio);
      glass.height = Math.round(high * ratio);
    }
    const c = glass.getContext("2d", { alpha: false }),
      kx = 111.32 * Math.cos((spot.lat * Math.PI) / 180);
    const at = (lat, lon) => [w / 2 + (lon - spot.lon) * kx * scale, high / 2 - (lat - spot.lat) * 110.99 * scale];
    c.setTransform(ratio, 0, 0, ratio, 0, 0);
    const members = spot.members.map((row) => store.tables.incidents.get(row.id)).filter((row) => row && isOpen(row));
    const key = [spot.lat, spot.lon, scale, w, high, ratio].join();
    if (lens.key !== key) {
      lens.key = key;
      pane.width = glass.width;
      pane.height = glass.height;
      const ground = pane.getContext("2d", { alpha: false });
      ground.setTransform(ratio, 0, 0, ratio, 0, 0);
      drawGround(ground, basemap, { w, h: high, scale, at, lat: spot.lat }, map.tokens, {
        weight: 2.6 * u,
        font: 26 * u,
        places: true,
        districts: false,
        roads: false,
        avoid: members.map((row) => [...at(row.lat, row.lon), 24 * u]),
      });
    }
    c.drawImage(pane, 0, 0, w, high);
    const put = (strokes, lat, lon, size, turn = 0) => {
      const [x, y] = at(lat, lon);
      c.save();
      c.translate(x - size / 2, y - size / 2);
      c.scale(size / 20, size / 20);
      paintMark(c, strokes, (name) => map.tokens[name], { turn, font: map.tokens.font, blinkOff: !map.blink });
      c.restore();
    };
    for (const row of members.sort((a, b) => b.priority - a.priority))
      put(
        incidentMark(row.priority, { hand: isHand(row), unack: isUnack(row) }),
        row.lat,
        row.lon,
        (row.priority === 1 ? 50 : (row.priority === 2 ? 38 : 30) * (members.length > 40 ? 0.6 : 1)) * u,
      );
    c.font = `600 ${26 * u}px ${map.tokens.font}`;
    c.textBaseline = "middle";
    c.lineJoin = "round";
    for (const [id, row] of store.tables.teams) {
      if (row.shown === "off") continue;
      const [lat, lon, , heading] = store.telemetry.teams.get(id) ?? [row.lat, row.lon],
        [x, y] = at(lat, lon);
      if (x < 10 || y < 10 || x > w - 10 || y > high - 10) continue;
      put(teamMark(row.shown), lat, lon, 30 * u, heading ?? 0);
      c.lineWidth = 6 * u;
      c.strokeStyle = map.tokens["map-ground"];
      c.strokeText(row.call, x + 21 * u, y);
      c.fillStyle = map.tokens["ink-1"];
      c.fillText(row.call, x + 21 * u, y);
    }
  }
  /** Where on the stage the lens hides the fewest things: it stays where it is as long as that is nearly as good. */
  function place(u) {
    const w = LENS.w * u,
      high = LENS.h * u,
      gap = 24 * u,
      step = 44 * u,
      top = 76 * u,
      room = 16 * u;
    const things = [
      ...[...store.tables.incidents.values()]
        .filter((row) => isOpen(row) && metresBetween(row, spot) > spot.radius_m)
        .map((row) => [...map.at(row.lat, row.lon), { 1: 60, 2: 4, 3: 1 }[row.priority]]),
      ...[...store.tables.teams]
        .filter(([, row]) => row.shown !== "off")
        .map(([id, row]) => {
          const live = store.telemetry.teams.get(id) ?? [row.lat, row.lon];
          return [...map.at(live[0], live[1]), 2];
        }),
      [...map.at(spot.lat, spot.lon), 1000],
      ...[...store.telemetry.sensors.values()]
        .filter((one) => one[4] >= 3)
        .map((one) => [...map.at(one[0], one[1]), 2]),
    ];
    const cost = ([x, y]) =>
      things.reduce(
        (sum, [tx, ty, weight]) =>
          sum + (tx > x - room && tx < x + w + room && ty > y - room && ty < y + high + room ? weight : 0),
        0,
      );
    let best = null,
      least = Infinity;
    const right = map.w - w - gap,
      bottom = map.h - high - gap;
    for (let x = right; x >= gap; x -= step)
      for (let y = bottom; y >= top; y -= step) {
        const edge = Math.min(right - x, x - gap) / map.w + Math.min(bottom - y, y - top) / map.h,
          c = cost([x, y]) + edge * 3;
        if (c < least) {
          least = c;
          best = [x, y];
        }
      }
    if (lens.at && lens.at[0] <= right + 1 && lens.at[1] <= bottom + 1 && cost(lens.at) <= least + 5) best = lens.at;
    return best;
  }

  /* ---- map --------------------------------------------------------------------------------------------------------------- */
  window.comis.map.then((leaflet) => {
    const view = (seen) => channel.look(seen);
    map = new CityMap(leaflet, store, basemap, {
      sizes: wallSizes(k, unit()),
      clock,
      still: true,
      onView: view,
      keepClear: () => [[map?.w - 260 * unit(), 36 * unit(), 270 * unit(), 40 * unit()]],
    });
    window.comis.city_map = map;
    let fitted = 0;
    const fit = () => {
      const points = [...store.tables.teams.values()]
        .filter((row) => row.shown !== "off")
        .map((row) => [row.lat, row.lon])
        .concat([...store.tables.incidents.values()].filter(isOpen).map((row) => [row.lat, row.lon]));
      const frame = frameOf(points);
      if (frame) {
        fitted = points.length;
        map.fitBounds(frame);
      }
    };
    if (store.tables.teams.size) fit();
    store.on("snapshot", () => {
      if (!fitted) fit();
      paintTally();
    });
    addEventListener("resize", () => {
      moved = true;
      lens.key = "";
      map.dress(wallSizes(k, unit()));
      fit();
    });
    scene();
  });

  /* ---- once a second ------------------------------------------------------------------------------------------------------ */
  function honest() {
    truly = truth(store, channel, clock);
    pictureOf = clock.known() ? clock.city : null;
    mark.show(truly, clock);
    const words = veilSentence(truly, pictureOf);
    root.classList.toggle("veiled", words !== "");
    root.classList.toggle("dead", truly.state === "dead");
    root.classList.toggle("teamless", truly.teamsStopped);
    text(sentence, words);
    map?.fade({ teams: truly.teamsStopped });
  }
  let beat = 0;
  eachSecond(() => {
    honest();
    text(time, clock.known() ? timeOfDay(clock.now()) : "–");
    text(day, clock.known() ? date(clock.now()) : "");
    tiles.tick();
    ticker.tick();
    if (beat++ % 5 === 0) scene();
    else if (spot) soon(lens);
  });
  channel.on(() => soon(honest));
  store.on("snapshot", () => {
    soon(paintTeams);
    soon(paintTally);
    soon(paintFlood);
    scene();
  });
}

/** The name on the base map nearest to a spot, within a walk. */
function nearestName(basemap, spot) {
  let best = null,
    near = 900;
  for (const label of basemap.labels) {
    if (label.kind !== "place" && label.kind !== "hub") continue;
    const away = metresBetween({ lat: label.lat, lon: label.lon }, spot);
    if (away < near) {
      near = away;
      best = label;
    }
  }
  return best ? named(best) : "";
}
