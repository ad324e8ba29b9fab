/**
 * Changes metadata of documents without writing their segments again: a new overlay, and a manifest that names it.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";
import { UNSTORABLE_FIELD } from "../../shared/format/documents.ts";
import { commitManifest } from "../../shared/format/manifest-store.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import {
  extendedOverlay,
  liveOverlay,
  MAX_OVERLAY_BYTES,
  sameFields,
  storeOverlay,
} from "../../shared/format/overlay.ts";
import { MAX_METADATA_FIELDS, MAX_METADATA_VALUE_CHARS } from "../../shared/limits.ts";
import type { DocumentEntry } from "../../shared/page.ts";
import { type CommitTarget, draftOf, withOverlay } from "./commit-changes.ts";
import { DocumentTables, type LiveDocument } from "./document-index.ts";
import { findLiveDocuments } from "./find-documents.ts";

/** Fields and what becomes of them: a string is the new value, null removes the field, others stay (RFC 7396). */
export type MetadataPatch = Readonly<Record<string, string | null>>;

export interface MetadataReport {
  /** What was committed; the manifest as it was when nothing had to be changed. */
  manifest: Manifest;
  /** The documents whose metadata is another now, as they are. */
  changed: DocumentEntry[];
  /** Those that had it like this before. */
  unchanged: DocumentEntry[];
}

/**
 * An overlay of so many bytes is freed of entries of documents that are not live any more, which takes reading the tables of all
 * segments; in a smaller one they do no harm. A quarter of what compaction folds from. Ours.
 */
const PRUNE_FROM_BYTES = MAX_OVERLAY_BYTES / 16;

/** Document ids that an error names. */
const MAX_NAMED = 20;

/**
 * Changes the metadata of documents, all in one commit. Nothing is encoded or coded again: what is written is the overlay,
 * which has the metadata of all documents that changed since their segments were written. Searches that begin on the new
 * manifest filter by it and show it. A change that others commit meanwhile is kept: the patches are applied to what is newest.
 *
 * @param patches by document id.
 * @throws MaxleafError `invalid_request` for fields or values past the limits; `index_not_found`; `document_not_found`, which
 *   names the ids, and then nothing is changed; `compaction_needed` when too much has changed since the segments were written;
 *   `commit_conflict`, `store_unavailable`, `corrupt_data`.
 */
export async function updateMetadata(
  target: CommitTarget,
  patches: ReadonlyMap<string, MetadataPatch>,
  { pruneFromBytes = PRUNE_FROM_BYTES }: { pruneFromBytes?: number } = {},
): Promise<MetadataReport> {
  for (const [id, patch] of patches) checkPatch(id, patch);
  const { store, index } = target;
  const tables = new DocumentTables(store, index);
  let report: Omit<MetadataReport, "manifest"> = { changed: [], unchanged: [] };
  try {
    const manifest = await commitManifest(
      store,
      index,
      async (current) => {
        if (current === undefined) throw new MaxleafError("index_not_found", `there is no index ${quote(index)}`);
        const prunes = (current.overlay?.bytes ?? 0) >= pruneFromBytes;
        const live = prunes
          ? await tables.liveDocuments(current)
          : await findLiveDocuments(store, tables, current, new Set(patches.keys()));
        report = patched(index, live, patches);
        if (report.changed.length === 0) throw new NothingToChange(current);
        const extended = extendedOverlay(await tables.overlayOf(current), report.changed);
        const overlay = await storeOverlay(store, index, prunes ? liveOverlay(extended, entriesOf(live)) : extended);
        return withOverlay(draftOf(current, current.segments), overlay);
      },
      target,
    );
    return { manifest, ...report };
  } catch (error) {
    if (error instanceof NothingToChange) return { manifest: error.manifest, ...report };
    throw error;
  }
}

/**
 * Forgets every change of metadata that no compaction has written into segments yet: for an overlay that is damaged. Never reads
 * it.
 *
 * @returns the new manifest, and how many documents had entries.
 * @throws MaxleafError `index_not_found`, `commit_conflict`, `store_unavailable`.
 */
export async function discardUpdates(target: CommitTarget): Promise<{ manifest: Manifest; documents: number }> {
  const { store, index } = target;
  let documents = 0;
  const manifest = await commitManifest(
    store,
    index,
    (current) => {
      if (current === undefined) throw new MaxleafError("index_not_found", `there is no index ${quote(index)}`);
      documents = current.overlay?.documents ?? 0;
      return withOverlay(draftOf(current, current.segments), undefined);
    },
    target,
  );
  return { manifest, documents };
}

/** The documents have that metadata already: no version is made that differs in nothing. */
class NothingToChange extends Error {
  readonly manifest: Manifest;

  constructor(manifest: Manifest) {
    super("nothing to change");
    this.manifest = manifest;
  }
}

function entriesOf(live: ReadonlyMap<string, LiveDocument>): DocumentEntry[] {
  return Array.from(live.values(), ({ entry }) => entry);
}

function patched(
  index: string,
  live: ReadonlyMap<string, LiveDocument>,
  patches: ReadonlyMap<string, MetadataPatch>,
): Omit<MetadataReport, "manifest"> {
  const missing = [...patches.keys()].filter((id) => !live.has(id));
  if (missing.length > 0) {
    const named = missing.slice(0, MAX_NAMED).map((id) => quote(id));
    const more = missing.length > MAX_NAMED ? ` and ${missing.length - MAX_NAMED} more` : "";
    throw new MaxleafError("document_not_found", `index ${quote(index)} has no document ${named.join(", ")}${more}`);
  }
  const changed: DocumentEntry[] = [];
  const unchanged: DocumentEntry[] = [];
  for (const [id, patch] of patches) {
    const entry = live.get(id)?.entry;
    if (entry === undefined) continue;
    const metadata = patchedFields(entry, patch);
    if (sameFields(metadata, entry.metadata)) unchanged.push(entry);
    else changed.push({ ...entry, metadata });
  }
  return { changed, unchanged };
}

function patchedFields({ name, metadata }: DocumentEntry, patch: MetadataPatch): Record<string, string> {
  const fields = new Map(Object.entries(metadata));
  for (const [field, value] of Object.entries(patch)) {
    if (value === null) fields.delete(field);
    else fields.set(field, value);
  }
  if (fields.size <= MAX_METADATA_FIELDS) return Object.fromEntries(fields);
  throw new MaxleafError(
    "invalid_request",
    `document ${quote(name)} would have ${fields.size} metadata fields; the limit is ${MAX_METADATA_FIELDS}`,
  );
}

function checkPatch(id: string, patch: MetadataPatch): void {
  for (const [field, value] of Object.entries(patch)) {
    const problem = problemOf(field, value);
    if (problem === undefined) continue;
    throw new MaxleafError("invalid_request", `metadata field ${quote(field)} of document ${quote(id)} ${problem}`);
  }
}

function problemOf(field: string, value: string | null): string | undefined {
  if (field === "") return "has no name";
  if (field === UNSTORABLE_FIELD) return "cannot be called that";
  if (field.length > MAX_METADATA_VALUE_CHARS) return `has a name longer than ${MAX_METADATA_VALUE_CHARS} characters`;
  if (value === null || value.length <= MAX_METADATA_VALUE_CHARS) return undefined;
  return `has a value of ${value.length} characters; the limit is ${MAX_METADATA_VALUE_CHARS}`;
}
