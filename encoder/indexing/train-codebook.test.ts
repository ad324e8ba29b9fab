import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MaxleafError } from "../../shared/errors.ts";
import { cellsProblem } from "../../shared/format/cells.ts";
import { MAX_CENTROIDS } from "../../shared/limits.ts";
import { MAX_CENTROIDS_PER_CELL } from "./cells.ts";
import { MatrixRunner } from "./matrix-runner.ts";
import { dequantizeInto, quantizeVectors } from "./page-vectors.ts";
import { defaultSubspaces } from "./product-quantizer.ts";
import { dot, topicVectors } from "./testing.ts";
import { chooseCentroidCount, chooseTrainingCount, trainCodebook } from "./train-codebook.ts";
import { decodedCosines, decodeVectors, VectorCoder } from "./vector-coder.ts";

let runner: MatrixRunner;
beforeAll(async () => {
  runner = await MatrixRunner.create({ threads: 1 });
});
afterAll(async () => await runner.dispose());

const recipeFingerprint = "0123456789abcdef";

describe("chooseCentroidCount", () => {
  it("follows 16·√vectors in powers of two, of small indexes one for 64 vectors", () => {
    expect(chooseCentroidCount(9_000)).toBe(1_024);
    expect(chooseCentroidCount(65_536)).toBe(1_024);
    expect(chooseCentroidCount(250_000)).toBe(4_096);
    expect(chooseCentroidCount(850_000)).toBe(16_384);
    expect(chooseCentroidCount(1_870_000)).toBe(16_384);
    expect(chooseCentroidCount(10_000_000_000)).toBe(MAX_CENTROIDS);
  });

  it("keeps 8 training vectors per centroid", () => {
    expect(chooseCentroidCount(7_500)).toBe(512);
    expect(chooseCentroidCount(10_000_000, 4_096)).toBe(512);
    expect([0, 1, 7, 15, 16].map((count) => chooseCentroidCount(count))).toEqual([1, 1, 1, 1, 2]);
  });

  it("is always a power of two within the limits", () => {
    fc.assert(
      fc.property(fc.nat(2 ** 40), fc.nat(2 ** 20), (vectors, training) => {
        const count = chooseCentroidCount(vectors, training);
        expect(Number.isInteger(Math.log2(count))).toBe(true);
        expect(count).toBeLessThanOrEqual(MAX_CENTROIDS);
      }),
    );
  });
});

describe("chooseTrainingCount", () => {
  it("takes 32 vectors for every centroid, all of a small index, and no more than 128 MiB as int8", () => {
    expect(chooseTrainingCount(1_870_000, 128)).toBe(32 * 16_384);
    expect(chooseTrainingCount(100, 128)).toBe(100);
    expect(chooseTrainingCount(10 ** 9, 128)).toBe(2 ** 20);
    expect(chooseTrainingCount(10 ** 9, 1_024)).toBe(2 ** 17);
  });
});

describe("defaultSubspaces", () => {
  it("gives 8 values to a byte", () => {
    expect([48, 64, 96, 128, 384].map(defaultSubspaces)).toEqual([8, 8, 12, 16, 48]);
  });

  it("refuses a dimension that cannot be cut", () => {
    expect(() => defaultSubspaces(17)).toThrow(MaxleafError);
  });
});

