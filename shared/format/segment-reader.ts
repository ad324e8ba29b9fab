/**
 * Opens a segment with one read from its end, then reads what is asked for by range. Nothing is believed before its
 * checksum was compared.
 *
 * @module
 */
import { SEGMENT_TAIL_READ_BYTES } from "../limits.ts";
import { MaxleafError } from "../errors.ts";
import type { DocumentEntry, PageGeometry } from "../page.ts";
import { layout } from "../store/layout.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { decodeBags } from "./bags.ts";
import { corrupt } from "./bytes.ts";
import { decodeCodes } from "./codes.ts";
import {
  checkRecord,
  checkSection,
  containerBytes,
  HEADER_BYTES,
  readContainer,
  type SectionKind,
  type SectionTable,
} from "./container.ts";
import type { Bags, PageCodes, PageTable, PageVectors, SegmentIdentity, SegmentReader } from "./contract.ts";
import { decodeDocuments } from "./documents.ts";
import { decodeGeometry } from "./geometry.ts";
import { checkIdentity, decodeIdentity } from "./identity.ts";
import { type DecodedPageTable, decodePageTable, type RecordKind, recordRange } from "./page-table.ts";
import { readPostings } from "./postings.ts";
import { ObjectRanges } from "./range-reads.ts";
import { decodeText } from "./text.ts";
import { decodeVectors } from "./vectors.ts";

export interface OpenSegmentOptions {
  index: string;
  id: string;
  /** What the manifest says the vectors mean: see `segmentIdentityOf`. */
  expected: SegmentIdentity;
  /** Bytes of the object by the manifest; checked when given. */
  bytes?: number;
}

/**
 * One read for segments whose page and document tables lie in their last {@link SEGMENT_TAIL_READ_BYTES}, else two.
 *
 * @throws MaxleafError `corrupt_data`, `unsupported_format_version`, `recipe_mismatch`, `store_unavailable`.
 */
export async function openSegment(store: ObjectStore, options: OpenSegmentOptions): Promise<SegmentReader> {
  const what = `segment ${options.id}`;
  const key = layout.segment(options.index, options.id);
  const end = await store.get(key, { suffix: SEGMENT_TAIL_READ_BYTES });
  if (end === undefined) throw corrupt(what, `there is no object ${key}`);
  if (options.bytes !== undefined && end.size !== options.bytes) {
    throw corrupt(what, `it has ${end.size} bytes, the manifest says ${options.bytes}`);
  }
  const sections = readContainer(end.bytes, end.size, "segment", what);
  const object = new ObjectRanges(store, key, end.size, what, end.bytes);
  // The tables lie last; when the first read did not get all of them, one more gets the rest.
  const tables = await object.fromOffset(sections.get("documents").offset);
  const identityBytes = await readSection(tables, sections, "identity");
  const identity = decodeIdentity(identityBytes, `${what}, identity`);
  checkIdentity(identity, options.expected, what);
  const documents = decodeDocuments(await readSection(tables, sections, "documents"), `${what}, documents`);
  const table = decodePageTable(await readSection(tables, sections, "pages"), identity, `${what}, pages`);
  checkTable(table, documents, sections);
  const vectors = vectorsObject(store, options, table, identityBytes.byteLength);
  return new StoredSegment({ id: options.id, identity, documents, sections, table, object, vectors });
}

interface SegmentParts {
  id: string;
  identity: SegmentIdentity;
  documents: readonly DocumentEntry[];
  sections: SectionTable;
  table: DecodedPageTable;
  object: ObjectRanges;
  vectors: ObjectRanges;
}

class StoredSegment implements SegmentReader {
  readonly id: string;
  readonly identity: SegmentIdentity;
  readonly documents: readonly DocumentEntry[];
  readonly pages: PageTable;
  readonly #parts: SegmentParts;

  constructor(parts: SegmentParts) {
    this.id = parts.id;
    this.identity = parts.identity;
    this.documents = parts.documents;
    this.pages = parts.table.pages;
    this.#parts = parts;
  }

