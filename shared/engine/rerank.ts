/**
 * Second and third stage: MaxSim by PQ codes on the candidates, then by exact vectors on the best of them.
 *
 * Of a page's exact vectors only the *contenders* are scored: those that some query token scores within a margin of its best by
 * PQ, which errs by less than that almost always. See `CONTENDER_MARGIN` in plan.ts.
 *
 * @module
 */
import type { PageCodes, PageRecord, PageVectors } from "../format/contract.ts";
import { contenderBests } from "../kernel/contender-scorer.ts";
import { exactTokenBests, totalScore } from "../kernel/exact-scorer.ts";
import type { KernelQuery, TokenBest } from "../kernel/kernel-query.ts";
import type { QueryTables } from "../kernel/query-tables.ts";
import { LengthPrior } from "../recipe/length-prior.ts";
import type { PageHit } from "./contract.ts";
import type { ReadSession } from "./read-session.ts";
import type { PageRef, RecordCaches } from "./record-cache.ts";
import { BAG_SLACK, EXACT_SLACK, type SearchPlan } from "./plan.ts";
import type { IndexSnapshot } from "./snapshot.ts";
import type { StageTimes } from "./stage-times.ts";
import { comesBefore, WorstFirstHeap } from "./top-k.ts";

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
  /** What the recipe's length prior took off the score by vectors; undefined when it has none, and of pages without one. */
  readonly lengthPenalty?: number | undefined;
  /** What made the score, when exact vectors did. */
  readonly best: TokenBest | undefined;
  /** Its codes, for as many pages as later stages look at; undefined for pages that codes did not score. */
  readonly codes: PageCodes | undefined;
  /** Its contenders (see `ContendedPage`), for as many pages as exact vectors look at. */
  readonly masks?: Uint32Array | undefined;
  /** The same with its layout, when the two were read together. */
  readonly record: PageRecord | undefined;
  /** What `score` was fused from, in a hybrid search. */
  readonly scores?: PageHit["scores"];
}

/** What all stages work with. */
export interface RerankContext {
  snapshot: IndexSnapshot;
  caches: RecordCaches;
  session: ReadSession;
  times: StageTimes;
}

/** The pages at `positions`, in their order, with `scores` or not scored yet. */
export function unranked(
  positions: readonly number[],
  snapshot: IndexSnapshot,
  scores?: readonly number[],
): RankedPage[] {
  return positions.map((position, i) => {
    const { segment, page } = snapshot.locate(position);
    const score = scores?.[i] ?? 0;
    return { position, segment, page, score, best: undefined, codes: undefined, record: undefined };
  });
}

/** How many of the pages later stages look at. */
export interface CodesPlan extends Pick<SearchPlan, "exact" | "contenderMargin"> {
  /** Those whose codes they need; at least `exact`. */
  keep: number;
  /** Pages come in the order of their scores by bags, and only so many best ones matter; undefined: all pages do. */
  settledByBags: number | undefined;
}

/**
 * `pages` by PQ MaxSim, best first; the first `plan.keep` with their codes. Once the best `plan.settledByBags` lead the next page's
 * score by bags by {@link BAG_SLACK} a token, that one and those after it are left out: they are not expected among the hits.
 *
 * Errors: those of reading.
 */
export async function rankByCodes(
  pages: readonly RankedPage[],
  plan: CodesPlan,
  tables: QueryTables,
  context: RerankContext,
): Promise<RankedPage[]> {
  const { times, caches, session, snapshot } = context;
  const readsWhole = pages.length <= MAX_WHOLE_RECORDS;
  const prior = LengthPrior.of(snapshot.manifest.recipe, tables.query.tokenCount);
  const margin = plan.exact === 0 ? undefined : plan.contenderMargin;
  const mayStop = plan.contenderMargin !== undefined && plan.settledByBags !== undefined;
  const marking: Marking = {
    best: new WorstFirstHeap(plan.exact),
    margin,
    hits: new WorstFirstHeap(plan.settledByBags ?? 0),
    slack: mayStop ? BAG_SLACK * tables.query.tokenCount : Number.POSITIVE_INFINITY,
  };
  const ranked: Draft[] = [];
  for (const batch of batches(pages, CODES_BATCH_PAGES)) {
    const records = readsWhole ? await times.runAsync("rerank", () => caches.records.read(batch, session)) : undefined;
    const codes =
      records?.map((record) => record.codes) ??
      (await times.runAsync("rerank", () => caches.codes.read(batch, session)));
    const scored = batch.map((page, i): CodedDraft => {
      const lengthPenalty = prior?.penaltyOf(vectorCountOf(page));
      const score = -(lengthPenalty ?? 0);
      const record = records?.[i];
      const bagScore = page.score;
      return { ...page, score, bagScore, lengthPenalty, codes: required(codes[i]), masks: undefined, record };
    });
    let count = 0;
    for (const blocks of tables.blockGroups()) {
      times.run("tables", () => blocks.forEach((block) => tables.prepare(block)));
      count = times.run("rerank", () => addScores(scored, blocks, tables, marking));
    }
    ranked.push(...scored.slice(0, count));
    ranked.sort(byScore);
    for (const page of ranked.slice(plan.keep)) {
      page.codes = undefined;
      page.masks = undefined;
      page.record = undefined;
    }
    if (count < batch.length) break;
  }
  return ranked;
}

