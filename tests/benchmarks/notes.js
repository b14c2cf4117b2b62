// Runs in every page of a bench before the page's own scripts: notes when what is timed was painted.
// A mark counts as painted when the frame that drew it has been handed over: a message posted in the frame comes after it.
(() => {
  const since = performance.timeOrigin,
    waiting = [],
    done = {},
    port = new MessageChannel();
  let shown = [],
    held;
  port.port1.onmessage = () => {
    const at = since + performance.now();
    for (const key of shown) done[key] = at;
    shown = [];
  };
  const note = (key) => waiting.push([key, performance.now()]);
  const painted = (map, heard) => {
    const drawn = Math.min(map ? map.drawn_at : Infinity, heard),
      before = shown.length;
    for (let i = waiting.length - 1; i >= 0; i--) if (waiting[i][1] <= drawn) shown.push(waiting.splice(i, 1)[0][0]);
    if (shown.length > before) port.port2.postMessage(0);
  };
  window.bench = {
    done,
    first: null, // ms after the page was asked for, when the city was on the map
    long_tasks: [],
    changes: 0, // rows of sensors heard
    frames: 0, // frames in which something was painted
    watch() {
      const { store } = window.comis;
      store.on("changes", (changes) => {
        for (const { cause } of changes) if (/^(.bench.probe#|click-)/.test(cause)) note(cause);
      });
      store.on("telemetry", ({ rows }) => {
        for (const _ in rows.sensors) window.bench.changes++;
        for (const id in rows.teams) if (id.startsWith("probe-")) note(`${id}:${rows.teams[id][2]}`);
      });
    },
  };
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries()) window.bench.long_tasks.push([startTime, duration]);
  }).observe({ type: "longtask", buffered: true });
  // the page puts `comis` up itself and tells each paint by a new value of `comis.painted`
  Object.defineProperty(window, "comis", {
    configurable: true,
    enumerable: true,
    get: () => held,
    set(made) {
      let value;
      Object.defineProperty(made, "painted", {
        configurable: true,
        enumerable: true,
        get: () => value,
        set(now) {
          value = now;
          window.bench.frames++;
          painted(made.city_map, now.heard);
          if (window.bench.first === null && now.seq !== null && made.city_map?.drawn_at) window.bench.first = now.at;
        },
      });
      held = made;
    },
  });
})();
