/**
 * A small real index whose scores can be told by hand: every word of its vocabulary has an axis of its own, so the score
 * of a page is the number of query words that stand on it.
 *
 * @module
 */
import type { Codebook, PageCodes, PageVectors, SegmentPage } from "../../shared/format/contract.ts";
import { cellsAt, evenCellOffsets } from "../../shared/format/cells.ts";
import { encodeCodebook } from "../../shared/format/codebook.ts";
import { commitManifest } from "../../shared/format/manifest-store.ts";
import type { Manifest, SegmentEntry } from "../../shared/format/manifest.ts";
import { segmentIdentityOf } from "../../shared/format/segment-identity.ts";
import { writeSegment } from "../../shared/format/segment-writer.ts";
import { CODEWORDS_PER_SUBSPACE } from "../../shared/limits.ts";
import { documentIdOf } from "../../shared/names.ts";
import { COORDINATE_MAX, type DocumentEntry, type TextSource } from "../../shared/page.ts";
import { recipeFingerprint } from "../../shared/recipe/fingerprint.ts";
import { testRecipe } from "../../shared/recipe/testing.ts";
import { layout } from "../../shared/store/layout.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import type { AnsweringRecipe } from "./encoder.ts";

const VOCABULARY =
  "revenue by region growth of profit and loss cash flow table chart north south east west staff cost energy water " +
  "paper leaf tree forest river stone bridge road train ship plane engine wheel glass metal wood cotton silk bread";

const DIM = 64;
const SUBSPACES = 16;
const AXES_PER_CELL = 8;
const axes = new Map(VOCABULARY.split(" ").map((word, axis) => [word, axis]));

const recipe = testRecipe({ dim: DIM, model: "one axis a word" });

/** What the test encoder must claim to be. */
export async function wordRecipe(): Promise<AnsweringRecipe> {
  return { name: recipe.name, fingerprint: await recipeFingerprint(recipe), dim: DIM };
}

/** The axis of `word`; words outside the vocabulary share the last one, which no page has. */
export function wordVector(word: string): Float32Array {
  const vector = new Float32Array(DIM);
  vector[axisOf(word)] = 1;
  return vector;
}

/** A document to index: its pages as texts. A page without words is one without a text layer. */
export interface WordDocument {
  name: string;
  revision: string;
  pages: string[];
  /** `ocr`: its words were read on its pictures. */
  textSource?: TextSource;
  metadata?: Record<string, string>;
}

/** Adds one segment with `documents` to `index`, making the index if need be; `replacing` deletes every earlier document. */
export async function writeWordIndex(
  store: ObjectStore,
  index: string,
  documents: readonly WordDocument[],
  options: { replacing?: boolean } = {},
): Promise<Manifest> {
  const fingerprint = await recipeFingerprint(recipe);
  const codebook = encodeCodebook(wordCodebook(fingerprint));
  await store.put(layout.codebook(index, CODEBOOK_ID), codebook);
  const inManifest = {
    id: CODEBOOK_ID,
    bytes: codebook.byteLength,
    centroidCount: DIM,
    subspaces: SUBSPACES,
    cellCount: DIM / AXES_PER_CELL,
    meanResidualNorm: 0,
    trainedOnVectors: DIM,
  };
  const identity = { recipe, recipeFingerprint: fingerprint, codebook: inManifest };

  const entries = await Promise.all(documents.map(toDocumentEntry));
  const pages = documents.flatMap((document, ordinal) =>
    document.pages.map((text, position) => toSegmentPage(ordinal, position + 1, text, document.textSource)),
  );
  const vectorCount = pages.reduce((total, { page }) => total + page.vectorCount, 0);
  const written = writeSegment(segmentIdentityOf(identity, { vectorCount }), entries, pages);
  const id = crypto.randomUUID();
  await store.put(layout.segment(index, id), written.segment);
  await store.put(layout.vectors(index, id), written.vectors);
  await putPictures(store, index, documents);

  return await commitManifest(store, index, (current) => {
    const earlier = (current?.segments ?? []).map((segment) =>
      options.replacing === true ? allDeleted(segment) : segment,
    );
    return {
      ...identity,
      segments: [...earlier, { id, ...written.counts, meanResidualNorm: 0, deletedDocuments: [] }],
    };
  });
}

