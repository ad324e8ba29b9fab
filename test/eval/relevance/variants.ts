/**
 * What is tried: ways to turn the scores of a question's tokens into a ranking of pages.
 *
 * @module
 */
import { fuse } from "../../../shared/engine/lexical/fusion.ts";
import { MIN_WORD_CANDIDATES } from "../../../shared/engine/lexical/mode.ts";
import { MIN_CANDIDATES } from "../../../shared/engine/plan.ts";
import { type TokenTable, wordAround } from "./token-table.ts";

export interface Variant {
  name: string;
  /** Scores of all pages for one query. */
  score: (table: TokenTable, query: number) => ArrayLike<number>;
}

type Weight = (token: { word: string; frequency: number; scores: Float32Array }) => number;

/**
 * English words that say nothing of the subject: articles, prepositions, pronouns, auxiliaries, question words. Ours; short on
 * purpose.
 */
const STOP_WORDS = new Set(
  (
    "a an the of in on at by for from to with without into as is are was were be been being am do does did doing have has had " +
    "having and or but if then than that this these those it its there here i you he she we they them his her our their my " +
    "your what which who whom whose when where why how can could will would shall should may might must not no any some such " +
    "so also about between during over under again further once only own same too very please"
  ).split(" "),
);

/** Σ of the tokens' weighted scores. */
export function weighted(table: TokenTable, query: number, weight: Weight): Float64Array {
  const sums = new Float64Array(table.pages.length);
  const first = table.firstToken[query] ?? 0;
  const text = table.dataset.queries[query]?.text ?? "";
  const tokens = table.queries[query]?.tokens ?? [];
  const weights = tokens.map(({ start, end }, at) =>
    weight({
      word: wordAround(text, start, end),
      frequency: table.documentFrequency[first + at] ?? 0,
      scores: table.scores[first + at] ?? new Float32Array(),
    }),
  );
  // A question of nothing but such words is asked as it is.
  const all = weights.every((value) => value === 0);
  for (const [at, value] of weights.entries()) {
    const row = table.scores[first + at];
    const by = all ? 1 : value;
    if (row === undefined || by === 0) continue;
    for (let page = 0; page < sums.length; page++) sums[page] = (sums[page] ?? 0) + by * (row[page] ?? 0);
  }
  return sums;
}

const isPunctuation = (word: string): boolean => !/[\p{L}\p{N}]/u.test(word);

/** ln(1 / share of the pages that have the word), 0…1 with 1 for a word that one page in a thousand has. */
const rarity = (frequency: number): number => Math.min(1, Math.log(1 / Math.max(frequency, 1e-3)) / Math.log(1e3));

const plain: Weight = () => 1;
const softIdf: Weight = ({ frequency }) => 0.25 + 0.75 * rarity(frequency);

/** Weights of query tokens. */
const weights: Record<string, Weight> = {
  "without punctuation": ({ word }) => (isPunctuation(word) ? 0 : 1),
  "without stop words": ({ word }) => (isPunctuation(word) || STOP_WORDS.has(word) ? 0 : 1),
  "stop words at half": ({ word }) => (isPunctuation(word) || STOP_WORDS.has(word) ? 0.5 : 1),
  "idf, floor .25": softIdf,
  "idf, floor .5": ({ frequency }) => 0.5 + 0.5 * rarity(frequency),
  "idf, floor .75": ({ frequency }) => 0.75 + 0.25 * rarity(frequency),
  "spread of its scores": ({ scores }) => deviation(scores),
};

function deviation(values: Float32Array): number {
  let sum = 0;
  let squares = 0;
  for (const value of values) {
    sum += value;
    squares += value * value;
  }
  const mean = sum / values.length;
  return Math.sqrt(Math.max(0, squares / values.length - mean * mean));
}

/**
 * What a page loses for every e-fold of its vectors, per token: long pages have more chances of a good match.
 *
 * @param b in cosine.
 */
function lessLength(table: TokenTable, query: number, sums: Float64Array, b: number): Float64Array {
  const tokens = table.queries[query]?.tokenCount ?? 0;
  return sums.map((sum, page) => sum - b * tokens * Math.log(1 + (table.pages[page]?.vectorCount ?? 0)));
}

/** Σ of the tokens' scores by the page's own vectors and those of its document's name, of which a share of the gain counts. */
function withNames(table: TokenTable, query: number, share = 1): Float64Array {
  const sums = new Float64Array(table.pages.length);
  const first = table.firstToken[query] ?? 0;
  for (let at = first; at < first + (table.queries[query]?.tokenCount ?? 0); at++) {
    for (const [page, { document }] of table.pages.entries()) {
      const own = table.scores[at]?.[page] ?? 0;
      const best = Math.max(own, table.nameScores[at]?.[document] ?? 0);
      sums[page] = (sums[page] ?? 0) + own + share * (best - own);
    }
  }
  return sums;
}

function lengthPrior(b: number): Variant {
  return {
    name: `length prior −${b}`,
    score: (table, query) => lessLength(table, query, weighted(table, query, plain), b),
  };
}

/** The words of the document's name count as if they stood on every page. */
function names(share: number): Variant {
  return {
    name: `document name, ${share}`,
    score: (table, query) => withNames(table, query, share),
  };
}

/** A share of what the pages before and after score is added. */
function neighbours(share: number): Variant {
  return {
    name: `neighbouring pages, ${share}`,
    score: (table, query) => {
      const sums = weighted(table, query, plain);
      const at = (page: number, document: number | undefined) =>
        table.pages[page]?.document === document ? (sums[page] ?? 0) : undefined;
      return sums.map((sum, page) => {
        const document = table.pages[page]?.document;
        const around = [at(page - 1, document), at(page + 1, document)].filter((value) => value !== undefined);
        return sum + share * Math.max(0, ...around);
      });
    },
  };
}

