/**
 * Calibrates an index after an ingestion that made it another one, in little time.
 *
 * @module
 */
import { readManifest } from "../../shared/format/manifest-store.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { calibrateIndex, needsCalibration } from "../indexing/calibrate.ts";
import type { ExecutionProvider } from "../models/onnx-session.ts";
import { loadKernel } from "./load-kernel.ts";

/** Nobody asked for it, so nobody should wait long: `maxleaf calibrate` takes the time that it needs. */
const TIME_LIMIT_MS = 30_000;
const MAX_PAGES = 2_000;

export interface CalibrateIngestedOptions {
  store: ObjectStore;
  index: string;
  /** The manifest before the ingestion. */
  before: Manifest | undefined;
  threads: number | undefined;
  executionProvider: ExecutionProvider | undefined;
  signal: AbortSignal;
  /** Share of a stage, 0 … 1. */
  onProgress: (share: number) => void;
  onWarning: (message: string) => void;
}

/** The version of the manifest that has the calibration; undefined when none was due. A failure is a warning. */
export async function calibrateIngested(options: CalibrateIngestedOptions): Promise<number | undefined> {
  const { store, index, before, threads, executionProvider, signal, onProgress, onWarning } = options;
  try {
    const after = await readManifest(store, index);
    if (after === undefined || !needsCalibration(before, after)) return undefined;
    const calibrated = await calibrateIndex({
      store,
      index,
      threads,
      executionProvider,
      signal,
      kernelModule: await loadKernel(),
      maxPages: MAX_PAGES,
      timeLimitMs: TIME_LIMIT_MS,
      onProgress: ({ share }) => onProgress(share),
    });
    return calibrated?.version;
  } catch (error) {
    if (!signal.aborted) onWarning(`${index} was not calibrated (maxleaf calibrate tries again): ${reasonOf(error)}`);
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
