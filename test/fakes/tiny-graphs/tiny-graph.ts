/**
 * Tiny ONNX graphs with seeded weights and the inputs and outputs of real late-interaction models, for tests of everything
 * around a model whose weights cannot be here.
 *
 * What they compute (see `expected.ts` for the same in loops): every position is the embedding of its token, or the mean
 * colour of its patch where it is an image token, plus that of its token type and of its place among attended positions;
 * to it the mean of all attended positions is added; a projection and L2 normalisation follow. So every input matters,
 * padding that is attended shows, and so does padding on the wrong side.
 *
 * @module
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ItemInputs, TokenVectors } from "../../../encoder/backends/contract.ts";
import { expectedVectors } from "./expected.ts";
import { ELEMENT_TYPES, ModelBuilder } from "./onnx-model.ts";
import {
  CHANNELS,
  EMBEDDINGS,
  HIDDEN,
  PICTURE_SHAPES,
  POSITIONS,
  type TinyGraphOptions,
  type TinyPictures,
  type TinyWeights,
  tinyWeights,
} from "./tiny-weights.ts";

export interface TinyGraph {
  /** With `dataFile`, weights are in `data`, to be stored under that name beside the model. */
  encode(dataFile?: string): { model: Uint8Array; data: Uint8Array };
  /** What it gives for one item, without padding. float16 graphs differ by about 0.2 percent, int8 ones by some percent. */
  expected(inputs: ItemInputs): TokenVectors;
}

/** A text model: `input_ids`, `attention_mask` [, `token_type_ids`] → `[b, s, dim]`. */
export function tinyTextGraph(options: TinyGraphOptions): TinyGraph {
  return tinyGraph({ outputName: "output", ...options });
}

/** As Qdrant/colpali-v1.3-fp16 is described: with `pixel_values` `[b, 3, 448, 448]`, 1,024 patches, masked output. */
export function tinyColpaliGraph(options: Partial<TinyGraphOptions> = {}): TinyGraph {
  const pictures = { layout: "colpali", imageTokenId: 257_152 } as const;
  return tinyGraph({ dim: 128, outputName: "embeddings", maskOutput: true, pictures, ...options });
}

/** As colSmol and colmodernvbert exports: with `pixel_values` `[b, tiles, 3, 512, 512]` [, `pixel_attention_mask`], 64 patches a tile. */
export function tinyIdeficsGraph(
  pictures: Omit<TinyPictures, "layout">,
  options: Partial<TinyGraphOptions> = {},
): TinyGraph {
  return tinyGraph({ dim: 128, outputName: "embeddings", pictures: { layout: "idefics", ...pictures }, ...options });
}

export function tinyGraph(options: TinyGraphOptions): TinyGraph {
  const weights = tinyWeights(options);
  return {
    encode: (dataFile) => build(options, weights).encode(dataFile),
    expected: (inputs) => expectedVectors(options, weights, inputs),
  };
}

/**
 * Writes `model.onnx`, or the given name, into `folder` and returns its path. With `dataFile`, weights go into that file
 * beside it.
 */
export async function writeTinyGraph(
  graph: TinyGraph,
  folder: string,
  { name = "model.onnx", dataFile }: { name?: string | undefined; dataFile?: string | undefined } = {},
): Promise<string> {
  const { model, data } = graph.encode(dataFile);
  const path = join(folder, name);
  await mkdir(folder, { recursive: true });
  await writeFile(path, model);
  if (dataFile !== undefined) await writeFile(join(folder, dataFile), data);
  return path;
}

type FloatType = "float32" | "float16";

function build(options: TinyGraphOptions, weights: TinyWeights): ModelBuilder {
  const { dim, outputName = "output", normalize = true, maskOutput = false, precision = "float32" } = options;
  const floats: FloatType = precision === "float16" ? "float16" : "float32";
  const graph = new ModelBuilder("tiny");
  const ids = graph.input("input_ids", "int64", ["batch", "sequence"]);
  const mask = graph.input("attention_mask", "int64", ["batch", "sequence"]);
  const hidden = addEmbeddings(graph, options, weights, { ids, mask, floats });

  const floatMask = graph.node("Cast", [mask], { to: ELEMENT_TYPES[floats] });
  const columnMask = graph.node("Unsqueeze", [floatMask, graph.integers([2])]);
  const overPositions = graph.integers([1]);
  const sum = graph.node("ReduceSum", [graph.node("Mul", [hidden, columnMask]), overPositions], { keepdims: 1 });
  const count = graph.node("ReduceSum", [columnMask, overPositions], { keepdims: 1 });
  const mean = graph.node("Div", [sum, graph.node("Max", [count, graph.weights(Float32Array.of(1), [], floats)])]);
  const context = graph.node("Add", [hidden, mean]);

  let vectors = addProjection(graph, weights, context, dim, precision);
  if (normalize) {
    vectors = graph.node("Div", [vectors, graph.node("ReduceL2", [vectors], { axes: [2], keepdims: 1 })]);
  }
  if (maskOutput) vectors = graph.node("Mul", [vectors, columnMask]);
  graph.node("Identity", [vectors], {}, outputName);
  graph.output(outputName, floats, ["batch", "sequence", dim]);
  return graph;
}

