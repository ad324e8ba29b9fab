/**
 * Random but valid documents, pages and codebooks for property tests.
 *
 * @module
 */
import fc from "fast-check";
import { type DocumentEntry, NO_REGION, type PageGeometry } from "../../page.ts";
import type { Recipe } from "../../recipe/recipe.ts";
import type { Cells, Codebook, PageCodes, PageVectors, SegmentIdentity, SegmentPage } from "../contract.ts";

/** What a segment is written from. */
export interface SegmentInput {
  identity: SegmentIdentity;
  documents: DocumentEntry[];
  pages: SegmentPage[];
}

/** A recipe that belongs to no model. */
export const testRecipe: Recipe = {
  name: "test-words",
  model: "test",
  revision: "1",
  dim: 16,
  interaction: "late",
  geometry: "words",
  queryPrefix: "",
  documentPrefix: "",
  windowTokens: 32,
  windowOverlapTokens: 8,
  pooling: "none",
  projection: "none",
  dropped: "specials",
  extra: {},
};

const exactly = (count: number) => ({ minLength: count, maxLength: count });

function u16Array(count: number, values: fc.Arbitrary<number> = fc.nat(0xffff)): fc.Arbitrary<Uint16Array> {
  return fc.array(values, exactly(count)).map((numbers) => Uint16Array.from(numbers));
}

/** Geometry of a page with `vectorCount` vectors. */
export function geometryOf(vectorCount: number): fc.Arbitrary<PageGeometry> {
  const regionOfVector = (regionCount: number) => {
    const nowhere = fc.constant(NO_REGION);
    return u16Array(vectorCount, regionCount === 0 ? nowhere : fc.oneof(fc.nat(regionCount - 1), nowhere));
  };
  const none = fc.constant(0);
  const boxed = fc.nat(12).chain((boxCount) =>
    fc.record({
      kind: fc.constantFrom("words" as const, "regions" as const),
      columns: none,
      rows: none,
      boxes: u16Array(boxCount * 4),
      regionOfVector: regionOfVector(boxCount),
    }),
  );
  const grid = fc.tuple(fc.nat(40), fc.nat(40)).chain(([columns, rows]) =>
    fc.record({
      kind: fc.constant("grid" as const),
      columns: fc.constant(columns),
      rows: fc.constant(rows),
      boxes: u16Array(0),
      regionOfVector: regionOfVector(columns * rows),
    }),
  );
  return fc.oneof(boxed, grid);
}

/** Centroids of the codebook that sampled codes belong to. */
export const SAMPLE_CENTROIDS = 300;

export function codesOf(vectorCount: number, subspaces: number): fc.Arbitrary<PageCodes> {
  // Near ids and far ones, so that pages share some and not all.
  const id = fc.oneof(fc.nat(30), fc.nat(SAMPLE_CENTROIDS - 1));
  return fc.record({ centroidIds: u16Array(vectorCount, id), codes: fc.uint8Array(exactly(vectorCount * subspaces)) });
}

export function vectorsOf(vectorCount: number, dim: number): fc.Arbitrary<PageVectors> {
  return fc.record({
    scales: fc.float32Array({ ...exactly(vectorCount), min: 0, noNaN: true, noDefaultInfinity: true }),
    values: fc.int8Array(exactly(vectorCount * dim)),
  });
}

/** Strings of any characters that UTF-8 can hold. */
export const text = fc.string({ unit: "binary", maxLength: 60 }).map((value) => value.toWellFormed());

export const documentEntry: fc.Arbitrary<DocumentEntry> = fc.record({
  id: text,
  name: text,
  revision: text,
  contentType: fc.constantFrom("application/pdf", "image/png"),
  sourceBytes: fc.maxSafeNat(),
  pageCount: fc.nat(500),
  addedAtMs: fc.maxSafeNat(),
  metadata: fc.dictionary(
    text.filter((field) => field !== "__proto__"),
    text,
    { maxKeys: 4, noNullPrototype: true },
  ),
});

