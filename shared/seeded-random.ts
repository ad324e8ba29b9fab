/**
 * Repeatable chance: the same seed gives the same numbers on every machine.
 *
 * @module
 */
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Random } from "./ports.ts";

/**
 * A uniform sequence, 0 ≤ x < 1, decided by `seed`.
 *
 * The first number of a seed below about a million is near 1 (xoroshiro128plus begins with few bits set). It stays so: the bundled
 * scan, expected numbers of tests and the collections of published benchmarks are made from these sequences. Where one number
 * alone decides something, take a later one.
 */
export function seededRandom(seed: number): Random {
  const generator = xoroshiro128plus(seed);
  return { next: () => uniformFloat64(generator) };
}
