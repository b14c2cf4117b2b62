/** What a wall may know: visitors read it, so the classes that the city pack hides or dims there are kept from it. Knows no element.
 *
 * hidden: no place, no word, no mark; counted all the same. dimmed: a mark where it is, and no word. */

import { TABLES } from "./store.mjs";
import { pack, rule, t } from "./words.mjs";

const STRICT = { normal: 0, dimmed: 1, hidden: 2 };

/** The store as a wall sees it; `whole` is the true one, for what is only counted. To be made before anybody else listens to the store.
 * @param {import("./store.mjs").Store} store @returns {import("./store.mjs").Store & {whole: import("./store.mjs").Store}} */
export function discreet(store) {
  const classes = Object.entries(pack().categories).filter(([, one]) => (one.wall ?? "normal") !== "normal");
  if (!classes.length) return store;
  const of = new Map(classes.map(([key, one]) => [key, one.wall])),
    incidents = new Map(),
    alerts = new Map(),
    secret = new Set(), // sensors whose alert is hidden
    tables = { incidents, alerts };
  for (const name of TABLES) if (!tables[name]) Object.defineProperty(tables, name, { get: () => store.tables[name] });
  const strictest = (...keys) =>
    keys.map((key) => of.get(key) ?? "normal").reduce((a, b) => (STRICT[b] > STRICT[a] ? b : a));
  const incidentOf = (row) => (row.incident ? store.tables.incidents.get(row.incident) : undefined);

  function keep(table, id, row, wall, dim) {
    if (!row || wall === "hidden") table.delete(id);
    else table.set(id, wall === "dimmed" ? { ...row, ...dim, dimmed: true } : row);
  }
  function incident(id) {
    const row = store.tables.incidents.get(id);
    keep(incidents, id, row, row && strictest(row.category), {
      category: t("wall.dimmed"),
      where_zh: t("wall.no_place"),
      where_en: t("wall.no_place"),
    });
  }
  function alert(id) {
    const row = store.tables.alerts.get(id),
      wall = row && strictest(rule(row.rule)?.category, incidentOf(row)?.category, row.subject.split("@")[0]);
    keep(alerts, id, row, wall, { where_zh: "", where_en: "" });
    if (!row) return;
    if (wall === "hidden" && row.state !== "normal") secret.add(row.subject);
    else secret.delete(row.subject);
  }
  const all = () => {
    for (const id of new Set([...incidents.keys(), ...store.tables.incidents.keys()])) incident(id);
    for (const id of new Set([...alerts.keys(), ...store.tables.alerts.keys()])) alert(id);
  };
  all();
  store.on("incidents", (ids) => {
    ids.forEach(incident);
    for (const [id, row] of store.tables.alerts) if (row.incident && ids.has(row.incident)) alert(id);
  });
  store.on("alerts", (ids) => ids.forEach(alert));
  const seen = { tables, whole: store, hides: (sensor) => secret.has(sensor) }; // hides: its mark would show where a hidden one is
  return new Proxy(store, {
    get(_, key) {
      if (key in seen) return seen[key];
      const found = store[key];
      return typeof found === "function" ? found.bind(store) : found;
    },
  });
}
