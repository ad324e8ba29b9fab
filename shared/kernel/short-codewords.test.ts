import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasShortCodewords, shortCodewords } from "./short-codewords.ts";
import { SHORT_BIAS, SHORT_CODEWORD_LENGTH, SHORT_ROW_MAX } from "./short-rows.ts";
import { numbers } from "./testing/material.ts";

const codewords = fc.record({
  seed: fc.integer(),
  width: fc.constantFrom(4, 8, 16, 80, 256),
  size: fc.constantFrom(1e-30, 1e-3, 1, 1e3),
  /** Every value at its extreme, or a few much larger than the rest. */
  kind: fc.constantFrom("even", "extreme", "spiky", "zero"),
});

describe("shortCodewords", () => {
  it("rounds to 7 bits, no codeword longer than query rows allow", () => {
    fc.assert(
      fc.property(codewords, ({ seed, width, size, kind }) => {
        const next = numbers(seed);
        const reals = Float32Array.from({ length: 64 * width }, () => {
          if (kind === "zero") return 0;
          if (kind === "extreme") return next() < 0.5 ? -size : size;
          return (next() * 2 - 1) * size * (kind === "spiky" && next() < 0.9 ? 0.01 : 1);
        });
        const { values, scale } = shortCodewords(reals, width);
        for (let start = 0; start < reals.length; start += width) {
          const units = Array.from(values.subarray(start, start + width), (value) => value - SHORT_BIAS);
          expect(Math.hypot(...units)).toBeLessThanOrEqual(SHORT_CODEWORD_LENGTH);
          expect(units.every((unit) => Math.abs(unit) <= SHORT_ROW_MAX)).toBe(true);
          const furthest = units.reduce((most, unit, d) => {
            return Math.max(most, Math.abs(unit * scale - (reals[start + d] ?? 0)));
          }, 0);
          expect(furthest).toBeLessThanOrEqual(scale * 0.501);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("hasShortCodewords", () => {
  it("takes whole quads, of codebooks whose centroids take query rows of 7 bits", () => {
    expect(hasShortCodewords(8, 260)).toBe(true);
    expect(hasShortCodewords(3, 260)).toBe(false);
    expect(hasShortCodewords(8, 1_437)).toBe(false);
  });
});
