import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { encodeGraph } from "../../indexing/onnx-graph.ts";
import { normalize, PROJECTED_DIM, projectedOutput, readProjection } from "./projection.ts";
import { HIDDEN_DIM, HIDDEN_STATES, loadTrunk, SPECIALS_PER_WINDOW } from "./trunk.ts";

/** Keeps the first 128 of 384 dimensions. */
function selection(): Float32Array {
  const matrix = new Float32Array(HIDDEN_DIM * PROJECTED_DIM);
  for (let d = 0; d < PROJECTED_DIM; d++) matrix[d * PROJECTED_DIM + d] = 1;
  return matrix;
}

/** What the graph computes for `hidden` `[n, 384]`, behind one that hands its input through. */
async function project(hidden: Float32Array, centre: Float32Array, matrix: Float32Array): Promise<Float32Array> {
  const { name, extension = new Uint8Array() } = projectedOutput(centre, matrix);
  const shape = ["batch", "sequence", HIDDEN_DIM];
  const graph = encodeGraph({
    name: "identity",
    inputs: [{ name: "states", type: "float32", shape }],
    outputs: [{ name: HIDDEN_STATES, type: "float32", shape }],
    nodes: [{ op: "Identity", inputs: ["states"], outputs: [HIDDEN_STATES] }],
  });
  const session = await InferenceSession.create(Buffer.concat([graph, extension]));
  const states = new Tensor("float32", hidden, [1, hidden.length / HIDDEN_DIM, HIDDEN_DIM]);
  const vectors = (await session.run({ states }))[name]?.data;
  await session.release();
  if (!(vectors instanceof Float32Array)) throw new Error("no floats came back");
  return vectors;
}

/** One row, in float64. */
function projectRow(hidden: Float32Array, centre: Float32Array, matrix: Float32Array): number[] {
  const product = Array.from({ length: PROJECTED_DIM }, (_, d) =>
    hidden.reduce((sum, value, i) => sum + (value - (centre[i] ?? 0)) * (matrix[i * PROJECTED_DIM + d] ?? 0), 0),
  );
  const length = Math.hypot(...product);
  return product.map((value) => value / length);
}

describe("projection", () => {
  it("subtracts the centre, multiplies and normalises", async () => {
    const centre = new Float32Array(HIDDEN_DIM).fill(1);
    const hidden = new Float32Array(2 * HIDDEN_DIM).fill(1);
    // Row 1: 3 and 4 above the centre in the first two dimensions, and something that the matrix drops.
    hidden.set([4, 5], HIDDEN_DIM);
    hidden.set([100], 2 * HIDDEN_DIM - 1);
    const vectors = await project(hidden, centre, selection());
    expect(vectors).toHaveLength(2 * PROJECTED_DIM);
    // A row in the centre has no direction.
    expect(vectors.subarray(0, PROJECTED_DIM)).toEqual(new Float32Array(PROJECTED_DIM));
    expect([...vectors.subarray(PROJECTED_DIM, PROJECTED_DIM + 3)]).toEqual([
      expect.closeTo(0.6, 6),
      expect.closeTo(0.8, 6),
      0,
    ]);
  });

  it("is what float64 arithmetic makes of the model's hidden states", async () => {
    const { centre, matrix } = await readProjection();
    const ids = Array.from({ length: 50 }, (_, i) => 2_000 + 371 * i);
    const plain = await loadTrunk({ threads: 1 });
    const projected = await loadTrunk({ threads: 1 }, projectedOutput(centre, matrix));
    const [hidden, vectors] = await Promise.all([plain.run(ids), projected.run(ids)]);
    await Promise.all([plain.dispose(), projected.dispose()]);
    expect(vectors).toHaveLength((ids.length + SPECIALS_PER_WINDOW) * PROJECTED_DIM);
    let worst = 0;
    for (let row = 0; row < ids.length + SPECIALS_PER_WINDOW; row++) {
      const expected = projectRow(hidden.subarray(row * HIDDEN_DIM, (row + 1) * HIDDEN_DIM), centre, matrix);
      const actual = vectors.subarray(row * PROJECTED_DIM, (row + 1) * PROJECTED_DIM);
      worst = Math.max(worst, ...expected.map((value, d) => Math.abs(value - (actual[d] ?? NaN))));
    }
    expect(worst).toBeLessThan(1e-5);
  });

  it("refuses a matrix of another size", () => {
    expect(() => projectedOutput(new Float32Array(HIDDEN_DIM), new Float32Array(12))).toThrow("384 × 128");
  });

  it("is shipped with columns that are orthonormal", async () => {
    const { matrix } = await readProjection();
    const column = (d: number) => Array.from({ length: HIDDEN_DIM }, (_, i) => matrix[i * PROJECTED_DIM + d] ?? NaN);
    const dot = (a: readonly number[], b: readonly number[]) =>
      a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
    const columns = Array.from({ length: PROJECTED_DIM }, (_, d) => column(d));
    for (const [i, a] of columns.entries()) {
      for (const b of columns.slice(i + 1)) expect(Math.abs(dot(a, b))).toBeLessThan(1e-5);
      expect(dot(a, a)).toBeCloseTo(1, 5);
    }
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
