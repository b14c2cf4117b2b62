/* Runs before anything is drawn: language, theme and page on the root element, and the hand-over of the map.
   A classic script, because it must have run when Dash and Leaflet look for it; the modules come later. */
"use strict";
(function () {
  const query = new URLSearchParams(location.search),
    root = document.documentElement;
  const lang = query.get("lang") === "en" ? "en" : "zh";
  root.lang = lang === "en" ? "en" : "zh-Hans-CN";
  root.dataset.theme = ["light", "contrast"].includes(query.get("theme")) ? query.get("theme") : "dark";
  root.dataset.page = location.pathname.split("/")[1] || "home";
  // How far the farthest seat is and how wide the picture: of the address, or as whoever hung this screen typed it.
  const place = `comis-wall:${query.get("screen") ?? ""}`;
  const viewing = {
    distance: 10,
    width: 4.8,
    sized: false,
    /** Use it, and keep it in this screen. */
    keep() {
      viewing.use();
      try {
        localStorage.setItem(place, JSON.stringify({ distance: viewing.distance, width: viewing.width }));
      } catch {
        // a browser that keeps nothing has it until it is closed
      }
    },
    use() {
      viewing.sized = true;
      root.dataset.sized = "";
      root.style.setProperty("--view-distance-m", String(viewing.distance));
      root.style.setProperty("--wall-width-m", String(viewing.width));
    },
  };
  let kept = {};
  try {
    kept = JSON.parse(localStorage.getItem(place) ?? "{}") ?? {};
  } catch {
    // as above
  }
  const given = query.has("distance") || query.has("width");
  for (const key of ["distance", "width"]) {
    const metres = Number(given ? query.get(key) : kept[key]);
    if (metres >= 0.3 && metres < 200) viewing[key] = metres;
  }
  if (given || kept.distance) viewing.use();
  if (query.get("columns") === "3") root.dataset.columns = "3"; // of screens: words keep clear of their edges
  let hand;
  const map = new Promise((resolve) => {
    hand = resolve;
  });
  window.comis = {
    lang,
    query,
    viewing,
    map,
    /** What dash-leaflet's GeoJSON calls for its one dummy feature: our own layer, which hands over the map. */
    objects() {
      const Ours = window.L.Layer.extend({
        onAdd(leaflet) {
          hand(leaflet);
        },
        onRemove() {},
      });
      return new Ours();
    },
  };
})();
