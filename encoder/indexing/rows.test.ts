import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { dequantizeInto, quantizeVectors } from "./page-vectors.ts";
import { floatBlocks, gatherRows, quantizedMatrix, setQuantizedRow } from "./rows.ts";
import { topicVectors } from "./testing.ts";

const DIM = 4;
/** One more than a block has, and a few. */
const MANY = 16_390;

function stored(count: number) {
  const floats = topicVectors({ count, dim: DIM, topics: 50, spread: 1, seed: 4 });
  const quantized = { ...quantizeVectors(floats), count, dim: DIM };
  const expected = { values: new Float32Array(count * DIM), count, dim: DIM };
  dequantizeInto(expected, 0, quantized);
  return { floats, quantized, expected };
}

describe("floatBlocks", () => {
  it("gives all rows in order, in blocks, and floats as they are", () => {
    for (const count of [0, 1, 16_384, MANY]) {
      const { floats, quantized, expected } = stored(count);
      const values = new Float32Array(count * DIM);
      const sizes: number[] = [];
      for (const block of floatBlocks(quantized)) {
        expect(block.values.length).toBe(block.count * DIM);
        values.set(block.values, block.first * DIM);
        sizes.push(block.count);
      }
      expect(values).toEqual(expected.values);
      expect(Math.max(0, ...sizes)).toBeLessThanOrEqual(16_384);
      const [whole, ...others] = floatBlocks(floats);
      expect(others).toEqual([]);
      expect(whole?.values).toBe(floats.values);
    }
  });
});

describe("gatherRows", () => {
  it("picks the same rows of a matrix in either form", () => {
    const { quantized, expected } = stored(300);
    fc.assert(
      fc.property(fc.uint32Array({ max: 299, maxLength: 40 }), (rows) => {
        const picked = gatherRows(quantized, rows);
        expect(picked).toEqual(gatherRows(expected, rows));
        rows.forEach((row, position) => {
          const own = picked.values.subarray(position * DIM, (position + 1) * DIM);
          expect(own).toEqual(expected.values.subarray(row * DIM, (row + 1) * DIM));
        });
      }),
    );
  });
});

describe("setQuantizedRow", () => {
  it("copies a row with its scale and nothing else", () => {
    const { quantized, expected } = stored(9);
    const target = quantizedMatrix(3, DIM);
    setQuantizedRow(target, 2, quantized, 7);
    const copied = gatherRows(target, Uint32Array.of(0, 1, 2));
    expect(copied.values.subarray(2 * DIM)).toEqual(expected.values.subarray(7 * DIM, 8 * DIM));
    expect(copied.values.subarray(0, 2 * DIM)).toEqual(new Float32Array(2 * DIM));
  });
});
