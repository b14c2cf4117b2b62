/** The console: queue · map · teams and the selected incident, put together; what a verb asks; what a key does. */

import { askFields, askReason, spotsFor } from "./asking.mjs";
import { Bulk } from "./bulk.mjs";
import { Calls } from "./calls.mjs";
import { known as cameras } from "./cameras.mjs";
import { askScreen, CASTS } from "./casting.mjs";
import { Claims } from "./claims.mjs";
import { CommandLine } from "./commandline.mjs";
import { Conflicts } from "./conflict.mjs";
import { Detail } from "./detail.mjs";
import { $, dress, fill, h, text } from "./dom.mjs";
import { floodNotice } from "./flood.mjs";
import { Filter, filterLine } from "./filter.mjs";
import { Shown, freezeButton } from "./freeze.mjs";
import { pictureOf, sourceSentence, truth } from "./honesty.mjs";
import { Mine } from "./hold.mjs";
import { Handover } from "./handover.mjs";
import { keyMap, listen } from "./keys.mjs";
import { isOpen } from "./lifecycle.mjs";
import { eachSecond, soon } from "./loop.mjs";
import { CityMap, DESK } from "./map.mjs";
import { MapDesk } from "./mapdesk.mjs";
import { icon } from "./marks.mjs";
import { openAsked, takeAlong } from "./opening.mjs";
import { rings as ringsAgain } from "./orders.mjs";
import { face, leftNode, liveMark, separator, timeLeft } from "./parts.mjs";
import { Queue } from "./queue.mjs";
import { frameOf } from "./scene.mjs";
import { Sound, pulse, soundButton, whatOf } from "./sound.mjs";
import { Advice, Crew, Timers, Tray } from "./teams.mjs";
import { long, timeOfDay } from "./time.mjs";
import { Sender, notYours, verbsOf } from "./verbs.mjs";
import { t, where, word } from "./words.mjs";
import { KEYS, askWords, reached, writes } from "./writing.mjs";

const TOPICS = ["changes", "telemetry", "kpi", "health"];
/** Left, and not over: what a recall reaches. */
const SENT = new Set(["sent", "delivered", "seen", "accepted", "en_route", "on_scene"]);
const TEAM_QUESTION = { dispatch_team: "ask.team", verify: "ask.team_verify", check: "ask.team_check" };

