/**
 * Seeded choice: training must give the same codebook for the same vectors.
 *
 * @module
 */
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** A uniform integer in 0 … `count` − 1. */
export type RandomIndex = (count: number) => number;

export function seededIndex(seed: number): RandomIndex {
  const generator = xoroshiro128plus(seed);
  return (count) => uniformInt(generator, 0, count - 1);
}

/**
 * `size` distinct numbers of 0 … `population` − 1, ascending, every subset equally likely (Floyd's algorithm; Bentley and
 * Floyd, "A Sample of Brilliance", 1987). All of them when `size` ≥ `population`.
 */
export function sampleIndexes(size: number, population: number, randomIndex: RandomIndex): Uint32Array {
  if (size >= population) return Uint32Array.from({ length: population }, (_, index) => index);
  const chosen = new Set<number>();
  for (let last = population - size; last < population; last++) {
    const candidate = randomIndex(last + 1);
    chosen.add(chosen.has(candidate) ? last : candidate);
  }
  return Uint32Array.from(chosen).sort();
}
