/**
 * Codes spooled pages and puts them into a segment.
 *
 * @module
 */
import type { SegmentIdentity, SegmentPage } from "../../shared/format/contract.ts";
import { SegmentWriter, type WrittenSegment } from "../../shared/format/segment-writer.ts";
import type { DocumentEntry } from "../../shared/page.ts";
import type { Matrix } from "./matrix-runner.ts";
import { dequantizeInto } from "./page-vectors.ts";
import type { SegmentPart } from "./plan-segments.ts";
import type { RecordPlace } from "./record-file.ts";
import type { PageSpool } from "./spool-rotation.ts";
import type { VectorCoder } from "./vector-coder.ts";

/** Vectors coded in one run: a page of a dense recipe has three, which alone would be all overhead. */
const VECTORS_PER_RUN = 8_192;
/** Pages without vectors end a batch by their number. */
const PAGES_PER_RUN = 256;

/** Where a page lies in the spool. */
export interface SpooledPage extends RecordPlace {
  vectorCount: number;
}

/** A document whose pages lie in a spool. */
export interface SpooledDocument {
  entry: DocumentEntry;
  spool: PageSpool;
  pages: readonly SpooledPage[];
  /** Of all pages. */
  vectorCount: number;
}

export interface BuildSegmentOptions {
  identity: SegmentIdentity;
  parts: readonly SegmentPart<SpooledDocument>[];
  /** Undefined only when no page of `parts` has vectors. */
  coder: VectorCoder | undefined;
  /** Called with the number of pages done since the last call. */
  onPages?: ((count: number) => void) | undefined;
}

export interface BuiltSegment extends WrittenSegment {
  /** Mean distance of the segment's vectors to their centroids; 0 without vectors. */
  meanResidualNorm: number;
}

export async function buildSegment(options: BuildSegmentOptions): Promise<BuiltSegment> {
  const { identity, parts, coder, onPages } = options;
  const writer = new SegmentWriter(
    identity,
    parts.map(({ document }) => document.entry),
  );
  let residualNormTotal = 0;
  for (const batch of batchesOf(parts)) {
    const pages = await Promise.all(
      batch.map(async ({ documentOrdinal, spool, place }) => ({ documentOrdinal, ...(await spool.read(place)) })),
    );
    const coded = await codePages(coder, pages, identity.dim);
    for (const page of coded.pages) writer.add(page);
    residualNormTotal += coded.residualNormTotal;
    onPages?.(batch.length);
  }
  const written = writer.finish();
  return { ...written, meanResidualNorm: residualNormTotal / Math.max(1, written.counts.vectorCount) };
}

interface BatchPage {
  documentOrdinal: number;
  spool: PageSpool;
  place: SpooledPage;
}

function* batchesOf(parts: readonly SegmentPart<SpooledDocument>[]): Generator<BatchPage[]> {
  let batch: BatchPage[] = [];
  let vectors = 0;
  for (const [documentOrdinal, { document, pages }] of parts.entries()) {
    for (const place of pages) {
      batch.push({ documentOrdinal, spool: document.spool, place });
      vectors += place.vectorCount;
      if (vectors < VECTORS_PER_RUN && batch.length < PAGES_PER_RUN) continue;
      yield batch;
      batch = [];
      vectors = 0;
    }
  }
  if (batch.length > 0) yield batch;
}

type UncodedPage = Omit<SegmentPage, "codes">;

/** Codes all of `pages` in one run. */
async function codePages(
  coder: VectorCoder | undefined,
  pages: readonly UncodedPage[],
  dim: number,
): Promise<{ pages: SegmentPage[]; residualNormTotal: number }> {
  const count = pages.reduce((sum, { page }) => sum + page.vectorCount, 0);
  if (coder === undefined || count === 0) {
    const codes = { centroidIds: new Uint16Array(), codes: new Uint8Array() };
    return { pages: pages.map((page) => ({ ...page, codes })), residualNormTotal: 0 };
  }
  const vectors: Matrix = { values: new Float32Array(count * dim), count, dim };
  let filled = 0;
  for (const { page, exact } of pages) {
    dequantizeInto(vectors, filled, exact);
    filled += page.vectorCount;
  }
  const { centroidIds, codes, residualNormTotal } = await coder.code(vectors);
  const { subspaces } = coder.codebook;
  let first = 0;
  const coded = pages.map((page) => {
    const last = first + page.page.vectorCount;
    const ids = centroidIds.slice(first, last);
    const ownCodes = codes.slice(first * subspaces, last * subspaces);
    first = last;
    return { ...page, codes: { centroidIds: ids, codes: ownCodes } };
  });
  return { pages: coded, residualNormTotal };
}
