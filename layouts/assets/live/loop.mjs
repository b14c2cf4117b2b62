/** The one paint loop and the one clock tick of a page. Nothing is painted that did not change; nothing else sets a timer to redraw. */

const due = new Set();
const afterPaint = new Set();
const ticks = new Set();
const FRAME_MS = 20;
const NEWS_MS = 80;
const WINK_MS = 500; // half of --blink
const told = new Set();
let asked = false,
  waits = false,
  told_at = -Infinity;

function frame() {
  asked = false;
  const began = performance.now();
  for (const paint of [...due]) {
    due.delete(paint);
    paint();
    if (performance.now() - began > FRAME_MS) break; // what is left paints in the next frame, so that no single one takes long
  }
  if (due.size) return ask();
  for (const tell of afterPaint) tell(told.size ? told_at : began); // what came after the last news is not drawn yet
}

/** Paint this before the next frame, once, however often it is asked for. @param {() => void} paint */
export function soon(paint) {
  due.add(paint);
  ask();
}
/** Paint this because the city's news change it: at once after a pause, else together with what else comes within it. Twenty changes a second
 * would otherwise be twenty frames, each of which lays out and composites the whole page. A hand's own doing is painted by `soon`. @param {() => void} paint */
export function withNews(paint) {
  told.add(paint);
  if (waits) return;
  waits = true;
  const left = told_at + NEWS_MS - performance.now();
  if (left > 0) setTimeout(tellAll, left);
  else tellAll();
}
function tellAll() {
  waits = false;
  told_at = performance.now();
  for (const paint of told) due.add(paint);
  told.clear();
  ask();
}
function ask() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(frame);
}

/** Called after each frame with the moment up to which all that was heard is painted. @param {(heard: number) => void} tell */
export const onPainted = (tell) => afterPaint.add(tell);

/** Called once a second, at the whole second, for ages and rings; not while the page is hidden. @param {() => void} tick */
export const eachSecond = (tick) => ticks.add(tick);

function beat() {
  if (document.visibilityState !== "hidden") for (const tick of ticks) tick();
  setTimeout(beat, 1000 - (Date.now() % 1000) + 5);
}
setTimeout(beat, 1000 - (Date.now() % 1000) + 5);

/** What nobody has acknowledged blinks once a second, all in step; for who asked for no motion it stands still. */
const still = matchMedia("(prefers-reduced-motion: reduce)");
setInterval(() => {
  const { classList } = document.documentElement;
  if (document.visibilityState !== "hidden") classList.toggle("wink", !still.matches && !classList.contains("wink"));
}, WINK_MS);
