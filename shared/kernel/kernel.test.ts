import fc from "fast-check";
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import type { Codebook, PageCodes } from "../format/contract.ts";
import { BagScan } from "./bag-scan.ts";
import { contenderFloor } from "./codes-scorer.ts";
import { contenderBests } from "./contender-scorer.ts";
import { exactTokenBest, totalScore } from "./exact-scorer.ts";
import { KernelQuery } from "./kernel-query.ts";
import { Kernel } from "./kernel.ts";
import { bagStep } from "./lane-scales.ts";
import { LANES, toQueryBlocks } from "./query-block.ts";
import { QueryTables } from "./query-tables.ts";
import * as reference from "./reference.ts";
import { material, type Shape, shapes } from "./testing/material.ts";
import { referenceTables } from "./testing/reference-tables.ts";
import { compileKernel, type KernelModule } from "./webassembly.ts";

const SMALL: Shape = {
  seed: 4,
  dim: 32,
  subspaces: 8,
  centroidCount: 10,
  tokenCount: 6,
  vectorCount: 20,
  extreme: false,
  twins: false,
};

let kernelModule: KernelModule;
let kernel: Kernel;

beforeAll(async () => {
  kernelModule = await compileKernel(await readFile(new URL("build/kernel.wasm", import.meta.url)));
  kernel = new Kernel(kernelModule);
});

