/**
 * Builds the inverted file of segments that are stored already, and stores it.
 *
 * @module
 */
import { MaxleafError } from "../../errors.ts";
import { MAX_INVERTED_OPEN_BYTES, MAX_INVERTED_PART_BYTES } from "../../limits.ts";
import type { DocumentEntry } from "../../page.ts";
import { layout } from "../../store/layout.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import { HEADER_BYTES, writeContainer } from "../container.ts";
import type { Cells, PageTable, SegmentIdentity, SegmentReader } from "../contract.ts";
import { crc32 } from "../crc32.ts";
import { encodeIdentity } from "../identity.ts";
import { lexicalOf } from "../lexical/lexical-of-segment.ts";
import { type LexicalSource, writeLexicalFile } from "../lexical/merge-lexical.ts";
import type { InvertedEntry } from "../manifest.ts";
import { encodeCellTable } from "./cell-table.ts";
import type { CellExtent } from "./contract.ts";
import { encodeCoverage, firstPositions } from "./coverage.ts";
import { type Directory, DIRECTORY_PAGE_BYTES, emptyDirectory, encodeDirectory } from "./directory.ts";
import { encodeDocumentIds } from "./document-ids.ts";
import { type BagSource, fillParts, partsPerPass, planLists } from "./list-builder.ts";

/** Lists held at once: those of a million pages, some 500 MB, are made in two passes. */
const DEFAULT_LIST_BYTES = 256 * 1024 * 1024;

/** A segment to cover: see {@link invertedSegment}. */
export interface InvertedSegment extends BagSource {
  /** Bytes of the segment object. */
  bytes: number;
  pages: PageTable;
  /** `[pages + 1]`. */
  recordOffsets: Uint32Array;
  documents: readonly DocumentEntry[];
  readLexical(): Promise<LexicalSource>;
}

/** An opened segment, to be covered. @param bytes of its object, by the manifest. */
export function invertedSegment(reader: SegmentReader, bytes: number): InvertedSegment {
  const { id, pages, recordOffsets, documents } = reader;
  return {
    id,
    bytes,
    pages,
    recordOffsets,
    documents,
    readBags: async () => await reader.readBags(),
    readLexical: async () => await lexicalOf(reader),
  };
}

export interface WriteInvertedOptions {
  index: string;
  /** Of the new file: unique for ever. */
  id: string;
  /** Of the segments that have vectors; they share one codebook. */
  identity: SegmentIdentity;
  /** The codebook's. */
  cells: Pick<Cells, "offsets">;
  segments: readonly InvertedSegment[];
  /** Most bytes of lists held at once (a part that is larger alone excepted). */
  maxListBytes?: number | undefined;
  /** Most bytes of one part object (a cell that is larger alone excepted). */
  maxPartBytes?: number | undefined;
  /** Called with 0 … 1 after every pass over the bags. */
  onProgress?: ((share: number) => void) | undefined;
}

/**
 * Reads the bags of all segments once to measure the lists, then once for every `maxListBytes` of them. Parts are stored
 * before the head; whoever commits the entry has a whole file, and a writer that dies leaves objects that nothing names.
 *
 * @returns what the manifest says about it.
 * @throws MaxleafError `internal` when the head would be too large to open, `corrupt_data` for bags of another codebook,
 *   and errors of the store.
 */
export async function writeInvertedFile(store: ObjectStore, options: WriteInvertedOptions): Promise<InvertedEntry> {
  const { index, id, cells, segments, onProgress } = options;
  checkOpenBytes(pageCountOf(segments) * DIRECTORY_PAGE_BYTES);
  const { maxListBytes = DEFAULT_LIST_BYTES, maxPartBytes = MAX_INVERTED_PART_BYTES } = options;
  const plan = await planLists(segments, cells.offsets, maxPartBytes);
  const passes = partsPerPass(plan.parts, maxListBytes);
  onProgress?.(1 / (passes.length + 1));
  const table: (CellExtent & { checksum: number })[] = [];
  let part = 0;
  for (const [pass, parts] of passes.entries()) {
    const filled = await fillParts(segments, plan, parts);
    for (const [i, bytes] of filled.entries()) {
      await store.put(layout.invertedPart(index, id, part), bytes, { onlyIf: "absent" });
      for (const { offset, length } of parts[i]?.cells ?? []) {
        table.push({ part, offset, length, checksum: crc32(bytes.subarray(offset, offset + length)) });
      }
      part += 1;
    }
    onProgress?.((pass + 2) / (passes.length + 1));
  }
  const sources = await Promise.all(segments.map(async (segment) => await segment.readLexical()));
  const lexical = await writeLexicalFile(store, { index, id, identity: options.identity, sources, maxPartBytes });
  const { head, openBytes } = await encodeHead(options, encodeCellTable(table));
  await store.put(layout.inverted(index, id), head, { onlyIf: "absent" });
  return {
    id,
    bytes: head.byteLength,
    openBytes,
    parts: plan.parts.map(({ bytes }) => bytes),
    segmentIds: segments.map((segment) => segment.id),
    pageCount: pageCountOf(segments),
    bagEntries: plan.bagEntries,
    lexical,
  };
}

async function encodeHead(
  { identity, segments }: WriteInvertedOptions,
  cellTable: Uint8Array,
): Promise<{ head: Uint8Array; openBytes: number }> {
  const documentIds = await encodeDocumentIds(
    segments.flatMap(({ documents }, segment) =>
      documents.map((document, documentOrdinal) => ({ documentId: document.id, segment, documentOrdinal })),
    ),
  );
  const coverage = segments.map(({ id, bytes, pages, recordOffsets }) => ({
    id,
    bytes,
    pageCount: pages.pageCount,
    recordsEnd: recordOffsets.at(-1) ?? HEADER_BYTES,
  }));
  const head = writeContainer("inverted", [
    // Read by no search, so it lies before what opening reads.
    { kind: "documentIds", parts: [documentIds.entries] },
    { kind: "documentIdBlocks", parts: [documentIds.blocks] },
    { kind: "identity", parts: [encodeIdentity(identity)] },
    { kind: "coverage", parts: [encodeCoverage(coverage)] },
    { kind: "directory", parts: [encodeDirectory(directoryOf(segments))] },
    { kind: "cellTable", parts: [cellTable] },
  ]);
  const openBytes = head.byteLength - HEADER_BYTES - documentIds.entries.byteLength;
  checkOpenBytes(openBytes);
  return { head, openBytes };
}

function checkOpenBytes(openBytes: number): void {
  if (openBytes <= MAX_INVERTED_OPEN_BYTES) return;
  const limit = `${MAX_INVERTED_OPEN_BYTES} bytes`;
  throw new MaxleafError("internal", `an inverted file of ${openBytes} bytes to open is beyond ${limit}; cover less`);
}

function directoryOf(segments: readonly InvertedSegment[]): Directory {
  const directory = emptyDirectory(pageCountOf(segments));
  const first = firstPositions(segments.map(({ pages }) => pages));
  for (const [index, { pages, recordOffsets }] of segments.entries()) {
    const position = first[index] ?? 0;
    directory.recordOffsets.set(recordOffsets.subarray(0, pages.pageCount), position);
    directory.vectorCounts.set(pages.vectorCount, position);
    directory.documentOrdinals.set(pages.documentOrdinal, position);
  }
  return directory;
}

function pageCountOf(segments: readonly InvertedSegment[]): number {
  return segments.reduce((sum, { pages }) => sum + pages.pageCount, 0);
}
