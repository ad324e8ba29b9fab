/**
 * The heat map of one page: how well every query token matches every region, and what its score is made of.
 *
 * From the page's exact vectors, since codes alone draw image patches and rare words too roughly (docs/heatmaps.md has the
 * correlations); it is one page, so they cost one read of 132 bytes a vector instead of 18. Scores are those that a search
 * ranks its best pages by, so that a map's hottest region is the box of the hit.
 *
 * @module
 */
import { MaxleafError, quote } from "../errors.ts";
import type { PageCodes, PageVectors } from "../format/contract.ts";
import { exactGroupBests } from "../kernel/exact-scorer.ts";
import { KernelQuery } from "../kernel/kernel-query.ts";
import type { Kernel, KernelCodebook } from "../kernel/kernel.ts";
import { LANES } from "../kernel/query-block.ts";
import { QueryTables } from "../kernel/query-tables.ts";
import { LengthPrior } from "../recipe/length-prior.ts";
import type { EncodedQuery, ExplanationSource, PageExplanation } from "./contract.ts";
import { SegmentLookup } from "./open/segment-lookup.ts";
import { checkQuery } from "./query-check.ts";
import { ReadSession } from "./read-session.ts";
import type { PageRef } from "./record-cache.ts";
import { boxOf, regionCount, regionOf, round, wordsOf } from "./regions.ts";
import type { EngineParts } from "./search.ts";
import { ReleaseStack } from "./shared-resident.ts";
import type { IndexSnapshot } from "./snapshot.ts";
import type { PageGeometry } from "../page.ts";

/** Decimal places of a score. */
const SCORE_PLACES = 4;

export interface ExplainRequest {
  query: EncodedQuery;
  documentId: string;
  /** 1-based. */
  pageNumber: number;
  /** What it is made from; `vectors` by default. `codes` reads less, and is there to be compared. */
  source?: ExplanationSource | undefined;
}

/** Errors: `document_not_found`, `page_not_found`, and as a search those of the query and of reading. */
export async function explainPage(
  snapshot: IndexSnapshot,
  { query, documentId, pageNumber, source = "vectors" }: ExplainRequest,
  parts: EngineParts,
): Promise<PageExplanation> {
  checkQuery(query, snapshot.manifest);
  const session = new ReadSession(parts.store, { hedging: parts.hedging });
  const place = await findPage(new SegmentLookup(snapshot, session.store), documentId, pageNumber);
  const vectorCount = place.segment.vectorCounts[place.page] ?? 0;
  const hasVectors = vectorCount > 0;
  const [[layout], [codes], [vectors]] = await Promise.all([
    parts.caches.layouts.read([place], session),
    hasVectors && source === "codes" ? parts.caches.codes.read([place], session) : [],
    hasVectors && source === "vectors" ? parts.caches.vectors.read([place], session) : [],
  ]);
  if (layout === undefined) throw new MaxleafError("internal", `page ${pageNumber} has no layout`);
  const { geometry, text } = layout;
  const codebook = snapshot.codebook?.value;
  const rows = tokenRows({ query, geometry, codes, vectors, codebook, kernel: parts.kernel });
  const cosines = sumOfBests(rows);
  const prior = LengthPrior.of(snapshot.manifest.recipe, query.tokenCount);
  const lengthPenalty = prior?.penaltyOf(vectorCount) ?? 0;
  return {
    documentId,
    pageNumber,
    tokens: query.tokens,
    kind: geometry.kind,
    columns: geometry.columns,
    rows: geometry.rows,
    boxes: Array.from({ length: regionCount(geometry) }, (_, region) => boxOf(geometry, region)),
    words: wordsOf(geometry, text),
    scores: rows.map((row) => row.slice(0, -1).map(rounded)),
    unplaced: rows.map((row) => rounded(row.at(-1) ?? null)),
    score: cosines === null ? null : round(cosines - lengthPenalty, SCORE_PLACES),
    lengthPenalty: round(lengthPenalty, SCORE_PLACES),
  };
}

