/** What an address asks the console to open, `?open=incidents/<id>`: a row that another page leads to. */

import { soon } from "./loop.mjs";

/** Open it once, when the first picture of the city is here; what is not there any more is passed over.
 * @param {import("./store.mjs").Store} store @param {(table: string, id: string) => void} open */
export function openAsked(store, open) {
  const [table, id] = (window.comis.query.get("open") ?? "").split("/");
  if (!id) return;
  const over = store.on("snapshot", () => {
    over();
    if (store.tables[table]?.has(id)) soon(() => open(table, id));
  });
}

/** Another language or theme is the same page loaded anew: what is selected is asked for again. @param {() => {table: string, id: string}|null} selected */
export function takeAlong(selected) {
  document.addEventListener(
    "click",
    ({ target }) => {
      const link = target.closest?.("a[href]"),
        to = link && new URL(link.href);
      if (to?.origin !== location.origin || to.pathname !== location.pathname) return;
      const what = selected();
      if (what) to.searchParams.set("open", `${what.table}/${what.id}`);
      else to.searchParams.delete("open");
      link.href = to.href;
    },
    true,
  );
}
