import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  tinyColpaliGraph,
  tinyIdeficsGraph,
  tinyTextGraph,
  writeTinyGraph,
} from "../../../test/fakes/tiny-graphs/tiny-graph.ts";
import type { TinyGraph } from "../../../test/fakes/tiny-graphs/tiny-graph.ts";
import { seededRandom } from "../../../shared/seeded-random.ts";
import type { GraphRunner, ItemInputs, ItemTensor, TokenVectors } from "../contract.ts";
import type { GraphSpec } from "./graph-spec.ts";
import { type GraphFiles, openOnnxGraph, type OpenGraphOptions } from "./open-graph.ts";

const DIM = 12;
const TEXT_SPEC: GraphSpec = {
  name: "tiny-text",
  inputs: {
    input_ids: { type: "int64" },
    attention_mask: { type: "int64" },
    token_type_ids: { type: "int64", optional: true },
  },
  output: { name: "output", dim: DIM },
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-graphs-"));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

function integers(values: readonly number[], side?: "left" | "right"): ItemTensor {
  const pad = side === undefined ? undefined : { value: 0, side };
  return { type: "int64", dims: [values.length], data: BigInt64Array.from(values, BigInt), pad };
}

/** A text of `length` tokens; the last one is not attended, so that the mask matters without any padding. */
function textItem(length: number, options: { seed?: number; side?: "left" | "right" } = {}): ItemInputs {
  const { seed = length, side = "right" } = options;
  const random = seededRandom(seed);
  const ids = Array.from({ length }, () => Math.floor(random.next() * 30_000) + 1);
  const mask = ids.map((_, i) => (i === length - 1 && length > 1 ? 0 : 1));
  const types = ids.map((_, i) => i % 2);
  return {
    input_ids: integers(ids, side),
    attention_mask: integers(mask, side),
    token_type_ids: integers(types, side),
  };
}

function floats(dims: readonly number[], seed: number): ItemTensor {
  const random = seededRandom(seed);
  const size = dims.reduce((product, dim) => product * dim, 1);
  return { type: "float32", dims, data: Float32Array.from({ length: size }, () => random.next() * 2 - 1) };
}

/** Largest difference of two items' vectors; infinite if they are not of one shape. */
function difference(actual: TokenVectors | undefined, expected: TokenVectors): number {
  const shapes = [actual, expected].map((vectors) =>
    [vectors?.tokenCount, vectors?.dim, vectors?.values.length].join(),
  );
  if (shapes[0] !== shapes[1]) return Infinity;
  return expected.values.reduce((max, value, i) => Math.max(max, Math.abs(value - (actual?.values[i] ?? NaN))), 0);
}

async function withGraph<T>(
  files: GraphFiles,
  spec: GraphSpec,
  use: (runner: GraphRunner) => Promise<T>,
  options: OpenGraphOptions = {},
): Promise<T> {
  const runner = await openOnnxGraph(files, spec, { threads: 1, ...options });
  try {
    return await use(runner);
  } finally {
    await runner.dispose();
  }
}

let written = 0;
async function write(graph: TinyGraph): Promise<string> {
  return await writeTinyGraph(graph, folder, { name: `graph-${written++}.onnx` });
}

describe("vectors of tiny graphs, against plain loops", () => {
  it.each(["left", "right"] as const)("of texts of many lengths at once, padded on the %s", async (side) => {
    const graph = tinyTextGraph({ dim: DIM, tokenTypes: true });
    const items = [3, 17, 16, 1, 15, 40, 3, 18].map((length, i) => textItem(length, { seed: i + 1, side }));
    const vectors = await withGraph({ graph: await write(graph) }, TEXT_SPEC, (runner) => runner.run(items));
    expect(vectors).toHaveLength(items.length);
    for (const [i, item] of items.entries()) expect(difference(vectors[i], graph.expected(item))).toBeLessThan(1e-5);
  });

  it("without token types, which the graph does not take, and not normalised", async () => {
    const graph = tinyTextGraph({ dim: DIM, normalize: false, seed: 2 });
    const [vectors] = await withGraph({ graph: await write(graph) }, TEXT_SPEC, (runner) => runner.run([textItem(9)]));
    expect(difference(vectors, graph.expected(textItem(9)))).toBeLessThan(1e-4);
  });

  it("of two sessions of a graph, the same from both", async () => {
    const graph = tinyTextGraph({ dim: DIM });
    const items = Array.from({ length: 12 }, (_, i) => textItem(30 + 30 * (i % 3), { seed: i }));
    const options = { sessions: 2, maxTokensPerRun: 64 };
    const vectors = await withGraph({ graph: await write(graph) }, TEXT_SPEC, (runner) => runner.run(items), options);
    for (const [i, item] of items.entries()) expect(difference(vectors[i], graph.expected(item))).toBeLessThan(1e-5);
  });

  it("of a float16 graph", async () => {
    const graph = tinyTextGraph({ dim: DIM, precision: "float16" });
    const items = [textItem(20), textItem(21)];
    const vectors = await withGraph({ graph: await write(graph) }, TEXT_SPEC, (runner) => runner.run(items));
    for (const [i, item] of items.entries()) expect(difference(vectors[i], graph.expected(item))).toBeLessThan(5e-3);
  });

  it("of an int8 graph, the same to the bit in whatever company", async () => {
    const graph = tinyTextGraph({ dim: DIM, precision: "int8" });
    const items = [textItem(20), textItem(21)];
    const path = await write(graph);
    const [together, alone] = await withGraph({ graph: path }, TEXT_SPEC, async (runner) => {
      return [await runner.run(items), await runner.run([textItem(20)])];
    });
    for (const [i, item] of items.entries()) expect(difference(together[i], graph.expected(item))).toBeLessThan(0.1);
    expect(together[0]).toEqual(alone[0]);
  });

  it("of a graph whose weights lie in a file beside it", async () => {
    const graph = tinyTextGraph({ dim: DIM });
    const path = await writeTinyGraph(graph, join(folder, "external"), { dataFile: "model.onnx_data" });
    const data = [join(folder, "external", "model.onnx_data")];
    const [vectors] = await withGraph({ graph: path, data }, TEXT_SPEC, (runner) => runner.run([textItem(9)]));
    expect(difference(vectors, graph.expected(textItem(9)))).toBeLessThan(1e-5);

    await rm(data[0] ?? "");
    await expect(openOnnxGraph({ graph: path, data }, TEXT_SPEC)).rejects.toMatchObject({
      code: "model_unavailable",
      message: `tiny-text lacks its file ${data[0]}`,
    });
    // Not listed: the runtime finds out.
    await expect(openOnnxGraph({ graph: path }, TEXT_SPEC)).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringContaining("model.onnx_data"),
    });
  });

  it.each([false, true])("of a ColPali graph, whose pixels are halves: %s", async (halfPixels) => {
    const graph = tinyColpaliGraph({ halfPixels });
    const spec: GraphSpec = {
      name: "tiny-colpali",
      inputs: {
        input_ids: { type: "int64" },
        attention_mask: { type: "int64" },
        pixel_values: { type: "float32" },
      },
      output: { dim: 128 },
    };
    const ids = [...Array.from({ length: 1_024 }, () => 257_152), 2, 50_721, 573, 2_416, 235_265, 108];
    const page = { input_ids: integers(ids), attention_mask: integers(ids.map(() => 1)) };
    const items: ItemInputs[] = [
      { ...page, pixel_values: floats([3, 448, 448], 1) },
      { ...page, pixel_values: floats([3, 448, 448], 2) },
    ];
    const vectors = await withGraph({ graph: await write(graph) }, spec, (runner) => runner.run(items), {
      maxTokensPerRun: 4_096,
    });
    for (const [i, item] of items.entries())
      expect(difference(vectors[i], graph.expected(item))).toBeLessThan(halfPixels ? 5e-3 : 1e-4);
  });

  it("of an Idefics graph, with pages of 1 and 3 tiles in one run", async () => {
    const imageTokenId = 49_190;
    const graph = tinyIdeficsGraph({ imageTokenId, pixelAttentionMask: true });
    const spec: GraphSpec = {
      name: "tiny-idefics",
      inputs: {
        input_ids: { type: "int64" },
        attention_mask: { type: "int64" },
        pixel_values: { type: "float32" },
        pixel_attention_mask: { type: "int64", optional: true },
      },
      output: { name: "embeddings", dim: 128 },
    };
    const items = [1, 3].map((tiles, seed): ItemInputs => {
      const ids = [
        7,
        ...Array.from({ length: 64 }, () => imageTokenId),
        ...Array.from({ length: 130 + tiles }, () => 9),
      ];
      const pad = { value: 0, side: "right" } as const;
      return {
        input_ids: integers(ids, "left"),
        attention_mask: integers(
          ids.map(() => 1),
          "left",
        ),
        pixel_values: { ...floats([tiles, 3, 512, 512], seed), pad },
        pixel_attention_mask: {
          type: "int64",
          dims: [tiles, 512, 512],
          data: new BigInt64Array(tiles * 512 * 512).fill(1n),
          pad,
        },
      };
    });
    const vectors = await withGraph({ graph: await write(graph) }, spec, (runner) => runner.run(items));
    for (const [i, item] of items.entries()) expect(difference(vectors[i], graph.expected(item))).toBeLessThan(1e-4);
  });
});

