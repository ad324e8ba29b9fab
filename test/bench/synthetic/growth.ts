/**
 * `node test/bench/synthetic/growth.ts [--vectors FOLDER …] [--pages 1000,10000] [--work FOLDER] [--plot FILE]
 * [--length-prior .03]`: what a search costs as an index grows: processor time, reads, bytes, memory and modelled latency, resident and
 * pruned, on synthetic pages; processor time without a length prior too.
 *
 * Without `--vectors` the pages are made from the bundled samples, which shows that all works; figures worth quoting need a set
 * of some hundred real pages, as `test/bench/peers/export-vectors.ts` writes them. Corpora are kept in `--work`: 100,000 pages
 * of 174 vectors take 3 GB, a million 30 GB.
 *
 * @module
 */
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import {
  type Corpus,
  corpusFolder,
  DEFAULT_LENGTH_PRIOR,
  measureCorpus,
  prepareCorpus,
  recallAt,
  sourceFolders,
} from "./corpus.ts";
import type { MeasuredSearch } from "./search-task.ts";
import { type Panel, plotSvg } from "./plot.ts";
import { readSources } from "./pool.ts";

const PATHS = ["resident", "pruned"] as const;
const K = 10;
const MIB = 2 ** 20;

const { values: options } = parseArgs({
  options: {
    vectors: { type: "string", multiple: true, default: [] },
    pages: { type: "string", default: "1000,10000" },
    queries: { type: "string", default: "32" },
    passes: { type: "string", default: "3" },
    work: { type: "string", default: fileURLToPath(new URL("../../../build/bench/synthetic", import.meta.url)) },
    plot: { type: "string" },
    "length-prior": { type: "string", default: String(DEFAULT_LENGTH_PRIOR) },
    rebuild: { type: "boolean", default: false },
  },
});

interface Row {
  corpus: Corpus;
  path: (typeof PATHS)[number];
  /** Or why it could not be measured. */
  measured: MeasuredSearch | string;
  /** The same without a length prior. */
  priorless: MeasuredSearch | string;
}

