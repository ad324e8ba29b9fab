/**
 * Gives an index its inverted file: when bags have grown too many to be scanned for every query, or when asked.
 *
 * @module
 */
import PQueue from "p-queue";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { readCodebook } from "../../shared/format/codebook.ts";
import {
  type InvertedSegment,
  invertedSegment,
  writeInvertedFile,
} from "../../shared/format/inverted/inverted-writer.ts";
import { commitManifest, readManifest } from "../../shared/format/manifest-store.ts";
import { type InvertedEntry, type Manifest, type SegmentEntry, stillCovered } from "../../shared/format/manifest.ts";
import { segmentIdentityOf } from "../../shared/format/segment-identity.ts";
import { openSegment } from "../../shared/format/segment-reader.ts";
import { MAX_CONCURRENT_READS } from "../../shared/limits.ts";
import { systemClock } from "../../shared/ports.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { type CommitTarget, draftOf } from "./commit-changes.ts";

/**
 * Ids in the bags of segments that no inverted file covers. At 2 bytes each this many are 4 MB that every isolate would
 * hold and scan: 10,000 pages of 200 distinct centroids.
 */
export const MAX_UNCOVERED_BAG_ENTRIES = 2_000_000;
/** An index that has an inverted file may grow by this share before the next one is built. Building is one pass over all bags. */
export const MAX_UNCOVERED_SHARE = 0.25;
/** A file that a segment left while it was built is built again; deletions that fast mean that the index is being emptied. */
const MAX_BUILDS = 3;
/** As garbage collection has it, and a day more than a build may wait for its commit (`MAX_UNCOMMITTED_MS`). */
const ABANDONED_AFTER_MS = 72 * 60 * 60 * 1_000;

export interface BuildInvertedOptions {
  /** Called with the finished share of the work, 0 … 1. */
  onProgress?: ((share: number) => void) | undefined;
  /** Most bytes of lists held at once; see `writeInvertedFile`. */
  maxListBytes?: number | undefined;
}

/** The segments of an index have gone while their inverted file was built. */
class SegmentsGoneError extends Error {}

/** Whether the segments without an inverted file have grown too many for bags. */
export function needsInvertedFile(
  { segments, inverted }: Pick<Manifest, "segments" | "inverted">,
  maxUncovered = MAX_UNCOVERED_BAG_ENTRIES,
): boolean {
  const covered = new Set(inverted?.segmentIds);
  const uncovered = segments.reduce((sum, { id, bagEntries }) => sum + (covered.has(id) ? 0 : bagEntries), 0);
  return uncovered > Math.max(maxUncovered, MAX_UNCOVERED_SHARE * (inverted?.bagEntries ?? 0));
}

/**
 * Builds an inverted file of all segments and commits it. Writers may go on meanwhile: segments that
 * they add are not covered, and when one goes that was, the file is built again.
 *
 * @returns the manifest with the file; undefined when the index has no vectors.
 * @throws MaxleafError `index_not_found`, `commit_conflict`, `commit_expired`, `corrupt_data`, `store_unavailable`.
 */
export async function buildInvertedFile(
  target: CommitTarget,
  options: BuildInvertedOptions = {},
): Promise<Manifest | undefined> {
  for (let build = 1; ; build++) {
    const storedSinceMs = (target.clock ?? systemClock).nowMs();
    const manifest = await requireManifest(target);
    const entry = await writeInvertedFor(target, manifest, options);
    if (entry === undefined) return undefined;
    try {
      const committed = await commitInverted({ ...target, storedSinceMs }, manifest, entry);
      await removeAbandoned(target, new Set([entry.id, manifest.inverted?.id]));
      return committed;
    } catch (error) {
      if (!(error instanceof SegmentsGoneError)) throw error;
      await removeInverted(target, entry);
      if (build === MAX_BUILDS) {
        const message = `index ${quote(target.index)} lost segments ${build} times while its inverted file was built`;
        throw new MaxleafError("commit_conflict", message, { cause: error });
      }
    }
  }
}

