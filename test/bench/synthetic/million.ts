/**
 * `node test/bench/synthetic/million.ts [--vectors FOLDER …] [--pages 1000000] [--work FOLDER] [--length-prior .03]`: builds an index of a
 * million pages on disk, opens it by the pruned path in a process that the kernel kills above 128 MB (all of Node included), and
 * searches it, with the length prior of the default recipe and without. Recall is against exact scores of all pages, found while they are
 * written; for another length prior they are made once more, which takes minutes.
 *
 * At 174 vectors a page it takes 31 GB in `--work`, and is kept there. Needs root for the limit; `--no-ceiling` goes without.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { ISOLATE_MEMORY_BYTES } from "../../../shared/limits.ts";
import {
  type Corpus,
  corpusFolder,
  DEFAULT_LENGTH_PRIOR,
  measureCorpus,
  type MeasureOptions,
  prepareCorpus,
  recallAt,
  sourceFolders,
} from "./corpus.ts";
import { createMemoryCeiling } from "./memory-ceiling.ts";
import { readSources } from "./pool.ts";
import type { MeasuredSearch, SearchTask } from "./search-task.ts";

const MIB = 2 ** 20;
/**
 * What an isolate's limit leaves to JavaScript beside 80 MB of kernel memory. Node would let the young generation grow to 48
 * MB before it looks at what is garbage.
 */
const NODE_OPTIONS = ["--max-old-space-size=48", "--max-semi-space-size=2"];

/**
 * What is held and kept in all. Node by itself is charged some 60 MiB before an index is opened, an isolate at the edge about 10: so
 * this is what the 96 MiB of a deployment are here.
 */
const CACHE_BYTES = 56 * MIB;

/** What is measured under the ceiling. */
const DEFAULT_REQUEST: SearchTask["request"] = { k: 10 };
/** What wider settings cost and find; without the ceiling, which garbage of their reads may pass before it is collected. */
const WIDER_REQUESTS: Record<string, SearchTask["request"]> = {
  "64 candidates, 24 exact": { k: 10, candidates: 64, exact: 24 },
  "256 candidates, 32 exact": { k: 10, candidates: 256, exact: 32 },
};

const { values: options } = parseArgs({
  options: {
    vectors: { type: "string", multiple: true, default: [] },
    pages: { type: "string", default: "1000000" },
    queries: { type: "string", default: "8" },
    passes: { type: "string", default: "5" },
    work: { type: "string", default: fileURLToPath(new URL("../../../build/bench/synthetic", import.meta.url)) },
    "length-prior": { type: "string", default: String(DEFAULT_LENGTH_PRIOR) },
    rebuild: { type: "boolean", default: false },
    "no-ceiling": { type: "boolean", default: false },
  },
});

const { work, rebuild } = options;
const source = await readSources(await sourceFolders(options.vectors, work));
const pageCount = Number(options.pages);
const lengthPrior = Number(options["length-prior"]);
const isLimited = !options["no-ceiling"];
const corpora = new Map<number, Corpus>();
for (const prior of new Set([lengthPrior, 0])) {
  corpora.set(
    prior,
    await prepareCorpus({
      source,
      pageCount,
      queryCount: Number(options.queries),
      lengthPrior: prior,
      work,
      rebuild: rebuild && corpora.size === 0,
    }),
  );
}
for (const [prior, corpus] of corpora) {
  if (prior === lengthPrior) {
    const { truth: _truth, queries: _queries, ...facts } = corpus;
    console.log(readable(facts));
  }
  const measurement = measurementOf(corpus, prior, DEFAULT_REQUEST);
  const usual = isLimited ? await measureUnderCeiling(measurement) : { measured: await measureCorpus(measurement) };
  report("default", prior, summary(corpus, usual.measured, usual.peakBytes));
}
const corpus = corpora.get(lengthPrior);
for (const [label, request] of Object.entries(WIDER_REQUESTS)) {
  if (corpus === undefined) continue;
  const measured = await measureCorpus(measurementOf(corpus, lengthPrior, request));
  report(`${label}, no ceiling`, lengthPrior, summary(corpus, measured, undefined));
}

function report(label: string, prior: number, measured: object): void {
  console.log(`\n${label}, ${prior === 0 ? "no length prior" : `length prior ${prior}`}\n${readable(measured)}`);
}

function measurementOf(ofCorpus: Corpus, prior: number, request: SearchTask["request"]): MeasureOptions {
  const folder = corpusFolder(work, source, pageCount);
  const task = {
    path: "pruned" as const,
    cacheBytes: CACHE_BYTES,
    warmPasses: Number(options.passes),
    lengthPrior: prior,
    request,
  };
  return { folder, corpus: ofCorpus, task, nodeOptions: NODE_OPTIONS };
}

async function measureUnderCeiling(
  measurement: MeasureOptions,
): Promise<{ measured: MeasuredSearch; peakBytes?: number }> {
  const ceiling = await createMemoryCeiling(ISOLATE_MEMORY_BYTES);
  try {
    const measured = await measureCorpus({ ...measurement, wrapper: ceiling.wrapper });
    return { measured, peakBytes: await ceiling.peakBytes() };
  } finally {
    await ceiling.remove();
  }
}

function summary(
  corpus: Corpus,
  { found, rss, heldBytes, ...measured }: MeasuredSearch,
  peakBytes: number | undefined,
) {
  const mib = (bytes: number) => Math.round((10 * bytes) / MIB) / 10;
  return {
    ...measured,
    memoryMib: {
      limit: peakBytes === undefined ? undefined : ISOLATE_MEMORY_BYTES / MIB,
      /** The process and the file pages that the kernel keeps for it: reaches the limit when much is read. */
      chargedPeak: peakBytes === undefined ? undefined : mib(peakBytes),
      processPeak: mib(rss.peak),
      processBeforeOpening: mib(rss.beforeOpen),
      processAfterOpening: mib(rss.afterOpen),
      heldByIndex: mib(heldBytes),
    },
    "recall@10": recallAt(10, corpus, found),
  };
}

function readable(value: object): string {
  const rounded = (_: string, field: unknown) => (typeof field === "number" ? Math.round(100 * field) / 100 : field);
  return JSON.stringify(value, rounded, 1).replaceAll(
    /\n\s+(?="(median|p99|max|gets|bytes|waves|cpuMs)": [\d.]+)/g,
    " ",
  );
}
