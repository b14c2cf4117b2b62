/** Setting up a wall: whoever hangs it types distance and width in metres, reads what type that makes and whether the picture is large enough.
 *
 * Kept by the screen itself; opened by S, or by `?setup=1` in the address. */

import { fill, h, text } from "./dom.mjs";
import { ARC, USUAL, advice, drawnFor, isMeasure, sizes } from "./reading.mjs";
import { figure, t } from "./words.mjs";

/** What an installer should know, in words. */
export function adviceWords(viewing, units) {
  const { code, nearer_m, wider_m, min } = advice(viewing, units),
    tenth = (metres) => figure(Math.round(metres * 10) / 10);
  return t(`setup.${code}`, { units: Math.round(min), nearer: tenth(nearer_m), wider: tenth(wider_m) });
}

/** @param {HTMLElement} box where it opens @param {{units: () => number, unit: () => number, changed: () => void}} at `units` across the picture; `unit` px of one */
export function mountSetup(box, { units, unit, changed }) {
  const { viewing, query } = window.comis;
  const field = (name) =>
    h("input", { type: "number", min: 0.3, max: 199, step: 0.05, value: viewing[name], id: `wall-setup-${name}`, name, oninput: typed });
  const fields = { distance: field("distance"), width: field("width") },
    body = h("tbody"),
    said = h("p", { role: "status" }),
    usual = h("button", { type: "button", class: "btn", onclick: () => take({ ...USUAL }, true) }, t("setup.usual")),
    close = h("button", { type: "button", class: "btn", onclick: () => show(false) }, t("setup.close"), h("kbd", null, "Esc"));
  const node = h(
    "aside",
    { class: "setup", hidden: true, "aria-label": t("setup.title") },
    h("h2", null, t("setup.title")),
    ["distance", "width"].map((name) => h("p", null, h("label", { for: `wall-setup-${name}` }, t(`setup.${name}`)), fields[name], " m")),
    h(
      "table",
      null,
      h("thead", null, h("tr", null, ["role", "arc", "units", "px"].map((name) => h("th", { scope: "col" }, t(`setup.${name}`))))),
      body,
    ),
    said,
    h("p", { class: "verbs" }, usual, close),
  );
  box.append(node);

  function typed() {
    const next = { distance: Number(fields.distance.value), width: Number(fields.width.value) };
    if (isMeasure(next.distance) && isMeasure(next.width)) take(next);
    else text(said, t("setup.not_metres"));
  }
  function take(next, write = false) {
    Object.assign(viewing, next);
    viewing.keep();
    if (write) for (const name of ["distance", "width"]) fields[name].value = String(next[name]);
    changed();
    draw();
  }
  function draw() {
    const found = sizes(drawnFor(viewing, units()), units());
    fill(
      body,
      Object.entries(ARC).map(([role, arc]) =>
        h(
          "tr",
          null,
          h("th", { scope: "row" }, t(`setup.role_${role}`)),
          [`${arc}′`, String(Math.round(found[role])), String(Math.round(found[role] * unit()))].map((words) => h("td", null, words)),
        ),
      ),
    );
    text(said, adviceWords(viewing, units()));
  }
  function show(on) {
    node.hidden = !on;
    if (!on) return;
    draw();
    fields.distance.focus();
  }
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") show(false);
    else if (event.key.toLowerCase() === "s" && !event.target.closest?.("input")) {
      event.preventDefault();
      show(node.hidden);
    }
  });
  show(query.get("setup") === "1");
}
