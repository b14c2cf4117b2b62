/** Marks that would lie on each other, moved apart by as little as shows them all. Pure: the same marks give the same places. */

const ROUNDS = 24;
const GOLDEN = 2.399963; // radians: where two are at one point, each goes its own way

/** @param {{x: number, y: number, r: number, stands?: boolean}[]} marks places and radii; one that `stands` is moved by nobody
 * @param {{w: number, h: number}} room they stay within it
 * @returns {[number, number][]} where each is drawn */
export function dodge(marks, { w, h }) {
  const at = marks.map(({ x, y }) => [x, y]);
  for (let round = 0; round < ROUNDS; round++) {
    let moved = false;
    for (let a = 0; a < marks.length; a++)
      for (let b = a + 1; b < marks.length; b++) {
        const one = marks[a],
          other = marks[b],
          [dx, dy] = [at[b][0] - at[a][0], at[b][1] - at[a][1]],
          away = Math.hypot(dx, dy),
          lacks = one.r + other.r - away;
        if (lacks <= 0.5 || (one.stands && other.stands)) continue;
        moved = true;
        const [ux, uy] = away > 0.01 ? [dx / away, dy / away] : [Math.cos(b * GOLDEN), Math.sin(b * GOLDEN)],
          mine = one.stands ? 0 : other.stands ? 1 : 0.5;
        push(at[a], one, -ux * lacks * mine, -uy * lacks * mine, w, h);
        push(at[b], other, ux * lacks * (1 - mine), uy * lacks * (1 - mine), w, h);
      }
    if (!moved) break;
  }
  return at;
}

function push(place, { r }, dx, dy, w, h) {
  place[0] = Math.min(w - r, Math.max(r, place[0] + dx));
  place[1] = Math.min(h - r, Math.max(r, place[1] + dy));
}
