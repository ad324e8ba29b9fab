/**
 * The sample questions through the whole local stack: HTTP, the worker in workerd, reads from the local bucket. Time on the
 * clock, seen by the caller, so that everything counts; the encoder does not, because every question was asked before.
 *
 * @module
 */
import { searchResponseSchema } from "../../shared/api/search.ts";
import { readSampleQuestions, startStack } from "../support/stack.ts";
import type { Benchmark, BenchRow } from "./benchmark.ts";
import { quantile } from "./measure.ts";

const ROUNDS = 20;

async function search(url: string, question: string): Promise<{ roundTripMs: number; encodeCached: boolean }> {
  const startedMs = performance.now();
  const response = await fetch(`${url}/v1/indexes/samples/search`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: question }),
  });
  const body: unknown = await response.json();
  const roundTripMs = performance.now() - startedMs;
  return { roundTripMs, encodeCached: searchResponseSchema.parse(body).performance.encodeCached };
}

async function run(): Promise<BenchRow[]> {
  const questions = await readSampleQuestions();
  const stack = await startStack();
  try {
    const first: number[] = [];
    const warm: number[] = [];
    for (const { question } of questions) first.push((await search(stack.url, question)).roundTripMs);
    for (let round = 0; round < ROUNDS; round++) {
      for (const { question } of questions) {
        const { roundTripMs, encodeCached } = await search(stack.url, question);
        if (!encodeCached) throw new Error(`the encoder was asked again for ${JSON.stringify(question)}`);
        warm.push(roundTripMs);
      }
    }
    return [
      { name: "first time asked, encoder included: median", value: quantile(first, 0.5), unit: "ms" },
      { name: "warm, no encoder call: median", value: quantile(warm, 0.5), unit: "ms" },
      { name: "warm, no encoder call: 95th percentile", value: quantile(warm, 0.95), unit: "ms" },
    ];
  } finally {
    await stack.stop();
  }
}

const benchmark: Benchmark = {
  name: "edge",
  setting: "the sample index through wrangler's local worker, 22 questions, k = 10; time on the clock at the caller",
  run,
};

export default benchmark;
