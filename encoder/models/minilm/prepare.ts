/**
 * What happens before the transformer runs, for pages and for questions: text to word pieces, with the way back.
 *
 * @module
 */
import type { QueryToken } from "../../../shared/engine/contract.ts";
import { MaxleafError, quote } from "../../../shared/errors.ts";
import { MAX_QUERY_CHARS, MAX_QUERY_TOKENS, MAX_VECTORS_PER_PAGE } from "../../../shared/limits.ts";
import { COORDINATE_MAX, NO_REGION } from "../../../shared/page.ts";
import type { PageWord, PageWords } from "../model.ts";
import { UNKNOWN_ID, type WordPiece, type WordTokenizer } from "./tokens.ts";

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
  const source = page.words.flatMap(withoutWhiteSpace);
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
    boxes: Uint16Array.from(words.flatMap((word) => word.box.map((fraction) => toCoordinate(fraction, page, word)))),
    ids,
    wordOfToken,
    wordsLeftOut: source.length - kept,
  };
}

/** A question as word pieces. `tokens` `[ids]` says where each stands in the question. */
export interface PreparedQuery {
  ids: number[];
  tokens: QueryToken[];
}

/**
 * Splits a question. It goes through the transformer in one window.
 *
 * Errors: `empty_query` if nothing in it is known to the vocabulary, `query_too_long` beyond `MAX_QUERY_CHARS`
 * characters or `MAX_QUERY_TOKENS` tokens.
 */
export function prepareQuery(query: string, tokenizer: WordTokenizer): PreparedQuery {
  if (query.length > MAX_QUERY_CHARS) {
    throw new MaxleafError(
      "query_too_long",
      `the query has ${query.length} characters; ${MAX_QUERY_CHARS} are allowed`,
    );
  }
  const ids: number[] = [];
  const tokens: QueryToken[] = [];
  for (const match of query.matchAll(/\S+/g)) {
    for (const piece of tokenizer.splitWord(match[0])) {
      ids.push(piece.id);
      tokens.push(toQueryToken(piece, match.index));
    }
  }
  if (ids.length === 0) throw new MaxleafError("empty_query", "the query is empty");
  if (ids.every((id) => id === UNKNOWN_ID)) {
    throw new MaxleafError("empty_query", `the query ${quote(query)} has no word that this model knows`);
  }
  if (ids.length > MAX_QUERY_TOKENS) {
    throw new MaxleafError("query_too_long", `the query has ${ids.length} tokens; ${MAX_QUERY_TOKENS} are allowed`);
  }
  return { ids, tokens };
}

function toQueryToken(piece: WordPiece, wordStart: number): QueryToken {
  return { text: piece.text, start: wordStart + piece.start, end: wordStart + piece.end };
}

/** The word as it is, or its parts, each with the whole box: the page's text separates words by spaces. */
function withoutWhiteSpace(word: PageWord): PageWord[] {
  if (!/\s/.test(word.text)) return word.text === "" ? [] : [word];
  return (word.text.match(/\S+/g) ?? []).map((text) => ({ text, box: word.box }));
}

function toCoordinate(fraction: number, page: PageWords, word: PageWord): number {
  if (Number.isFinite(fraction)) return Math.round(Math.min(Math.max(fraction, 0), 1) * COORDINATE_MAX);
  throw new MaxleafError(
    "invalid_request",
    `the box of ${quote(word.text)} on page ${page.pageNumber} is [${word.box.join(", ")}]: not four numbers`,
  );
}
