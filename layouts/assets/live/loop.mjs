/** The one paint loop and the one clock tick of a page. Nothing is painted that did not change; nothing else sets a timer to redraw. */

const due = new Set();
const afterPaint = new Set();
const ticks = new Set();
const FRAME_MS = 20;
let asked = false;

function frame() {
  asked = false;
  const began = performance.now();
  for (const paint of [...due]) {
    due.delete(paint);
    paint();
    if (performance.now() - began > FRAME_MS) break; // what is left paints in the next frame, so that no single one takes long
  }
  for (const tell of afterPaint) tell();
  if (due.size) ask();
}

/** Paint this before the next frame, once, however often it is asked for. @param {() => void} paint */
export function soon(paint) {
  due.add(paint);
  ask();
}
function ask() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(frame);
}

/** Called after each frame in which something was painted. @param {() => void} tell */
export const onPainted = (tell) => afterPaint.add(tell);

/** Called once a second, at the whole second, for ages and rings; not while the page is hidden. @param {() => void} tick */
export const eachSecond = (tick) => ticks.add(tick);

function beat() {
  if (document.visibilityState !== "hidden") for (const tick of ticks) tick();
  setTimeout(beat, 1000 - (Date.now() % 1000) + 5);
}
setTimeout(beat, 1000 - (Date.now() % 1000) + 5);
