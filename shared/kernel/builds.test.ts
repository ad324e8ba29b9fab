import fc from "fast-check";
import { readFile } from "node:fs/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { ListScan } from "./list-scan.ts";
import { KernelQuery } from "./kernel-query.ts";
import { Kernel } from "./kernel.ts";
import { probeCentroids, rankCells } from "./probe.ts";
import { LANES, toQueryBlocks } from "./query-block.ts";
import { QueryTables } from "./query-tables.ts";
import * as reference from "./reference.ts";
import { material, shapes } from "./testing/material.ts";
import { compileKernel, supportsRelaxedSimd } from "./webassembly.ts";

/** Units by which an entry may differ from the reference: none where every product and sum is rounded by itself. */
const BUILDS = [
  { file: "kernel.wasm", tolerance: 0 },
  { file: "kernel-relaxed.wasm", tolerance: 1 },
];

describe("supportsRelaxedSimd", () => {
  it("is true here: Node has had it since version 21", () => {
    expect(supportsRelaxedSimd()).toBe(true);
  });
});

describe.each(BUILDS)("$file", ({ file, tolerance }) => {
  let kernel: Kernel;

  beforeAll(async () => {
    kernel = new Kernel(await compileKernel(await readFile(new URL(`build/${file}`, import.meta.url))));
  });

  it(`makes PQ tables within ${tolerance} of the scalar reference`, () => {
    fc.assert(
      fc.property(shapes, (shape) => {
        const { codebook, query } = material({ ...shape, tokenCount: Math.min(shape.tokenCount, LANES) });
        const { dim, subspaces, codewords } = codebook;
        const [block] = toQueryBlocks(query, Math.min(shape.tokenCount, LANES), dim);
        if (block === undefined) return;
        const maxima = reference.pqEntryMaxima(codewords, subspaces, block.values, dim);
        const factors = maxima.map((largest) => (largest === 0 ? 0 : 15 / largest));
        const expected = reference.pqTables(codewords, subspaces, block.values, dim, factors);
        const found = tablesOf(kernel, { codewords, subspaces, values: block.values, dim, factors });
        let furthest = 0;
        for (const [i, entry] of expected.entries())
          furthest = Math.max(furthest, Math.abs(entry - (found.entries[i] ?? 99)));
        expect(furthest).toBeLessThanOrEqual(tolerance);
        for (const [lane, largest] of maxima.entries()) {
          const error = Math.abs((found.maxima[lane] ?? 0) - largest);
          expect(error).toBeLessThanOrEqual(tolerance * largest * 1e-4);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("probes, scans lists and scores pages as the plain build does, within the tables' tolerance", async () => {
    const plain = new Kernel(await compileKernel(await readFile(new URL("build/kernel.wasm", import.meta.url))));
    const shape = { seed: 9, dim: 128, subspaces: 16, centroidCount: 60, tokenCount: 40, vectorCount: 50 };
    const { codebook, query, codes } = material({ ...shape, extreme: false, twins: false });
    const answers = [plain, kernel].map((one) => {
      const resident = one.loadCodebook(codebook);
      const tables = QueryTables.onDemand(new KernelQuery(one, query, shape.tokenCount, shape.dim), resident);
      const { cells } = rankCells(tables, 3);
      const probe = probeCentroids(tables, { nprobe: 5, cells });
      const scan = new ListScan(one, resident, 10);
      const totals = new Float64Array(1);
      for (let block = 0; block < tables.blockCount; block++) {
        tables.prepare(block);
        tables.addPqScores([codes], totals);
      }
      return { cells, probe, pages: scan.scores(), total: totals[0] ?? 0 };
    });
    const [first, second] = answers;
    expect(second?.cells).toEqual(first?.cells);
    expect(second?.probe).toEqual(first?.probe);
    expect(second?.pages).toEqual(first?.pages);
    const difference = Math.abs((second?.total ?? 0) - (first?.total ?? 0));
    expect(difference).toBeLessThanOrEqual(tolerance * Math.abs(first?.total ?? 0) * 0.005);
  });
});

interface TableInput {
  codewords: Float32Array;
  subspaces: number;
  values: Float32Array;
  dim: number;
  factors: Float32Array;
}

/** What the exports give, entries in the order of the reference. */
function tablesOf(kernel: Kernel, input: TableInput): { maxima: Float32Array; entries: Int8Array } {
  const { memory, exports } = kernel;
  const { codewords, subspaces, values, dim, factors } = input;
  const count = subspaces * 256 * LANES;
  const words = memory.allocate(codewords.byteLength, "a test");
  const query = memory.allocate(values.byteLength, "a test");
  const perLane = memory.allocate(3 * LANES * 4, "a test");
  const tables = memory.allocate(count, "a test");
  memory.float32(words).set(codewords);
  const rows = memory.float32(query);
  for (let i = 0; i < values.length; i++) rows[(i % dim) * LANES + Math.floor(i / dim)] = values[i] ?? 0;
  memory.float32(perLane).set(factors);
  const entries = memory.allocate(count, "a test");
  const width = dim / subspaces;
  for (let group = 0; group < 4; group++) {
    const lanes = group * 32;
    const maxima = perLane.offset + LANES * 4 + lanes;
    exports.pqEntries(words.offset, subspaces, width, query.offset + lanes, entries.offset, maxima);
    exports.pqTables(entries.offset, subspaces * 256, group, perLane.offset + lanes, tables.offset);
  }
  const found = memory.float32(perLane).slice(LANES, 2 * LANES);
  const bytes = memory.uint8(tables, count);
  // Byte 2i of 16 is lane i, byte 2i + 1 lane 8 + i.
  const unbiased = Int8Array.from({ length: count }, (_, i) => {
    const lane = i % 16;
    return (bytes[i - lane + 2 * (lane % 8) + (lane >> 3)] ?? 0) - 15;
  });
  for (const region of [words, query, perLane, tables, entries]) memory.release(region);
  return { maxima: found, entries: unbiased };
}
