/**
 * Opens an inverted file with one read from the end of its head, then reads blocks of lists and page records by range.
 *
 * @module
 */
import { MaxleafError } from "../../errors.ts";
import { MAX_INVERTED_OPEN_BYTES } from "../../limits.ts";
import { layout } from "../../store/layout.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import { corrupt } from "../bytes.ts";
import { checkRecord, checkSection, readContainer, type SectionKind } from "../container.ts";
import type { PageRecords, SegmentIdentity } from "../contract.ts";
import { checkIdentity, decodeIdentity } from "../identity.ts";
import type { InvertedEntry } from "../manifest.ts";
import { checkPlaces, StoredPageRecords, vectorsObject } from "../page-records.ts";
import { ObjectRanges } from "../range-reads.ts";
import { uncodedIdentity } from "../segment-identity.ts";
import { type CellTable, decodeCellTable } from "./cell-table.ts";
import type { CellBlock, CellExtent, CoveredDocument, InvertedFile } from "./contract.ts";
import { type CoveredSegment, decodeCoverage, firstPositions } from "./coverage.ts";
import { decodeDirectory, type Directory } from "./directory.ts";
import { DocumentIds } from "./document-ids.ts";

export interface OpenInvertedOptions {
  index: string;
  entry: InvertedEntry;
  /** What the manifest says the vectors of its coded segments mean. */
  identity: SegmentIdentity;
}

/**
 * One read.
 *
 * @throws MaxleafError `corrupt_data`, `unsupported_format_version`, `recipe_mismatch`, `store_unavailable`.
 */
export async function openInvertedFile(store: ObjectStore, options: OpenInvertedOptions): Promise<InvertedFile> {
  const { index, entry, identity } = options;
  const what = `inverted file ${entry.id}`;
  const key = layout.inverted(index, entry.id);
  if (entry.openBytes > MAX_INVERTED_OPEN_BYTES) throw corrupt(what, `opening it would read ${entry.openBytes} bytes`);
  const end = await store.get(key, { suffix: entry.openBytes });
  if (end === undefined) throw corrupt(what, `there is no object ${key}`);
  if (end.size !== entry.bytes) throw corrupt(what, `it has ${end.size} bytes, the manifest says ${entry.bytes}`);
  const sections = readContainer(end.bytes, end.size, "inverted", what);
  const read = (kind: SectionKind): Uint8Array => {
    const section = sections.get(kind);
    const start = section.offset - (end.size - end.bytes.byteLength);
    const bytes = end.bytes.subarray(Math.max(0, start), Math.max(0, start + section.length));
    checkSection(bytes, section, `${what}, ${kind}`);
    return bytes;
  };
  const found = decodeIdentity(read("identity"), `${what}, identity`);
  checkIdentity(found, identity, what);
  const segments = decodeCoverage(read("coverage"), `${what}, coverage`);
  const firstPosition = firstPositions(segments);
  checkCoverage(segments, firstPosition, entry, what);
  const directory = decodeDirectory(read("directory"), entry.pageCount, `${what}, directory`);
  return new StoredInvertedFile({
    store,
    index,
    entry,
    segments,
    identities: segmentIdentities(segments, firstPosition, directory, found, what),
    firstPosition,
    directory,
    cellTable: decodeCellTable(read("cellTable"), entry.parts, `${what}, cell table`),
    documentIds: new DocumentIds(read("documentIdBlocks"), sections.get("documentIds"), `${what}, document ids`),
  });
}

interface InvertedParts {
  store: ObjectStore;
  index: string;
  entry: InvertedEntry;
  segments: readonly CoveredSegment[];
  /** Of each segment. */
  identities: readonly SegmentIdentity[];
  firstPosition: Uint32Array;
  directory: Directory;
  cellTable: CellTable;
  documentIds: DocumentIds;
}

class StoredInvertedFile implements InvertedFile {
  readonly id: string;
  readonly segmentIds: readonly string[];
  readonly pageCount: number;
  readonly cellCount: number;
  readonly firstPosition: Uint32Array;
  readonly recordOffsets: Uint32Array;
  readonly vectorCounts: Uint16Array;
  readonly documentOrdinals: Uint16Array;
  readonly bytes: number;
  readonly #parts: InvertedParts;

  constructor(parts: InvertedParts) {
    const { entry, directory, firstPosition, cellTable, documentIds } = parts;
    this.id = entry.id;
    this.segmentIds = entry.segmentIds;
    this.pageCount = entry.pageCount;
    this.cellCount = cellTable.cellCount;
    this.firstPosition = firstPosition;
    this.recordOffsets = directory.recordOffsets;
    this.vectorCounts = directory.vectorCounts;
    this.documentOrdinals = directory.documentOrdinals;
    const columns = [directory.recordOffsets, directory.vectorCounts, directory.documentOrdinals, firstPosition];
    this.bytes = columns.reduce((sum, column) => sum + column.byteLength, cellTable.bytes + documentIds.bytes);
    this.#parts = parts;
  }

