/**
 * What tests of compaction and retraining compare: everything that an index says about its live pages.
 *
 * @module
 */
import type { PageCodes, PageVectors } from "../../shared/format/contract.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import { liveDocumentCount } from "../../shared/format/manifest.ts";
import { applyOverlay, readOverlay } from "../../shared/format/overlay.ts";
import { segmentIdentityOf } from "../../shared/format/segment-identity.ts";
import { openSegment } from "../../shared/format/segment-reader.ts";
import type { DocumentEntry, PageGeometry, PageStatus, TextSource } from "../../shared/page.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { documentEntry } from "./testing.ts";
import type { IndexWriter } from "./index-writer.ts";
import type { EncodedPage } from "../../shared/page.ts";

/** A live page with all that is stored of it. */
export interface StoredPage {
  document: DocumentEntry;
  status: PageStatus;
  width: number;
  height: number;
  text: string;
  geometry: PageGeometry;
  textSource: TextSource | undefined;
  codes: PageCodes;
  exact: PageVectors;
  bag: number[];
}

/** Every live page by `name/page`, in that order; throws when a page is there twice or is not what its tables say. */
export async function liveContent(store: ObjectStore, manifest: Manifest): Promise<Map<string, StoredPage>> {
  const { index } = manifest;
  const overlay = await readOverlay(store, index, manifest.overlay);
  const found = new Map<string, StoredPage>();
  for (const entry of manifest.segments) {
    const expected = segmentIdentityOf(manifest, entry);
    const reader = await openSegment(store, { index, id: entry.id, expected, bytes: entry.bytes });
    const { pages } = reader;
    const all = Array.from({ length: pages.pageCount }, (_, page) => page);
    const documents = applyOverlay(reader.documents, overlay);
    const bags = await reader.readBags();
    const [records, vectors] = [await reader.readRecords(all), await reader.readVectors(all)];
    for (const page of all) {
      const ordinal = pages.documentOrdinal[page] ?? 0;
      const [document, record, exact] = [documents[ordinal], records[page], vectors[page]];
      if (document === undefined || record === undefined || exact === undefined) throw new Error("a page is missing");
      if (entry.deletedDocuments.includes(ordinal)) continue;
      const { text, geometry, pageNumber, width, height, textSource, document: shown } = record.layout;
      const key = `${document.name}/${String(pageNumber).padStart(4, "0")}`;
      if (found.has(key)) throw new Error(`${key} is there twice`);
      if (shown.id !== document.id || pageNumber !== pages.pageNumber[page]) throw new Error(`${key} is another page`);
      const [first, end] = [bags.offsets[page] ?? 0, bags.offsets[page + 1] ?? 0];
      const bag = Array.from(bags.ids.subarray(first, end));
      const status = pages.status[page] ?? "no-text";
      found.set(key, { document, status, width, height, text, geometry, textSource, codes: record.codes, exact, bag });
    }
  }
  return new Map([...found].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Documents as the manifest counts them, which every way of splitting them must leave the same. */
export function documentCountOf({ segments }: Manifest): number {
  return segments.reduce((sum, segment) => sum + liveDocumentCount(segment), 0);
}

/** Adds and commits documents, each in a segment of its own. */
export async function commitEach(
  writer: IndexWriter,
  documents: Readonly<Record<string, EncodedPage[]>>,
): Promise<Map<string, string>> {
  const ids = new Map<string, string>();
  for (const [name, pages] of Object.entries(documents)) {
    const entry = await documentEntry(name, pages.length, `${name}-1`);
    await writer.addDocument(entry, pages);
    await writer.commit();
    ids.set(name, entry.id);
  }
  return ids;
}
