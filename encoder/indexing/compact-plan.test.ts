import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Manifest, SegmentEntry } from "../../shared/format/manifest.ts";
import { testRecipe } from "../../shared/recipe/testing.ts";
import {
  compactionDue,
  DUE_SEGMENTS_PER_TIER,
  FOLD_OVERLAY_BYTES,
  MAX_DELETED_SHARE,
  planAll,
  planCompaction,
  type SegmentSize,
} from "./compact-plan.ts";
import { segmentLimits } from "./plan-segments.ts";

const limits = { maxPages: 1_000, maxVectors: 100_000 };

let made = 0;
function sizeOf(pages: number, { deleted = 0, vectorsPerPage = 50, isOverlaid = false } = {}): SegmentSize {
  const entry: SegmentEntry = {
    id: `segment-${String(++made).padStart(6, "0")}`.replace("segment", "aaaa"),
    bytes: 1,
    vectorsBytes: 1,
    documentCount: pages,
    pageCount: pages,
    searchablePageCount: pages,
    vectorCount: pages * vectorsPerPage,
    bagEntries: pages,
    meanResidualNorm: 0,
    deletedDocuments: Array.from({ length: deleted }, (_, ordinal) => ordinal),
  };
  const livePages = pages - deleted;
  return { entry, livePages, liveVectors: livePages * vectorsPerPage, isOverlaid };
}

const plan = (sizes: SegmentSize[], maxSegmentsPerTier = 1) =>
  planCompaction(sizes, { limits, maxSegmentsPerTier }).map((merge) =>
    merge.map(({ entry }) => sizes.findIndex((size) => size.entry === entry)),
  );

describe("planCompaction", () => {
  it("leaves large segments and single ones of a tier alone", () => {
    expect(plan([sizeOf(600), sizeOf(700), sizeOf(300), sizeOf(70), sizeOf(10), sizeOf(2)])).toEqual([]);
    expect(plan([])).toEqual([]);
  });

  it("merges what is of one tier, with all that is smaller, in the order of the index", () => {
    expect(plan([sizeOf(5), sizeOf(70), sizeOf(600), sizeOf(80), sizeOf(300)])).toEqual([[0, 1, 3]]);
    expect(plan([sizeOf(300), sizeOf(1), sizeOf(300), sizeOf(1)])).toEqual([[0, 1, 2, 3]]);
    expect(plan([sizeOf(3), sizeOf(600), sizeOf(1)])).toEqual([[0, 2]]);
  });

  it("waits until a tier has more than it may", () => {
    const sizes = Array.from({ length: DUE_SEGMENTS_PER_TIER }, () => sizeOf(3));
    expect(plan(sizes, DUE_SEGMENTS_PER_TIER)).toEqual([]);
    expect(plan([...sizes, sizeOf(3)], DUE_SEGMENTS_PER_TIER)).toEqual([[0, 1, 2, 3, 4, 5, 6, 7, 8]]);
  });

  it("rewrites a segment of which much is deleted, whatever its size, and not before", () => {
    const many = 900 * MAX_DELETED_SHARE;
    expect(plan([sizeOf(900, { deleted: many })])).toEqual([]);
    expect(plan([sizeOf(900, { deleted: many + 1 })])).toEqual([[0]]);
    expect(plan([sizeOf(900, { deleted: 890 }), sizeOf(700), sizeOf(800, { deleted: 300 })], 8)).toEqual([[0, 2]]);
    expect(plan([sizeOf(600), sizeOf(800, { isOverlaid: true })], 8)).toEqual([[1]]);
  });

  it("gives no segment more than it may hold, none twice, and leaves few", () => {
    const size = fc.record({
      pages: fc.integer({ min: 1, max: 1_000 }),
      deletedShare: fc.double({ min: 0, max: 1, noNaN: true }),
      vectorsPerPage: fc.integer({ min: 0, max: 100 }),
    });
    fc.assert(
      fc.property(fc.array(size, { maxLength: 60 }), fc.integer({ min: 1, max: 9 }), (drawn, maxSegmentsPerTier) => {
        const sizes = drawn.map(({ pages, deletedShare, vectorsPerPage }) =>
          sizeOf(pages, { deleted: Math.floor(pages * deletedShare), vectorsPerPage }),
        );
        const merges = planCompaction(sizes, { limits, maxSegmentsPerTier });
        const ids = merges.flat().map(({ entry }) => entry.id);
        expect(new Set(ids).size).toBe(ids.length);
        const after = sizes
          .filter(({ entry }) => !ids.includes(entry.id))
          .map(({ livePages, liveVectors }) => ({ livePages, liveVectors }));
        for (const merge of merges) {
          const total = (field: "livePages" | "liveVectors") => merge.reduce((sum, segment) => sum + segment[field], 0);
          const merged = { livePages: total("livePages"), liveVectors: total("liveVectors") };
          expect(merged.livePages).toBeLessThanOrEqual(limits.maxPages);
          expect(merged.liveVectors).toBeLessThanOrEqual(limits.maxVectors);
          expect(
            merge.length > 1 ||
              merge.some(({ entry, livePages }) => entry.pageCount - livePages > MAX_DELETED_SHARE * entry.pageCount),
          ).toBe(true);
          after.push(merged);
        }
        const tiers = new Map<number, number>();
        for (const { livePages, liveVectors } of after) {
          const full = Math.max(livePages / 1_000, liveVectors / 100_000, 1 / 1_000);
          const tier = full < 1 / 256 ? -Infinity : Math.floor(Math.log(full) / Math.log(4));
          if (full <= 0.5) tiers.set(tier, (tiers.get(tier) ?? 0) + 1);
        }
        for (const count of tiers.values()) expect(count).toBeLessThanOrEqual(maxSegmentsPerTier);
      }),
    );
  });
});