describe("graphs and files that are not as the recipe expects", () => {
  async function refusal(graph: TinyGraph, spec: GraphSpec): Promise<unknown> {
    const error: unknown = await openOnnxGraph({ graph: await write(graph) }, spec, { threads: 1 }).catch(
      (e: unknown) => e,
    );
    return error;
  }

  it.each<[string, TinyGraph, Partial<GraphSpec>, string]>([
    [
      "an input that the recipe does not give",
      tinyTextGraph({ dim: DIM, tokenTypes: true }),
      { inputs: { input_ids: { type: "int64" }, attention_mask: { type: "int64" } } },
      'the graph of tiny-text wants an input "token_type_ids"; the recipe gives input_ids, attention_mask',
    ],
    [
      "no input of a name",
      tinyTextGraph({ dim: DIM }),
      { inputs: { ...TEXT_SPEC.inputs, pixel_values: { type: "float32" } } },
      "the graph of tiny-text has no input pixel_values, only input_ids, attention_mask",
    ],
    [
      "another type",
      tinyTextGraph({ dim: DIM }),
      { inputs: { ...TEXT_SPEC.inputs, attention_mask: { type: "float32" } } },
      "the graph of tiny-text takes int64 as attention_mask; the recipe gives float32",
    ],
    [
      "no output of a name",
      tinyTextGraph({ dim: DIM }),
      { output: { name: "contextual", dim: DIM } },
      "the graph of tiny-text has no output contextual, only output",
    ],
    [
      "another dim",
      tinyTextGraph({ dim: DIM }),
      { output: { dim: 128 } },
      "the graph of tiny-text gives output as [batch, sequence, 12] instead of [batch, positions, 128]",
    ],
  ])("%s", async (_, graph, spec, message) => {
    expect(await refusal(graph, { ...TEXT_SPEC, ...spec })).toMatchObject({ code: "model_unavailable", message });
  });

  it("no file, and a file that is no graph", async () => {
    await expect(openOnnxGraph({ graph: join(folder, "none.onnx") }, TEXT_SPEC)).rejects.toMatchObject({
      code: "model_unavailable",
      message: `tiny-text lacks its file ${join(folder, "none.onnx")}`,
    });
    const path = join(folder, "no-graph.onnx");
    await writeFile(path, "version https://git-lfs.github.com/spec/v1\n");
    await expect(openOnnxGraph({ graph: path }, TEXT_SPEC)).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringContaining("ONNX Runtime cannot open the graph of tiny-text"),
    });
  });

  it("cuda where there is none: never the CPU instead", async () => {
    const path = await write(tinyTextGraph({ dim: DIM }));
    await expect(openOnnxGraph({ graph: path }, TEXT_SPEC, { executionProvider: "cuda" })).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringContaining("cuda"),
    });
  });
});

