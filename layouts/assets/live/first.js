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
  for (const [key, name] of [
    ["distance", "--view-distance-m"],
    ["width", "--wall-width-m"],
  ]) {
    const metres = Number(query.get(key));
    if (metres > 0 && metres < 200) root.style.setProperty(name, String(metres));
  }
  let hand;
  const map = new Promise((resolve) => {
    hand = resolve;
  });
  window.comis = {
    lang,
    query,
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