/** A page whose score is being made. */
type Draft = { -readonly [Field in keyof RankedPage]: RankedPage[Field] };
type CodedDraft = Draft & { codes: PageCodes; bagScore: number };

/** What codes settle besides the scores, over all batches. */
interface Marking {
  /** Pages that exact vectors may score, by codes. */
  best: WorstFirstHeap;
  /** Of their contenders; undefined: there are none. */
  margin: number | undefined;
  /** Pages that are the hits so far, by codes. */
  hits: WorstFirstHeap;
  /** How far below the last of them a page by its bag is not scored. */
  slack: number;
}

/**
 * Adds the scores of `blocks`, and marks the contenders of the pages that may be among the best: when all blocks are scored at
 * once those that are among the best so far, else all. Only then it may stop early.
 *
 * @returns how many pages, the first ones, were scored.
 */
function addScores(
  pages: readonly CodedDraft[],
  blocks: readonly number[],
  tables: QueryTables,
  { best, margin, hits, slack }: Marking,
): number {
  const isTotal = blocks.length === tables.blockCount;
  const all = pages.map(({ codes }) => codes);
  const scorer = tables.codesScorer(blocks, all, margin !== undefined);
  try {
    for (const [i, page] of pages.entries()) {
      if (isTotal && page.bagScore + slack < hits.floor) return i;
      page.score += scorer.score(page.codes);
      hits.offer(page.score, page.position);
      if (margin === undefined) continue;
      if (isTotal) {
        if (page.score < best.floor) continue;
        best.offer(page.score, page.position);
      }
      const masks = scorer.contenders(margin);
      page.masks = page.masks === undefined ? masks : joined(page.masks, masks);
    }
    return pages.length;
  } finally {
    scorer.release();
  }
}

function joined(first: Uint32Array, second: Uint32Array): Uint32Array {
  const both = new Uint32Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** Which pages exact vectors score. */
export interface ExactPlan extends Pick<SearchPlan, "exact" | "contenderMargin"> {
  /** Only the order of so many best pages matters; undefined: the scores of all do. */
  settled: number | undefined;
}

/**
 * `pages` (best first) with the first `plan.exact` of them scored by exact vectors: by their contenders, or by all of those of a
 * dense recipe, whose pages have few. Once the best `plan.settled` lead the next page's score by codes by {@link EXACT_SLACK} a
 * token, that one and those after it stay as they are: they are not expected back. Pages beyond follow in their order: the stage
 * before places them below, and their scores are cut to the lowest one above, so that order and score agree.
 */
export async function rankByVectors(
  pages: readonly RankedPage[],
  plan: ExactPlan,
  tables: QueryTables,
  { caches, session, snapshot }: RerankContext,
): Promise<RankedPage[]> {
  const { query } = tables;
  const prior = LengthPrior.of(snapshot.manifest.recipe, query.tokenCount);
  const slack = EXACT_SLACK * query.tokenCount;
  const mayStop = plan.contenderMargin !== undefined && plan.settled !== undefined;
  const best = new WorstFirstHeap(plan.settled ?? 0);
  const exact: RankedPage[] = [];
  const isSettled = () => mayStop && (pages[exact.length]?.score ?? 0) + slack < best.floor;
  for (const batch of batches(pages.slice(0, plan.exact), VECTORS_BATCH_PAGES)) {
    if (isSettled()) break;
    const vectors = await caches.vectors.read(batch, session);
    for (const tokenBest of bestsByVectors(batch, vectors, plan.contenderMargin, query)) {
      const page = required(pages[exact.length]);
      const lengthPenalty = prior?.penaltyOf(vectorCountOf(page));
      const score = totalScore(tokenBest) - (lengthPenalty ?? 0);
      exact.push({ ...page, score, lengthPenalty, best: tokenBest });
      best.offer(score, page.position);
      if (isSettled()) break;
    }
  }
  const rest = pages.slice(exact.length);
  exact.sort(byScore);
  const lowest = exact.at(-1)?.score ?? Number.POSITIVE_INFINITY;
  return [...exact, ...rest.map((page) => (page.score <= lowest ? page : { ...page, score: lowest }))];
}

function vectorCountOf({ segment, page }: PageRef): number {
  return segment.vectorCounts[page] ?? 0;
}

/** Of each page, by its contenders or, without a margin, by all of its vectors. */
function bestsByVectors(
  pages: readonly RankedPage[],
  vectors: readonly PageVectors[],
  margin: number | undefined,
  query: KernelQuery,
): Iterable<TokenBest> {
  if (margin === undefined) {
    return exactTokenBests(
      query,
      vectors.map((ofPage) => ({ vectors: ofPage, positions: undefined })),
    );
  }
  return contenderBests(
    query,
    pages.map(({ masks }, i) => ({ vectors: required(vectors[i]), masks: required(masks) })),
  );
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

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new RangeError("a page has no codes, no contenders or no vectors");
  return value;
}

function byScore(a: RankedPage, b: RankedPage): number {
  return comesBefore(a.score, a.position, b.score, b.position) ? -1 : 1;
}

function batches<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, i) => items.slice(i * size, (i + 1) * size));
}
