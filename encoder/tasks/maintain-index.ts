/**
 * Does tasks of the types `index.compact` and `index.retrain`.
 *
 * @module
 */
import { resolveIndexName } from "../../shared/format/aliases.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import { MaxleafError, quote } from "../../shared/errors.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { compactIndex, type MaintenanceProgress } from "../indexing/compact.ts";
import { retrainIndex } from "../indexing/retrain.ts";
import type { ExecutionProvider } from "../models/onnx-session.ts";
import type { TaskSession } from "./task-session.ts";

export interface MaintainIndexOptions {
  store: ObjectStore;
  threads?: number | undefined;
  executionProvider?: ExecutionProvider | undefined;
  /** Stops before the commit. */
  signal: AbortSignal;
  onWarning: (message: string) => void;
}

/** In the order that they happen in. */
const STAGES: readonly MaintenanceProgress["stage"][] = ["sampling", "training", "rewriting", "inverting"];

/**
 * Compacts or retrains the index of the session's task; nothing is done where nothing is to be done.
 *
 * Errors: `index_not_found`, those of `compactIndex` and `retrainIndex`; the signal's reason when it is stopped.
 */
export async function maintainIndex(session: TaskSession, options: MaintainIndexOptions): Promise<void> {
  const { store, threads, executionProvider, onWarning } = options;
  const { type, index: name } = session.record.task;
  // It may have been renamed since.
  const index = await resolveIndexName(store, name);
  if ((await readManifest(store, index)) === undefined) {
    throw new MaxleafError("index_not_found", `there is no index ${quote(index)}`);
  }
  const signal = AbortSignal.any([options.signal, session.canceled, session.lost]);
  const onProgress = ({ stage, share }: MaintenanceProgress) => {
    session.setProgress((STAGES.indexOf(stage) + share) / STAGES.length);
  };
  const target = { store, index, onWarning: (message: string) => onWarning(message) };
  if (type === "index.compact") await compactIndex(target, { signal, onProgress });
  else await retrainIndex(target, { threads, executionProvider, signal, onProgress });
}
