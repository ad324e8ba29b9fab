/**
 * A question as the transformer takes it: marker after the first token, cut to the model's length, filled up with mask tokens
 * where the model was trained so.
 *
 * @module
 */
import type { QueryToken } from "../../../shared/engine/contract.ts";
import { queryPieces } from "../text/query-pieces.ts";
import { type ColbertFacts, type SpecialToken, SPECIALS_PER_TEXT } from "./facts.ts";
import type { ColbertVocabulary } from "./vocabulary.ts";

/** Every position has a vector that scores. */
export interface PreparedQuery {
  ids: number[];
  /** `[ids]`: 1, or 0 where no other position may look. */
  attention: number[];
  /** `[ids]`: where each stands in the question; 0 to 0 for special tokens and masks. */
  tokens: QueryToken[];
}

/** Errors: `empty_query`, `query_too_long` (beyond the limit in characters only: what has too many tokens is cut). */
export function prepareQuery(query: string, facts: ColbertFacts, { tokenizer }: ColbertVocabulary): PreparedQuery {
  const { cls, query: marker, sep, mask } = facts.tokens;
  const pieces = queryPieces(query, tokenizer);
  const kept = Math.min(pieces.ids.length, facts.queryLength - SPECIALS_PER_TEXT);
  const masks = facts.expansion === "none" ? 0 : facts.queryLength - SPECIALS_PER_TEXT - kept;
  const filling = Array.from({ length: masks }, () => mask);
  const attended = kept + SPECIALS_PER_TEXT;
  return {
    ids: [cls.id, marker.id, ...pieces.ids.slice(0, kept), sep.id, ...filling.map(({ id }) => id)],
    attention: Array.from({ length: attended + masks }, (_, i) =>
      i < attended || facts.expansion === "attended" ? 1 : 0,
    ),
    tokens: [nowhere(cls), nowhere(marker), ...pieces.tokens.slice(0, kept), nowhere(sep), ...filling.map(nowhere)],
  };
}

function nowhere({ text }: SpecialToken): QueryToken {
  return { text: text.trim(), start: 0, end: 0 };
}