/** A page of document `documentOrdinal`. Its float vectors are left out: segments do not hold them. */
function pageOf(
  { dim, subspaces }: SegmentIdentity,
  documentOrdinal: number,
  pageNumber: number,
): fc.Arbitrary<SegmentPage> {
  return fc.oneof({ weight: 1, arbitrary: fc.constant(0) }, { weight: 4, arbitrary: fc.nat(20) }).chain((vectorCount) =>
    fc.record({
      documentOrdinal: fc.constant(documentOrdinal),
      page: fc.record({
        pageNumber: fc.constant(pageNumber),
        width: fc.float({ min: 1, max: 5_000, noNaN: true }),
        height: fc.float({ min: 1, max: 5_000, noNaN: true }),
        status: fc.constantFrom(
          "searchable" as const,
          vectorCount > 0 ? ("searchable" as const) : ("no-text" as const),
        ),
        vectorCount: fc.constant(vectorCount),
        vectors: fc.constant(new Float32Array(0)),
        geometry: geometryOf(vectorCount),
        text,
      }),
      codes: codesOf(vectorCount, subspaces),
      exact: vectorsOf(vectorCount, dim),
    }),
  );
}

/** Segments with the identity `identity`, of up to four documents with up to three pages each, some without vectors. */
export function segmentInputOf(identity: SegmentIdentity): fc.Arbitrary<SegmentInput> {
  return fc.array(fc.tuple(documentEntry, fc.nat(3)), { maxLength: 4 }).chain((documents) => {
    const pages = documents.flatMap(([, pageCount], ordinal) =>
      Array.from({ length: pageCount }, (_, index) => pageOf(identity, ordinal, index + 1)),
    );
    return fc.record({
      identity: fc.constant(identity),
      documents: fc.constant(documents.map(([entry]) => entry)),
      pages: fc.tuple(...pages),
    });
  });
}

export const segmentInput: fc.Arbitrary<SegmentInput> = fc
  .record({
    recipeFingerprint: fc.constant("0123456789abcdef"),
    codebookId: fc.constant("codebook-1"),
    dim: fc.constantFrom(16, 48),
    subspaces: fc.constantFrom(0, 4, 16),
  })
  .chain(segmentInputOf);

/** Cells of any sizes. */
export function cellsOf(centroidCount: number, dim: number): fc.Arbitrary<Cells> {
  const starts = fc.uniqueArray(fc.integer({ min: 1, max: Math.max(1, centroidCount - 1) }), {
    maxLength: centroidCount - 1,
  });
  return starts.chain((inner) => {
    const offsets = Uint32Array.from([0, ...inner.filter((start) => start < centroidCount), centroidCount]).sort();
    return fc.record({
      offsets: fc.constant(offsets),
      centroids: fc.int8Array(exactly((offsets.length - 1) * dim)),
      scale: fc.float({ min: Math.fround(1e-6), max: 1, noNaN: true }),
    });
  });
}

export const codebook: fc.Arbitrary<Codebook> = fc
  .integer({ min: 1, max: 20 })
  .chain((centroidCount) =>
    fc.record({
      centroidCount: fc.constant(centroidCount),
      subspaces: fc.constantFrom(1, 4, 8),
      cells: cellsOf(centroidCount, 16),
    }),
  )
  .chain(({ centroidCount, subspaces, cells }) =>
    fc.record({
      id: fc.constant("codebook-1"),
      recipeFingerprint: fc.constant("0123456789abcdef"),
      dim: fc.constant(16),
      centroidCount: fc.constant(centroidCount),
      centroids: fc.int8Array(exactly(centroidCount * 16)),
      centroidScale: fc.float({ min: Math.fround(1e-6), max: 1, noNaN: true }),
      subspaces: fc.constant(subspaces),
      // One random number and its multiples: 4,096 random ones would be most of a test's time.
      codewords: fc
        .float({ min: -1, max: 1, noNaN: true })
        .map((value) => Float32Array.from({ length: 256 * 16 }, (_, index) => value * index)),
      cells: fc.constant(cells),
      training: fc.record({
        vectors: fc.maxSafeNat(),
        meanResidualNorm: fc.double({ noNaN: true }),
        meanCosine: fc.double({ noNaN: true }),
      }),
    }),
  );
