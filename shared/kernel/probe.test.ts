import fc from "fast-check";
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import type { Cells, Codebook } from "../format/contract.ts";
import { KernelQuery } from "./kernel-query.ts";
import { Kernel, type KernelCodebook } from "./kernel.ts";
import { bagStep, rowFactors } from "./lane-scales.ts";
import { LANES, type QueryBlock } from "./query-block.ts";
import { cellOf, probeCentroids, rankCells } from "./probe.ts";
import { QueryTables } from "./query-tables.ts";
import * as reference from "./reference.ts";
import { material, shapes } from "./testing/material.ts";
import { compileKernel, type KernelModule } from "./webassembly.ts";

let kernelModule: KernelModule;
let kernel: Kernel;

beforeAll(async () => {
  kernelModule = await compileKernel(await readFile(new URL("build/kernel.wasm", import.meta.url)));
  kernel = new Kernel(kernelModule);
});

const probes = fc.record({
  nprobe: fc.integer({ min: 1, max: 20 }),
  cellsPerToken: fc.integer({ min: 1, max: 8 }),
});

/** i8 `[centroids, 32]` of any centroids, by the reference. */
function bagRows(centroids: Int8Array, block: QueryBlock, factors: Float32Array): Int8Array {
  return reference.centroidTables(centroids, block.dim, block.rows, factors, new Float32Array(LANES)).bagRows;
}

interface Expected {
  gains: Map<number, number>;
  cutoffs: number[];
  /** By centroid, of those that gain for some token: per token. */
  centroidGains: Map<number, number[]>;
}

/** Everything by sorting whole tables. */
function expected(
  query: Pick<KernelQuery, "blocks">,
  codebook: Codebook,
  resident: KernelCodebook,
  options: { nprobe: number; cellsPerToken: number },
): Expected {
  const { cells } = codebook;
  const gains = new Map<number, number>();
  const everyCell = Array.from({ length: resident.cells.count }, (_, cell) => cell);
  const coarse = bagStep(query.blocks, resident.cells);
  for (const block of query.blocks) {
    const rows = bagRows(cells.centroids, block, rowFactors(block, resident.cells, coarse));
    for (let lane = 0; lane < block.tokenCount; lane++) {
      const wanted = Math.min(options.cellsPerToken, everyCell.length);
      const best = reference.bestRows(rows, everyCell, lane, wanted + 1);
      const floor = (best[wanted] ?? best.at(-1) ?? { score: 0 }).score - 1;
      for (const { id, score } of best.slice(0, wanted)) gains.set(id, (gains.get(id) ?? 0) + score - floor);
    }
  }
  const ids = centroidsOf(cells, [...gains.keys()]);
  const tokens = query.blocks.flatMap((block) => {
    const all = bagRows(codebook.centroids, block, rowFactors(block, resident, bagStep(query.blocks, resident)));
    const rows = Int8Array.from(ids.flatMap((id) => [...all.subarray(id * LANES, (id + 1) * LANES)]));
    return Array.from({ length: block.tokenCount }, (_, lane) => {
      const best = reference.bestRows(rows, ids, lane, ids.length);
      const cutoff = (best[options.nprobe] ?? best.at(-1) ?? { score: 0 }).score - 1;
      return { cutoff, scores: new Map(best.map(({ id, score }) => [id, score])) };
    });
  });
  const cutoffs = tokens.map(({ cutoff }) => cutoff);
  const centroidGains = new Map(
    ids
      .map((id): [number, number[]] => [
        id,
        tokens.map(({ cutoff, scores }) => Math.max(0, (scores.get(id) ?? -128) - cutoff)),
      ])
      .filter(([, ofTokens]) => ofTokens.some((gain) => gain > 0)),
  );
  return { gains, cutoffs, centroidGains };
}

/** Ids of the centroids of `cells`, ascending. */
function centroidsOf({ offsets }: Cells, cells: number[]): number[] {
  return cells
    .toSorted((a, b) => a - b)
    .flatMap((cell) => {
      const first = offsets[cell] ?? 0;
      return Array.from({ length: (offsets[cell + 1] ?? 0) - first }, (_, i) => first + i);
    });
}

