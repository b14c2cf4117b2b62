/** The one table of marks: each state of each thing is drawn here once, for the queue (SVG) and for the map (bitmaps) alike.
 *
 * A mark is a list of strokes in a box of 20 × 20: `d` path data or `text`, `fill` and `stroke` names of colour tokens, `w` stroke width,
 * `dash`, `alpha` of the fill in lists, `turn` (follows the heading), `blink` (the outline of what nobody has acknowledged). Colour never says anything alone. */

const circle = (x, y, r) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0Z`;
const square = (a, b, r) =>
  `M${a + r} ${a}H${b - r}a${r} ${r} 0 0 1 ${r} ${r}V${b - r}a${r} ${r} 0 0 1 ${-r} ${r}H${a + r}a${r} ${r} 0 0 1 ${-r} ${-r}V${a + r}a${r} ${r} 0 0 1 ${r} ${-r}Z`;

const SHAPE = { 1: square(2, 18, 2), 2: "M10 2.4 18.6 17.4H1.4Z", 3: circle(10, 10, 8) };
const OUTER = { 1: square(-1.6, 21.6, 4), 2: "M10 -2.6 23.4 20.6H-3.4Z", 3: circle(10, 10, 11.4) };
const DIGIT = { 1: [14.35, 12], 2: [15.9, 10.6], 3: [14.2, 11.6] };
const KITE = "M10 1.6 16.6 17.8 10 14.4 3.4 17.8Z";
const HALF_KITE = "M10 1.6 10 14.4 3.4 17.8Z";
const DIAMOND = "M10 1.8 18.2 10 10 18.2 1.8 10Z";
const BANG = "M10 5.6v5.6M10 13.6v1";

/** Incident: square 1, triangle 2, disc 3. Filled: somebody must decide. Hollow: in hand. Second outline: nobody has acknowledged. */
export function incidentMark(p, { hand = false, unack = false, digit = true } = {}) {
  const ink = `priority-${p}-ink`,
    fill = `priority-${p}`;
  return [
    unack && { d: OUTER[p], stroke: ink, w: 1.5, blink: p === 1 },
    hand
      ? { d: SHAPE[p], fill: "map-ground", stroke: ink, w: 2 }
      : { d: SHAPE[p], fill, stroke: p === 2 ? "edge-2" : fill, w: p === 2 ? 1.4 : 2 },
    digit && { text: String(p), x: 10, y: DIGIT[p][0], size: DIGIT[p][1], fill: hand ? ink : `on-priority-${p}` },
  ].filter(Boolean);
}

/** Team: kite = can move, its tip is the heading; ring = on scene; bars = break; cross = off; dashed = silent. */
export function teamMark(shown) {
  const ink = { break: "ink-3", off: "ink-3", silent: "stale" }[shown] ?? "ink-1";
  const halo = { d: KITE, stroke: "team-halo", w: 6, turn: true, map: true };
  const kite = { d: KITE, fill: "team-halo", stroke: ink, w: 1.9, turn: true };
  switch (shown) {
    case "on_scene":
      return [
        { d: circle(10, 10, 7), fill: "team-halo", stroke: ink, w: 1.9 },
        { d: circle(10, 10, 3.2), fill: ink },
      ];
    case "en_route":
      return [halo, { d: KITE, fill: ink, stroke: ink, w: 1, turn: true }];
    case "sent":
      return [halo, kite, { d: HALF_KITE, fill: ink, stroke: ink, w: 1, turn: true }];
    case "free":
      return [halo, kite];
    case "break":
      return [
        { d: circle(10, 10, 7), fill: "team-halo", stroke: ink, w: 1.9 },
        { d: "M7.9 7v6M12.1 7v6", stroke: ink, w: 2 },
      ];
    case "silent":
      return [halo, { ...kite, dash: [3, 2.4] }];
    default:
      return [{ d: "M5 5l10 10M15 5L5 15", stroke: ink, w: 2 }];
  }
}

/** Put away: nobody is asked. */
const away = (sign) => [
  { d: DIAMOND, stroke: "ink-3", w: 1.8 },
  { d: sign, stroke: "ink-3", w: 1.9 },
];

/** Sensor and alert: a diamond follows the life of the alert; a dot is a normal sensor. */
export function sensorMark(state, p = 2, small = false) {
  const fill = `priority-${p}`,
    on = `on-priority-${p}`,
    edge = p === 2 ? "edge-2" : fill;
  switch (state) {
    case "active":
      return [
        { d: "M10 -2.4 22.4 10 10 22.4 -2.4 10Z", stroke: `priority-${p}-ink`, w: 1.5, blink: p === 1 },
        { d: DIAMOND, fill, stroke: edge, w: 1.8 },
        { d: BANG, stroke: on, w: 1.9 },
      ];
    case "acknowledged":
      return [
        { d: DIAMOND, fill, stroke: edge, w: 1.8 },
        { d: BANG, stroke: on, w: 1.9 },
      ];
    case "returned":
      return [
        { d: DIAMOND, stroke: `priority-${p}-ink`, w: 1.8 },
        { d: "M6.6 10.2l2.4 2.4 4.4-4.8", stroke: `priority-${p}-ink`, w: 1.9 },
      ];
    case "shelved":
      return away("M10 6.2V10l2.6 2");
    case "suppressed":
      return away("M6.4 10h7.2");
    case "out_of_service":
      return away("M7.2 7.2l5.6 5.6M12.8 7.2l-5.6 5.6");
    case "silent":
      return [
        { d: DIAMOND, stroke: "stale", w: 1.8, dash: [3, 2.2] },
        !small && { d: "M7.9 8.2a2.2 2.2 0 1 1 3 2c-.7.3-.9.7-.9 1.4M10 13.9v.6", stroke: "stale", w: 1.9 },
      ].filter(Boolean);
    case "late":
      return [{ d: circle(10, 10, 3), stroke: "ink-3", w: 1.6 }];
    default:
      return [{ d: circle(10, 10, 3), fill: "ink-3" }];
  }
}

/** Steps of an assignment, in order; the exits last. */
const STEP = {
  held: [{ d: circle(10, 10, 6.5), dash: [2.6, 2.5] }, { d: "M10 6.6V10l2.4 1.6" }],
  sent: [{ d: "M4 10h11M10.500 5.200 15.400 10l-4.900 4.800" }],
  delivered: [{ d: "M10 3v8.400M6.200 8 10 11.800 13.800 8M4 13v3.400h12V13" }],
  seen: [{ d: "M2.400 10S5.400 5 10 5s7.600 5 7.600 5-3 5-7.600 5-7.600-5-7.600-5Z" }, { d: circle(10, 10, 2.1) }],
  accepted: [{ d: "M4 10.600 8.200 15 16 5.600" }],
  en_route: [{ d: "M10 2.400 15.800 16.800 10 13.800 4.200 16.800Z" }],
  on_scene: [{ d: circle(10, 10, 6.6) }, { d: circle(10, 10, 2.6), full: true }],
  finished: [
    { d: circle(10, 10, 7.4), full: true },
    { d: "M6.400 10.300 9 13l4.800-5.600", ink: "surface-1", w: 2 },
  ],
  refused: [{ d: circle(10, 10, 6.8) }, { d: "M7.400 7.400l5.200 5.200M12.600 7.400l-5.200 5.200" }],
  recalled: [{ d: "M7.400 4 3.600 7.800l3.800 3.800M4 7.800h7.600a4.200 4.200 0 0 1 0 8.400H7" }],
};
STEP.recall_seen = STEP.recalled;
const SOURCE = {
  live: [{ d: circle(10, 10, 7), full: true }],
  late: [
    { d: circle(10, 10, 7), w: 2.4 },
    { d: "M10 3a7 7 0 0 0 0 14Z", full: true },
  ],
  dead: [
    { d: circle(10, 10, 7), w: 2.4 },
    { d: "M5 15 15 5", w: 2.4 },
  ],
};
const SPEAKER = "M3.500 8v4h3l4 3.500v-11l-4 3.500Z";
const ICON = {
  freeze: [{ d: "M7 4v12M13 4v12" }],
  sound: [{ d: `${SPEAKER}M13.500 7a4.200 4.200 0 0 1 0 6M15.600 4.800a7.400 7.400 0 0 1 0 10.400` }],
  mute: [{ d: `${SPEAKER}M14 7.800l4.400 4.400M18.400 7.800 14 12.200` }],
  merge: [{ d: "M5 3v4.500L10 12v5M15 3v4.500L10 12" }],
  star: [
    { d: "m10 2.800 2.200 4.700 5.100.6-3.800 3.500 1 5.100-4.500-2.500-4.500 2.500 1-5.100L2.700 8.100l5.100-.6Z" },
  ],
  plus: [{ d: "M10 4v12M4 10h12" }],
  minus: [{ d: "M4 10h12" }],
  up: [{ d: "M10 16.500V6.200M5.600 10.400 10 6l4.400 4.400M5 3h10" }],
  close: [{ d: "M5 5l10 10M15 5 5 15" }],
  phone: [
    {
      d: "M5.200 3.200 8 3l1.400 3.600-1.700 1.500a9 9 0 0 0 4.200 4.200l1.500-1.700L17 12l-.2 2.800c-.1 1.200-1 2-2.200 1.900C8.700 16.200 3.800 11.300 3.300 5.400c-.1-1.200.7-2.100 1.900-2.200Z",
    },
  ],
  camera: [
    {
      d: "M4 5.500h7.500a1.500 1.500 0 0 1 1.500 1.500v6a1.500 1.500 0 0 1-1.500 1.500H4A1.500 1.500 0 0 1 2.500 13V7A1.500 1.500 0 0 1 4 5.500Zm9 3 4.500-2.500v7L13 11",
    },
  ],
  photo: [
    {
      d: "M4.600 5H7l1-1.800h4L13 5h2.400a1.800 1.800 0 0 1 1.800 1.800v7.400a1.800 1.800 0 0 1-1.800 1.800H4.600a1.800 1.800 0 0 1-1.800-1.800V6.800A1.800 1.800 0 0 1 4.600 5Z",
    },
    { d: circle(10, 10.5, 2.9) },
  ],
  wave: [{ d: "M3 10h2l1.500-5 3 10 2.500-7 1.500 4 .8-2H17" }],
  clock: [{ d: circle(10, 10, 7) }, { d: "M10 6v4.200l2.800 1.800" }],
  people: [
    { d: circle(7, 7, 2.6) },
    { d: circle(13.6, 8, 2.1) },
    { d: "M2.500 16c.3-3 2-4.700 4.500-4.700s4.200 1.700 4.500 4.700M12.500 12c2.800-.6 4.700 1 5 4" },
  ],
  note: [{ d: "M4 3.500h12v13H4ZM7 7.500h6M7 10.500h6M7 13.500h3" }],
  undo: STEP.recalled,
  lock: [
    {
      d: "M6 9h8a1.500 1.500 0 0 1 1.500 1.500V15a1.500 1.500 0 0 1-1.500 1.500H6A1.500 1.500 0 0 1 4.500 15v-4.500A1.500 1.500 0 0 1 6 9ZM7 9V6.500a3 3 0 0 1 6 0V9",
    },
  ],
  layers: [{ d: "M10 3 17 7 10 11 3 7ZM3.500 10.500 10 14.200l6.500-3.700M3.500 14 10 17.700l6.500-3.700" }],
  list: [{ d: "M7.500 5h9M7.500 10h9M7.500 15h9M3.500 5h.8M3.500 10h.8M3.500 15h.8" }],
  measure: [{ d: "M2.500 13 13 2.500 17.500 7 7 17.500ZM6 9.500l2 2M8.500 7l1.500 1.500M11 4.500l2 2" }],
  place: [
    { d: "M10 17.500s5.500-5.300 5.500-9.300a5.500 5.500 0 0 0-11 0c0 4 5.500 9.300 5.500 9.300Z" },
    { d: circle(10, 8.3, 2) },
  ],
};

const NS = "http://www.w3.org/2000/svg";
const token = (name) => (name === "edge-2" ? "var(--edge-2)" : `var(--${name})`);

/** A mark as an SVG element. @param {object[]} strokes @param {number|string} size @param {{name?: string, turn?: number, className?: string, line?: number}} [how] */
export function svg(strokes, size, { name = "", turn = 0, className = "", line = 1.8 } = {}) {
  const node = document.createElementNS(NS, "svg");
  node.setAttribute("class", `sym ${className}`);
  node.setAttribute("viewBox", "0 0 20 20");
  node.setAttribute("width", String(size));
  node.setAttribute("height", String(size));
  if (name) {
    node.setAttribute("role", "img");
    node.setAttribute("aria-label", name);
  } else node.setAttribute("aria-hidden", "true");
  for (const s of strokes) {
    if (s.map) continue;
    const part = document.createElementNS(NS, s.text ? "text" : "path");
    if (s.text) {
      part.textContent = s.text;
      part.setAttribute("x", s.x);
      part.setAttribute("y", s.y);
      part.style.cssText = `font:700 ${s.size}px var(--font-text);text-anchor:middle;fill:${token(s.fill)}`;
    } else {
      part.setAttribute("d", s.d);
      const plain = !s.fill && !s.stroke;
      part.style.fill = s.fill ? token(s.fill) : plain && s.full ? "currentColor" : "none";
      part.style.stroke = s.stroke
        ? token(s.stroke)
        : s.ink
          ? token(s.ink)
          : plain && !s.full
            ? "currentColor"
            : "none";
      part.style.strokeWidth = String(s.w ?? line);
      part.style.strokeLinejoin = part.style.strokeLinecap = "round";
      if (s.alpha) part.style.fillOpacity = String(s.alpha);
      if (s.dash) part.style.strokeDasharray = s.dash.join(" ");
      if (s.turn && turn) part.setAttribute("transform", `rotate(${turn} 10 10)`);
    }
    if (s.blink) part.setAttribute("class", "unack");
    node.append(part);
  }
  return node;
}

export const stepMark = (step, size = 16, name = "") => svg(STEP[step] ?? STEP.sent, size, { name, className: "step" });
export const sourceMark = (state, size = 12, name = "") =>
  svg(SOURCE[state] ?? SOURCE.dead, size, { name, className: "source" });
export const icon = (name, size = 16) => svg(ICON[name], size, { className: "icon", line: 1.6 });

/** Ring of time left: thin and grey, then thick and yellow, then a filled red disc with a plus. @param {HTMLElement} box holds the figure too */
export function ring(size = 18) {
  const node = document.createElementNS(NS, "svg");
  node.setAttribute("viewBox", "0 0 20 20");
  node.setAttribute("width", String(size));
  node.setAttribute("height", String(size));
  node.setAttribute("aria-hidden", "true");
  for (const name of ["rail", "arc", "disc", "cut"]) {
    const part = document.createElementNS(NS, "path");
    part.setAttribute("class", name);
    part.setAttribute(
      "d",
      name === "disc"
        ? circle(10, 10, 8)
        : name === "cut"
          ? "M10 6.200v7.600M6.200 10h7.600"
          : "M10 3a7 7 0 1 1 0 14a7 7 0 1 1 0-14",
    );
    node.append(part);
  }
  return node;
}
export const RING = 2 * Math.PI * 7;
export const setRing = (node, share, state) => {
  if (node.dataset?.state !== state) {
    node.setAttribute("class", `sym ring ${state}`);
    node.dataset.state = state;
  }
  const dash = `${(RING * Math.max(0, Math.min(1, share))).toFixed(1)} ${RING.toFixed(1)}`,
    arc = node.children[1];
  if (arc.getAttribute("stroke-dasharray") !== dash) arc.setAttribute("stroke-dasharray", dash);
};

/** A mark drawn into a 2D context whose unit is the mark's (20 across). @param {(name: string) => string} colour a token's value */
export function paint(context, strokes, colour, { turn = 0, font = "sans-serif", blinkOff = false } = {}) {
  context.lineJoin = context.lineCap = "round";
  for (const s of strokes) {
    if (s.blink && blinkOff) continue;
    context.save();
    if (s.turn && turn) {
      context.translate(10, 10);
      context.rotate((turn * Math.PI) / 180);
      context.translate(-10, -10);
    }
    if (s.text) {
      context.font = `700 ${s.size}px ${font}`;
      context.textAlign = "center";
      context.fillStyle = colour(s.fill);
      context.fillText(s.text, s.x, s.y);
    } else {
      const path = new Path2D(s.d);
      if (s.fill) {
        context.fillStyle = colour(s.fill);
        context.fill(path);
      }
      if (s.stroke) {
        context.setLineDash(s.dash ?? []);
        context.lineWidth = s.w;
        context.strokeStyle = colour(s.stroke);
        context.stroke(path);
      }
    }
    context.restore();
  }
}
