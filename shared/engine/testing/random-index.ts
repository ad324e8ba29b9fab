/**
 * Writes whole indexes of random pages through the real segment writer and manifest commit, and remembers what it wrote.
 *
 * @module
 */
import { cellCountOf } from "../../format/cells.ts";
import { encodeCodebook } from "../../format/codebook.ts";
import type { Codebook, PageCodes, PageVectors, SegmentPage } from "../../format/contract.ts";
import { invertedSegment, writeInvertedFile } from "../../format/inverted/inverted-writer.ts";
import { commitManifest, readManifest } from "../../format/manifest-store.ts";
import type { Manifest, SegmentEntry } from "../../format/manifest.ts";
import { extendedOverlay, readOverlay, storeOverlay } from "../../format/overlay.ts";
import { NO_CODEBOOK, segmentIdentityOf } from "../../format/segment-identity.ts";
import { openSegment } from "../../format/segment-reader.ts";
import { writeSegment } from "../../format/segment-writer.ts";
import { documentIdOf } from "../../names.ts";
import { COORDINATE_MAX, NO_REGION, type DocumentEntry, type PageGeometry } from "../../page.ts";
import type { Random } from "../../ports.ts";
import { recipeFingerprint } from "../../recipe/fingerprint.ts";
import type { Recipe } from "../../recipe/recipe.ts";
import { testRecipe } from "../../recipe/testing.ts";
import { layout } from "../../store/layout.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import { type CodebookShape, randomCodebook, randomCodes, randomVectors } from "./random-material.ts";

/** A document to write: the number of vectors of each of its pages, 0 for a page without text. */
export interface DocumentPlan {
  name: string;
  pages: readonly number[];
  /** Number of the first of `pages`, for a later part of a document that lies in several segments; 1. */
  firstPage?: number;
  metadata?: Record<string, string>;
}

/** A page as it was written. */
export interface WrittenPage {
  segmentId: string;
  document: DocumentEntry;
  pageNumber: number;
  codes: PageCodes;
  exact: PageVectors;
  geometry: PageGeometry;
  text: string;
}

/** An index being filled. `pages` are in segment order, then page order, deleted ones included. */
export interface RandomIndex {
  readonly name: string;
  readonly store: ObjectStore;
  readonly random: Random;
  readonly recipe: Recipe;
  readonly fingerprint: string;
  readonly codebook: Codebook;
  readonly pages: WrittenPage[];
  /** Ids of deleted documents. */
  readonly deleted: Set<string>;
  /** Pages with equally many vectors are alike, so that their scores are equal and only their order can tell them apart. */
  twins: boolean;
  /** What pages are written with, the first words more often; by default every word of a page is another. */
  vocabulary: readonly string[] | undefined;
}

/** Commits an index without pages; its codebook is stored when the first segment is added. */
export async function createRandomIndex(
  store: ObjectStore,
  name: string,
  shape: CodebookShape & Pick<Recipe, "lengthPrior" | "documentNamePieces">,
  random: Random,
): Promise<RandomIndex> {
  const { dim, lengthPrior, documentNamePieces } = shape;
  const recipe = testRecipe({ dim, lengthPrior, documentNamePieces });
  const fingerprint = await recipeFingerprint(recipe);
  const codebook = randomCodebook("codebook-1", fingerprint, shape, random);
  await commitManifest(store, name, () => ({ recipe, recipeFingerprint: fingerprint, segments: [] }));
  return {
    name,
    store,
    random,
    recipe,
    fingerprint,
    codebook,
    pages: [],
    deleted: new Set(),
    twins: false,
    vocabulary: undefined,
  };
}

