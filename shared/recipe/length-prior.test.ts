import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_VECTORS_PER_PAGE } from "../limits.ts";
import { LengthPrior } from "./length-prior.ts";

function priorOf(lengthPrior: number, tokenCount: number): LengthPrior {
  const prior = LengthPrior.of({ lengthPrior }, tokenCount);
  if (prior === undefined) throw new Error("there is a prior");
  return prior;
}

const counts = fc.array(fc.integer({ min: 0, max: MAX_VECTORS_PER_PAGE }), { maxLength: 40 });
const steps = fc.double({ min: 1e-4, max: 0.1, noNaN: true });

describe("LengthPrior", () => {
  it("is none where the recipe has none", () => {
    expect(LengthPrior.of({}, 20)).toBeUndefined();
    expect(LengthPrior.of({ lengthPrior: undefined }, 20)).toBeUndefined();
  });

  it("takes b · tokens · ln(1 + vectors) off, for pages of any length", () => {
    const prior = priorOf(0.03, 20);
    for (const vectors of [0, 1, 2, 717, 2_047, 2_048, MAX_VECTORS_PER_PAGE]) {
      expect(prior.penaltyOf(vectors)).toBe(0.03 * 20 * Math.log(1 + vectors));
    }
  });

  it("counts whole steps, none of a step of 0", () => {
    const prior = priorOf(0.1, 10);
    for (const vectors of [0, 1, 99, 2_047, 2_048, MAX_VECTORS_PER_PAGE]) {
      expect(prior.inSteps(0.5).of(vectors)).toBe(Math.round(Math.log(1 + vectors) / 0.5));
      expect(prior.inSteps(0).of(vectors)).toBe(0);
    }
  });

  it("lowers every score by the steps of its page", () => {
    fc.assert(
      fc.property(counts, steps, (vectorCounts, step) => {
        const penalties = priorOf(0.03, 24).inSteps(step);
        const scores = Int32Array.from(vectorCounts, (_, page) => 1_000 - page);
        penalties.lower(scores, vectorCounts);
        expect([...scores]).toEqual(vectorCounts.map((count, page) => 1_000 - page - penalties.of(count)));
      }),
    );
  });
});
