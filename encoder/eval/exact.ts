/**
 * Exact MaxSim in floats over every page: what the engine's approximations are measured against.
 *
 * @module
 */
import type { EncodedQuery } from "../../shared/engine/contract.ts";
import type { EncodedPage } from "../../shared/page.ts";
import { LengthPrior } from "../../shared/recipe/length-prior.ts";
import type { Recipe } from "../../shared/recipe/recipe.ts";
import type { Matrix, MatrixRunner } from "../indexing/matrix-runner.ts";

/** What scoring needs of a page. */
export type ScorablePage = Pick<EncodedPage, "vectorCount" | "vectors">;

/** Page vectors multiplied with all queries at once; more would only take memory. */
const VECTORS_PER_RUN = 4_096;

/** `lengthPrior` is the recipe's; without it the scores are plain MaxSim. */
export interface ExactScoring extends Pick<Recipe, "lengthPrior"> {
  onPages?: ((done: number) => void) | undefined;
}

/**
 * Scores `[queries][pages]`: Σ over the query's tokens of the largest inner product with a vector of the page, less what the
 * recipe's length prior takes off. A page without vectors scores −∞.
 */
export async function exactScores(
  runner: MatrixRunner,
  queries: readonly EncodedQuery[],
  pages: AsyncIterable<ScorablePage>,
  { lengthPrior, onPages }: ExactScoring = {},
): Promise<number[][]> {
  const priors = queries.map(({ tokenCount }) => LengthPrior.of({ lengthPrior }, tokenCount));
  const scores = queries.map((): number[] => []);
  for await (const { pages: batch, best } of tokenScores(runner, queries, pages)) {
    batch.forEach((page, position) => {
      let token = 0;
      for (const [query, { tokenCount }] of queries.entries()) {
        let score = page.vectorCount === 0 ? -Infinity : 0 - (priors[query]?.penaltyOf(page.vectorCount) ?? 0);
        for (const end = token + tokenCount; token < end; token++) score += best[token * batch.length + position] ?? 0;
        scores[query]?.push(score);
      }
    });
    onPages?.(scores[0]?.length ?? 0);
  }
  return scores;
}

/** Some pages, in order, and how well each token of all queries fits them: `[tokens, pages]`, 0 on a page without vectors. */
export interface TokenScores {
  pages: readonly ScorablePage[];
  best: Float32Array;
}

/** What {@link exactScores} adds up, before it does: the largest inner product of every token with every page. */
export async function* tokenScores(
  runner: MatrixRunner,
  queries: readonly EncodedQuery[],
  pages: AsyncIterable<ScorablePage>,
): AsyncGenerator<TokenScores> {
  const tokens = stackTokens(queries);
  let batch: ScorablePage[] = [];
  let vectors = 0;
  for await (const page of pages) {
    batch.push(page);
    vectors += page.vectorCount;
    if (vectors < VECTORS_PER_RUN) continue;
    yield { pages: batch, best: await bestPerPage(runner, tokens, batch) };
    batch = [];
    vectors = 0;
  }
  if (batch.length > 0) yield { pages: batch, best: await bestPerPage(runner, tokens, batch) };
}

/** The vectors of all queries below one another. */
function stackTokens(queries: readonly EncodedQuery[]): Matrix {
  const dim = queries[0]?.dim ?? 1;
  const count = queries.reduce((sum, query) => sum + query.tokenCount, 0);
  const values = new Float32Array(count * dim);
  let filled = 0;
  for (const query of queries) {
    values.set(query.vectors, filled);
    filled += query.vectors.length;
  }
  return { values, count, dim };
}

/** `[tokens.count, pages.length]`: each token's largest product on each page; 0 on a page without vectors. */
async function bestPerPage(
  runner: MatrixRunner,
  tokens: Matrix,
  pages: readonly ScorablePage[],
): Promise<Float32Array> {
  const { dim } = tokens;
  const count = pages.reduce((sum, page) => sum + page.vectorCount, 0);
  const values = new Float32Array(count * dim);
  const pageOfVector = new Uint32Array(count);
  let filled = 0;
  for (const [position, page] of pages.entries()) {
    values.set(page.vectors, filled * dim);
    pageOfVector.fill(position, filled, filled + page.vectorCount);
    filled += page.vectorCount;
  }
  const best = new Float32Array(tokens.count * pages.length).fill(-Infinity);
  for await (const block of runner.products(tokens, { values, count, dim })) {
    for (let token = 0; token < tokens.count; token++) {
      const row = token * block.count;
      for (let vector = 0; vector < block.count; vector++) {
        const at = token * pages.length + (pageOfVector[block.first + vector] ?? 0);
        const product = block.table[row + vector] ?? 0;
        if (product > (best[at] ?? 0)) best[at] = product;
      }
    }
  }
  return best.map((value) => (value === -Infinity ? 0 : value));
}
