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
  query: KernelQuery;
  /** One for every length prior. */
  rankings: { prior: LengthPrior | undefined; best: BestPages }[];
}

/** The best pages by the kernel that scores exact vectors in a search: about 25 µs a query and page of 174 vectors. */
export class ExactAnswers {
  readonly #queries: readonly AskedQuery[];

  private constructor(queries: readonly AskedQuery[]) {
    this.#queries = queries;
  }

  /** @param lengthPriors answers are found with each of them; 0 is none. */
  static async create(
    queries: readonly QueryVectors[],
    dim: number,
    lengthPriors: readonly number[],
  ): Promise<ExactAnswers> {
    const kernel = new Kernel(await loadKernel(), { budgetBytes: KERNEL_BYTES });
    return new ExactAnswers(
      queries.map(({ vectors, tokenCount }) => ({
        query: new KernelQuery(kernel, vectors, tokenCount, dim),
        rankings: lengthPriors.map((lengthPrior) => ({
          prior: lengthPrior === 0 ? undefined : LengthPrior.of({ lengthPrior }, tokenCount),
          best: new BestPages(ANSWER_PAGES),
        })),
      })),
    );
  }

  /** Pages come in ascending order. */
  add(page: number, exact: PageVectors): void {
    for (const { query, rankings } of this.#queries) {
      const score = totalScore(exactTokenBest(query, exact));
      for (const { prior, best } of rankings) best.offer(page, score - (prior?.penaltyOf(exact.scales.length) ?? 0));
    }
  }

  /** With the length prior at `place` of those given. */
  best(place: number): Answers {
    return this.#queries.map(({ rankings }) => rankings[place]?.best.list() ?? []);
  }
}
