/**
 * `node test/eval/heatmaps.ts --dataset DIR | --pages FILE.npz [--queries FILE.npz]`: how well the heat maps that the engine draws
 * from what is stored agree with those of the vectors as encoded. docs/heatmaps.md quotes it.
 *
 * @module
 */
import { parseArgs } from "node:util";
import { MatrixRunner } from "../../encoder/indexing/matrix-runner.ts";
import type { ExplanationSource } from "../../shared/engine/contract.ts";
import { correlation, spreadOf } from "./correlation.ts";
import { type DrawnMap, indexOf, mapsOfBestPages, mapsOfOtherPages, type OpenedSet } from "./heatmap-set.ts";
import { loadSet, SET_OPTIONS } from "./set-options.ts";

const { values: options } = parseArgs({
  options: {
    ...SET_OPTIONS,
    /** Pages looked at for each question: the best by exact MaxSim. */
    best: { type: "string", default: "5" },
    /** Without questions: vectors at the end of a page that stand for text. */
    "text-vectors": { type: "string", default: "7" },
    threads: { type: "string", default: "2" },
  },
});
const SOURCES: readonly ExplanationSource[] = ["codes", "vectors"];

const set = await loadSet(options);
print(
  `${set.name}: ${set.pages.length} pages, ${set.vectors.count} vectors of ${set.vectors.dim}, ${set.queries.length} questions`,
);
const opened = await indexOf(set, Number(options.threads));
print(
  `codebook: ${opened.index.manifest.codebook?.centroidCount} centroids, ${opened.index.manifest.codebook?.subspaces} bytes a vector`,
);
for (const [label, maps] of await chosenMaps()) {
  for (const source of SOURCES) await compare(`${label}, by ${source}`, maps, source);
}
opened.index.close();

async function chosenMaps(): Promise<[string, DrawnMap[]][]> {
  const textVectors = Number(options["text-vectors"]);
  if (set.queries.length === 0) {
    return [
      ["text vectors of other pages", mapsOfOtherPages(set, textVectors, "last")],
      ["patches of other pages", mapsOfOtherPages(set, textVectors, "drawn")],
    ];
  }
  const runner = await MatrixRunner.create({ threads: Number(options.threads) });
  try {
    return [["questions", await mapsOfBestPages(runner, set, Number(options.best))]];
  } finally {
    await runner.dispose();
  }
}

async function compare(label: string, maps: readonly DrawnMap[], source: ExplanationSource): Promise<void> {
  const [ofTokens, ofMaps]: [number[], number[]] = [[], []];
  let [peaks, samePeaks] = [0, 0];
  for (const map of maps) {
    const exact = exactMap(map);
    const drawn = await drawnMap(opened, map, source);
    for (const [token, row] of exact.entries()) {
      const own = drawn[token] ?? [];
      const r = correlation(row, own);
      if (r === undefined) continue;
      ofTokens.push(r);
      peaks += 1;
      if (peakOf(row) === peakOf(own)) samePeaks += 1;
    }
    const whole = correlation(exact.flat(), drawn.flat());
    if (whole !== undefined) ofMaps.push(whole);
  }
  print(`${label}: ${describe(ofTokens)} a token; ${describe(ofMaps)} a map; same peak ${figure(samePeaks / peaks)}`);
}

/** `[tokens][vectors]` products of the vectors as encoded. */
function exactMap({ tokens, page }: DrawnMap): number[][] {
  const { dim, values } = set.vectors;
  const { first, count } = set.pages[page] ?? { first: 0, count: 0 };
  return Array.from({ length: tokens.count }, (_, token) =>
    Array.from({ length: count }, (_, vector) => {
      let product = 0;
      for (let d = 0; d < dim; d++) {
        product += (tokens.values[(tokens.first + token) * dim + d] ?? 0) * (values[(first + vector) * dim + d] ?? 0);
      }
      return product;
    }),
  );
}

async function drawnMap(
  { index, fingerprint, documentId }: OpenedSet,
  map: DrawnMap,
  source: ExplanationSource,
): Promise<number[][]> {
  const { dim } = set.vectors;
  const { first, count, values } = map.tokens;
  const query = {
    recipeFingerprint: fingerprint,
    dim,
    tokenCount: count,
    vectors: values.slice(first * dim, (first + count) * dim),
    tokens: Array.from({ length: count }, () => ({ text: "", start: 0, end: 0 })),
  };
  const { scores } = await index.explain({ query, documentId, pageNumber: map.page + 1, source });
  return scores.map((row) => row.map((score) => score ?? NaN));
}

function peakOf(row: readonly number[]): number {
  return row.indexOf(Math.max(...row));
}

function describe(values: readonly number[]): string {
  const { count, mean, low, least, good } = spreadOf(values);
  return `${figure(mean)} (5 % below ${figure(low)}, least ${figure(least)}, ${figure(good)} reach .95; ${count})`;
}

function figure(value: number): string {
  return value.toFixed(3);
}

function print(line: string): void {
  console.log(line);
}
