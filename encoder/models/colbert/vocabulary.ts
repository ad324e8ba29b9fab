/**
 * A model's tokenizer, proven to be the one that its recipe means, and the ids that its pages leave out.
 *
 * @module
 */
import { MaxleafError, quote } from "../../../shared/errors.ts";
import { readTokenizer, type WordTokenizer } from "../text/word-tokenizer.ts";
import { type ColbertFacts, PUNCTUATION, TOKENIZER_FILE } from "./facts.ts";

export interface ColbertVocabulary {
  tokenizer: WordTokenizer;
  /** Ids of punctuation, whose vectors are not kept of a page; their tokens are read by the transformer all the same. */
  skiplist: ReadonlySet<number>;
}

/**
 * The vocabulary in the bytes of a `tokenizer.json`.
 *
 * Errors: `model_unavailable` for what is no tokenizer, or has other ids for the special tokens than the recipe.
 */
export function readVocabulary(facts: ColbertFacts, file: Uint8Array): ColbertVocabulary {
  const { name, lowerCase } = facts;
  const tokenizer = readTokenizer(file, { name, lowerCase });
  for (const { text, id } of Object.values(facts.tokens)) {
    const found = tokenizer.idOf(text);
    if (found === id) continue;
    const what = found === undefined ? "lacks it" : `has ${found}`;
    throw new MaxleafError(
      "model_unavailable",
      `${TOKENIZER_FILE} is not that of ${name}: ${quote(text)} should be token ${id}, and it ${what}`,
    );
  }
  return {
    tokenizer,
    skiplist: new Set(Array.from(PUNCTUATION).flatMap((mark) => skippedId(facts, tokenizer, mark) ?? [])),
  };
}

function skippedId({ skiplist }: ColbertFacts, tokenizer: WordTokenizer, mark: string): number | undefined {
  return skiplist === "token" ? tokenizer.idOf(mark) : tokenizer.splitWord(mark)[0]?.id;
}
