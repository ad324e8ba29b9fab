/**
 * Builds a segment and its vectors object. Equal input gives equal bytes.
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import { MAX_DIM, MAX_PAGES_PER_SEGMENT, MAX_SUBSPACES, MAX_VECTORS_PER_PAGE } from "../limits.ts";
import type { DocumentEntry } from "../page.ts";
import { encodeBags, makeBags } from "./bags.ts";
import { encodeCodes } from "./codes.ts";
import { writeContainer } from "./container.ts";
import type { SegmentIdentity, SegmentPage } from "./contract.ts";
import { crc32 } from "./crc32.ts";
import { encodeDocuments } from "./documents.ts";
import { encodeGeometry, geometryProblem } from "./geometry.ts";
import { encodeIdentity } from "./identity.ts";
import type { SegmentEntry } from "./manifest.ts";
import { encodePageTable, isExtent, isInOrder, type PageRow } from "./page-table.ts";
import { encodePostings } from "./postings.ts";
import { encodeText } from "./text.ts";
import { encodeVectors } from "./vectors.ts";

export interface WrittenSegment {
  /** The object at `layout.segment`. */
  segment: Uint8Array;
  /** The object at `layout.vectors`. */
  vectors: Uint8Array;
  /** What the manifest says about it. */
  counts: Omit<SegmentEntry, "id" | "deletedDocuments">;
}

/** Takes pages one by one, so that only their encoded records are held. */
export class SegmentWriter {
  readonly #identity: SegmentIdentity;
  readonly #documents: readonly DocumentEntry[];
  readonly #rows: PageRow[] = [];
  readonly #centroidIds: Uint16Array[] = [];
  readonly #records = { codes: [] as Uint8Array[], geometry: [] as Uint8Array[], text: [] as Uint8Array[] };
  readonly #vectors: Uint8Array[] = [];

  /** @param documents the document table, in the order of the pages to come. */
  constructor(identity: SegmentIdentity, documents: readonly DocumentEntry[]) {
    if (identity.dim > MAX_DIM || identity.subspaces > MAX_SUBSPACES) {
      throw new MaxleafError(
        "internal",
        `no segment has ${identity.dim} dimensions and ${identity.subspaces} subspaces`,
      );
    }
    this.#identity = identity;
    this.#documents = documents;
  }

  get pageCount(): number {
    return this.#rows.length;
  }

  /** @throws MaxleafError `internal` when the page does not fit the segment or its own counts: nothing is written wrong. */
  add(entry: SegmentPage): void {
    const problem = this.#problemOf(entry);
    if (problem !== undefined) {
      throw new MaxleafError("internal", `page ${entry.page.pageNumber} cannot be written: ${problem}`);
    }
    const { page, codes, exact } = entry;
    const codesRecord = encodeCodes(codes);
    const geometryRecord = encodeGeometry(page.geometry);
    const textRecord = encodeText(page.text);
    const vectorsRecord = encodeVectors(exact);
    this.#rows.push({
      documentOrdinal: entry.documentOrdinal,
      pageNumber: page.pageNumber,
      width: page.width,
      height: page.height,
      vectorCount: page.vectorCount,
      status: page.status,
      geometryBytes: geometryRecord.byteLength,
      textBytes: textRecord.byteLength,
      codesChecksum: crc32(codesRecord),
      geometryChecksum: crc32(geometryRecord),
      textChecksum: crc32(textRecord),
      vectorsChecksum: crc32(vectorsRecord),
    });
    this.#centroidIds.push(codes.centroidIds);
    this.#records.codes.push(codesRecord);
    this.#records.geometry.push(geometryRecord);
    this.#records.text.push(textRecord);
    this.#vectors.push(vectorsRecord);
  }

  finish(): WrittenSegment {
    const bags = makeBags(this.#centroidIds);
    const identity = encodeIdentity(this.#identity);
    // What an opening read needs lies last; the bags, needed next, just before it.
    const segment = writeContainer("segment", [
      { kind: "codes", parts: this.#records.codes },
      { kind: "geometry", parts: this.#records.geometry },
      { kind: "text", parts: this.#records.text },
      { kind: "postings", parts: [encodePostings(bags)] },
      { kind: "bags", parts: [encodeBags(bags)] },
      { kind: "documents", parts: [encodeDocuments(this.#documents)] },
      { kind: "pages", parts: [encodePageTable(this.#rows)] },
      { kind: "identity", parts: [identity] },
    ]);
    const vectors = writeContainer("vectors", [
      { kind: "vectors", parts: this.#vectors },
      { kind: "identity", parts: [identity] },
    ]);
    return { segment, vectors, counts: this.#counts(segment.byteLength, vectors.byteLength) };
  }

  #counts(bytes: number, vectorsBytes: number): WrittenSegment["counts"] {
    return {
      bytes,
      vectorsBytes,
      documentCount: this.#documents.length,
      pageCount: this.#rows.length,
      searchablePageCount: this.#rows.filter((row) => row.status === "searchable").length,
      vectorCount: this.#rows.reduce((total, row) => total + row.vectorCount, 0),
    };
  }

  #problemOf({ documentOrdinal, page, codes, exact }: SegmentPage): string | undefined {
    const { dim, subspaces } = this.#identity;
    const { vectorCount } = page;
    if (this.#rows.length >= MAX_PAGES_PER_SEGMENT) return `the segment has ${MAX_PAGES_PER_SEGMENT} pages already`;
    if (documentOrdinal >= this.#documents.length) return `there is no document ${documentOrdinal}`;
    if (!isInOrder({ documentOrdinal, pageNumber: page.pageNumber }, this.#rows.at(-1))) return "it is out of order";
    if (page.pageNumber < 1) return "pages are counted from 1";
    if (!isExtent(page.width) || !isExtent(page.height)) return `it is ${page.width} × ${page.height} large`;
    if (vectorCount > MAX_VECTORS_PER_PAGE) return `it has ${vectorCount} vectors, more than ${MAX_VECTORS_PER_PAGE}`;
    if (page.status === "no-text" && vectorCount > 0) return `it has no text but ${vectorCount} vectors`;
    if (codes.centroidIds.length !== vectorCount)
      return `${codes.centroidIds.length} of ${vectorCount} vectors are coded`;
    if (codes.codes.length !== vectorCount * subspaces) return `${codes.codes.length} code bytes are given`;
    if (exact.scales.length !== vectorCount) return `${exact.scales.length} of ${vectorCount} vectors have a scale`;
    if (exact.values.length !== vectorCount * dim) return `${exact.values.length} exact values are given`;
    return geometryProblem(page.geometry, vectorCount);
  }
}

/** A segment from all its pages at once. Errors as {@link SegmentWriter.add}. */
export function writeSegment(
  identity: SegmentIdentity,
  documents: readonly DocumentEntry[],
  pages: Iterable<SegmentPage>,
): WrittenSegment {
  const writer = new SegmentWriter(identity, documents);
  for (const page of pages) writer.add(page);
  return writer.finish();
}
