/**
 * The heat map of one page: how well every query token matches every region, from the stored codes.
 *
 * @module
 */
import { MaxleafError, quote } from "../errors.ts";
import type { PageCodes } from "../format/contract.ts";
import { KernelQuery } from "../kernel/kernel-query.ts";
import type { KernelCodebook } from "../kernel/kernel.ts";
import { LANES } from "../kernel/query-block.ts";
import { QueryTables } from "../kernel/query-tables.ts";
import type { EncodedQuery, PageExplanation } from "./contract.ts";
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
}

/** Errors: `document_not_found`, `page_not_found`, and as a search those of the query and of reading. */
export async function explainPage(
  snapshot: IndexSnapshot,
  { query, documentId, pageNumber }: ExplainRequest,
  parts: EngineParts,
): Promise<PageExplanation> {
  checkQuery(query, snapshot.manifest);
  const session = new ReadSession(parts.store, { hedging: parts.hedging });
  const place = await findPage(new SegmentLookup(snapshot, session.store), documentId, pageNumber);
  const hasVectors = (place.segment.vectorCounts[place.page] ?? 0) > 0;
  const [[layout], [codes]] = await Promise.all([
    parts.caches.layouts.read([place], session),
    hasVectors ? parts.caches.codes.read([place], session) : [],
  ]);
  if (layout === undefined) throw new MaxleafError("internal", `page ${pageNumber} has no layout`);
  const { geometry, text } = layout;
  const regions = regionCount(geometry);
  const codebook = snapshot.codebook?.value;
  return {
    documentId,
    pageNumber,
    tokens: query.tokens,
    kind: geometry.kind,
    columns: geometry.columns,
    rows: geometry.rows,
    boxes: Array.from({ length: regions }, (_, region) => boxOf(geometry, region)),
    words: wordsOf(geometry, text),
    scores:
      codes === undefined || codebook === undefined
        ? query.tokens.map(() => Array.from({ length: regions }, () => null))
        : regionScores(query, codes, geometry, codebook, parts),
  };
}

async function findPage(lookup: SegmentLookup, documentId: string, pageNumber: number): Promise<PageRef> {
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

/** `[tokens][regions]`: the best score of the vectors in each region; null where none sits. */
function regionScores(
  query: EncodedQuery,
  codes: PageCodes,
  geometry: PageGeometry,
  codebook: KernelCodebook,
  parts: EngineParts,
): (number | null)[][] {
  const held = new ReleaseStack();
  try {
    const kernelQuery = held.use(new KernelQuery(parts.kernel, query.vectors, query.tokenCount, query.dim));
    const tables = held.use(QueryTables.onDemand(kernelQuery, codebook));
    return kernelQuery.blocks.flatMap((block, index) => {
      tables.prepare(index);
      const scores = tables.pqVectorScores(codes);
      return Array.from({ length: block.tokenCount }, (_, lane) => bestByRegion(scores, lane, geometry));
    });
  } finally {
    held.release();
  }
}

function bestByRegion(scores: Float32Array, lane: number, geometry: PageGeometry): (number | null)[] {
  const best = Array.from({ length: regionCount(geometry) }, (): number | null => null);
  for (let vector = 0; vector * LANES < scores.length; vector++) {
    const region = regionOf(geometry, vector);
    if (region === undefined) continue;
    const score = round(scores[vector * LANES + lane] ?? 0, SCORE_PLACES);
    best[region] = Math.max(best[region] ?? score, score);
  }
  return best;
}
