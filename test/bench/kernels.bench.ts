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
import { cellsAt, evenCellOffsets } from "../../shared/format/cells.ts";
import type { Codebook, PageCodes } from "../../shared/format/contract.ts";
import { encodeCellBlock } from "../../shared/format/inverted/cell-block.ts";
import type { CellBlock } from "../../shared/format/inverted/contract.ts";
import { BagScan } from "../../shared/kernel/bag-scan.ts";
import { contenderBests } from "../../shared/kernel/contender-scorer.ts";
import { exactTokenBest } from "../../shared/kernel/exact-scorer.ts";
import { Kernel, type KernelCodebook } from "../../shared/kernel/kernel.ts";
import { KernelQuery } from "../../shared/kernel/kernel-query.ts";
import { ListScan } from "../../shared/kernel/list-scan.ts";
import { type Probe, probeCentroids, rankCells } from "../../shared/kernel/probe.ts";
import { LANES } from "../../shared/kernel/query-block.ts";
import { QueryTables } from "../../shared/kernel/query-tables.ts";
import { maxSim } from "../../shared/kernel/reference.ts";
import { CONTENDER_MARGIN } from "../../shared/engine/plan.ts";
import type { Random } from "../../shared/ports.ts";
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

/** A million pages: 65,536 centroids in 2,048 cells, each centroid on about 900 pages (design of issue 5). */
const PRUNED_PAGES = 1_000_000;
const PRUNED_CENTROIDS = 65_536;
const PRUNED_CELLS = 2_048;
const LIST_PAGES = 900;
/** Median of the filings' questions. */
const PRUNED_TOKENS = 29;
const NPROBE = 16;
const CELLS_PER_TOKEN = 8;
const BEST_PAGES = 256;

const FLOAT_LOOPS = "plain TypeScript float loops";

async function run(): Promise<BenchRow[]> {
  const kernel = new Kernel(await loadKernel(), { budgetBytes: 256 * 1024 * 1024 });
  const plain = new Kernel(await loadKernel("plain"), { budgetBytes: 64 * 1024 * 1024 });
  return [...scoringRows(kernel), ...tableRows({ plain, relaxed: kernel }), ...pruningRows(kernel)];
}

/** Scoring pages. */
function scoringRows(kernel: Kernel): BenchRow[] {
  const random = seededRandom(1);
  const query = randomQuery("bench", DIM, TOKENS, random);
  const kernelQuery = new KernelQuery(kernel, query.vectors, TOKENS, DIM);
  const shortQuery = new KernelQuery(kernel, query.vectors.subarray(0, FEW_TOKENS * DIM), FEW_TOKENS, DIM);
  const cases: Case[] = [];

  for (const subspaces of [8, 16, 32, 64]) {
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
    const shortTables = QueryTables.forAll(shortQuery, tables.codebook);
    shortTables.prepare(0);
    cases.push({
      name: `PQ MaxSim, ${subspaces} B, ${FEW_TOKENS} tokens`,
      units: PAGES,
      run: () => shortTables.addPqScores(pages, totals),
    });
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
      name: `PQ MaxSim and contenders, ${subspaces} B`,
      units: PAGES,
      run: () => scoreWithContenders(tables, pages),
    });
    // A fifth of the vectors, each for two tokens, as on the filings.
    const masks = Uint32Array.from({ length: VECTORS }, (_, i) =>
      i % 5 === 0 ? (1 << (i % LANES)) | (1 << ((7 * i) % LANES)) : 0,
    );
    cases.push({
      name: "exact int8 of a fifth",
      units: 1,
      run: () => [...contenderBests(kernelQuery, [{ vectors: exact, masks }])],
    });
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

/** What relaxed SIMD is worth: PQ tables of one query by both builds. */
function tableRows(kernels: { plain: Kernel; relaxed: Kernel }): BenchRow[] {
  const random = seededRandom(3);
  const codebook = randomCodebook("bench", "bench", { dim: DIM, subspaces: 16, centroidCount: 16 }, random);
  const { vectors } = randomQuery("bench", DIM, TOKENS, random);
  const cases = Object.entries(kernels).map(([build, kernel]): Case => {
    const resident = kernel.loadCodebook(codebook);
    const query = new KernelQuery(kernel, vectors, TOKENS, DIM);
    return { name: `PQ tables, 16 B, ${build} SIMD`, units: 1, run: () => prepareOnDemand(query, resident) };
  });
  return [...interleave(cases)].map(([name, { median, fastest }]): BenchRow => {
    return { name, value: median, unit: "µs/query", note: `fastest ${fastest.toFixed(0)}` };
  });
}

