import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LengthPrior } from "../../recipe/length-prior.ts";
import type { ListScan } from "../../kernel/list-scan.ts";
import * as reference from "../../kernel/reference.ts";
import { topLowered } from "./lowered-pages.ts";

/** Few different ones, so that many scores are equal; most pages are on no list. */
const page = fc.record({
  score: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 400 })),
  vectorCount: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 65_535 })),
  selected: fc.integer({ min: 0, max: 1 }),
});

/** Pages that scored as given, of which the kernel hands over `visited` at once. */
function scanOf(given: readonly number[], visited: number): Pick<ListScan, "visitAbove"> {
  const scores = Int32Array.from(given);
  return {
    visitAbove: ({ shortest, penalties }, mask, visit) => {
      const bounds = Int32Array.from(scores, (_, page) => penalties[shortest[page >> 4] ?? 0] ?? 0);
      let floor = Number.NEGATIVE_INFINITY;
      for (let first = 0; ;) {
        const from = reference.pagesAbove(scores, bounds, mask, floor).filter((position) => position >= first);
        const positions = Int32Array.from(from.slice(0, visited));
        if (positions.length > 0) floor = visit(positions, Uint32Array.from(scores));
        if (positions.length < visited) return;
        first = (positions.at(-1) ?? 0) + 1;
      }
    },
  };
}

const countOf = ({ vectorCount }: { vectorCount: number }): number => vectorCount;

describe("topLowered", () => {
  it("equals lowering every score first", () => {
    fc.assert(
      fc.property(
        fc.array(fc.array(page, { maxLength: 60 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 8 }),
        fc.boolean(),
        fc.constantFrom(0.001, 0.01, 0.1),
        fc.constantFrom(1, 7, 1_000),
        fc.boolean(),
        (segments, limit, isMasked, step, visited, isWide) => {
          const pages = segments.flat();
          const penalties = LengthPrior.of({ lengthPrior: 0.03 }, 24)?.inSteps(step);
          if (penalties === undefined) throw new Error("there is a prior");
          const expected = pages
            .map(({ score, vectorCount }, position) => ({ position, score: score - penalties.of(vectorCount) }))
            .filter((_, at) => (pages[at]?.score ?? 0) > 0 && (!isMasked || pages[at]?.selected === 1))
            .toSorted((a, b) => b.score - a.score || a.position - b.position)
            .slice(0, limit);
          const found = topLowered(
            scanOf(
              pages.map(({ score }) => score),
              visited,
            ),
            segments.map((own) => ({
              reader: { pageCount: own.length },
              vectorCounts: isWide ? Uint32Array.from(own, countOf) : own.map(countOf),
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
