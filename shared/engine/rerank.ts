/**
 * Second and third stage: MaxSim by PQ codes on the candidates, then by exact vectors on the best of them.
 *
 * Exact vectors settle in two steps. First each page's *winners* only: the vectors that PQ found best for any query token, at
 * most one per token, scored for all tokens. Then all vectors of the best few. On Cranfield (16 bytes a vector, 32 pages of
 * 128 candidates) winners alone give recall@10 .965, with 12 pages in full after them .9925, with 16 of them 1.0: the
 * same as 32 pages in full.
 *
 * @module
 */
import type { PageCodes, PageRecord, PageVectors } from "../format/contract.ts";
import { exactTokenBest, totalScore } from "../kernel/exact-scorer.ts";
import type { KernelQuery, TokenBest } from "../kernel/kernel-query.ts";
import type { QueryTables } from "../kernel/query-tables.ts";
import type { ReadSession } from "./read-session.ts";
import type { PageRef, RecordCaches } from "./record-cache.ts";
import type { SearchPlan } from "./plan.ts";
import type { IndexSnapshot } from "./snapshot.ts";
import type { StageTimes } from "./stage-times.ts";
import { comesBefore } from "./top-k.ts";

/** Codes held at once besides the cache: 512 pages are 6 to 10 MB. More candidates go batch by batch. */
const CODES_BATCH_PAGES = 512;
/** The same for exact vectors: 64 pages are 5 to 8 MB. */
const VECTORS_BATCH_PAGES = 64;

/**
 * This many pages are read with what is shown of them, which lies behind their codes: 8 KB more of each (2 MB, 40 ms at
 * 50 MB/s, and less where the gap would be read over anyway) instead of ten more reads, which are two waves of 63 ms.
 */
const MAX_WHOLE_RECORDS = 256;

/** A page with its score so far. */
export interface RankedPage extends PageRef {
  /** See `IndexSnapshot.locate`. */
  readonly position: number;
  readonly score: number;
  /** What made the score, when exact vectors did. */
  readonly best: TokenBest | undefined;
  /** Its codes, for as many pages as later stages look at; undefined for pages that codes did not score. */
  readonly codes: PageCodes | undefined;
  /** The same with its layout, when the two were read together. */
  readonly record: PageRecord | undefined;
}

/** What all stages work with. */
export interface RerankContext {
  snapshot: IndexSnapshot;
  caches: RecordCaches;
  session: ReadSession;
  times: StageTimes;
}

/** The pages at `positions`, not scored yet, in their order. */
export function unranked(positions: Iterable<number>, snapshot: IndexSnapshot): RankedPage[] {
  return Array.from(positions, (position) => ({
    position,
    ...snapshot.locate(position),
    score: 0,
    best: undefined,
    codes: undefined,
    record: undefined,
  }));
}

/** `pages` by PQ MaxSim, best first; the first `keep` with their codes. Errors: those of reading. */
export async function rankByCodes(
  pages: readonly RankedPage[],
  keep: number,
  tables: QueryTables,
  context: RerankContext,
): Promise<RankedPage[]> {
  const { times, caches, session } = context;
  const readsWhole = pages.length <= MAX_WHOLE_RECORDS;
  let ranked: RankedPage[] = [];
  for (const batch of batches(pages, CODES_BATCH_PAGES)) {
    const records = readsWhole ? await times.runAsync("rerank", () => caches.records.read(batch, session)) : undefined;
    const codes =
      records?.map((record) => record.codes) ??
      (await times.runAsync("rerank", () => caches.codes.read(batch, session)));
    const totals = new Float64Array(batch.length);
    for (let block = 0; block < tables.blockCount; block++) {
      times.run("tables", () => tables.prepare(block));
      times.run("rerank", () => tables.addPqScores(codes, totals));
    }
    ranked.push(...batch.map((page, i) => ({ ...page, score: totals[i] ?? 0, codes: codes[i], record: records?.[i] })));
    ranked.sort(byScore);
    ranked = ranked.map((page, rank) => (rank < keep ? page : { ...page, codes: undefined, record: undefined }));
  }
  return ranked;
}

