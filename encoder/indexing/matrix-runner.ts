/**
 * The heavy linear algebra of indexing and evaluation: products and nearest rows, through onnxruntime. Work is cut into
 * blocks, so that the table of products between points and rows never exceeds {@link BLOCK_BYTES}.
 *
 * @module
 */
import { type InferenceSession, Tensor } from "onnxruntime-node";
import { MaxleafError } from "../../shared/errors.ts";
import { CODEWORDS_PER_SUBSPACE } from "../../shared/limits.ts";
import { type ExecutionProvider, hasCudaLibrary, openSession, type SessionOptions } from "../models/onnx-session.ts";
import { ELEMENT_TYPES, encodeGraph, type Graph } from "./onnx-graph.ts";

/**
 * Products held at once, of which the runtime keeps several times as much for good: every kind of run done once, an RSS of 193, 105,
 * 60 and 37 MiB more with 16, 8, 4 and 2 MiB. On a CPU 4 MiB are as fast as 16 (one core, 16,384 points: 4,096 rows 503 and 519 ms,
 * codewords 186 and 215 ms) but for products with 16,384 rows, which are cut into cells first (vector-coder.ts); a GPU wants more
 * in a run.
 */
const BLOCK_BYTES = { cpu: 4 * 1024 * 1024, cuda: 16 * 1024 * 1024 } as const;
const FLOAT_BYTES = 4;

const NEAREST_ROWS: Graph = {
  name: "nearest-rows",
  inputs: [
    { name: "points", type: "float32", shape: ["n", "dim"] },
    { name: "rows", type: "float32", shape: ["k", "dim"] },
    { name: "bias", type: "float32", shape: ["k"] },
  ],
  outputs: [{ name: "ids", type: "int32", shape: ["n"] }],
  nodes: [
    { op: "Gemm", inputs: ["points", "rows", "bias"], outputs: ["products"], attributes: { transB: 1 } },
    { op: "ArgMax", inputs: ["products"], outputs: ["best"], attributes: { axis: 1, keepdims: 0 } },
    { op: "Cast", inputs: ["best"], outputs: ["ids"], attributes: { to: ELEMENT_TYPES.int32 } },
  ],
};

const NEAREST_ROWS_SCORED: Graph = {
  name: "nearest-rows-scored",
  inputs: NEAREST_ROWS.inputs,
  outputs: [...NEAREST_ROWS.outputs, { name: "scores", type: "float32", shape: ["n"] }],
  nodes: [
    ...NEAREST_ROWS.nodes,
    { op: "ReduceMax", inputs: ["products"], outputs: ["scores"], attributes: { axes: [1], keepdims: 0 } },
  ],
};

const NEAREST_ROWS_RANKED: Graph = {
  name: "nearest-rows-ranked",
  inputs: [...NEAREST_ROWS.inputs, { name: "wanted", type: "int64", shape: [1] }],
  outputs: [{ name: "ids", type: "int32", shape: ["n", "wanted_count"] }],
  nodes: [
    { op: "Gemm", inputs: ["points", "rows", "bias"], outputs: ["products"], attributes: { transB: 1 } },
    { op: "TopK", inputs: ["products", "wanted"], outputs: ["best", "bestIds"], attributes: { axis: 1 } },
    { op: "Cast", inputs: ["bestIds"], outputs: ["ids"], attributes: { to: ELEMENT_TYPES.int32 } },
  ],
};

/** The subspaces are the batch of one MatMul: 16 × [n, 8]·[8, 256] in one run. */
const CODEWORD_PRODUCTS = {
  name: "nearest-codewords",
  inputs: [
    { name: "points", type: "float32", shape: ["n", "m", "width"] },
    { name: "codewords", type: "float32", shape: ["m", "k", "width"] },
    { name: "bias", type: "float32", shape: ["m", 1, "k"] },
    { name: "numbers", type: "float32", shape: ["k", 1] },
  ],
  nodes: [
    { op: "Transpose", inputs: ["points"], outputs: ["parts"], attributes: { perm: [1, 0, 2] } },
    { op: "Transpose", inputs: ["codewords"], outputs: ["columns"], attributes: { perm: [0, 2, 1] } },
    { op: "MatMul", inputs: ["parts", "columns"], outputs: ["unbiased"] },
    { op: "Add", inputs: ["unbiased", "bias"], outputs: ["products"] },
  ],
} as const;

