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
 * and the best 16 by 16-byte PQ codes hold .952 / .977 of it. What the stages together reach, 16 bytes a vector, with candidates ×
 * exact pages, by `node test/bench/peers/run.ts --vectors FOLDER --settings JSON`:
 *
 * | recall@10: | 64 × 16 | 64 × 24 | 64 × 32 | 128 × 32 | 256 × 128 | recall@100: 300 × 125 | 300 × 150 |
 * |---|---|---|---|---|---|---|---|
 * | 1,398 abstracts of Cranfield, 4,096 centroids, 200 queries | .984 | .994 | .994 | .995 | .995 | .982 | .989 |
 * | 1,176 pages of filings, 16,384 centroids, 33 queries | .970 | .991 | .994 | .994 | .994 | .982 | .989 |
 *
 * (every page of those scored; with {@link EXACT_SLACK} and {@link BAG_SLACK} the default of 64 × 28 finds .992 on Cranfield and .994 on the
 * filings).
 *
 * From lists instead of bags, 128 × 32 (16 pages in full instead of contenders), nprobe 16 / 32 / 64: .991 / .996 / .996 on Cranfield, .970 / .985 / .991 on the filings.
 *
 * A dense recipe has one query vector, and one or a few vectors a page: bags cannot tell the pages of one cluster apart,
 * while codes and exact vectors cost a hundredth. On Cranfield (one vector a page, 128 centroids) recall@10 is .914 with
 * 128 candidates and 32 exact pages, .984 with 400 and 32, .994 with 1,000 and 250.
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import type { Calibration } from "../format/manifest.ts";
import { MAX_K } from "../limits.ts";
import type { Recipe } from "../recipe/recipe.ts";
import type { SearchRequest } from "./contract.ts";
import { isCalibrated, measuredRecall, type SearchSettings, settingsFor } from "./planner/accuracy.ts";
import type { Holding } from "./planner/holding.ts";

/** 64 pages hold .995 of the exact top 10 of 2,862; .8 MB of codes to read when cold. */
export const MIN_CANDIDATES = 64;
/**
 * More pages crowd the ranks, those of a company's reports of several years above all: beyond this many matched ones, every tenfold
 * has four times the candidates, up to four times as many. Of 5,496 pages of 41 filings (4.0 M vectors, 32,768 centroids, 77 queries)
 * 70 / 128 / 160 / 200 candidates with 28 exact pages find .951 / .977 / .982 / .984 of the exact top 10.
 */
const CROWDED_PAGES = 1_200;
const GROWTH_PER_TENFOLD = 4;
const MAX_CROWDING = 4;
/**
 * For lists of more than 20, where the k-th page is harder to tell from the next ones; of crowded pages by the root of that more. On the 41
 * filings 300 × 125 / 400 × 150 / 474 × 125 / 600 × 160 find .911 / .953 / .944 / .976 of the exact top 100.
 */
export const CANDIDATES_PER_HIT = 3;
/**
 * Nearly twice the 16 pages that hold .977. Among near duplicates more count: of 1,000, 10,000 and 100,000 synthetic pages 24 find .969,
 * .975 and .981 of the exact top 10, 28 find .978, .984 and .987.
 */
export const MIN_EXACT_PAGES = 28;
/** Of a dense recipe: 1,000 pages are about 50 KB of codes, */
export const MIN_DENSE_CANDIDATES = 1_000;
/** and 250 are about 100 KB of exact vectors. */
export const MIN_DENSE_EXACT_PAGES = 250;
/** Deeper lists get half as many more as are shown, */
export const EXACT_PAGES_PER_HIT = 1.5;
/** up to this: 160 pages are 13 MB of cold reads. Ranks beyond keep the order of their codes. */
export const MAX_EXACT_PAGES = 160;
/**
 * How far below a token's best vector by PQ its best by exact vectors may be, as a cosine: the vectors within it are the token's
 * contenders, and scored for this token alone. Recall@10 with 64 × 24 pages, 16 bytes a vector (`test/bench/peers/run.ts`):
 *
 * | margin | .06 | .08 | .1 | .12 | .16 |
 * |---|---|---|---|---|---|
 * | Cranfield: 174 vectors a page, 4,096 centroids | .989 | .992 | .994 | .995 | .995 |
 * | filings: 718 vectors a page, 16,384 centroids | .973 | .991 | .991 | .991 | .991 |
 *
 * Contenders of any token, scored for all tokens, reach the same at .08, and take three times as long.
 */
export const CONTENDER_MARGIN = 0.1;

/**
 * A page whose score by codes is this much below that of the last hit by exact vectors, for each query token and as a cosine,
 * is not expected among the hits, and its exact vectors are not scored (they were read: a search does not wait twice). By codes
 * a page's score is off by .002 a token on average, by .008 (standard deviation). Of 28 pages are scored, at recall@10:
 *
 * | slack | .01 | .015 | .02 | .025 | none |
 * |---|---|---|---|---|---|
 * | Cranfield | 15.0: .985 | 17.3: .992 | 19.7: .993 | 22.1: .994 | 28: .994 |
 * | filings | 18.2: .991 | 21.7: .994 | 24.0: .994 | 26.0: .994 | 28: .994 |
 * | 41 filings | 21.5: .983 | 24.7: .987 | 26.2: .987 | 26.9: .987 | 28: .987 |
 */
