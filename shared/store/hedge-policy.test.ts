import { describe, expect, it } from "vitest";
import { seededRandom } from "../seeded-random.ts";
import {
  HEDGE_PERCENTILE,
  HEDGES_PER_READ,
  HedgePolicy,
  LATENCY_SAMPLES,
  MIN_LATENCY_SAMPLES,
} from "./hedge-policy.ts";

function observed(latenciesMs: readonly number[]): HedgePolicy {
  const policy = new HedgePolicy();
  for (const latencyMs of latenciesMs) policy.observe(latencyMs);
  return policy;
}

describe("hedge policy", () => {
  it("knows no delay before it has seen enough reads", () => {
    const latencies = Array.from({ length: MIN_LATENCY_SAMPLES }, (_, i) => i);
    expect(observed(latencies.slice(1)).delayMs).toBeUndefined();
    expect(observed(latencies).delayMs).toBe(Math.floor((MIN_LATENCY_SAMPLES - 1) * HEDGE_PERCENTILE));
  });

  it("waits for the 95th percentile of the latest 256 reads, whatever came before", () => {
    const random = seededRandom(1);
    const latest = Array.from({ length: LATENCY_SAMPLES }, () => 50 + 100 * random.next());
    const policy = observed([...Array.from({ length: 4 * LATENCY_SAMPLES }, () => 5_000), ...latest]);
    const sorted = latest.toSorted((a, b) => a - b);
    expect(policy.delayMs).toBe(sorted[Math.floor((LATENCY_SAMPLES - 1) * HEDGE_PERCENTILE)]);
  });

  it("allows one second read for ten reads", () => {
    const policy = new HedgePolicy();
    const reads = 500;
    let hedges = 0;
    for (let i = 0; i < reads; i++) {
      policy.observe(1);
      if (policy.take()) hedges += 1;
    }
    expect(hedges).toBeLessThanOrEqual(reads * HEDGES_PER_READ);
    expect(hedges).toBeGreaterThan(reads * HEDGES_PER_READ - 2);
  });

  it("saves no more than one wave of second reads for bad times", () => {
    const policy = observed(Array.from({ length: 10_000 }, () => 1));
    let hedges = 0;
    while (policy.take()) hedges += 1;
    expect(hedges).toBe(6);
  });
});