/** Writes one segment of `documents` and commits it. */
export async function addSegment(index: RandomIndex, documents: readonly DocumentPlan[]): Promise<Manifest> {
  const { store, name, codebook, fingerprint } = index;
  const id = crypto.randomUUID();
  const entries = await Promise.all(documents.map(documentEntry));
  const pages = documents.flatMap((document, ordinal) =>
    document.pages.map((vectorCount, i) => ({
      ordinal,
      written: writtenPage(index, id, entries[ordinal], (document.firstPage ?? 1) + i, vectorCount),
    })),
  );
  const hasVectors = pages.some(({ written }) => written.codes.centroidIds.length > 0);
  const identity = {
    recipeFingerprint: fingerprint,
    codebookId: hasVectors ? codebook.id : NO_CODEBOOK,
    dim: codebook.dim,
    subspaces: hasVectors ? codebook.subspaces : 0,
  };
  const { segment, vectors, counts } = writeSegment(
    identity,
    entries,
    pages.map(({ ordinal, written }) => toSegmentPage(ordinal, written)),
  );
  await store.put(layout.segment(name, id), segment);
  await store.put(layout.vectors(name, id), vectors);
  const codebookBytes = encodeCodebook(codebook);
  if (hasVectors) await store.put(layout.codebook(name, codebook.id), codebookBytes);
  index.pages.push(...pages.map(({ written }) => written));
  return await commit(index, (current) => ({
    segments: [...current.segments, { ...counts, id, meanResidualNorm: 0, deletedDocuments: [] }],
    codebook: hasVectors
      ? {
          id: codebook.id,
          bytes: codebookBytes.byteLength,
          centroidCount: codebook.centroidCount,
          subspaces: codebook.subspaces,
          cellCount: cellCountOf(codebook.cells),
          meanResidualNorm: codebook.training.meanResidualNorm,
          trainedOnVectors: codebook.training.vectors,
        }
      : current.codebook,
  }));
}

/** Commits the deletion of a document. */
export async function deleteDocument(index: RandomIndex, documentId: string): Promise<Manifest> {
  const place = index.pages.find((page) => page.document.id === documentId && !index.deleted.has(documentId));
  if (place === undefined) throw new Error(`no document ${documentId} was written`);
  index.deleted.add(documentId);
  const names = [
    ...new Set(index.pages.filter((page) => page.segmentId === place.segmentId).map((page) => page.document.id)),
  ];
  const ordinal = names.indexOf(documentId);
  return await commit(index, (current) => ({
    codebook: current.codebook,
    segments: current.segments.map((segment) =>
      segment.id === place.segmentId ? withDeleted(segment, ordinal) : segment,
    ),
  }));
}

/** Commits other metadata for documents, by id, as an overlay: segments stay as they are. */
export async function changeMetadata(
  index: RandomIndex,
  changes: ReadonlyMap<string, Record<string, string>>,
): Promise<Manifest> {
  const { store, name, pages } = index;
  const manifest = await readManifest(store, name);
  const changed: DocumentEntry[] = [];
  for (const page of pages) {
    const metadata = changes.get(page.document.id);
    if (metadata === undefined) continue;
    page.document = { ...page.document, metadata };
    changed.push(page.document);
  }
  const before = await readOverlay(store, name, manifest?.overlay);
  const overlay = await storeOverlay(store, name, extendedOverlay(before, changed));
  return await commit(index, (current) => ({ ...current, codebook: current.codebook, overlay }));
}

/** Writes the inverted file of all present segments and commits it. */
export async function coverSegments(index: RandomIndex): Promise<Manifest> {
  const { store, name, codebook } = index;
  const manifest = await readManifest(store, name);
  if (manifest === undefined) throw new Error(`index ${name} was not created`);
  const segments = await Promise.all(
    manifest.segments.map(async (entry) => {
      const { id, bytes } = entry;
      const expected = segmentIdentityOf(manifest, entry);
      return invertedSegment(await openSegment(store, { index: name, id, expected, bytes }), bytes);
    }),
  );
  const id = crypto.randomUUID();
  const identity = segmentIdentityOf(manifest, { vectorCount: 1 });
  const inverted = await writeInvertedFile(store, { index: name, id, identity, cells: codebook.cells, segments });
  return await commit(index, (current) => ({ ...current, codebook: current.codebook, inverted }));
}

