/**
 * How well the codebook of an index still fits: an index keeps the codebook it was first trained with, and documents of
 * another kind are coded less closely by it.
 *
 * @module
 */
import type { Manifest, SegmentEntry } from "../../shared/format/manifest.ts";

/**
 * Above this an index should be made anew. Vectors of the kind that a codebook was trained on, but not seen by it, have 1.09
 * (token vectors of Cranfield or of filings, 4,096 centroids, 15 training vectors for each); those of filings under
 * Cranfield's codebook 2.08, and the mean cosine to their codes falls from .957 to .812.
 */
export const MAX_CODEBOOK_DRIFT = 1.25;

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