function addEmbeddings(
  graph: ModelBuilder,
  { tokenTypes = false, maxPositions, pictures, halfPixels = false }: TinyGraphOptions,
  weights: TinyWeights,
  { ids, mask, floats }: { ids: string; mask: string; floats: FloatType },
): string {
  const table = graph.weights(weights.embeddings, [EMBEDDINGS, HIDDEN], floats);
  let hidden = graph.node("Gather", [table, graph.node("Mod", [ids, graph.integers(EMBEDDINGS)])]);
  if (pictures !== undefined) hidden = addPictures(graph, pictures, weights, { ids, hidden, floats, halfPixels });
  if (tokenTypes) {
    const types = graph.input("token_type_ids", "int64", ["batch", "sequence"]);
    const typeTable = graph.weights(weights.tokenTypes, [weights.tokenTypes.length / HIDDEN, HIDDEN], floats);
    hidden = graph.node("Add", [hidden, graph.node("Gather", [typeTable, types])]);
  }
  const attended = graph.node("CumSum", [mask, graph.integers(1)]);
  const place = graph.node("Max", [graph.node("Sub", [attended, graph.integers(1)]), graph.integers(0)]);
  const row = maxPositions === undefined ? graph.node("Mod", [place, graph.integers(POSITIONS)]) : place;
  const positionTable = graph.weights(weights.positions, [weights.positions.length / HIDDEN, HIDDEN], floats);
  return graph.node("Add", [hidden, graph.node("Gather", [positionTable, row])]);
}

/** Replaces the embeddings of image tokens by features of patches. */
function addPictures(
  graph: ModelBuilder,
  { layout, imageTokenId, pixelAttentionMask = false }: TinyPictures,
  weights: TinyWeights,
  { ids, hidden, floats, halfPixels }: { ids: string; hidden: string; floats: FloatType; halfPixels: boolean },
): string {
  const { size, patch } = PICTURE_SHAPES[layout];
  const tiles = layout === "idefics" ? ["tiles"] : [];
  const pixels = graph.input("pixel_values", halfPixels ? "float16" : "float32", [
    "batch",
    ...tiles,
    CHANNELS,
    size,
    size,
  ]);
  const pictures = graph.node("Reshape", [
    graph.node("Cast", [pixels], { to: ELEMENT_TYPES.float32 }),
    graph.integers([-1, CHANNELS, size, size]),
  ]);
  const means = graph.node("AveragePool", [pictures], { kernel_shape: [patch, patch], strides: [patch, patch] });
  const colours = graph.node("Transpose", [means], { perm: [0, 2, 3, 1] });
  const table = graph.weights(weights.pixels, [CHANNELS, HIDDEN], "float32");
  let features = graph.node("MatMul", [colours, table]);
  if (pixelAttentionMask) {
    const mask = graph.input("pixel_attention_mask", "int64", ["batch", "tiles", size, size]);
    const floatMask = graph.node("Cast", [mask], { to: ELEMENT_TYPES.float32 });
    const seen = graph.node("ReduceMean", [floatMask], { axes: [2, 3], keepdims: 0 });
    features = graph.node("Mul", [features, graph.node("Reshape", [seen, graph.integers([-1, 1, 1, 1])])]);
  }
  const batch = graph.node("Gather", [graph.node("Shape", [ids]), graph.integers([0])]);
  const shape = graph.node("Concat", [batch, graph.integers([-1, HIDDEN])], { axis: 0 });
  const byItem = graph.node("Cast", [graph.node("Reshape", [features, shape])], { to: ELEMENT_TYPES[floats] });

  const isImage = graph.node("Equal", [ids, graph.integers(imageTokenId)]);
  const counted = graph.node("CumSum", [graph.node("Cast", [isImage], { to: ELEMENT_TYPES.int64 }), graph.integers(1)]);
  const zeroBased = graph.node("Max", [graph.node("Sub", [counted, graph.integers(1)]), graph.integers(0)]);
  const patchCount = graph.node("Gather", [graph.node("Shape", [byItem]), graph.integers([1])]);
  const last = graph.node("Sub", [patchCount, graph.integers(1)]);
  const index = graph.node("Unsqueeze", [graph.node("Min", [zeroBased, last]), graph.integers([2])]);
  const chosen = graph.node("GatherND", [byItem, index], { batch_dims: 1 });
  const isImageColumn = graph.node("Unsqueeze", [isImage, graph.integers([2])]);
  return graph.node("Where", [isImageColumn, chosen, hidden]);
}

/** `[b, s, HIDDEN]` → `[b, s, dim]`. */
function addProjection(
  graph: ModelBuilder,
  { projection }: TinyWeights,
  context: string,
  dim: number,
  precision: "float32" | "float16" | "int8",
): string {
  if (precision !== "int8") return graph.node("MatMul", [context, graph.weights(projection, [HIDDEN, dim], precision)]);
  const scale = projection.reduce((max, value) => Math.max(max, Math.abs(value)), 0) / 127;
  const quantized = graph.bytes(
    Int8Array.from(projection, (value) => Math.round(value / scale)),
    [HIDDEN, dim],
  );
  const [values = "", valueScale = "", zero = ""] = graph.nodes(
    "DynamicQuantizeLinear",
    [context],
    ["quantized", "quantized_scale", "quantized_zero"],
  );
  const product = graph.node("MatMulInteger", [values, quantized, zero]);
  const floats = graph.node("Cast", [product], { to: ELEMENT_TYPES.float32 });
  const bothScales = graph.node("Mul", [valueScale, graph.weights(Float32Array.of(scale), [], "float32")]);
  return graph.node("Mul", [floats, bothScales]);
}
