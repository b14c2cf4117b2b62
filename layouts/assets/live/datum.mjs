/** The shift of maps made in China (GCJ-02) against WGS-84, as `dashboard/city/places.py` has it. Pure. */

const { PI, sin, sqrt, abs, cos } = Math;
const RADIUS_M = 6378245,
  FLATNESS = 0.00669342162296594323;

/** GCJ-02 minus WGS-84 at a WGS-84 point, degrees; none outside China. @returns {[number, number]} */
function offset(lat, lon) {
  if (lon < 72.004 || lon > 137.8347 || lat < 0.8293 || lat > 55.8271) return [0, 0];
  const x = lon - 105,
    y = lat - 35,
    root = sqrt(abs(x)),
    wave = ((20 * sin(6 * PI * x) + 20 * sin(2 * PI * x)) * 2) / 3;
  let north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + wave;
  north += ((20 * sin(PI * y) + 40 * sin((PI * y) / 3)) * 2) / 3;
  north += ((160 * sin((PI * y) / 12) + 320 * sin((PI * y) / 30)) * 2) / 3;
  let east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + wave;
  east += ((20 * sin(PI * x) + 40 * sin((PI * x) / 3)) * 2) / 3;
  east += ((150 * sin((PI * x) / 12) + 300 * sin((PI * x) / 30)) * 2) / 3;
  const angle = (lat * PI) / 180,
    magic = 1 - FLATNESS * sin(angle) ** 2,
    degrees = 180 / PI;
  return [
    (degrees * north) / ((RADIUS_M * (1 - FLATNESS)) / (magic * sqrt(magic))),
    (degrees * east) / ((RADIUS_M / sqrt(magic)) * cos(angle)),
  ];
}

/** A WGS-84 point as Chinese maps draw it. */
export function toGcj02(lat, lon) {
  const [north, east] = offset(lat, lon);
  return [lat + north, lon + east];
}

/** The WGS-84 point of a point on a Chinese map, to the centimetre. */
export function fromGcj02(lat, lon) {
  let guess = [lat, lon];
  for (let turn = 0; turn < 3; turn++) {
    const [north, east] = offset(...guess);
    guess = [lat - north, lon - east];
  }
  return guess;
}
