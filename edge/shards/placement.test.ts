import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Manifest, SegmentEntry } from "../../shared/format/manifest.ts";
import { testRecipe } from "../../shared/recipe/testing.ts";
import { fitsOneIsolate, fitsShards, MAX_SHARDS, memoryOf, placeShards } from "./placement.ts";

/** Page records, a codebook of 4,096 centroids and two queries take 10 MiB of it. */
const MEMORY_BYTES = 16 * 1024 * 1024;

type Size = Pick<SegmentEntry, "bagEntries" | "pageCount" | "documentCount">;

const size = fc.record({
  bagEntries: fc.integer({ min: 0, max: 4_000_000 }),
  pageCount: fc.integer({ min: 0, max: 8_192 }),
  documentCount: fc.integer({ min: 0, max: 500 }),
});
const sizes = fc.array(size, { maxLength: 15 });

function entryOf(size: Size, number: number): SegmentEntry {
  return {
    ...size,
    id: `00000000-${number}`,
    bytes: 1,
    vectorsBytes: 1,
    searchablePageCount: size.pageCount,
    vectorCount: size.pageCount,
    meanResidualNorm: 0.5,
    deletedDocuments: [],
  };
}

function manifestOf(sizes: readonly Size[]): Manifest {
  return {
    format: 2,
    index: "many",
    version: 1,
    commitId: "00000000-0000-4000-8000-000000000000",
    committedAtMs: 0,
    recipe: testRecipe({ dim: 128 }),
    recipeFingerprint: "0123456789abcdef",
    codebook: {
      id: "codebook-1",
      bytes: 1,
      centroidCount: 4_096,
      subspaces: 16,
      cellCount: 64,
      meanResidualNorm: 0.5,
      trainedOnVectors: 1,
    },
    segments: sizes.map(entryOf),
  };
}

const memoryOfShard = (manifest: Manifest, segmentIds: readonly string[]) =>
  memoryOf(
    manifest,
    manifest.segments.filter(({ id }) => segmentIds.includes(id)),
  );

describe("placeShards", () => {
  it("gives every segment to one shard, in the manifest's order", () => {
    fc.assert(
      fc.property(sizes, (sizes) => {
        const manifest = manifestOf(sizes);
        const shards = placeShards(manifest, MEMORY_BYTES);
        expect(shards.flatMap(({ segmentIds }) => segmentIds)).toEqual(manifest.segments.map(({ id }) => id));
        expect(shards.every(({ segmentIds }) => segmentIds.length > 0)).toBe(true);
        const pages = manifest.segments.reduce((sum, entry) => sum + entry.searchablePageCount, 0);
        expect(shards.reduce((sum, { searchablePages }) => sum + searchablePages, 0)).toBe(pages);
      }),
    );
  });

  it("keeps to the memory unless one segment alone passes it, and wastes no shard", () => {
    fc.assert(
      fc.property(sizes, (sizes) => {
        const manifest = manifestOf(sizes);
        const shards = placeShards(manifest, MEMORY_BYTES);
        for (const [number, { segmentIds }] of shards.entries()) {
          if (segmentIds.length > 1) {
            expect(memoryOfShard(manifest, segmentIds)).toBeLessThanOrEqual(MEMORY_BYTES);
          }
          const next = shards[number + 1]?.segmentIds[0];
          if (next === undefined) continue;
          expect(memoryOfShard(manifest, [...segmentIds, next])).toBeGreaterThan(MEMORY_BYTES);
        }
      }),
    );
  });

  it("moves nothing when segments are appended", () => {
    fc.assert(
      fc.property(sizes, sizes, (before, added) => {
        const old = placeShards(manifestOf(before), MEMORY_BYTES);
        const next = placeShards(manifestOf([...before, ...added]), MEMORY_BYTES);
        for (const [number, { segmentIds }] of old.entries()) {
          expect(next[number]?.segmentIds.slice(0, segmentIds.length)).toEqual(segmentIds);
        }
      }),
    );
  });

  it("does not depend on what was deleted", () => {
    const manifest = manifestOf([{ bagEntries: 60_000, pageCount: 9, documentCount: 3 }]);
    const segments = manifest.segments.map((entry) => ({ ...entry, deletedDocuments: [0, 2] }));
    expect(placeShards({ ...manifest, segments })).toEqual(placeShards(manifest));
  });

  it("refuses an index that needs too many shards", () => {
    const large: Size = { bagEntries: 8_000_000, pageCount: 8_192, documentCount: 1 };
    const many = (count: number) => manifestOf(Array.from({ length: count }, () => large));
    expect(placeShards(many(MAX_SHARDS), MEMORY_BYTES)).toHaveLength(MAX_SHARDS);
    expect(fitsShards(many(MAX_SHARDS), MEMORY_BYTES)).toBe(true);
    expect(fitsShards(many(MAX_SHARDS + 1), MEMORY_BYTES)).toBe(false);
    expect(() => placeShards(many(MAX_SHARDS + 1), MEMORY_BYTES)).toThrow(
      expect.objectContaining({ code: "path_unavailable", message: expect.stringContaining('"many"') }),
    );
  });
});

describe("fitsOneIsolate", () => {
  const pages = (count: number): Size => ({ bagEntries: count * 330, pageCount: count, documentCount: count / 100 });

  it("tells indexes that need more than one memory", () => {
    expect(fitsOneIsolate(manifestOf([pages(8_000)]))).toBe(true);
    expect(fitsOneIsolate(manifestOf(Array.from({ length: 100 }, () => pages(8_000))))).toBe(false);
  });
});