const lengthPrior = Number(options["length-prior"]);
const source = await readSources(await sourceFolders(options.vectors, options.work));
const rows: Row[] = [];
for (const pageCount of options.pages.split(",").map(Number)) {
  const { work, rebuild } = options;
  const queryCount = Number(options.queries);
  const corpus = await prepareCorpus({ source, pageCount, queryCount, lengthPrior, work, rebuild });
  console.log(describe(corpus));
  for (const path of PATHS) {
    const task = { path, warmPasses: Number(options.passes), lengthPrior, request: { k: K } };
    const folder = corpusFolder(work, source, pageCount);
    const measured = await measureCorpus({ folder, corpus, task }).catch(reasonOf);
    const priorless = await measureCorpus({ folder, corpus, task: { ...task, lengthPrior: 0 } }).catch(reasonOf);
    rows.push({ corpus, path, measured, priorless });
  }
}
console.log(
  "\n| pages | path | CPU ms warm, median (p99) | without length prior | CPU ms cold | GETs, cold | KiB read, cold | hops (waves) | ms from a bucket, p50 (p99) | from a cache | held MiB | RSS MiB | recall@10 | opening: GETs, MiB, CPU ms |",
);
console.log("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
for (const row of rows) console.log(tableRow(row));
for (const { path, corpus, measured, priorless } of rows) {
  if (typeof measured !== "string") console.log(`${corpus.pages} ${path}: ${stagesOf(measured)}`);
  if (typeof priorless !== "string") console.log(`  without length prior: ${stagesOf(priorless)}`);
}
if (options.plot !== undefined) await writeFile(options.plot, plotSvg(panels()));

function describe(corpus: Corpus): string {
  const { pages, vectors, centroids, subspaces, segments, bagEntriesPerPage, realBagEntriesPerPage } = corpus;
  const { segmentBytes, vectorsBytes, invertedBytes, buildSeconds, realVectorsPerPage } = corpus;
  const mib = (bytes: number) => `${(bytes / MIB).toFixed(0)} MiB`;
  return [
    `${pages} pages of ${corpus.source}, ${segments} segments, ${centroids} centroids, ${subspaces} B a vector, written in ${buildSeconds.toFixed(0)} s`,
    `vectors a page ${(vectors / pages).toFixed(1)} (real ${realVectorsPerPage.toFixed(1)}), distinct centroids a page ${bagEntriesPerPage.toFixed(1)} (real ${realBagEntriesPerPage.toFixed(1)})`,
    `segments ${mib(segmentBytes)}, exact vectors ${mib(vectorsBytes)}, inverted file ${mib(invertedBytes)}, codebook ${mib(corpus.codebookBytes)}`,
  ].join("\n  ");
}

function tableRow({ corpus, path, measured, priorless }: Row): string {
  const pages = corpus.pages.toLocaleString("en");
  if (typeof measured === "string") return `| ${pages} | ${path} | ${measured} |`;
  const { cold, warmCpuMs, open, heldBytes, rss, found, settings } = measured;
  const cells = [
    pages,
    `${path} (${settings.source})`,
    `${warmCpuMs.median.toFixed(1)} (${warmCpuMs.p99.toFixed(1)})`,
    typeof priorless === "string" ? priorless : priorless.warmCpuMs.median.toFixed(1),
    cold.cpuMs.median.toFixed(1),
    `${cold.gets.median} (max ${cold.gets.max})`,
    `${(cold.bytes.median / 1024).toFixed(0)} (max ${(cold.bytes.max / 1024).toFixed(0)})`,
    `${cold.hops.max} (${cold.waves.median})`,
    `${cold.bucketMs.median.toFixed(0)} (${cold.bucketMs.p99.toFixed(0)})`,
    `${cold.cacheMs.median.toFixed(0)} (${cold.cacheMs.p99.toFixed(0)})`,
    (heldBytes / MIB).toFixed(1),
    (rss.peak / MIB).toFixed(0),
    recallAt(K, corpus, found).toFixed(3),
    `${open.gets}, ${(open.bytes / MIB).toFixed(1)}, ${open.cpuMs.toFixed(0)}`,
  ];
  return `| ${cells.join(" | ")} |`;
}

function stagesOf({ settings, stages }: MeasuredSearch): string {
  const { nprobe, candidates, exactPages } = settings;
  const times = Object.entries(stages).map(([stage, ms]) => `${stage.slice(0, -2)} ${ms.toFixed(2)}`);
  return `nprobe ${nprobe ?? "–"}, ${candidates} candidates, ${exactPages} exact; ms by stage: ${times.join(", ")}`;
}

function panels(): Panel[] {
  const curve = (value: (measured: MeasuredSearch) => number) =>
    PATHS.map((path) => ({
      name: path,
      points: rows.flatMap(({ corpus, measured, ...row }) =>
        row.path === path && typeof measured !== "string" ? [{ pages: corpus.pages, value: value(measured) }] : [],
      ),
    }));
  return [
    { title: "processor time of a warm query, ms", series: curve(({ warmCpuMs }) => warmCpuMs.median) },
    {
      title: "memory held, MiB",
      series: curve(({ heldBytes }) => heldBytes / MIB),
      limits: [{ value: 128, label: "isolate" }],
    },
    { title: "bytes read by a cold query, KiB", series: curve(({ cold }) => cold.bytes.median / 1024) },
    { title: "a cold query from a bucket, modelled, ms", series: curve(({ cold }) => cold.bucketMs.median) },
  ];
}

function reasonOf(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const thrown = text.split("\n").find((line) => line.startsWith("MaxleafError") || line.includes("Error:"));
  return `not measured: ${thrown ?? text.slice(0, 200)}`;
}
