/**
 * Last stage: what is shown of the pages that were found.
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import type { PageLayout, SegmentReader } from "../format/contract.ts";
import { type Overlay, overlaid } from "../format/overlay.ts";
import { termsOf } from "../format/lexical/terms.ts";
import type { TokenBest } from "../kernel/kernel-query.ts";
import type { QueryTables } from "../kernel/query-tables.ts";
import type { PageGeometry } from "../page.ts";
import type { EncodedQuery, PageHit, TokenMatch } from "./contract.ts";
import { findWords, type QuestionWord, type WordWeights } from "./lexical/question-words.ts";
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
    return toHit(page, withOverlay(required(facts), context.snapshot.overlay), [], "");
  });
}

/**
 * Hits with the best place of every query token, and a snippet. Errors: those of reading.
 *
 * @param termWeights of the question's words, when pages were ranked by them: the snippet is where they are.
 */
export async function fullHits(
  found: readonly RankedPage[],
  query: EncodedQuery,
  tables: QueryTables,
  context: RerankContext,
  termWeights?: ReadonlyMap<string, number>,
): Promise<PageHit[]> {
  const pages = await withCodes(found, context);
  const hasNames = context.snapshot.manifest.recipe.documentNamePieces !== undefined;
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
    const matches = matchesOf(query, { geometry: layout.geometry, words, hasNames }, required(best));
    const weights =
      termWeights === undefined ? matchWeights(layout.geometry, matches) : wordWeights(words, termWeights);
    return toHit(page, withOverlay(layout, context.snapshot.overlay), matches, snippetOf(words, weights));
  });
}

/**
 * Hits of a search by words alone: the match of each word of the question is the first place on the page where it stands, with what it
 * adds to the page's score. Reads no vectors and no codes. Errors: those of reading.
 */
export async function wordHits(
  pages: readonly RankedPage[],
  question: readonly QuestionWord[],
  weights: WordWeights,
  context: RerankContext,
): Promise<PageHit[]> {
  const layouts = await layoutsOf(pages, context);
  return pages.map((page) => {
    const layout = required(layouts.get(page));
    const { geometry, text } = layout;
    const words = text === "" ? [] : text.split(" ");
    const { evidence, placeWeights } = findWords(question, words, weights);
    const matches = evidence.flatMap(({ score, places: [place] }, token): TokenMatch[] => {
      if (place === undefined) return [];
      const region = geometry.kind === "words" ? place : undefined;
      const box = region === undefined ? undefined : boxOf(geometry, region);
      return [{ token, score: round(score, SCORE_PLACES), region, box, text: words[place] }];
    });
    return toHit(page, withOverlay(layout, context.snapshot.overlay), matches, snippetOf(words, placeWeights));
  });
}

/** `pages` with the codes of those that were found by words and not scored by vectors. */
async function withCodes(pages: readonly RankedPage[], { caches, session }: RerankContext): Promise<RankedPage[]> {
  const unscored = pages.filter(({ best, codes }) => best === undefined && codes === undefined);
  const records = await caches.records.read(unscored, session);
  const recordOf = new Map(unscored.map((page, i) => [page, required(records[i])]));
  return pages.map((page) => {
    const record = recordOf.get(page);
    return record === undefined ? page : { ...page, codes: record.codes, record };
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

/** The metadata that the document has now: a record has what it had when its segment was written. */
function withOverlay(facts: PageFacts, overlay: Overlay): PageFacts {
  return { ...facts, document: overlaid(facts.document, overlay) };
}

function required<T>(value: T | undefined): T {
  if (value === undefined) throw new MaxleafError("internal", "a hit has no codes or no layout");
  return value;
}

interface MatchedPage {
  geometry: PageGeometry;
  words: readonly string[];
  /** Vectors that sit nowhere are those of the document's name. */
  hasNames: boolean;
}

function matchesOf(query: EncodedQuery, { geometry, words, hasNames }: MatchedPage, best: TokenBest): TokenMatch[] {
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
        ...(region === undefined && hasNames ? { inDocumentName: true } : {}),
      },
    ];
  });
}

/** How much each word of the page speaks for it by its vectors. */
function matchWeights(geometry: PageGeometry, matches: readonly TokenMatch[]): ReadonlyMap<number, number> {
  const weights = new Map<number, number>();
  if (geometry.kind === "words") {
    for (const { region, score } of matches) {
      if (region !== undefined) weights.set(region, (weights.get(region) ?? 0) + score);
    }
  }
  return weights;
}

/** The same by the question's words. */
function wordWeights(words: readonly string[], termWeights: ReadonlyMap<string, number>): ReadonlyMap<number, number> {
  const weights = new Map<number, number>();
  for (const [word, text] of words.entries()) {
    let weight = 0;
    for (const term of termsOf(text)) weight += termWeights.get(term) ?? 0;
    if (weight > 0) weights.set(word, weight);
  }
  return weights;
}

function toHit(
  { score, scores, lengthPenalty }: RankedPage,
  facts: PageFacts,
  matches: TokenMatch[],
  snippet: string,
): PageHit {
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
    ...(scores === undefined ? {} : { scores }),
    ...(lengthPenalty === undefined ? {} : { lengthPenalty }),
    metadata: document.metadata,
    matches,
    snippet,
    ...(textSource === "ocr" ? { textSource } : {}),
  };
}
