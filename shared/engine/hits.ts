/**
 * Last stage: what is shown of the pages that were found.
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import type { PageLayout, SegmentReader } from "../format/contract.ts";
import type { TokenBest } from "../kernel/kernel-query.ts";
import type { QueryTables } from "../kernel/query-tables.ts";
import type { PageGeometry } from "../page.ts";
import type { EncodedQuery, PageHit, TokenMatch } from "./contract.ts";
import { boxOf, regionOf, round } from "./regions.ts";
import { pqBests, type RankedPage, type RerankContext } from "./rerank.ts";
import { snippetOf } from "./snippet.ts";

/** Decimal places of a token's score: far below what int8 vectors resolve. */
const SCORE_PLACES = 4;

/** What names a page. */
type PageFacts = Pick<PageLayout, "document" | "pageNumber" | "width" | "height"> &
  Partial<Pick<PageLayout, "textSource">>;

/** Hits without matches and text. Reads only what names them, where no table does. Errors: those of reading. */
export async function bareHits(pages: readonly RankedPage[], context: RerankContext): Promise<PageHit[]> {
  const unnamed = pages.filter(({ segment }) => segment.tables === undefined);
  const layouts = await layoutsOf(unnamed, context);
  return pages.map((page) => {
    const facts = page.segment.tables === undefined ? layouts.get(page) : factsInTables(page.segment.tables, page.page);
    return toHit(page, required(facts), [], "");
  });
}

/** Hits with the best place of every query token, and a snippet. Errors: those of reading. */
export async function fullHits(
  pages: readonly RankedPage[],
  query: EncodedQuery,
  tables: QueryTables,
  context: RerankContext,
): Promise<PageHit[]> {
  const layouts = await layoutsOf(pages, context);
  // Of pages that exact vectors did not score, the stage before kept the codes.
  const byCodes = pqBests(
    pages.flatMap((page) => (page.best === undefined ? required(page.codes) : [])),
    tables,
  );
  return pages.map((page) => {
    const layout = required(layouts.get(page));
    const best = page.best ?? byCodes.get(required(page.codes));
    // Split once: with ten hits of 650 words, words are the dearest part of this stage.
    const words = layout.text === "" ? [] : layout.text.split(" ");
    const matches = matchesOf(query, layout.geometry, words, required(best));
    return toHit(page, layout, matches, pageSnippet(layout.geometry, words, matches));
  });
}

async function layoutsOf(
  pages: readonly RankedPage[],
  context: RerankContext,
): Promise<ReadonlyMap<RankedPage, PageLayout>> {
  const layouts = await context.caches.layouts.read(pages, context.session, (page) => page.record?.layout);
  return new Map(pages.map((page, i) => [page, required(layouts[i])]));
}

function factsInTables({ documents, pages }: SegmentReader, page: number): PageFacts {
  return {
    document: required(documents[pages.documentOrdinal[page] ?? 0]),
    pageNumber: pages.pageNumber[page] ?? 0,
    width: pages.width[page] ?? 0,
    height: pages.height[page] ?? 0,
  };
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new MaxleafError("internal", "a hit has no codes or no layout");
  return value;
}

function matchesOf(
  query: EncodedQuery,
  geometry: PageGeometry,
  words: readonly string[],
  best: TokenBest,
): TokenMatch[] {
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
        text: region === undefined || geometry.kind !== "words" ? undefined : words[region],
      },
    ];
  });
}

function pageSnippet(geometry: PageGeometry, words: readonly string[], matches: readonly TokenMatch[]): string {
  const weights = new Map<number, number>();
  if (geometry.kind === "words") {
    for (const { region, score } of matches) {
      if (region !== undefined) weights.set(region, (weights.get(region) ?? 0) + score);
    }
  }
  return snippetOf(words, weights);
}

function toHit({ score }: RankedPage, facts: PageFacts, matches: TokenMatch[], snippet: string): PageHit {
  const { document, pageNumber, width, height, textSource } = facts;
  return {
    documentId: document.id,
    documentName: document.name,
    revision: document.revision,
    pageNumber,
    pageCount: document.pageCount,
    width,
    height,
    score,
    metadata: document.metadata,
    matches,
    snippet,
    ...(textSource === "ocr" ? { textSource } : {}),
  };
}
