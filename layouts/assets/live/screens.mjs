/** Screens: every wall with what it shows, why, and how it is doing; an operator pins, casts and freezes, on one or on all. */

import { $, dress, fill, h, keyed, put, text } from "./dom.mjs";
import { truth, veilSentence } from "./honesty.mjs";
import { eachSecond, soon } from "./loop.mjs";
import { sourceMark } from "./marks.mjs";
import { ageNode, liveMark } from "./parts.mjs";
import { KEYS as SCENES } from "./scenes.mjs";
import { long, span, timeOfDay } from "./time.mjs";
import { codeOf } from "./screen.mjs";
import { Sender } from "./verbs.mjs";
import { figure, lang, person as nameOf, t, word } from "./words.mjs";

const ALL = "*",
  LATE_S = 15, // a wall speaks every ten seconds
  DEAD_S = 35,
  OBEYS_MS = 2000, // a wall shows what is pinned well within it
  OPERATORS = new Set(["dispatcher", "supervisor"]),
  OWNERS = new Set(["supervisor", "administrator"]),
  ORDER = { dead: 0, late: 1, live: 2 };

/** Live, late or dead: by when it was heard last. @param {object|null} wall what it said @param {number} now real ms, as the server counts them */
export function stateOf(wall, now) {
  if (!wall) return "dead";
  const age_s = (now - wall.at_ms) / 1000;
  return age_s > DEAD_S ? "dead" : age_s > LATE_S || wall.gone ? "late" : "live";
}

/** Every screen there is: those that speak, and those that were enrolled and do not. @returns {{id: string, name: string, wall: object|null, wish: object|null, state: string}[]} */
export function screensOf(walls, wishes, now) {
  const spoken = new Set([...walls.values()].filter((wall) => wall.enrolled).map((wall) => wall.name)),
    rows = [...walls.values()].map((wall) => ({ id: wall.id, name: wall.name, wall }));
  for (const wish of wishes.values())
    if (wish.id !== ALL && wish.enrolled_at_ms != null && !spoken.has(wish.id))
      rows.push({ id: wish.id, name: wish.id, wall: null });
  return rows
    .map((row) => ({ ...row, wish: wishes.get(row.name) ?? null, state: stateOf(row.wall, now) }))
    .sort((a, b) => ORDER[a.state] - ORDER[b.state] || (a.name < b.name ? -1 : a.name > b.name ? 1 : a.id < b.id ? -1 : 1));
}

