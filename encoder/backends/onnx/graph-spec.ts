/**
 * What a recipe expects of an ONNX graph, and whether a graph is that.
 *
 * @module
 */
import type { InferenceSession } from "onnxruntime-node";
import { MaxleafError, quote } from "../../../shared/errors.ts";
import type { ItemTensor } from "../contract.ts";

export interface GraphInputSpec {
  /** What the recipe's items hold. A graph that takes float16 where `float32` stands here gets it converted. */
  type: ItemTensor["type"];
  /** Exports differ in it: fed where the graph has it, left out where not. */
  optional?: boolean | undefined;
}

export interface GraphSpec {
  /** Who it is, in error sentences: the recipe's name. */
  name: string;
  /** Every input the graph may have. One that is not named here cannot be fed, so such a graph is refused. */
  inputs: Readonly<Record<string, GraphInputSpec>>;
  /** `[batch, positions, dim]`. Without a name: the graph's first output. */
  output: { name?: string | undefined; dim: number };
  /** The input whose first dimension (batch left out) counts the output's positions; default `input_ids`. */
  positionsInput?: string | undefined;
}

/** What a session says of itself. */
export interface GraphDescription {
  inputs: readonly InferenceSession.ValueMetadata[];
  outputs: readonly InferenceSession.ValueMetadata[];
}

/** A graph that fits its spec. */
export interface CheckedGraph {
  /** Inputs it takes. */
  inputNames: ReadonlySet<string>;
  outputName: string;
  dim: number;
  positionsInput: string;
  /** Whether it was exported for one item a run. */
  oneItemOnly: boolean;
}

export const DEFAULT_POSITIONS_INPUT = "input_ids";

/** `[batch, positions, dim]`. */
const OUTPUT_RANK = 3;

const FLOAT_TYPES: readonly string[] = ["float32", "float16"];

/** Errors: `model_unavailable` naming the input or output that is not as the recipe expects. */
export function checkGraph(spec: GraphSpec, graph: GraphDescription): CheckedGraph {
  checkInputs(spec, graph.inputs);
  const inputNames = new Set(graph.inputs.map((input) => input.name));
  const positionsInput = spec.positionsInput ?? DEFAULT_POSITIONS_INPUT;
  if (!inputNames.has(positionsInput)) throw unfit(spec, `has no input ${positionsInput}`);
  return {
    inputNames,
    outputName: checkOutput(spec, graph.outputs),
    dim: spec.output.dim,
    positionsInput,
    oneItemOnly: checkBatchSizes(spec, graph.inputs),
  };
}

function checkInputs(spec: GraphSpec, inputs: GraphDescription["inputs"]): void {
  for (const input of inputs) {
    const expected = spec.inputs[input.name];
    if (expected === undefined) {
      const known = Object.keys(spec.inputs).join(", ");
      throw unfit(spec, `wants an input ${quote(input.name)}; the recipe gives ${known}`);
    }
    const type = input.isTensor ? input.type : "no tensor";
    if (type === expected.type || (expected.type === "float32" && type === "float16")) continue;
    throw unfit(spec, `takes ${type} as ${input.name}; the recipe gives ${expected.type}`);
  }
  const names = inputs.map((input) => input.name);
  for (const [name, { optional = false }] of Object.entries(spec.inputs)) {
    if (!optional && !names.includes(name)) throw unfit(spec, `has no input ${name}, only ${names.join(", ")}`);
  }
}

function checkOutput(spec: GraphSpec, outputs: GraphDescription["outputs"]): string {
  const { name, dim } = spec.output;
  const output = name === undefined ? outputs[0] : outputs.find((candidate) => candidate.name === name);
  if (output === undefined) {
    const names = outputs.map((candidate) => candidate.name).join(", ");
    throw unfit(spec, `has no output ${name ?? "at all"}, only ${names}`);
  }
  if (!output.isTensor || !FLOAT_TYPES.includes(output.type)) {
    throw unfit(spec, `gives ${output.isTensor ? output.type : "no tensor"} as ${output.name} instead of floats`);
  }
  const { shape } = output;
  // A graph may be exported without the shapes of its outputs: then the first run tells.
  if (shape.length === 0) return output.name;
  const last = shape.at(-1);
  if (shape.length !== OUTPUT_RANK || (typeof last === "number" && last !== dim)) {
    throw unfit(spec, `gives ${output.name} as [${shape.join(", ")}] instead of [batch, positions, ${dim}]`);
  }
  return output.name;
}

function checkBatchSizes(spec: GraphSpec, inputs: GraphDescription["inputs"]): boolean {
  let oneItemOnly = false;
  for (const input of inputs) {
    const batch = input.isTensor ? input.shape[0] : undefined;
    if (typeof batch !== "number") continue;
    if (batch !== 1) throw unfit(spec, `takes ${batch} items a run as ${input.name}, no more and no less`);
    oneItemOnly = true;
  }
  return oneItemOnly;
}

/** A sentence that says whose graph it is. */
export function unfit(spec: Pick<GraphSpec, "name">, what: string, cause?: unknown): MaxleafError {
  return new MaxleafError("model_unavailable", `the graph of ${spec.name} ${what}`, { cause });
}
