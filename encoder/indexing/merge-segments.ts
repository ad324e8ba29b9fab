/**
 * Rewrites the live pages of some segments as one new segment, page by page: records, texts, layouts and exact vectors as
 * they are, codes as they are or made anew.
 *
 * @module
 */
import PQueue from "p-queue";
import type { PageCodes, PageVectors, SegmentPage, SegmentReader } from "../../shared/format/contract.ts";
import type { Manifest, SegmentEntry } from "../../shared/format/manifest.ts";
import { type Overlay, overlaid } from "../../shared/format/overlay.ts";
import { segmentIdentityOf } from "../../shared/format/segment-identity.ts";
import { openSegment } from "../../shared/format/segment-reader.ts";
import { SegmentWriter } from "../../shared/format/segment-writer.ts";
import { MAX_CONCURRENT_READS } from "../../shared/limits.ts";
import type { DocumentEntry } from "../../shared/page.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import type { Matrix } from "./matrix-runner.ts";
import { dequantizeInto } from "./page-vectors.ts";
import type { VectorCoder } from "./vector-coder.ts";

/** Exact vectors read at once; twice that is in memory, since the next are read while these are written. */
export const RUN_VECTOR_BYTES = 8 * 1024 * 1024;
/** Pages without vectors end a run by their number. */
const PAGES_PER_RUN = 256;

/** What all merges of one compaction or retraining have in common. */
export interface MergeWork {
  store: ObjectStore;
  index: string;
  /** The manifest that has the segments to be merged. */
  from: Manifest;
  /** The codebook of the new segments; that of `from` unless they are coded anew. */
  codebook: Manifest["codebook"];
  /** Codes vectors anew; undefined: codes are copied. */
  coder?: VectorCoder | undefined;
  overlay: Overlay;
  signal?: AbortSignal | undefined;
  /** Called with the number of pages written since the last call. */
  onPages?: ((count: number) => void) | undefined;
}

/** What came of a merge. */
export interface MergedSegment {
  /** As they were when they were read: what is deleted in them since has to be carried over. */
  sources: readonly SegmentEntry[];
  /** Undefined when nothing in them lives. */
  entry: SegmentEntry | undefined;
  /** By source: where each of its documents is in the new segment, or {@link GONE}. */
  ordinals: ReadonlyMap<string, Int32Array>;
  documents: readonly MergedDocument[];
  /** Pages in the sources that were deleted and are left out. */
  pagesRemoved: number;
}

export interface MergedDocument {
  id: string;
  revision: string;
  /** As it was written: with what the overlay said. */
  metadata: Readonly<Record<string, string>>;
  /** Pages of it in this segment, and all that it has. */
  pages: number;
  pageCount: number;
}

/** In place of an ordinal: the document was deleted when the segment was read. */
export const GONE = -1;

/**
 * Writes and stores one segment of what lives in `sources`, which must fit into one.
 *
 * @throws MaxleafError `corrupt_data`, `store_unavailable`; the signal's reason.
 */
export async function mergeSegments(work: MergeWork, sources: readonly SegmentEntry[]): Promise<MergedSegment> {
  const readers = await openSources(work, sources);
  const plan = new MergePlan(readers);
  const common = {
    sources,
    ordinals: plan.ordinals,
    documents: plan.documents.map(({ entry, pages }) => {
      const { id, revision, metadata, pageCount } = overlaid(entry, work.overlay);
      return { id, revision, metadata, pages: pages.length, pageCount };
    }),
    pagesRemoved: sources.reduce((sum, { pageCount }) => sum + pageCount, 0) - plan.pageCount,
  };
  if (plan.documents.length === 0) return { ...common, entry: undefined };
  const { store, index, from, codebook, overlay } = work;
  const identity = segmentIdentityOf({ ...from, codebook }, { vectorCount: plan.vectorCount });
  const writer = new SegmentWriter(
    identity,
    plan.documents.map(({ entry }) => overlaid(entry, overlay)),
    plan.vectorCounts,
  );
  let residualNormTotal = 0;
  for await (const run of readAhead(plan.runs(identity.dim))) {
    work.signal?.throwIfAborted();
    const coded = await codesOf(work, run);
    for (const page of coded.pages) writer.add(page);
    residualNormTotal += coded.residualNormTotal;
    work.onPages?.(coded.pages.length);
  }
  const { segment, vectors, counts } = writer.finish();
  const id = crypto.randomUUID();
  await store.put(layout.vectors(index, id), vectors, { onlyIf: "absent" });
  await store.put(layout.segment(index, id), segment, { onlyIf: "absent" });
  const meanResidualNorm = residualNormTotal / Math.max(1, counts.vectorCount);
  return { ...common, entry: { id, ...counts, meanResidualNorm, deletedDocuments: [] } };
}

