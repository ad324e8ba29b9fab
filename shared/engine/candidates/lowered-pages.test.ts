import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LengthPrior } from "../../recipe/length-prior.ts";
import { topPositions } from "../top-k.ts";
import { topLowered } from "./lowered-pages.ts";

/** Few different ones, so that many scores are equal; most pages are on no list. */
const page = fc.record({
  score: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 400 })),
  vectorCount: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 65_535 })),
  selected: fc.integer({ min: 0, max: 1 }),
});

/** Pages that scored as given, as the kernel gives its best. */
function scanOf(scores: readonly number[]) {
  const all = Int32Array.from(scores);
  return {
    pageScores: () => Uint32Array.from(scores),
    topPositions: (limit: number, mask = new Uint8Array(scores.length).fill(1)) => {
      const found = mask.map((byte, position) => (byte !== 0 && (scores[position] ?? 0) > 0 ? 1 : 0));
      return Int32Array.from(topPositions(all, found, limit));
    },
  };
}

describe("topLowered", () => {
  it("equals lowering every score first", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(page, { maxLength: 40 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 20 }),
        fc.boolean(),
        fc.constantFrom(0.001, 0.01, 0.1),
        (segments, limit, isMasked, step) => {
          const pages = segments.flat();
          const penalties = LengthPrior.of({ lengthPrior: 0.03 }, 24)?.inSteps(step);
          if (penalties === undefined) throw new Error("there is a prior");
          const expected = pages
            .map(({ score, vectorCount }, position) => ({ position, score: score - penalties.of(vectorCount) }))
            .filter((_, at) => (pages[at]?.score ?? 0) > 0 && (!isMasked || pages[at]?.selected === 1))
            .toSorted((a, b) => b.score - a.score || a.position - b.position)
            .slice(0, limit);
          const found = topLowered(
            scanOf(pages.map(({ score }) => score)),
            segments.map((own) => ({
              reader: { pageCount: own.length },
              vectorCounts: own.map(({ vectorCount }) => vectorCount),
            })),
            penalties,
            { limit, mask: isMasked ? Uint8Array.from(pages, ({ selected }) => selected) : undefined },
          );
          expect(found).toEqual(expected);
        },
      ),
      { numRuns: 500 },
    );
  });
});
