/**
 * What a search cost: one line for everybody, the whole record behind a toggle.
 *
 * @module
 */
import { element } from "./dom.ts";
import { formatBytes, formatCount, formatMs, formatQuantity } from "./format.ts";
import type { Performance, SearchResponse } from "./types.ts";

const SEPARATOR = " · ";

/** One line: what matters to everybody, and, where there is room, how much work it was. */
export function timingLine({ hits, performance }: SearchResponse): HTMLElement[] {
  const encode = performance.encodeCached ? "encode cached" : `encode ${formatMs(performance.encodeMs)}`;
  const main = [formatQuantity(hits.length, "result"), `search ${formatMs(performance.searchMs)}`, encode];
  const work = [
    `${formatQuantity(performance.pagesSearched, "page")} searched`,
    formatQuantity(performance.candidates, "candidate"),
    formatQuantity(performance.reads, "read"),
    ...(performance.shards === undefined ? [] : [formatQuantity(performance.shards, "shard")]),
  ];
  return [
    element("span", {}, main.join(SEPARATOR)),
    element("span", { class: "wide-only" }, `${SEPARATOR}${work.join(SEPARATOR)}`),
  ];
}

/** A figure's name and text; undefined where it has no meaning. */
type Row = readonly [name: string, value: (performance: Performance) => string | undefined];

const SOURCES: Record<Performance["candidateSource"], string> = {
  bags: "bags of all pages",
  lists: "lists of centroids",
  all: "every page",
  words: "the question's words",
};

export const MODE_NAMES: Record<Performance["mode"], string> = {
  late: "vectors",
  dense: "vectors",
  lexical: "words",
  hybrid: "vectors and words",
};

const ROWS: readonly Row[] = [
  ["Ranked by", (p) => MODE_NAMES[p.mode]],
  ["Path", (p) => p.path],
  ["Candidates from", (p) => SOURCES[p.candidateSource]],
  ["Recall@10 as calibrated", (p) => p.accuracy?.toFixed(3)],
  ["Shards", (p) => optionalCount(p.shards)],
  ["Centroids per token", (p) => optionalCount(p.nprobe)],
  ["Pages searched", (p) => formatCount(p.pagesSearched)],
  ["Candidates reranked", (p) => formatCount(p.candidates)],
  ["Pages scored exactly", (p) => formatCount(p.exactPages)],
  ["Words looked up", (p) => (p.terms === 0 ? undefined : formatCount(p.terms - p.termsLeftOut))],
  ["Cells of lists", (p) => (p.cellsRead === 0 ? undefined : formatCount(p.cellsRead))],
  ["Storage reads", (p) => formatCount(p.reads)],
  ["Waves of reads", (p) => formatCount(p.serialReadWaves)],
  ["Bytes read", (p) => formatBytes(p.bytesRead)],
  ["Second reads of slow ones", (p) => formatCount(p.hedgedReads)],
  ["Records in memory", (p) => formatCount(p.cacheHits)],
  ["Reads in the data centre's cache", (p) => formatCount(p.storeCacheHits)],
  ["Encode the question", (p) => `${formatMs(p.encodeMs)}${p.encodeCached ? " (cached)" : ""}`],
  ["Words", (p) => (p.terms === 0 ? undefined : formatMs(p.lexicalMs))],
  ["Centroid tables", (p) => formatMs(p.tablesMs)],
  ["Find candidates", (p) => formatMs(p.candidatesMs)],
  ["Rerank", (p) => formatMs(p.rerankMs)],
  ["Exact rerank", (p) => formatMs(p.exactMs)],
  ["Snippets and boxes", (p) => formatMs(p.hitsMs)],
  ["Search in all", (p) => formatMs(p.searchMs)],
  ["Request in all", (p) => formatMs(p.totalMs)],
];

/** A closed `<details>` with every figure of the response's `performance`. */
export function timingDetails(response: SearchResponse): HTMLDetailsElement {
  const figures = ROWS.flatMap(([name, value]) => {
    const text = value(response.performance);
    return text === undefined ? [] : [element("div", {}, element("dt", {}, name), element("dd", {}, text))];
  });
  const identity = [
    ["Recipe", response.recipe],
    ["Index version", String(response.manifestVersion)],
  ].map(([name, value]) => element("div", {}, element("dt", {}, name ?? ""), element("dd", {}, value ?? "")));
  return element(
    "details",
    { class: "timing-details" },
    element("summary", {}, "Details"),
    element("dl", { class: "figures" }, ...figures, ...identity),
  );
}

function optionalCount(count: number | undefined): string | undefined {
  return count === undefined ? undefined : formatCount(count);
}
