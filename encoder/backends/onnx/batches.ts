/**
 * Which waiting items run together, their tensors as one, and the vectors of one run as those of its items.
 *
 * @module
 */
import { MaxleafError } from "../../../shared/errors.ts";
import type { ItemInputs, ItemTensor, TokenVectors } from "../contract.ts";
import { type CheckedGraph, type GraphSpec, unfit } from "./graph-spec.ts";

/**
 * An item joins a run only if at most this share of its positions becomes padding: padding is computed like anything else.
 */
export const MAX_PADDING_SHARE = 0.125;

/** What one run may hold. A single larger item runs alone: whether the graph can take it is for the graph to say. */
export interface BatchLimits {
  items: number;
  /** Positions, padding included. */
  tokens: number;
  /** Bytes of the inputs, padding not counted. */
  bytes: number;
}

/** An item and what batching must know of it. */
export interface Batchable {
  inputs: ItemInputs;
  /** Positions of the output that are its own. */
  length: number;
  byteLength: number;
  /** Equal where items can run together: shapes but for dimensions that padding makes equal. */
  shapeKey: string;
}

/** A tensor of a whole run, `[batch, ...]`. */
export interface RunTensor {
  type: ItemTensor["type"];
  dims: number[];
  data: BigInt64Array<ArrayBuffer> | Float32Array<ArrayBuffer>;
}

export type RunInputs = Record<string, RunTensor>;

/** Floats of a run's output. */
export interface RunOutput {
  dims: readonly number[];
  data: Float32Array;
}

/** Errors: `model_unavailable` naming the tensor that is missing, too much, or not as the spec says. */
export function batchable(spec: GraphSpec, graph: CheckedGraph, inputs: ItemInputs): Batchable {
  const taken: Record<string, ItemTensor> = {};
  for (const [name, tensor] of Object.entries(inputs)) {
    if (graph.inputNames.has(name)) taken[name] = checkTensor(spec, name, tensor);
    else if (spec.inputs[name] === undefined) throw badItem(spec, `holds ${name}, which the graph does not take`);
  }
  for (const name of graph.inputNames) {
    if (taken[name] === undefined) throw badItem(spec, `holds no ${name}`);
  }
  const tensors = Object.entries(taken);
  return {
    inputs: taken,
    length: taken[graph.positionsInput]?.dims[0] ?? 0,
    byteLength: tensors.reduce((sum, [, tensor]) => sum + tensor.data.byteLength, 0),
    shapeKey: tensors.map(([name, tensor]) => `${name}:${shapeKeyOf(tensor)}`).join(" "),
  };
}

function checkTensor(spec: GraphSpec, name: string, tensor: ItemTensor): ItemTensor {
  const { type, dims, data } = tensor;
  const expected = spec.inputs[name]?.type;
  if (type !== expected) throw badItem(spec, `holds ${name} as ${type} instead of ${expected ?? "nothing"}`);
  if (type === "int64" ? !(data instanceof BigInt64Array) : !(data instanceof Float32Array)) {
    throw badItem(spec, `holds ${name} as ${type} with data of another type`);
  }
  const size = dims.reduce((product, dim) => product * dim, 1);
  if (dims.length === 0 || size === 0 || size !== data.length) {
    throw badItem(spec, `holds ${name} as [${dims.join(", ")}] with ${data.length} numbers`);
  }
  return tensor;
}

function badItem(spec: GraphSpec, what: string): MaxleafError {
  return new MaxleafError("model_unavailable", `an item for ${spec.name} ${what}`);
}

function shapeKeyOf({ dims, pad }: ItemTensor): string {
  return pad === undefined ? dims.join("x") : `${pad.side}${pad.value}x${dims.slice(1).join("x")}`;
}

/**
 * Takes the next run out of `waiting`: the oldest item, and those of nearest length that fit. `waiting` keeps its order.
 */
