/**
 * Second and third stage: MaxSim by PQ codes on the candidates, then by exact vectors on the best of them.
 *
 * @module
 */
import { exactTokenBest, totalScore } from "../kernel/exact-scorer.ts";
import type { KernelQuery, TokenBest } from "../kernel/kernel-query.ts";
import type { QueryTables } from "../kernel/query-tables.ts";
import type { ReadSession } from "./read-session.ts";
import type { PageRef, RecordCaches } from "./record-cache.ts";
import type { IndexSnapshot } from "./snapshot.ts";
import type { StageTimes } from "./stage-times.ts";
import { comesBefore } from "./top-k.ts";

/** Codes held at once besides the cache: 512 pages are 6 to 10 MB. More candidates go batch by batch. */
const CODES_BATCH_PAGES = 512;
/** The same for exact vectors: 64 pages are 5 to 8 MB. */
const VECTORS_BATCH_PAGES = 64;

/** A page with its score so far. */
export interface RankedPage extends PageRef {
  /** See `IndexSnapshot.locate`. */
  readonly position: number;
  readonly score: number;
  /** What made the score, when exact vectors did. */
  readonly best: TokenBest | undefined;
}

/** What both stages work with. */
export interface RerankContext {
  snapshot: IndexSnapshot;
  caches: RecordCaches;
  session: ReadSession;
  times: StageTimes;
}

/** The pages at `positions` by PQ MaxSim, best first. Errors: those of reading. */
export async function rankByCodes(
  positions: readonly number[],
  tables: QueryTables,
  context: RerankContext,
): Promise<RankedPage[]> {
  const ranked: RankedPage[] = [];
  for (const batch of batches(positions, CODES_BATCH_PAGES)) {
    const pages = batch.map((position) => ({ position, ...context.snapshot.locate(position) }));
    const codes = await context.times.runAsync("rerank", () => context.caches.codes.read(pages, context.session));
    const totals = new Float64Array(pages.length);
    for (let block = 0; block < tables.blockCount; block++) {
      context.times.run("tables", () => tables.prepare(block));
      context.times.run("rerank", () => tables.addPqScores(codes, totals));
    }
    for (const [i, page] of pages.entries()) ranked.push({ ...page, score: totals[i] ?? 0, best: undefined });
  }
  return ranked.sort(byScore);
}

/**
 * `pages` (best first) with the first `count` of them scored by exact vectors and ordered anew. The rest follows in its
 * order: codes place it below, and their scores are cut to the lowest exact one, so that order and score agree.
 */
export async function rankByVectors(
  pages: readonly RankedPage[],
  count: number,
  query: KernelQuery,
  context: RerankContext,
): Promise<RankedPage[]> {
  const exact: RankedPage[] = [];
  for (const batch of batches(pages.slice(0, count), VECTORS_BATCH_PAGES)) {
    const vectors = await context.caches.vectors.read(batch, context.session);
    for (const [i, page] of batch.entries()) {
      const record = vectors[i];
      if (record === undefined) continue;
      const best = exactTokenBest(query, record);
      exact.push({ ...page, score: totalScore(best), best });
    }
  }
  exact.sort(byScore);
  const lowest = exact.at(-1)?.score ?? Number.POSITIVE_INFINITY;
  return [...exact, ...pages.slice(count).map((page) => ({ ...page, score: Math.min(page.score, lowest) }))];
}

function byScore(a: RankedPage, b: RankedPage): number {
  return comesBefore(a.score, a.position, b.score, b.position) ? -1 : 1;
}

function batches<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, i) => items.slice(i * size, (i + 1) * size));
}
