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

interface Answered {
  roundTripMs: number;
  /** As the worker counts it: everything after the query was encoded. */
  searchMs: number;
  encodeCached: boolean;
}

async function search(url: string, question: string): Promise<Answered> {
  const startedMs = performance.now();
  const response = await fetch(`${url}/v1/indexes/samples/search`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: question }),
  });
  const body: unknown = await response.json();
  const roundTripMs = performance.now() - startedMs;
  const { searchMs, encodeCached } = searchResponseSchema.parse(body).performance;
  return { roundTripMs, searchMs, encodeCached };
}

/** A request that does nothing: what wrangler's proxy and HTTP cost here. */
async function idleRoundTripMs(url: string): Promise<number> {
  const startedMs = performance.now();
  await (await fetch(`${url}/healthz`)).arrayBuffer();
  return performance.now() - startedMs;
}

async function run(): Promise<BenchRow[]> {
  const questions = await readSampleQuestions();
  const stack = await startStack();
  try {
    const first: number[] = [];
    const warm: Answered[] = [];
    const idle: number[] = [];
    for (const { question } of questions) first.push((await search(stack.url, question)).roundTripMs);
    for (let round = 0; round < ROUNDS; round++) {
      for (const { question } of questions) {
        idle.push(await idleRoundTripMs(stack.url));
        const answered = await search(stack.url, question);
        if (!answered.encodeCached) throw new Error(`the encoder was asked again for ${JSON.stringify(question)}`);
        warm.push(answered);
      }
    }
    const searchMs = warm.map((answered) => answered.searchMs);
    const roundTripMs = warm.map((answered) => answered.roundTripMs);
    return [
      { name: "first time asked, encoder included: round trip, median", value: quantile(first, 0.5), unit: "ms" },
      { name: "warm: search in the worker, median", value: quantile(searchMs, 0.5), unit: "ms" },
      { name: "warm: search in the worker, 95th percentile", value: quantile(searchMs, 0.95), unit: "ms" },
      { name: "warm: round trip, median", value: quantile(roundTripMs, 0.5), unit: "ms" },
      { name: "round trip of a request that does nothing, median", value: quantile(idle, 0.5), unit: "ms" },
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
