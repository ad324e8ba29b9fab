/**
 * The arithmetic of heat maps: which score a box has, how strong that is, and its colour. Pure, so that it is tested
 * without a browser.
 *
 * @module
 */

export interface ScoreRange {
  min: number;
  max: number;
}

/** Red, green, blue 0…255 and alpha 0…1. */
export type Colour = readonly [red: number, green: number, blue: number, alpha: number];

/** Smallest and largest score, over everything: one scale for all tokens, so that a weak token looks weak. */
export function scoreRange(scores: Iterable<number | null | undefined>): ScoreRange | undefined {
  let min = Infinity;
  let max = -Infinity;
  for (const score of scores) {
    if (score === null || score === undefined) continue;
    min = Math.min(min, score);
    max = Math.max(max, score);
  }
  return min <= max ? { min, max } : undefined;
}

/** `score` as 0 (weakest of `range`) to 1 (strongest), clamped. A range of one value is all strongest. */
export function intensity(score: number, range: ScoreRange): number {
  if (range.max <= range.min) return 1;
  return Math.min(1, Math.max(0, (score - range.min) / (range.max - range.min)));
}

/**
 * For every box the best score of any token in `selected`, as MaxSim takes it; `null` where none of them has a vector.
 *
 * @param scores `[tokens][boxes]`
 */
export function combineTokens(
  scores: readonly (readonly (number | null)[])[],
  selected: ReadonlySet<number>,
  boxCount: number,
): (number | null)[] {
  const best: (number | null)[] = Array.from({ length: boxCount }, () => null);
  for (const token of selected) {
    for (const [box, score] of (scores[token] ?? []).entries()) {
      if (score === null || box >= boxCount) continue;
      const before = best[box] ?? null;
      if (before === null || score > before) best[box] = score;
    }
  }
  return best;
}

/** Position of the largest score, or undefined if there is none. */
export function bestBox(scores: readonly (number | null)[]): number | undefined {
  let best: number | undefined;
  let bestScore = -Infinity;
  for (const [box, score] of scores.entries()) {
    if (score === null || score <= bestScore) continue;
    best = box;
    bestScore = score;
  }
  return best;
}

/** Pale yellow, amber, vermilion: lightness falls steadily, so the scale survives colour blindness and grey printing. */
const RAMP: readonly (readonly [number, number, number])[] = [
  [255, 236, 150],
  [255, 183, 3],
  [228, 70, 37],
];

/**
 * Most words of a page are unrelated to a token and still have a cosine well above the minimum: on the samples the
 * unrelated ones lie around half of the range. A cubed alpha lets them fade (0.13), so that the eye is led to the few
 * that decide the score. style.css draws the legend by the same numbers.
 */
const ALPHA_EXPONENT = 3;

/** Colour of an intensity from 0 (invisible) to 1. */
export function heatColour(strength: number): Colour {
  const clamped = Math.min(1, Math.max(0, strength));
  const position = clamped * (RAMP.length - 1);
  const low = RAMP[Math.floor(position)] ?? [0, 0, 0];
  const high = RAMP[Math.ceil(position)] ?? low;
  const part = position - Math.floor(position);
  const mix = (channel: 0 | 1 | 2): number => Math.round(low[channel] + (high[channel] - low[channel]) * part);
  return [mix(0), mix(1), mix(2), clamped ** ALPHA_EXPONENT];
}

/** `colour` as CSS writes it. */
export function cssColour([red, green, blue, alpha]: Colour): string {
  return `rgb(${red} ${green} ${blue} / ${alpha.toFixed(3)})`;
}
