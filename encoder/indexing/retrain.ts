/**
 * Retraining: a new codebook for an index that has outgrown its own, made from the exact vectors that it stores, without
 * the model that made them. Every segment is written anew, coded under it, and one commit puts all of them in place.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import { type Overlay, readOverlay } from "../../shared/format/overlay.ts";
import { systemClock } from "../../shared/ports.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ExecutionProvider } from "../models/onnx-session.ts";
import { codebookDrift } from "./codebook-drift.ts";
import type { CommitTarget } from "./commit-changes.ts";
import type { MaintenanceProgress } from "./compact.ts";
import { planAll } from "./compact-plan.ts";
import { MatrixRunner } from "./matrix-runner.ts";
import {
  commitMerged,
  discardMerged,
  IndexChangedError,
  isRefusal,
  SourcesGoneError,
  UncodedSegmentsError,
} from "./merge-commit.ts";
import { type MergedSegment, mergeSegments } from "./merge-segments.ts";
import { type SegmentLimits, segmentLimits } from "./plan-segments.ts";
import { type TrainedCodebook, trainFromIndex } from "./retrain-codebook.ts";
import { readSegmentSizes } from "./segment-sizes.ts";

/** Times that segments which others added meanwhile are coded too. Each is shorter than the one before, as a rule. */
const MAX_ROUNDS = 8;

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
  /** What was coded anew. */
  pages: number;
  vectors: number;
  segmentsBefore: number;
  segmentsAfter: number;
  centroidsBefore: number;
  centroidsAfter: number;
  /** See `codebookDrift`: of all vectors, under the codebook before and the new one. */
  driftBefore: number | undefined;
  driftAfter: number | undefined;
}

/**
 * Trains the index anew. Undefined when it has no vectors. Its calibration goes: it was measured under the old codebook.
 *
 * @throws MaxleafError `index_not_found`; `commit_conflict` when another retraining was faster, or others kept adding;
 *   `commit_expired`; `corrupt_data`; `store_unavailable`; `model_unavailable` when CUDA is asked for and is not there; the signal's reason.
 */
export async function retrainIndex(
  target: CommitTarget,
  options: RetrainOptions = {},
): Promise<RetrainReport | undefined> {
  const { store, index } = target;
  const { signal, threads, executionProvider } = options;
  signal?.throwIfAborted();
  const before = await readManifest(store, index);
  if (before === undefined) throw new MaxleafError("index_not_found", `there is no index ${quote(index)}`);
  if (before.codebook === undefined) return undefined;
  const runner = await MatrixRunner.create({ threads, executionProvider });
  const retraining = new Retraining(target, options, before);
  try {
    return await retraining.run(runner);
  } catch (error) {
    if (!(error instanceof IndexChangedError)) throw error;
    const message = `index ${quote(index)} was dropped or trained anew by another while it was trained`;
    throw new MaxleafError("commit_conflict", message, { cause: error });
  } finally {
    await runner.dispose();
  }
}

class Retraining {
  readonly #target: CommitTarget;
  readonly #options: RetrainOptions;
  readonly #before: Manifest;
  readonly #storedSinceMs: number;
  #merged: MergedSegment[] = [];
  /** A commit ended in an error that does not tell: what it names must stay. */
  #mayHaveLanded = false;

  constructor(target: CommitTarget, options: RetrainOptions, before: Manifest) {
    this.#target = target;
    this.#options = options;
    this.#before = before;
    this.#storedSinceMs = (target.clock ?? systemClock).nowMs();
  }

