/**
 * The best pages of queries by exact vectors, found while every page is at hand.
 *
 * @module
 */
import type { PageVectors } from "../../../shared/format/contract.ts";
import { exactTokenBest, totalScore } from "../../../shared/kernel/exact-scorer.ts";
import { Kernel } from "../../../shared/kernel/kernel.ts";
import { KernelQuery } from "../../../shared/kernel/kernel-query.ts";
import { LengthPrior } from "../../../shared/recipe/length-prior.ts";
import { loadKernel } from "../benchmark.ts";
import type { QueryVectors } from "../peers/vector-set.ts";
import { BestPages } from "./best-pages.ts";

const KERNEL_BYTES = 512 * 1024 * 1024;
/** Pages of the exact answers. */
const ANSWER_PAGES = 100;

/** Per query the best pages, best first. */
export type Answers = { page: number; score: number }[][];

interface AskedQuery {
  firstToken: number;
  endToken: number;
  /** One for every length prior. */
  rankings: { prior: LengthPrior | undefined; best: BestPages }[];
}

/**
 * The best pages by the kernel that scores exact vectors in a search. The tokens of all queries are scored as one query's: a page is
 * placed once for all of them.
 */
export class ExactAnswers {
  readonly #tokens: KernelQuery;
  readonly #queries: readonly AskedQuery[];

  private constructor(tokens: KernelQuery, queries: readonly AskedQuery[]) {
    this.#tokens = tokens;
    this.#queries = queries;
  }

  /** @param lengthPriors answers are found with each of them; 0 is none. */
  static async create(
    queries: readonly QueryVectors[],
    dim: number,
    lengthPriors: readonly number[],
  ): Promise<ExactAnswers> {
    const kernel = new Kernel(await loadKernel(), { budgetBytes: KERNEL_BYTES });
    const tokenCount = queries.reduce((sum, query) => sum + query.tokenCount, 0);
    const vectors = new Float32Array(tokenCount * dim);
    let firstToken = 0;
    const asked = queries.map((query): AskedQuery => {
      vectors.set(query.vectors, firstToken * dim);
      const endToken = firstToken + query.tokenCount;
      const rankings = lengthPriors.map((lengthPrior) => ({
        prior: lengthPrior === 0 ? undefined : LengthPrior.of({ lengthPrior }, query.tokenCount),
        best: new BestPages(ANSWER_PAGES),
      }));
      const placed = { firstToken, endToken, rankings };
      firstToken = endToken;
      return placed;
    });
    return new ExactAnswers(new KernelQuery(kernel, vectors, tokenCount, dim), asked);
  }

  /** Pages come in ascending order. */
  add(page: number, exact: PageVectors): void {
    const { scores, vectors } = exactTokenBest(this.#tokens, exact);
    for (const { firstToken, endToken, rankings } of this.#queries) {
      const ofQuery = {
        scores: scores.subarray(firstToken, endToken),
        vectors: vectors.subarray(firstToken, endToken),
      };
      const score = totalScore(ofQuery);
      for (const { prior, best } of rankings) best.offer(page, score - (prior?.penaltyOf(exact.scales.length) ?? 0));
    }
  }

  /** With the length prior at `place` of those given. */
  best(place: number): Answers {
    return this.#queries.map(({ rankings }) => rankings[place]?.best.list() ?? []);
  }
}