/** The bytes stored as a page's picture: not a WebP, for nothing here looks inside. */
export function pictureBytes(name: string, page: number, kind: "image" | "thumbnail"): Uint8Array {
  return new TextEncoder().encode(`${kind} of page ${page} of ${name}`);
}

const CODEBOOK_ID = "0000000000000001";

function axisOf(word: string): number {
  return axes.get(word) ?? DIM - 1;
}

function allDeleted(segment: SegmentEntry): SegmentEntry {
  return { ...segment, deletedDocuments: Array.from({ length: segment.documentCount }, (_, ordinal) => ordinal) };
}

/** Centroid c is axis c, so residuals are zero, and so is the only codeword in use. */
function wordCodebook(fingerprint: string): Codebook {
  const centroids = new Int8Array(DIM * DIM);
  for (let axis = 0; axis < DIM; axis++) centroids[axis * DIM + axis] = 127;
  return {
    id: CODEBOOK_ID,
    recipeFingerprint: fingerprint,
    dim: DIM,
    centroidCount: DIM,
    centroids,
    centroidScale: 1 / 127,
    subspaces: SUBSPACES,
    codewords: new Float32Array(CODEWORDS_PER_SUBSPACE * DIM),
    cells: cellsAt({ centroids, centroidScale: 1 / 127, dim: DIM }, evenCellOffsets(DIM, AXES_PER_CELL)),
    training: { vectors: DIM, meanResidualNorm: 0, meanCosine: 1 },
  };
}

async function toDocumentEntry(document: WordDocument): Promise<DocumentEntry> {
  return {
    id: await documentIdOf(document.name),
    name: document.name,
    revision: document.revision,
    contentType: "application/pdf",
    sourceBytes: 1_000,
    pageCount: document.pages.length,
    addedAtMs: Date.UTC(2026, 10, 24),
    metadata: document.metadata ?? {},
  };
}

/** Words side by side in one line across the page, each with a box and a vector. */
function toSegmentPage(
  documentOrdinal: number,
  pageNumber: number,
  text: string,
  textSource?: TextSource,
): SegmentPage {
  const words = text.split(/\s+/).filter((word) => word !== "");
  const vectors = new Float32Array(words.length * DIM);
  const codes: PageCodes = {
    centroidIds: Uint16Array.from(words, axisOf),
    codes: new Uint8Array(words.length * SUBSPACES),
  };
  const exact: PageVectors = {
    scales: new Float32Array(words.length).fill(1 / 127),
    values: new Int8Array(words.length * DIM),
  };
  for (const [position, word] of words.entries()) {
    vectors.set(wordVector(word), position * DIM);
    exact.values[position * DIM + axisOf(word)] = 127;
  }
  const edge = (position: number) => Math.round((position / words.length) * COORDINATE_MAX);
  return {
    documentOrdinal,
    page: {
      pageNumber,
      width: 595,
      height: 842,
      status: words.length > 0 ? "searchable" : "no-text",
      vectorCount: words.length,
      vectors,
      geometry: {
        kind: "words",
        boxes: Uint16Array.from(
          words.flatMap((_, position) => [edge(position), 0, edge(position + 1), COORDINATE_MAX]),
        ),
        columns: 0,
        rows: 0,
        regionOfVector: Uint16Array.from(words.keys()),
      },
      text: words.join(" "),
      textSource,
    },
    codes,
    exact,
  };
}

async function putPictures(store: ObjectStore, index: string, documents: readonly WordDocument[]): Promise<void> {
  for (const { name, revision, pages } of documents) {
    const id = await documentIdOf(name);
    for (const page of pages.keys()) {
      const [image, thumbnail] = [
        layout.pageImage(index, id, revision, page + 1),
        layout.pageThumbnail(index, id, revision, page + 1),
      ];
      await store.put(image, pictureBytes(name, page + 1, "image"), { contentType: "image/webp" });
      await store.put(thumbnail, pictureBytes(name, page + 1, "thumbnail"), { contentType: "image/webp" });
    }
  }
}