function withDeleted(segment: SegmentEntry, ordinal: number): SegmentEntry {
  return { ...segment, deletedDocuments: [...segment.deletedDocuments, ordinal].toSorted((a, b) => a - b) };
}

async function commit(
  index: RandomIndex,
  change: (
    current: Manifest,
  ) => Pick<Manifest, "segments"> & Partial<Pick<Manifest, "codebook" | "inverted" | "overlay">>,
): Promise<Manifest> {
  return await commitManifest(index.store, index.name, (current) => {
    if (current === undefined) throw new Error(`index ${index.name} was not created`);
    const { recipe, recipeFingerprint } = current;
    const changed = { inverted: current.inverted, overlay: current.overlay, ...change(current) };
    return {
      recipe,
      recipeFingerprint,
      segments: changed.segments,
      ...(changed.codebook && { codebook: changed.codebook }),
      ...(changed.inverted && { inverted: changed.inverted }),
      ...(changed.overlay && { overlay: changed.overlay }),
    };
  });
}

async function documentEntry(plan: DocumentPlan): Promise<DocumentEntry> {
  return {
    id: await documentIdOf(plan.name),
    name: plan.name,
    revision: "0123456789abcdef",
    contentType: "application/pdf",
    sourceBytes: 1_000,
    pageCount: (plan.firstPage ?? 1) - 1 + plan.pages.length,
    addedAtMs: 1_700_000_000_000,
    metadata: plan.metadata ?? {},
  };
}

function writtenPage(
  { codebook, random, twins, pages, vocabulary }: RandomIndex,
  segmentId: string,
  document: DocumentEntry | undefined,
  pageNumber: number,
  vectorCount: number,
): WrittenPage {
  if (document === undefined) throw new Error("a page needs a document");
  const twin = twins ? pages.find((page) => page.codes.centroidIds.length === vectorCount) : undefined;
  const codes = twin?.codes ?? randomCodes(codebook, vectorCount, random);
  return {
    segmentId,
    document,
    pageNumber,
    codes,
    exact: twin?.exact ?? randomVectors(codebook, codes, random),
    geometry: columnOfWords(vectorCount),
    text: Array.from(
      { length: vectorCount },
      (_, word) => vocabulary?.[skewed(vocabulary.length, random)] ?? `word${word}`,
    ).join(" "),
  };
}

/** 0 … size − 1, small ones more often. */
function skewed(size: number, random: Random): number {
  return Math.floor(size * random.next() ** 3);
}

/** One word per vector, one below the other; the last vector of a page sits nowhere. */
function columnOfWords(count: number): PageGeometry {
  const height = Math.floor(COORDINATE_MAX / (count + 1));
  const box = (word: number): number[] => [0, word * height, COORDINATE_MAX, (word + 1) * height];
  return {
    kind: "words",
    boxes: Uint16Array.from(Array.from({ length: count }, (_, word) => box(word)).flat()),
    columns: 0,
    rows: 0,
    regionOfVector: Uint16Array.from({ length: count }, (_, i) => (i > 0 && i === count - 1 ? NO_REGION : i)),
  };
}

function toSegmentPage(documentOrdinal: number, written: WrittenPage): SegmentPage {
  const { codes, exact, geometry, text, pageNumber } = written;
  const vectorCount = codes.centroidIds.length;
  return {
    documentOrdinal,
    codes,
    exact,
    page: {
      pageNumber,
      width: 612,
      height: 792,
      status: vectorCount > 0 ? "searchable" : "no-text",
      vectorCount,
      // The writer stores codes and exact vectors; the floats they were made from are the indexer's.
      vectors: new Float32Array(0),
      geometry,
      text,
    },
  };
}