/**
 * On a CPU the number of the first largest product is the sum of what Hardmax leaves, times their numbers: 3.7 µs a point
 * where `ArgMax`, which looks at one value after the other, takes 5.4 (16 subspaces, one core). On a GPU there is no Hardmax.
 */
const NEAREST_CODEWORDS = {
  cpu: {
    ...CODEWORD_PRODUCTS,
    outputs: [{ name: "codes", type: "uint8", shape: ["n", "m", 1] }],
    nodes: [
      ...CODEWORD_PRODUCTS.nodes,
      { op: "Hardmax", inputs: ["products"], outputs: ["first"], attributes: { axis: 2 } },
      { op: "MatMul", inputs: ["first", "numbers"], outputs: ["best"] },
      { op: "Transpose", inputs: ["best"], outputs: ["byPoint"], attributes: { perm: [1, 0, 2] } },
      { op: "Cast", inputs: ["byPoint"], outputs: ["codes"], attributes: { to: ELEMENT_TYPES.uint8 } },
    ],
  },
  cuda: {
    ...CODEWORD_PRODUCTS,
    outputs: [{ name: "codes", type: "uint8", shape: ["n", "m"] }],
    nodes: [
      ...CODEWORD_PRODUCTS.nodes,
      { op: "ArgMax", inputs: ["products"], outputs: ["best"], attributes: { axis: 2, keepdims: 0 } },
      { op: "Transpose", inputs: ["best"], outputs: ["byPoint"], attributes: { perm: [1, 0] } },
      { op: "Cast", inputs: ["byPoint"], outputs: ["codes"], attributes: { to: ELEMENT_TYPES.uint8 } },
    ],
  },
} as const satisfies Record<Exclude<ExecutionProvider, "auto">, Graph>;

/** 0 … 255: what the place of a codeword is called. */
const CODEWORD_NUMBERS = Float32Array.from({ length: CODEWORDS_PER_SUBSPACE }, (_, number) => number);

const PRODUCTS: Graph = {
  name: "products",
  inputs: [
    { name: "left", type: "float32", shape: ["m", "dim"] },
    { name: "right", type: "float32", shape: ["n", "dim"] },
  ],
  outputs: [{ name: "table", type: "float32", shape: ["m", "n"] }],
  nodes: [{ op: "Gemm", inputs: ["left", "right"], outputs: ["table"], attributes: { transB: 1 } }],
};

export interface MatrixRunnerOptions {
  /** Threads of one run; default: what onnxruntime chooses (the physical cores). */
  threads?: number | undefined;
  /** Default: `auto`. CUDA multiplies in TF32 where it can: training there does not give the CPU's codebook bit by bit. */
  executionProvider?: ExecutionProvider | undefined;
}

/** Row-major matrix: `values` is `[count, dim]`. */
export interface Matrix {
  values: Float32Array;
  count: number;
  dim: number;
}

const GRAPHS = {
  nearestRows: NEAREST_ROWS,
  nearestRowsScored: NEAREST_ROWS_SCORED,
  nearestRowsRanked: NEAREST_ROWS_RANKED,
  products: PRODUCTS,
} as const;
type Sessions = Record<keyof typeof GRAPHS | "nearestCodewords", InferenceSession>;

export class MatrixRunner {
  /** Where the products are made. */
  readonly executionProvider: Exclude<ExecutionProvider, "auto">;
  readonly #sessions: Sessions;

  private constructor(sessions: Sessions, executionProvider: Exclude<ExecutionProvider, "auto">) {
    this.#sessions = sessions;
    this.executionProvider = executionProvider;
  }

