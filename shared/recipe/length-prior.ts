/**
 * The length prior: what a page's number of vectors takes off its score by vectors.
 *
 * MaxSim takes, for every query token, the best of a page's vectors: each vector is another chance, so long pages score higher
 * whatever they say. b · query tokens · ln(1 + page vectors) takes that back. The factor b belongs to the recipe
 * (`Recipe.lengthPrior`); docs/evaluation.md has what it is worth.
 *
 * @module
 */
import { MAX_VECTORS_PER_PAGE } from "../limits.ts";
import type { Recipe } from "./recipe.ts";

/** Logarithms that are looked up, which takes a tenth of computing them: nearly all pages have fewer vectors. 32 KB. */
const KNOWN_LOGARITHMS = 4_096;
let logarithms: Float64Array | undefined;

/** The length prior of one query. */
export class LengthPrior {
  /** For each natural logarithm. */
  readonly #weight: number;
  readonly #logarithms: Float64Array;

  private constructor(weight: number) {
    this.#weight = weight;
    logarithms ??= Float64Array.from({ length: KNOWN_LOGARITHMS }, (_, count) => Math.log(1 + count));
    this.#logarithms = logarithms;
  }

  /** Of a query of `tokenCount` vectors; undefined when the recipe has none. */
  static of({ lengthPrior }: Pick<Recipe, "lengthPrior">, tokenCount: number): LengthPrior | undefined {
    return lengthPrior === undefined ? undefined : new LengthPrior(lengthPrior * tokenCount);
  }

  /** What a page of `vectorCount` vectors loses, 0 or more, as a sum of cosines. */
  penaltyOf(vectorCount: number): number {
    return this.#weight * (this.#logarithms[vectorCount] ?? Math.log(1 + vectorCount));
  }

  /** The same as a whole number of `step`s. */
  stepsOf(vectorCount: number, step: number): number {
    return step > 0 ? Math.round(this.penaltyOf(vectorCount) / step) : 0;
  }

  /** What it takes off the scores of pages that have `vectorCounts`, which are in units of `step`. */
  lower(scores: Int32Array, vectorCounts: ArrayLike<number>, step: number): void {
    for (let page = 0; page < scores.length; page++) {
      scores[page] = (scores[page] ?? 0) - this.stepsOf(vectorCounts[page] ?? 0, step);
    }
  }

  /**
   * The same order among the scores that are above 0, which stay so: a page gains what it has fewer steps to lose than the longest
   * page there may be.
   */
  raise(scores: Uint32Array, vectorCounts: ArrayLike<number>, step: number): void {
    const most = this.stepsOf(MAX_VECTORS_PER_PAGE, step);
    for (let page = 0; page < scores.length; page++) {
      const score = scores[page] ?? 0;
      if (score > 0) scores[page] = score + most - this.stepsOf(vectorCounts[page] ?? 0, step);
    }
  }
}
