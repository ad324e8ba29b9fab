import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { seededRandom } from "../../shared/seeded-random.ts";
import { sampleIndexes } from "./random-sample.ts";

describe("sampleIndexes", () => {
  it("gives distinct ascending numbers below the population", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 0, max: 60 }),
        fc.integer(),
        (size, population, seed) => {
          const sample = Array.from(sampleIndexes(size, population, seededRandom(seed)));
          expect(sample.length).toBe(Math.min(size, population));
          expect(sample).toEqual([...new Set(sample)].toSorted((a, b) => a - b));
          for (const index of sample) expect(index).toBeLessThan(population);
        },
      ),
    );
  });

  it("gives every number the same chance", () => {
    const counts = new Uint32Array(10);
    const random = seededRandom(42);
    for (let round = 0; round < 3_000; round++) {
      for (const index of sampleIndexes(3, 10, random)) counts[index] = (counts[index] ?? 0) + 1;
    }
    // 900 expected, standard deviation 25: five of them either way.
    for (const count of counts) expect(Math.abs(count - 900)).toBeLessThan(125);
  });
});
