/**
 * How well the codebook of an index still fits: an index keeps the codebook it was first trained with, and documents of
 * another kind are coded less closely by it.
 *
 * @module
 */
import type { Manifest, SegmentEntry } from "../../shared/format/manifest.ts";

/**
 * Above this what was added is of another kind. Vectors of the kind that a codebook was trained on, but not seen by it, have 1.09
 * (token vectors of Cranfield or of filings, 4,096 centroids, 15 training vectors for each); those of filings under
 * Cranfield's codebook 2.08, and the mean cosine to their codes falls from .957 to .812.
 */
export const MAX_CODEBOOK_DRIFT = 1.25;

/**
 * Drift of a whole index above which it should be trained anew. An index of 300 pages of Cranfield, trained on them, that was
 * given filings until these had 10 %, 25 % and 50 % of its vectors: drift 1.12, 1.24, 1.45; recall@10 among the filings by codes
 * alone .904, .850, .821, after retraining .892, .912, .917; by usual searches, which rescore by exact vectors, .979, .975,
 * .971, after it .987 each time. An index that was made with 20 pages of one kind comes to 1.23 when it doubles, and loses .03
 * (`node test/bench/maintenance/drift.ts`).
 */
export const RETRAIN_DRIFT = 1.2;

/** An index that has grown beyond this many times what its codebook was trained on should be trained again. */
export const STALE_CODEBOOK_GROWTH = 8;

/**
 * Why `manifest` should be trained anew, told from it alone; undefined while its codebook serves. Training anew leaves a drift
 * of about 1, so an index never asks for it twice for the same documents.
 */
export function retrainingDue({
  codebook,
  segments,
}: Pick<Manifest, "codebook" | "segments">): "drift" | "growth" | undefined {
  if (codebook === undefined) return undefined;
  const vectors = segments.reduce((sum, { vectorCount }) => sum + vectorCount, 0);
  if (vectors > STALE_CODEBOOK_GROWTH * codebook.trainedOnVectors) return "growth";
  return (codebookDrift(codebook, segments) ?? 1) > RETRAIN_DRIFT ? "drift" : undefined;
}

/**
 * Mean distance of the vectors of `segments` to their centroids, divided by that of the vectors which the codebook was
 * trained on: 1 when they are alike. Undefined without vectors, and for a codebook that fitted its training exactly.
 */
export function codebookDrift(
  codebook: Pick<NonNullable<Manifest["codebook"]>, "meanResidualNorm"> | undefined,
  segments: readonly Pick<SegmentEntry, "vectorCount" | "meanResidualNorm">[],
): number | undefined {
  const vectors = segments.reduce((sum, { vectorCount }) => sum + vectorCount, 0);
  if (codebook === undefined || codebook.meanResidualNorm === 0 || vectors === 0) return undefined;
  const total = segments.reduce((sum, segment) => sum + segment.vectorCount * segment.meanResidualNorm, 0);
  return total / vectors / codebook.meanResidualNorm;
}
