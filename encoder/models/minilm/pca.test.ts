import { describe, expect, it } from "vitest";
import { MomentAccumulator } from "./pca.ts";

/** Points around (10, 20, 30): ±4 along (1, 1, 0)/√2, ±2 along z, ±1 along (1, −1, 0)/√2. */
const half = Math.SQRT1_2;
const points = [
  [10 + 4 * half, 20 + 4 * half, 30],
  [10 - 4 * half, 20 - 4 * half, 30],
  [10, 20, 32],
  [10, 20, 28],
  [10 + half, 20 - half, 30],
  [10 - half, 20 + half, 30],
];

describe("principalComponents", () => {
  it("finds mean, directions by falling variance, and their share", () => {
    const moments = new MomentAccumulator(3);
    moments.add(Float32Array.from(points.slice(0, 4).flat()));
    moments.add(Float32Array.from(points.slice(4).flat()));
    expect(moments.count).toBe(6);

    const { centre, matrix, explainedVariance } = moments.principalComponents(2);
    const near = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 4));
    expect([...centre]).toEqual(near([10, 20, 30]));
    // Row-major [3, 2]: the columns are (1, 1, 0)/√2 and z.
    expect([...matrix]).toEqual(near([half, 0, half, 0, 0, 1]));
    expect(explainedVariance).toBeCloseTo((16 + 4) / (16 + 4 + 1), 4);
  });

  it("does not depend on the order of the points, nor on the batches", () => {
    const forth = new MomentAccumulator(3);
    forth.add(Float32Array.from(points.flat()));
    const back = new MomentAccumulator(3);
    for (const point of points.toReversed()) back.add(Float32Array.from(point));
    const [a, b] = [forth.principalComponents(3), back.principalComponents(3)];
    for (const [i, value] of a.matrix.entries()) expect(b.matrix[i]).toBeCloseTo(value, 5);
  });
});
