/**
 * Choosing at random, from a source of chance that the caller seeds: training must give the same codebook for the same vectors.
 *
 * @module
 */
import type { Random } from "../../shared/ports.ts";

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
