// A plain live list, as most consoles have one: the same rows in the same order, sorted anew with every change, over the console's queue.
// It holds nothing still. For comparison only; needs `comis` of an open console, and says `plain.ready` once it stands.
(async () => {
  const { inOrder } = await import("/assets/live/order.mjs"),
    { store, channel } = window.comis,
    box = document.createElement("div"),
    plain = (window.plain = { selected: null, ready: false });
  box.className = "plain";
  box.style.cssText = "position:absolute; inset:40px 0 0 0; overflow:hidden; z-index:99; background:var(--surface-1)";
  document.querySelector("#dispatch-queue").append(box);
  const draw = () => {
    const rows = [...store.tables.incidents]
      .map(([id, row]) => ({ id, row, table: "incidents" }))
      .filter(({ row }) => row.state === "pending_dispatch")
      .sort(inOrder);
    box.replaceChildren(
      ...rows.slice(0, 40).map(({ id, row }) => {
        const node = document.createElement("div");
        node.className = "rowq";
        node.dataset.key = `incidents ${id}`;
        node.textContent = `#${row.number} ${row.priority}`;
        return node;
      }),
    );
  };
  box.addEventListener("pointerup", ({ clientX, clientY }) => {
    plain.selected = document.elementFromPoint(clientX, clientY)?.closest(".rowq")?.dataset.key ?? null;
  });
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "a") return;
      event.stopImmediatePropagation();
      const id = plain.selected?.split(" ")[1];
      if (id) channel.command("acknowledge_incident", id, {});
    },
    true,
  );
  store.on("incidents", draw);
  draw();
  plain.ready = true;
})();