/** Finding candidates among a million pages, everything but the reads. */
function pruningRows(kernel: Kernel): BenchRow[] {
  const random = seededRandom(2);
  const shape = { dim: DIM, subspaces: 16, centroidCount: PRUNED_CENTROIDS };
  const material = randomCodebook("bench", "bench", shape, random);
  const cells = cellsAt(material, evenCellOffsets(PRUNED_CENTROIDS, PRUNED_CENTROIDS / PRUNED_CELLS));
  const codebook = kernel.loadCodebook({ ...material, cells });
  const query = randomQuery("bench", DIM, PRUNED_TOKENS, random);
  const kernelQuery = new KernelQuery(kernel, query.vectors, PRUNED_TOKENS, DIM);
  const tables = QueryTables.onDemand(kernelQuery, codebook);
  const ranked = rankCells(tables, CELLS_PER_TOKEN);
  const probe = probeCentroids(tables, { nprobe: NPROBE, cells: ranked.cells });
  const listsOf = (cell: number): Uint32Array[] =>
    Array.from({ length: (cells.offsets[cell + 1] ?? 0) - (cells.offsets[cell] ?? 0) }, () => spreadPages(random));
  const blocks = Array.from(probe.cells, (cell) => ({ cell, bytes: encodeCellBlock(listsOf(cell)) }));
  const filled = new ListScan(kernel, codebook, PRUNED_PAGES);
  filled.add(probe, blocks);

  const cases: Case[] = [
    { name: "making PQ tables, 16 B", units: 1, run: () => prepareOnDemand(kernelQuery, codebook) },
    { name: `ranking ${PRUNED_CELLS} cells`, units: 1, run: () => rankCells(tables, CELLS_PER_TOKEN) },
    {
      name: `probing ${ranked.cells.length} cells`,
      units: 1,
      run: () => probeCentroids(tables, { nprobe: NPROBE, cells: ranked.cells }),
    },
    {
      name: `scanning ${PRUNED_TOKENS} × ${NPROBE} lists`,
      units: 1,
      run: () => scanOnce(kernel, codebook, probe, blocks),
    },
    { name: `best ${BEST_PAGES} pages`, units: 1, run: () => filled.topPositions(BEST_PAGES) },
  ];
  const timings = [...interleave(cases)];
  const total = timings.reduce((sum, [, { fastest }]) => sum + fastest, 0);
  const rows = timings.map(([name, { median, fastest }]): BenchRow => {
    return { name, value: median, unit: "µs/query", note: `fastest ${fastest.toFixed(0)}` };
  });
  const name = `candidates of ${PRUNED_PAGES.toLocaleString("en")} pages`;
  return [...rows, { name, value: total, unit: "µs/query", note: "the fastest of each step, without reads" }];
}

/** About {@link LIST_PAGES} of all pages, ascending. */
function spreadPages(random: Random): Uint32Array {
  const pages: number[] = [];
  let page = -1;
  for (;;) {
    page += 1 + Math.floor(-Math.log(1 - random.next()) * (PRUNED_PAGES / LIST_PAGES));
    if (page >= PRUNED_PAGES) return Uint32Array.from(pages);
    pages.push(page);
  }
}

function scanOnce(kernel: Kernel, codebook: KernelCodebook, probe: Probe, blocks: readonly CellBlock[]): void {
  const scan = new ListScan(kernel, codebook, PRUNED_PAGES);
  scan.add(probe, blocks);
  scan.release();
}

/** As the candidates of a search are scored that become the best so far. */
function scoreWithContenders(tables: QueryTables, pages: readonly PageCodes[]): void {
  const scorer = tables.codesScorer([0], pages, true);
  for (const page of pages) {
    scorer.score(page);
    scorer.contenders(CONTENDER_MARGIN);
  }
  scorer.release();
}

function prepareOnDemand(query: KernelQuery, codebook: KernelCodebook): void {
  const tables = QueryTables.onDemand(query, codebook);
  tables.prepare(0);
  tables.release();
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
