/**
 * Last stage: what is shown of the pages that were found.
 *
 * @module
 */
import type { TokenBest } from "../kernel/kernel-query.ts";
import type { QueryTables } from "../kernel/query-tables.ts";
import { MaxleafError } from "../errors.ts";
import type { EncodedQuery, PageHit, TokenMatch } from "./contract.ts";
import type { PageLayout } from "./record-cache.ts";
import { boxOf, regionOf, round, wordsOf } from "./regions.ts";
import type { RankedPage, RerankContext } from "./rerank.ts";
import { snippetOf } from "./snippet.ts";

/** Decimal places of a token's score: far below what int8 vectors resolve. */
const SCORE_PLACES = 4;

/** Hits without matches and text: needs no read. */
export function bareHits(pages: readonly RankedPage[]): PageHit[] {
  return pages.map((page) => toHit(page, [], ""));
}

/** Hits with the best place of every query token, and a snippet. Errors: those of reading. */
export async function fullHits(
  pages: readonly RankedPage[],
  query: EncodedQuery,
  tables: QueryTables,
  context: RerankContext,
): Promise<PageHit[]> {
  const [layouts, bests] = await Promise.all([
    context.caches.layouts.read(pages, context.session),
    tokenBests(pages, tables, context),
  ]);
  return pages.map((page, i) => {
    const layout = layouts[i];
    const best = bests[i];
    if (layout === undefined || best === undefined) throw new MaxleafError("internal", "a hit has no layout");
    const matches = matchesOf(query, layout, best);
    return toHit(page, matches, pageSnippet(layout, matches));
  });
}

/** What exact vectors found, or else what the codes say. */
async function tokenBests(
  pages: readonly RankedPage[],
  tables: QueryTables,
  context: RerankContext,
): Promise<TokenBest[]> {
  const byCodes = pages.filter((page) => page.best === undefined);
  const codes = await context.caches.codes.read(byCodes, context.session);
  const { tokenCount } = tables.query;
  const filled = byCodes.map(() => ({ scores: new Float32Array(tokenCount), vectors: new Uint16Array(tokenCount) }));
  if (codes.length > 0) {
    for (let block = 0; block < tables.blockCount; block++) {
      tables.prepare(block);
      for (const [i, record] of codes.entries()) {
        const best = filled[i];
        if (best !== undefined) tables.fillPqBest(record, best);
      }
    }
  }
  const bestOf = new Map(byCodes.map((page, i) => [page, filled[i]]));
  return pages.flatMap((page) => page.best ?? bestOf.get(page) ?? []);
}

function matchesOf(query: EncodedQuery, { geometry, text }: PageLayout, best: TokenBest): TokenMatch[] {
  const words = wordsOf(geometry, text);
  return query.tokens.flatMap((token, i): TokenMatch[] => {
    // Augmentation tokens stand for no part of the question: nothing to draw.
    if (token.end <= token.start) return [];
    const region = regionOf(geometry, best.vectors[i] ?? 0);
    return [
      {
        token: i,
        score: round(best.scores[i] ?? 0, SCORE_PLACES),
        region,
        box: region === undefined ? undefined : boxOf(geometry, region),
        text: region === undefined ? undefined : words[region],
      },
    ];
  });
}

function pageSnippet({ geometry, text }: PageLayout, matches: readonly TokenMatch[]): string {
  if (text === "") return "";
  const weights = new Map<number, number>();
  if (geometry.kind === "words") {
    for (const { region, score } of matches) {
      if (region !== undefined) weights.set(region, (weights.get(region) ?? 0) + score);
    }
  }
  return snippetOf(text.split(" "), weights);
}

function toHit(ranked: RankedPage, matches: TokenMatch[], snippet: string): PageHit {
  const { page, score } = ranked;
  const { documents, pages } = ranked.segment.reader;
  const document = documents[pages.documentOrdinal[page] ?? 0];
  if (document === undefined) throw new MaxleafError("internal", `page ${page} belongs to no document`);
  return {
    documentId: document.id,
    documentName: document.name,
    revision: document.revision,
    pageNumber: pages.pageNumber[page] ?? 0,
    pageCount: document.pageCount,
    width: pages.width[page] ?? 0,
    height: pages.height[page] ?? 0,
    score,
    metadata: document.metadata,
    matches,
    snippet,
  };
}
