/**
 * What tells one ColBERT model from another, and the recipe that is made of it. Whatever changes a vector is in the recipe, so
 * that the fingerprint differs; what a loaded model adds are the commit and the checksums of its files.
 *
 * @module
 */
import type { Recipe } from "../../../shared/recipe/recipe.ts";

/** A token of the vocabulary by name and number: a tokenizer file that disagrees is another model's. */
export interface SpecialToken {
  text: string;
  id: number;
}

/**
 * How a question is filled up to its length with mask tokens, whose vectors score like all others. `unattended`: they see the
 * words and the words do not see them (attention mask 0). `attended`: everything sees everything. `none`: no filling.
 */
export type QueryExpansion = "none" | "unattended" | "attended";

/**
 * Which token ids are left out of a page: those that a punctuation mark has as a token of its own (`token`, PyLate), or the first
 * of the pieces it is split into (`first-piece`, Stanford's ColBERT). The same for BERT; not so where a word begins with `▁`.
 */
export type SkiplistRule = "token" | "first-piece";

export interface ColbertFacts {
  /** Registry name. */
  name: string;
  /** Of the hub: whose model it is. The card says where its files come from. */
  model: string;
  /** Commit of the card's repository; `unpinned` where no source gives one. */
  revision: string;
  dim: number;
  tokens: Record<"cls" | "sep" | "mask" | "pad" | "query" | "document", SpecialToken>;
  /** Longest question in tokens, [CLS], marker and [SEP] included; what is longer is cut, as the authors do. */
  queryLength: number;
  expansion: QueryExpansion;
  /** Longest document in tokens, [CLS], marker and [SEP] included: the length of a page's windows. */
  documentLength: number;
  skiplist: SkiplistRule;
  /** Lower-case before the tokenizer sees the text (sentence-transformers' `do_lower_case`). */
  lowerCase: boolean;
  graph: {
    /** Path in the repository. */
    file: string;
    /** External data, in the same folder. */
    data?: readonly string[];
    /** Name of `[batch, tokens, dim]`; absent: the first output. */
    output?: string;
  };
  /** vLLM serves `model`, and attends as the recipe says: see `vllm-runner.ts`. */
  vllm?: boolean;
}

/** Python's `string.punctuation`, the skiplist of Stanford's ColBERT and the default one of PyLate. */
export const PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

/** [CLS] and the marker before a text, [SEP] after it. */
export const SPECIALS_PER_TEXT = 3;

export const TOKENIZER_FILE = "tokenizer.json";

/** The recipe of a model that is not loaded yet. */
export function colbertRecipe(facts: ColbertFacts): Recipe {
  const { tokens, graph } = facts;
  const ids = Object.entries(tokens).map(([role, token]) => [`${role}Id`, `${token.id}`] as const);
  return {
    name: facts.name,
    model: facts.model,
    revision: facts.revision,
    dim: facts.dim,
    interaction: "late",
    geometry: "words",
    queryPrefix: tokens.query.text,
    documentPrefix: tokens.document.text,
    windowTokens: facts.documentLength,
    windowOverlapTokens: 0,
    pooling: "none",
    projection: "in the graph",
    dropped: `string.punctuation by ${facts.skiplist}`,
    extra: {
      ...Object.fromEntries(ids),
      queryLength: `${facts.queryLength}`,
      queryExpansion: facts.expansion,
      lowerCase: `${facts.lowerCase}`,
      whiteSpace: "one space",
      graph: graph.file,
    },
  };
}

/** Paths of the files that a model of these facts is loaded from. */
export function colbertFiles({ graph }: ColbertFacts): string[] {
  return [graph.file, ...(graph.data ?? []), TOKENIZER_FILE];
}
