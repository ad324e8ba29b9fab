/**
 * Puts merged segments in the place of their sources, in one commit, whatever others have committed since the sources were
 * read.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";
import { commitManifest, type ManifestDraft, readManifest } from "../../shared/format/manifest-store.ts";
import {
  type InvertedEntry,
  type Manifest,
  type OverlayEntry,
  type SegmentEntry,
  stillCovered,
} from "../../shared/format/manifest.ts";
import { liveOverlay, type Overlay, sameFields, storeOverlay } from "../../shared/format/overlay.ts";
import { layout } from "../../shared/store/layout.ts";
import { type CommitTarget, draftOf } from "./commit-changes.ts";
import { FOLD_OVERLAY_BYTES } from "./compact-plan.ts";
import { DocumentTables, type LiveDocument } from "./document-index.ts";
import { needsInvertedFile, removeInverted, writeInvertedFor } from "./inverted-file.ts";
import { GONE, type MergedSegment } from "./merge-segments.ts";

/** Segments come and go while an inverted file is built; so often that this many builds were in vain, it is not the time. */
const MAX_BUILDS = 4;

/** What is committed. */
export interface MergeCommit {
  /** None: only the overlay is freed of what means nothing any more. */
  merged: readonly MergedSegment[];
  /** The manifest that the sources were read from. */
  from: Manifest;
  /** A new codebook, under which all of `merged` are coded; none: that of `from` stays. */
  codebook?: Manifest["codebook"];
  /** That of `from`. */
  overlay: Overlay;
  /** When, by the target's clock, the first object of `merged` began to be stored. */
  storedSinceMs: number;
  signal?: AbortSignal | undefined;
  /** `share` is 0 … 1. */
  onInverting?: ((share: number) => void) | undefined;
}

/** Others moved documents of these out of their sources: they must not be committed. */
export class SourcesGoneError extends Error {
  readonly gone: readonly MergedSegment[];

  constructor(gone: readonly MergedSegment[]) {
    super("others have rewritten the segments that were merged");
    this.gone = gone;
  }
}

/** Others added segments that are coded under the codebook that is to go. */
export class UncodedSegmentsError extends Error {}

/** The index has another codebook, or is not there any more. */
export class IndexChangedError extends Error {
  constructor() {
    super("the index was dropped, or got another codebook");
  }
}

/** What is to be committed is: an answer of the store was lost, and a look at what had landed came too early. */
class LandedError extends Error {
  readonly manifest: Manifest;

  constructor(manifest: Manifest) {
    super("it is committed");
    this.manifest = manifest;
  }
}

/** The inverted file that was built does not fit what is to be committed. */
class InvertedOutdatedError extends Error {}

/**
 * Commits `merged`, with an inverted file where there was one or one is due.
 *
 * @throws SourcesGoneError; UncodedSegmentsError, only with a codebook; IndexChangedError; MaxleafError `commit_conflict`,
 *   `commit_expired`, `corrupt_data`, `store_unavailable`; the signal's reason.
 */
export async function commitMerged(target: CommitTarget, commit: MergeCommit): Promise<Manifest> {
  const tables = new DocumentTables(target.store, target.index);
  const overlay = await storeRest(target, commit, tables);
  for (let build = 1; ; build++) {
    const inverted = await buildFor(target, commit, tables);
    try {
      return await commitManifest(
        target.store,
        target.index,
        async (current) => {
          commit.signal?.throwIfAborted();
          const draft = await draftFor(current, commit, tables);
          return withOverlay(withInverted(draft, current, commit, inverted), commit, overlay);
        },
        { ...target, storedSinceMs: commit.storedSinceMs },
      );
    } catch (error) {
      if (error instanceof LandedError) return error.manifest;
      if (isRefusal(error) && inverted !== undefined) await removeInverted(target, inverted);
      if (!(error instanceof InvertedOutdatedError)) throw error;
      if (build < MAX_BUILDS) continue;
      const message = `segments of index ${quote(target.index)} came and went ${build} times while its inverted file was built`;
      throw new MaxleafError("commit_conflict", message, { cause: error });
    }
  }
}