describe.each(["forAll", "onDemand"] as const)("probing with tables %s", (mode) => {
  it("finds the cells and centroids that sorting all of them finds", () => {
    fc.assert(
      fc.property(shapes, probes, (shape, options) => {
        const { codebook, query } = material(shape);
        const usedBefore = kernel.memory.usedBytes;
        const resident = kernel.loadCodebook(codebook);
        const kernelQuery = new KernelQuery(kernel, query, shape.tokenCount, shape.dim);
        const tables = QueryTables[mode](kernelQuery, resident);
        const ranked = rankCells(tables, options.cellsPerToken);
        // Whatever the order of the cells.
        const probe = probeCentroids(tables, { nprobe: options.nprobe, cells: ranked.cells.toReversed() });

        const wanted = expected(tables.centroidQuery, codebook, resident, options);
        const byGain = [...wanted.gains].sort(([a, x], [b, y]) => y - x || a - b);
        expect([...ranked.cells]).toEqual(byGain.map(([cell]) => cell));
        expect([...ranked.gains]).toEqual(byGain.map(([, gain]) => gain));
        expect([...probe.cutoffs]).toEqual(wanted.cutoffs);
        expect([...probe.centroids]).toEqual([...wanted.centroidGains.keys()]);
        for (const [row, centroid] of probe.centroids.entries()) {
          const found = probe.gains.flatMap((rows) => [...rows.subarray(row * LANES, (row + 1) * LANES)]);
          expect(found.slice(0, shape.tokenCount)).toEqual(wanted.centroidGains.get(centroid));
          expect(found.slice(shape.tokenCount).every((gain) => gain === 0)).toBe(true);
        }
        const cells = new Set(Array.from(probe.centroids, (id) => cellOf(codebook.cells.offsets, id)));
        expect([...probe.cells]).toEqual([...cells].sort((a, b) => a - b));
        expect(probe.baseline).toBe(wanted.cutoffs.reduce((sum, cutoff) => sum + cutoff, 0));

        for (const holder of [tables, kernelQuery, resident]) holder.release();
        expect(kernel.memory.usedBytes).toBe(usedBefore);
      }),
      { numRuns: 30 },
    );
  });
});

describe("tables on demand", () => {
  it("score pages as tables of all centroids do, whatever was probed before", () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const { codebook, query, codes } = material(shape);
        const resident = kernel.loadCodebook(codebook);
        const kernelQuery = new KernelQuery(kernel, query, shape.tokenCount, shape.dim);
        const all = QueryTables.forAll(kernelQuery, resident);
        const some = QueryTables.onDemand(kernelQuery, resident);
        const cells = shape.seed % 2 === 0 ? [0] : [];
        probeCentroids(some, { nprobe: 3, cells });
        const totals = [all, some].map((tables) => {
          const sums = new Float64Array(2);
          for (let block = 0; block < tables.blockCount; block++) {
            tables.prepare(block);
            tables.addPqScores([codes, codes], sums);
          }
          return [...sums];
        });
        expect(totals[1]).toEqual(totals[0]);
        for (const holder of [all, some, kernelQuery, resident]) holder.release();
      }),
      { numRuns: 30 },
    );
  });

  it("have no table for bag scans", () => {
    const shape = { seed: 1, dim: 16, subspaces: 4, centroidCount: 8, tokenCount: 1, vectorCount: 1 };
    const { codebook, query } = material({ ...shape, extreme: false, twins: false });
    const tables = QueryTables.onDemand(new KernelQuery(kernel, query, 1, 16), kernel.loadCodebook(codebook));
    tables.prepare(0);
    expect(() => tables.bagRowsOffset()).toThrowError(expect.objectContaining({ code: "internal" }));
  });

  it("give back what they took when they do not fit", () => {
    const shape = { seed: 1, dim: 64, subspaces: 16, centroidCount: 2_000, tokenCount: 1, vectorCount: 1 };
    const { codebook, query } = material({ ...shape, extreme: false, twins: false });
    const small = new Kernel(kernelModule, { budgetBytes: 512 * 1024 });
    const resident = small.loadCodebook(codebook);
    const kernelQuery = new KernelQuery(small, query, 1, 64);
    const used = small.memory.usedBytes;
    for (const mode of ["forAll", "onDemand"] as const) {
      const { availableBytes } = small.memory;
      const filler = small.memory.allocate(Math.max(0, availableBytes - 150_000), "a test");
      expect(() => QueryTables[mode](kernelQuery, resident)).toThrowError(
        expect.objectContaining({ code: "overloaded" }),
      );
      small.memory.release(filler);
      expect(small.memory.usedBytes).toBe(used);
    }
  });
});

describe("KernelQuery", () => {
  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])("refuses a vector with %s", (value) => {
    const vectors = new Float32Array(32);
    vectors[17] = value;
    const usedBefore = kernel.memory.usedBytes;
    expect(() => new KernelQuery(kernel, vectors, 2, 16)).toThrowError(
      expect.objectContaining({ code: "invalid_request" }),
    );
    expect(kernel.memory.usedBytes).toBe(usedBefore);
  });
});
