/**
 * Compacts an index after an ingestion, or trains its codebook anew, when that is due.
 *
 * @module
 */
import { MaxleafError } from "../../shared/errors.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { retrainingDue } from "../indexing/codebook-drift.ts";
import { compactIndex } from "../indexing/compact.ts";
import { compactionDue, DUE_SEGMENTS_PER_TIER } from "../indexing/compact-plan.ts";
import { retrainIndex } from "../indexing/retrain.ts";
import type { ExecutionProvider } from "../models/onnx-session.ts";
import { count, duration } from "./format.ts";

export interface MaintainIngestedOptions {
  store: ObjectStore;
  index: string;
  threads: number | undefined;
  executionProvider: ExecutionProvider | undefined;
  signal: AbortSignal;
  /** A line for what was done. */
  onLog: (line: string) => void;
  onWarning: (message: string) => void;
}

/** Several workers may do this at once: one wins, the others see that it is done. A failure is a warning. */
export async function maintainIngested(options: MaintainIngestedOptions): Promise<void> {
  const { store, index, signal, onLog, onWarning } = options;
  try {
    const manifest = await readManifest(store, index);
    if (manifest === undefined) return;
    const beginMs = performance.now();
    const done = await maintain(options, manifest);
    if (done !== undefined) onLog(`${index}: ${done} in ${duration(performance.now() - beginMs)}`);
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof MaxleafError && error.code === "commit_conflict") {
      onLog(`${index} was changed by others while it was looked after; the next ingestion sees what is left to do`);
      return;
    }
    const reason = error instanceof Error ? error.message : String(error);
    onWarning(`${index} was not looked after (maxleaf compact and maxleaf retrain try again): ${reason}`);
  }
}

/** Training compacts too. */
async function maintain(options: MaintainIngestedOptions, manifest: Manifest): Promise<string | undefined> {
  const { store, index, threads, executionProvider, signal, onWarning } = options;
  const target = { store, index, onWarning: (message: string) => onWarning(message) };
  if (retrainingDue(manifest) !== undefined) {
    const report = await retrainIndex(target, { threads, executionProvider, signal });
    if (report === undefined) return undefined;
    const { centroidsBefore, centroidsAfter, segmentsBefore, segmentsAfter } = report;
    const centroids = `${count(centroidsBefore)} → ${count(centroidsAfter)} centroids`;
    return `trained anew, ${centroids}, ${count(segmentsBefore)} → ${count(segmentsAfter)} segments,`;
  }
  if (!compactionDue(manifest)) return undefined;
  const report = await compactIndex(target, { maxSegmentsPerTier: DUE_SEGMENTS_PER_TIER, signal });
  if (report === undefined) return undefined;
  return `compacted, ${count(report.segmentsBefore)} → ${count(report.segmentsAfter)} segments,`;
}
