import fc from "fast-check";
import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { exactTokenBest, totalScore } from "../../shared/kernel/exact-scorer.ts";
import { KernelQuery } from "../../shared/kernel/kernel-query.ts";
import { Kernel } from "../../shared/kernel/kernel.ts";
import { maxSim } from "../../shared/kernel/reference.ts";
import { compileKernel } from "../../shared/kernel/webassembly.ts";
import { exactScores } from "../eval/exact.ts";
import { MatrixRunner } from "../indexing/matrix-runner.ts";
import { dequantizeInto, quantizeVectors } from "../indexing/page-vectors.ts";
import { topicVectors } from "../indexing/testing.ts";
import { type MultiVector, multiVectorScores } from "./multi-vector-scores.ts";
import { type ColpaliEngineFixture, readFixture } from "./testing.ts";

const DIM = 16;

let fixture: ColpaliEngineFixture["scores"];
let runner: MatrixRunner;
let kernel: Kernel;
beforeAll(async () => {
  fixture = (await readFixture()).scores;
  runner = await MatrixRunner.create({ threads: 1 });
  kernel = new Kernel(
    await compileKernel(await readFile(new URL("../../shared/kernel/build/kernel.wasm", import.meta.url))),
  );
});
afterAll(async () => await runner.dispose());

function multiVector(values: Float32Array): MultiVector {
  return { values, count: values.length / DIM };
}

/** Vectors of length 1, of which those at every `zeroEvery`-th row are zero, as a model leaves masked positions. */
const vectors = fc
  .record({
    count: fc.integer({ min: 1, max: 40 }),
    topics: fc.integer({ min: 1, max: 6 }),
    spread: fc.constantFrom(0.1, 0.5, 2),
    seed: fc.integer({ min: 1, max: 1_000_000 }),
    zeroEvery: fc.option(fc.integer({ min: 1, max: 5 })),
  })
  .map(({ zeroEvery, ...options }) => {
    const { values, count } = topicVectors({ ...options, dim: DIM });
    if (zeroEvery !== null) for (let row = 0; row < count; row += zeroEvery) values.fill(0, row * DIM, (row + 1) * DIM);
    return { values, count };
  });
const questionsAndPages = [
  fc.array(vectors, { minLength: 1, maxLength: 4 }),
  fc.array(vectors, { minLength: 1, maxLength: 7 }),
] as const;

async function floatScores(questions: readonly MultiVector[], pages: readonly MultiVector[]): Promise<number[][]> {
  const encoded = questions.map(({ values, count }) => {
    return { recipeFingerprint: "", dim: DIM, tokenCount: count, vectors: values, tokens: [] };
  });
  async function* stream() {
    for (const { values, count } of pages) yield await Promise.resolve({ vectorCount: count, vectors: values });
  }
  return await exactScores(runner, encoded, stream());
}

/** As a search scores exact vectors. */
function kernelScores(questions: readonly MultiVector[], pages: readonly MultiVector[]): number[][] {
  return questions.map(({ values, count }) => {
    const query = new KernelQuery(kernel, values, count, DIM);
    const scores = pages.map((page) => totalScore(exactTokenBest(query, quantizeVectors({ ...page, dim: DIM }))));
    query.release();
    return scores;
  });
}

/** The vectors that the index keeps of a page, as floats. */
function asKept(page: MultiVector): MultiVector {
  const kept = { values: new Float32Array(page.values.length), count: page.count, dim: DIM };
  dequantizeInto(kept, 0, quantizeVectors({ ...page, dim: DIM }));
  return kept;
}

/** Infinity for tables of different shapes. */
function largestDifference(actual: readonly number[][], expected: readonly number[][]): number {
  if (actual.length !== expected.length) return Infinity;
  const differences = expected.flatMap((row, i) => {
    const own = actual[i] ?? [];
    return own.length === row.length ? row.map((score, j) => Math.abs((own[j] ?? NaN) - score)) : Infinity;
  });
  return Math.max(...differences);
}

