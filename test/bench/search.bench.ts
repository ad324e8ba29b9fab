/**
 * Whole searches over synthetic indexes in memory: what the engine costs once nothing has to be read, and what it reads when
 * everything has.
 *
 * @module
 */
import { openIndex } from "../../shared/engine/open-index.ts";
import type { SearchPerformance, SearchRequest } from "../../shared/engine/contract.ts";
import { addSegment, createRandomIndex } from "../../shared/engine/testing/random-index.ts";
import { randomQuery } from "../../shared/engine/testing/random-material.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { type Benchmark, type BenchRow, loadKernel } from "./benchmark.ts";
import { threadMs } from "./measure.ts";

const SHAPE = { dim: 128, subspaces: 16, centroidCount: 8_192 };
const TOKENS = 29;
const QUERIES = 20;
const ROUNDS = 10;
const PAGES_PER_SEGMENT = 1_000;
/** Enough that after one round nothing is read. */
const WARM_CACHE_BYTES = 1024 * 1024 * 1024;

const CORPORA = [
  { name: "1,000 long pages", pages: 1_000, vectorsPerPage: 650 },
  { name: "10,000 short pages", pages: 10_000, vectorsPerPage: 100 },
];

const STAGES = ["tablesMs", "candidatesMs", "rerankMs", "exactMs", "hitsMs", "totalMs"] as const;

async function run(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const corpus of CORPORA) rows.push(...(await runCorpus(corpus)));
  return rows;
}

async function runCorpus({ name, pages, vectorsPerPage }: (typeof CORPORA)[number]): Promise<BenchRow[]> {
  const random = seededRandom(1);
  const store = new MemoryStore();
  const index = await createRandomIndex(store, "bench", SHAPE, random);
  for (let written = 0; written < pages; written += PAGES_PER_SEGMENT) {
    const document = { name: `${written}.pdf`, pages: Array.from({ length: PAGES_PER_SEGMENT }, () => vectorsPerPage) };
    await addSegment(index, [document]);
    // Only the engine looks at them from here on.
    index.pages.length = 0;
  }
  const opened = await openIndex({
    store,
    index: "bench",
    kernelModule: await loadKernel(),
    cacheBytes: WARM_CACHE_BYTES,
    nowMs: threadMs,
  });
  const requests = Array.from({ length: QUERIES }, (): SearchRequest => {
    return { query: randomQuery(index.fingerprint, SHAPE.dim, TOKENS, random), k: 10 };
  });
  const cold = await opened.search(
    requests[0] ?? { query: randomQuery(index.fingerprint, SHAPE.dim, 1, random), k: 10 },
  );
  for (const request of requests) await opened.search(request);

  const measured: SearchPerformance[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const request of requests) measured.push((await opened.search(request)).performance);
  }
  opened.close();
  const stages = STAGES.map((stage): BenchRow => {
    const values = measured.map((performance) => performance[stage]);
    // A mean: processor time is counted in steps that are longer than some stages.
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    return { name: `${name}, warm: ${stage.slice(0, -2)}`, value: mean, unit: "ms" };
  });
  const { reads, bytesRead, serialReadWaves, candidates, exactPages } = cold.performance;
  const note = `${(bytesRead / 2 ** 20).toFixed(1)} MiB in ${serialReadWaves} waves; ${candidates} candidates, ${exactPages} exact`;
  return [...stages, { name: `${name}, first query: reads`, value: reads, unit: "reads", note }];
}

const benchmark: Benchmark = {
  name: "search",
  setting: `random pages in a memory store, ${SHAPE.centroidCount} centroids, 16 B a vector, ${TOKENS} query tokens, k = 10; processor time of one thread, mean of ${QUERIES * ROUNDS} searches`,
  run,
};

export default benchmark;
