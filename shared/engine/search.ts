/**
 * One search, from encoded query to hits, over one snapshot.
 *
 * @module
 */
import { KernelQuery } from "../kernel/kernel-query.ts";
import type { Kernel, KernelCodebook } from "../kernel/kernel.ts";
import { QueryTables } from "../kernel/query-tables.ts";
import type { HedgePolicy } from "../store/hedge-policy.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { candidatesFromBags } from "./candidates/from-bags.ts";
import { candidatesFromLists, type ListCandidates } from "./candidates/from-lists.ts";
import type { EncodedQuery, SearchRequest, SearchResult } from "./contract.ts";
import { bareHits, fullHits } from "./hits.ts";
import { fusePages, withPagesByWords } from "./lexical/mode-ranking.ts";
import { fusionFor } from "./lexical/mode.ts";
import type { LexicalRanking } from "./lexical/score-terms.ts";
import { beginWords, searchByWords } from "./lexical/search-by-words.ts";
import type { TermCache } from "./lexical/term-cache.ts";
import { needsAllRows } from "./planner/rows.ts";
import type { RecordCaches } from "./record-cache.ts";
import { rankByCodes, rankByVectors, type RankedPage, unranked } from "./rerank.ts";
import { beginSearch, type Found, resultOf, type SearchWork, takesAll, vectorsOf } from "./search-work.ts";
import type { PageSelection } from "./selection.ts";
import { ReleaseStack } from "./shared-resident.ts";
import type { IndexSnapshot } from "./snapshot.ts";

/** What an opened index lends to its searches. */
export interface EngineParts {
  kernel: Kernel;
  store: ObjectStore;
  /** The isolate's; undefined: slow reads are not asked for twice. */
  hedging: HedgePolicy | undefined;
  caches: RecordCaches;
  terms: TermCache;
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
  const work = await beginSearch(snapshot, request, parts);
  return resultOf(work.mode === "lexical" ? await searchByWords(work) : await searchByVectors(work), work);
}

async function searchByVectors(work: SearchWork): Promise<Found> {
  const { request, snapshot, plan, times } = work;
  return await withRanking(work, async ({ query, tables, pages, candidates, cellsRead, lexical }) => {
    const fused = lexical === undefined ? pages : fusePages(pages, lexical, fusionFor(snapshot.manifest.recipe));
    const shown = fused.slice(0, plan.hits);
    const hits =
      tables === undefined
        ? []
        : await times.runAsync("hits", () =>
            request.bare === true ? bareHits(shown, work) : fullHits(shown, query, tables, work, lexical?.weights),
          );
    return { hits, tokens: query.tokens, cellsRead, candidates, lexical };
  });
}

/** The pages that vectors, and words in a hybrid search, found; by their scores by vectors. */
export interface Ranking {
  query: EncodedQuery;
  /** Undefined when there is no page that can be found. */
  tables: QueryTables | undefined;
  pages: RankedPage[];
  /** How many pages that was found among. */
  candidates: number;
  cellsRead: number;
  /** In a hybrid search. */
  lexical: LexicalRanking | undefined;
}

/** Runs `use` with what is found; tables are there for as long. Errors: those of a search. */
export async function withRanking<T>(work: SearchWork, use: (ranking: Ranking) => Promise<T>): Promise<T> {
  const { kernel, snapshot, plan } = work;
  const codebook = plan.hits === 0 ? undefined : snapshot.codebook?.value;
  // Begun first, so that words are read while vectors are made and candidates are looked for.
  const byWords = codebook === undefined ? undefined : beginWords(work);
  const query = await vectorsOf(work);
  if (codebook === undefined) {
    return await use({ query, tables: undefined, pages: [], candidates: 0, cellsRead: 0, lexical: undefined });
  }
  const held = new ReleaseStack();
  try {
    const kernelQuery = held.use(new KernelQuery(kernel, query.vectors, query.tokenCount, query.dim));
    const tables = held.use(tablesFor(kernelQuery, codebook, work));
    return await use({ query, tables, ...(await rankPages(tables, work, byWords)) });
  } finally {
    held.release();
  }
}

function tablesFor(
  query: KernelQuery,
  codebook: KernelCodebook,
  { plan, snapshot, selection }: SearchWork,
): QueryTables {
  const finds = !takesAll(plan, selection);
  const scansBags = finds && snapshot.holding === "bags";
  const probes = finds && !scansBags;
  const needsAll = scansBags || needsAllRows(snapshot.manifest, plan, { tokenCount: query.tokenCount, probes });
  // Exact vectors alone need no row.
  return needsAll && !plan.exhaustive ? QueryTables.forAll(query, codebook) : QueryTables.onDemand(query, codebook);
}

/** @param byWords what is found by words, to be ranked as well. */
async function rankPages(
  tables: QueryTables,
  work: SearchWork,
  byWords: Promise<LexicalRanking> | undefined,
): Promise<Pick<Ranking, "pages" | "candidates" | "cellsRead" | "lexical">> {
  const { plan, snapshot, times } = work;
  const [{ positions, bagScores, cellsRead }, lexical] = await Promise.all([findCandidates(tables, work), byWords]);
  const found = unranked(withPagesByWords(positions, lexical), snapshot, bagScores);
  const keep = lexical === undefined ? Math.max(plan.exact, plan.hits) : found.length;
  // Where words count too, a page that vectors place lower may be among the hits.
  const settled = lexical === undefined ? plan.hits : undefined;
  const settledByBags = bagScores === undefined ? undefined : settled;
  const byCodes = plan.exhaustive ? found : await rankByCodes(found, { ...plan, keep, settledByBags }, tables, work);
  const pages = await times.runAsync("exact", () => rankByVectors(byCodes, { ...plan, settled }, tables, work));
  return { pages, candidates: found.length, cellsRead, lexical };
}

type Candidates = Omit<ListCandidates, "bagScores"> & { bagScores?: number[] | undefined };

/** @returns `bagScores` only of pages that come in their order, by bags that are known. */
async function findCandidates(tables: QueryTables, work: SearchWork): Promise<Candidates> {
  const { plan, snapshot, selection, session, times } = work;
  if (takesAll(plan, selection)) return { positions: selectedPositions(snapshot, selection), cellsRead: 0 };
  if (snapshot.holding === "bags") {
    return { ...candidatesFromBags(snapshot, selection, tables, plan.candidates, times), cellsRead: 0 };
  }
  const found = await candidatesFromLists(snapshot, selection, tables, plan, { store: session.store, times });
  const { positions, bagScores, cellsRead } = found;
  if (positions.length >= plan.hits) {
    // Of lists that are read within a budget many are missing: what the cut-offs say of them is a guess.
    return { positions, bagScores: snapshot.holding === "lists" ? bagScores : undefined, cellsRead };
  }
  // Pages on no list that was looked at: better some than fewer than were asked for.
  const known = new Set(positions);
  const others = selectedPositions(snapshot, selection).filter((position) => !known.has(position));
  return { positions: [...positions, ...others.slice(0, plan.hits - known.size)], cellsRead };
}

function selectedPositions(snapshot: IndexSnapshot, selection: PageSelection): number[] {
  const positions: number[] = [];
  for (const segment of snapshot.scanned) {
    const mask = selection.masks.get(segment);
    if (mask === undefined) continue;
    // Most of a million pages may be left out: `indexOf` passes over them natively.
    for (let page = mask.indexOf(1); page !== -1; page = mask.indexOf(1, page + 1)) {
      positions.push(segment.firstPosition + page);
    }
  }
  return positions;
}