export const EXACT_SLACK = 0.02;

/**
 * A page whose score by bags is this much below that of the last hit by codes, for each query token and as a cosine, is not expected
 * among the hits, and neither are those after it: their codes are not scored. Pages scored, at recall@10 (bags on all sets):
 *
 * | slack | .02 | .03 | .035 | .04 | none |
 * |---|---|---|---|---|---|
 * | Cranfield | 31: .978 | 41: .990 | 46: .992 | 50: .992 | 71: .993 |
 * | filings | 40: .994 | 48: .994 | 52: .994 | 55: .994 | 64: .994 |
 * | 41 filings | 82: .983 | 106: .986 | 117: .986 | 128: .986 | 160: .986 |
 * | 10,000 synthetic pages | 101: .994 | 150: .994 | 165: .994 | 180: .994 | 230: .994 |
 *
 * Of 1,000 synthetic pages, which are all alike, 63 of 64. Where 100 are asked for, recall@100 stays as it is, by 280 of 300 pages. From lists,
 * with their cut-offs, 138 of 160 (41 filings, .981) and 184 of 230 (10,000 synthetic pages, .988), at the recall of all.
 */
export const BAG_SLACK = 0.035;

/**
 * Where lists are read for every query, a page costs a read: 20 pages and 15 reads of lists are 35, in two hops, of the 36 that a cold
 * query may take. What lists and pages find for the same reads, of the exact top 10 of 10,000, 100,000 and a million synthetic pages:
 *
 * | list reads × pages | 12 × 20 | 16 × 20 | 12 × 24 | 10 × 26 | 8 × 28 | 6 × 30 |
 * |---|---|---|---|---|---|---|
 * | 10,000 | .712 | .762 | .731 | .709 | .625 | .566 |
 * | 100,000 | .497 | .528 | .541 | .519 | .522 | .463 |
 * | 1,000,000 | .150 | .175 | .150 | .075 | .100 | .125 |
 */
export const MIN_PRUNED_CANDIDATES = 20;
/** Reads of lists for one query: three waves, of six, six and three. */
export const PRUNED_LIST_READS = 15;
/** Bytes of lists for one query: 10 ms at 50 MB/s, half of the megabyte that a cold query may read. */
export const PRUNED_LIST_BYTES = 512 * 1024;
/** Bytes between pages' records that are read over: with 20 pages of 11 KB and the lists, under a megabyte. */
export const PRUNED_UNWANTED_BYTES = 192 * 1024;

/**
 * Centroids looked at for each query token. On the filings 16 of 16,384 kept .931 of the exact top 10 in 64 pages, 64 .989. Where
 * lists are read, what is read is bounded by itself, and a list that was read costs the same for one token as for all.
 */
export const DEFAULT_NPROBE = 64;
/**
 * Cells that a token's best centroids are looked for in, for each of `nprobe`: a cell has about 32. Where lists are held, twice as
 * many as hold them: .981 of the exact top 10 of 1,000 synthetic pages, .975 with half of it. Where reads are bounded, as many:
 * the best page of 100,000 was among the hits of .72 of the questions, and of .56 when tokens shared the reads out to twice as many.
 */
const CELLS_PER_PROBE: Record<Holding, number> = { bags: 0, lists: 0.25, heads: 0.125 };
const MIN_CELLS_PER_TOKEN = 4;

/** Depth of the recall that calibration measures. */
const CALIBRATED_HITS = 10;

/** Every page by its exact vectors takes 100 µs and 84 KB a page: beyond this many it is no search. */
export const MAX_EXHAUSTIVE_PAGES = 20_000;

export interface SearchPlan {
  /** Pages returned at most. */
  hits: number;
  /** Pages whose codes are scored. */
  candidates: number;
  /** Pages whose exact vectors are scored; at most `candidates`. */
  exact: number;
  /** Of them only the vectors within this cosine of a token's best by codes (see rerank.ts); undefined: all. */
  contenderMargin: number | undefined;
  /** Every matched page is scored by its exact vectors, and nothing else is done. */
  exhaustive: boolean;
  /** Centroids for each query token, the cells they are looked for in, and what may be read for them; where lists are used. */
  nprobe: number;
  cellsPerToken: number;
  listReads: number;
  listBytes: number;
  /** Recall@10 that was measured for settings not better than these; undefined when it was not. */
  accuracy: number | undefined;
}

/** What a plan is made for. */
export interface PlanContext {
  /** Pages that may be returned. */
  matchedPages: number;
  interaction: Recipe["interaction"];
  holding: Holding;
  calibration: Calibration | undefined;
}

