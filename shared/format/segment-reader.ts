/**
 * Opens a segment with one read from its end, then reads what is asked for by range. Nothing is believed before its
 * checksum was compared.
 *
 * @module
 */
import { SEGMENT_TAIL_READ_BYTES } from "../limits.ts";
import type { DocumentEntry } from "../page.ts";
import { layout } from "../store/layout.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { decodeBags } from "./bags.ts";
import { corrupt } from "./bytes.ts";
import { checkSection, HEADER_BYTES, readContainer, type SectionKind, type SectionTable } from "./container.ts";
import type { Bags, PageTable, SegmentIdentity, SegmentReader } from "./contract.ts";
import { decodeDocuments } from "./documents.ts";
import { checkIdentity, decodeIdentity } from "./identity.ts";
import type { LexicalIndex } from "./lexical/contract.ts";
import { StoredLexicalIndex } from "./lexical/stored-lexical.ts";
import { LexicalTable } from "./lexical/table.ts";
import { type RecordPlaces, StoredPageRecords, vectorsObject } from "./page-records.ts";
import { type DecodedPageTable, decodePageTable } from "./page-table.ts";
import { ObjectRanges } from "./range-reads.ts";

export interface OpenSegmentOptions {
  index: string;
  id: string;
  /** What the manifest says the vectors mean: see `segmentIdentityOf`. */
  expected: SegmentIdentity;
  /** Bytes of the object by the manifest; checked when given. */
  bytes?: number;
}

/**
 * One read for segments whose page and document tables lie in their last {@link SEGMENT_TAIL_READ_BYTES}, else two. Bags
 * that came with them are kept until they are asked for, nothing else is.
 *
 * @throws MaxleafError `corrupt_data`, `unsupported_format_version`, `recipe_mismatch`, `store_unavailable`.
 */
export async function openSegment(store: ObjectStore, options: OpenSegmentOptions): Promise<SegmentReader> {
  const { index, id, expected, bytes } = options;
  const what = `segment ${id}`;
  const key = layout.segment(index, id);
  const end = await store.get(key, { suffix: SEGMENT_TAIL_READ_BYTES });
  if (end === undefined) throw corrupt(what, `there is no object ${key}`);
  if (bytes !== undefined && end.size !== bytes) {
    throw corrupt(what, `it has ${end.size} bytes, the manifest says ${bytes}`);
  }
  const sections = readContainer(end.bytes, end.size, "segment", what);
  const object = new ObjectRanges(store, key, end.size, what);
  // The tables lie last; when the first read did not get all of them, one more gets the rest.
  const tail = await new ObjectRanges(store, key, end.size, what, end.bytes).fromOffset(
    (sections.find("lexicalTable") ?? sections.get("identity")).offset,
  );
  const identity = decodeIdentity(await readSection(tail, sections, "identity"), `${what}, identity`);
  checkIdentity(identity, expected, what);
  const documents = decodeDocuments(await readSection(tail, sections, "documents"), `${what}, documents`);
  const pagesSection = await readSection(tail, sections, "pages");
  const table = decodePageTable(pagesSection, identity.subspaces, `${what}, pages`);
  checkTable(table, documents, sections);
  const bagsOffset = sections.get("bags").offset;
  return new StoredSegment({
    id,
    identity,
    documents,
    sections,
    lexicalTable: await readLexicalTable(tail, sections, table.pages.pageCount),
    pages: table.pages,
    pageCount: table.pages.pageCount,
    vectorCounts: table.pages.vectorCount,
    recordOffsets: table.recordOffsets,
    recordsEnd: table.recordOffsets.at(-1) ?? HEADER_BYTES,
    object,
    vectors: vectorsObject(store, { index, id }, identity, table.pages.vectorCount),
    opening: { tail: bagsOffset >= end.size - end.bytes.byteLength ? tail : undefined },
  });
}

interface SegmentParts extends RecordPlaces {
  documents: readonly DocumentEntry[];
  pages: PageTable;
  sections: SectionTable;
  lexicalTable: LexicalTable | undefined;
  /** What the opening read brought, shared by all readers of the segment, until the bags in it were read. */
  opening: { tail: ObjectRanges | undefined };
}

class StoredSegment extends StoredPageRecords implements SegmentReader {
  readonly documents: readonly DocumentEntry[];
  readonly pages: PageTable;
  readonly recordOffsets: Uint32Array;
  readonly #parts: SegmentParts;

  constructor(parts: SegmentParts) {
    super(parts);
    this.documents = parts.documents;
    this.pages = parts.pages;
    this.recordOffsets = parts.recordOffsets;
    this.#parts = parts;
  }

  override withStore(store: ObjectStore): SegmentReader {
    const { object, vectors } = this.#parts;
    return new StoredSegment({ ...this.#parts, object: object.withStore(store), vectors: vectors.withStore(store) });
  }

  get lexical(): LexicalIndex | undefined {
    const { id, lexicalTable, object, sections } = this.#parts;
    if (lexicalTable === undefined) return undefined;
    return new StoredLexicalIndex(id, lexicalTable, [{ object, offset: sections.get("lexicalBlocks").offset }]);
  }

  async readBags(): Promise<Bags> {
    const { object, opening, sections } = this.#parts;
    const bytes = await readSection(opening.tail ?? object, sections, "bags");
    opening.tail = undefined;
    return decodeBags(bytes, this.pageCount, `${object.what}, bags`);
  }
}

/** The verified bytes of a whole section. */
async function readSection(object: ObjectRanges, sections: SectionTable, kind: SectionKind): Promise<Uint8Array> {
  const entry = sections.get(kind);
  const bytes = await object.read(entry);
  checkSection(bytes, entry, `${object.what}, ${kind}`);
  return bytes;
}

/** Undefined where older writers left it out. */
async function readLexicalTable(
  object: ObjectRanges,
  sections: SectionTable,
  pageCount: number,
): Promise<LexicalTable | undefined> {
  if (sections.find("lexicalTable") === undefined) return undefined;
  const { length } = sections.get("lexicalBlocks");
  const bytes = await readSection(object, sections, "lexicalTable");
  return new LexicalTable(
    bytes,
    { pageCount, partBytes: length === 0 ? [] : [length] },
    `${object.what}, lexical table`,
  );
}

/** Throws `corrupt_data` unless the page table agrees with the sections and the documents it points into. */
function checkTable(
  { pages, recordOffsets }: DecodedPageTable,
  documents: readonly DocumentEntry[],
  sections: SectionTable,
): void {
  const last = pages.documentOrdinal.at(-1);
  if (last !== undefined && last >= documents.length) {
    throw corrupt(sections.what, `its pages belong to document ${last} of ${documents.length}`);
  }
  const { offset, length } = sections.get("records");
  if (offset !== HEADER_BYTES || recordOffsets.at(-1) !== offset + length) {
    throw corrupt(sections.what, `its records end at ${recordOffsets.at(-1)}, their section at ${offset + length}`);
  }
}
