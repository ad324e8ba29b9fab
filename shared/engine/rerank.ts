/**
 * Second and third stage: MaxSim by PQ codes on the candidates, then by exact vectors on the best of them.
 *
 * Of a page's exact vectors only the *contenders* are scored: those that some query token scores within a margin of its best by
 * PQ, which errs by less than that almost always. See `CONTENDER_MARGIN` in plan.ts.
 *
 * @module
 */
import type { PageCodes, PageRecord, PageVectors } from "../format/contract.ts";
import { type ContendedPage, contenderBests } from "../kernel/contender-scorer.ts";
import { exactTokenBests, totalScore } from "../kernel/exact-scorer.ts";
import type { TokenBest } from "../kernel/kernel-query.ts";
import { LANES } from "../kernel/query-block.ts";
import type { ContendedCodes, QueryTables } from "../kernel/query-tables.ts";
import { LengthPrior } from "../recipe/length-prior.ts";
import type { PageHit } from "./contract.ts";
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
  /** What the recipe's length prior took off the score by vectors; undefined when it has none, and of pages without one. */
  readonly lengthPenalty?: number | undefined;
  /** What made the score, when exact vectors did. */
  readonly best: TokenBest | undefined;
  /** Its codes, for as many pages as later stages look at; undefined for pages that codes did not score. */
  readonly codes: PageCodes | undefined;
  /** Its best scores by codes, which contenders are told from; undefined where {@link codes} are. */
  readonly maxima?: Int16Array | undefined;
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
  const { times, caches, session, snapshot } = context;
  const readsWhole = pages.length <= MAX_WHOLE_RECORDS;
  const prior = LengthPrior.of(snapshot.manifest.recipe, tables.query.tokenCount);
  let ranked: RankedPage[] = [];
  for (const batch of batches(pages, CODES_BATCH_PAGES)) {
    const records = readsWhole ? await times.runAsync("rerank", () => caches.records.read(batch, session)) : undefined;
    const codes =
      records?.map((record) => record.codes) ??
      (await times.runAsync("rerank", () => caches.codes.read(batch, session)));
    const totals = new Float64Array(batch.length);
    const pageMaxima = tables.blockCount * LANES;
    const maxima = new Int16Array(batch.length * pageMaxima);
    for (let block = 0; block < tables.blockCount; block++) {
      times.run("tables", () => tables.prepare(block));
      times.run("rerank", () => tables.addPqScores(codes, totals, maxima));
    }
    for (const [i, page] of batch.entries()) {
      const ofPage = maxima.subarray(i * pageMaxima, (i + 1) * pageMaxima);
      const lengthPenalty = prior?.penaltyOf(vectorCountOf(page));
      const score = (totals[i] ?? 0) - (lengthPenalty ?? 0);
      ranked.push({ ...page, score, lengthPenalty, codes: codes[i], maxima: ofPage, record: records?.[i] });
    }
    ranked.sort(byScore);
    ranked = ranked.map((page, rank) =>
      rank < keep ? page : { ...page, codes: undefined, maxima: undefined, record: undefined },
    );
  }
  return ranked;
}

/**
 * `pages` (best first) with the first `plan.exact` of them scored by exact vectors: by their contenders, or by all of those that
 * codes did not score and of a dense recipe, whose pages have few. Pages beyond follow in their order: the stage before places
 * them below, and their scores are cut to the lowest one above, so that order and score agree.
 */
export async function rankByVectors(
  pages: readonly RankedPage[],
  plan: Pick<SearchPlan, "exact" | "contenderMargin">,
  tables: QueryTables,
  { caches, session, snapshot }: RerankContext,
): Promise<RankedPage[]> {
  const prior = LengthPrior.of(snapshot.manifest.recipe, tables.query.tokenCount);
  const exact: RankedPage[] = [];
  for (const batch of batches(pages.slice(0, plan.exact), VECTORS_BATCH_PAGES)) {
    const vectors = await caches.vectors.read(batch, session);
    const bests = bestsByVectors(batch, vectors, plan.contenderMargin, tables);
    for (const [i, page] of batch.entries()) {
      const best = bests[i];
      if (best === undefined) continue;
      const lengthPenalty = prior?.penaltyOf(vectorCountOf(page));
      exact.push({ ...page, score: totalScore(best) - (lengthPenalty ?? 0), lengthPenalty, best });
    }
  }
  exact.sort(byScore);
  const lowest = exact.at(-1)?.score ?? Number.POSITIVE_INFINITY;
  return [...exact, ...pages.slice(plan.exact).map((page) => ({ ...page, score: Math.min(page.score, lowest) }))];
}

function vectorCountOf({ segment, page }: PageRef): number {
  return segment.vectorCounts[page] ?? 0;
}

/** Of each page, by its contenders or by all of its vectors. */
function bestsByVectors(
  pages: readonly RankedPage[],
  vectors: readonly PageVectors[],
  margin: number | undefined,
  tables: QueryTables,
): TokenBest[] {
  const contended: (ContendedPage & ContendedCodes)[] = [];
  const whole: { vectors: PageVectors; positions: undefined }[] = [];
  const isContended = pages.map(({ codes, maxima }, i) => {
    const ofPage = vectors[i];
    if (ofPage === undefined) throw new RangeError("a page has no vectors");
    if (margin === undefined || codes === undefined || maxima === undefined) {
      whole.push({ vectors: ofPage, positions: undefined });
      return false;
    }
    const masks = new Uint32Array(tables.blockCount * codes.centroidIds.length);
    contended.push({ vectors: ofPage, codes, maxima, masks });
    return true;
  });
  if (margin !== undefined && contended.length > 0) {
    for (let block = 0; block < tables.blockCount; block++) {
      tables.prepare(block);
      tables.markContenders(contended, margin);
    }
  }
  const bests = { contended: contenderBests(tables.query, contended), whole: exactTokenBests(tables.query, whole) };
  return isContended.flatMap((is) => (is ? bests.contended : bests.whole).shift() ?? []);
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

function byScore(a: RankedPage, b: RankedPage): number {
  return comesBefore(a.score, a.position, b.score, b.position) ? -1 : 1;
}

function batches<T>(items: readonly T[], size: number): T[][] {
  const count = Math.ceil(items.length / size);
  return Array.from({ length: count }, (_, i) => items.slice(i * size, (i + 1) * size));
}