async function requireManifest({ store, index }: CommitTarget): Promise<Manifest> {
  const manifest = await readManifest(store, index);
  if (manifest !== undefined) return manifest;
  throw new MaxleafError("index_not_found", `there is no index ${quote(index)}`);
}

/** Writes the file for `manifest`, whose segments are stored; undefined when it has no vectors. Nothing names it yet. */
export async function writeInvertedFor(
  { store, index }: Pick<CommitTarget, "store" | "index">,
  manifest: Pick<Manifest, "codebook" | "recipe" | "recipeFingerprint" | "segments">,
  options: BuildInvertedOptions,
): Promise<InvertedEntry | undefined> {
  const { codebook, recipe, recipeFingerprint, segments: entries } = manifest;
  if (codebook === undefined || entries.every((entry) => entry.vectorCount === 0)) return undefined;
  const { cells } = await readCodebook(store, index, codebook.id, { recipeFingerprint, dim: recipe.dim });
  const queue = new PQueue({ concurrency: MAX_CONCURRENT_READS });
  // Those without vectors too: what is covered no search has to open.
  const segments = await queue.addAll(
    entries.map((entry) => async () => await openForCovering(store, index, manifest, entry)),
  );
  const identity = { recipeFingerprint, codebookId: codebook.id, dim: recipe.dim, subspaces: codebook.subspaces };
  return await writeInvertedFile(store, { index, id: crypto.randomUUID(), identity, cells, segments, ...options });
}

async function openForCovering(
  store: ObjectStore,
  index: string,
  manifest: Pick<Manifest, "codebook" | "recipe" | "recipeFingerprint">,
  entry: SegmentEntry,
): Promise<InvertedSegment> {
  const expected = segmentIdentityOf(manifest, entry);
  const reader = await openSegment(store, { index, id: entry.id, expected, bytes: entry.bytes });
  return invertedSegment(reader, entry.bytes);
}

async function commitInverted(target: CommitTarget, builtFrom: Manifest, entry: InvertedEntry): Promise<Manifest> {
  return await commitManifest(
    target.store,
    target.index,
    (current) => {
      const isValid = current?.codebook?.id === builtFrom.codebook?.id;
      if (current === undefined || !isValid || stillCovered(entry, current.segments) === undefined) {
        throw new SegmentsGoneError("a segment has left the index");
      }
      return { ...draftOf(current, current.segments), inverted: entry };
    },
    target,
  );
}

/** Removes an inverted file that no manifest names. A failure is a warning. */
export async function removeInverted({ store, index, onWarning }: CommitTarget, entry: InvertedEntry): Promise<void> {
  const { id, parts, lexical } = entry;
  try {
    await store.delete([
      layout.inverted(index, id),
      ...parts.map((_, part) => layout.invertedPart(index, id, part)),
      layout.lexical(index, id),
      ...(lexical?.parts ?? []).map((_, part) => layout.lexicalPart(index, id, part)),
    ]);
  } catch (error) {
    onWarning?.("an inverted file that came too late could not be removed", error);
  }
}

/**
 * Removes the objects of files other than `keep` that are older than any build and any reader's manifest. The file that
 * was just replaced is kept: searches under way read it.
 */
async function removeAbandoned(
  { store, index, onWarning, clock = systemClock }: CommitTarget,
  keep: ReadonlySet<string | undefined>,
): Promise<void> {
  try {
    const before = clock.nowMs() - ABANDONED_AFTER_MS;
    await store.delete(await abandonedKeys(store, layout.inverted(index, ""), keep, before));
  } catch (error) {
    onWarning?.(`older inverted files of ${quote(index)} could not be removed`, error);
  }
}

async function abandonedKeys(
  store: ObjectStore,
  prefix: string,
  keep: ReadonlySet<string | undefined>,
  beforeMs: number,
): Promise<string[]> {
  const keys: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list(prefix, cursor === undefined ? {} : { cursor });
    for (const { key, lastModifiedMs } of page.objects) {
      const [id] = key.slice(prefix.length).split(".");
      if (lastModifiedMs < beforeMs && !keep.has(id)) keys.push(key);
    }
    cursor = page.cursor;
  } while (cursor !== undefined);
  return keys;
}
