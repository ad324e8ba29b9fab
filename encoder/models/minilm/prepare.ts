/**
 * What happens before the transformer runs, for pages and for questions: text to word pieces, with the way back.
 *
 * @module
 */
import { MaxleafError } from "../../../shared/errors.ts";
import { MAX_QUERY_TOKENS, MAX_VECTORS_PER_PAGE } from "../../../shared/limits.ts";
import { NO_REGION } from "../../../shared/page.ts";
import type { PageWords } from "../model.ts";
import { boxesOf, pageWordsOf } from "../text/page-text.ts";
import { type QueryPieces, queryPieces } from "../text/query-pieces.ts";
import type { WordTokenizer } from "../text/word-tokenizer.ts";

/** A page as word pieces. */
export interface PreparedPage {
  /** Words that got in, none with white space inside. */
  words: string[];
  /** `[words, 4]` in `COORDINATE_MAX` units. */
  boxes: Uint16Array;
  /** `[tokens]`. */
  ids: number[];
  /** `[tokens]`: word index of every token, ascending. A word of nothing visible has no token. */
  wordOfToken: number[];
  wordsLeftOut: number;
}

/** Splits the words of a page, up to `MAX_VECTORS_PER_PAGE` tokens; the rest is counted in `wordsLeftOut`. */
export function preparePage(page: PageWords, tokenizer: WordTokenizer): PreparedPage {
  const source = pageWordsOf(page);
  const ids: number[] = [];
  const wordOfToken: number[] = [];
  let kept = 0;
  for (const word of source) {
    const pieces = tokenizer.splitWord(word.text);
    // Region numbers stop before NO_REGION.
    if (ids.length + pieces.length > MAX_VECTORS_PER_PAGE || kept === NO_REGION) break;
    for (const piece of pieces) {
      ids.push(piece.id);
      wordOfToken.push(kept);
    }
    kept++;
  }
  const words = source.slice(0, kept);
  return {
    words: words.map((word) => word.text),
    boxes: boxesOf(words, page),
    ids,
    wordOfToken,
    wordsLeftOut: source.length - kept,
  };
}

/**
 * Splits a question. It goes through the transformer in one window.
 *
 * Errors: `empty_query` if nothing in it is known to the vocabulary, `query_too_long` beyond `MAX_QUERY_CHARS`
 * characters or `MAX_QUERY_TOKENS` tokens.
 */
export function prepareQuery(query: string, tokenizer: WordTokenizer): QueryPieces {
  const pieces = queryPieces(query, tokenizer);
  if (pieces.ids.length <= MAX_QUERY_TOKENS) return pieces;
  throw new MaxleafError(
    "query_too_long",
    `the query has ${pieces.ids.length} tokens; ${MAX_QUERY_TOKENS} are allowed`,
  );
}