/** Removes what was stored of `merged`, which no manifest names. */
export async function discardMerged(
  { store, index, onWarning }: CommitTarget,
  merged: readonly MergedSegment[],
): Promise<void> {
  const ids = merged.flatMap(({ entry }) => entry?.id ?? []);
  try {
    await store.delete(ids.flatMap((id) => [layout.segment(index, id), layout.vectors(index, id)]));
  } catch (error) {
    onWarning?.("segments of a merge that was given up could not be removed", error);
  }
}

/** Whether nothing was committed: any other failure of {@link commitMerged} may hide a commit that landed. */
export function isRefusal(error: unknown): boolean {
  return (
    error instanceof InvertedOutdatedError ||
    error instanceof SourcesGoneError ||
    error instanceof UncodedSegmentsError ||
    error instanceof IndexChangedError
  );
}

/** The inverted file of what would be committed now; undefined when it needs no new one. */
async function buildFor(
  target: CommitTarget,
  commit: MergeCommit,
  tables: DocumentTables,
): Promise<InvertedEntry | undefined> {
  const current = await readManifest(target.store, target.index);
  const draft = await draftFor(current, commit, tables);
  if (current === undefined || !lacksInverted(draft, current, commit)) return undefined;
  commit.signal?.throwIfAborted();
  return await writeInvertedFor(target, { ...current, ...draft }, { onProgress: commit.onInverting });
}

/** Whether `draft` has no inverted file although the index has one, had one at the beginning, or is due one. */
function lacksInverted(draft: ManifestDraft, current: Manifest | undefined, { from }: MergeCommit): boolean {
  if (draft.segments.every(({ vectorCount }) => vectorCount === 0)) return false;
  const had = current?.inverted !== undefined || from.inverted !== undefined;
  return (had && draft.inverted === undefined) || needsInvertedFile(draft);
}

function withInverted(
  draft: ManifestDraft,
  current: Manifest | undefined,
  commit: MergeCommit,
  built: InvertedEntry | undefined,
): ManifestDraft {
  if (built !== undefined && stillCovered(built, draft.segments) !== undefined) return { ...draft, inverted: built };
  if (lacksInverted(draft, current, commit)) throw new InvertedOutdatedError();
  return draft;
}

/**
 * What of the overlay is not wholly in `merged`, stored; undefined when nothing is left. One from which segments are rewritten
 * is freed of entries of documents that are not live too: else it stayed that large and a compaction would always be due.
 */
async function storeRest(
  { store, index }: CommitTarget,
  commit: MergeCommit,
  tables: DocumentTables,
): Promise<OverlayEntry | undefined> {
  const { from, overlay } = commit;
  let rest = withoutWritten(commit);
  if (rest.size > 0 && (from.overlay?.bytes ?? 0) > FOLD_OVERLAY_BYTES) {
    const live = await tables.liveDocuments(from);
    rest = liveOverlay(
      rest,
      Array.from(live.values(), ({ entry }) => entry),
    );
  }
  return rest.size === overlay.size ? from.overlay : await storeOverlay(store, index, rest);
}

/** The overlay without what `merged` says too, of all pages of a document. */
function withoutWritten({ merged, overlay }: Pick<MergeCommit, "merged" | "overlay">): Overlay {
  const written = new Map<string, number>();
  const whole = new Set<string>();
  for (const { id, revision, metadata, pages, pageCount } of merged.flatMap(({ documents }) => documents)) {
    const said = overlay.get(id);
    if (said === undefined || said.revision !== revision || !sameFields(said.metadata, metadata)) continue;
    const pagesWritten = (written.get(id) ?? 0) + pages;
    written.set(id, pagesWritten);
    if (pagesWritten === pageCount) whole.add(id);
  }
  return new Map([...overlay].filter(([id]) => !whole.has(id)));
}

