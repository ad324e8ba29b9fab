/**
 * BM25, the keyword baseline of an evaluation: the terms and the formula of a search by words, over pages in memory.
 *
 * @module
 */
import { inverseFrequency, termScore } from "../../shared/engine/lexical/bm25.ts";
import { termsOf } from "../../shared/format/lexical/terms.ts";

interface Posting {
  page: number;
  count: number;
}

/** An inverted index in memory. Scores are those of Lucene's BM25: idf = ln(1 + (N − df + ½) / (df + ½)). */
export class Bm25 {
  readonly #postings = new Map<string, Posting[]>();
  readonly #lengths: number[] = [];

  /** Pages are numbered in the order in which they come. */
  add(text: string): void {
    const page = this.#lengths.length;
    const counts = new Map<string, number>();
    const terms = termsOf(text);
    for (const term of terms) counts.set(term, (counts.get(term) ?? 0) + 1);
    for (const [term, count] of counts) {
      const postings = this.#postings.get(term) ?? [];
      postings.push({ page, count });
      this.#postings.set(term, postings);
    }
    this.#lengths.push(terms.length);
  }

  /** Scores of all pages; −∞ for a page without any term of the query. A term counts as often as it is asked. */
  score(query: string): number[] {
    const scores = this.#lengths.map(() => -Infinity);
    const meanLength = this.#lengths.reduce((sum, length) => sum + length, 0) / Math.max(1, this.#lengths.length);
    for (const term of termsOf(query)) {
      const postings = this.#postings.get(term) ?? [];
      const idf = inverseFrequency(scores.length, postings.length);
      for (const { page, count } of postings) {
        const relativeLength = (this.#lengths[page] ?? 0) / meanLength;
        scores[page] = Math.max(0, scores[page] ?? 0) + termScore(idf, count, relativeLength);
      }
    }
    return scores;
  }
}