describe("planAll", () => {
  it("fills one segment after the other", () => {
    const sizes = [sizeOf(400), sizeOf(500), sizeOf(200), sizeOf(900), sizeOf(50)];
    const merges = planAll(sizes, limits).map((merge) => merge.map(({ livePages }) => livePages));
    expect(merges).toEqual([[400, 500], [200], [900, 50]]);
  });
});

describe("compactionDue", () => {
  const recipe = testRecipe({ dim: 128 });
  const manifestOf = (sizes: SegmentSize[], overlayBytes?: number): Manifest => ({
    format: 2,
    index: "books",
    version: 1,
    commitId: crypto.randomUUID(),
    committedAtMs: 0,
    recipe,
    recipeFingerprint: "",
    segments: sizes.map(({ entry }) => entry),
    ...(overlayBytes !== undefined && { overlay: { id: "0123456789", bytes: overlayBytes, documents: 1 } }),
  });

  it("goes by the manifest alone: tiers, deletions, changed metadata", () => {
    const few = Array.from({ length: DUE_SEGMENTS_PER_TIER }, () => sizeOf(20));
    expect(compactionDue(manifestOf(few))).toBe(false);
    expect(compactionDue(manifestOf([...few, sizeOf(20)]))).toBe(true);
    expect(compactionDue(manifestOf([sizeOf(5_000, { deleted: 1_500 })]))).toBe(true);
    expect(compactionDue(manifestOf(few, FOLD_OVERLAY_BYTES))).toBe(false);
    expect(compactionDue(manifestOf(few, FOLD_OVERLAY_BYTES + 1))).toBe(true);
  });

  // Where the figures of DUE_SEGMENTS_PER_TIER come from.
  it("keeps segments few for little rewriting", () => {
    expect([1, 4, 8, 16].map((maxSegmentsPerTier) => simulate(maxSegmentsPerTier))).toEqual([
      { rewrites: 5.9, most: 14 },
      { rewrites: 3.4, most: 22 },
      { rewrites: 2.6, most: 28 },
      { rewrites: 1.9, most: 39 },
    ]);
  });

  /** 50,000 pages of 200 vectors that come 20 at a time. */
  function simulate(maxSegmentsPerTier: number): { rewrites: number; most: number } {
    const options = { limits: segmentLimits(128), maxSegmentsPerTier };
    let sizes: SegmentSize[] = [];
    let rewritten = 0;
    let most = 0;
    for (let pages = 0; pages < 50_000; pages += 20) {
      sizes.push(sizeOf(20, { vectorsPerPage: 200 }));
      const merges = planCompaction(sizes, options);
      const taken = new Set(merges.flat().map(({ entry }) => entry));
      sizes = sizes.filter(({ entry }) => !taken.has(entry));
      for (const merge of merges) {
        const total = merge.reduce((sum, { livePages }) => sum + livePages, 0);
        rewritten += total;
        sizes.push(sizeOf(total, { vectorsPerPage: 200 }));
      }
      most = Math.max(most, sizes.length);
    }
    return { rewrites: Math.round((rewritten / 50_000) * 10) / 10, most };
  }
});
