/**
 * Repeatable chance from small seeds.
 *
 * @module
 */
import type { Random } from "../../../shared/ports.ts";
import { seededRandom } from "../../../shared/seeded-random.ts";

/** Numbers in which neighbouring seeds differ from the first on: the generator's own first ones are near 1 for all small seeds. */
export function chanceOf(seed: number): Random {
  let mixed = seed + 0x9e37_79b9;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  const random = seededRandom(mixed ^ (mixed >>> 16));
  for (let i = 0; i < 8; i++) random.next();
  return random;
}
