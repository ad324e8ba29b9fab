/**
 * The search, stage by stage, in plain scalar code over what {@link RandomIndex} remembers: what the engine must equal to the
 * last rank.
 *
 * @module
 */
import { makeBags } from "../../format/bags.ts";
import type { Codebook, PageVectors } from "../../format/contract.ts";
import { contenderFloor } from "../../kernel/codes-scorer.ts";
import { largestNorm } from "../../kernel/kernel.ts";
import { bagStep } from "../../kernel/lane-scales.ts";
import { LANES, toQueryBlocks, type QueryBlock } from "../../kernel/query-block.ts";
import * as reference from "../../kernel/reference.ts";
import { referenceTables } from "../../kernel/testing/reference-tables.ts";
import { LengthPrior } from "../../recipe/length-prior.ts";
import type { EncodedQuery, VectorSearchRequest } from "../contract.ts";
import { BAG_SLACK, EXACT_SLACK, planSearch } from "../plan.ts";
import type { Holding } from "../planner/holding.ts";
import type { RandomIndex, WrittenPage } from "./random-index.ts";

export interface ReferenceHit {
  documentId: string;
  pageNumber: number;
  score: number;
}

interface Scored {
  page: WrittenPage;
  position: number;
  score: number;
}

/** Best first. Of an index held by lists: what it finds when it looks at the lists of all centroids. */
export function referenceSearch(
  index: RandomIndex,
  request: VectorSearchRequest,
  holding: Holding = "bags",
): ReferenceHit[] {
  const { filter, query } = request;
  const matching = index.pages
    .map((page, position) => ({ page, position, score: 0 }))
    .filter(({ page }) => page.codes.centroidIds.length > 0 && !index.deleted.has(page.document.id))
    .filter(({ page }) => filter?.documents === undefined || filter.documents.includes(page.document.id))
    .filter(({ page }) =>
      Object.entries(filter?.metadata ?? {}).every(([field, values]) =>
        values.includes(page.document.metadata[field] ?? ""),
      ),
    );
  const plan = planSearch(request, {
    matchedPages: matching.length,
    interaction: "late",
    holding,
    calibration: undefined,
  });
  const blocks = toQueryBlocks(query.vectors, query.tokenCount, query.dim);
  const tables = blocks.map((block) => blockTables(index.codebook, block, blocks));
  const prior = LengthPrior.of(index.recipe, query.tokenCount);
  const penaltyOf = ({ page }: Scored): number => prior?.penaltyOf(page.codes.centroidIds.length) ?? 0;
  const step = tables[0]?.step ?? 0;

  const byBags = best(matching, plan.candidates, (scored) => {
    const bags = makeBags([scored.page.codes.centroidIds]);
    const scores = new Int32Array(1);
    for (const { bagRows } of tables) reference.scanBags(bags, Uint8Array.of(1), bagRows, scores);
    return (scores[0] ?? 0) - (step === 0 ? 0 : Math.round(penaltyOf(scored) / step));
  });
  const knowsBags = holding !== "heads" && plan.candidates < matching.length;
  const mayStop = knowsBags && plan.contenderMargin !== undefined;
  const bagSlack = mayStop ? BAG_SLACK * query.tokenCount : Infinity;
  const candidates = byBags.map((scored) => ({ ...scored, score: scored.score * step }));
  const byCodes = firstSettled(candidates, { exact: plan.candidates, hits: plan.hits, slack: bagSlack }, (scored) => {
    const { page } = scored;
    let total = 0;
    for (const { pqRows, entries, pqSteps } of tables) {
      const { maxima } = reference.pqBest(page.codes, index.codebook.subspaces, pqRows, entries);
      let sum = 0;
      for (let lane = 0; lane < LANES; lane++) sum += (maxima[lane] ?? 0) * (pqSteps[lane] ?? 0);
      total += sum;
    }
    return total - penaltyOf(scored);
  });
  const slack = plan.contenderMargin === undefined ? Infinity : EXACT_SLACK * query.tokenCount;
  const exact = settled(byCodes, { ...plan, slack }, (scored) => {
    const { page } = scored;
    const margin = plan.contenderMargin;
    const masks = margin === undefined ? [] : contenderMasks(page, blocks, tables, index.codebook, margin);
    return exactScore(page.exact, query, blocks, masks) - penaltyOf(scored);
  });
  return exact.slice(0, plan.hits).map(({ page, score }) => ({
    documentId: page.document.id,
    pageNumber: page.pageNumber,
    score,
  }));
}