/** Errors: `document_not_found`, `page_not_found`; those of reading. */
export async function findPage(lookup: SegmentLookup, documentId: string, pageNumber: number): Promise<PageRef> {
  const places = await lookup.findDocument(documentId);
  const document = places[0]?.document;
  if (document === undefined) {
    throw new MaxleafError("document_not_found", `the index has no document ${quote(documentId)}`);
  }
  for (const { segment, ordinal } of places) {
    const { documentOrdinal, pageNumber: numbers } = (await lookup.tablesOf(segment)).pages;
    const page = documentOrdinal.findIndex((owner, i) => owner === ordinal && numbers[i] === pageNumber);
    if (page !== -1) return { segment, page };
  }
  throw new MaxleafError(
    "page_not_found",
    `${quote(document.name)} has ${document.pageCount} pages; it has no page ${quote(pageNumber)}`,
  );
}

interface ScoredPage {
  query: EncodedQuery;
  geometry: PageGeometry;
  codes: PageCodes | undefined;
  vectors: PageVectors | undefined;
  codebook: KernelCodebook | undefined;
  kernel: Kernel;
}

/** Of each token: its best in each region, then among the vectors that sit nowhere; null where there is no vector. */
type TokenRow = (number | null)[];

function tokenRows({ query, geometry, codes, vectors, codebook, kernel }: ScoredPage): TokenRow[] {
  const held = new ReleaseStack();
  try {
    const kernelQuery = held.use(new KernelQuery(kernel, query.vectors, query.tokenCount, query.dim));
    if (vectors !== undefined) return rowsByVectors(kernelQuery, vectors, geometry);
    if (codes === undefined || codebook === undefined) {
      return query.tokens.map(() => Array.from({ length: regionCount(geometry) + 1 }, () => null));
    }
    return rowsByCodes(kernelQuery, held.use(QueryTables.onDemand(kernelQuery, codebook)), codes, geometry);
  } finally {
    held.release();
  }
}

function rowsByVectors(query: KernelQuery, vectors: PageVectors, geometry: PageGeometry): TokenRow[] {
  const groups = vectorsByRegion(geometry);
  const bests = exactGroupBests(query, vectors, groups);
  return Array.from({ length: query.tokenCount }, (_, token) =>
    groups.map(({ length }, group) => (length === 0 ? null : (bests[group * query.tokenCount + token] ?? 0))),
  );
}

/** The vectors that sit in each region, then those that sit nowhere, ascending. */
function vectorsByRegion(geometry: PageGeometry): Uint16Array[] {
  const nowhere = regionCount(geometry);
  const groups = Array.from({ length: nowhere + 1 }, (): number[] => []);
  for (let vector = 0; vector < geometry.regionOfVector.length; vector++) {
    groups[regionOf(geometry, vector) ?? nowhere]?.push(vector);
  }
  return groups.map((vectors) => Uint16Array.from(vectors));
}

function rowsByCodes(query: KernelQuery, tables: QueryTables, codes: PageCodes, geometry: PageGeometry): TokenRow[] {
  return query.blocks.flatMap((block, index) => {
    tables.prepare(index);
    const scores = tables.pqVectorScores(codes);
    return Array.from({ length: block.tokenCount }, (_, lane) => bestByRegion(scores, lane, geometry));
  });
}

function bestByRegion(scores: Float32Array, lane: number, geometry: PageGeometry): TokenRow {
  const nowhere = regionCount(geometry);
  const best = Array.from({ length: nowhere + 1 }, (): number | null => null);
  for (let vector = 0; vector * LANES < scores.length; vector++) {
    const region = regionOf(geometry, vector) ?? nowhere;
    const score = scores[vector * LANES + lane] ?? 0;
    best[region] = Math.max(best[region] ?? score, score);
  }
  return best;
}

/** Σ over tokens of the best of each row; null for a page without vectors. */
function sumOfBests(rows: readonly TokenRow[]): number | null {
  let sum = 0;
  for (const row of rows) {
    const best = row.reduce((highest, score) => (highest === null ? score : Math.max(highest, score ?? highest)), null);
    if (best === null) return null;
    sum += best;
  }
  return sum;
}

function rounded(score: number | null): number | null {
  return score === null ? null : round(score, SCORE_PLACES);
}
