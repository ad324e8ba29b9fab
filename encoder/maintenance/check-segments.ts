/**
 * Whether the segments of a manifest are what it says, and every page of them can be read.
 *
 * @module
 */
import { readContainer } from "../../shared/format/container.ts";
import { corrupt } from "../../shared/format/bytes.ts";
import type { SegmentReader } from "../../shared/format/contract.ts";
import type { Manifest, SegmentEntry } from "../../shared/format/manifest.ts";
import { segmentIdentityOf } from "../../shared/format/segment-identity.ts";
import { openSegment } from "../../shared/format/segment-reader.ts";
import { SEGMENT_TAIL_READ_BYTES } from "../../shared/limits.ts";
import type { DocumentEntry } from "../../shared/page.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { damagedAmong, examine, type Finding } from "./finding.ts";

/** Pages read together: of 1,030 vectors of 128 numbers 8.7 MB. */
const PAGES_AT_ONCE = 64;
/** Blocks of terms read together. */
const BLOCKS_AT_ONCE = 64;

export interface SegmentCheck {
  findings: Finding[];
  /** Live documents with the number of their pages in this segment. Undefined when the tables cannot be read. */
  documents: { entry: DocumentEntry; pages: number }[] | undefined;
  /** Also of deleted documents. */
  revisions: DocumentEntry[];
}

export interface CheckedIndex {
  store: ObjectStore;
  index: string;
  manifest: Manifest;
  deep: boolean;
}

const REPLACE = "delete these documents and ingest their files again";

/** Errors: `store_unavailable`. */
export async function checkSegment(checked: CheckedIndex, entry: SegmentEntry): Promise<SegmentCheck> {
  const { store, index, manifest, deep } = checked;
  const expected = segmentIdentityOf(manifest, entry);
  const opened = await examine(
    async () => await openSegment(store, { index, id: entry.id, expected, bytes: entry.bytes }),
  );
  if ("problem" in opened)
    return { findings: [unreadable(index, entry, opened.problem)], documents: undefined, revisions: [] };
  const segment = opened.value;
  const live = liveDocuments(segment, entry);
  const names = live.map(({ entry: document }) => document.name);
  const problems: Finding[] = [];
  const bags = await examine(async () => await checkTables(segment, entry, manifest));
  if ("problem" in bags) problems.push(tablesDamaged(bags.problem, names));
  const vectors = await examine(async () => await checkVectorsObject(checked, entry));
  if ("problem" in vectors) problems.push(vectorsDamaged(vectors.problem, names));
  if (deep) {
    const isSized = !("problem" in vectors);
    problems.push(...(await checkPages(segment, entry, isSized)));
  }
  return { findings: problems, documents: live, revisions: [...segment.documents] };
}

function liveDocuments(
  { documents, pages }: SegmentReader,
  entry: SegmentEntry,
): { entry: DocumentEntry; pages: number }[] {
  const deleted = new Set(entry.deletedDocuments);
  const counts = new Uint32Array(documents.length);
  for (const ordinal of pages.documentOrdinal) counts[ordinal] = (counts[ordinal] ?? 0) + 1;
  return documents.flatMap((document, ordinal) =>
    deleted.has(ordinal) ? [] : [{ entry: document, pages: counts[ordinal] ?? 0 }],
  );
}

/** Bags against the codebook and the manifest, counts against the manifest. */
async function checkTables(segment: SegmentReader, entry: SegmentEntry, { codebook }: Manifest): Promise<void> {
  const what = `segment ${entry.id}`;
  const bags = await segment.readBags();
  const centroids = codebook?.centroidCount ?? 0;
  const wrong = bags.ids.find((id) => id >= centroids);
  if (wrong !== undefined) throw corrupt(what, `a bag has centroid ${wrong} of ${centroids}`);
  const { pages, documents, pageCount } = segment;
  const found = {
    documentCount: documents.length,
    pageCount,
    searchablePageCount: pages.status.filter((status) => status === "searchable").length,
    vectorCount: pages.vectorCount.reduce((sum, count) => sum + count, 0),
    bagEntries: bags.ids.length,
  };
  for (const field of ["documentCount", "pageCount", "searchablePageCount", "vectorCount", "bagEntries"] as const) {
    if (found[field] !== entry[field]) {
      throw corrupt(what, `its ${field} is ${found[field]}, the manifest says ${entry[field]}`);
    }
  }
}

