import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ItemInputs, ItemTensor } from "../contract.ts";
import { type Batchable, batchable, MAX_PADDING_SHARE, splitOutput, stackItems, takeBatch } from "./batches.ts";
import type { CheckedGraph, GraphSpec } from "./graph-spec.ts";

const SPEC: GraphSpec = {
  name: "test",
  inputs: {
    input_ids: { type: "int64" },
    pixel_values: { type: "float32", optional: true },
    token_type_ids: { type: "int64", optional: true },
  },
  output: { dim: 2 },
};
const TEXT: CheckedGraph = {
  inputNames: new Set(["input_ids"]),
  outputName: "output",
  dim: 2,
  positionsInput: "input_ids",
  oneItemOnly: false,
};
const PICTURES: CheckedGraph = { ...TEXT, inputNames: new Set(["input_ids", "pixel_values"]) };

function ids(values: readonly number[], pad?: ItemTensor["pad"]): ItemTensor {
  return { type: "int64", dims: [values.length], data: BigInt64Array.from(values, BigInt), pad };
}

function item(length: number, side: "left" | "right" = "right", first = 1): Batchable {
  const values = Array.from({ length }, (_, i) => first + i);
  return batchable(SPEC, TEXT, { input_ids: ids(values, { value: 0, side }) });
}

describe("takeBatch", () => {
  const limits = { items: 5, tokens: 60, bytes: 300 };

  it("takes every item once, the oldest first, never more than a run may hold or mostly padding", () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 80 }), { maxLength: 40 });
    fc.assert(
      fc.property(lengths, (all) => {
        const items = all.map((length) => item(length));
        const waiting = [...items];
        const taken: Batchable[] = [];
        while (waiting.length > 0) {
          const oldest = waiting[0];
          const before = [...waiting];
          const batch = takeBatch(waiting, limits);
          expect(batch[0]).toBe(oldest);
          expect(waiting).toEqual(before.filter((one) => !batch.includes(one)));
          const longest = Math.max(...batch.map(({ length }) => length));
          if (batch.length > 1) {
            expect(batch.length).toBeLessThanOrEqual(limits.items);
            expect(batch.length * longest).toBeLessThanOrEqual(limits.tokens);
            expect(batch.reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThanOrEqual(limits.bytes);
            for (const { length } of batch) expect(length).toBeGreaterThanOrEqual(longest * (1 - MAX_PADDING_SHARE));
          }
          taken.push(...batch);
        }
        expect(new Set(taken)).toEqual(new Set(items));
        expect(taken).toHaveLength(items.length);
      }),
    );
  });

  it("prefers the nearest lengths, wherever they stand", () => {
    const waiting = [item(16), item(14), item(18), item(16), item(40)];
    const batch = takeBatch(waiting, { items: 2, tokens: 1_000, bytes: 10_000 });
    expect(batch.map(({ length }) => length)).toEqual([16, 16]);
    expect(waiting.map(({ length }) => length)).toEqual([14, 18, 40]);
  });

  it("joins only what padding can make equal", () => {
    const unpadded = (values: number[]) => batchable(SPEC, TEXT, { input_ids: ids(values) });
    const waiting = [unpadded([1, 2, 3]), unpadded([4, 5, 6]), unpadded([1, 2, 3, 4]), item(3), item(3, "left")];
    const sizes: number[] = [];
    while (waiting.length > 0) sizes.push(takeBatch(waiting, { items: 9, tokens: 900, bytes: 9_000 }).length);
    expect(sizes).toEqual([2, 1, 1, 1]);
  });
});

