/**
 * A question as word pieces that know where they stand in it.
 *
 * @module
 */
import type { QueryToken } from "../../../shared/engine/contract.ts";
import { MaxleafError, quote } from "../../../shared/errors.ts";
import { MAX_QUERY_CHARS } from "../../../shared/limits.ts";
import type { WordPiece, WordTokenizer } from "./word-tokenizer.ts";

/** `tokens` `[ids]` says where each stands in the question. */
export interface QueryPieces {
  ids: number[];
  tokens: QueryToken[];
}

/**
 * Splits a question. Runs of white space count as one space.
 *
 * Errors: `empty_query` if nothing in it is known to the vocabulary, `query_too_long` beyond `MAX_QUERY_CHARS` characters.
 */
export function queryPieces(query: string, tokenizer: WordTokenizer): QueryPieces {
  if (query.length > MAX_QUERY_CHARS) {
    throw new MaxleafError(
      "query_too_long",
      `the query has ${query.length} characters; ${MAX_QUERY_CHARS} are allowed`,
    );
  }
  const ids: number[] = [];
  const tokens: QueryToken[] = [];
  for (const match of query.matchAll(/\S+/g)) {
    for (const piece of tokenizer.splitWord(match[0], ids.length === 0 ? "first" : "next")) {
      ids.push(piece.id);
      tokens.push(toQueryToken(piece, match.index));
    }
  }
  if (ids.length === 0) throw new MaxleafError("empty_query", "the query is empty");
  if (ids.every((id) => id === tokenizer.unknownId)) {
    throw new MaxleafError("empty_query", `the query ${quote(query)} has no word that this model knows`);
  }
  return { ids, tokens };
}

function toQueryToken(piece: WordPiece, wordStart: number): QueryToken {
  return { text: piece.text, start: wordStart + piece.start, end: wordStart + piece.end };
}