describe("what happens at runs", () => {
  it("fails the one item that is too long for the graph, not those beside it", async () => {
    const graph = tinyTextGraph({ dim: DIM, maxPositions: 20 });
    const path = await write(graph);
    const items = [textItem(20), textItem(22), textItem(21)];
    const results = await withGraph({ graph: path }, TEXT_SPEC, (runner) =>
      Promise.allSettled(items.map((item) => runner.run([item]))),
    );
    expect(results.map((result) => result.status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(results[1]).toMatchObject({
      reason: { code: "model_unavailable", message: expect.stringContaining("the graph of tiny-text cannot run") },
    });
  });

  it("refuses more than may wait, then takes more again", async () => {
    const path = await write(tinyTextGraph({ dim: DIM }));
    await withGraph(
      { graph: path },
      TEXT_SPEC,
      async (runner) => {
        const first = runner.run([textItem(3), textItem(4)]);
        await expect(runner.run([textItem(5)])).rejects.toMatchObject({ code: "overloaded" });
        expect(await first).toHaveLength(2);
        expect(await runner.run([textItem(5)])).toHaveLength(1);
      },
      { maxQueuedItems: 2 },
    );
  });

  it("ends what is under way, then refuses more", async () => {
    const runner = await openOnnxGraph({ graph: await write(tinyTextGraph({ dim: DIM })) }, TEXT_SPEC, { threads: 1 });
    const underWay = runner.run([textItem(30)]);
    await runner.dispose();
    expect(await underWay).toHaveLength(1);
    await expect(runner.run([textItem(3)])).rejects.toMatchObject({ code: "model_unavailable" });
    await runner.dispose();
  });

  it("leaves a caller's tensors as they were", async () => {
    const item = textItem(5);
    await withGraph({ graph: await write(tinyTextGraph({ dim: DIM })) }, TEXT_SPEC, (runner) => runner.run([item]));
    expect(item).toEqual(textItem(5));
  });
});