describe("multiVectorScores", () => {
  it("are those of colpali-engine, in batches of any size", () => {
    const [questions, pages] = [fixture.questions.map(multiVector), fixture.pages.map(multiVector)];
    expect(fixture.cases.map(({ batchSize }) => batchSize)).toEqual([128, 2, 1]);
    for (const { batchSize, scores } of fixture.cases) {
      expect(largestDifference(multiVectorScores(questions, pages, DIM, batchSize), scores)).toBeLessThan(2e-6);
    }
    expect(multiVectorScores(questions, pages, DIM)).toEqual(multiVectorScores(questions, pages, DIM, 128));
  });

  it("are what filling up with zero vectors gives", () => {
    const batchSizes = fc.integer({ min: 1, max: 8 });
    fc.assert(
      fc.property(...questionsAndPages, batchSizes, (questions, pages, batchSize) => {
        const expected = questions.map(({ values }) =>
          pages.map((page, at) => {
            const first = Math.floor(at / batchSize) * batchSize;
            const longest = Math.max(...pages.slice(first, first + batchSize).map(({ count }) => count));
            const padded = new Float32Array(longest * DIM);
            padded.set(page.values);
            return maxSim(values, padded, DIM);
          }),
        );
        expect(largestDifference(multiVectorScores(questions, pages, DIM, batchSize), expected)).toBeLessThan(1e-9);
      }),
      { numRuns: 60 },
    );
  });
});

describe("scores of the project", () => {
  it("are colpali-engine's of pages scored one by one", async () => {
    const [questions, pages] = [fixture.questions.map(multiVector), fixture.pages.map(multiVector)];
    const alone = fixture.cases.find(({ batchSize }) => batchSize === 1)?.scores ?? [];
    expect(largestDifference(await floatScores(questions, pages), alone)).toBeLessThan(1e-5);
    expect(largestDifference(kernelScores(questions, pages), alone)).toBeLessThan(0.02);
    expect(kernelScores(questions, pages).map(ranking)).toEqual(alone.map(ranking));
  });

  it("by floats are MaxSim without padding, with zero vectors among questions and pages", async () => {
    await fc.assert(
      fc.asyncProperty(...questionsAndPages, async (questions, pages) => {
        expect(
          largestDifference(await floatScores(questions, pages), multiVectorScores(questions, pages, DIM, 1)),
        ).toBeLessThan(1e-4);
      }),
      { numRuns: 40 },
    );
  });

  it("by kernels are MaxSim of the vectors that are kept, and rank as floats do where scores differ", () => {
    fc.assert(
      fc.property(...questionsAndPages, (questions, pages) => {
        const scores = kernelScores(questions, pages);
        const kept = multiVectorScores(questions, pages.map(asKept), DIM, 1);
        const exact = multiVectorScores(questions, pages, DIM, 1);
        for (const [i, { count }] of questions.entries()) {
          // A query is kept to 1 / 8,190 of its largest value: over 16 values an error of up to √16 / 8,190 a token.
          expect(largestDifference(scores.slice(i, i + 1), kept.slice(i, i + 1))).toBeLessThan(count * 5e-4);
          // Of a page's value 1 / 254 of the largest is lost: √16 / 254 at most.
          const bound = count * 0.0162;
          expect(largestDifference(scores.slice(i, i + 1), exact.slice(i, i + 1))).toBeLessThan(bound);
          expect(swappedPairs(scores[i] ?? [], exact[i] ?? [], 2 * bound)).toBe(0);
        }
      }),
      { numRuns: 100 },
    );
  });
});

function ranking(scores: readonly number[]): number[] {
  return [...scores.keys()].toSorted((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
}

/** Pairs that `expected` tells apart by more than `within` and that `actual` has the other way round. */
function swappedPairs(actual: readonly number[], expected: readonly number[], within: number): number {
  const pairs = expected.flatMap((left, a) => expected.map((right, b) => ({ left, right, a, b })));
  return pairs.filter(({ left, right, a, b }) => left > right + within && !((actual[a] ?? NaN) > (actual[b] ?? NaN)))
    .length;
}
