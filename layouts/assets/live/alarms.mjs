/** The alarms' health for the supervisor: who chatters, what stands for days, who rings most, the mix of priorities, each seat's load. */

import { fill, h, text } from "./dom.mjs";
import { splitWords } from "./flood.mjs";
import { incidentMark, svg } from "./marks.mjs";
import { count } from "./parts.mjs";
import { ago, long } from "./time.mjs";
import { named, pack, rule, t, word } from "./words.mjs";

const AIM = { 1: 5, 2: 15, 3: 80 }; // per cent, EEMUA 191
const MOST = { chattering: 0, stale: 4, top: 5 }; // what is more than these is worth a look; `top`: per cent of all by ten

export function mountAlarms(box, { store, clock }) {
  const note = h("span", { class: "note" }),
    body = h("div", { class: "alarms" });
  fill(box, h("div", { class: "phead" }, h("h2", null, t("alarms.title")), note), body);
  const share = (n, all) => (all ? Math.round((100 * n) / all) : 0);

  function list(name, over, rows, none) {
    return h(
      "div",
      { class: "part" },
      h("h3", null, t(`alarms.${name}`), over !== null && h("b", { class: over.high ? "high" : "" }, over.words)),
      h("p", { class: "soft" }, t(`alarms.${name}_hint`)),
      rows.length ? h("ol", null, rows) : h("p", null, t(none)),
    );
  }
  const line = (what, ...more) => h("li", null, h("b", { class: "clip", title: what }, what), more.map((one) => h("span", null, one)));

  function paint() {
    const { health } = store,
      now = clock.now();
    text(note, health ? "" : t("label.loading"));
    if (!health) return;
    const { chattering, stale, top, mix, seats } = health,
      ten = top.rows.reduce((sum, [, n]) => sum + n, 0),
      all = mix.reduce((a, b) => a + b, 0);
    fill(
      body,
      list(
        "chattering",
        { words: count(chattering.n), high: chattering.n > MOST.chattering },
        chattering.rows.map(([who, n, at_ms]) => line(who, t("alarms.turns", { n }), ago((now - at_ms) / 1000))),
        "alarms.none",
      ),
      list(
        "stale",
        { words: count(stale.n), high: stale.n > MOST.stale },
        stale.rows.map(([who, key, at_ms]) => line(who, named(rule(key)) || key, long((now - at_ms) / 1000))),
        "alarms.none",
      ),
      list(
        "top",
        top.all > 0 ? { words: `${share(ten, top.all)} %`, high: top.n > 10 && share(ten, top.all) > MOST.top } : null,
        top.rows.map(([who, n]) => line(who, count(n), `${share(n, top.all)} %`)),
        "alarms.none",
      ),
      list(
        "mix",
        null,
        [1, 2, 3].map((p) =>
          h(
            "li",
            { class: share(mix[p - 1], all) > AIM[p] && p < 3 ? "high" : "" },
            h("b", null, svg(incidentMark(p), 16, { name: t("label.priority", { p }) }), `${share(mix[p - 1], all)} %`),
            h("span", null, count(mix[p - 1])),
            h("span", null, t("alarms.aim", { n: AIM[p] })),
          ),
        ),
        "alarms.none",
      ),
      list(
        "seats",
        null,
        Object.entries(seats).map(([id, seat]) => {
          const name = named((pack().seats ?? []).find((one) => one.id === id)) || word("role", seat.role);
          return h(
            "li",
            { class: `seat${seat.load > 10 ? " high" : ""}` },
            h("b", { class: "clip" }, name === id ? name : `${name} ${id}`),
            h("span", null, t("label.per_10min", { n: seat.load })),
            seat.load > 10 && h("p", null, splitWords(seat)),
          );
        }),
        "alarms.none",
      ),
    );
  }
  store.on("health", paint);
  store.on("snapshot", paint);
  paint();
}
