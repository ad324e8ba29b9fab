/**
 * `node test/eval/compression.ts --dataset DIR [--subspaces 8,16,32,64] …`: what each way to compress page vectors keeps of exact float
 * MaxSim, over the project's own trainer and quantiser. docs/compression.md quotes it.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { DEFAULT_RECIPE } from "../../encoder/models/registry.ts";
import { MatrixRunner } from "../../encoder/indexing/matrix-runner.ts";
import { measureCascade, type Measures, type Stage } from "./cascade.ts";
import { type AssignedSet, assignSet, type CodedSet, codeSet, exactRows, meanDecodedCosine } from "./coded-set.ts";
import { type CodedScores, type PageScores, scoreBags, scoreCodedPages, scorePages, WINNERS } from "./page-scores.ts";
import { poolSet } from "./pooled-set.ts";
import { encodeVectorSet, readVectorSet, type VectorSet } from "./vector-set.ts";

const { values: options } = parseArgs({
  options: {
    /** A data set as `maxleaf eval` takes it, … */
    dataset: { type: "string" },
    cache: { type: "string", default: "build/eval" },
    "max-tokens": { type: "string" },
    /** … or vectors in NumPy's archives, an array a page or query. */
    pages: { type: "string" },
    queries: { type: "string" },
    /** Pages at the end that no codebook is trained on; cosines are then theirs. */
    "held-out": { type: "string", default: "0" },
    centroids: { type: "string" },
    subspaces: { type: "string", default: "8,16,32,64" },
    pooling: { type: "string", default: "1" },
    rotation: { type: "string", default: "none" },
    /** Pages kept by bags, by codes, and of those by winners, as `shared/engine/plan.ts` has them: for 10 hits, and for 100. */
    keep: { type: "string", default: "64,24,16" },
    "keep-deep": { type: "string", default: "300,150,24" },
    /** Also the cascade for every pair of these: pages kept by bags, and by codes. */
    grid: { type: "boolean", default: false },
    threads: { type: "string", default: "2" },
  },
});
const CODE_OVERHEAD_BYTES = 2;
const SCALE_BYTES = 4;
const GRID_CANDIDATES = [16, 24, 32, 48, 64, 96, 128, 256];
const GRID_EXACT = [0, 12, 16, 24, 32, 64];
const DEEP_HITS = 100;

const numbers = (list: string) => list.split(",").map(Number);
const runner = await MatrixRunner.create({ threads: Number(options.threads) });
const set = await loadSet();
const { dim } = set.vectors;
const pageCount = set.pages.length;
const hasQueries = set.queries.length > 0;
print(
  `${set.name}: ${pageCount} pages, ${set.vectors.count} vectors of ${dim}, ${set.queries.length} queries of ${set.tokens.count} tokens`,
);
const reference = await scorePages(runner, set, ({ first, count }) => {
  return { values: set.vectors.values.subarray(first * dim, (first + count) * dim), count, dim };
});
if (hasQueries) printMeasures("exact floats", [{ scores: reference, keep: Infinity }], set);
for (const factor of numbers(options.pooling)) await measurePooled(poolSet(set, factor), factor);
await runner.dispose();

async function loadSet(): Promise<VectorSet> {
  const { dataset, cache, pages, queries } = options;
  if (pages !== undefined) return await readVectorSet(pages, queries);
  if (dataset === undefined) throw new Error("--dataset or --pages is needed");
  const maxTokens = options["max-tokens"] === undefined ? undefined : Number(options["max-tokens"]);
  return await encodeVectorSet({ folder: dataset, recipe: DEFAULT_RECIPE, cacheFolder: cache, maxTokens });
}

async function measurePooled(pooled: VectorSet, factor: number): Promise<void> {
  const heldOut = pooled.pages[pageCount - Number(options["held-out"])]?.first ?? pooled.vectors.count;
  for (const centroids of options.centroids === undefined ? [undefined] : numbers(options.centroids)) {
    const startMs = performance.now();
    const assigned = await assignSet(runner, pooled.vectors, heldOut, centroids);
    const { centroidCount } = assigned.centroidPart;
    const seconds = Math.round((performance.now() - startMs) / 1_000);
    print(`\n## pooling ${factor}, ${centroidCount} centroids (${pooled.vectors.count} vectors, ${seconds} s)`);
    const bags = await bagScores(pooled, assigned);
    if (hasQueries) printMeasures("bags", [{ scores: bags, keep: Infinity }], pooled);
    if (hasQueries) printCandidates(bags, pooled);
    for (const rotation of options.rotation.split(",")) {
      if (rotation !== "none" && rotation !== "opq") throw new Error(`no rotation ${rotation}`);
      for (const subspaces of numbers(options.subspaces)) {
        const coded = await codeSet(runner, assigned, subspaces, rotation);
        await printCodes(
          pooled,
          assigned,
          coded,
          bags,
          `${rotation === "none" ? "" : `${rotation}, `}${subspaces} B`,
          subspaces,
        );
      }
    }
  }
}

async function bagScores(pooled: VectorSet, { centroidPart, centroidIds }: AssignedSet): Promise<PageScores> {
  const { centroids, centroidScale, centroidCount } = centroidPart;
  const values = Float32Array.from(centroids, (value) => value * centroidScale);
  return await scoreBags(runner, pooled, { values, count: centroidCount, dim }, centroidIds);
}

