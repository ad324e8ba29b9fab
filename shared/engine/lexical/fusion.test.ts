import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fuse, type FusionMethod, type FusionPage } from "./fusion.ts";

const page = (position: number, vectorScore: number, wordScore: number): FusionPage => ({
  position,
  vectorScore,
  wordScore,
});

const pages = fc
  .array(fc.tuple(fc.integer({ min: -20, max: 20 }), fc.integer({ min: 0, max: 9 })), { maxLength: 20 })
  .map((scores) => scores.map(([vectors, words], position) => page(position, vectors, words)));
const method = fc.constantFrom<FusionMethod>("weighted", "ranks");

/** Positions by falling scores; of equal ones, the first. */
function orderOf(found: readonly FusionPage[], scores: readonly number[]): number[] {
  return found.map(({ position }) => position).toSorted((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
}

describe("fuse", () => {
  it("adds scaled scores by weight", () => {
    // Vectors 10 … 20 and words 0 … 4, as 0 … 1.
    const found = [page(0, 20, 0), page(1, 15, 4), page(2, 10, 1)];
    const fused = fuse(found, { method: "weighted", wordWeight: 0.25 });
    [0.75, 0.75 * 0.5 + 0.25, 0.25 * 0.25].forEach((score, i) => expect(fused[i]).toBeCloseTo(score, 12));
  });

  it("adds reciprocal ranks by weight; a page without the words has no rank by them", () => {
    const found = [page(0, 20, 0), page(1, 15, 4), page(2, 10, 1)];
    const fused = fuse(found, { method: "ranks", wordWeight: 0.5 });
    [61 / 61 / 2, (61 / 62 + 61 / 61) / 2, (61 / 63 + 61 / 62) / 2].forEach((score, i) =>
      expect(fused[i]).toBeCloseTo(score, 12),
    );
  });

  it("does not depend on how many pages more there are", () => {
    const found = Array.from({ length: 100 }, (_, i) => page(i, 100 - i, i % 7 === 0 ? 0 : 10 + i));
    const more = [...found, ...Array.from({ length: 200 }, (_, i) => page(100 + i, -i, i % 5))];
    for (const by of ["weighted", "ranks"] as const) {
      const fused = fuse(found, { method: by, wordWeight: 0.2 });
      if (by === "weighted") expect(fuse(more, { method: by, wordWeight: 0.2 }).slice(0, 100)).toEqual(fused);
      expect(fused[99]).toBeLessThan(fused[0] ?? 0);
    }
  });

  it("gives 0 to 1 to the best pages, and keeps the order of what has all the weight", () => {
    fc.assert(
      fc.property(pages, method, fc.double({ min: 0, max: 1, noNaN: true }), (found, by, wordWeight) => {
        for (const score of fuse(found, { method: by, wordWeight })) {
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(1 + 1e-12);
        }
        const byVectors = orderOf(found, fuse(found, { method: by, wordWeight: 0 }));
        expect(byVectors).toEqual(
          orderOf(
            found,
            found.map(({ vectorScore }) => vectorScore),
          ),
        );
        const byWords = orderOf(found, fuse(found, { method: by, wordWeight: 1 }));
        expect(byWords).toEqual(
          orderOf(
            found,
            found.map(({ wordScore }) => wordScore),
          ),
        );
      }),
    );
  });

  it("does not mind that all are alike", () => {
    const found = [page(0, 3, 0), page(1, 3, 0)];
    expect(fuse(found, { method: "weighted", wordWeight: 0.2 })).toEqual([0, 0]);
    expect(fuse([], { method: "ranks", wordWeight: 0.2 })).toEqual([]);
  });
});
