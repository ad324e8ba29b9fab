/**
 * The words of a question as they are shown, and what they are worth on a page: what tokens are to a search by vectors.
 *
 * @module
 */
import { termsOf } from "../../format/lexical/terms.ts";
import type { QueryToken } from "../contract.ts";
import { termScore } from "./bm25.ts";

/** A word of a question: what stands between spaces, with the terms that it is looked up by. */
export interface QuestionWord extends QueryToken {
  /** One at least. */
  terms: string[];
}

/** The words of `text` that have terms. Their terms are those of `text`, in order. */
export function questionWords(text: string): QuestionWord[] {
  return Array.from(text.matchAll(/\S+/g), ({ 0: word, index }) => ({
    text: word,
    start: index,
    end: index + word.length,
    terms: termsOf(word),
  })).filter(({ terms }) => terms.length > 0);
}

/** The words as tokens. */
export function tokensOfWords(words: readonly QuestionWord[]): QueryToken[] {
  return words.map(({ text, start, end }) => ({ text, start, end }));
}

/** What BM25 takes from the index. */
export interface WordWeights {
  /** Inverse document frequency of every term that was looked up and that some page has. */
  weights: ReadonlyMap<string, number>;
  /** Terms of a page. */
  meanLength: number;
}

/** Where the words of a question stand on one page. */
export interface PageWords {
  /** Of each word of the question, what it adds to the page's BM25, and the places in the page's words where it stands. */
  evidence: { score: number; places: number[] }[];
  /** Weight of each place where a word stands: the terms' inverse document frequencies. */
  placeWeights: ReadonlyMap<number, number>;
}

/** Looks for `question` among the words of a page, `pageWords` in their order. */
export function findWords(
  question: readonly QuestionWord[],
  pageWords: readonly string[],
  { weights, meanLength }: WordWeights,
): PageWords {
  const counts = new Map<string, number>();
  const places = new Map<string, number[]>();
  const placeWeights = new Map<number, number>();
  let length = 0;
  for (const [place, word] of pageWords.entries()) {
    let weight = 0;
    for (const term of termsOf(word)) {
      length += 1;
      const ofTerm = weights.get(term);
      if (ofTerm === undefined) continue;
      weight += ofTerm;
      counts.set(term, (counts.get(term) ?? 0) + 1);
      const known = places.get(term) ?? [];
      if (known.at(-1) !== place) known.push(place);
      places.set(term, known);
    }
    if (weight > 0) placeWeights.set(place, weight);
  }
  const gainOf = (term: string): number => {
    const count = counts.get(term);
    return count === undefined ? 0 : termScore(weights.get(term) ?? 0, count, length / meanLength);
  };
  const evidence = question.map(({ terms }) => ({
    score: terms.reduce((sum, term) => sum + gainOf(term), 0),
    places: [...new Set(terms.flatMap((term) => places.get(term) ?? []))].toSorted((a, b) => a - b),
  }));
  return { evidence, placeWeights };
}