  async run(runner: MatrixRunner): Promise<RetrainReport | undefined> {
    const { store, index } = this.#target;
    const trained = await trainFromIndex(store, this.#before, { ...this.#options, runner });
    if (trained === undefined) return undefined;
    await store.put(layout.codebook(index, trained.entry.id), trained.bytes, { onlyIf: "absent" });
    try {
      return this.#reportOf(await this.#codeUntilCommitted(trained));
    } catch (error) {
      if (!this.#mayHaveLanded) await this.#discard(trained.entry.id);
      throw error;
    }
  }

  async #codeUntilCommitted(trained: TrainedCodebook): Promise<Manifest> {
    const { store, index } = this.#target;
    for (let round = 1; round <= MAX_ROUNDS; round++) {
      const current = await readManifest(store, index);
      if (current === undefined || current.codebook?.id !== this.#before.codebook?.id) throw new IndexChangedError();
      const overlay = await readOverlay(store, index, current.overlay);
      await this.#codeMissing(current, overlay, trained);
      const manifest = await this.#commit(current, overlay, trained);
      if (manifest !== undefined) return manifest;
    }
    const message = `others changed index ${quote(index)} ${MAX_ROUNDS} times while it was trained anew`;
    throw new MaxleafError("commit_conflict", message);
  }

  /** Codes the segments that are not coded yet: all, then those that others added meanwhile. */
  async #codeMissing(current: Manifest, overlay: Overlay, { coder, entry: codebook }: TrainedCodebook): Promise<void> {
    const { store, index } = this.#target;
    const { limits = segmentLimits(current.recipe.dim), signal, onProgress } = this.#options;
    const coded = new Set(this.#merged.flatMap(({ sources }) => sources.map(({ id }) => id)));
    // A segment without vectors stays valid under any codebook: one that comes later may be left alone.
    const isFirst = this.#merged.length === 0;
    const segments = current.segments.filter(({ id, vectorCount }) => !coded.has(id) && (isFirst || vectorCount > 0));
    const sizes = await readSegmentSizes(store, { ...current, segments });
    const pages = sizes.reduce((sum, { livePages }) => sum + livePages, 0);
    let pagesDone = 0;
    const onPages = (count: number) => {
      pagesDone += count;
      onProgress?.({ stage: "rewriting", share: pagesDone / pages });
    };
    const work = { store, index, from: current, codebook, coder, overlay, signal, onPages };
    for (const merge of planAll(sizes, limits)) {
      const sources = merge.map(({ entry }) => entry);
      this.#merged.push(await mergeSegments(work, sources));
    }
  }

  /** Undefined when others have added or rewritten segments meanwhile. */
  async #commit(from: Manifest, overlay: Overlay, { entry: codebook }: TrainedCodebook): Promise<Manifest | undefined> {
    const { signal, onProgress } = this.#options;
    const onInverting = (share: number) => onProgress?.({ stage: "inverting", share });
    const commit = { merged: this.#merged, storedSinceMs: this.#storedSinceMs, from, codebook, overlay };
    signal?.throwIfAborted();
    this.#mayHaveLanded = true;
    try {
      return await commitMerged(this.#target, { ...commit, signal, onInverting });
    } catch (error) {
      this.#mayHaveLanded = !isRefusal(error);
      if (error instanceof UncodedSegmentsError) return undefined;
      if (!(error instanceof SourcesGoneError)) throw error;
      await discardMerged(this.#target, error.gone);
      this.#merged = this.#merged.filter((segment) => !error.gone.includes(segment));
      return undefined;
    }
  }

  async #discard(codebookId: string): Promise<void> {
    const { store, index, onWarning } = this.#target;
    await discardMerged(this.#target, this.#merged);
    try {
      await store.delete([layout.codebook(index, codebookId)]);
    } catch (error) {
      onWarning?.("a codebook that came to nothing could not be removed", error);
    }
  }

  #reportOf({ version, segments, codebook }: Manifest): RetrainReport {
    const { segments: segmentsBefore, codebook: codebookBefore } = this.#before;
    const total = (field: "pageCount" | "vectorCount") => segments.reduce((sum, segment) => sum + segment[field], 0);
    return {
      manifestVersion: version,
      pages: total("pageCount"),
      vectors: total("vectorCount"),
      segmentsBefore: segmentsBefore.length,
      segmentsAfter: segments.length,
      centroidsBefore: codebookBefore?.centroidCount ?? 0,
      centroidsAfter: codebook?.centroidCount ?? 0,
      driftBefore: codebookDrift(codebookBefore, segmentsBefore),
      driftAfter: codebookDrift(codebook, segments),
    };
  }
}
