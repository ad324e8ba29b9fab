/**
 * Repeatable chance: the same seed gives the same numbers on every machine.
 *
 * @module
 */
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { Random } from "./ports.ts";

/** A uniform sequence, 0 ≤ x < 1, decided by `seed`. */
export function seededRandom(seed: number): Random {
  const generator = xoroshiro128plus(seed);
  return { next: () => uniformFloat64(generator) };
}