/** Opens `sources`, segments of `from`. */
export async function openSources(
  { store, index, from }: Pick<MergeWork, "store" | "index" | "from">,
  sources: readonly SegmentEntry[],
): Promise<MergeSource[]> {
  const queue = new PQueue({ concurrency: MAX_CONCURRENT_READS });
  return await queue.addAll(
    sources.map((entry) => async () => {
      const expected = segmentIdentityOf(from, entry);
      const reader = await openSegment(store, { index, id: entry.id, expected, bytes: entry.bytes });
      return { entry, reader };
    }),
  );
}

export interface MergeSource {
  entry: SegmentEntry;
  reader: SegmentReader;
}

/** A page in its old place. */
interface SourcePage {
  source: MergeSource;
  page: number;
  documentOrdinal: number;
}

interface PlannedDocument {
  entry: DocumentEntry;
  /** Ascending by page number. */
  pages: { source: MergeSource; page: number; pageNumber: number }[];
}

/** What goes where. */
class MergePlan {
  readonly documents: PlannedDocument[] = [];
  readonly ordinals = new Map<string, Int32Array>();
  readonly vectorCounts: readonly number[];
  readonly vectorCount: number;
  readonly pageCount: number;

  constructor(sources: readonly MergeSource[]) {
    const known = new Map<string, number>();
    for (const source of sources) {
      const { entry, reader } = source;
      const deleted = new Set(entry.deletedDocuments);
      const ordinals = Int32Array.from(reader.documents, (document, ordinal) => {
        if (deleted.has(ordinal)) return GONE;
        // Parts of a document that was larger than a segment come together.
        const key = `${document.id}/${document.revision}`;
        const place = known.get(key) ?? this.documents.push({ entry: document, pages: [] }) - 1;
        known.set(key, place);
        return place;
      });
      this.ordinals.set(entry.id, ordinals);
      reader.pages.documentOrdinal.forEach((ordinal, page) => {
        const place = ordinals[ordinal] ?? GONE;
        this.documents[place]?.pages.push({ source, page, pageNumber: reader.pages.pageNumber[page] ?? 0 });
      });
    }
    for (const { pages } of this.documents) pages.sort((a, b) => a.pageNumber - b.pageNumber);
    const pages = this.documents.flatMap((document) => document.pages);
    this.pageCount = pages.length;
    this.vectorCounts = pages.map(({ source, page }) => source.reader.pages.vectorCount[page] ?? 0);
    this.vectorCount = this.vectorCounts.reduce((sum, count) => sum + count, 0);
  }

  /** All pages in their new order, as many at a time as may be in memory; each run is read when it is called. */
  *runs(dim: number): Generator<() => Promise<ReadPage[]>> {
    let run: SourcePage[] = [];
    let bytes = 0;
    for (const [documentOrdinal, { pages }] of this.documents.entries()) {
      for (const { source, page } of pages) {
        run.push({ source, page, documentOrdinal });
        bytes += (source.reader.pages.vectorCount[page] ?? 0) * dim;
        if (bytes < RUN_VECTOR_BYTES && run.length < PAGES_PER_RUN) continue;
        const full = run;
        yield async () => await readRun(full);
        run = [];
        bytes = 0;
      }
    }
    const last = run;
    if (last.length > 0) yield async () => await readRun(last);
  }
}

