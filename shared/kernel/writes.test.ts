import fc from "fast-check";
import { readFile } from "node:fs/promises";
import { beforeAll, expect, it } from "vitest";
import { KernelQuery } from "./kernel-query.ts";
import { Kernel } from "./kernel.ts";
import { QueryTables } from "./query-tables.ts";
import { material, shapes } from "./testing/material.ts";
import { compileKernel, type KernelModule } from "./webassembly.ts";

let kernelModule: KernelModule;

beforeAll(async () => {
  kernelModule = await compileKernel(await readFile(new URL("build/kernel.wasm", import.meta.url)));
});

// Once queries of at most 16 tokens stored the scores that nobody had asked for from address 0 on: over the codebook, and unseen.
it("kernels leave the codebook and the lowest memory as they are", () => {
  fc.assert(
    fc.property(shapes, fc.boolean(), (shape, marks) => {
      const { codebook, query, codes } = material(shape);
      const kernel = new Kernel(kernelModule);
      const resident = kernel.loadCodebook(codebook);
      const regions = [
        { offset: 0, bytes: 8 },
        resident.centroids,
        resident.starts,
        resident.codewords,
        resident.cells.centroids,
      ];
      const contents = () => regions.map((region) => kernel.memory.uint8(region).slice());
      const before = contents();
      const kernelQuery = new KernelQuery(kernel, query, shape.tokenCount, shape.dim);
      for (const tables of [QueryTables.forAll(kernelQuery, resident), QueryTables.onDemand(kernelQuery, resident)]) {
        for (const blocks of tables.blockGroups()) {
          const scorer = tables.codesScorer(blocks, [codes], marks);
          scorer.score(codes);
          scorer.release();
        }
        const best = { scores: new Float32Array(shape.tokenCount), vectors: new Uint16Array(shape.tokenCount) };
        if (codes.centroidIds.length > 0) tables.fillPqBest(codes, best);
        tables.release();
      }
      expect(contents()).toEqual(before);
    }),
    { numRuns: 60 },
  );
});
