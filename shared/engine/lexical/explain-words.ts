/**
 * The heat map of one page by words: where each word of the question stands, by what it adds to the page's BM25. Made without vectors.
 *
 * @module
 */
import { MaxleafError } from "../../errors.ts";
import type { PageExplanation } from "../contract.ts";
import { findPage } from "../explain.ts";
import { SegmentLookup } from "../open/segment-lookup.ts";
import { ReadSession } from "../read-session.ts";
import { boxOf, regionCount, round, wordsOf } from "../regions.ts";
import type { EngineParts } from "../search.ts";
import type { IndexSnapshot } from "../snapshot.ts";
import { findWords, questionWords, tokensOfWords } from "./question-words.ts";
import { countTerms } from "./score-terms.ts";
import { meanLengthOf, weightingOf, weightsOf } from "./term-weighting.ts";

/** Decimal places of a score. */
const SCORE_PLACES = 4;

export interface ExplainWordsRequest {
  text: string;
  documentId: string;
  /** 1-based. */
  pageNumber: number;
}

/** Errors: `document_not_found`, `page_not_found`, `path_unavailable` where words are not indexed; those of reading. */
export async function explainWords(
  snapshot: IndexSnapshot,
  { text, documentId, pageNumber }: ExplainWordsRequest,
  parts: EngineParts,
): Promise<PageExplanation> {
  const session = new ReadSession(parts.store, { hedging: parts.hedging });
  const place = await findPage(new SegmentLookup(snapshot, session.store), documentId, pageNumber);
  const [[layout], counts] = await Promise.all([
    parts.caches.layouts.read([place], session),
    countTerms(text, { snapshot, session, cache: parts.terms }),
  ]);
  if (layout === undefined) throw new MaxleafError("internal", `page ${pageNumber} has no layout`);
  const { geometry } = layout;
  const question = questionWords(text);
  const weighting = weightingOf([counts]);
  const words = layout.text === "" ? [] : layout.text.split(" ");
  const { evidence } = findWords(question, words, {
    weights: weightsOf(weighting),
    meanLength: meanLengthOf(weighting),
  });
  const regions = regionCount(geometry);
  const isPlaced = geometry.kind === "words";
  return {
    documentId,
    pageNumber,
    tokens: tokensOfWords(question),
    kind: geometry.kind,
    columns: geometry.columns,
    rows: geometry.rows,
    boxes: Array.from({ length: regions }, (_, region) => boxOf(geometry, region)),
    words: wordsOf(geometry, layout.text),
    scores: evidence.map(({ score, places }) => {
      const row = Array.from({ length: regions }, (): number | null => null);
      if (isPlaced) for (const region of places) row[region] = round(score, SCORE_PLACES);
      return row;
    }),
    unplaced: evidence.map(({ score, places }) =>
      isPlaced || places.length === 0 ? null : round(score, SCORE_PLACES),
    ),
    score: round(
      evidence.reduce((sum, { score }) => sum + score, 0),
      SCORE_PLACES,
    ),
    lengthPenalty: 0,
  };
}
