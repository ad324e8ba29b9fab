import { describe, expect, it } from "vitest";
import type { Manifest } from "../../format/manifest.ts";
import { testRecipe } from "../../recipe/testing.ts";
import { checkHolding, DEFAULT_MEMORY_BYTES, holdingBytes, MAX_KERNEL_BYTES, planHolding } from "./holding.ts";

const LIMITS = { totalBytes: DEFAULT_MEMORY_BYTES, kernelBytes: MAX_KERNEL_BYTES };

/** Pages of 270 distinct centroids in segments of 5,000, all under an inverted file but the last `uncovered` segments. */
function manifestOf(pages: number, { uncovered = 0, inverted = true, entriesPerPage = 270 } = {}): Manifest {
  const segments = Array.from({ length: Math.ceil(pages / 5_000) }, (_, i) => ({
    id: i.toString(16).padStart(8, "0"),
    bytes: 60_000_000,
    vectorsBytes: 400_000_000,
    documentCount: 100,
    pageCount: 5_000,
    searchablePageCount: 5_000,
    vectorCount: 3_000_000,
    bagEntries: 5_000 * entriesPerPage,
    meanResidualNorm: 0.4,
    deletedDocuments: [],
  }));
  const covered = segments.slice(0, segments.length - uncovered);
  return {
    format: 2,
    index: "pages",
    version: 1,
    commitId: "00000000-0000-4000-8000-000000000000",
    committedAtMs: 0,
    recipe: testRecipe({ dim: 128 }),
    recipeFingerprint: "0",
    codebook: {
      id: "codebook-1",
      bytes: 2_400_000,
      centroidCount: 16_384,
      subspaces: 16,
      cellCount: 512,
      meanResidualNorm: 0.4,
      trainedOnVectors: 1,
    },
    segments,
    ...(inverted && {
      inverted: {
        id: "aaaaaaaa",
        bytes: covered.length * 50_000,
        openBytes: covered.length * 45_000,
        parts: covered.map(() => 5_000 * entriesPerPage),
        segmentIds: covered.map(({ id }) => id),
        pageCount: covered.length * 5_000,
        bagEntries: covered.length * 5_000 * entriesPerPage,
      },
    }),
  };
}

describe("planHolding", () => {
  it("holds lists where there are any, as long as they fit, bags where there are none", () => {
    expect(planHolding(manifestOf(10_000, { inverted: false }), LIMITS)).toBe("bags");
    expect(planHolding(manifestOf(100_000, { inverted: false }), LIMITS)).toBe("bags");
    expect(planHolding(manifestOf(100_000), LIMITS)).toBe("lists");
    // Bags are 92 MB of kernel memory here, lists 46 MB of heap.
    expect(planHolding(manifestOf(170_000), LIMITS)).toBe("lists");
    expect(planHolding(manifestOf(1_000_000), LIMITS)).toBe("heads");
  });

  it("needs less for heads than for lists, and counts what the inverted file does not cover", () => {
    const whole = holdingBytes(manifestOf(100_000));
    const partly = holdingBytes(manifestOf(100_000, { uncovered: 4 }));
    expect(whole.heads?.heap).toBeLessThan(whole.lists?.heap ?? 0);
    expect(partly.heads?.heap).toBeGreaterThan((whole.heads?.heap ?? 0) + 4 * 5_000 * 270);
    expect(partly.bags).toEqual(whole.bags);
  });

  it("has only bags without an inverted file, whatever they need", () => {
    const manifest = manifestOf(1_000_000, { inverted: false });
    expect(planHolding(manifest, LIMITS)).toBe("bags");
    expect(() => planHolding(manifest, LIMITS, "pruned")).toThrow("`maxleaf optimize` makes one");
    expect(() => checkHolding(manifest, "lists")).toThrow("it has no inverted file");
  });

  it("does as it is asked, or says why not", () => {
    expect(planHolding(manifestOf(10_000), LIMITS, "pruned")).toBe("heads");
    expect(planHolding(manifestOf(170_000), LIMITS, "resident")).toBe("lists");
    expect(() => planHolding(manifestOf(1_000_000), LIMITS, "resident")).toThrow(
      /by path resident: it would need \d+ bytes of memory, and 100663296 are there/,
    );
  });
});