/** A share of the mean score of the document's best pages is added. */
function documents(share: number): Variant {
  const BEST = 5;
  return {
    name: `best pages of the document, ${share}`,
    score: (table, query) => {
      const sums = weighted(table, query, plain);
      const byDocument = Map.groupBy(table.pages.keys(), (page) => table.pages[page]?.document ?? 0);
      const means = new Map(
        [...byDocument].map(([document, pages]) => {
          const best = pages
            .map((page) => sums[page] ?? 0)
            .toSorted((a, b) => b - a)
            .slice(0, BEST);
          return [document, best.reduce((sum, value) => sum + value, 0) / best.length];
        }),
      );
      return sums.map((sum, page) => sum + share * (means.get(table.pages[page]?.document ?? 0) ?? 0));
    },
  };
}

/** Sum with BM25, both scaled to 0…1 over the pages of the query. */
function fused(keywordShare: number, { b = 0, weight = plain }: { b?: number; weight?: Weight } = {}): Variant {
  return {
    name: keywordShare === 0 ? "vectors alone" : `BM25, ${keywordShare}`,
    score: (table, query) => {
      const vectors = scaled(lessLength(table, query, weighted(table, query, weight), b));
      const words = scaled((table.keywords[query] ?? []).map((score) => Math.max(0, score)));
      return vectors.map((score, page) => (1 - keywordShare) * score + keywordShare * (words[page] ?? 0));
    },
  };
}

/**
 * What a search has, all at once: names where documents have some, a length prior, and words by the engine's own fusion of the pages
 * that either finds.
 */
function asSearched(b: number, wordWeight: number): Variant {
  return {
    name: `${b === 0 ? "no prior" : `−${b}`}${wordWeight === 0 ? "" : `, BM25 ${wordWeight}`}`,
    score: (table, query) => {
      const tokens = table.queries[query]?.tokenCount ?? 0;
      const vectors = withNames(table, query).map((sum, page) => {
        const { vectorCount = 0, nameVectorCount = 0 } = table.pages[page] ?? {};
        return sum - b * tokens * Math.log(1 + vectorCount + nameVectorCount);
      });
      if (wordWeight === 0) return vectors;
      const words = (table.keywords[query] ?? []).map((score) => Math.max(0, score));
      const isSearched = (page: number) => (table.pages[page]?.vectorCount ?? 0) > 0;
      const pool = new Set([
        ...best(vectors, MIN_CANDIDATES, isSearched),
        ...best(words, MIN_WORD_CANDIDATES, (page) => isSearched(page) && (words[page] ?? 0) > 0),
      ]);
      const pages = Array.from(pool, (position) => {
        return { position, vectorScore: vectors[position] ?? 0, wordScore: words[position] ?? 0 };
      });
      const fused = fuse(pages, { method: "weighted", wordWeight });
      const scores = new Float64Array(table.pages.length).fill(Number.NEGATIVE_INFINITY);
      for (const [at, { position }] of pages.entries()) scores[position] = fused[at] ?? 0;
      return scores;
    },
  };
}

/** The positions of the highest of `scores`. */
function best(scores: ArrayLike<number>, limit: number, isWanted: (page: number) => boolean): number[] {
  return Array.from({ length: scores.length }, (_, page) => page)
    .filter(isWanted)
    .toSorted((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b)
    .slice(0, limit);
}

function scaled(values: ArrayLike<number>): number[] {
  const list = Array.from(values);
  const low = list.reduce((least, value) => Math.min(least, value), Infinity);
  const high = list.reduce((most, value) => Math.max(most, value), -Infinity);
  return list.map((value) => (value - low) / Math.max(high - low, 1e-9));
}

export const BASE: Variant = { name: "as it is", score: (table, query) => weighted(table, query, plain) };

/** By group: what is alike is tuned together, and the best of a group is what is reported. */
export const variants: Record<string, readonly Variant[]> = {
  "query token weights": Object.entries(weights).map(([name, weight]) => ({
    name,
    score: (table, query) => weighted(table, query, weight),
  })),
  "page length": [0.005, 0.01, 0.02, 0.03, 0.05, 0.08].map(lengthPrior),
  "document name": [0.25, 0.5, 1].map(names),
  "document name and length prior": [0, 0.01, 0.02, 0.03, 0.04, 0.05].map((b) => asSearched(b, 0)),
  "document name, length prior and words": [0, 0.01, 0.02, 0.03, 0.04, 0.05].flatMap((b) =>
    [0.1, 0.2, 0.3].map((share) => asSearched(b, share)),
  ),
  "neighbouring pages": [0.05, 0.1, 0.2, 0.4].map(neighbours),
  "document context": [0.1, 0.2, 0.5, 1].map(documents),
  // Alone, these are tuned above; together, only the share is.
  "length prior −0.02 and idf, floor .25": [0].map((share) => fused(share, { b: 0.02, weight: softIdf })),
  "sum with BM25 after the length prior": [0.05, 0.1, 0.15, 0.2, 0.3].map((share) => fused(share, { b: 0.02 })),
  "sum with BM25 after both": [0.05, 0.1, 0.15, 0.2, 0.3].map((share) => fused(share, { b: 0.02, weight: softIdf })),
  "sum with BM25": [0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5].map((share) => fused(share)),
};