export function mount({ root, store: live, channel, clock, person, basemap, pack }) {
  const store = (window.comis.shown = new Shown(live, clock)),
    shown_at = store.clock,
    sound = (window.comis.sound = new Sound({
      store: live,
      channel,
      person,
      waits: (row) => store.frozen && row.priority !== 1,
    })),
    freeze = freezeButton(store);
  const sender = new Sender(channel),
    mine = new Mine(person),
    help = keyMap($("dispatch-keys"), person.role);
  let map = null,
    truly = null,
    question = null,
    placing = null;

  /* ---- the bar ----------------------------------------------------------------------------------------------------------- */
  const mark = liveMark(),
    time = h("time"),
    lost = $("dispatch-lost"),
    lostTitle = h("b"),
    lostWords = h("span"),
    again = h("button", { type: "button", class: "btn keep push", onclick: () => channel.now() }, t("label.try_now"));
  text(
    $("dispatch-seat"),
    [word("role", person.role), person.seat && t("label.seat", { seat: person.seat })].filter(Boolean).join(" "),
  );
  fill(
    $("dispatch-status"),
    freeze.node,
    soundButton(sound),
    mark,
    time,
    person.name || person.seat ? face(person.name || person.seat, true) : null,
  );
  fill(lost, lostTitle, lostWords, again);
  dress(lost, "lost");

  /* ---- panels -------------------------------------------------------------------------------------------------------------- */
  const claims = new Claims({ store, live, channel, sender, person, selected: () => selected });
  const conflicts = new Conflicts({
    store,
    sender,
    again: ({ verb, target, fields }) => go(verb, target, { ...fields, ...versionOf(target) }),
    told: () => soon(() => detail.draw()),
  });
  const queue = (window.comis.queue = new Queue($("dispatch-queue"), {
    store,
    clock: shown_at,
    person,
    sender,
    claims,
    onPick: (what) => select(what, "queue"),
  }));
  pulse(queue.head, sound);
  const calls = new Calls(person);
  const detail = new Detail($("dispatch-incident"), {
    store,
    clock: shown_at,
    person,
    channel,
    sender,
    claims,
    conflicts,
    calls,
    act,
    onClaim: () => claim(),
    onWrite: (verb) => compose(verb),
    onResend: (order) => resend(order),
  });
  const filters = (window.comis.filter = new Filter(live)),
    narrowed = filterLine(filters, () => queue.hidden);
  const notice = floodNotice({ store: live, channel, person, rows: () => queue.groups });
  queue.head.after(notice, narrowed);
  for (const topic of ["floods", "health", "snapshot", "heartbeat"]) live.on(topic, () => soon(notice.draw));
  queue.onCounted = narrowed.draw;
  filters.on(() => {
    queue.narrow((table, row) => filters.hides(table, row));
    crew.draw();
    map?.dim((table, row) => filters.hides(table, row));
    narrow.hidden = !filters.active;
    fill(narrow, filters.words, icon("close", 13));
  });
  detail.onOpen = (table, id) => (table === "incidents" ? pickIncident(id) : pickRow(table, id));
  detail.onBack = () => {
    queue.pick(null);
    select(null, "back");
  };
  const bulk = (window.comis.bulk = new Bulk({
    store,
    queue,
    person,
    sender,
    clock,
    ask,
    follow: () => follow(),
    sent: (incident, team) => mine.note(incident, team),
    pick: (table, id) => pickRow(table, id),
  }));
  const advice = new Advice($("dispatch-advice"), {
    store,
    clock: shown_at,
    person,
    onSend: (team) => send(team),
    onOverride: (team) => override(team),
    onShown: advised,
    allowed: () => channel.open && person.role === "dispatcher",
    asked: () => Boolean(question?.again),
  });
  const crew = new Crew($("dispatch-teams"), {
    store,
    clock: shown_at,
    calls,
    onPick: (id) => select({ table: "teams", id }, "teams"),
  });
  crew.hides = (team) => filters.hidesTeam(team);
  const pickRow = (table, id) => {
    queue.pick(`${table} ${id}`);
    if (!queue.keys.includes(`${table} ${id}`)) select({ table, id }, "list");
  };
  const pickIncident = (id) => pickRow("incidents", id);
  new Tray($("dispatch-tray"), {
    store,
    clock: shown_at,
    running: clock,
    channel,
    person,
    mine,
    onPick: pickIncident,
    onTakeBack: (order) => takeBack(order),
    onResend: (order) => resend(order),
  });
  new Timers($("dispatch-timers"), {
    store,
    clock: shown_at,
    person,
    onPick: (table, id) => {
      if (table === "incidents") pickIncident(id);
      else {
        queue.show("later");
        pickRow(table, id);
      }
    },
    leftNode,
    timeLeft,
  });

  const handover = new Handover({ root, store: live, clock, channel, sender, onPick: pickRow });

  const chips = h("div", { class: "maptop" }),
    filter = h("button", { type: "button", class: "chip", hidden: true, onclick: () => select(null, "chip") }),
    narrow = h("button", { type: "button", class: "chip", hidden: true, onclick: () => filters.set([]) }),
    stale = h("span", { class: "chip stale", hidden: true }),
    rings = h("button", { type: "button", class: "chip rings", hidden: true, onclick: () => toRing() });
  const desk = (window.comis.mapdesk = new MapDesk($("dispatch-overlay"), chips, {
    onPick: ({ table, id }) => {
      if (table === "incidents") pickIncident(id);
      else if (table !== "sensors") select({ table, id }, "map");
    },
    onStar: () => refit(),
  }));
  fill(chips, rings, handover.chip, freeze.chip, mark.chip, narrow, filter, stale);

  /* ---- what rings ------------------------------------------------------------------------------------------------------------ */
  sound.on(() => soon(drawRing));
  store.on("frozen", (on) => {
    if (!on) sound.catchUp(); // what came meanwhile sounds once together
  });
  function drawRing() {
    const { ring } = sound;
    rings.hidden = !ring;
    if (!ring) return;
    const { table, row } = ring.first,
      number = table === "incidents" ? `#${row.number} ` : "",
      what = `${number}${[whatOf(table, row), where(row)].filter(Boolean).join(separator)}`;
    const key = `${what} ${ring.keys.length}`;
    if (rings.dataset.key === key) return;
    rings.dataset.key = key;
    dress(rings, `chip rings p${row.priority}`);
    fill(
      rings,
      icon("sound"),
      h("span", { role: "alert", class: "clip" }, t("label.rings", { what })),
      ring.keys.length > 1 && h("span", null, `+${ring.keys.length - 1}`),
      h(
        "span",
        { class: "keys" },
        h("kbd", null, "A"),
        t("key.acknowledge"),
        h("kbd", null, "T"),
        t("verb.claim"),
        h("kbd", null, "Esc"),
        t("label.silence"),
      ),
    );
  }
  function toRing() {
    const { table, id } = sound.ring.first;
    store.work(table, id); // asked for: it is shown though the page be frozen
    pickRow(table, id);
  }
  /** A while something rings: the ringing item is acknowledged, unless the selected row itself waits for this key. Where the person has another row
   * in hand, the first A only goes there: it may have been meant for that one. */
  function answerRing() {
    if (!sound.ring || question) return false;
    const { table, id } = sound.ring.first,
      acknowledges = (what) =>
        verbsOf(what.table, store.tables[what.table]?.get(what.id) ?? {}, person.role).find(({ key }) => key === "A");
    if (selected?.table !== table || selected.id !== id) {
      if (selected && acknowledges(selected)) return false;
      const other = selected || queue.hand.here;
      toRing();
      if (other) return true;
    }
    const one = acknowledges({ table, id });
    if (one) {
      queue.touch();
      actOn(one);
    }
    return true;
  }
  /** T while something rings: the ringing item is taken in hand, so that nobody else runs for it; a row that has a verb on this key keeps it. */
  function takeRing() {
    if (!sound.ring || question) return false;
    const { table, id } = sound.ring.first,
      has = (what) =>
        what && verbsOf(what.table, store.tables[what.table]?.get(what.id) ?? {}, person.role).some(({ key }) => key === "T");
    if (has(selected)) return false;
    if (selected?.table !== table || selected.id !== id) toRing();
    if (!has(selected) && !claims.of(selected)?.mine) claim();
    return true;
  }

  /* ---- selection -------------------------------------------------------------------------------------------------------------- */
  let selected = null,
    following = 0;
  function select(what, from) {
    selected = what;
    map?.ring(null);
    if (what) handover.close();
    if (!question?.in) question = null; // one about marked rows stays while the person looks at another
    placing = null;
    const row = what && store.tables[what.table]?.get(what.id),
      incident = what?.table === "incidents";
    if (what?.table === "teams") {
      const team = store.tables.teams.get(what.id),
        order = team?.active && store.tables.assignments.get(team.active);
      map?.select(what);
      look(what);
      if (order) {
        pickIncident(order.incident);
      }
      return;
    }
    if (from !== "queue") {
      const key = what && `${what.table} ${what.id}`;
      queue.selected = key;
      queue.draw();
    }
    detail.show(what);
    advice.show(incident ? what.id : null);
    crew.show(row ?? null);
    root.classList.toggle("nothing", !what);
    map?.select(what);
    if (what && from === "queue") look(what);
    filter.hidden = !what;
    if (what)
      fill(filter, incident ? t("label.filtered", { what: `#${row.number}` }) : t("label.selected"), icon("close", 13));
    clearTimeout(following);
    following = setTimeout(follow, from === "queue" ? 90 : 0);
  }
  /** The details of the selected incident, and of those that are planned for. */
  function follow() {
    const kind = { incidents: "incident", cameras: "camera" }[selected?.table],
      own = kind ? [`${kind}:${selected.id}`] : [];
    channel.follow([...TOPICS, ...new Set([...own, ...bulk.topics])]);
  }
  /** Bring the selected into the picture, as long as nobody has taken the map in hand. */
  function look(what) {
    if (!map || map.locked) return;
    const row = store.tables[what.table]?.get(what.id),
      live = what.table === "teams" ? store.telemetry.teams.get(what.id) : null;
    if (!row || (row.lat == null && !live)) return;
    map.leaflet.invalidateSize({ animate: false, pan: false }); // the panel below may just have opened
    const lat = live?.[0] ?? row.lat,
      lon = live?.[1] ?? row.lon,
      at = map.point(lat, lon),
      margin = 60;
    if (at.x < margin || at.y < margin || at.x > map.w - margin || at.y > map.h - margin || map.zoom < 13)
      map.fit(lat, lon, Math.max(map.zoom, 13.75));
  }
  function refit() {
    if (!map) return;
    map.locked = false;
    const points = [...store.tables.teams.values()]
      .filter((row) => row.shown !== "off")
      .map((row) => [row.lat, row.lon])
      .concat([...store.tables.incidents.values()].filter(isOpen).map((row) => [row.lat, row.lon]));
    const frame = frameOf(points);
    if (frame) map.fitBounds(frame);
    else map.fit(pack.view[0], pack.view[1], pack.view[2]);
    desk.hint();
  }
  function advised(id, rows) {
    const row = store.tables.incidents.get(id);
    crew.show(
      row ?? null,
      rows.map((one) => one.team),
    );
    if (question?.again && selected?.id === id) question.again();
    if (!map) return;
    const teams = new Map(),
      ways = new Map();
    if (row?.state === "pending_dispatch")
      rows.forEach((one, k) => {
        const live = store.telemetry.teams.get(one.team),
          team = store.tables.teams.get(one.team),
          from = live ?? (team && [team.lat, team.lon]);
        if (!from) return;
        teams.set(one.team, {
          best: k === 0,
          words: `${one.eta_s < 60 ? "<1" : Math.round(one.eta_s / 60)} ${t("unit.min_short")}`,
        });
        ways.set(one.team, [
          [from[0], from[1]],
          [row.lat, row.lon],
        ]);
      });
    map.advise(teams, ways);
  }

  /* ---- verbs ------------------------------------------------------------------------------------------------------------------- */
  const subject = () => (selected ? `${selected.table} ${selected.id}` : "");
  /** One question at a time: beside the marked rows that it is about, else in the panel of the selected one. */
  function ask(next) {
    question = next && { ...next, cancel };
    bulk.show(next?.in ? question : null);
    detail.ask(next?.in ? null : question);
  }
  /** A reason in words of one's own. */
  function write() {
    const field = (question.in ?? detail.parts?.ask)?.querySelector("input");
    field?.focus();
    return Boolean(field);
  }
  function cancel() {
    placing = null;
    ask(null);
  }

  /** `seen`: the version of the row when the question was put; new advice asks again, but what the person decided on stays. */
  function act(one, seen) {
    if (bulk.many && bulk.begin(one.key)) return;
    actOn(one, seen);
  }
  /** The verb on the selected row alone. */
  function actOn(one, seen) {
    if (!selected) return;
    const { table, id } = selected,
      row = store.tables[table].get(id);
    if (!row) return;
    sender.dismiss(subject());
    const version = table === "incidents" ? { version: seen ?? row.version } : {};
    const run = (fields = {}, verb = one.verb, target = one.target ?? id) => {
      ask(null);
      return go(verb, target, { ...version, ...fields });
    };
    if (one.ask === "team") {
      const choices = advice.offered;
      ask({
        again: () => actOn(one, version.version),
        title: t(TEAM_QUESTION[one.verb], { number: row.number }),
        hint: choices.length ? t("ask.team_hint") : t("label.no_team_fits"),
        options: choices.map((choice, k) => ({
          key: String(k + 1),
          label: t(choice.blocked ? "label.choice_reason" : "label.choice", {
            team: store.tables.teams.get(choice.team)?.call ?? choice.team,
            minutes: Math.max(1, Math.round(choice.eta_s / 60)),
          }),
          run: () =>
            choice.blocked
              ? askReason("break", ask, (reason) => run({ team: choice.team, reason }))
              : run({ team: choice.team }),
        })),
      });
    } else if (one.ask === "assignment") {
      const orders = row.assignments.map((key) => store.tables.assignments.get(key)).filter(Boolean),
        recall = (order) => run({ version: order.version }, order.state === "held" ? "take_back" : "recall", order.id);
      if (orders.length === 1) (orders[0].state === "held" ? recall : askRecall)(orders[0]);
      else
        ask({
          title: t("ask.recall"),
          options: orders.map((order, k) => ({
            key: String(k + 1),
            label: `${store.tables.teams.get(order.team)?.call ?? order.team} ${word("step", order.state)}`,
            run: () => recall(order),
          })),
        });
    } else if (one.ask === "place") {
      placing = { id };
      const middle = map && map.w > 0 ? map.leaflet.getCenter() : null,
        spots = spotsFor(row, world().places, middle && { lat: middle.lat, lon: middle.lng });
      ask({
        title: t("ask.place"),
        hint: row.address || row.text,
        options: spots.map(({ words, lat, lon }, k) => ({ key: String(k + 1), label: words, run: () => place(lat, lon) })),
      });
    } else askFields(one, { ask: (question) => ask(conflicts.offered(question, subject(), one.verb)), now: () => clock.now(), store, row }, run);
  }
  /** It is here, by a click or by a key. */
  function place(lat, lon) {
    const { id } = placing;
    placing = null;
    ask(null);
    go("place", id, { lat: Math.round(lat * 1e6) / 1e6, lon: Math.round(lon * 1e6) / 1e6 });
  }
  /** Q: the selected item is taken in hand, or let go of; a supervisor who takes it from somebody says why. */
  function claim() {
    queue.touch();
    return claims.press(selected, (then, who) =>
      askReason(
        "take_over",
        (question) => ask({ ...question, title: t("claim.take_reason", { who }) }),
        (reason) => {
          ask(null);
          then(reason);
        },
      ),
    );
  }
  const versionOf = (target) => {
    const row = store.tables.incidents.get(target) ?? store.tables.assignments.get(target);
    return row ? { version: row.version } : {};
  };

  /** Send a team to the selected incident; one on a break needs a reason, which is asked for and journaled. */
  function send(team) {
    if (selected?.table !== "incidents") return;
    const row = store.tables.incidents.get(selected.id);
    if (!row || !channel.open || person.role !== "dispatcher") return;
    ask(null);
    go("dispatch_team", row.id, { version: row.version, team });
  }

  /** A team against which something stands that a reason lifts: the reason is asked for and journaled. */
  function override(team) {
    const row = selected?.table === "incidents" && store.tables.incidents.get(selected.id);
    if (!row || !channel.open) return;
    const { version } = row;
    askReason("break", ask, (reason) => {
      ask(null);
      go("dispatch_team", row.id, { version, team, reason });
    });
  }
  /** An order that nobody answers rings once more; the answer stands beside its incident. */
  function resend(order) {
    queue.touch();
    sender.send(`incidents ${order.incident}`, "resend", order.id);
  }
  /** `;`: what waits longest for an answer, of the selected incident or of all, rings once more; of several the person says which. */
  function resendLate() {
    const waits = [...store.tables.assignments.values()]
        .filter((order) => order.late && ringsAgain(order, person.role))
        .sort((a, b) => a.sent_at_ms - b.sent_at_ms),
      here = waits.filter((order) => selected?.table === "incidents" && order.incident === selected.id);
    if (!waits.length) return false;
    if (!here.length) {
      pickIncident(waits[0].incident); // seen first, then sent: the next one does it
      return true;
    }
    if (here.length === 1) resend(here[0]);
    else
      ask({
        title: t("ask.resend"),
        options: here.slice(0, 9).map((order, k) => ({
          key: String(k + 1),
          label: `${store.tables.teams.get(order.team)?.call ?? order.team} ${word("late", order.late)}`,
          run: () => {
            ask(null);
            resend(order);
          },
        })),
      });
    return true;
  }
  const SIGNS = {
    "#": () => calls.toggle(),
    ";": () => resendLate(),
    [KEYS.note]: () => compose("note"),
    [KEYS.message]: () => compose("message"),
    [CASTS]: () => castSelected(),
  };
  /** The selected incident on a wall, for five minutes. */
  function castSelected() {
    const row = selected?.table === "incidents" && store.tables.incidents.get(selected.id);
    if (!row || !["dispatcher", "supervisor"].includes(person.role)) return false;
    sender.dismiss(subject());
    askScreen(store, row, ask, (screen) => {
      ask(null);
      sender.send(`incidents ${row.id}`, "cast_incident", screen, { item: row.id });
    });
    return true;
  }
  /** A note about the selected incident, or a message to its teams. */
  function compose(verb) {
    const row = selected?.table === "incidents" && store.tables.incidents.get(selected.id);
    if (!row || !writes(person.role) || (verb === "message" && !reached(store, row.id).length)) return false;
    sender.dismiss(subject());
    askWords(verb, row, store, ask, (fields) => {
      ask(null);
      queue.touch();
      sender.send(`incidents ${row.id}`, verb, row.id, fields);
    });
    return true;
  }

  /** A held order is not sent after all; the answer stands beside its incident. */
  function takeBack(order) {
    queue.touch();
    sender.send(`incidents ${order.incident}`, "take_back", order.id, { version: order.version });
  }
  /** Ctrl+Z: the newest order that this person holds is taken back; where it has left already, whether to recall it is asked in the panel. */
  function undo() {
    const held = mine.newest(store, (order) => order.state === "held");
    if (held) {
      takeBack(held);
      return;
    }
    const newest = mine.newest(store);
    if (!newest || !SENT.has(newest.state)) {
      line.say(t("hold.nothing"));
      return;
    }
    pickIncident(newest.incident);
    askRecall(newest);
  }
  /** An order that has left is not called back by one key: a team is on its way. */
  function askRecall(order) {
    ask({
      title: t("ask.recall_newest", {
        team: store.tables.teams.get(order.team)?.call ?? order.team,
        number: order.number ?? live.tables.incidents.get(order.incident)?.number,
      }),
      hint: t("ask.recall_left", { at_ms: order.sent_at_ms, state: order.state }),
      options: [
        {
          key: "1",
          label: t("verb.recall"),
          run: () => {
            ask(null);
            go("recall", order.id, { version: live.tables.assignments.get(order.id)?.version });
          },
        },
      ],
    });
  }

  /** After these the same row needs this seat's next verb: a dispatcher who files also sends. */
  const stays = new Set([
    "acknowledge_incident",
    "recall",
    "take_back",
    ...(person.role === "dispatcher" ? ["accept", "file"] : []),
  ]);

  async function go(verb, target, fields) {
    if (selected) store.work(selected.table, selected.id);
    const from = subject(),
      keyboard = queue.box.contains(document.activeElement) || document.activeElement === document.body;
    queue.touch();
    const done = await sender.send(from, verb, target, fields);
    if (done && verb === "dispatch_team") mine.note(target, fields.team);
    if (done && subject() === from && keyboard && !stays.has(verb)) queue.next();
    return done;
  }

  /* ---- keys --------------------------------------------------------------------------------------------------------------------- */
  const line = new CommandLine($("dispatch-command"), { world, carryOut });
  listen({
    onFirst: (event) => desk.first(event) || (event.key === "0" && question?.text ? write() : bulk.press(event) || (!event.altKey && queue.turn(event.key))),
    onMove: (by) => queue.move(by),
    onTab: (index) => queue.show(["decide", "hand", "others", "no_place", "later"][index]),
    onEscape: (event) => {
      if (event.target === line.field) {
        line.clear();
        return;
      }
      if (help.close() || handover.close() || desk.back()) return;
      if (question) {
        cancel();
        return;
      }
      if (sound.silence()) return;
      if (bulk.back()) return;
      if (selected && sender.refused.has(subject())) {
        sender.dismiss(subject());
        return;
      }
      if (selected) {
        queue.pick(null);
        select(null, "escape");
      } else if (filters.active) filters.set([]);
    },
    onCommand: () => line.focus(),
    onHelp: () => help.toggle(),
    onStar: refit,
    onUndo: undo,
    onEnter: () => {
      if (map?.measuring) return desk.measure.putHere();
      if (question?.options.length) {
        question.options[0].run();
        return true;
      }
      return false;
    },
    onDigit: (digit) => {
      const option = question?.options.find(({ key }) => key === String(digit));
      option?.run();
      return Boolean(option) || (!question && conflicts.choose(subject(), digit));
    },
    onFreeze: freeze.press,
    onSign: (sign) => (SIGNS[sign] ? SIGNS[sign]() : desk.press(sign)),
    onPrint: () => window.open(`/dispatch/print${location.search}`, "_blank"),
    onLetter: (letter) => {
      if (bulk.many && bulk.begin(letter)) return true;
      if (letter === "A" && answerRing()) return true;
      if (letter === "T" && takeRing()) return true;
      if (letter === "Q") return claim();
      if (letter === "H") return handover.toggle();
      if (letter === "N") {
        queue.take();
        return true;
      }
      if (!selected) {
        if (queue.keys.length) {
          queue.pick(queue.keys[0], true);
        }
        return false;
      }
      const row = store.tables[selected.table]?.get(selected.id),
        one = row && verbsOf(selected.table, row, person.role).find(({ key }) => key === letter);
      if (one) {
        queue.touch();
        act(one);
        return true;
      }
      const refused = row && notYours(selected.table, row, person.role, letter);
      if (refused) {
        queue.touch();
        sender.refuse(subject(), refused);
      }
      return Boolean(refused);
    },
  });
  /** What the command line reads in: rows of now, who sits here, what a verb without targets is for. */
  function world() {
    const chosen = queue.targets().map((key) => ({ key, ...queue.entryOf(key) }));
    return {
      store: live,
      role: person.role,
      now: () => clock.now(),
      chosen: () => (chosen.length || !selected ? chosen : [selectedEntry()].filter(({ row }) => row)),
      places: [...basemap.labels, ...Object.values(pack.places ?? {})],
      cameras: [...cameras.values()],
      panels: ["keys", "handover"],
    };
  }
  const selectedEntry = () => ({ key: subject(), ...selected, row: live.tables[selected.table]?.get(selected.id) });
  /** Do what a line meant. @returns {boolean} whether that could be done */
  function carryOut(meant, atOnce) {
    if (meant.kind === "dispatch") sendAll(meant);
    else if (meant.kind === "recall") recallAll(meant.orders);
    else if (meant.kind === "verb") carryOutVerb(atOnce && !meant.fields ? { ...meant, fields: meant.fallback } : meant);
    else if (meant.kind === "claim") claimAll(meant);
    else if (meant.kind === "find") {
      store.work("incidents", meant.incident.id);
      pickIncident(meant.incident.id);
      desk.show("incidents", meant.incident.id);
    } else if (meant.kind === "team") {
      select({ table: "teams", id: meant.team.id }, "command");
      desk.show("teams", meant.team.id);
    } else if (meant.kind === "camera") {
      desk.found(meant.camera);
      select({ table: "cameras", id: meant.camera.id }, "command");
    } else if (meant.kind === "place") desk.found(meant.place);
    else if (meant.kind === "filter") filters.set(meant.terms);
    else if (meant.kind === "panel") (meant.panel === "handover" ? handover : help).toggle();
    else return false;
    return true;
  }
  function claimAll({ family, items }) {
    for (const { table, id } of items) {
      store.work(table, id);
      pickRow(table, id);
      if (Boolean(claims.of({ table, id })?.mine) === (family === "release")) claim();
    }
  }
  async function sendAll({ verb, incident, teams, fields }) {
    store.work("incidents", incident.id);
    pickIncident(incident.id);
    for (const team of teams) {
      const { version } = store.tables.incidents.get(incident.id);
      await go(verb, incident.id, { version, team: team.id, ...fields });
    }
  }
  function recallAll(orders) {
    if (orders.length > 1) {
      bulk.recall(orders);
      return;
    }
    const [{ id, state, incident, version }] = orders;
    store.work("incidents", incident);
    pickIncident(incident);
    go(state === "held" ? "take_back" : "recall", id, { version });
  }
  function carryOutVerb(meant) {
    if (meant.items.length > 1) {
      bulk.carryOut(meant);
      return;
    }
    const [{ table, id, one }] = meant.items;
    store.work(table, id);
    pickRow(table, id);
    const row = store.tables[table].get(id),
      version = table === "incidents" ? { version: row.version } : {};
    if (meant.fields) go(one.verb, one.target ?? id, { ...version, ...meant.fields });
    else actOn(one);
  }

  calls.load();

  /* ---- map ----------------------------------------------------------------------------------------------------------------------- */
  window.comis.map.then((leaflet) => {
    map = new CityMap(leaflet, store, basemap, {
      sizes: DESK,
      clock: shown_at,
      onView: (seen) => {
        store.look();
        channel.look(seen);
      },
      onPick: (hit) => placing || map.measuring || desk.click(hit),
    });
    window.comis.city_map = map;
    leaflet.on("click", ({ latlng }) => {
      if (placing) place(latlng.lat, latlng.lng);
    });
    desk.take(map);
    let first = true;
    const begin = () => {
      if (first && store.tables.teams.size + store.tables.incidents.size) {
        first = false;
        refit();
      }
    };
    begin();
    store.on("snapshot", begin);
  });
  takeAlong(() => selected);
  openAsked(live, (table, id) => (table === "teams" ? select({ table, id }, "teams") : pickRow(table, id)));

  /* ---- honesty -------------------------------------------------------------------------------------------------------------------- */
  function honest() {
    truly = truth(live, channel, clock);
    mark.show(truly, clock);
    const dead = truly.state === "dead";
    root.classList.toggle("lostnow", dead);
    root.classList.toggle("veiled", dead || truly.teamsStopped);
    lost.hidden = !dead;
    if (dead) {
      text(lostTitle, t(`honesty.lost_${truly.link.reason}`, { age: long(truly.link.since_s) }));
      const wait_s = channel.next_try_at === null ? 0 : Math.max(0, (channel.next_try_at - performance.now()) / 1000);
      text(
        lostWords,
        truly.link.reason !== "link"
          ? t("honesty.lost_behind", { time: pictureOf(truly, clock) })
          : t("honesty.lost_more", {
              time: pictureOf(truly, clock),
              attempt: Math.max(1, channel.attempt),
              wait: Math.ceil(wait_s),
              waiting: channel.waiting.size,
            }),
      );
    }
    const worst = truly.late.find((row) => row.state === "dead");
    stale.hidden = !dead && !worst;
    text(
      stale,
      dead
        ? t("honesty.picture_of", { time: pictureOf(truly, clock) })
        : worst
          ? sourceSentence(worst)
          : "",
    );
    map?.fade({ teams: truly.teamsStopped });
  }
  eachSecond(() => {
    honest();
    freeze.draw();
    text(time, clock.known() ? timeOfDay(clock.now()) : "–");
  });
  channel.on(() => soon(honest));
  honest();
  root.classList.add("nothing");
}
