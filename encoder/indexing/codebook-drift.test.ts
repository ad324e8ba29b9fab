import { describe, expect, it } from "vitest";
import { codebookDrift, RETRAIN_DRIFT, retrainingDue, STALE_CODEBOOK_GROWTH } from "./codebook-drift.ts";

const codebook = {
  id: "codebook-1",
  bytes: 1,
  centroidCount: 256,
  subspaces: 16,
  cellCount: 8,
  meanResidualNorm: 0.5,
  trainedOnVectors: 1_000,
};
const segment = (vectorCount: number, meanResidualNorm: number) => ({
  id: "segment-1",
  bytes: 1,
  vectorsBytes: 1,
  documentCount: 1,
  pageCount: 1,
  searchablePageCount: 1,
  vectorCount,
  bagEntries: 1,
  meanResidualNorm,
  deletedDocuments: [],
});

describe("retrainingDue", () => {
  it("goes by the drift of all vectors together", () => {
    const segments = [segment(1_000, 0.5), segment(1_000, 0.5 * (2 * RETRAIN_DRIFT - 1))];
    expect(codebookDrift(codebook, segments)).toBeCloseTo(RETRAIN_DRIFT, 9);
    expect(retrainingDue({ codebook, segments: segments.slice(0, 1) })).toBeUndefined();
    expect(retrainingDue({ codebook, segments: [...segments, segment(10, 0.5)] })).toBeUndefined();
    expect(retrainingDue({ codebook, segments: [...segments, segment(10, 1)] })).toBe("drift");
  });

  it("goes by growth", () => {
    expect(retrainingDue({ codebook, segments: [segment(1_000 * STALE_CODEBOOK_GROWTH, 0.5)] })).toBeUndefined();
    expect(retrainingDue({ codebook, segments: [segment(1_000 * STALE_CODEBOOK_GROWTH + 1, 0.5)] })).toBe("growth");
  });

  it("is never due without a codebook or vectors", () => {
    expect(retrainingDue({ codebook: undefined, segments: [segment(0, 0)] })).toBeUndefined();
    expect(retrainingDue({ codebook, segments: [] })).toBeUndefined();
  });
});
