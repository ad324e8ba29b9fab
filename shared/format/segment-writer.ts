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
import { ContainerWriter, writeContainer } from "./container.ts";
import type { SegmentIdentity, SegmentPage } from "./contract.ts";
import { encodeDocuments, storedDocument } from "./documents.ts";
import { geometryProblem } from "./geometry.ts";
import { encodeIdentity } from "./identity.ts";
import { LexicalBuilder } from "./lexical/lexical-builder.ts";
import type { SegmentEntry } from "./manifest.ts";
import { encodePageLayout } from "./page-layout.ts";
import { encodePageTable, isExtent, isInOrder, type PageRow } from "./page-table.ts";
import { encodeVectors, vectorsRecordBytes } from "./vectors.ts";

export interface WrittenSegment {
  /** The object at `layout.segment`. */
  segment: Uint8Array;
  /** The object at `layout.vectors`. */
  vectors: Uint8Array;
  /** What the manifest says about it. */
  counts: Omit<SegmentEntry, "id" | "deletedDocuments" | "meanResidualNorm">;
}

/** Takes pages one by one, so that only their encoded records are held, those of exact vectors where they will lie. */
export class SegmentWriter {
  readonly #identity: SegmentIdentity;
  readonly #documents: readonly DocumentEntry[];
  readonly #documentJson: string[];
  readonly #rows: PageRow[] = [];
  readonly #centroidIds: Uint16Array[] = [];
  /** Both parts of each page's record. */
  readonly #records: Uint8Array[] = [];
  readonly #encodedIdentity: Uint8Array;
  readonly #vectors: ContainerWriter;
  readonly #lexical = new LexicalBuilder();

  /**
   * @param documents the document table, in the order of the pages to come.
   * @param vectorCounts how many vectors each of those pages will have, in any order.
   */
  constructor(identity: SegmentIdentity, documents: readonly DocumentEntry[], vectorCounts: Iterable<number>) {
    if (identity.dim > MAX_DIM || identity.subspaces > MAX_SUBSPACES) {
      throw new MaxleafError(
        "internal",
        `no segment has ${identity.dim} dimensions and ${identity.subspaces} subspaces`,
      );
    }
    this.#identity = identity;
    this.#documents = documents;
    let vectorBytes = 0;
    for (const count of vectorCounts) vectorBytes += vectorsRecordBytes(count, identity.dim);
    this.#encodedIdentity = encodeIdentity(identity);
    this.#vectors = new ContainerWriter("vectors", [
      { kind: "vectors", length: vectorBytes },
      { kind: "identity", length: this.#encodedIdentity.byteLength },
    ]);
    this.#documentJson = documents.map((document) => JSON.stringify(storedDocument(document)));
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
    const number = this.#rows.length;
    const layoutPart = encodePageLayout(page, number, this.#documentJson[entry.documentOrdinal] ?? "");
    this.#rows.push({
      documentOrdinal: entry.documentOrdinal,
      pageNumber: page.pageNumber,
      width: page.width,
      height: page.height,
      vectorCount: page.vectorCount,
      status: page.status,
      layoutBytes: layoutPart.byteLength,
    });
    this.#centroidIds.push(codes.centroidIds);
    this.#records.push(encodeCodes(codes, number), layoutPart);
    this.#vectors.add(encodeVectors(exact, number));
    this.#lexical.add(page.text);
  }

  finish(): WrittenSegment {
    const bags = makeBags(this.#centroidIds);
    const lexical = this.#lexical.finish();
    // What an opening read needs lies last; the bags, needed next, just before it.
    const segment = writeContainer("segment", [
      { kind: "records", parts: this.#records },
      { kind: "lexicalBlocks", parts: lexical.parts.map(({ bytes }) => bytes) },
      { kind: "bags", parts: [encodeBags(bags)] },
      { kind: "lexicalTable", parts: [lexical.table] },
      { kind: "identity", parts: [this.#encodedIdentity] },
      { kind: "documents", parts: [encodeDocuments(this.#documents)] },
      { kind: "pages", parts: [encodePageTable(this.#rows)] },
    ]);
    this.#vectors.add(this.#encodedIdentity);
    const vectors = this.#vectors.finish();
    const sizes = { bytes: segment.byteLength, vectorsBytes: vectors.byteLength, bagEntries: bags.ids.length };
    return { segment, vectors, counts: this.#counts(sizes) };
  }

  #counts(sizes: Pick<SegmentEntry, "bytes" | "vectorsBytes" | "bagEntries">): WrittenSegment["counts"] {
    return {
      ...sizes,
      documentCount: this.#documents.length,
      pageCount: this.#rows.length,
      searchablePageCount: this.#rows.filter((row) => row.status === "searchable").length,
      vectorCount: this.#rows.reduce((total, row) => total + row.vectorCount, 0),
      ...this.#continued(),
    };
  }

  /** Documents whose first page here is not their first. */
  #continued(): Pick<SegmentEntry, "continuedDocuments"> {
    const isFirst = (i: number) => this.#rows[i - 1]?.documentOrdinal !== this.#rows[i]?.documentOrdinal;
    const continued = this.#rows.filter(({ pageNumber }, i) => pageNumber > 1 && isFirst(i));
    if (continued.length === 0) return {};
    return { continuedDocuments: continued.map(({ documentOrdinal }) => documentOrdinal) };
  }

  #problemOf({ documentOrdinal, page, codes, exact }: SegmentPage): string | undefined {
    const { dim, subspaces } = this.#identity;
    const { vectorCount } = page;
    if (this.#rows.length >= MAX_PAGES_PER_SEGMENT) return `the segment has ${MAX_PAGES_PER_SEGMENT} pages already`;
    if (documentOrdinal >= this.#documents.length) return `there is no document ${documentOrdinal}`;
    if (!isInOrder({ documentOrdinal, pageNumber: page.pageNumber }, this.#rows.at(-1))) return "it is out of order";
    if (page.pageNumber < 1) return "pages are counted from 1";
    if (!isExtent(Math.fround(page.width)) || !isExtent(Math.fround(page.height)))
      return `it is ${page.width} × ${page.height} large`;
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
  const all = [...pages];
  const writer = new SegmentWriter(
    identity,
    documents,
    all.map(({ page }) => page.vectorCount),
  );
  for (const page of all) writer.add(page);
  return writer.finish();
}
