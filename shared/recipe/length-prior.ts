/**
 * The length prior: what a page's number of vectors takes off its score by vectors.
 *
 * MaxSim takes, for every query token, the best of a page's vectors: each vector is another chance, so long pages score higher
 * whatever they say. b · query tokens · ln(1 + page vectors) takes that back. The factor b belongs to the recipe
 * (`Recipe.lengthPrior`); docs/evaluation.md has what it is worth.
 *
 * @module
 */
import type { Recipe } from "./recipe.ts";

/** Numbers of vectors whose logarithms are looked up, those of nearly all pages. 16 KB. */
const KNOWN_COUNTS = 2_048;
let logarithms: Float64Array | undefined;

/** ln(1 + n) by n, for n below `end`. */
function logarithmsBelow(end: number): Float64Array {
  return Float64Array.from({ length: end }, (_, count) => Math.log(1 + count));
}

/** The length prior of one query. */
export class LengthPrior {
  /** For each natural logarithm. */
  readonly #weight: number;
  readonly #logarithms: Float64Array;

  private constructor(weight: number) {
    this.#weight = weight;
    logarithms ??= logarithmsBelow(KNOWN_COUNTS);
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

  /** The same in whole steps of `step`, for scores that are counted in them. */
  inSteps(step: number): LengthPenalties {
    return new LengthPenalties(step > 0 ? this.#weight / step : 0, this.#logarithms);
  }
}

/**
 * What pages lose, in whole steps. Looked up for nearly all of them: 1 to 3 ns a page and 7 µs for the table, where computing takes 20 ns
 * a page, longer than lists of centroids take to score one.
 */
export class LengthPenalties {
  readonly stepsPerLogarithm: number;
  readonly #known: Int32Array;

  /** @param logarithms ln(1 + n) by n. */
  constructor(stepsPerLogarithm: number, logarithms: Float64Array) {
    this.stepsPerLogarithm = stepsPerLogarithm;
    this.#known = rounded(logarithms, stepsPerLogarithm);
  }

  /** Of pages of 0, 1, … vectors, `end` of them, 2,048 at most. */
  below(end: number): Int32Array {
    return this.#known.subarray(0, end);
  }

  /** Steps that a page of `vectorCount` vectors loses, 0 or more. */
  of(vectorCount: number): number {
    return this.#known[vectorCount] ?? this.#compute(vectorCount);
  }

  /** Takes them off the `scores` of pages that have `vectorCounts`. */
  lower(scores: Int32Array, vectorCounts: ArrayLike<number>): void {
    const known = this.#known;
    for (let page = 0; page < scores.length; page++) {
      const count = vectorCounts[page] ?? 0;
      scores[page] = (scores[page] ?? 0) - (known[count] ?? this.#compute(count));
    }
  }

  #compute(vectorCount: number): number {
    return Math.round(Math.log(1 + vectorCount) * this.stepsPerLogarithm);
  }
}

function rounded(logarithms: Float64Array, stepsPerLogarithm: number): Int32Array {
  const steps = new Int32Array(logarithms.length);
  // A plain loop: `Int32Array.from` with a function takes 100 µs.
  for (let count = 0; count < steps.length; count++) {
    steps[count] = Math.round((logarithms[count] ?? 0) * stepsPerLogarithm);
  }
  return steps;
}
