/**
 * ColQwen on an ONNX graph of one's own: none is published, so the graph is a tiny one with the inputs that the card asks for.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seededRandom } from "../../../shared/seeded-random.ts";
import { ELEMENT_TYPES, ModelBuilder } from "../../../test/fakes/tiny-graphs/onnx-model.ts";
import { testPicture, writeModelFolder } from "../images/testing.ts";
import type { Model, PageInput } from "../model.ts";
import { byteLevelTokenizerFile } from "../text/testing-tokenizers.ts";
import { colqwen25V02 } from "./colqwen2.5-v0.2.ts";

const DIM = 128;
const ROWS = 97;

/** A row for every id, plus the mean of all pixels and the number of patches that the grid says: every input matters. */
function tinyColqwen(): Uint8Array {
  const random = seededRandom(3);
  const graph = new ModelBuilder("tiny-colqwen");
  const ids = graph.input("input_ids", "int64", ["batch", "sequence"]);
  const mask = graph.input("attention_mask", "int64", ["batch", "sequence"]);
  const pixels = graph.input("pixel_values", "float32", ["batch", "patches", 1_176]);
  const grid = graph.input("image_grid_thw", "int64", ["batch", 3]);
  const table = graph.weights(
    Float32Array.from({ length: ROWS * DIM }, () => random.next()),
    [ROWS, DIM],
    "float32",
  );
  const rows = graph.node("Gather", [table, graph.node("Mod", [ids, graph.integers(ROWS)])]);
  const mean = graph.node("ReduceMean", [pixels], { axes: [1, 2], keepdims: 1 });
  const patches = graph.node("ReduceProd", [graph.node("Cast", [grid], { to: ELEMENT_TYPES.float32 })], {
    axes: [1],
    keepdims: 1,
  });
  const size = graph.node("Unsqueeze", [graph.node("Log", [patches]), graph.integers([2])]);
  const floats = graph.node("Unsqueeze", [
    graph.node("Cast", [mask], { to: ELEMENT_TYPES.float32 }),
    graph.integers([2]),
  ]);
  const sum = graph.node("Add", [graph.node("Add", [rows, mean]), size]);
  graph.node("Mul", [sum, floats], {}, "embeddings");
  graph.output("embeddings", "float32", ["batch", "sequence", DIM]);
  return graph.encode().model;
}

let folder: string;
let model: Model;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-colqwen-"));
  await writeModelFolder(folder, byteLevelTokenizerFile({}, {}));
  await writeFile(join(folder, "model.onnx"), tinyColqwen());
  model = await colqwen25V02.load({ modelFolder: folder, threads: 1 });
});

afterAll(async () => {
  await model.dispose();
  await rm(folder, { recursive: true });
});

function page(width: number, height: number): PageInput {
  return { pageNumber: 1, width, height, words: [], picture: testPicture(width, height) };
}

describe("ColQwen on a graph", () => {
  it("gives pages of any shape their own grid", async () => {
    const encoded = await model.encodePages([page(413, 585), page(585, 413), page(100, 20)]);
    expect(encoded.map(({ vectorCount, geometry: { columns, rows } }) => [columns, rows, vectorCount])).toEqual([
      [15, 21, 15 * 21 + 11],
      [21, 15, 15 * 21 + 11],
      [4, 1, 4 + 11],
    ]);
  });

  it("looks at the picture and at nothing else", async () => {
    const black = { ...page(100, 100), picture: { width: 100, height: 100, data: new Uint8Array(30_000) } };
    const [one, two, same] = await model.encodePages([page(100, 100), black, page(100, 100)]);
    expect(one?.vectors).toEqual(same?.vectors);
    expect(one?.vectors).not.toEqual(two?.vectors);
  });

  it("takes a question without a picture", async () => {
    const query = await model.encodeQuery("owls");
    // `Query: ` and `owls` letter by letter, and ten of `<|endoftext|>`.
    expect(query.tokenCount).toBe("Query: owls".length + 10);
  });
});
