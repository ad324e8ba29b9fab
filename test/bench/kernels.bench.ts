/**
 * The kernels on a page of 1,030 vectors × 128 (ColPali's) and a query of 32 tokens, against plain TypeScript float loops.
 *
 * @module
 */
import {
  randomCodebook,
  randomCodes,
  randomQuery,
  randomVectors,
} from "../../shared/engine/testing/random-material.ts";
import { makeBags } from "../../shared/format/bags.ts";
import type { Codebook, PageCodes } from "../../shared/format/contract.ts";
import { BagScan } from "../../shared/kernel/bag-scan.ts";
import { exactTokenBest } from "../../shared/kernel/exact-scorer.ts";
import { Kernel, type KernelCodebook } from "../../shared/kernel/kernel.ts";
import { KernelQuery } from "../../shared/kernel/kernel-query.ts";
import { QueryTables } from "../../shared/kernel/query-tables.ts";
import { maxSim } from "../../shared/kernel/reference.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import { type Benchmark, type BenchRow, loadKernel } from "./benchmark.ts";
import { type Case, interleave } from "./measure.ts";

const DIM = 128;
const VECTORS = 1_030;
const TOKENS = 32;
/** Kernels skip half of a block that has no more tokens than these. */
const FEW_TOKENS = 16;
const CENTROIDS = 4_096;
/** Distinct pages per run, so that no page's codes stay in the first cache level. */
const PAGES = 64;
const SCANNED_PAGES = 1_000;
/** Distinct centroids of a page at 4,096 and 16,384 centroids (measured on filings: 268 and 330). */
const BAG_SIZE = 300;

const FLOAT_LOOPS = "plain TypeScript float loops";

async function run(): Promise<BenchRow[]> {
  const kernel = new Kernel(await loadKernel(), { budgetBytes: 256 * 1024 * 1024 });
  const random = seededRandom(1);
  const query = randomQuery("bench", DIM, TOKENS, random);
  const kernelQuery = new KernelQuery(kernel, query.vectors, TOKENS, DIM);
  const shortQuery = new KernelQuery(kernel, query.vectors.subarray(0, FEW_TOKENS * DIM), FEW_TOKENS, DIM);
  const cases: Case[] = [];

  for (const subspaces of [8, 16, 32]) {
    const codebook = randomCodebook("bench", "bench", { dim: DIM, subspaces, centroidCount: CENTROIDS }, random);
    const tables = QueryTables.forAll(kernelQuery, kernel.loadCodebook(codebook));
    tables.prepare(0);
    const pages = Array.from({ length: PAGES }, () => spreadCodes(codebook));
    const totals = new Float64Array(PAGES);
    cases.push({
      name: `PQ MaxSim, ${subspaces} B a vector`,
      units: PAGES,
      run: () => tables.addPqScores(pages, totals),
    });
    if (subspaces !== 16) continue;
    const { codebook: resident } = tables;
    cases.push({
      name: `tables of a query, ${CENTROIDS} centroids, 16 B`,
      units: 1,
      run: () => makeTables(kernelQuery, resident),
    });
    cases.push({
      name: `tables of ${FEW_TOKENS} tokens, ${CENTROIDS} centroids, 16 B`,
      units: 1,
      run: () => makeTables(shortQuery, resident),
    });
    const bagPages = Array.from({ length: SCANNED_PAGES }, () =>
      spreadCodes(codebook).centroidIds.subarray(0, BAG_SIZE),
    );
    const bags = kernel.loadBags(makeBags(bagPages), CENTROIDS);
    const scan = new BagScan(kernel, [{ bags, selected: new Uint8Array(SCANNED_PAGES).fill(1) }]);
    cases.push({ name: `bag scan, about ${BAG_SIZE} centroids`, units: SCANNED_PAGES, run: () => scan.add(tables) });
    const exact = randomVectors(codebook, randomCodes(codebook, VECTORS, random), random);
    cases.push({ name: "exact int8 MaxSim", units: 1, run: () => exactTokenBest(kernelQuery, exact) });
    cases.push({
      name: `exact int8, ${FEW_TOKENS} tokens`,
      units: 1,
      run: () => exactTokenBest(shortQuery, exact),
    });
    const floats = Float32Array.from(exact.values, (value, i) => value * (exact.scales[Math.floor(i / DIM)] ?? 0));
    cases.push({ name: FLOAT_LOOPS, units: 1, run: () => maxSim(query.vectors, floats, DIM) });
  }

  const timings = interleave(cases);
  const plain = timings.get(FLOAT_LOOPS)?.median ?? Number.NaN;
  return [...timings].map(([name, { median, fastest }]): BenchRow => {
    const unit = name.startsWith("tables") ? "µs/query" : "µs/page";
    const ratio = name.includes("MaxSim") ? `, ${(plain / median).toFixed(0)}× the float loops` : "";
    return { name, value: median, unit, note: `fastest ${fastest.toFixed(1)}${ratio}` };
  });

  /** Codes that use about {@link BAG_SIZE} centroids of all over the table. */
  function spreadCodes(codebook: Codebook): PageCodes {
    const ids = Array.from({ length: BAG_SIZE }, () => Math.floor(random.next() * CENTROIDS));
    return {
      centroidIds: Uint16Array.from({ length: VECTORS }, (_, i) => ids[i % BAG_SIZE] ?? 0),
      codes: Uint8Array.from({ length: VECTORS * codebook.subspaces }, () => Math.floor(random.next() * 256)),
    };
  }
}

function makeTables(query: KernelQuery, codebook: KernelCodebook): void {
  const tables = QueryTables.forAll(query, codebook);
  tables.prepare(0);
  tables.release();
}

const benchmark: Benchmark = {
  name: "kernels",
  setting: `page of ${VECTORS} vectors × ${DIM}, ${TOKENS} query tokens, processor time of one thread; copying the page into kernel memory included`,
  run,
};

export default benchmark;
