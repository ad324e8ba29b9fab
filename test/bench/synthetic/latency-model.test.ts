import { describe, expect, it } from "vitest";
import { seededRandom } from "../../../shared/seeded-random.ts";
import { MemoryStore } from "../../../shared/store/memory-store.ts";
import { quantile } from "../measure.ts";
import { drawLatencyMs, OBJECT_STORE, type Waves } from "./latency-model.ts";
import { WaveStore } from "./wave-store.ts";

/** Every read takes as long as every other. */
const STEADY = { medianMs: 63, p99Ms: 63, bytesPerMs: 1_000 };

function draws(waves: Waves, store = OBJECT_STORE): number[] {
  const random = seededRandom(1);
  return Array.from({ length: 20_000 }, () => drawLatencyMs(waves, store, random));
}

describe("drawLatencyMs", () => {
  it("has the quantiles that it was made from", () => {
    const one = draws([[0]]);
    expect(quantile(one, 0.5)).toBeCloseTo(63, 0);
    expect(quantile(one, 0.99)).toBeCloseTo(78, 0);
  });

  it("lets six reads go at once, and a wave wait for the one before", () => {
    const [reads6, reads7] = [Array.from({ length: 6 }, () => 0), Array.from({ length: 7 }, () => 0)];
    expect(drawLatencyMs([reads6], STEADY, seededRandom(1))).toBeCloseTo(63);
    expect(drawLatencyMs([reads7], STEADY, seededRandom(1))).toBeCloseTo(126);
    expect(drawLatencyMs([[0], [0], [0]], STEADY, seededRandom(1))).toBeCloseTo(189);
    expect(drawLatencyMs([[10_000, 5_000]], STEADY, seededRandom(1))).toBeCloseTo(73);
    expect(drawLatencyMs([], STEADY, seededRandom(1))).toBe(0);
  });
});

describe("WaveStore", () => {
  it("tells reads that waited from reads that did not", async () => {
    const inner = new MemoryStore();
    await inner.put("a", new Uint8Array(100));
    const store = new WaveStore(inner);
    await Promise.all([store.get("a", { offset: 0, length: 10 }), store.get("a", { offset: 0, length: 20 })]);
    await store.get("a");
    expect(store.take()).toEqual([[10, 20], [100]]);
    await store.get("missing");
    expect(store.take()).toEqual([[0]]);
    expect(store.take()).toEqual([]);
  });
});
