import { describe, expect, it } from "vitest";
import { needsAllRows } from "./rows.ts";

/** 1,000 pages of 100 distinct centroids. */
function manifestOf(centroidCount: number): Parameters<typeof needsAllRows>[0] {
  return {
    codebook: {
      id: "codebook-1",
      bytes: 1,
      centroidCount,
      subspaces: 16,
      cellCount: Math.ceil(centroidCount / 32),
      meanResidualNorm: 0.4,
      trainedOnVectors: 1,
    },
    segments: [
      {
        id: "00000000",
        bytes: 1,
        vectorsBytes: 1,
        documentCount: 1,
        pageCount: 1_000,
        searchablePageCount: 1_000,
        vectorCount: 200_000,
        bagEntries: 100_000,
        meanResidualNorm: 0.4,
        deletedDocuments: [],
      },
    ],
  };
}

describe("needsAllRows", () => {
  const pruned = { candidates: 20, cellsPerToken: 4 };
  const deep = { candidates: 128, cellsPerToken: 16 };

  it("makes a table of all centroids unless few of many are looked at", () => {
    const query = { tokenCount: 29, probes: true };
    expect(needsAllRows(manifestOf(65_536), pruned, query)).toBe(false);
    expect(needsAllRows(manifestOf(2_048), pruned, query)).toBe(true);
    expect(needsAllRows(manifestOf(16_384), deep, query)).toBe(true);
  });

  it("counts no cells where nothing is probed", () => {
    const query = { tokenCount: 29, probes: false };
    expect(needsAllRows(manifestOf(4_096), pruned, query)).toBe(false);
    expect(needsAllRows(manifestOf(4_096), deep, query)).toBe(true);
  });

  it("needs none without a codebook", () => {
    expect(needsAllRows({ codebook: undefined, segments: [] }, deep, { tokenCount: 1, probes: true })).toBe(false);
  });
});
