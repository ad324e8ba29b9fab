/**
 * Seeded choice: training must give the same codebook for the same vectors.
 *
 * @module
 */
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Random } from "../../shared/ports.ts";

export function seededRandom(seed: number): Random {
  const generator = xoroshiro128plus(seed);
  return { next: () => uniformFloat64(generator) };
}

/** A uniform integer in 0 … `count` − 1. */
export function randomIndex(random: Random, count: number): number {
  return Math.floor(random.next() * count);
}

/**
 * `size` distinct numbers of 0 … `population` − 1, ascending, every subset equally likely (Floyd's algorithm; Bentley and
 * Floyd, "A Sample of Brilliance", 1987). All of them when `size` ≥ `population`.
 */
export function sampleIndexes(size: number, population: number, random: Random): Uint32Array {
  if (size >= population) return Uint32Array.from({ length: population }, (_, index) => index);
  const chosen = new Set<number>();
  for (let last = population - size; last < population; last++) {
    const candidate = randomIndex(random, last + 1);
    chosen.add(chosen.has(candidate) ? last : candidate);
  }
  return Uint32Array.from(chosen).sort();
}