/**
 * `pages` (best first) with the first `plan.exact` of them scored by the exact vectors that win by PQ, and the first
 * `plan.full` of those by all. Pages beyond follow in their order: the stage before places them below, and their scores are
 * cut to the lowest one above, so that order and score agree.
 */
export async function rankByVectors(
  pages: readonly RankedPage[],
  plan: Pick<SearchPlan, "exact" | "full">,
  tables: QueryTables,
  context: RerankContext,
): Promise<RankedPage[]> {
  if (plan.full >= plan.exact) return await rankFully(pages, plan.exact, tables.query, context);
  const byWinners = await rankByWinners(pages, plan.exact, tables, context);
  return await rankFully(byWinners, plan.full, tables.query, context);
}

async function rankFully(
  pages: readonly RankedPage[],
  count: number,
  query: KernelQuery,
  context: RerankContext,
): Promise<RankedPage[]> {
  return await rankFirst(pages, count, context, (_page, vectors) => exactTokenBest(query, vectors));
}

async function rankByWinners(
  pages: readonly RankedPage[],
  count: number,
  tables: QueryTables,
  context: RerankContext,
): Promise<RankedPage[]> {
  const winners = pqBests(
    pages.slice(0, count).flatMap((page) => page.codes ?? []),
    tables,
  );
  return await rankFirst(pages, count, context, ({ codes }, vectors) => {
    const byCodes = codes === undefined ? undefined : winners.get(codes);
    return byCodes === undefined
      ? exactTokenBest(tables.query, vectors)
      : exactBestAmong(byCodes, vectors, tables.query);
  });
}

/** Scores the first `count` of `pages` anew by their exact vectors. */
async function rankFirst(
  pages: readonly RankedPage[],
  count: number,
  { caches, session }: RerankContext,
  score: (page: RankedPage, vectors: PageVectors) => TokenBest,
): Promise<RankedPage[]> {
  const exact: RankedPage[] = [];
  for (const batch of batches(pages.slice(0, count), VECTORS_BATCH_PAGES)) {
    const vectors = await caches.vectors.read(batch, session);
    for (const [i, page] of batch.entries()) {
      const record = vectors[i];
      if (record === undefined) continue;
      const best = score(page, record);
      exact.push({ ...page, score: totalScore(best), best });
    }
  }
  exact.sort(byScore);
  const lowest = exact.at(-1)?.score ?? Number.POSITIVE_INFINITY;
  return [...exact, ...pages.slice(count).map((page) => ({ ...page, score: Math.min(page.score, lowest) }))];
}

/** Best vector of every query token by the codes of each page. */
export function pqBests(pages: readonly PageCodes[], tables: QueryTables): ReadonlyMap<PageCodes, TokenBest> {
  const { tokenCount } = tables.query;
  const bests = new Map(
    pages.map((codes) => [codes, { scores: new Float32Array(tokenCount), vectors: new Uint16Array(tokenCount) }]),
  );
  for (let block = 0; block < tables.blockCount; block++) {
    tables.prepare(block);
    for (const [codes, best] of bests) tables.fillPqBest(codes, best);
  }
  return bests;
}

/** The exact best of every token among the vectors that are some token's best by PQ. */
function exactBestAmong(byCodes: TokenBest, { scales, values }: PageVectors, query: KernelQuery): TokenBest {
  const { dim } = query;
  const winners = [...new Set(byCodes.vectors)].sort((a, b) => a - b);
  const among = { scales: new Float32Array(winners.length), values: new Int8Array(winners.length * dim) };
  for (const [row, vector] of winners.entries()) {
    among.scales[row] = scales[vector] ?? 0;
    among.values.set(values.subarray(vector * dim, (vector + 1) * dim), row * dim);
  }
  const best = exactTokenBest(query, among);
  return { scores: best.scores, vectors: best.vectors.map((row) => winners[row] ?? 0) };
}

function byScore(a: RankedPage, b: RankedPage): number {
  return comesBefore(a.score, a.position, b.score, b.position) ? -1 : 1;
}

function batches<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, i) => items.slice(i * size, (i + 1) * size));
}
