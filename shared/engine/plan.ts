/**
 * How many pages each stage of a search looks at.
 *
 * Each stage is dearer and surer than the one before: a bag is 0.3 µs a page and orders pages roughly, PQ codes are 10 to 20 µs,
 * exact vectors 100 to 200 µs and, when cold, a read of about 84 KB each. So a stage keeps just enough pages that the best
 * k are almost surely among them. Measured on 2,862 pages of filings (1.87 M vectors, top 10 of exact float MaxSim):
 *
 * | pages kept by bags (4,096 / 16,384 centroids) | 32 | 64 | 128 |
 * |---|---|---|---|
 * | share of the exact top 10 among them | .846 / .943 | .951 / .995 | .993 / .998 |
 *
 * and the best 16 by 16-byte PQ codes hold .952 / .977 of it. With the defaults below, recall against exact float MaxSim is
 * .996 at 10 and at 100 on Cranfield (1,398 abstracts, 225 queries, 8,192 centroids, 16 bytes a vector); without exact
 * vectors it is .908 and .911.
 *
 * A dense recipe has one query vector, and one or a few vectors a page: bags cannot tell the pages of one cluster apart,
 * while codes and exact vectors cost a hundredth. On Cranfield (one vector a page, 128 centroids) recall@10 is .914 with
 * 128 candidates and 32 exact pages, .984 with 400 and 32, .994 with 1,000 and 250.
 *
 * @module
 */
import { MAX_K } from "../limits.ts";
import type { Recipe } from "../recipe/recipe.ts";
import type { SearchRequest } from "./contract.ts";

/** 128 pages hold .993 of the exact top 10 even with few centroids; 1.5 MB of codes to read when cold. */
export const MIN_CANDIDATES = 128;
/** For k above 32, where the k-th page is harder to tell from the next ones. */
export const CANDIDATES_PER_HIT = 4;
/** Twice the 16 pages that hold .977: the last 2 % are what exact vectors are read for. */
export const MIN_EXACT_PAGES = 32;
/** Of a dense recipe: 1,000 pages are about 50 KB of codes, */
export const MIN_DENSE_CANDIDATES = 1_000;
/** and 250 are about 100 KB of exact vectors. */
export const MIN_DENSE_EXACT_PAGES = 250;
/** Deeper lists get half again as many as are shown, */
export const EXACT_PAGES_PER_HIT = 1.5;
/** up to this: 160 pages are 13 MB of cold reads and 25 ms. Ranks beyond keep the order of their codes. */
export const MAX_EXACT_PAGES = 160;

export interface SearchPlan {
  /** Pages returned at most. */
  hits: number;
  /** Pages whose codes are scored. */
  candidates: number;
  /** Pages whose exact vectors are scored; at most `candidates`. */
  exact: number;
}

/** The plan for `request` when `matchedPages` pages may be returned. What the request asks for comes before the defaults. */
export function planSearch(
  request: Pick<SearchRequest, "k" | "candidates" | "exact">,
  matchedPages: number,
  interaction: Recipe["interaction"],
): SearchPlan {
  const isDense = interaction === "dense";
  const minCandidates = isDense ? MIN_DENSE_CANDIDATES : MIN_CANDIDATES;
  const hits = Math.min(request.k, matchedPages, MAX_K);
  const wanted = request.candidates ?? Math.max(minCandidates, CANDIDATES_PER_HIT * hits);
  const candidates = Math.min(matchedPages, Math.max(hits, wanted));
  const deepEnough = Math.ceil(EXACT_PAGES_PER_HIT * hits);
  const usual = isDense
    ? Math.max(MIN_DENSE_EXACT_PAGES, deepEnough)
    : Math.min(MAX_EXACT_PAGES, Math.max(MIN_EXACT_PAGES, deepEnough));
  const exact = request.exact ?? usual;
  return { hits, candidates, exact: Math.min(candidates, exact) };
}
