import { describe, expect, it } from "vitest";
import { loadProjection, normalize, PROJECTED_DIM, Projection } from "./projection.ts";
import { HIDDEN_DIM } from "./trunk.ts";

/** Keeps the first 128 of 384 dimensions. */
function selection(): Float32Array {
  const matrix = new Float32Array(HIDDEN_DIM * PROJECTED_DIM);
  for (let d = 0; d < PROJECTED_DIM; d++) matrix[d * PROJECTED_DIM + d] = 1;
  return matrix;
}

const length = (vector: Float32Array) => Math.hypot(...vector);

describe("Projection", () => {
  it("subtracts the centre, multiplies and normalises", () => {
    const centre = new Float32Array(HIDDEN_DIM).fill(1);
    const hidden = new Float32Array(3 * HIDDEN_DIM).fill(1);
    // Row 1: 3 and 4 above the centre in the first two dimensions, and something that the matrix drops.
    hidden.set([4, 5], HIDDEN_DIM);
    hidden.set([100], 2 * HIDDEN_DIM - 1);
    const target = new Float32Array(2 * PROJECTED_DIM).fill(9);
    new Projection(centre, selection()).project(hidden, 1, 1, target, 1);
    expect(target.subarray(0, PROJECTED_DIM)).toEqual(new Float32Array(PROJECTED_DIM).fill(9));
    expect([...target.subarray(PROJECTED_DIM, PROJECTED_DIM + 3)]).toEqual([
      expect.closeTo(0.6, 6),
      expect.closeTo(0.8, 6),
      0,
    ]);
  });

  it("refuses a matrix of another size", () => {
    expect(() => new Projection(new Float32Array(HIDDEN_DIM), new Float32Array(12))).toThrow("384 × 128");
  });

  it("is shipped with columns that are orthonormal", async () => {
    const projection = await loadProjection();
    const origin = new Float32Array(PROJECTED_DIM);
    projection.project(new Float32Array(HIDDEN_DIM), 0, 1, origin, 0);
    expect(length(origin)).toBeCloseTo(1, 5);
  });
});

describe("normalize", () => {
  it("scales to length 1 and leaves zeros alone", () => {
    const vector = Float32Array.of(3, 0, 4);
    normalize(vector);
    expect([...vector]).toEqual([expect.closeTo(0.6, 6), 0, expect.closeTo(0.8, 6)]);
    const zeros = new Float32Array(3);
    normalize(zeros);
    expect([...zeros]).toEqual([0, 0, 0]);
  });
});