/** A page as it is stored, with the mean distance of the vectors of its segment to their centroids. */
interface ReadPage extends SegmentPage {
  meanResidualNorm: number;
}

/** What `runs` read, in their order; the next is being read while one is looked at. */
export async function* readAhead<T>(runs: Iterable<() => Promise<T>>): AsyncGenerator<T> {
  let pending: Promise<T> | undefined;
  for (const read of runs) {
    const next = read();
    // Its failure is met when its turn comes, or never, when an earlier one ended everything.
    next.catch(() => undefined);
    if (pending !== undefined) yield await pending;
    pending = next;
  }
  if (pending !== undefined) yield await pending;
}

async function readRun(run: readonly SourcePage[]): Promise<ReadPage[]> {
  const bySource = Map.groupBy(run.keys(), (at) => run[at]?.source);
  const read: ReadPage[] = [];
  const queue = new PQueue({ concurrency: MAX_CONCURRENT_READS });
  const sideBySide = Math.min(MAX_CONCURRENT_READS, bySource.size);
  await queue.addAll(
    [...bySource].map(([source, places]) => async () => {
      if (source === undefined) return;
      const pages = places.map((at) => run[at]?.page ?? 0);
      const { reader, entry } = source;
      const [records, exact] = await Promise.all([
        reader.readRecords(pages, sideBySide),
        reader.readVectors(pages, sideBySide),
      ]);
      for (const [i, at] of places.entries()) {
        const record = records[i];
        const vectors = exact[i];
        const place = run[at];
        if (record === undefined || vectors === undefined || place === undefined) continue;
        const { codes, layout: shown } = record;
        const { geometry, text, pageNumber, width, height, textSource } = shown;
        const vectorCount = vectors.scales.length;
        const status = reader.pages.status[place.page] ?? "no-text";
        read[at] = {
          documentOrdinal: place.documentOrdinal,
          page: { pageNumber, width, height, status, vectorCount, vectors: NO_FLOATS, geometry, text, textSource },
          codes,
          exact: vectors,
          meanResidualNorm: entry.meanResidualNorm,
        };
      }
    }),
  );
  return read;
}

/** Pages are written from their int8 vectors. */
const NO_FLOATS = new Float32Array();

interface CodedRun {
  pages: readonly SegmentPage[];
  residualNormTotal: number;
}

async function codesOf({ coder, from }: MergeWork, run: readonly ReadPage[]): Promise<CodedRun> {
  if (coder !== undefined) return await codeAnew(coder, run, from.recipe.dim);
  const residualNormTotal = run.reduce(
    (sum, { page, meanResidualNorm }) => sum + page.vectorCount * meanResidualNorm,
    0,
  );
  return { pages: run, residualNormTotal };
}

/** Codes of `run` by `coder`, from its exact vectors. */
async function codeAnew(coder: VectorCoder, run: readonly ReadPage[], dim: number): Promise<CodedRun> {
  const vectors = vectorsOf(
    run.map(({ exact }) => exact),
    dim,
  );
  if (vectors.count === 0) return { pages: run, residualNormTotal: 0 };
  const { centroidIds, codes, residualNormTotal } = await coder.code(vectors);
  const { subspaces } = coder.codebook;
  let first = 0;
  const pages = run.map((page) => {
    const last = first + page.page.vectorCount;
    const own: PageCodes = {
      centroidIds: centroidIds.slice(first, last),
      codes: codes.slice(first * subspaces, last * subspaces),
    };
    first = last;
    return { ...page, codes: own };
  });
  return { pages, residualNormTotal };
}

function vectorsOf(pages: readonly PageVectors[], dim: number): Matrix {
  const count = pages.reduce((sum, { scales }) => sum + scales.length, 0);
  const matrix: Matrix = { values: new Float32Array(count * dim), count, dim };
  let filled = 0;
  for (const exact of pages) {
    dequantizeInto(matrix, filled, exact);
    filled += exact.scales.length;
  }
  return matrix;
}