describe("trainCodebook", () => {
  const dim = 32;
  const training = topicVectors({ count: 4_000, dim, topics: 60, spread: 0.5, seed: 11 });
  const options = { recipeFingerprint, vectorCount: training.count };

  it("codes unseen vectors of the same kind closely", async () => {
    const codebook = await trainCodebook(runner, training, { ...options, subspaces: 8 });
    expect(codebook.centroidCount).toBe(256);
    expect(codebook.centroids.length).toBe(256 * dim);
    expect(codebook.training.vectors).toBe(4_000);
    const unseen = topicVectors({ count: 4_500, dim, topics: 60, spread: 0.5, seed: 11 });
    const rest = { values: unseen.values.subarray(4_000 * dim), count: 500, dim };
    const cosines = decodedCosines(codebook, rest, await new VectorCoder(runner, codebook).code(rest));
    const mean = cosines.reduce((sum, cosine) => sum + cosine, 0) / rest.count;
    expect(mean).toBeGreaterThan(0.95);
    expect(mean).toBeCloseTo(codebook.training.meanCosine, 1);
  });

  it("has cells of all its centroids", async () => {
    const { cells, centroidCount } = await trainCodebook(runner, training, { ...options, subspaces: 8 });
    expect(cellsProblem(cells, centroidCount, dim)).toBeUndefined();
    expect(cells.offsets.length - 1).toBeGreaterThanOrEqual(centroidCount / MAX_CENTROIDS_PER_CELL);
  });

  it("picks the codeword with the smallest error in every subspace", async () => {
    const codebook = await trainCodebook(runner, training, { ...options, subspaces: 8 });
    const few = { values: training.values.subarray(0, 40 * dim), count: 40, dim };
    const { centroidIds, codes } = await new VectorCoder(runner, codebook).code(few);
    const decoded = decodeVectors(codebook, { centroidIds, codes });
    const error = (candidate: Float32Array, row: number) => {
      let sum = 0;
      for (let i = 0; i < dim; i++) sum += ((few.values[row * dim + i] ?? 0) - (candidate[row * dim + i] ?? 0)) ** 2;
      return sum;
    };
    for (let change = 0; change < 8; change++) {
      const changed = codes.map((code, at) => (at % 8 === change ? (code + 1 + (at % 255)) % 256 : code));
      const worse = decodeVectors(codebook, { centroidIds, codes: changed });
      for (let row = 0; row < few.count; row++) {
        expect(error(decoded.values, row)).toBeLessThanOrEqual(error(worse.values, row) + 1e-6);
      }
    }
  });

  it("comes out the same twice, but for its id", async () => {
    const [first, second] = [
      await trainCodebook(runner, training, options),
      await trainCodebook(runner, training, options),
    ];
    expect({ ...second, id: first.id }).toEqual(first);
    expect(second.id).not.toBe(first.id);
  });

  it("is the same for vectors as they are stored and for the floats that those stand for", async () => {
    // More than are floats at a time; 8,192 centroids of 8 values are trained in two levels.
    const count = 16_500;
    const width = 8;
    const floats = topicVectors({ count, dim: width, topics: 300, spread: 0.6, seed: 12 });
    const stored = { ...quantizeVectors(floats), count, dim: width };
    const meant = { values: new Float32Array(count * width), count, dim: width };
    dequantizeInto(meant, 0, stored);
    for (const centroidCount of [64, 8_192]) {
      const same = { recipeFingerprint, vectorCount: count, centroidCount, subspaces: 4 };
      const ofStored = await trainCodebook(runner, stored, same);
      expect({ ...(await trainCodebook(runner, meant, same)), id: ofStored.id }).toEqual(ofStored);
    }
  });

  it("handles an index of one vector", async () => {
    const one = { values: training.values.subarray(0, dim), count: 1, dim };
    const codebook = await trainCodebook(runner, one, { ...options, vectorCount: 1 });
    expect(codebook.centroidCount).toBe(1);
    const decoded = decodeVectors(codebook, await new VectorCoder(runner, codebook).code(one));
    expect(dot(decoded.values, 0, one.values, 0, dim)).toBeCloseTo(1, 5);
  });

  it("handles equal vectors and vectors of zeros only", async () => {
    for (const values of [new Float32Array(300 * dim).fill(1 / Math.sqrt(dim)), new Float32Array(300 * dim)]) {
      const vectors = { values, count: 300, dim };
      const codebook = await trainCodebook(runner, vectors, { ...options, vectorCount: 300 });
      const decoded = decodeVectors(codebook, await new VectorCoder(runner, codebook).code(vectors));
      decoded.values.forEach((value, at) => expect(value).toBeCloseTo(values[at] ?? 0, 5));
    }
  });

  it("reports progress up to 1", async () => {
    const shares: number[] = [];
    await trainCodebook(runner, training, { ...options, onProgress: (share) => shares.push(share) });
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    expect(shares.at(-1)).toBe(1);
  });
});
