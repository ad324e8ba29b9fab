import { describe, expect, it } from "vitest";
import type { Manifest, SegmentEntry } from "../../shared/format/manifest.ts";
import { testRecipe } from "../../shared/recipe/testing.ts";
import { indexTable, summaryOf } from "./index-summary.ts";

const segment: SegmentEntry = {
  id: "segment-1",
  bytes: 1_000_000,
  vectorsBytes: 9_000_000,
  documentCount: 3,
  pageCount: 50,
  searchablePageCount: 48,
  vectorCount: 30_000,
  bagEntries: 9_000,
  meanResidualNorm: 0.4,
  deletedDocuments: [1],
};
const manifest: Manifest = {
  format: 2,
  index: "reports",
  version: 4,
  commitId: "00000000-0000-4000-8000-000000000000",
  committedAtMs: 1_700_000_000_000,
  recipe: testRecipe({ dim: 128 }),
  recipeFingerprint: "0123456789abcdef",
  codebook: {
    id: "codebook-1",
    bytes: 500_000,
    centroidCount: 2_048,
    subspaces: 16,
    cellCount: 64,
    meanResidualNorm: 0.4,
    trainedOnVectors: 30_000,
  },
  segments: [segment],
};

describe("summaryOf", () => {
  it("adds up what the index has", () => {
    const inverted = {
      id: "inverted-1",
      bytes: 1_000,
      openBytes: 900,
      parts: [2_000, 3_000],
      segmentIds: ["segment-1"],
      pageCount: 50,
      bagEntries: 9_000,
    };
    expect(summaryOf({ ...manifest, inverted })).toMatchObject({
      documents: 2,
      pages: 50,
      searchablePages: 48,
      vectors: 30_000,
      bytes: 1_506_000,
      codebook: { centroids: 2_048, drift: 1 },
      invertedPages: 50,
      calibratedAt: undefined,
    });
  });

  it("has no drift without a codebook", () => {
    const { codebook, ...scans } = manifest;
    expect(codebook).toBeDefined();
    expect(summaryOf({ ...scans, segments: [] }).codebook).toBeUndefined();
  });
});

describe("indexTable", () => {
  it("warns of an index that has drifted, and of no other", () => {
    const other = { ...segment, id: "segment-2", meanResidualNorm: 0.8 };
    const drifted = summaryOf({ ...manifest, segments: [segment, other] });
    expect(indexTable([summaryOf(manifest)]).split("\n")).toHaveLength(3);
    const lines = indexTable([summaryOf(manifest), drifted]).split("\n");
    expect(lines).toHaveLength(5);
    expect(lines[3]).toMatch(/^reports has drifted from its codebook: its vectors are 1\.50 times/);
  });

  it("says how to begin", () => {
    expect(indexTable([])).toContain("maxleaf ingest");
  });
});
