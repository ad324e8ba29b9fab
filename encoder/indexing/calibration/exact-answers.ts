/**
 * What the best pages for a question are, by exact vectors: the truth that calibration measures searches against.
 *
 * Exact is what a search with accuracy "exact" answers: MaxSim of the int8 vectors that the index keeps, less its recipe's length
 * prior, with questions rounded as the kernels take them. Against the encoder's floats, which no index keeps, int8 itself changes places: 128 exact pages of 256
 * candidates stood at .994 on the filings (`planner/accuracy.ts`), and .995 could not be promised.
 *
 * @module
 */
import type { EncodedQuery } from "../../../shared/engine/contract.ts";
import { toQueryBlocks } from "../../../shared/kernel/query-block.ts";
import type { Recipe } from "../../../shared/recipe/recipe.ts";
import { exactScores, type ScorablePage } from "../../eval/exact.ts";
import type { MatrixRunner } from "../matrix-runner.ts";
import { dequantizeInto } from "../page-vectors.ts";
import { type PageRun, readRun } from "./live-pages.ts";

/** Depth of the recall that is measured. */
export const CALIBRATION_DEPTH = 10;
/** Scores that differ by less are equal: duplicates of a page may take each other's place. */
const SCORE_TOLERANCE = 1e-4;

/** Exact scores of some pages for some questions. */
export class ExactAnswers {
  readonly #scores: Map<string, number>[];
  readonly #recipe: Pick<Recipe, "lengthPrior">;

  /** @param recipe of the index. */
  constructor(queryCount: number, recipe: Pick<Recipe, "lengthPrior">) {
    this.#recipe = recipe;
    this.#scores = Array.from({ length: queryCount }, () => new Map<string, number>());
  }

  get pageCount(): number {
    return this.#scores[0]?.size ?? 0;
  }

  has(key: string): boolean {
    return this.#scores[0]?.has(key) === true;
  }

  /** Scores the pages of `runs`, run by run, for as long as `mayGoOn`. `queries` are always the same. */
  async add(
    runner: MatrixRunner,
    queries: readonly EncodedQuery[],
    runs: readonly PageRun[],
    mayGoOn: (pagesDone: number) => boolean = () => true,
  ): Promise<void> {
    const keys: string[] = [];
    const { dim } = queries[0] ?? { dim: 1 };
    async function* pages(): AsyncGenerator<ScorablePage> {
      for (const run of runs) {
        if (!mayGoOn(keys.length)) return;
        for (const { key, exact } of await readRun(run)) {
          const count = exact.scales.length;
          const vectors = new Float32Array(count * dim);
          dequantizeInto({ values: vectors, count, dim }, 0, exact);
          keys.push(key);
          yield { vectorCount: count, vectors };
        }
      }
    }
    const scores = await exactScores(runner, queries.map(asSearched), pages(), {
      lengthPrior: this.#recipe.lengthPrior,
    });
    for (const [query, own] of scores.entries()) {
      own.forEach((score, page) => this.#scores[query]?.set(keys[page] ?? "", score));
    }
  }

  /**
   * Share of the best {@link CALIBRATION_DEPTH} pages of question `query` (all, if there are fewer) that `found` has. A page as
   * good as the last of them counts as one of them.
   */
  recall(query: number, found: readonly string[]): number {
    const best = this.bestScores(query);
    const last = best.at(-1);
    if (last === undefined) return 1;
    const scores = this.#scores[query];
    const hits = found.filter((key) => (scores?.get(key) ?? -Infinity) >= last - SCORE_TOLERANCE).length;
    return Math.min(hits, best.length) / best.length;
  }

  /** The best {@link CALIBRATION_DEPTH} scores for question `query`, descending. */
  bestScores(query: number): number[] {
    return [...(this.#scores[query]?.values() ?? [])].toSorted((a, b) => b - a).slice(0, CALIBRATION_DEPTH);
  }
}

/** `query` with its vectors as the kernels round them. */
function asSearched(query: EncodedQuery): EncodedQuery {
  const { dim, tokenCount } = query;
  const vectors = new Float32Array(tokenCount * dim);
  for (const { firstToken, tokenCount: count, rows, scales } of toQueryBlocks(query.vectors, tokenCount, dim)) {
    for (let at = 0; at < count * dim; at++) {
      vectors[firstToken * dim + at] = (rows[at] ?? 0) * (scales[Math.floor(at / dim)] ?? 0);
    }
  }
  return { ...query, vectors };
}