describe("kernels", () => {
  it("give the integers of the scalar references", () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const { codebook, query, codes, exact, bags, selected } = material(shape);
        const { dim, subspaces, tokenCount } = shape;
        const usedBefore = kernel.memory.usedBytes;
        const resident = kernel.loadCodebook(codebook);
        const residentBags = kernel.loadBags(bags, codebook.centroidCount);
        const kernelQuery = new KernelQuery(kernel, query, tokenCount, dim);
        const tables = QueryTables.forAll(kernelQuery, resident);
        const scan = new BagScan(kernel, [{ bags: residentBags, selected }]);

        const blocks = toQueryBlocks(query, tokenCount, dim);
        const step = bagStep(blocks, resident);
        const bagScores = new Int32Array(selected.length);
        const totals = new Float64Array(1);
        let expectedTotal = 0;
        const pqBest = { scores: new Float32Array(tokenCount), vectors: new Uint16Array(tokenCount) };
        const exactBest = exactTokenBest(kernelQuery, exact);

        for (const [index, block] of blocks.entries()) {
          const { scales, entries, ...rows } = referenceTables(codebook, block, step);
          expect(entries.every((value) => Math.abs(value) <= 15)).toBe(true);
          reference.scanBags(bags, selected, rows.bagRows, bagScores);
          const best = reference.pqBest(codes, subspaces, rows.pqRows, entries);
          for (let lane = 0; lane < LANES; lane++)
            expectedTotal += (best.maxima[lane] ?? 0) * (scales.pqSteps[lane] ?? 0);

          tables.prepare(index);
          scan.add(tables);
          tables.addPqScores([codes], totals);
          tables.fillPqBest(codes, pqBest);
          const vectorUnits = reference.pqVectorScores(codes, subspaces, rows.pqRows, entries);
          const vectorScores = Float32Array.from(vectorUnits, (units, i) => units * (scales.pqSteps[i % LANES] ?? 0));
          expect(tables.pqVectorScores(codes)).toEqual(vectorScores);

          const exactReference = reference.exactBest(exact, dim, block.rows);
          for (let lane = 0; lane < block.tokenCount; lane++) {
            const token = block.firstToken + lane;
            expect(pqBest.vectors[token]).toBe(best.winners[lane]);
            expect(pqBest.scores[token]).toBe(Math.fround((best.maxima[lane] ?? 0) * (scales.pqSteps[lane] ?? 0)));
            expect(exactBest.vectors[token]).toBe(exactReference.winners[lane]);
            expect(exactBest.scores[token]).toBe(
              Math.fround((exactReference.best[lane] ?? 0) * (block.scales[lane] ?? 0)),
            );
          }
        }
        expect(Array.from(scan.scores())).toEqual(Array.from(bagScores));
        if (codes.centroidIds.length === 0) expect(totals[0]).toBe(Number.NEGATIVE_INFINITY);
        else expect(totals[0]).toBeCloseTo(expectedTotal, 9);

        for (const holder of [scan, tables, kernelQuery, residentBags, resident]) holder.release();
        expect(kernel.memory.usedBytes).toBe(usedBefore);
      }),
      { numRuns: 40 },
    );
  });

  it("mark the contenders of the scalar reference, and score only those", () => {
    fc.assert(
      fc.property(shapes, fc.double({ min: 0, max: 1, noNaN: true }), (shape, share) => {
        const { codebook, query, codes, exact } = material(shape);
        const { dim, subspaces, tokenCount, vectorCount } = shape;
        const usedBefore = kernel.memory.usedBytes;
        const resident = kernel.loadCodebook(codebook);
        const kernelQuery = new KernelQuery(kernel, query, tokenCount, dim);
        const tables = QueryTables.onDemand(kernelQuery, resident);
        const { blocks } = kernelQuery;
        const masks = new Uint32Array(blocks.length * vectorCount);
        const expected: Uint32Array[] = [];
        for (const [index, block] of blocks.entries()) {
          const { scales, entries, pqRows } = referenceTables(codebook, block, tables.bagStep);
          // A margin that leaves out some vectors: the scales of the materials differ.
          const margin = share * 2_000 * Math.max(...scales.pqSteps);
          tables.prepare(index);
          const scorer = tables.codesScorer([index], [codes], true);
          scorer.score(codes);
          masks.set(scorer.contenders(margin), index * vectorCount);
          scorer.release();
          const { pqSteps } = scales;
          const best = reference.pqBest(codes, subspaces, pqRows, entries);
          const floors = Array.from(best.maxima, (score, lane) =>
            lane < block.tokenCount ? contenderFloor(score, margin, pqSteps[lane] ?? 0) : Infinity,
          );
          expected.push(reference.pqContenders(codes, subspaces, pqRows, entries, floors));
        }
        expect([...masks]).toEqual(expected.flatMap((ofBlock) => [...ofBlock]));

        const [among] = contenderBests(kernelQuery, [{ vectors: exact, masks }]);
        for (const [index, block] of blocks.entries()) {
          const { best, winners } = reference.exactBest(exact, dim, block.rows, expected[index]);
          for (let lane = 0; lane < block.tokenCount; lane++) {
            const token = block.firstToken + lane;
            expect(among?.scores[token]).toBe(Math.fround((best[lane] ?? 0) * (block.scales[lane] ?? 0)));
            expect(among?.vectors[token]).toBe(winners[lane]);
          }
        }
        for (const holder of [tables, kernelQuery, resident]) holder.release();
        expect(kernel.memory.usedBytes).toBe(usedBefore);
      }),
      { numRuns: 40 },
    );
  });

  it("refuse positions that the page does not have, and contenders of another page", () => {
    const { codebook, query, exact } = material({ ...SMALL, vectorCount: 5 });
    const kernelQuery = new KernelQuery(kernel, query, SMALL.tokenCount, codebook.dim);
    expect(() => exactTokenBest(kernelQuery, exact, Uint16Array.of(1, 5))).toThrow(
      expect.objectContaining({ code: "corrupt_data" }),
    );
    expect(() => [...contenderBests(kernelQuery, [{ vectors: exact, masks: new Uint32Array(6) }])]).toThrow(
      expect.objectContaining({ code: "corrupt_data" }),
    );
    kernelQuery.release();
  });

  it("score only the positions that are asked for", () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 1, max: 4 }), (shape, every) => {
        const { query, exact } = material(shape);
        const { dim, tokenCount, vectorCount } = shape;
        const kernelQuery = new KernelQuery(kernel, query, tokenCount, dim);
        const positions = Uint16Array.from(exact.scales.keys()).filter((vector) => vector % every === every - 1);
        const among = exactTokenBest(kernelQuery, exact, positions);
        const rows = Array.from(positions, (vector) => exact.values.subarray(vector * dim, (vector + 1) * dim));
        const values = Int8Array.from(rows.flatMap((row) => [...row]));
        const alone = { scales: Float32Array.from(positions, (vector) => exact.scales[vector] ?? 0), values };
        for (const block of kernelQuery.blocks) {
          const { best, winners } = reference.exactBest(alone, dim, block.rows);
          for (let lane = 0; lane < block.tokenCount; lane++) {
            const token = block.firstToken + lane;
            expect(among.scores[token]).toBe(Math.fround((best[lane] ?? 0) * (block.scales[lane] ?? 0)));
            expect(among.vectors[token]).toBe(vectorCount < every ? 0 : positions[winners[lane] ?? 0]);
          }
        }
        kernelQuery.release();
      }),
      { numRuns: 40 },
    );
  });

  it("come close to float MaxSim: exact vectors within 0.2 %, PQ tables within their rounding", () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const dim = 64;
        const shape = {
          seed,
          dim,
          subspaces: 16,
          centroidCount: 20,
          tokenCount: 40,
          vectorCount: 30,
          extreme: false,
          twins: false,
        };
        const { codebook, query, codes, exact } = material(shape);
        const kernelQuery = new KernelQuery(kernel, query, 40, dim);
        const floats = Float32Array.from(exact.values, (value, i) => value * (exact.scales[Math.floor(i / dim)] ?? 0));
        const exactScore = reference.maxSim(query, floats, dim);
        expect(Math.abs(totalScore(exactTokenBest(kernelQuery, exact)) - exactScore)).toBeLessThan(exactScore * 0.002);

        const resident = kernel.loadCodebook(codebook);
        const tables = QueryTables.forAll(kernelQuery, resident);
        const totals = new Float64Array(1);
        for (let block = 0; block < tables.blockCount; block++) {
          tables.prepare(block);
          tables.addPqScores([codes], totals);
        }
        const decoded = decode(codebook, codes);
        const pqScore = reference.maxSim(query, decoded, dim);
        expect(Math.abs((totals[0] ?? 0) - pqScore)).toBeLessThan(Math.abs(pqScore) * 0.02);
        for (const holder of [tables, resident, kernelQuery]) holder.release();
      }),
      { numRuns: 20 },
    );
  });

  it("compute tables again when too many blocks are asked for, with the same scores", () => {
    const shape = {
      seed: 7,
      dim: 16,
      subspaces: 4,
      centroidCount: 40_000,
      tokenCount: 130,
      vectorCount: 25,
      extreme: false,
      twins: false,
    };
    const { codebook, query, codes } = material(shape);
    const resident = kernel.loadCodebook(codebook);
    const kernelQuery = new KernelQuery(kernel, query, shape.tokenCount, shape.dim);
    const usedBefore = kernel.memory.usedBytes;
    const tables = QueryTables.forAll(kernelQuery, resident);
    expect(kernel.memory.usedBytes - usedBefore).toBeLessThan(8 * 1024 * 1024);
    const scores = [0, 1, 2, 3, 4].map((block) => {
      tables.prepare(block);
      const totals = new Float64Array(1);
      tables.addPqScores([codes], totals);
      return totals[0];
    });
    for (const block of [4, 2, 0, 3, 1]) {
      tables.prepare(block);
      const totals = new Float64Array(1);
      tables.addPqScores([codes], totals);
      expect(totals[0]).toBe(scores[block]);
    }
    for (const holder of [tables, kernelQuery, resident]) holder.release();
  });
});