/** How many of some pages are scored anew, at most, and when it is enough. */
interface Settling {
  exact: number;
  hits: number;
  slack: number;
}

/** The first `exact` of `pages` scored anew, until the best `hits` lead the next one by `slack`; best first. */
function firstSettled(
  pages: readonly Scored[],
  { exact: count, hits, slack }: Settling,
  scoreOf: (scored: Scored) => number,
): Scored[] {
  let first: Scored[] = [];
  for (const page of pages.slice(0, count)) {
    const worstHit = first[hits - 1];
    if (worstHit !== undefined && page.score + slack < worstHit.score) break;
    first = best([...first, { ...page, score: scoreOf(page) }], count, ({ score }) => score);
  }
  return first;
}

/** The same, and the rest after them, with scores not above. */
function settled(pages: readonly Scored[], settling: Settling, scoreOf: (scored: Scored) => number): Scored[] {
  const first = firstSettled(pages, settling, scoreOf);
  const lowest = first.at(-1)?.score ?? Number.POSITIVE_INFINITY;
  return [
    ...first,
    ...pages.slice(first.length).map((scored) => ({ ...scored, score: Math.min(scored.score, lowest) })),
  ];
}

/** Of each block: the tokens that score a vector within `margin` of their best by codes. */
function contenderMasks(
  { codes }: WrittenPage,
  blocks: readonly QueryBlock[],
  tables: readonly { pqRows: Int16Array; entries: Int8Array; pqSteps: Float32Array }[],
  { subspaces }: Codebook,
  margin: number,
): Uint32Array[] {
  return tables.map(({ pqRows, entries, pqSteps }, i) => {
    const { maxima } = reference.pqBest(codes, subspaces, pqRows, entries);
    const floors = Array.from(maxima, (best, lane) =>
      lane < (blocks[i]?.tokenCount ?? 0) ? contenderFloor(best, margin, pqSteps[lane] ?? 0) : Number.POSITIVE_INFINITY,
    );
    return reference.pqContenders(codes, subspaces, pqRows, entries, floors);
  });
}

function blockTables(
  codebook: Codebook,
  block: QueryBlock,
  blocks: readonly QueryBlock[],
): {
  bagRows: Int8Array;
  pqRows: Int16Array;
  entries: Int8Array;
  pqSteps: Float32Array;
  /** Of a unit of a bag score. */
  step: number;
} {
  const { dim, centroids, centroidScale } = codebook;
  const step = bagStep(blocks, { centroidScale, centroidNormMax: largestNorm(centroids, dim) * centroidScale });
  const { scales, ...tables } = referenceTables(codebook, block, step);
  return { ...tables, pqSteps: scales.pqSteps, step };
}

/** @param masks of each block; none: every vector for every token. */
function exactScore(
  page: PageVectors,
  query: EncodedQuery,
  blocks: readonly QueryBlock[],
  masks: readonly Uint32Array[],
): number {
  let total = 0;
  for (const [i, block] of blocks.entries()) {
    const { best: lanes } = reference.exactBest(page, query.dim, block.rows, masks[i]);
    for (let lane = 0; lane < block.tokenCount; lane++) {
      total += Math.fround((lanes[lane] ?? 0) * (block.scales[lane] ?? 0));
    }
  }
  return total;
}

/** The `count` pages with the highest scores; of equal ones those that were written first. */
function best(pages: readonly Scored[], count: number, scoreOf: (scored: Scored) => number): Scored[] {
  return pages
    .map((scored) => ({ ...scored, score: scoreOf(scored) }))
    .toSorted((a, b) => b.score - a.score || a.position - b.position)
    .slice(0, count);
}
