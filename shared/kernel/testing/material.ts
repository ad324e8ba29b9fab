/**
 * Material of every shape that kernels take, from a seed.
 *
 * @module
 */
import fc from "fast-check";
import { cellsAt, evenCellOffsets } from "../../format/cells.ts";
import type { Bags, Codebook, PageCodes, PageVectors } from "../../format/contract.ts";

/** A repeatable stream of numbers 0 ≤ x < 1 (mulberry32), cheap enough for whole tables of them. */
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface Shape {
  seed: number;
  dim: number;
  subspaces: number;
  centroidCount: number;
  tokenCount: number;
  vectorCount: number;
  /** Every number at its extreme instead of anywhere between. */
  extreme: boolean;
  /** Two centroids of every kind. */
  twins: boolean;
}

export const shapes: fc.Arbitrary<Shape> = fc
  .record({
    seed: fc.integer(),
    dim: fc.oneof(
      fc.constantFrom(16, 128, 384),
      fc.integer({ min: 3, max: 20 }).map((sixteens) => sixteens * 16),
    ),
    subspacesOf: fc.nat(),
    centroidCount: fc.integer({ min: 1, max: 70 }),
    tokenCount: fc.integer({ min: 1, max: 100 }),
    vectorCount: fc.oneof(fc.constantFrom(0, 1, 2), fc.integer({ min: 3, max: 60 })),
    extreme: fc.boolean(),
    twins: fc.boolean(),
  })
  .map(({ subspacesOf, ...shape }) => {
    const choices = [4, 8, 16, 32, 48, 64, 128].filter((m) => shape.dim % m === 0);
    return { ...shape, subspaces: choices[subspacesOf % choices.length] ?? 4 };
  });

export interface Material {
  codebook: Codebook;
  /** `[tokenCount, dim]`. */
  query: Float32Array;
  codes: PageCodes;
  exact: PageVectors;
  /** Of nine pages, with the mask of a filter. */
  bags: Bags;
  selected: Uint8Array;
}

export function material(shape: Shape): Material {
  const { dim, subspaces, centroidCount, tokenCount, vectorCount, extreme } = shape;
  const next = numbers(shape.seed);
  const signed = (): number => (extreme ? (next() < 0.5 ? -1 : 1) : next() * 2 - 1);
  const int8 = (): number => Math.round(signed() * 127);
  const below = (limit: number): number => Math.floor(next() * limit);
  const centroids = Int8Array.from({ length: centroidCount * dim }, int8);
  if (shape.twins) for (let i = 1; i < centroidCount; i += 2) centroids.copyWithin(i * dim, (i - 1) * dim, i * dim);
  const pageSizes = Array.from({ length: 9 }, () => below(20));
  const offsets = new Uint32Array(pageSizes.length + 1);
  for (const [page, size] of pageSizes.entries()) offsets[page + 1] = (offsets[page] ?? 0) + size;
  return {
    codebook: {
      id: "test",
      recipeFingerprint: "test",
      dim,
      subspaces,
      centroidCount,
      centroids,
      centroidScale: 0.003,
      codewords: Float32Array.from({ length: 256 * dim }, () => signed() * 0.2),
      cells: cellsAt({ centroids, centroidScale: 0.003, dim }, evenCellOffsets(centroidCount, 4)),
      training: { vectors: 0, meanResidualNorm: 0, meanCosine: 0 },
    },
    query: Float32Array.from({ length: tokenCount * dim }, signed),
    codes: {
      centroidIds: Uint16Array.from({ length: vectorCount }, () => below(centroidCount)),
      codes: Uint8Array.from({ length: vectorCount * subspaces }, () => below(256)),
    },
    exact: {
      scales: Float32Array.from({ length: vectorCount }, () => next() / 127),
      values: Int8Array.from({ length: vectorCount * dim }, int8),
    },
    bags: { offsets, ids: Uint16Array.from({ length: offsets.at(-1) ?? 0 }, () => below(centroidCount)) },
    selected: Uint8Array.from({ length: pageSizes.length }, () => below(2)),
  };
}
