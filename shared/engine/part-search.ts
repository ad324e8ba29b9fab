/**
 * A hybrid search of an index that lies in parts, step by step: what its words are worth depends on all pages, and so does how scores
 * are fused. Each part counts the words, ranks its pages by the counts of all, and shows those that are among the best of all.
 *
 * @module
 */
import { KernelQuery } from "../kernel/kernel-query.ts";
import { QueryTables } from "../kernel/query-tables.ts";
import type {
  EncodedQuery,
  PageHit,
  PartPage,
  PartRanking,
  SearchRequest,
  ShownPages,
  StepCost,
  TermCounts,
} from "./contract.ts";
import { fullHits } from "./hits.ts";
import { countTerms } from "./lexical/score-terms.ts";
import { weightsOf } from "./lexical/term-weighting.ts";
import { checkQuery } from "./query-check.ts";
import type { ReadSession } from "./read-session.ts";
import { rankByCodes, rankByVectors, type RankedPage, type RerankContext, unranked } from "./rerank.ts";
import { type EngineParts, withRanking } from "./search.ts";
import { beginReading, beginSearch, resultOf } from "./search-work.ts";
import { ReleaseStack } from "./shared-resident.ts";
import type { IndexSnapshot } from "./snapshot.ts";
import { StageTimes } from "./stage-times.ts";

/** See `SearchableIndex.countTerms`. */
export async function countSnapshotTerms(
  snapshot: IndexSnapshot,
  text: string,
  parts: EngineParts,
): Promise<{ counts: TermCounts; manifestVersion: number; cost: StepCost }> {
  const times = new StageTimes(parts.nowMs);
  const session = beginReading(snapshot, parts);
  const counts = await times.runAsync("lexical", () => countTerms(text, { snapshot, session, cache: parts.terms }));
  return { counts, manifestVersion: snapshot.manifest.version, cost: costOf(session, times) };
}

/** See `SearchableIndex.rankPart`. */
export async function rankSnapshot(
  snapshot: IndexSnapshot,
  request: SearchRequest,
  parts: EngineParts,
): Promise<PartRanking> {
  const work = await beginSearch(snapshot, { ...request, mode: "hybrid" }, parts);
  return await withRanking(work, async ({ query, pages, candidates, cellsRead, lexical }) => {
    const found = { hits: [], tokens: query.tokens, cellsRead, candidates, lexical };
    const { hits: _, ...result } = resultOf(found, work);
    const ranked = pages.map(({ position, score, best }) => ({
      position,
      vectorScore: score,
      wordScore: lexical?.scoreOf(position) ?? 0,
      isExact: best !== undefined,
    }));
    return { ...result, pages: ranked };
  });
}

/** See `SearchableIndex.showPart`. */
export async function showSnapshot(
  snapshot: IndexSnapshot,
  { query, pages, termWeighting }: ShownPages,
  parts: EngineParts,
): Promise<{ hits: PageHit[]; manifestVersion: number; cost: StepCost }> {
  checkQuery(query, snapshot.manifest);
  const times = new StageTimes(parts.nowMs);
  const session = beginReading(snapshot, parts);
  const context = { ...parts, snapshot, session, times };
  const weights = termWeighting === undefined ? undefined : weightsOf(termWeighting);
  const hits = await withTables(query, context, async (tables) => {
    const scored = await scoredAgain(pages, tables, context);
    return await times.runAsync("hits", () => fullHits(scored, query, tables, context, weights));
  });
  return { hits, manifestVersion: snapshot.manifest.version, cost: costOf(session, times) };
}

async function withTables<T>(
  query: EncodedQuery,
  { kernel, snapshot }: EngineParts & RerankContext,
  use: (tables: QueryTables) => Promise<T[]>,
): Promise<T[]> {
  const codebook = snapshot.codebook?.value;
  if (codebook === undefined) return [];
  const held = new ReleaseStack();
  try {
    const kernelQuery = held.use(new KernelQuery(kernel, query.vectors, query.tokenCount, query.dim));
    return await use(held.use(QueryTables.onDemand(kernelQuery, codebook)));
  } finally {
    held.release();
  }
}

const WITHOUT_VECTORS = { exact: 0, contenderMargin: undefined, settledByBags: undefined };

/** `pages` with what made their scores, by what they were ranked by. What ranking read of them is in the caches, as a rule. */
async function scoredAgain(
  pages: readonly PartPage[],
  tables: QueryTables,
  context: RerankContext,
): Promise<RankedPage[]> {
  const ofKind = (isExact: boolean) =>
    unranked(
      pages.filter((page) => page.isExact === isExact).map(({ position }) => position),
      context.snapshot,
    );
  const [byVectors, byCodes] = [ofKind(true), ofKind(false)];
  const plan = { exact: byVectors.length, contenderMargin: undefined, settled: undefined };
  const scored = await context.times.runAsync("exact", () => rankByVectors(byVectors, plan, tables, context));
  scored.push(
    ...(byCodes.length === 0
      ? []
      : await rankByCodes(byCodes, { ...WITHOUT_VECTORS, keep: byCodes.length }, tables, context)),
  );
  const byPosition = new Map(scored.map((page) => [page.position, page]));
  return pages.flatMap(({ position }) => {
    const page = byPosition.get(position);
    return page === undefined ? [] : { ...page, score: 0 };
  });
}

function costOf(session: ReadSession, times: StageTimes): StepCost {
  return { ...session.counts, ...times.report() };
}
