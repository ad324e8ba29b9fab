/**
 * Finds a few documents of an index without reading what all of its segments hold.
 *
 * @module
 */
import { MaxleafError } from "../../shared/errors.ts";
import { openInvertedFile } from "../../shared/format/inverted/inverted-reader.ts";
import type { InvertedEntry, Manifest } from "../../shared/format/manifest.ts";
import { segmentIdentityOf } from "../../shared/format/segment-identity.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import type { DocumentTables, LiveDocument } from "./document-index.ts";

/** Documents that are looked up one by one, a read each; for more the tables of all segments are read. */
const MAX_LOOKUPS = 16;

/**
 * Those of `documentIds` that `manifest` has, by id. Where there is an inverted file it knows the segments of a document: then
 * only their tables are read, and those of segments that it does not cover. So a document of 100,000 pages in 13 segments is
 * deleted with 12 requests instead of 34, one of a million pages in 123 segments with 11 instead of 253
 * (`node test/bench/maintenance/delete.ts`).
 *
 * @throws MaxleafError `corrupt_data`, `store_unavailable`. A damaged inverted file is no obstacle.
 */
export async function findLiveDocuments(
  store: ObjectStore,
  tables: DocumentTables,
  manifest: Manifest,
  documentIds: ReadonlySet<string>,
): Promise<Map<string, LiveDocument>> {
  const elsewhere = await coveredWithout(store, manifest, documentIds);
  const segments = manifest.segments.filter(({ id }) => !elsewhere.has(id));
  return await tables.liveDocuments({ ...manifest, segments });
}

/** Ids of the segments that cannot have any of the documents. */
async function coveredWithout(
  store: ObjectStore,
  manifest: Manifest,
  documentIds: ReadonlySet<string>,
): Promise<ReadonlySet<string>> {
  const { inverted } = manifest;
  if (inverted === undefined || inverted.segmentIds.length <= 1 || documentIds.size > MAX_LOOKUPS) return new Set();
  try {
    const having = await segmentsHaving(store, manifest, inverted, documentIds);
    return new Set(inverted.segmentIds.filter((_, segment) => !having.has(segment)));
  } catch (error) {
    if (error instanceof MaxleafError && error.code === "corrupt_data") return new Set();
    throw error;
  }
}

/** Positions in the file's coverage. */
async function segmentsHaving(
  store: ObjectStore,
  manifest: Manifest,
  entry: InvertedEntry,
  documentIds: ReadonlySet<string>,
): Promise<ReadonlySet<number>> {
  const identity = segmentIdentityOf(manifest, { vectorCount: 1 });
  const file = await openInvertedFile(store, { index: manifest.index, entry, identity });
  const found = await Promise.all([...documentIds].map(async (id) => await file.findDocument(id)));
  return new Set(found.flat().map(({ segment }) => segment));
}