  withStore(store: ObjectStore): InvertedFile {
    return new StoredInvertedFile({ ...this.#parts, store });
  }

  cellExtent(cell: number): CellExtent {
    if (Number.isInteger(cell) && cell >= 0 && cell < this.cellCount) return this.#parts.cellTable.extent(cell);
    throw new MaxleafError("internal", `inverted file ${this.id} has ${this.cellCount} cells; ${cell} is none`);
  }

  async readCells(cells: readonly number[]): Promise<CellBlock[]> {
    const wantedOfPart = new Map<number, (CellExtent & { cell: number })[]>();
    // In ascending order cells lie one after the other in each part.
    for (const cell of [...new Set(cells)].toSorted((a, b) => a - b)) {
      const extent = { cell, ...this.cellExtent(cell) };
      const wanted = wantedOfPart.get(extent.part);
      if (wanted === undefined) wantedOfPart.set(extent.part, [extent]);
      else wanted.push(extent);
    }
    const read = await Promise.all(Array.from(wantedOfPart, ([part, wanted]) => this.#readPart(part, wanted)));
    const blockOf = new Map(read.flat().map((block) => [block.cell, block]));
    return cells.flatMap((cell) => blockOf.get(cell) ?? []);
  }

  async findDocument(documentId: string): Promise<CoveredDocument[]> {
    const { store, index, entry, documentIds } = this.#parts;
    const what = `inverted file ${this.id}`;
    const head = new ObjectRanges(store, layout.inverted(index, this.id), entry.bytes, what);
    return await documentIds.find(head, documentId);
  }

  records(segment: number): PageRecords {
    const { store, index, segments, identities } = this.#parts;
    const covered = segments[segment];
    const identity = identities[segment];
    if (covered === undefined || identity === undefined) {
      throw new MaxleafError("internal", `inverted file ${this.id} covers ${segments.length} segments, not ${segment}`);
    }
    const { id, bytes, pageCount, recordsEnd } = covered;
    const [first, end] = this.firstPosition.subarray(segment, segment + 2);
    const vectorCounts = this.vectorCounts.subarray(first, end);
    return new StoredPageRecords({
      id,
      identity,
      pageCount,
      vectorCounts,
      recordOffsets: this.recordOffsets.subarray(first, end),
      recordsEnd,
      object: new ObjectRanges(store, layout.segment(index, id), bytes, `segment ${id}`),
      vectors: vectorsObject(store, { index, id }, identity, vectorCounts),
    });
  }

  async #readPart(part: number, wanted: readonly (CellExtent & { cell: number })[]): Promise<CellBlock[]> {
    const { store, index, entry, cellTable } = this.#parts;
    const what = `inverted file ${this.id}, part ${part}`;
    const object = new ObjectRanges(store, layout.invertedPart(index, this.id, part), entry.parts[part] ?? 0, what);
    const blocks = await object.readAll(wanted);
    return wanted.map(({ cell }, i) => {
      const bytes = blocks[i] ?? new Uint8Array(0);
      checkRecord(bytes, cellTable.checksum(cell), `${what}, cell ${cell}`);
      return { cell, bytes };
    });
  }
}

function checkCoverage(
  segments: readonly CoveredSegment[],
  firstPosition: Uint32Array,
  { segmentIds, pageCount }: InvertedEntry,
  what: string,
): void {
  const ids = segments.map(({ id }) => id);
  if (ids.length !== segmentIds.length || ids.some((id, index) => id !== segmentIds[index])) {
    throw corrupt(what, "it covers other segments than the manifest says");
  }
  if (firstPosition.at(-1) !== pageCount) {
    throw corrupt(what, `its segments have ${firstPosition.at(-1)} pages, the manifest says ${pageCount}`);
  }
}

/** What each segment's vectors mean: nothing, for one without vectors. Throws `corrupt_data` for records that overlap. */
function segmentIdentities(
  segments: readonly CoveredSegment[],
  firstPosition: Uint32Array,
  { recordOffsets, vectorCounts }: Directory,
  coded: SegmentIdentity,
  what: string,
): SegmentIdentity[] {
  return segments.map(({ id, pageCount, bytes, recordsEnd }, index) => {
    const [first, end] = firstPosition.subarray(index, index + 2);
    const counts = vectorCounts.subarray(first, end);
    const identity = counts.some((count) => count > 0) ? coded : uncodedIdentity(coded);
    const places = { pageCount, vectorCounts: counts, recordOffsets: recordOffsets.subarray(first, end), recordsEnd };
    checkPlaces({ ...places, identity }, `${what}, segment ${id}`);
    if (recordsEnd > bytes) throw corrupt(what, `the records of segment ${id} end beyond its ${bytes} bytes`);
    return identity;
  });
}