/** Size and section table; the records are for {@link checkPages}. */
async function checkVectorsObject({ store, index }: CheckedIndex, { id, vectorsBytes }: SegmentEntry): Promise<void> {
  const what = `vectors of segment ${id}`;
  const key = layout.vectors(index, id);
  const end = await store.get(key, { suffix: SEGMENT_TAIL_READ_BYTES });
  if (end === undefined) throw corrupt(what, `there is no object ${key}`);
  if (end.size !== vectorsBytes) throw corrupt(what, `it has ${end.size} bytes, the manifest says ${vectorsBytes}`);
  readContainer(end.bytes, end.size, "vectors", what);
}

/** Of live documents: those of deleted ones nobody reads any more. */
async function checkPages(segment: SegmentReader, entry: SegmentEntry, withVectors: boolean): Promise<Finding[]> {
  const deleted = new Set(entry.deletedDocuments);
  const { documentOrdinal } = segment.pages;
  const livePages = Array.from({ length: segment.pageCount }, (_, page) => page).filter(
    (page) => !deleted.has(documentOrdinal[page] ?? 0),
  );
  const pagesOf = (numbers: readonly number[]) => numbers.flatMap((number) => livePages[number] ?? []);
  const namesOf = (pages: readonly number[]) => {
    const ordinals = new Set(pages.map((page) => documentOrdinal[page] ?? 0));
    return [...ordinals].flatMap((ordinal) => segment.documents[ordinal]?.name ?? []);
  };
  const findings: Finding[] = [];
  const records = await damagedAmong(livePages.length, PAGES_AT_ONCE, async (numbers) => {
    // Layouts are verified when they are asked for.
    for (const record of await segment.readRecords(pagesOf(numbers))) void record.layout;
  });
  if (records.problem !== undefined) findings.push(pagesDamaged(records.problem, namesOf(pagesOf(records.numbers))));
  if (withVectors) {
    const vectors = await damagedAmong(livePages.length, PAGES_AT_ONCE, async (numbers) => {
      await segment.readVectors(pagesOf(numbers));
    });
    if (vectors.problem !== undefined)
      findings.push(vectorsDamaged(vectors.problem, namesOf(pagesOf(vectors.numbers))));
  }
  const { lexical } = segment;
  if (lexical === undefined) return findings;
  const terms = await damagedAmong(lexical.blockCount, BLOCKS_AT_ONCE, async (blocks) => {
    await lexical.readBlocks(blocks);
  });
  if (terms.problem !== undefined) findings.push(termsDamaged(terms.problem, namesOf(livePages)));
  return findings;
}

function unreadable(index: string, { id, pageCount }: SegmentEntry, problem: string): Finding {
  return {
    severity: "error",
    problem,
    meaning: `${pageCount} pages cannot be found, and the index cannot be changed: every change reads which documents a segment has`,
    mend: `bring back ${layout.segment(index, id)} from a copy of the bucket, or maxleaf import an export of the index with --replace; else ingest all source files into a new index`,
  };
}

function tablesDamaged(problem: string, documents: string[]): Finding {
  const meaning = "pages of these documents cannot be found, or searches fail";
  return { severity: "error", problem, meaning, mend: REPLACE, documents };
}

function vectorsDamaged(problem: string, documents: string[]): Finding {
  const meaning = "searches that come to these documents fail: their exact vectors settle the order of the best hits";
  return { severity: "error", problem, meaning, mend: REPLACE, documents };
}

function pagesDamaged(problem: string, documents: string[]): Finding {
  const meaning = "searches that come to damaged pages of these documents fail";
  return { severity: "error", problem, meaning, mend: REPLACE, documents };
}

function termsDamaged(problem: string, documents: string[]): Finding {
  const meaning = "searches by words fail for some words; searches by vectors are not concerned";
  return { severity: "error", problem, meaning, mend: REPLACE, documents };
}
