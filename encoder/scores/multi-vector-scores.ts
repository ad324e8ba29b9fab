/**
 * Late-interaction scores as colpali-engine's `score_multi_vector` computes them (`colpali_engine/utils/processing_utils.py`, read
 * at 9be8f19), in plain loops: what the project's own scores are compared with. docs/scores.md says where the two differ.
 *
 * @module
 */

/** The vectors of a question or of a page, `[count, dim]`. */
export interface MultiVector {
  values: Float32Array;
  count: number;
}

/** Questions and pages scored together, as published. */
export const SCORE_BATCH_SIZE = 128;

/**
 * `[questions][pages]`: Σ over the question's vectors of the largest product with a vector of the page.
 *
 * Questions and pages go in batches of `batchSize`, and the shorter ones of a batch are filled with zero vectors to the length of the
 * longest. Zero vectors of a question add nothing. Those of a page *take part in the maximum*: a vector of the question that has
 * only negative products with the page counts 0 there. So the score of a page may depend on its neighbours in the batch; with
 * `batchSize` 1 it does not.
 */
export function multiVectorScores(
  questions: readonly MultiVector[],
  pages: readonly MultiVector[],
  dim: number,
  batchSize = SCORE_BATCH_SIZE,
): number[][] {
  const paddedPages = pages.map((page, at) => ({ page, isPadded: page.count < longestBeside(pages, at, batchSize) }));
  return questions.map((question) =>
    paddedPages.map(({ page, isPadded }) => {
      let score = 0;
      for (let token = 0; token < question.count; token++) {
        const best = bestProduct(question, token, page, dim);
        score += isPadded ? Math.max(0, best) : best;
      }
      return score;
    }),
  );
}

/** Vectors of the longest page in the batch of page `at`. */
function longestBeside(pages: readonly MultiVector[], at: number, batchSize: number): number {
  const first = at - (at % batchSize);
  return Math.max(...pages.slice(first, first + batchSize).map(({ count }) => count));
}

function bestProduct(question: MultiVector, token: number, page: MultiVector, dim: number): number {
  let best = -Infinity;
  for (let row = 0; row < page.count; row++) {
    let product = 0;
    for (let d = 0; d < dim; d++) {
      product += (question.values[token * dim + d] ?? 0) * (page.values[row * dim + d] ?? 0);
    }
    if (product > best) best = product;
  }
  return best;
}