/** An overlay that others have written meanwhile stays as it is: it has what `merged` has, and more. */
function withOverlay(draft: ManifestDraft, { from }: MergeCommit, rest: OverlayEntry | undefined): ManifestDraft {
  if (draft.overlay?.id !== from.overlay?.id || draft.overlay === undefined) return draft;
  const { overlay: _written, ...others } = draft;
  return rest === undefined ? others : { ...others, overlay: rest };
}

/** `current` with `merged` in place of their sources; its inverted file only if that still covers everything. */
async function draftFor(
  current: Manifest | undefined,
  { merged, from, codebook }: MergeCommit,
  tables: DocumentTables,
): Promise<ManifestDraft> {
  const written = new Set(merged.map(({ entry }) => entry?.id));
  // To take our own commit for another's and discard what we wrote would be to lose it.
  if (current?.segments.some(({ id }) => written.has(id)) === true) throw new LandedError(current);
  if (current === undefined || current.codebook?.id !== from.codebook?.id) throw new IndexChangedError();
  const segments = await replaceSources(current, merged, tables);
  const draft = draftOf(current, segments);
  if (codebook === undefined) return draft;
  if (segments.some(({ id, vectorCount }) => vectorCount > 0 && !written.has(id))) throw new UncodedSegmentsError();
  // What was measured under the old codebook says nothing about the new one; its lists are of other centroids.
  const { calibration: _calibration, inverted: _inverted, ...kept } = draft;
  return { ...kept, codebook };
}

async function replaceSources(
  current: Manifest,
  merged: readonly MergedSegment[],
  tables: DocumentTables,
): Promise<SegmentEntry[]> {
  const present = new Map(current.segments.map((entry) => [entry.id, entry]));
  const isPresent = ({ id }: SegmentEntry) => present.has(id);
  if (!merged.every(({ sources }) => sources.every(isPresent))) {
    const live = await tables.liveDocuments(current);
    const gone = merged.filter((segment) => hasMoved(segment, present, live));
    if (gone.length > 0) throw new SourcesGoneError(gone);
  }
  const mergedBySource = new Map(merged.flatMap((segment) => segment.sources.map(({ id }) => [id, segment] as const)));
  const placed = new Set<MergedSegment>();
  return current.segments.flatMap((entry) => {
    const segment = mergedBySource.get(entry.id);
    if (segment === undefined) return [entry];
    if (placed.has(segment)) return [];
    placed.add(segment);
    const carried = withDeletions(segment, present);
    return carried === undefined ? [] : [carried];
  });
}

/**
 * Whether a document of a source that is not there any more lives on elsewhere: another compaction has taken it. A source also
 * goes when the last of its documents is deleted or replaced.
 */
function hasMoved(
  { sources, ordinals, documents }: MergedSegment,
  present: ReadonlyMap<string, SegmentEntry>,
  live: ReadonlyMap<string, LiveDocument>,
): boolean {
  return sources.some(({ id }) => {
    if (present.has(id)) return false;
    return Array.from(ordinals.get(id) ?? []).some((ordinal) => {
      const document = documents[ordinal];
      return document !== undefined && live.get(document.id)?.entry.revision === document.revision;
    });
  });
}

/** The new segment with what was deleted in its sources since they were read; undefined when nothing in it lives. */
function withDeletions(
  { entry, sources, ordinals }: MergedSegment,
  present: ReadonlyMap<string, SegmentEntry>,
): SegmentEntry | undefined {
  if (entry === undefined) return undefined;
  const deleted = new Set<number>();
  for (const { id } of sources) {
    const own = ordinals.get(id) ?? new Int32Array();
    for (const ordinal of present.get(id)?.deletedDocuments ?? own.keys()) deleted.add(own[ordinal] ?? GONE);
  }
  deleted.delete(GONE);
  if (deleted.size === entry.documentCount) return undefined;
  return { ...entry, deletedDocuments: [...deleted].toSorted((a, b) => a - b) };
}