describe("stackItems and splitOutput", () => {
  it("pad and cut on the side that the items say, so that every item gets its own positions back", () => {
    const lengths = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(lengths, fc.constantFrom("left", "right"), (all, side) => {
        const items = all.map((length, i) => item(length, side, i * 100 + 1));
        const stacked = stackItems(items)["input_ids"];
        const longest = Math.max(...all);
        expect(stacked?.dims).toEqual([all.length, longest]);
        // A graph whose vector is [id, −id].
        const data = Float32Array.from({ length: all.length * longest * 2 }, (_, i) => {
          return Number(stacked?.data[i >> 1]) * (i % 2 === 0 ? 1 : -1);
        });
        const split = splitOutput(SPEC, TEXT, items, { dims: [all.length, longest, 2], data });
        const expected = all.map((length, i) => ({
          tokenCount: length,
          dim: 2,
          values: Float32Array.from(
            { length: length * 2 },
            (_, at) => (i * 100 + 1 + (at >> 1)) * (at % 2 === 0 ? 1 : -1),
          ),
        }));
        expect(split).toEqual(expected);
      }),
    );
  });

  it("pads tiles of pictures, each with its own value", () => {
    const pictures = [1, 2].map((tiles): ItemInputs => {
      const data = new Float32Array(tiles * 3).fill(tiles);
      return {
        input_ids: ids([1, 2]),
        pixel_values: { type: "float32", dims: [tiles, 3], data, pad: { value: 0.5, side: "right" } },
      };
    });
    const stacked = stackItems(pictures.map((inputs) => batchable(SPEC, PICTURES, inputs)))["pixel_values"];
    expect(stacked?.dims).toEqual([2, 2, 3]);
    expect(stacked?.data).toEqual(Float32Array.of(1, 1, 1, 0.5, 0.5, 0.5, 2, 2, 2, 2, 2, 2));
  });

  it("refuses another shape than was promised", () => {
    const items = [item(3), item(2)];
    for (const dims of [
      [2, 3, 3],
      [1, 3, 2],
      [2, 2, 2],
      [2, 3],
    ]) {
      const size = dims.reduce((product, dim) => product * dim, 1);
      expect(() => splitOutput(SPEC, TEXT, items, { dims, data: new Float32Array(size) })).toThrow(
        `the graph of test gave output as [${dims.join(", ")}] instead of [2, 3, 2]`,
      );
    }
  });

  it.each([Number.NaN, Infinity, -Infinity])(
    "names the item and position that holds %d; the others are good",
    (bad) => {
      const data = Float32Array.of(1, 1, 1, 1, 1, 1, 2, 2, 2, bad, bad, bad);
      const [first, second] = splitOutput(SPEC, TEXT, [item(3), item(2)], { dims: [2, 3, 2], data });
      expect(first).toMatchObject({ tokenCount: 3 });
      expect(second).toMatchObject({
        code: "model_unavailable",
        message: `the graph of test gave ${bad} at position 1 of an item of 2 positions (2 of 2 in its run)`,
      });
      // In the padding nothing is looked at.
      data[9] = 2;
      expect(splitOutput(SPEC, TEXT, [item(3), item(2)], { dims: [2, 3, 2], data })[1]).toMatchObject({
        tokenCount: 2,
      });
    },
  );
});

describe("batchable", () => {
  it.each<[string, ItemInputs, string]>([
    ["a tensor that is missing", {}, "an item for test holds no input_ids"],
    [
      "a tensor that nobody takes",
      { input_ids: ids([1]), labels: ids([1]) },
      "an item for test holds labels, which the graph",
    ],
    [
      "another type",
      { input_ids: { type: "float32", dims: [1], data: Float32Array.of(1) } },
      "an item for test holds input_ids as float32 instead of int64",
    ],
    [
      "data of another type",
      { input_ids: { type: "int64", dims: [1], data: Float32Array.of(1) } },
      "an item for test holds input_ids as int64 with data of another type",
    ],
    [
      "too little data",
      { input_ids: { type: "int64", dims: [2], data: BigInt64Array.of(1n) } },
      "an item for test holds input_ids as [2] with 1 numbers",
    ],
    ["no positions", { input_ids: ids([]) }, "an item for test holds input_ids as [0] with 0 numbers"],
  ])("refuses %s", (_, inputs, message) => {
    expect(() => batchable(SPEC, TEXT, inputs)).toThrow(message);
  });

  it("leaves out what the graph can do without", () => {
    const { inputs, byteLength, length } = batchable(SPEC, TEXT, {
      input_ids: ids([1, 2]),
      token_type_ids: ids([0, 0]),
    });
    expect(Object.keys(inputs)).toEqual(["input_ids"]);
    expect([byteLength, length]).toEqual([16, 2]);
  });
});