export function mount({ root, store, channel, clock, person }) {
  const sender = new Sender(channel),
    mark = liveMark(),
    time = h("time"),
    lost = $("screens-lost"),
    lostWords = h("b"),
    may = OPERATORS.has(person.role),
    owns = OWNERS.has(person.role);
  let chosen = ALL, // id of the row that the verbs are about
    asking = false;
  fill($("screens-status"), mark, time);
  $("screens-summary").before(mark.chip);
  fill(lost, lostWords, h("button", { type: "button", class: "btn push", onclick: () => channel.now() }, t("label.try_now")));
  dress(lost, "lost");

  /* ---- the verbs ------------------------------------------------------------------------------------------------------ */
  const title = h("h2"),
    said = h("p", { class: "refusal", role: "alert" }),
    hint = h("p", { class: "soft" });
  const button = (key, words, act) =>
    h("button", { type: "button", class: "btn", onclick: () => act(), "aria-keyshortcuts": key }, h("span", null, words), h("kbd", null, key));
  const scenes = SCENES.map((scene, k) => button(String(k + 1), t(`scene_name.${scene}`), () => pin(scene))),
    free = button("0", t("label.director"), () => unpin()),
    cast = button("C", t("verb.cast_incident"), () => ask(true)),
    uncast = button("X", t("verb.end_cast"), () => send("end_cast")),
    freeze = button("F", "", () => send(wishOf()?.frozen_at_ms == null ? "freeze_screen" : "thaw_screen")),
    enrol = button("E", t("verb.enrol_screen"), () => send("enrol_screen", { item: row()?.wall?.sha256 })),
    remove = button("Del", t("verb.remove_screen"), () => send("remove_screen")),
    everything = button("Esc", t("label.all_screens"), () => choose(ALL));
  const number = h("input", { type: "text", inputmode: "numeric", size: 18, "aria-label": t("label.cast_what"), placeholder: t("label.cast_what") }),
    question = h("form", { class: "ask", hidden: true }, h("label", null, t("label.cast_ask"), number), h("kbd", null, "Enter"));
  question.addEventListener("submit", (event) => {
    event.preventDefault();
    castNumber(number.value);
  });
  fill(
    $("screens-desk"),
    h("div", { class: "phead" }, title, hint),
    h("div", { class: "verbs", role: "group", "aria-label": t("label.pin_scene") }, scenes, free),
    h("div", { class: "verbs" }, cast, uncast, freeze, enrol, remove, everything),
    question,
    said,
  );

  const wishOf = () => store.tables.screens.get(target()) ?? null,
    all = () => screensOf(store.screens, store.tables.screens, channel.serverNow()),
    row = () => all().find((one) => one.id === chosen) ?? null,
    target = () => (chosen === ALL ? ALL : (row()?.name ?? ALL));
  const subject = () => `screens ${target()}`;
  function send(verb, fields = {}) {
    if (!(["enrol_screen", "remove_screen"].includes(verb) ? owns : may)) {
      const roles = verb.startsWith("e") && verb !== "end_cast" ? [...OWNERS] : [...OPERATORS];
      sender.refuse(subject(), { verb, code: "not_your_role", args: { role: person.role, verb, roles } });
      return;
    }
    ask(false);
    sender.send(subject(), verb, target(), fields);
  }
  const pin = (scene) => send("pin_scene", { item: scene });
  const unpin = () => send("unpin_scene");
  function ask(open) {
    asking = open && chosen !== ALL;
    question.hidden = !asking;
    if (asking) {
      number.value = "";
      number.focus();
    } else if (document.activeElement === number) number.blur();
  }
  /** "1841", or "1841 20" for twenty minutes. */
  function castNumber(words) {
    const [wanted, minutes] = words.replace("#", "").trim().split(/\s+/).map(Number),
      incident = [...store.tables.incidents.values()].find((one) => one.number === wanted);
    if (!incident) {
      sender.refuse(subject(), { verb: "cast_incident", code: "not_there", args: { target: words.trim(), table: "incidents" } });
      return;
    }
    send("cast_incident", { item: incident.id, ...(minutes ? { minutes } : {}) });
  }
  function choose(id) {
    chosen = id;
    ask(false);
    paint();
  }
  function step(by) {
    const ids = [ALL, ...all().map((one) => one.id)],
      at = Math.max(0, ids.indexOf(chosen));
    choose(ids[Math.min(ids.length - 1, Math.max(0, at + by))]);
    list.querySelector('[aria-pressed="true"]')?.focus();
  }
  const KEYMAP = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    c: () => ask(true),
    x: () => uncast.click(),
    f: () => freeze.click(),
    e: () => enrol.click(),
    Delete: () => remove.click(),
    Escape: () => (asking ? ask(false) : choose(ALL)),
    0: () => free.click(),
    ...Object.fromEntries(scenes.map((one, k) => [k + 1, () => one.click()])),
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof HTMLInputElement && event.key !== "Escape") return;
    const act = KEYMAP[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  function paintVerbs() {
    const one = row(),
      wish = wishOf(),
      frozen = wish?.frozen_at_ms != null;
    text(title, chosen === ALL ? t("label.all_screens") : t("label.one_screen", { name: target() }));
    text(hint, may ? wishWords(wish) : t("label.screens_look_only"));
    scenes.forEach((node, k) => put(node, "aria-pressed", wish?.scene === SCENES[k]));
    free.hidden = !wish?.scene;
    cast.hidden = chosen === ALL;
    uncast.hidden = !wish?.incident;
    text(freeze.firstChild, t(frozen ? "verb.thaw_screen" : chosen === ALL ? "label.freeze_all" : "verb.freeze_screen"));
    enrol.hidden = !owns || !one?.wall || one.wall.enrolled;
    remove.hidden = !owns || chosen === ALL || !wish;
    everything.hidden = chosen === ALL;
    text(said, sender.words(subject()));
  }

  /* ---- the list --------------------------------------------------------------------------------------------------------- */
  const heads = ["scene", "shown_for", "heard", "lag", "paint", "memory", "size"],
    list = h("div", { class: "rows" }),
    none = h("p", { class: "none" }),
    everywhere = h("span", { class: "soft" });
  fill(
    $("screens-table"),
    h("div", { class: "phead" }, h("h2", null, t("label.screens")), everywhere),
    h("div", { class: "srow th" }, h("span"), h("span", null, t("column.screen")), heads.map((name) => h("span", { class: name === "scene" ? "" : "num" }, t(`column.${name}`)))),
    list,
    none,
  );
  function make() {
    const cell = (name) => h("span", { class: "num", "data-label": t(`column.${name}`) }),
      p = {
        disc: h("span"),
        pick: h("button", { type: "button", class: "pick" }),
        scene: h("span", { class: "shows" }),
        what: h("b", { class: "clip" }),
        why: h("span", { class: "soft clip" }),
        heard: ageNode(),
        lag: cell("lag"),
        shown: cell("shown_for"),
        paint: cell("paint"),
        memory: cell("memory"),
        size: cell("size"),
        note: h("p", { class: "said" }),
      };
    p.pick.addEventListener("click", () => choose(node.key_));
    fill(p.scene, p.what, p.why);
    const node = h("div", { class: "srow" }, p.disc, p.pick, p.scene, p.shown, h("span", { class: "num", "data-label": t("column.heard") }, p.heard), p.lag, p.paint, p.memory, p.size, p.note);
    return Object.assign(node, { parts: p });
  }
  function update(node, one) {
    const { disc, pick, what, why, heard, lag, shown, paint: painted, memory, size, note } = node.parts,
      { wall, wish, state } = one,
      now = channel.serverNow();
    node.key_ = one.id;
    dress(node, `srow ${state}${chosen === one.id ? " chosen" : ""}`);
    if (disc.dataset.state !== state) {
      disc.dataset.state = state;
      fill(disc, sourceMark(state, 12, word("source", state)));
    }
    text(pick, one.name);
    put(pick, "aria-pressed", chosen === one.id);
    const mine = !wall?.lang || wall.lang === lang; // what a wall says in another language is its scene here
    text(what, wall ? (mine && wall.title) || word("scene_name", wall.scene) : "–");
    text(why, mine ? (wall?.why ?? "") : "");
    heard.show(wall ? Math.max(0, (now - wall.at_ms) / 1000) : null, DEAD_S);
    text(lag, wall?.lag_ms == null ? "–" : wall.lag_ms < 1000 ? `${wall.lag_ms} ms` : span(wall.lag_ms / 1000));
    text(shown, wall ? span(wall.shown_s + (now - wall.at_ms) / 1000) : "–");
    text(painted, wall?.paint_ms == null ? "–" : `${wall.paint_ms} ms`);
    painted.title = wall?.gap_ms == null ? "" : t("label.longest_gap", { ms: wall.gap_ms });
    text(memory, wall?.heap_mb == null ? "–" : memoryWords(wall));
    text(size, wall ? `${wall.w}×${wall.h}${wall.dpr === 1 ? "" : ` @${figure(wall.dpr)}`}` : "–");
    const sentences = [
      wall && !wall.enrolled ? t("label.not_enrolled", { code: codeOf(wall) }) : "",
      state === "dead" ? t("label.screen_dead", { age: wall ? long((now - wall.at_ms) / 1000) : t("label.long_ago") }) : "",
      wishWords(wish),
      emptyWords(wall, wish),
      wall?.frozen && !wish?.frozen_at_ms ? t("label.frozen") : "",
      wall && channel.build && wall.build && wall.build !== channel.build ? t("label.other_build") : "",
    ].filter(Boolean);
    text(note, sentences.join(" · "));
    note.hidden = !sentences.length;
  }
  /** A pinned scene that this wall has nothing for; said once the wall has spoken since. */
  function emptyWords(wall, wish) {
    const pin = [wish, store.tables.screens.get(ALL)].find((row) => row?.scene),
      obeys = !pin || !wall || wall.frozen || wish?.incident || wall.by === "hand" || wall.scene === pin.scene;
    if (obeys || wall.at_ms < pin.scene_at_ms + OBEYS_MS) return "";
    return t("label.pin_empty", { scene: word("scene_name", pin.scene), shown: word("scene_name", wall.scene) });
  }
  function wishWords(wish) {
    if (!wish) return "";
    const incident = wish.incident && store.tables.incidents.get(wish.incident);
    return [
      wish.frozen_at_ms == null ? "" : t("label.frozen_by", { by: nameOf(wish.frozen_by), time: timeOfDay(wish.frozen_at_ms) }),
      wish.incident
        ? t("label.cast_by", {
            by: nameOf(wish.cast_by),
            number: incident?.number ?? wish.incident,
            left: long(Math.max(0, wish.cast_until_ms - channel.serverNow()) / 1000),
          })
        : "",
      wish.scene ? t("label.pinned_by", { by: nameOf(wish.scene_by), scene: word("scene_name", wish.scene) }) : "",
    ]
      .filter(Boolean)
      .join(" · ");
  }

  function paint() {
    const rows = all();
    if (chosen !== ALL && !rows.some((one) => one.id === chosen)) chosen = ALL;
    keyed(list, rows, (one) => one.id, make, update);
    const common = wishWords(store.tables.screens.get(ALL));
    text(everywhere, common && t("label.on_all", { what: common }));
    none.hidden = rows.length > 0;
    text(none, t(store.seq === null ? "label.loading" : "label.no_screens"));
    keyed(
      $("screens-summary"),
      ["live", "late", "dead"].map((state) => [state, rows.filter((one) => one.state === state).length]),
      ([state]) => state,
      ([state]) => h("span", { class: `sum is-${state}` }, sourceMark(state, 12), h("b")),
      (node, [state, n]) => text(node.lastChild, `${word("source", state)} ${n}`),
    );
    paintVerbs();
  }
  for (const topic of ["walls", "screens", "snapshot"]) store.on(topic, () => soon(paint));
  sender.on(() => soon(paint));
  channel.on(() => soon(honest));

  function honest() {
    const truly = truth(store, channel, clock),
      dead = truly.state === "dead";
    mark.show(truly, clock);
    lost.hidden = !dead;
    root.classList.toggle("lostnow", dead);
    text(lostWords, dead ? veilSentence(truly, clock) : "");
  }
  eachSecond(() => {
    honest();
    text(time, clock.known() ? timeOfDay(clock.now()) : "–");
    soon(paint);
  });
  honest();
  paint();
}

/** "48 MB +0.3/h": the slope only once it means something. */
const memoryWords = ({ heap_mb, slope_mb_h }) =>
  `${Math.round(heap_mb)} MB${slope_mb_h == null ? "" : ` ${slope_mb_h < 0 ? "−" : "+"}${figure(Math.abs(slope_mb_h))}/h`}`;