  withStore(store: ObjectStore): SegmentReader {
    const { object, vectors } = this.#parts;
    return new StoredSegment({ ...this.#parts, object: object.withStore(store), vectors: vectors.withStore(store) });
  }

  async readBags(): Promise<Bags> {
    const { object, sections } = this.#parts;
    const bytes = await readSection(object, sections, "bags");
    return decodeBags(bytes, this.pages.pageCount, `${object.what}, bags`);
  }

  async readPostings(firstCentroid: number, endCentroid: number): Promise<Uint32Array[]> {
    const { object, sections } = this.#parts;
    return await readPostings(object, sections.get("postings"), this.pages.pageCount, { firstCentroid, endCentroid });
  }

  async readCodes(pages: readonly number[]): Promise<PageCodes[]> {
    return await this.#readRecords("codes", pages, (bytes, page, what) =>
      decodeCodes(bytes, this.#vectorCount(page), this.identity.subspaces, what),
    );
  }

  async readVectors(pages: readonly number[]): Promise<PageVectors[]> {
    return await this.#readRecords("vectors", pages, (bytes, page, what) =>
      decodeVectors(bytes, this.#vectorCount(page), this.identity.dim, what),
    );
  }

  async readGeometry(pages: readonly number[]): Promise<PageGeometry[]> {
    return await this.#readRecords("geometry", pages, (bytes, page, what) =>
      decodeGeometry(bytes, this.#vectorCount(page), what),
    );
  }

  async readText(pages: readonly number[]): Promise<string[]> {
    return await this.#readRecords("text", pages, (bytes, _page, what) => decodeText(bytes, what));
  }

  #vectorCount(page: number): number {
    return this.pages.vectorCount[page] ?? 0;
  }

  /** Reads and verifies the records of `pages`, each once, and gives them in the order asked for. */
  async #readRecords<T>(
    kind: RecordKind,
    pages: readonly number[],
    decode: (bytes: Uint8Array, page: number, what: string) => T,
  ): Promise<T[]> {
    const { table, sections, vectors } = this.#parts;
    for (const page of pages) this.#checkPage(page);
    const { offsets, checksums } = table.records[kind];
    // The vectors object has one section before its footer, so it begins where every first section does.
    const sectionOffset = kind === "vectors" ? HEADER_BYTES : sections.get(kind).offset;
    const object = kind === "vectors" ? vectors : this.#parts.object;
    const distinct = [...new Set(pages)].toSorted((a, b) => a - b);
    const records = await object.readAll(distinct.map((page) => recordRange(offsets, page, sectionOffset)));
    const decoded = new Map<number, T>();
    for (const [position, page] of distinct.entries()) {
      const bytes = records[position] ?? new Uint8Array(0);
      const what = `${object.what}, ${kind} of page ${page}`;
      checkRecord(bytes, checksums[page], what);
      decoded.set(page, decode(bytes, page, what));
    }
    return pages.flatMap((page) => decoded.get(page) ?? []);
  }

  #checkPage(page: number): void {
    if (Number.isInteger(page) && page >= 0 && page < this.pages.pageCount) return;
    throw new MaxleafError("page_not_found", `segment ${this.id} has ${this.pages.pageCount} pages; ${page} is none`);
  }
}

/** The verified bytes of a whole section. */
async function readSection(object: ObjectRanges, sections: SectionTable, kind: SectionKind): Promise<Uint8Array> {
  const entry = sections.get(kind);
  const bytes = await object.read(entry);
  checkSection(bytes, entry, `${object.what}, ${kind}`);
  return bytes;
}

/** Throws `corrupt_data` unless the page table agrees with the sections and the documents it points into. */
function checkTable({ pages, records }: DecodedPageTable, documents: readonly DocumentEntry[], sections: SectionTable) {
  const last = pages.documentOrdinal.at(-1);
  if (last !== undefined && last >= documents.length) {
    throw corrupt(sections.what, `its pages belong to document ${last} of ${documents.length}`);
  }
  for (const kind of ["codes", "geometry", "text"] as const) {
    const total = records[kind].offsets[pages.pageCount];
    const { length } = sections.get(kind);
    if (total !== length)
      throw corrupt(sections.what, `its pages have ${total} bytes of ${kind}, the section ${length}`);
  }
}

/** The vectors object, whose size follows from the page table, so that it need not be opened. */
function vectorsObject(
  store: ObjectStore,
  { index, id }: OpenSegmentOptions,
  { pages, records }: DecodedPageTable,
  identityBytes: number,
): ObjectRanges {
  const size = containerBytes([records.vectors.offsets[pages.pageCount] ?? 0, identityBytes]);
  return new ObjectRanges(store, layout.vectors(index, id), size, `vectors of segment ${id}`);
}
