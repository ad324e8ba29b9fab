/**
 * How far the lines of a scan are from level, found by the profile of ink along slanted rows: it has the sharpest steps
 * at the slant of the lines.
 *
 * @module
 */

/** A grey picture, row-major, 0 black. */
export interface GreyPicture {
  width: number;
  height: number;
  data: Uint8Array;
}

/** Degrees looked at either way. A sheet that was fed worse is seen at a glance. */
const MAX_SKEW_DEGREES = 4;
const STEP_DEGREES = 0.2;
/** Darker than the mean by this share of it is ink; paper may be grey. */
const INK_BELOW_MEAN = 0.25;
/** A slant must make the profile so much sharper than level lines, or the picture has no lines. */
const MIN_GAIN = 1.05;

/**
 * Degrees by which lines fall to the right (clockwise); 0 when they are level, or there are none. Precise to
 * {@link STEP_DEGREES}; meant for a small copy of the page.
 */
export function skewOf(picture: GreyPicture): number {
  const ink = inkOf(picture);
  const level = sharpness(ink, picture, 0);
  if (level === 0) return 0;
  let best = { degrees: 0, sharpness: level * MIN_GAIN };
  const steps = Math.round(MAX_SKEW_DEGREES / STEP_DEGREES);
  for (let step = -steps; step <= steps; step++) {
    const degrees = step * STEP_DEGREES;
    const found = sharpness(ink, picture, degrees);
    if (found > best.sharpness) best = { degrees, sharpness: found };
  }
  return best.degrees;
}

/** Positions of dark pixels in `data`. */
function inkOf({ data }: GreyPicture): number[] {
  const mean = data.reduce((sum, value) => sum + value, 0) / Math.max(1, data.length);
  const threshold = mean * (1 - INK_BELOW_MEAN);
  const ink: number[] = [];
  data.forEach((value, at) => {
    if (value < threshold) ink.push(at);
  });
  return ink;
}

/** Sum of squared steps of the ink profile along rows that fall by `degrees`. */
function sharpness(ink: readonly number[], { width, height }: GreyPicture, degrees: number): number {
  const slope = Math.tan((degrees * Math.PI) / 180);
  const margin = Math.ceil(Math.abs(slope) * width);
  const profile = new Uint32Array(height + 2 * margin + 1);
  for (const at of ink) {
    const x = at % width;
    const row = Math.round((at - x) / width - x * slope) + margin;
    profile[row] = (profile[row] ?? 0) + 1;
  }
  let sum = 0;
  for (let row = 1; row < profile.length; row++) sum += ((profile[row] ?? 0) - (profile[row - 1] ?? 0)) ** 2;
  return sum;
}
