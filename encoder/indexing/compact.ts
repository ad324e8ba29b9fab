/**
 * Compaction: small segments become one and deleted pages go, without encoding or coding anything anew.
 *
 * New segments and, where there was one, a new inverted file are stored first; one commit puts them in the place of the old
 * ones, which stay in the bucket for readers that still use them, until garbage collection. Other writers may go on: what
 * they add is left alone, what they delete or replace meanwhile is deleted in the new segments too.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import { type Overlay, readOverlay } from "../../shared/format/overlay.ts";
import { systemClock } from "../../shared/ports.ts";
import type { CommitTarget } from "./commit-changes.ts";
import { ASKED_SEGMENTS_PER_TIER, FOLD_OVERLAY_BYTES, type Merge, planCompaction } from "./compact-plan.ts";
import { commitMerged, discardMerged, IndexChangedError, SourcesGoneError } from "./merge-commit.ts";
import { type MergedSegment, mergeSegments } from "./merge-segments.ts";
import { type SegmentLimits, segmentLimits } from "./plan-segments.ts";
import { readSegmentSizes } from "./segment-sizes.ts";

/** Compactions that begin at once do the same work; the loser of this many races is not alone in any sense. */
const MAX_ATTEMPTS = 3;

/** How far a compaction or a retraining is. `share` is 0 … 1. */
export interface MaintenanceProgress {
  stage: "sampling" | "training" | "rewriting" | "inverting";
  share: number;
}

export interface CompactOptions {
  /** Smaller segments than by default. */
  limits?: SegmentLimits | undefined;
  /** Segments of one size tier that are left alone up to this number; by default there is to be only one of each. */
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

/** What a compaction would do. */
export interface CompactionPlan {
  manifest: Manifest;
  merges: readonly Merge[];
  /** No segment is rewritten, but changed metadata of documents that are gone has grown so large that it is removed. */
  dropsOverlay: boolean;
}

interface OverlaidPlan extends CompactionPlan {
  overlay: Overlay;
}

/**
 * Which segments a compaction would rewrite now. Reads the tables of segments with deletions.
 *
 * @throws MaxleafError `index_not_found`, `corrupt_data`, `store_unavailable`.
 */
export async function planCompactionOf(target: CommitTarget, options: CompactOptions = {}): Promise<CompactionPlan> {
  const { manifest, merges, dropsOverlay } = await makePlan(target, options);
  return { manifest, merges, dropsOverlay };
}

/**
 * Compacts the index; undefined when there is nothing to do, also since another compaction has done it meanwhile. Memory:
 * one new segment at a time, and what is read for it by and by.
 *
 * @throws MaxleafError `index_not_found`; `commit_conflict` when others were always faster; `commit_expired`;
 *   `corrupt_data`; `store_unavailable`; the signal's reason when it is aborted.
 */
export async function compactIndex(
  target: CommitTarget,
  options: CompactOptions = {},
): Promise<CompactReport | undefined> {
  for (let attempt = 1; ; attempt++) {
    const plan = await makePlan(target, options);
    if (plan.merges.length === 0) return plan.dropsOverlay ? await dropOverlay(target, plan, options) : undefined;
    const report = await compactBy(target, plan, options);
    if (report !== undefined) return report;
    if (attempt < MAX_ATTEMPTS) continue;
    const message = `others rewrote the segments of index ${quote(target.index)} ${attempt} times while it was compacted`;
    throw new MaxleafError("commit_conflict", message);
  }
}

async function makePlan(
  { store, index }: CommitTarget,
  { limits, maxSegmentsPerTier = ASKED_SEGMENTS_PER_TIER, signal }: CompactOptions,
): Promise<OverlaidPlan> {
  signal?.throwIfAborted();
  const manifest = await readManifest(store, index);
  if (manifest === undefined) throw new MaxleafError("index_not_found", `there is no index ${quote(index)}`);
  const overlay = await readOverlay(store, index, manifest.overlay);
  const isOverlayFull = (manifest.overlay?.bytes ?? 0) > FOLD_OVERLAY_BYTES;
  const sizes = await readSegmentSizes(store, manifest, isOverlayFull ? overlay : undefined);
  const merges = planCompaction(sizes, { limits: limits ?? segmentLimits(manifest.recipe.dim), maxSegmentsPerTier });
  // A full overlay by which no segment is rewritten speaks of no live document.
  return { manifest, merges, overlay, dropsOverlay: isOverlayFull && merges.length === 0 };
}

/** Commits the index without its overlay; the segments stay as they are. */
async function dropOverlay(
  target: CommitTarget,
  { manifest: from, overlay }: OverlaidPlan,
  { signal, onProgress }: CompactOptions,
): Promise<CompactReport | undefined> {
  const storedSinceMs = (target.clock ?? systemClock).nowMs();
  const onInverting = (share: number) => onProgress?.({ stage: "inverting", share });
  try {
    const manifest = await commitMerged(target, { merged: [], from, overlay, storedSinceMs, signal, onInverting });
    return reportOf(from, manifest, []);
  } catch (error) {
    if (error instanceof IndexChangedError) return undefined;
    throw error;
  }
}

/** Undefined when others had rewritten all that was to be. */
async function compactBy(
  target: CommitTarget,
  { manifest: from, merges, overlay }: OverlaidPlan,
  { signal, onProgress }: CompactOptions,
): Promise<CompactReport | undefined> {
  const { store, index } = target;
  const pages = merges.flat().reduce((sum, { livePages }) => sum + livePages, 0);
  let pagesDone = 0;
  const onPages = (count: number) => {
    pagesDone += count;
    onProgress?.({ stage: "rewriting", share: pagesDone / pages });
  };
  let merged: MergedSegment[] = [];
  const storedSinceMs = (target.clock ?? systemClock).nowMs();
  try {
    const work = { store, index, from, codebook: from.codebook, overlay, signal, onPages };
    for (const merge of merges) {
      const sources = merge.map(({ entry }) => entry);
      merged.push(await mergeSegments(work, sources));
    }
    signal?.throwIfAborted();
  } catch (error) {
    await discardMerged(target, merged);
    throw error;
  }
  const onInverting = (share: number) => onProgress?.({ stage: "inverting", share });
  while (merged.length > 0) {
    try {
      const manifest = await commitMerged(target, { merged, from, overlay, storedSinceMs, signal, onInverting });
      return reportOf(from, manifest, merged);
    } catch (error) {
      const gone = goneOf(error, merged);
      if (gone.length === 0) throw error;
      await discardMerged(target, gone);
      merged = merged.filter((segment) => !gone.includes(segment));
    }
  }
  return undefined;
}

/** What can no longer be committed after `error`; none after one that tells nothing of that. */
function goneOf(error: unknown, merged: readonly MergedSegment[]): readonly MergedSegment[] {
  if (error instanceof SourcesGoneError) return error.gone;
  return error instanceof IndexChangedError ? merged : [];
}

function reportOf(from: Manifest, manifest: Manifest, merged: readonly MergedSegment[]): CompactReport {
  return {
    manifestVersion: manifest.version,
    segmentsBefore: from.segments.length,
    segmentsAfter: manifest.segments.length,
    segmentsRewritten: merged.reduce((sum, { sources }) => sum + sources.length, 0),
    segmentsWritten: merged.filter(({ entry }) => entry !== undefined).length,
    pagesCopied: merged.reduce((sum, { entry }) => sum + (entry?.pageCount ?? 0), 0),
    pagesRemoved: merged.reduce((sum, { pagesRemoved }) => sum + pagesRemoved, 0),
  };
}
