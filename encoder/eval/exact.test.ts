import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { EncodedQuery } from "../../shared/engine/contract.ts";
import type { EncodedPage } from "../../shared/page.ts";
import { MatrixRunner } from "../indexing/matrix-runner.ts";
import { dot, encodedPage, topicVectors } from "../indexing/testing.ts";
import { exactScores } from "./exact.ts";

let runner: MatrixRunner;
beforeAll(async () => {
  runner = await MatrixRunner.create({ threads: 1 });
});
afterAll(async () => await runner.dispose());

const dim = 16;

function query(tokenCount: number, seed: number): EncodedQuery {
  const { values } = topicVectors({ count: tokenCount, dim, topics: 9, spread: 1, seed });
  return { recipeFingerprint: "", dim, tokenCount, vectors: values, tokens: [] };
}

async function* stream(pages: readonly EncodedPage[]) {
  yield* pages;
  await Promise.resolve();
}

function maxSim(asked: EncodedQuery, page: EncodedPage): number {
  if (page.vectorCount === 0) return -Infinity;
  let score = 0;
  for (let token = 0; token < asked.tokenCount; token++) {
    const products = Array.from({ length: page.vectorCount }, (_, vector) =>
      dot(asked.vectors, token, page.vectors, vector, dim),
    );
    score += Math.max(...products);
  }
  return score;
}

describe("exactScores", () => {
  it("equals plain loops, for pages of any size, in one block or several", async () => {
    const queries = [query(1, 1), query(7, 2), query(32, 3)];
    // 9,000 vectors in all: three runs.
    const sizes = [5, 0, 1, 3_000, 900, 1_100, 0, 2_000, 1_900, 94, 0];
    const pages = sizes.map((count, at) =>
      encodedPage(topicVectors({ count, dim, topics: 50, spread: 1, seed: at }), at + 1),
    );
    const done: number[] = [];
    const scores = await exactScores(runner, queries, stream(pages), { onPages: (count) => done.push(count) });
    for (const [at, asked] of queries.entries()) {
      for (const [position, page] of pages.entries()) {
        const expected = maxSim(asked, page);
        const score = scores[at]?.[position] ?? NaN;
        if (expected === -Infinity) expect(score).toBe(-Infinity);
        else expect(score).toBeCloseTo(expected, 4);
      }
    }
    expect(done.at(-1)).toBe(sizes.length);
  });

  it("takes the length prior off, and leaves a page without vectors where it was", async () => {
    const asked = [query(3, 5), query(8, 6)];
    const pages = [0, 1, 40].map((count, at) =>
      encodedPage(topicVectors({ count, dim, topics: 9, spread: 1, seed: at }), at + 1),
    );
    const [plain, scores] = await Promise.all([
      exactScores(runner, asked, stream(pages)),
      exactScores(runner, asked, stream(pages), { lengthPrior: 0.1 }),
    ]);
    const expected = plain.map((ofQuery, at) =>
      ofQuery.map(
        (score, page) => score - 0.1 * (asked[at]?.tokenCount ?? NaN) * Math.log(1 + (pages[page]?.vectorCount ?? NaN)),
      ),
    );
    for (const [at, ofQuery] of scores.entries()) {
      expect(ofQuery[0]).toBe(-Infinity);
      for (const page of [1, 2]) expect(ofQuery[page]).toBeCloseTo(expected[at]?.[page] ?? NaN, 5);
    }
  });

  it("adds negative products too", async () => {
    const asked = query(2, 4);
    const page = encodedPage({ values: asked.vectors.subarray(0, dim).map((value) => -value), count: 1, dim }, 1);
    const [scores] = await exactScores(runner, [asked], stream([page]));
    expect(scores?.[0]).toBeCloseTo(maxSim(asked, page), 5);
    expect(scores?.[0]).toBeLessThan(0);
  });

  it("gives nothing for no pages", async () => {
    expect(await exactScores(runner, [query(3, 1)], stream([]))).toEqual([[]]);
  });
});