export function takeBatch<T extends Batchable>(waiting: T[], limits: BatchLimits): T[] {
  const first = waiting[0];
  if (first === undefined) return [];
  const alike = waiting
    .filter((item) => item !== first && item.shapeKey === first.shapeKey)
    .sort((a, b) => Math.abs(a.length - first.length) - Math.abs(b.length - first.length));
  const batch = [first];
  let { byteLength: bytes, length: shortest, length: longest } = first;
  for (const item of alike) {
    if (batch.length >= limits.items) break;
    const newLongest = Math.max(longest, item.length);
    const newShortest = Math.min(shortest, item.length);
    // A longer item can still be refused where a shorter one further on would fit: not worth a search.
    if (newShortest < newLongest * (1 - MAX_PADDING_SHARE)) continue;
    if ((batch.length + 1) * newLongest > limits.tokens || bytes + item.byteLength > limits.bytes) continue;
    batch.push(item);
    bytes += item.byteLength;
    longest = newLongest;
    shortest = newShortest;
  }
  const taken = new Set(batch);
  const left = waiting.filter((item) => !taken.has(item));
  waiting.splice(0, waiting.length, ...left);
  return batch;
}

/** The tensors of a run, copied: the items keep theirs. All items have one shape key. */
export function stackItems(items: readonly Batchable[]): RunInputs {
  const stacked: RunInputs = {};
  for (const name of Object.keys(items[0]?.inputs ?? {})) {
    stacked[name] = stackTensors(items.flatMap((item) => item.inputs[name] ?? []));
  }
  return stacked;
}

function stackTensors(tensors: readonly ItemTensor[]): RunTensor {
  const longest = tensors.reduce((max, { dims }) => Math.max(max, dims[0] ?? 0), 0);
  const [first] = tensors;
  const { type = "int64", dims: shape = [] } = first ?? {};
  const rowLength = shape.slice(1).reduce((product, dim) => product * dim, 1);
  const dims = [tensors.length, longest, ...shape.slice(1)];
  const itemLength = longest * rowLength;
  if (type === "int64") {
    const data = new BigInt64Array(tensors.length * itemLength);
    for (const [i, tensor] of tensors.entries()) {
      if (!(tensor.data instanceof BigInt64Array)) continue;
      const target = data.subarray(i * itemLength, (i + 1) * itemLength);
      target.fill(BigInt(tensor.pad?.value ?? 0)).set(tensor.data, padBefore(tensor, itemLength));
    }
    return { type, dims, data };
  }
  const data = new Float32Array(tensors.length * itemLength);
  for (const [i, tensor] of tensors.entries()) {
    if (!(tensor.data instanceof Float32Array)) continue;
    const target = data.subarray(i * itemLength, (i + 1) * itemLength);
    target.fill(tensor.pad?.value ?? 0).set(tensor.data, padBefore(tensor, itemLength));
  }
  return { type, dims, data };
}

function padBefore(tensor: ItemTensor, itemLength: number): number {
  return tensor.pad?.side === "left" ? itemLength - tensor.data.length : 0;
}

/**
 * The vectors of each item of a run, padding cut off on the side where it was put on.
 *
 * Errors: `model_unavailable` when the output is not `[items, longest, dim]`. An item whose vectors are not all finite gets
 * such an error in its place.
 */
export function splitOutput(
  spec: GraphSpec,
  graph: CheckedGraph,
  items: readonly Batchable[],
  output: RunOutput,
): (TokenVectors | MaxleafError)[] {
  const { dim, outputName, positionsInput } = graph;
  const longest = items.reduce((max, item) => Math.max(max, item.length), 0);
  const expected = [items.length, longest, dim];
  if (output.dims.join() !== expected.join() || output.data.length !== items.length * longest * dim) {
    throw unfit(spec, `gave ${outputName} as [${output.dims.join(", ")}] instead of [${expected.join(", ")}]`);
  }
  return items.map(({ inputs, length: tokenCount }, i) => {
    const before = inputs[positionsInput]?.pad?.side === "left" ? longest - tokenCount : 0;
    const start = (i * longest + before) * dim;
    const values = output.data.slice(start, start + tokenCount * dim);
    const bad = values.findIndex((value) => !Number.isFinite(value));
    if (bad < 0) return { tokenCount, dim, values };
    const where = `position ${Math.floor(bad / dim)} of an item of ${tokenCount} positions`;
    return unfit(spec, `gave ${values[bad]} at ${where} (${i + 1} of ${items.length} in its run)`);
  });
}