/** How much of the exact top 10 the best N pages by bags hold. */
function printCandidates(bags: PageScores, pooled: VectorSet): void {
  const shares = GRID_CANDIDATES.map((keep) => {
    const stages = [
      { scores: bags, keep },
      { scores: reference, keep: Infinity },
    ];
    return `${keep}: ${figure(measureCascade(pooled, reference, stages).recallAt(10))}`;
  });
  print(`bags, exact top 10 inside the best N: ${shares.join(" · ")}`);
}

async function printCodes(
  pooled: VectorSet,
  assigned: AssignedSet,
  coded: CodedSet,
  bags: PageScores,
  name: string,
  subspaces: number,
): Promise<void> {
  const heldOut = assigned.trainable < assigned.count ? assigned.trainable : 0;
  const cosine = await meanDecodedCosine(assigned, coded, heldOut);
  const vectorsPerPage = pooled.vectors.count / pageCount;
  const codeBytes = Math.round(vectorsPerPage * (subspaces + CODE_OVERHEAD_BYTES));
  const exactBytes = Math.round(vectorsPerPage * (dim + SCALE_BYTES));
  print(`\n### ${name}: ${codeBytes} bytes a page of codes, ${exactBytes} of exact vectors, cosine ${figure(cosine)}`);
  if (!hasQueries) return;
  const scores = await scoreCodedPages(runner, pooled, coded.decode, async (rows) =>
    exactRows(assigned.exact, dim, rows),
  );
  printMeasures("codes alone", [{ scores: scores.codes, keep: Infinity }], pooled);
  printMeasures("codes alone, renormalised", [{ scores: scores.renormalised, keep: Infinity }], pooled);
  for (const ending of endings(scores)) printCascade(ending, bags, scores, pooled);
  if (options.grid) printGrid(bags, scores, pooled);
}

interface Ending {
  label: string;
  /** Stages that order the `exact` pages that codes pass on; `full` of them may be scored by all their vectors. */
  stages: (exact: number, full: number) => Stage[];
}

function endings(scores: CodedScores): Ending[] {
  const partly = WINNERS.flatMap((kept, position): Ending[] => {
    const own = scores.winners[position] ?? scores.exact;
    const union = scores.unions[position] ?? scores.exact;
    return [
      { label: `a token's own best ${kept}`, stages: (exact) => [{ scores: own, keep: exact }] },
      { label: `all tokens' best ${kept}`, stages: (exact) => [{ scores: union, keep: exact }] },
      {
        label: `all tokens' best ${kept}, then all`,
        stages: (exact, full) => [
          { scores: union, keep: Math.min(full, exact) },
          { scores: scores.exact, keep: full },
        ],
      },
    ];
  });
  return [...partly, { label: "all vectors", stages: (exact) => [{ scores: scores.exact, keep: exact }] }];
}

function printCascade(ending: Ending, bags: PageScores, scores: CodedScores, pooled: VectorSet): void {
  const cascade = ([candidates = 0, exact = 0, full = 0]: number[]) => {
    const stages = [
      { scores: bags, keep: candidates },
      { scores: scores.codes, keep: exact },
    ];
    return measureCascade(pooled, reference, [...stages, ...ending.stages(exact, full)]);
  };
  const first = cascade(numbers(options.keep));
  const deep = cascade(numbers(options["keep-deep"]));
  printRow(`cascade, exact on ${ending.label}`, first, deep.recallAt(DEEP_HITS));
}

/** recall@10 for every pair of limits: rows N, columns X. */
function printGrid(bags: PageScores, scores: CodedScores, pooled: VectorSet): void {
  for (const { label, stages } of endings(scores)) {
    print(`grid, exact on ${label}: N, then recall@10 with X = ${GRID_EXACT.join(", ")}`);
    for (const candidates of GRID_CANDIDATES) {
      const cells = GRID_EXACT.map((exact) => {
        const begin = [
          { scores: bags, keep: candidates },
          { scores: scores.codes, keep: exact },
        ];
        const measures = measureCascade(pooled, reference, [...begin, ...stages(exact, numbers(options.keep)[2] ?? 0)]);
        return figure(measures.recallAt(10));
      });
      print(`${candidates} | ${cells.join(" | ")}`);
    }
  }
}

function printMeasures(label: string, stages: readonly Stage[], measured: VectorSet): void {
  const measures = measureCascade(measured, reference, stages);
  printRow(label, measures, measures.recallAt(DEEP_HITS));
}

function printRow(label: string, measures: Measures, deepRecall: number): void {
  const ndcg = [5, 10].map((k) => `nDCG@${k} ${figure(measures.ndcgAt(k))}`);
  const cells = [`recall@10 ${figure(measures.recallAt(10))}`, `recall@100 ${figure(deepRecall)}`, ...ndcg];
  print(`${label.padEnd(46)} ${cells.join(" · ")}`);
}

function figure(value: number | undefined): string {
  return value === undefined ? "–" : value.toFixed(3);
}

function print(line: string): void {
  console.log(line);
}
