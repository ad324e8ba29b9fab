import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LANES, toQueryBlocks } from "./query-block.ts";
import { SHORT_ROW_MAX, shortBlock, shortLength } from "./short-rows.ts";
import { numbers } from "./testing/material.ts";

/** Lengths of centroids, in int8 units: of unit vectors 257 and 273 (filings, Cranfield), at most 127 · √dim. */
const centroidLengths = fc.double({ min: 10, max: 32_767 / 48, noNaN: true });

interface Query {
  seed: number;
  dim: number;
  tokenCount: number;
  size: number;
  /** Every value at its extreme, or all but one much smaller. */
  kind: string;
}

const queries: fc.Arbitrary<Query> = fc.record({
  seed: fc.integer(),
  dim: fc.constantFrom(16, 48, 128, 384, 1_024),
  tokenCount: fc.integer({ min: 1, max: 40 }),
  size: fc.constantFrom(1e-3, 1, 1e3),
  kind: fc.constantFrom("even", "extreme", "spiky"),
});

function vectorsOf({ seed, dim, tokenCount, size, kind }: Query): Float32Array {
  const next = numbers(seed);
  return Float32Array.from({ length: tokenCount * dim }, (_, i) => {
    if (kind === "extreme") return next() < 0.5 ? -size : size;
    return (next() * 2 - 1) * size * (kind === "spiky" && i % dim !== 3 ? 0.01 : 1);
  });
}

describe("shortBlock", () => {
  it("keeps rows short enough that no dot product leaves 16 bits, and close to the vectors", () => {
    fc.assert(
      fc.property(queries, centroidLengths, (query, centroidLength) => {
        const length = shortLength(centroidLength) ?? 0;
        const { dim, tokenCount } = query;
        for (const block of toQueryBlocks(vectorsOf(query), tokenCount, dim)) {
          const { rows, scales, norms, values } = shortBlock(block, length);
          for (let lane = 0; lane < LANES; lane++) {
            const row = rows.subarray(lane * dim, (lane + 1) * dim);
            const squares = row.reduce((sum, value) => sum + value * value, 0);
            expect(Math.sqrt(squares) * centroidLength).toBeLessThanOrEqual(32_767);
            expect(row.every((value) => Math.abs(value) <= SHORT_ROW_MAX)).toBe(true);
            const scale = scales[lane] ?? 0;
            const furthest = row.reduce(
              (most, value, d) => Math.max(most, Math.abs(value * scale - (values[lane * dim + d] ?? 0))),
              0,
            );
            expect(furthest).toBeLessThanOrEqual(scale * 0.501);
            if ((norms[lane] ?? 0) === 0) expect(squares).toBe(0);
          }
        }
      }),
      { numRuns: 60 },
    );
  });

  it("uses the room there is", () => {
    const query = { seed: 5, dim: 128, tokenCount: 20, size: 1, kind: "even" };
    const length = shortLength(300) ?? 0;
    const [block] = toQueryBlocks(vectorsOf({ ...query, kind: "even" }), 20, 128);
    if (block === undefined) return;
    const { rows } = shortBlock(block, length);
    for (let lane = 0; lane < 20; lane++) {
      const squares = rows.subarray(lane * 128, (lane + 1) * 128).reduce((sum, value) => sum + value * value, 0);
      expect(Math.sqrt(squares)).toBeGreaterThan(length * 0.95);
    }
  });
});

describe("shortLength", () => {
  it("is undefined for centroids so long that rows would be too rough", () => {
    expect(shortLength(600)).toBeCloseTo(54.6, 1);
    expect(shortLength(127 * Math.sqrt(128))).toBeUndefined();
  });
});
