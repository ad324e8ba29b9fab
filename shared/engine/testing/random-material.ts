/**
 * Random codebooks, pages and queries that hang together: a page's exact vectors are near what its codes say.
 *
 * @module
 */
import { cellsAt, evenCellOffsets } from "../../format/cells.ts";
import type { Codebook, PageCodes, PageVectors } from "../../format/contract.ts";
import { CODEWORDS_PER_SUBSPACE } from "../../limits.ts";
import type { Random } from "../../ports.ts";
import type { EncodedQuery } from "../contract.ts";

/** Small, so that small codebooks have several. */
const CENTROIDS_PER_CELL = 5;

/** −1 … 1. */
export function signed(random: Random): number {
  return 2 * random.next() - 1;
}

export function below(random: Random, limit: number): number {
  return Math.floor(random.next() * limit);
}

export interface CodebookShape {
  dim: number;
  subspaces: number;
  centroidCount: number;
}

/** Unit centroids, and codewords that move them by about a third of their length. */
export function randomCodebook(id: string, fingerprint: string, shape: CodebookShape, random: Random): Codebook {
  const { dim, subspaces, centroidCount } = shape;
  const centroids = new Int8Array(centroidCount * dim);
  const centroidScale = 1 / 127;
  for (let i = 0; i < centroidCount; i++) {
    const row = unitRow(dim, random);
    for (let d = 0; d < dim; d++) centroids[i * dim + d] = Math.round((row[d] ?? 0) / centroidScale);
  }
  const reach = 0.5 / Math.sqrt(dim);
  const codewords = Float32Array.from({ length: CODEWORDS_PER_SUBSPACE * dim }, () => signed(random) * reach);
  return {
    id,
    recipeFingerprint: fingerprint,
    dim,
    subspaces,
    centroidCount,
    centroids,
    centroidScale,
    codewords,
    cells: cellsAt({ centroids, centroidScale, dim }, evenCellOffsets(centroidCount, CENTROIDS_PER_CELL)),
    training: { vectors: centroidCount, meanResidualNorm: 0.3, meanCosine: 0.95 },
  };
}

/** The vectors that `page` stands for, `[n, dim]`: centroid + codeword by codeword. */
export function decodeCodes(codebook: Codebook, page: PageCodes): Float32Array {
  const { dim, subspaces, centroids, centroidScale, codewords } = codebook;
  const width = dim / subspaces;
  const vectors = new Float32Array(page.centroidIds.length * dim);
  for (const [i, id] of page.centroidIds.entries()) {
    for (let d = 0; d < dim; d++) {
      const m = Math.floor(d / width);
      const code = page.codes[i * subspaces + m] ?? 0;
      const residual = codewords[(m * CODEWORDS_PER_SUBSPACE + code) * width + (d % width)] ?? 0;
      vectors[i * dim + d] = (centroids[id * dim + d] ?? 0) * centroidScale + residual;
    }
  }
  return vectors;
}

/** Codes of a page that keeps to a few of the centroids, as pages do. */
export function randomCodes(codebook: Codebook, vectorCount: number, random: Random): PageCodes {
  const topics = Array.from({ length: 1 + below(random, 12) }, () => below(random, codebook.centroidCount));
  return {
    centroidIds: Uint16Array.from({ length: vectorCount }, () => topics[below(random, topics.length)] ?? 0),
    codes: Uint8Array.from({ length: vectorCount * codebook.subspaces }, () => below(random, CODEWORDS_PER_SUBSPACE)),
  };
}

/** Int8 vectors near the decoded codes. */
export function randomVectors(codebook: Codebook, codes: PageCodes, random: Random): PageVectors {
  const { dim } = codebook;
  const vectors = decodeCodes(codebook, codes);
  const count = codes.centroidIds.length;
  const scales = new Float32Array(count);
  const values = new Int8Array(count * dim);
  const noise = 0.1 / Math.sqrt(dim);
  for (let i = 0; i < count; i++) {
    const row = vectors.subarray(i * dim, (i + 1) * dim);
    let largest = 0;
    for (let d = 0; d < dim; d++) {
      row[d] = (row[d] ?? 0) + signed(random) * noise;
      largest = Math.max(largest, Math.abs(row[d] ?? 0));
    }
    const scale = Math.fround(largest / 127);
    scales[i] = scale;
    for (let d = 0; d < dim; d++) values[i * dim + d] = Math.round((row[d] ?? 0) / scale);
  }
  return { scales, values };
}

/** Tokens `t0 t1 …` with unit vectors. */
export function randomQuery(fingerprint: string, dim: number, tokenCount: number, random: Random): EncodedQuery {
  const vectors = new Float32Array(tokenCount * dim);
  for (let i = 0; i < tokenCount; i++) vectors.set(unitRow(dim, random), i * dim);
  const tokens = Array.from({ length: tokenCount }, (_, i) => ({ text: `t${i}`, start: 4 * i, end: 4 * i + 3 }));
  return { recipeFingerprint: fingerprint, dim, tokenCount, vectors, tokens };
}

function unitRow(dim: number, random: Random): Float32Array {
  const row = Float32Array.from({ length: dim }, () => signed(random));
  const norm = Math.hypot(...row);
  return row.map((value) => value / norm);
}