/**
 * The plan for `request`: single settings that it asks for, else those of its `accuracy`, else the defaults.
 *
 * Errors: `invalid_request` when `exact` accuracy is asked of more than {@link MAX_EXHAUSTIVE_PAGES} pages.
 */
export function planSearch(
  request: Pick<SearchRequest, "k" | "candidates" | "exact" | "nprobe" | "accuracy">,
  context: PlanContext,
): SearchPlan {
  const { matchedPages, holding, calibration } = context;
  const hits = Math.min(request.k, matchedPages, MAX_K);
  if (request.accuracy === "exact") return exhaustivePlan(hits, matchedPages);
  const usual = usualSettings(hits, context);
  const settings = settingsFor(request.accuracy, holding, calibration);
  // Calibration is about the top 10: a deeper list gets what it usually gets if that is more.
  const isDeep = hits > CALIBRATED_HITS;
  const asked =
    settings === undefined
      ? undefined
      : isCalibrated(holding, calibration)
        ? settings
        : crowded(settings, matchedPages);
  const chosen = asked === undefined || !isDeep ? (asked ?? usual) : deeper(asked, usual);
  const candidates = Math.min(matchedPages, Math.max(hits, request.candidates ?? chosen.candidates));
  const exact = Math.min(candidates, request.exact ?? chosen.exact);
  const nprobe = holding === "bags" ? 0 : (request.nprobe ?? chosen.nprobe);
  const share = Math.max(1, candidates / MIN_PRUNED_CANDIDATES);
  return {
    hits,
    candidates,
    exact,
    contenderMargin: context.interaction === "dense" ? undefined : CONTENDER_MARGIN,
    exhaustive: false,
    nprobe,
    cellsPerToken: Math.max(MIN_CELLS_PER_TOKEN, Math.ceil(nprobe * CELLS_PER_PROBE[holding])),
    // Who pays for more pages pays for as much more of the lists that find them.
    listReads: Math.ceil(PRUNED_LIST_READS * share),
    listBytes: Math.ceil(PRUNED_LIST_BYTES * share),
    accuracy: isDeep ? undefined : measuredRecall({ nprobe, candidates, exact }, holding, calibration),
  };
}

function usualSettings(hits: number, { interaction, holding, matchedPages }: PlanContext): SearchSettings {
  const deepEnough = Math.ceil(EXACT_PAGES_PER_HIT * hits);
  if (interaction === "dense") {
    const exact = holding === "heads" ? 0 : Math.max(MIN_DENSE_EXACT_PAGES, deepEnough);
    const candidates = Math.max(
      holding === "heads" ? MIN_PRUNED_CANDIDATES : MIN_DENSE_CANDIDATES,
      CANDIDATES_PER_HIT * hits,
    );
    return { candidates, exact, nprobe: DEFAULT_NPROBE };
  }
  if (holding === "heads") {
    return { candidates: Math.max(MIN_PRUNED_CANDIDATES, 2 * hits), exact: 0, nprobe: DEFAULT_NPROBE };
  }
  const crowd = crowding(matchedPages);
  const candidates = Math.max(MIN_CANDIDATES * crowd, CANDIDATES_PER_HIT * hits * Math.sqrt(crowd));
  return {
    candidates: Math.ceil(candidates),
    exact: Math.min(MAX_EXACT_PAGES, Math.max(MIN_EXACT_PAGES, deepEnough)),
    nprobe: DEFAULT_NPROBE,
  };
}

/** By how much more pages the first stage keeps: 1 of 1,200 matched ones, 2.5 of 5,500, 4 of 12,000 and more. */
function crowding(matchedPages: number): number {
  const growth = GROWTH_PER_TENFOLD ** Math.log10(Math.max(1, matchedPages / CROWDED_PAGES));
  return Math.min(MAX_CROWDING, growth);
}

/** Settings that were measured on a few thousand pages, for an index of more. */
function crowded(settings: SearchSettings, matchedPages: number): SearchSettings {
  return { ...settings, candidates: Math.ceil(settings.candidates * crowding(matchedPages)) };
}

function deeper(settings: SearchSettings, usual: SearchSettings): SearchSettings {
  return {
    nprobe: Math.max(settings.nprobe, usual.nprobe),
    candidates: Math.max(settings.candidates, usual.candidates),
    exact: Math.max(settings.exact, usual.exact),
  };
}

function exhaustivePlan(hits: number, matchedPages: number): SearchPlan {
  if (matchedPages > MAX_EXHAUSTIVE_PAGES) {
    throw new MaxleafError(
      "invalid_request",
      `accuracy "exact" scores every page, and ${matchedPages} match; ${MAX_EXHAUSTIVE_PAGES} are the most: use a filter or accuracy 0.995`,
    );
  }
  const pages = { candidates: matchedPages, exact: matchedPages, contenderMargin: undefined };
  return { hits, ...pages, exhaustive: true, nprobe: 0, cellsPerToken: 0, listReads: 0, listBytes: 0, accuracy: 1 };
}
