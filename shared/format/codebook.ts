/**
 * The codebook object: int8 centroids with one scale, their cells, float codewords, and how training went.
 *
 * @module
 */
import { CODEWORDS_PER_SUBSPACE, MAX_CENTROIDS, MAX_DIM } from "../limits.ts";
import { layout } from "../store/layout.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { ByteReader, ByteWriter, corrupt } from "./bytes.ts";
import { cellsProblem, decodeCells, encodeCells } from "./cells.ts";
import { checkSection, readContainer, type SectionKind, type SectionTable, writeContainer } from "./container.ts";
import type { Codebook, SegmentIdentity } from "./contract.ts";
import { checkIdentity, decodeIdentity, encodeIdentity } from "./identity.ts";

/** The largest codebook there can be: int8 centroids and as many cells, float codewords, and room for the small sections. */
const MAX_CODEBOOK_BYTES = MAX_CENTROIDS * (2 * MAX_DIM + 4) + CODEWORDS_PER_SUBSPACE * MAX_DIM * 4 + 64 * 1024;

/** The bytes of a codebook object. Equal codebooks have equal bytes. */
export function encodeCodebook(codebook: Codebook): Uint8Array {
  const { centroidCount, centroidScale, centroids, codewords, training } = codebook;
  const problem = codebookProblem(codebook);
  if (problem !== undefined) throw corrupt(`codebook ${codebook.id}`, problem);
  const centroidsSection = new ByteWriter().u32(centroidCount).f32(centroidScale).array(centroids).finish();
  const trainingSection = new ByteWriter()
    .f64(training.vectors)
    .f64(training.meanResidualNorm)
    .f64(training.meanCosine)
    .finish();
  return writeContainer("codebook", [
    { kind: "centroids", parts: [centroidsSection] },
    { kind: "codewords", parts: [new ByteWriter().array(codewords).finish()] },
    { kind: "cells", parts: [encodeCells(codebook.cells)] },
    { kind: "training", parts: [trainingSection] },
    { kind: "identity", parts: [encodeIdentity({ ...codebook, codebookId: codebook.id })] },
  ]);
}

/**
 * The codebook that `bytes` are.
 *
 * @throws MaxleafError `corrupt_data`, `unsupported_format_version`, `recipe_mismatch` when it is not the `expected` one.
 */
export function decodeCodebook(bytes: Uint8Array, expected: Partial<SegmentIdentity>, what = "codebook"): Codebook {
  const table = readContainer(bytes, bytes.byteLength, "codebook", what);
  const identity = decodeIdentity(sectionOf(bytes, table, "identity"), `${what}, identity`);
  checkIdentity(identity, expected, what);
  const { codebookId: id, recipeFingerprint, dim, subspaces } = identity;
  if (subspaces === 0 || dim % subspaces !== 0) throw corrupt(what, `${subspaces} subspaces do not divide ${dim}`);
  const codewordCount = CODEWORDS_PER_SUBSPACE * dim;
  const codewordsReader = new ByteReader(sectionOf(bytes, table, "codewords"), `${what}, codewords`);
  const codewords = codewordsReader.f32Array(codewordCount, "codewords");
  codewordsReader.expectEnd();
  const codebook = {
    id,
    recipeFingerprint,
    dim,
    subspaces,
    codewords,
    ...decodeCentroids(sectionOf(bytes, table, "centroids"), dim, `${what}, centroids`),
    cells: decodeCells(sectionOf(bytes, table, "cells"), dim, `${what}, cells`),
    training: decodeTraining(sectionOf(bytes, table, "training"), `${what}, training`),
  };
  const problem = codebookProblem(codebook);
  if (problem !== undefined) throw corrupt(what, problem);
  return codebook;
}

/**
 * Reads the codebook `id` of `index`, whole, in one read.
 *
 * @param expected what the index expects of it, usually its recipe's fingerprint and dimensions.
 * @throws MaxleafError as {@link decodeCodebook}; `corrupt_data` also when the object is missing.
 */
export async function readCodebook(
  store: ObjectStore,
  index: string,
  id: string,
  expected: Partial<SegmentIdentity> = {},
): Promise<Codebook> {
  const key = layout.codebook(index, id);
  // A read from the end gets the whole object or, when something absurd lies under the key, no more than the limit.
  const object = await store.get(key, { suffix: MAX_CODEBOOK_BYTES });
  if (object === undefined) throw corrupt(`codebook ${id}`, `there is no object ${key}`);
  if (object.size > MAX_CODEBOOK_BYTES) throw corrupt(`codebook ${id}`, `it has ${object.size} bytes`);
  return decodeCodebook(object.bytes, { codebookId: id, ...expected }, `codebook ${id}`);
}

function decodeCentroids(
  bytes: Uint8Array,
  dim: number,
  what: string,
): Pick<Codebook, "centroids" | "centroidCount" | "centroidScale"> {
  const reader = new ByteReader(bytes, what);
  const centroidCount = reader.u32("centroid count");
  const centroidScale = reader.f32("scale");
  const centroids = reader.i8Array(centroidCount * dim, "centroids");
  reader.expectEnd();
  return { centroids, centroidCount, centroidScale };
}

function decodeTraining(bytes: Uint8Array, what: string): Codebook["training"] {
  const reader = new ByteReader(bytes, what);
  const training = {
    vectors: reader.f64("vectors"),
    meanResidualNorm: reader.f64("mean residual norm"),
    meanCosine: reader.f64("mean cosine"),
  };
  reader.expectEnd();
  return training;
}

function codebookProblem(codebook: Codebook): string | undefined {
  const { centroidCount, centroidScale, centroids, codewords, dim, subspaces } = codebook;
  if (centroidCount === 0 || centroidCount > MAX_CENTROIDS) return `it cannot have ${centroidCount} centroids`;
  if (!(Number.isFinite(centroidScale) && centroidScale > 0)) return `its centroid scale is ${centroidScale}`;
  if (centroids.length !== centroidCount * dim) return `it has ${centroids.length} centroid values`;
  if (subspaces === 0 || dim % subspaces !== 0) return `${subspaces} subspaces do not divide ${dim} dimensions`;
  if (codewords.length !== CODEWORDS_PER_SUBSPACE * dim) return `it has ${codewords.length} codeword values`;
  if (!codewords.every(Number.isFinite)) return "one of its codewords is not a finite number";
  return cellsProblem(codebook.cells, centroidCount, dim);
}

function sectionOf(file: Uint8Array, table: SectionTable, kind: SectionKind): Uint8Array {
  const entry = table.get(kind);
  const bytes = file.subarray(entry.offset, entry.offset + entry.length);
  checkSection(bytes, entry, `${table.what}, ${kind}`);
  return bytes;
}
