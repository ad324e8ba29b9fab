import fc from "fast-check";
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import type { Codebook } from "../format/contract.ts";
import { CentroidQuery } from "./centroid-query.ts";
import { KernelQuery } from "./kernel-query.ts";
import { Kernel, type KernelCodebook } from "./kernel.ts";
import { bagStep, type LaneScales } from "./lane-scales.ts";
import { writePqTables } from "./pq-tables.ts";
import { activeLanes, LANES } from "./query-block.ts";
import { material, numbers } from "./testing/material.ts";
import { referenceTables } from "./testing/reference-tables.ts";
import { compileKernel } from "./webassembly.ts";

interface Shape {
  seed: number;
  /** Subspaces and their dimensions: of 16 in all or a multiple. */
  split: readonly [number, number];
  tokenCount: number;
  /** Every codeword and query value at its extreme; or lanes and codewords of very different sizes. */
  kind: "even" | "extreme" | "spiky" | "zero";
  size: number;
}

const shapes: fc.Arbitrary<Shape> = fc.record({
  seed: fc.integer(),
  split: fc.constantFrom([4, 4], [8, 4], [4, 8], [16, 8], [4, 12], [8, 16], [4, 20], [4, 80], [8, 2], [16, 3]),
  tokenCount: fc.integer({ min: 1, max: 32 }),
  kind: fc.constantFrom("even", "extreme", "spiky", "zero"),
  size: fc.constantFrom(1e-3, 1, 1e3),
});

/** Centroids of 7 bits or less a value, but for one of 127: short enough for query rows of 7 bits. */
function pqMaterial({ seed, split, tokenCount, kind, size }: Shape): { codebook: Codebook; query: Float32Array } {
  const [subspaces, width] = split;
  const dim = subspaces * width;
  const shape = { seed, dim, subspaces, centroidCount: 6, tokenCount, vectorCount: 0, extreme: false, twins: false };
  const { codebook } = material(shape);
  const next = numbers(seed + 1);
  const value = (): number => {
    if (kind === "extreme") return next() < 0.5 ? -size : size;
    if (kind === "spiky") return (next() * 2 - 1) * size * (next() < 0.02 ? 1 : 1e-3);
    return (next() * 2 - 1) * size;
  };
  const centroids = codebook.centroids.map((unit, i) => (i === 0 ? 127 : Math.trunc(unit / 5)));
  const cells = { ...codebook.cells, centroids: codebook.cells.centroids.map((unit) => Math.trunc(unit / 5)) };
  const codewords = Float32Array.from({ length: 256 * dim }, () => (kind === "zero" ? 0 : value()));
  return {
    codebook: { ...codebook, centroids, cells, codewords },
    query: Float32Array.from({ length: tokenCount * dim }, value),
  };
}

describe.each(["kernel.wasm", "kernel-relaxed.wasm"])("writePqTables by %s", (file) => {
  let kernel: Kernel;

  beforeAll(async () => {
    kernel = new Kernel(await compileKernel(await readFile(new URL(`build/${file}`, import.meta.url))));
  });

  it("makes the tables of the scalar reference from codewords of 7 bits, to the unit", () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const { codebook, query } = pqMaterial(shape);
        const usedBefore = kernel.memory.usedBytes;
        const resident = kernel.loadCodebook(codebook);
        const isShort = shape.split[1] % 4 === 0;
        expect(resident.codewordScale !== undefined).toBe(isShort);
        const kernelQuery = new KernelQuery(kernel, query, shape.tokenCount, codebook.dim);
        const step = bagStep(kernelQuery.blocks, resident);
        const [block] = kernelQuery.blocks;
        if (block === undefined) return;
        const found = tablesOf(kernelQuery, resident, step);
        const expected = referenceTables(codebook, block, step);
        expect(expected.entries.every((entry) => Math.abs(entry) <= 15)).toBe(true);
        // Of floats the relaxed build may round products and sums once.
        const isExact = isShort || file === "kernel.wasm";
        if (isExact) expect(found.scales).toEqual(expected.scales);
        expect(furthest(found.entries, expected.entries)).toBeLessThanOrEqual(isExact ? 0 : 1);
        for (const holder of [kernelQuery, resident]) holder.release();
        expect(kernel.memory.usedBytes).toBe(usedBefore);
      }),
      { numRuns: 60 },
    );
  });
});

/** Of the first block; `entries` in the order of the reference, those of lanes that no kernel reads 0. */
function tablesOf(
  query: KernelQuery,
  codebook: KernelCodebook,
  step: number,
): { entries: Int8Array; scales: LaneScales } {
  const { memory } = query.kernel;
  const ofCentroids = new CentroidQuery(query, codebook);
  const [block] = ofCentroids.blocks;
  if (block === undefined) throw new RangeError("a query without tokens");
  const count = codebook.subspaces * 256 * LANES;
  const products = memory.allocate(count, "a test");
  const tables = memory.allocate(count, "a test");
  // What others left there.
  memory.uint8(products).fill(0x5a);
  memory.uint8(tables).fill(0x5a);
  const scales = writePqTables(query.kernel, codebook, block, {
    step,
    quads: ofCentroids.quadsOffset(0),
    products,
    tables,
  });
  const bytes = memory.uint8(tables, count);
  // Byte 2i of 16 is lane i, byte 2i + 1 lane 8 + i.
  const entries = Int8Array.from({ length: count }, (_, i) => {
    const lane = i % 16;
    return i % LANES < activeLanes(block) ? (bytes[i - lane + 2 * (lane % 8) + (lane >> 3)] ?? 0) - 15 : 0;
  });
  memory.release(products);
  memory.release(tables);
  ofCentroids.release();
  return { entries, scales };
}

function furthest(found: Int8Array, expected: Int8Array): number {
  return found.reduce((most, entry, i) => Math.max(most, Math.abs(entry - (expected[i] ?? 99))), 0);
}
