/** How large type must be where people sit: minutes of arc at the farthest seat, in units of layout, and what there is room for then.
 *
 * Cap height = 2 d tan(θ/2), caps are 0.733 em; `tokens.css` computes the same for the page. */

/** Minutes of arc of what is read from the farthest seat; hanzi are a quarter larger. */
export const ARC = { min: 16.4, body: 20.2, title: 25.2, value: 40.3, clock: 37.8 };
export const USUAL = { distance: 10, width: 4.8 }; // what the layout was drawn for
/** Units across the picture, lying and standing. */
export const UNITS = 1920,
  STANDING_UNITS = 780;

const UNIT_PER_ARCMIN = 0.00039685, // em per minute of arc and metre: 2 tan(1′/2) / 0.733
  CALM = 27, // units of the smallest type: all fits
  MOST = 30, // beyond it a second screen is better
  LARGEST = 42, // units of the smallest type: with larger type the wall falls apart
  STANDING_LARGEST = 30,
  LEAST_M = 0.3,
  MOST_M = 200;

/** Whether somebody can have measured that. */
export const isMeasure = (metres) => Number.isFinite(metres) && metres >= LEAST_M && metres < MOST_M;

/** @param {{distance: number, width: number}} seen metres to the farthest seat, metres across the picture
 * @returns {{min: number, body: number, title: number, value: number, clock: number}} font sizes in units */
export function sizes({ distance, width }, units = UNITS) {
  const one = (distance / width) * units * UNIT_PER_ARCMIN;
  return Object.fromEntries(Object.entries(ARC).map(([role, arc]) => [role, arc * one]));
}

/** The distance for which the wall is drawn: the one that was typed, as far as type for it leaves room for anything to read.
 * @returns {{distance: number, width: number, short: boolean}} `short`: whoever sits farther cannot read it */
export function drawnFor({ distance, width }, units = UNITS) {
  const most = units === UNITS ? LARGEST : STANDING_LARGEST,
    { min } = sizes({ distance, width }, units),
    short = min > most;
  return { distance: short ? (distance * most) / min : distance, width, short };
}

/** How many times larger than drawn; nothing is drawn smaller because somebody sits near. */
export const growth = (seen, units = UNITS) => Math.max(1, sizes(seen, units).min / sizes(USUAL).min);

/** What an installer should know: whether all fits, what leaves, or that the picture is too small, with what would do.
 * @returns {{code: "fits"|"leaves"|"second_screen", nearer_m: number, wider_m: number, min: number}} */
export function advice(seen, units = UNITS) {
  const { min } = sizes(seen, units);
  return {
    code: min > MOST ? "second_screen" : min > CALM ? "leaves" : "fits",
    nearer_m: (seen.distance * MOST) / min,
    wider_m: (seen.width * min) / MOST,
    min,
  };
}

/** How the figures fit into their panel, all in px: first the targets leave, then the line goes beside the figure and calm tiles leave, then the
 * numbers of teams that need nobody. Nothing is shrunk.
 * @param {{high: number, wide: number, unit: number, min: number, value: number}} at
 * @returns {{columns: number, rows: number, aims: boolean, beside: boolean}} */
export function roomFor({ high, wide, unit, min, value }) {
  const bare = 26 * unit + 1.3 * min + 1.12 * value,
    drawn = bare + 44 * unit,
    rows = (need, most) => Math.max(1, Math.min(most, Math.floor((high + 1) / need)));
  if (wide / 2 - 40 * unit < 9.6 * min) return { columns: 1, rows: rows(bare, 6), aims: false, beside: true };
  const aims = rows(drawn + 1.3 * min, 3);
  return aims === 3 ? { columns: 2, rows: 3, aims: true, beside: false } : { columns: 2, rows: rows(drawn, 3), aims: false, beside: false };
}

/** How many rows of figures a panel as high as this holds, at the type of the page. @param {HTMLElement} box @param {HTMLElement} page */
export function boardRows(box, page, unit) {
  const min = parseFloat(getComputedStyle(page).fontSize),
    aim = page.classList.contains("aimless") ? 0 : 1.3 * min;
  return Math.max(1, Math.min(3, Math.floor((box.clientHeight + 1) / (70 * unit + 1.3 * min + 1.12 * (ARC.value / ARC.min) * min + aim))));
}
