/**
 * What an index holds, for the list of indexes: from its manifest alone where that says it.
 *
 * @module
 */
import type { IndexBody } from "../../shared/api/search.ts";
import { vectorMode } from "../../shared/engine/lexical/mode.ts";
import type { PageTable } from "../../shared/format/contract.ts";
import { liveDocumentCount, type Manifest, type SegmentEntry } from "../../shared/format/manifest.ts";
import { segmentIdentityOf } from "../../shared/format/segment-identity.ts";
import { openSegment } from "../../shared/format/segment-reader.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";

interface LiveCounts {
  documents: number;
  pages: number;
  searchablePages: number;
  vectors: number;
}

/**
 * Counts what is live. A manifest counts a segment's deleted pages too, so the page tables of segments with deletions are
 * read: one small read each.
 */
export async function summarizeIndex(store: ObjectStore, manifest: Manifest): Promise<IndexBody> {
  const counts = await Promise.all(manifest.segments.map((entry) => countSegment(store, manifest, entry)));
  const sum = (pick: (count: LiveCounts) => number) => counts.reduce((total, count) => total + pick(count), 0);
  const segmentBytes = manifest.segments.reduce((total, entry) => total + entry.bytes, 0);
  return {
    name: manifest.index,
    recipe: manifest.recipe.name,
    modes: [vectorMode(manifest.recipe), "lexical", "hybrid"],
    version: manifest.version,
    updatedAt: new Date(manifest.committedAtMs).toISOString(),
    documents: sum((count) => count.documents),
    pages: sum((count) => count.pages),
    searchablePages: sum((count) => count.searchablePages),
    vectors: sum((count) => count.vectors),
    bytes: segmentBytes + (manifest.codebook?.bytes ?? 0),
  };
}

async function countSegment(store: ObjectStore, manifest: Manifest, entry: SegmentEntry): Promise<LiveCounts> {
  if (entry.deletedDocuments.length === 0) {
    return {
      documents: liveDocumentCount(entry),
      pages: entry.pageCount,
      searchablePages: entry.searchablePageCount,
      vectors: entry.vectorCount,
    };
  }
  const expected = segmentIdentityOf(manifest, entry);
  const segment = await openSegment(store, { index: manifest.index, id: entry.id, expected });
  return countLivePages(segment.pages, entry);
}

function countLivePages(pages: PageTable, entry: SegmentEntry): LiveCounts {
  const deleted = new Set(entry.deletedDocuments);
  const live: LiveCounts = { documents: liveDocumentCount(entry), pages: 0, searchablePages: 0, vectors: 0 };
  for (let page = 0; page < pages.pageCount; page++) {
    if (deleted.has(pages.documentOrdinal[page] ?? -1)) continue;
    live.pages += 1;
    live.vectors += pages.vectorCount[page] ?? 0;
    if (pages.status[page] === "searchable") live.searchablePages += 1;
  }
  return live;
}
