/**
 * Codes spooled pages and puts them into a segment.
 *
 * @module
 */
import type { SegmentIdentity, SegmentPage } from "../../shared/format/contract.ts";
import { SegmentWriter, type WrittenSegment } from "../../shared/format/segment-writer.ts";
import type { DocumentEntry } from "../../shared/page.ts";
import { type CodedPage, codeRows } from "./code-pages.ts";
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
  /** Its codes, where they were made ahead; they count under their codebook only. */
  coded?: CodedPage;
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
    parts.flatMap(({ pages }) => pages.map(({ vectorCount }) => vectorCount)),
  );
  let residualNormTotal = 0;
  for (const batch of batchesOf(parts)) {
    const pages = await Promise.all(
      batch.map(async ({ documentOrdinal, spool, place }) => {
        return { documentOrdinal, coded: place.coded, ...(await spool.read(place)) };
      }),
    );
    const coded = await codePages(coder, pages, identity.dim);
    for (const [at, { documentOrdinal, page, exact }] of pages.entries()) {
      const { residualNormTotal: own, ...codes } = coded[at] ?? NO_CODES;
      writer.add({ documentOrdinal, page, exact, codes });
      residualNormTotal += own;
    }
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

const NO_CODES = { centroidIds: new Uint16Array(), codes: new Uint8Array(), residualNormTotal: 0 };

type PageToCode = Omit<SegmentPage, "codes"> & { coded: CodedPage | undefined };

/** One result for each of `pages`; those that are not coded under the codebook yet are, all in one run. */
async function codePages(
  coder: VectorCoder | undefined,
  pages: readonly PageToCode[],
  dim: number,
): Promise<Omit<CodedPage, "codebookId">[]> {
  if (coder === undefined) return pages.map(() => NO_CODES);
  const isCoded = ({ coded }: PageToCode) => coded?.codebookId === coder.codebook.id;
  const uncoded = pages.filter((page) => !isCoded(page));
  const made = await codeRows(
    coder,
    uncoded.map(({ exact }) => exact),
    dim,
  );
  let next = 0;
  return pages.map((page) => (isCoded(page) ? page.coded : made[next++]) ?? NO_CODES);
}
