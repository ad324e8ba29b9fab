/**
 * An index of synthetic pages, written by the segment writer, the manifest commit and the inverted-file builder that
 * ingestion uses.
 *
 * @module
 */
import { buildInvertedFile } from "../../../encoder/indexing/inverted-file.ts";
import { segmentLimits } from "../../../encoder/indexing/plan-segments.ts";
import { encodeCodebook } from "../../../shared/format/codebook.ts";
import { commitManifest } from "../../../shared/format/manifest-store.ts";
import type { Manifest, SegmentEntry } from "../../../shared/format/manifest.ts";
import { SegmentWriter } from "../../../shared/format/segment-writer.ts";
import { documentIdOf } from "../../../shared/names.ts";
import { COORDINATE_MAX, type DocumentEntry, type EncodedPage } from "../../../shared/page.ts";
import { layout } from "../../../shared/store/layout.ts";
import type { ObjectStore } from "../../../shared/store/object-store.ts";
import { documentName, PAGES_PER_DOCUMENT } from "./documents.ts";
import type { ExactAnswers } from "./exact-answers.ts";
import { PageMaker, type SyntheticPage } from "./page-maker.ts";
import type { CodedPool } from "./pool.ts";

/** English: word pieces of a word, and characters of a word with the space behind it. */
const VECTORS_PER_WORD = 1.3;
const WORD = "words ";
const COLUMNS = 12;

export interface BuildOptions {
  store: ObjectStore;
  index: string;
  pool: CodedPool;
  pageCount: number;
  seed: number;
  /** Given every page that is written. */
  answers: ExactAnswers;
  withInvertedFile: boolean;
  onProgress: (message: string) => void;
}

/** Builds the index from nothing. */
export async function buildSyntheticIndex(options: BuildOptions): Promise<Manifest> {
  const { store, index, pool, pageCount, seed, onProgress } = options;
  const maker = new PageMaker(pool, seed);
  const codebookBytes = encodeCodebook(pool.codebook);
  await store.put(layout.codebook(index, pool.codebook.id), codebookBytes);
  const segments: SegmentEntry[] = [];
  for (let page = 0; page < pageCount;) {
    const segment = await writeSegment(options, maker, page);
    segments.push(segment);
    page += segment.pageCount;
    onProgress(`${page} of ${pageCount} pages written, segment ${segments.length}`);
  }
  let manifest = await commitManifest(store, index, () => ({
    recipe: pool.recipe,
    recipeFingerprint: pool.codebook.recipeFingerprint,
    codebook: codebookEntry(pool, codebookBytes.byteLength),
    segments,
  }));
  if (options.withInvertedFile) {
    const onShare = (share: number) => onProgress(`inverted file ${Math.round(100 * share)} % done`);
    manifest = (await buildInvertedFile({ store, index }, { onProgress: onShare })) ?? manifest;
  }
  return manifest;
}

function codebookEntry({ codebook }: CodedPool, bytes: number): NonNullable<Manifest["codebook"]> {
  return {
    id: codebook.id,
    bytes,
    centroidCount: codebook.centroidCount,
    subspaces: codebook.subspaces,
    cellCount: codebook.cells.offsets.length - 1,
    meanResidualNorm: codebook.training.meanResidualNorm,
    trainedOnVectors: codebook.training.vectors,
  };
}

/** As many pages from `firstPage` as a segment takes. `firstPage` begins a document, and so does what follows. */
async function writeSegment(
  { store, index, pool, pageCount, answers }: BuildOptions,
  maker: PageMaker,
  firstPage: number,
): Promise<SegmentEntry> {
  const { codebook, recipe, meanResidualNorm } = pool;
  const limits = segmentLimits(recipe.dim);
  const documentLimit = Math.floor(Math.min(limits.maxPages, pageCount - firstPage) / PAGES_PER_DOCUMENT);
  const made: SyntheticPage[][] = [];
  let vectors = 0;
  while (made.length < Math.max(1, documentLimit)) {
    const first = firstPage + made.length * PAGES_PER_DOCUMENT;
    const count = Math.min(PAGES_PER_DOCUMENT, pageCount - first);
    const pages = Array.from({ length: count }, (_, i) => maker.page(first + i));
    vectors += pages.reduce((sum, page) => sum + page.exact.scales.length, 0);
    if (vectors > limits.maxVectors && made.length > 0) break;
    made.push(pages);
  }
  const firstDocument = firstPage / PAGES_PER_DOCUMENT;
  const documents = await Promise.all(made.map((pages, i) => documentEntry(firstDocument + i, pages.length)));
  const { recipeFingerprint, id: codebookId, dim, subspaces } = codebook;
  const vectorCounts = made.flatMap((pages) => pages.map(({ exact }) => exact.scales.length));
  const writer = new SegmentWriter({ recipeFingerprint, codebookId, dim, subspaces }, documents, vectorCounts);
  for (const [documentOrdinal, pages] of made.entries()) {
    for (const [i, { codes, exact }] of pages.entries()) {
      writer.add({ documentOrdinal, codes, exact, page: shownPage(i + 1, exact.scales.length) });
      answers.add(firstPage + documentOrdinal * PAGES_PER_DOCUMENT + i, exact);
    }
  }
  const { segment, vectors: vectorsObject, counts } = writer.finish();
  const id = crypto.randomUUID();
  await store.put(layout.vectors(index, id), vectorsObject);
  await store.put(layout.segment(index, id), segment);
  return { ...counts, id, meanResidualNorm, deletedDocuments: [] };
}

async function documentEntry(number: number, pageCount: number): Promise<DocumentEntry> {
  const name = documentName(number);
  return {
    id: await documentIdOf(name),
    name,
    revision: "0123456789abcdef",
    contentType: "application/pdf",
    sourceBytes: 100_000,
    pageCount,
    addedAtMs: 1_700_000_000_000,
    metadata: { year: String(2000 + (number % 25)), kind: ["report", "letter", "manual", "notes"][number % 4] ?? "" },
  };
}

const shownPages = new Map<number, Omit<EncodedPage, "pageNumber">>();

/** Text and boxes of the length that a page with so many vectors has; what they say is all the same. */
function shownPage(pageNumber: number, vectorCount: number): EncodedPage {
  let shown = shownPages.get(vectorCount);
  if (shown === undefined) {
    const wordCount = Math.ceil(vectorCount / VECTORS_PER_WORD);
    shown = {
      width: 612,
      height: 792,
      status: "searchable",
      vectorCount,
      vectors: new Float32Array(0),
      geometry: {
        kind: "words",
        boxes: wordBoxes(wordCount),
        columns: 0,
        rows: 0,
        regionOfVector: Uint16Array.from({ length: vectorCount }, (_, i) => Math.floor(i / VECTORS_PER_WORD)),
      },
      text: WORD.repeat(wordCount).trimEnd(),
    };
    shownPages.set(vectorCount, shown);
  }
  return { ...shown, pageNumber };
}

function wordBoxes(count: number): Uint16Array {
  const rows = Math.ceil(count / COLUMNS);
  const boxes = new Uint16Array(count * 4);
  for (let word = 0; word < count; word++) {
    const [column, row] = [word % COLUMNS, Math.floor(word / COLUMNS)];
    const box = [column / COLUMNS, row / rows, (column + 1) / COLUMNS, (row + 1) / rows];
    box.forEach((edge, i) => (boxes[word * 4 + i] = Math.floor(edge * COORDINATE_MAX)));
  }
  return boxes;
}
