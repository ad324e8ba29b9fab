/**
 * One search, from encoded query to hits, over one snapshot.
 *
 * @module
 */
import type { Kernel, KernelCodebook } from "../kernel/kernel.ts";
import { KernelQuery } from "../kernel/kernel-query.ts";
import { QueryTables } from "../kernel/query-tables.ts";
import type { HedgePolicy } from "../store/hedge-policy.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { findCandidates } from "./candidates.ts";
import type { PageHit, SearchRequest, SearchResult } from "./contract.ts";
import { type PageSelection, selectPages } from "./filter.ts";
import { bareHits, fullHits } from "./hits.ts";
import { planSearch, type SearchPlan } from "./plan.ts";
import { checkCounts, checkQuery } from "./query-check.ts";
import { ReadSession } from "./read-session.ts";
import type { RecordCaches } from "./record-cache.ts";
import { rankByCodes, rankByVectors } from "./rerank.ts";
import { ReleaseStack } from "./shared-resident.ts";
import type { IndexSnapshot } from "./snapshot.ts";
import { StageTimes } from "./stage-times.ts";

/** What an opened index lends to its searches. */
export interface EngineParts {
  kernel: Kernel;
  store: ObjectStore;
  /** The isolate's; undefined: slow reads are not asked for twice. */
  hedging: HedgePolicy | undefined;
  caches: RecordCaches;
  /** Milliseconds from any start. */
  nowMs: () => number;
}

/**
 * Searches `snapshot`, which the caller keeps retained meanwhile.
 *
 * Errors: `invalid_request`, `invalid_filter`, `empty_query`, `query_too_long`, `recipe_mismatch`, `overloaded`, and what
 * reading gives (`corrupt_data`, `store_unavailable`).
 */
export async function searchSnapshot(
  snapshot: IndexSnapshot,
  request: SearchRequest,
  parts: EngineParts,
): Promise<SearchResult> {
  const times = new StageTimes(parts.nowMs);
  checkQuery(request.query, snapshot.manifest);
  checkCounts(request);
  const selection = selectPages(snapshot, request.filter);
  const plan = planSearch(request, selection.pageCount, snapshot.manifest.recipe.interaction);
  const session = new ReadSession(parts.store, { hedging: parts.hedging });
  const codebook = snapshot.codebook?.value;
  const hits =
    codebook === undefined || plan.hits === 0
      ? []
      : await findHits(request, plan, { ...parts, snapshot, codebook, selection, session, times });
  return {
    hits,
    pagesMatched: selection.pageCount,
    manifestVersion: snapshot.manifest.version,
    performance: {
      path: "resident",
      candidateSource: "bags",
      nprobe: undefined,
      accuracy: undefined,
      cellsRead: 0,
      pagesSearched: selection.pageCount,
      candidates: plan.candidates,
      exactPages: plan.exact,
      ...session.counts,
      ...times.report(),
    },
  };
}

interface SearchWork extends EngineParts {
  snapshot: IndexSnapshot;
  codebook: KernelCodebook;
  selection: PageSelection;
  session: ReadSession;
  times: StageTimes;
}

async function findHits(request: SearchRequest, plan: SearchPlan, work: SearchWork): Promise<PageHit[]> {
  const { kernel, times } = work;
  const { vectors, tokenCount, dim } = request.query;
  const held = new ReleaseStack();
  try {
    const query = held.use(new KernelQuery(kernel, vectors, tokenCount, dim));
    const tables = held.use(QueryTables.forAll(query, work.codebook));
    const positions = findCandidates(kernel, work.snapshot, work.selection, tables, plan.candidates, times);
    const byCodes = await rankByCodes(positions, tables, work);
    const ranked = await times.runAsync("exact", () => rankByVectors(byCodes, plan.exact, query, work));
    const shown = ranked.slice(0, plan.hits);
    if (request.bare === true) return bareHits(shown);
    return await times.runAsync("hits", () => fullHits(shown, request.query, tables, work));
  } finally {
    held.release();
  }
}
