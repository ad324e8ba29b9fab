/**
 * Retraining: a new codebook for an index that has outgrown its own, made from the exact vectors that it stores.
 *
 * @module
 */
import { MaxleafError } from "../../shared/errors.ts";
import type { ExecutionProvider } from "../models/onnx-session.ts";
import type { CommitTarget } from "./commit-changes.ts";
import type { MaintenanceProgress } from "./compact.ts";
import type { SegmentLimits } from "./plan-segments.ts";

export interface RetrainOptions {
  /** Smaller segments than by default. */
  limits?: SegmentLimits | undefined;
  /** Threads of training and coding. */
  threads?: number | undefined;
  /** Where they run; `auto` by default. */
  executionProvider?: ExecutionProvider | undefined;
  /** Stops before the commit: nothing has changed then. */
  signal?: AbortSignal | undefined;
  onProgress?: ((progress: MaintenanceProgress) => void) | undefined;
}

export interface RetrainReport {
  manifestVersion: number;
  /** Vectors that were coded anew. */
  vectors: number;
  pages: number;
  segmentsBefore: number;
  segmentsAfter: number;
  centroidsBefore: number;
  centroidsAfter: number;
  /** See `codebookDrift`: of all vectors, under the codebook before and the new one. */
  driftBefore: number | undefined;
  driftAfter: number | undefined;
}

/** Trains the index anew. Undefined when it has no vectors. */
export async function retrainIndex(
  { index }: CommitTarget,
  options: RetrainOptions = {},
): Promise<RetrainReport | undefined> {
  options.signal?.throwIfAborted();
  throw new MaxleafError("internal", `retraining ${index} is not there yet`);
}
