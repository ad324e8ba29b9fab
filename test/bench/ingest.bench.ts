/**
 * Ingestion with `minilm-words` into a local folder: 500 pages in documents of all sizes, and one PDF of 2,000 pages.
 *
 * @module
 */
import { availableParallelism } from "node:os";
import type { Benchmark, BenchRow } from "./benchmark.ts";
import { measureIngest } from "./ingest/measure.ts";
import { rowsOf } from "./ingest/report.ts";

/** 500 pages: a book, reports and letters. */
const MIXED = [200, ...Array.from({ length: 10 }, () => 20), ...Array.from({ length: 100 }, () => 1)];
const LONG = [2_000];

async function run(): Promise<BenchRow[]> {
  const cores = availableParallelism();
  const mixed = await measureIngest(MIXED);
  const long = await measureIngest(LONG);
  return [...rowsOf("500 pages", mixed, cores), ...rowsOf("one of 2,000 pages", long, cores)];
}

const benchmark: Benchmark = {
  name: "ingest",
  setting:
    "made pages of 400 words and a chart, minilm-words, local folder; 500 pages in 111 documents, then one PDF of 2,000 pages; Linux",
  run,
};

export default benchmark;