describe("Kernel", () => {
  const { codebook, bags } = material({
    seed: 1,
    dim: 16,
    subspaces: 4,
    centroidCount: 8,
    tokenCount: 1,
    vectorCount: 1,
    extreme: false,
    twins: false,
  });

  it.each([
    ["a dimension that is no multiple of 16", { dim: 24 }],
    ["subspaces that do not divide the dimension", { subspaces: 12 }],
    ["more centroids than rows", { centroidCount: 9 }],
    ["no scale", { centroidScale: 0 }],
    ["a codeword that is no number", { codewords: new Float32Array(256 * 16).fill(Number.NaN) }],
  ])("refuses a codebook with %s", (_why, change) => {
    expect(() => kernel.loadCodebook({ ...codebook, ...change })).toThrowError(
      expect.objectContaining({ code: "corrupt_data" }),
    );
  });

  it("refuses bags that name no centroid or whose offsets fall", () => {
    const corrupt = expect.objectContaining({ code: "corrupt_data" });
    expect(() => kernel.loadBags({ offsets: Uint32Array.of(0, 1), ids: Uint16Array.of(8) }, 8)).toThrowError(corrupt);
    expect(() => kernel.loadBags({ offsets: Uint32Array.of(0, 2, 1), ids: Uint16Array.of(0) }, 8)).toThrowError(
      corrupt,
    );
    expect(() => kernel.loadBags({ ...bags, ids: bags.ids.subarray(1) }, 8)).toThrowError(corrupt);
  });

  it("keeps nothing when a resident does not fit", () => {
    const small = new Kernel(kernelModule, { budgetBytes: 64 * 1024 });
    const large = material({ ...smallest, dim: 384, centroidCount: 100 }).codebook;
    expect(() => small.loadCodebook(large)).toThrowError(expect.objectContaining({ code: "overloaded" }));
    expect(small.memory.usedBytes).toBe(0);
  });
});

const smallest = { seed: 1, subspaces: 4, tokenCount: 1, vectorCount: 1, extreme: false, twins: false };

function decode(codebook: Codebook, page: PageCodes): Float32Array {
  const { dim, subspaces, centroids, centroidScale, codewords } = codebook;
  const width = dim / subspaces;
  const vectors = new Float32Array(page.centroidIds.length * dim);
  for (const [i, id] of page.centroidIds.entries()) {
    for (let d = 0; d < dim; d++) {
      const m = Math.floor(d / width);
      const code = page.codes[i * subspaces + m] ?? 0;
      const residual = codewords[(m * 256 + code) * width + (d % width)] ?? 0;
      vectors[i * dim + d] = (centroids[id * dim + d] ?? 0) * centroidScale + residual;
    }
  }
  return vectors;
}