  /**
   * Errors: `model_unavailable` when onnxruntime does not load on this machine, or CUDA is asked for and is not there.
   */
  static async create({ threads, executionProvider = "auto" }: MatrixRunnerOptions = {}): Promise<MatrixRunner> {
    if (executionProvider !== "auto") {
      return new MatrixRunner(await openSessions({ threads, executionProvider }), executionProvider);
    }
    if (hasCudaLibrary()) {
      const sessions = await openSessions({ threads, executionProvider: "cuda" }).catch(() => undefined);
      if (sessions !== undefined) return new MatrixRunner(sessions, "cuda");
    }
    return new MatrixRunner(await openSessions({ threads, executionProvider: "cpu" }), "cpu");
  }

  /**
   * For every point, the row r that maximises ⟨point, row r⟩ + bias[r]; the first of equals. With
   * {@link halfSquaredNorms} as bias that is the row at the smallest Euclidean distance, without bias (unit rows) the
   * one at the smallest angle. Returns `[points.count]`.
   */
  async nearestRows(points: Matrix, rows: Matrix, bias = new Float32Array(rows.count)): Promise<Int32Array> {
    const ids = new Int32Array(points.count);
    const fixed = { rows: tensor(rows.values, [rows.count, rows.dim]), bias: tensor(bias, [rows.count]) };
    for (const block of this.#blocksOf(points, rows.count)) {
      const feeds = { ...fixed, points: tensor(block.values, [block.count, block.dim]) };
      const output = (await this.#sessions.nearestRows.run(feeds))["ids"]?.data;
      if (!(output instanceof Int32Array)) throw unexpectedOutput(NEAREST_ROWS);
      ids.set(output, block.first);
    }
    return ids;
  }

  /** As {@link nearestRows}, with ⟨point, row⟩ + bias of each point's row. */
  async nearestRowsScored(
    points: Matrix,
    rows: Matrix,
    bias: Float32Array,
  ): Promise<{ ids: Int32Array; scores: Float32Array }> {
    const found = { ids: new Int32Array(points.count), scores: new Float32Array(points.count) };
    const fixed = { rows: tensor(rows.values, [rows.count, rows.dim]), bias: tensor(bias, [rows.count]) };
    for (const block of this.#blocksOf(points, rows.count)) {
      const feeds = { ...fixed, points: tensor(block.values, [block.count, block.dim]) };
      const { ids, scores } = await this.#sessions.nearestRowsScored.run(feeds);
      if (!(ids?.data instanceof Int32Array && scores?.data instanceof Float32Array)) {
        throw unexpectedOutput(NEAREST_ROWS_SCORED);
      }
      found.ids.set(ids.data, block.first);
      found.scores.set(scores.data, block.first);
    }
    return found;
  }

  /** As {@link nearestRows}, but the best `wanted` rows of every point, best first: `[points.count, wanted]`. */
  async nearestRowsRanked(points: Matrix, rows: Matrix, wanted: number, bias: Float32Array): Promise<Int32Array> {
    const ranked = new Int32Array(points.count * wanted);
    const fixed = {
      rows: tensor(rows.values, [rows.count, rows.dim]),
      bias: tensor(bias, [rows.count]),
      wanted: new Tensor("int64", BigInt64Array.of(BigInt(wanted)), [1]),
    };
    for (const block of this.#blocksOf(points, rows.count)) {
      const feeds = { ...fixed, points: tensor(block.values, [block.count, block.dim]) };
      const output = (await this.#sessions.nearestRowsRanked.run(feeds))["ids"]?.data;
      if (!(output instanceof Int32Array)) throw unexpectedOutput(NEAREST_ROWS_RANKED);
      ranked.set(output, block.first * wanted);
    }
    return ranked;
  }

  /**
   * Product-quantiser codes: the nearest of 256 codewords in each of the `subspaces` parts of every point.
   * `codewords` is `[subspaces, 256, dim / subspaces]`. Returns `[points.count, subspaces]`.
   */
  async nearestCodewords(points: Matrix, codewords: Float32Array, subspaces: number): Promise<Uint8Array> {
    const width = points.dim / subspaces;
    const codes = new Uint8Array(points.count * subspaces);
    const fixed = {
      codewords: tensor(codewords, [subspaces, CODEWORDS_PER_SUBSPACE, width]),
      bias: tensor(halfSquaredNorms(codewords, width), [subspaces, 1, CODEWORDS_PER_SUBSPACE]),
      numbers: tensor(CODEWORD_NUMBERS, [CODEWORDS_PER_SUBSPACE, 1]),
    };
    for (const block of this.#blocksOf(points, subspaces * CODEWORDS_PER_SUBSPACE)) {
      const feeds = { ...fixed, points: tensor(block.values, [block.count, subspaces, width]) };
      const output = (await this.#sessions.nearestCodewords.run(feeds))["codes"]?.data;
      if (!(output instanceof Uint8Array)) throw unexpectedOutput(CODEWORD_PRODUCTS);
      codes.set(output, block.first * subspaces);
    }
    return codes;
  }

  /**
   * Every inner product of `left` with `right`, block by block of `right`: `table` is `[left.count, block.count]` for the
   * rows of `right` from `block.first`. The caller reduces each table before the next is made.
   */
  async *products(left: Matrix, right: Matrix): AsyncGenerator<{ first: number; count: number; table: Float32Array }> {
    if (left.count === 0) return;
    const fixed = tensor(left.values, [left.count, left.dim]);
    for (const block of this.#blocksOf(right, left.count)) {
      const feeds = { left: fixed, right: tensor(block.values, [block.count, block.dim]) };
      const table = (await this.#sessions.products.run(feeds))["table"]?.data;
      if (!(table instanceof Float32Array)) throw unexpectedOutput(PRODUCTS);
      yield { first: block.first, count: block.count, table };
    }
  }

  /** Frees the sessions; the runner must not be used afterwards. */
  async dispose(): Promise<void> {
    await Promise.all(Object.values(this.#sessions).map(async (session) => await session.release()));
  }

  *#blocksOf({ values, count, dim }: Matrix, productsPerPoint: number): Generator<Matrix & { first: number }> {
    if (values.length < count * dim)
      throw new RangeError(`${count} points of ${dim} values, but ${values.length} values`);
    const blockBytes = BLOCK_BYTES[this.executionProvider];
    const blockPoints = Math.max(1, Math.floor(blockBytes / (FLOAT_BYTES * productsPerPoint)));
    for (let first = 0; first < count; first += blockPoints) {
      const last = Math.min(first + blockPoints, count);
      yield { first, count: last - first, dim, values: values.subarray(first * dim, last * dim) };
    }
  }
}

async function openSessions(options: SessionOptions): Promise<Sessions> {
  const open = async (graph: Graph) => await openSession(graph.name, encodeGraph(graph), options);
  return {
    nearestRows: await open(GRAPHS.nearestRows),
    nearestRowsScored: await open(GRAPHS.nearestRowsScored),
    nearestRowsRanked: await open(GRAPHS.nearestRowsRanked),
    nearestCodewords: await open(NEAREST_CODEWORDS[options.executionProvider ?? "cpu"]),
    products: await open(GRAPHS.products),
  };
}

/** −½·|row|² of every row: added to ⟨point, row⟩ it ranks rows by Euclidean distance. `rows` is `[n, dim]`. */
export function halfSquaredNorms(rows: Float32Array, dim: number): Float32Array<ArrayBuffer> {
  const result = new Float32Array(rows.length / dim);
  for (let row = 0; row < result.length; row++) {
    let sum = 0;
    for (const value of rows.subarray(row * dim, (row + 1) * dim)) sum += value * value;
    result[row] = -0.5 * sum;
  }
  return result;
}

function tensor(values: Float32Array, shape: readonly number[]): Tensor {
  return new Tensor("float32", values, shape);
}

function unexpectedOutput(graph: Pick<Graph, "name">): MaxleafError {
  return new MaxleafError("internal", `onnxruntime gave no usable output for the graph ${graph.name}`);
}
