/** The last hour of a figure, drawn by plotly in the colours of the page. Plotly comes with a graph of Dash, from our own server. */

import { hourMinute } from "./time.mjs";
import { t } from "./words.mjs";

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const NO_FRAME = { showgrid: false, zeroline: false, showline: false, ticks: "", fixedrange: true };

/** Plotly, once Dash's own graph has brought it. */
function plotly(brings) {
  return new Promise((found) => {
    const look = () => {
      if (!window.Plotly) return;
      watcher.disconnect();
      found(window.Plotly);
    };
    const watcher = new MutationObserver(look);
    watcher.observe(brings, { childList: true, subtree: true, attributes: true });
    look();
  });
}

/** Draw into `plot`; `brings` is the graph of Dash beside it. @returns {{show: (row: object) => void}} */
export function chart(plot, brings) {
  let draws = null,
    last = null,
    drawn = "";
  plotly(brings).then((found) => {
    draws = found;
    if (last) draw();
  });
  function draw() {
    const { series, usual, target, state, at_ms } = last,
      known = JSON.stringify([series, usual, target, state, Math.floor(at_ms / 60_000)]);
    if (known === drawn) return;
    drawn = known;
    draws.react(plot, traces(last), layoutOf(last), { displayModeBar: false, responsive: true });
  }
  return {
    show(row) {
      last = row;
      if (draws) draw();
    },
  };
}

function traces({ series, usual, state }) {
  const x = series.map((_, i) => i - series.length + 1),
    edge = { x: [x[0], 0], mode: "lines", line: { width: 0 }, hoverinfo: "skip", showlegend: false };
  const band = usual && series.length > 1 ? [
    { ...edge, y: [usual[0], usual[0]] },
    { ...edge, y: [usual[1], usual[1]], fill: "tonexty", fillcolor: token("--chart-band") },
  ] : [];
  const ink = { over: "--priority-1", near: "--priority-2", stale: "--stale" }[state] ?? "--ink-1";
  const line = { x, y: series, mode: "lines", line: { width: 2, color: token("--ink-1"), dash: state === "stale" ? "dot" : "solid" }, connectgaps: true, showlegend: false, cliponaxis: false, hovertemplate: "%{y}<extra></extra>" };
  const tip = { x: [0], y: series.slice(-1), mode: "markers", marker: { size: 8, color: token(ink) }, hoverinfo: "skip", showlegend: false, cliponaxis: false };
  return [...band, line, tip];
}

function layoutOf({ series, usual, target, at_ms, value }) {
  const font = { family: token("--font-text"), size: 12, color: token("--ink-3") },
    at = [-60, -45, -30, -15, 0],
    label = (y, words) => ({ x: 1, xref: "paper", xanchor: "left", y, yanchor: "middle", showarrow: false, text: words, font, xshift: 8 });
  const shown = [...series, target, ...(usual ?? []), value].filter(Number.isFinite),
    high = Math.max(1, ...shown);
  return {
    height: 240,
    autosize: true,
    paper_bgcolor: "rgba(0,0,0,0)",
    plot_bgcolor: "rgba(0,0,0,0)",
    font,
    margin: { l: 44, r: 92, t: 12, b: 28 },
    hovermode: "x",
    hoverlabel: { bgcolor: token("--surface-2"), bordercolor: token("--line-3"), font: { color: token("--ink-1") } },
    dragmode: false,
    xaxis: { ...NO_FRAME, range: [-60, 1], tickvals: at, ticktext: at.map((minutes) => hourMinute(at_ms + minutes * 60_000)), tickfont: font, ticklabelstandoff: 8 },
    yaxis: { ...NO_FRAME, showgrid: true, gridcolor: token("--chart-grid"), range: [0, high * 1.12], nticks: 5, tickfont: font, ticklabelstandoff: 6 },
    shapes: target == null ? [] : [{ type: "line", xref: "paper", x0: 0, x1: 1, y0: target, y1: target, layer: "below", line: { color: token("--chart-target"), width: 1, dash: "3px,4px" } }],
    annotations: target == null ? [] : [label(target, t("column.target"))],
  };
}
