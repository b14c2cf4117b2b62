/** Where a place of the earth lies on the flat world of web maps, in units of which the whole world is 256 wide. Pure. */

export const mercatorX = (lon) => ((lon + 180) / 360) * 256;
export const mercatorY = (lat) => {
  const s = Math.sin((lat * Math.PI) / 180);
  return (0.5 - Math.log((1 + s) / (1 - s)) / (4 * Math.PI)) * 256;
};
