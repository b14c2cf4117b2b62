/** A hand on a panel, or on its way to it: as long as it is there, nothing in the panel may move. Knows no row. */

const COMING_MS = 700; // from the last movement towards the panel

export class Hand {
  /** @param {HTMLElement} box @param {() => void} [onLeave] */
  constructor(box, onLeave = () => {}) {
    this.inside = false;
    this.came = -Infinity;
    let away = Infinity;
    const enter = () => {
      this.inside = true;
      away = 0;
    };
    box.addEventListener("pointerenter", enter);
    box.addEventListener("pointerleave", () => {
      this.inside = false;
      onLeave();
    });
    box.addEventListener("pointermove", enter, { passive: true });
    document.addEventListener(
      "pointermove",
      ({ clientX, clientY, pointerType }) => {
        if (this.inside || pointerType === "touch") return;
        const { left, right, top, bottom } = box.getBoundingClientRect(),
          now = Math.hypot(Math.max(left - clientX, 0, clientX - right), Math.max(top - clientY, 0, clientY - bottom));
        if (now < away) this.came = performance.now();
        away = now;
      },
      { passive: true },
    );
  }
  /** On the panel, or on its way there. */
  get here() {
    return this.inside || performance.now() - this.came < COMING_MS;
  }
}
