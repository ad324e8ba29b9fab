/**
 * Compaction: small segments become one, and deleted pages go, without encoding or coding anything anew.
 *
 * @module
 */
import { MaxleafError } from "../../shared/errors.ts";
import type { CommitTarget } from "./commit-changes.ts";
import type { SegmentLimits } from "./plan-segments.ts";

/** How far a compaction or a retraining is. `share` is 0 … 1. */
export interface MaintenanceProgress {
  stage: "sampling" | "training" | "rewriting" | "inverting";
  share: number;
}

export interface CompactOptions {
  /** Smaller segments than by default. */
  limits?: SegmentLimits | undefined;
  /** Segments of one size tier that are left alone up to this number; see {@link SegmentTiers}. */
  maxSegmentsPerTier?: number | undefined;
  /** Stops before the commit: nothing has changed then. */
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: MaintenanceProgress) => void) | undefined;
}

export interface CompactReport {
  manifestVersion: number;
  /** Segments of the index before and after. */
  segmentsBefore: number;
  segmentsAfter: number;
  /** Segments that were rewritten, into how many. */
  segmentsRewritten: number;
  segmentsWritten: number;
  /** Pages that were copied, and deleted ones that were left out. */
  pagesCopied: number;
  pagesRemoved: number;
}

/** Compacts the index. Undefined when there is nothing to do. */
export async function compactIndex(
  { index }: CommitTarget,
  options: CompactOptions = {},
): Promise<CompactReport | undefined> {
  options.signal?.throwIfAborted();
  throw new MaxleafError("internal", `compacting ${index} is not there yet`);
}
