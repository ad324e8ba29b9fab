import fc from "fast-check";
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import type { PageCodes, PageVectors } from "../format/contract.ts";
import { exactTokenBest } from "./exact-scorer.ts";
import { KernelQuery } from "./kernel-query.ts";
import { Kernel } from "./kernel.ts";
import { laneScales } from "./lane-scales.ts";
import { LANES } from "./query-block.ts";
import { QueryTables } from "./query-tables.ts";
import * as reference from "./reference.ts";
import { material, type Shape, shapes } from "./testing/material.ts";
import { compileKernel } from "./webassembly.ts";
import { emptyWinners, exactWinnersBest, MAX_WINNERS, type Winners } from "./winners.ts";

let kernel: Kernel;

beforeAll(async () => {
  kernel = new Kernel(await compileKernel(await readFile(new URL("build/kernel.wasm", import.meta.url))));
});

/** Winners of a page as a search finds them, with rows on demand. */
function findWinners(tables: QueryTables, codes: PageCodes, depth: number): Winners {
  const winners = emptyWinners(tables.query.tokenCount, depth, codes.centroidIds.length);
  for (let block = 0; block < tables.blockCount; block++) {
    tables.prepare(block);
    tables.fillWinners(codes, winners);
  }
  return winners;
}

describe("winners", () => {
  it("are the best vectors of the scalar reference, and so are their exact scores", () => {
    fc.assert(
      fc.property(shapes, fc.integer({ min: 1, max: MAX_WINNERS }), (shape, depth) => {
        const { codebook, query, codes, exact } = material(shape);
        const { dim, subspaces, tokenCount, vectorCount } = shape;
        const usedBefore = kernel.memory.usedBytes;
        const resident = kernel.loadCodebook(codebook);
        const kernelQuery = new KernelQuery(kernel, query, tokenCount, dim);
        const tables = QueryTables.onDemand(kernelQuery, resident);
        const winners = findWinners(tables, codes, depth);
        const best = exactWinnersBest(kernelQuery, exact, winners);
        expect(winners.depth).toBe(Math.min(depth, vectorCount));

        for (const block of kernelQuery.blocks) {
          const maxima = reference.pqEntryMaxima(codebook.codewords, subspaces, block.values, dim);
          const scales = laneScales(block, resident, tables.bagStep, maxima);
          const entries = reference.pqTables(codebook.codewords, subspaces, block.values, dim, scales.entryFactors);
          const { pqRows } = reference.centroidTables(
            codebook.centroids,
            dim,
            block.rows,
            scales.bagFactors,
            scales.pqFactors,
          );
          const top = reference.pqTop(codes, subspaces, pqRows, entries, winners.depth);
          for (let lane = 0; lane < block.tokenCount; lane++) {
            const token = block.firstToken + lane;
            const expected = Array.from(
              { length: winners.depth },
              (_, place) => top.winners[place * LANES + lane] ?? 0,
            );
            const found = winners.vectors.subarray(token * winners.depth, (token + 1) * winners.depth);
            expect([...found]).toEqual(expected);
            const row = block.rows.subarray(lane * dim, (lane + 1) * dim);
            const settled = reference.exactWinner(exact, dim, row, expected);
            expect(best.vectors[token]).toBe(settled.winner);
            expect(best.scores[token]).toBe(Math.fround(settled.best * (block.scales[lane] ?? 0)));
          }
        }
        for (const holder of [tables, kernelQuery, resident]) holder.release();
        expect(kernel.memory.usedBytes).toBe(usedBefore);
      }),
      { numRuns: 20 },
    );
  });

  it("give the exact best when they are all vectors of the page", () => {
    const shape: Shape = { ...plain, vectorCount: MAX_WINNERS };
    const { codebook, query, codes, exact } = material(shape);
    const kernelQuery = new KernelQuery(kernel, query, shape.tokenCount, shape.dim);
    const tables = QueryTables.onDemand(kernelQuery, kernel.loadCodebook(codebook));
    const best = exactWinnersBest(kernelQuery, exact, findWinners(tables, codes, MAX_WINNERS));
    expect(best.scores).toEqual(exactTokenBest(kernelQuery, exact).scores);
  });

  it("of a page of 5,000 vectors are those of the reference", () => {
    const shape: Shape = { ...plain, vectorCount: 5_000, tokenCount: 5 };
    const { codebook, query, codes, exact } = material(shape);
    const kernelQuery = new KernelQuery(kernel, query, shape.tokenCount, shape.dim);
    const tables = QueryTables.onDemand(kernelQuery, kernel.loadCodebook(codebook));
    const winners = findWinners(tables, codes, 4);
    const best = exactWinnersBest(kernelQuery, exact, winners);
    for (const [token, vector] of best.vectors.entries()) {
      expect(winners.vectors.subarray(token * 4, token * 4 + 4)).toContain(vector);
    }
    const everything = exactTokenBest(kernelQuery, exact);
    for (const [token, score] of best.scores.entries())
      expect(score).toBeLessThanOrEqual(everything.scores[token] ?? 0);
    const all = all5000(tables, codes);
    for (const [token, vector] of winners.vectors.entries()) {
      if (token % 4 === 0) expect(vector).toBe(all[token / 4]);
    }
  });

  it("refuse exact vectors that are not those of the codes", () => {
    const { codebook, query, codes, exact } = material(plain);
    const kernelQuery = new KernelQuery(kernel, query, plain.tokenCount, plain.dim);
    const tables = QueryTables.onDemand(kernelQuery, kernel.loadCodebook(codebook));
    const short: PageVectors = { scales: exact.scales.subarray(0, 1), values: exact.values.subarray(0, plain.dim) };
    expect(() => exactWinnersBest(kernelQuery, short, findWinners(tables, codes, 2))).toThrowError(
      expect.objectContaining({ code: "corrupt_data" }),
    );
  });
});

/** Every token's best vector by the scores of all vectors. */
function all5000(tables: QueryTables, codes: PageCodes): number[] {
  tables.prepare(0);
  const scores = tables.pqVectorScores(codes);
  return Array.from({ length: tables.query.tokenCount }, (_, lane) => {
    const column = Array.from(codes.centroidIds.keys(), (vector) => scores[vector * LANES + lane] ?? 0);
    return column.indexOf(Math.max(...column));
  });
}

const plain: Shape = {
  seed: 5,
  dim: 128,
  subspaces: 16,
  centroidCount: 40,
  tokenCount: 40,
  vectorCount: 30,
  extreme: false,
  twins: false,
};
