import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { planSegments, segmentLimits } from "./plan-segments.ts";

const page = (vectorCount: number) => ({ vectorCount });
const pages = (...counts: number[]) => ({ pages: counts.map(page) });
const shape = (documents: { pages: { vectorCount: number }[] }[], maxPages: number, maxVectors: number) =>
  planSegments(documents, { maxPages, maxVectors }).map((parts) =>
    parts.map((part) => [documents.indexOf(part.document), ...part.pages.map(({ vectorCount }) => vectorCount)]),
  );

describe("planSegments", () => {
  it("keeps a document whole when the rest of a segment is too small for it", () => {
    expect(shape([pages(1, 1), pages(1, 1), pages(1)], 3, 100)).toEqual([
      [[0, 1, 1]],
      [
        [1, 1, 1],
        [2, 1],
      ],
    ]);
    expect(shape([pages(6), pages(3, 3), pages(4)], 10, 10)).toEqual([
      [[0, 6]],
      [
        [1, 3, 3],
        [2, 4],
      ],
    ]);
  });

  it("cuts a document that no segment can hold", () => {
    expect(shape([pages(1), pages(2, 2, 2, 2, 2), pages(1)], 2, 100)).toEqual([
      [[0, 1]],
      [[1, 2, 2]],
      [[1, 2, 2]],
      [
        [1, 2],
        [2, 1],
      ],
    ]);
  });

  it("gives a page with more vectors than a segment should have one of its own", () => {
    expect(shape([pages(1, 50, 1)], 10, 20)).toEqual([[[0, 1]], [[0, 50]], [[0, 1]]]);
  });

  it("loses and repeats no page, keeps their order and the limits", () => {
    const documents = fc.array(
      fc.array(fc.nat(12), { minLength: 1, maxLength: 9 }).map((counts) => pages(...counts)),
      { maxLength: 12 },
    );
    const limits = fc.record({
      maxPages: fc.integer({ min: 1, max: 8 }),
      maxVectors: fc.integer({ min: 12, max: 30 }),
    });
    fc.assert(
      fc.property(documents, limits, (list, { maxPages, maxVectors }) => {
        const segments = planSegments(list, { maxPages, maxVectors });
        expect(segments.flat().flatMap((part) => part.pages)).toEqual(list.flatMap((document) => document.pages));
        for (const parts of segments) {
          const inSegment = parts.flatMap((part) => part.pages);
          expect(inSegment.length).toBeLessThanOrEqual(maxPages);
          expect(inSegment.reduce((sum, { vectorCount }) => sum + vectorCount, 0)).toBeLessThanOrEqual(maxVectors);
          expect(new Set(parts.map((part) => part.document)).size).toBe(parts.length);
        }
      }),
    );
  });

  it("bounds a segment's exact vectors by bytes", () => {
    expect(segmentLimits(128).maxVectors * 132).toBeLessThanOrEqual(2 ** 28);
    expect(segmentLimits(384).maxVectors).toBeLessThan(segmentLimits(128).maxVectors);
  });
});
