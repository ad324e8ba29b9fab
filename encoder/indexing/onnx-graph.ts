/**
 * Tiny ONNX graphs, made here as bytes and run by onnxruntime: dense linear algebra with threads and SIMD on a CPU, or
 * on a GPU, without a native dependency of our own.
 *
 * @module
 */
import protobuf from "protobufjs";
import { ONNX_PROTO } from "./onnx-proto.ts";

/** IR 8 and operator set 17 are read by every onnxruntime since 1.12 (2022); nothing here needs a newer one. */
const IR_VERSION = 8;
const OPERATOR_SET = 17;

/** `TensorProto.DataType`. */
export const ELEMENT_TYPES = { float32: 1, uint8: 2, int32: 6, int64: 7 } as const;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_INTS = 7;

export interface GraphNode {
  op: string;
  inputs: readonly string[];
  outputs: readonly string[];
  /** Integer attributes only: nothing here needs another kind. */
  attributes?: Readonly<Record<string, number | readonly number[]>>;
}

/** A graph's input or output. A dimension is a size, or a name for one that varies from run to run. */
export interface GraphValue {
  name: string;
  type: keyof typeof ELEMENT_TYPES;
  shape: readonly (number | string)[];
}

/** Operator by operator. Matrices are inputs, not constants: onnxruntime was as fast either way (85 and 87 GFLOPS). */
export interface Graph {
  name: string;
  inputs: readonly GraphValue[];
  outputs: readonly GraphValue[];
  nodes: readonly GraphNode[];
}

/** What is put behind a graph that is already there. */
export interface GraphExtension {
  /** Their inputs: any value of the graph, or one of `constants`. No name of the graph may come again. */
  nodes: readonly GraphNode[];
  constants: readonly { name: string; shape: readonly number[]; values: Float32Array }[];
  /** Outputs beside the graph's own. */
  outputs: readonly GraphValue[];
}

const modelType = protobuf.parse(ONNX_PROTO, { keepCase: true }).root.lookupType("onnx.ModelProto");

/** `graph` as the bytes of an ONNX model. */
export function encodeGraph(graph: Graph): Uint8Array {
  const model = {
    ir_version: IR_VERSION,
    producer_name: "maxleaf",
    opset_import: [{ domain: "", version: OPERATOR_SET }],
    graph: {
      name: graph.name,
      node: graph.nodes.map(encodeNode),
      input: graph.inputs.map(encodeValue),
      output: graph.outputs.map(encodeValue),
    },
  };
  return encodeModel(model, `graph ${graph.name}`);
}

/**
 * `extension` as bytes that go after those of an ONNX model: two encoded messages, one behind the other, are read as one whose
 * lists are joined (https://protobuf.dev/programming-guides/encoding/#last-one-wins). So the model need not be decoded.
 */
export function encodeGraphExtension({ nodes, constants, outputs }: GraphExtension): Uint8Array {
  const initializer = constants.map(({ name, shape, values }) => ({
    name,
    dims: [...shape],
    data_type: ELEMENT_TYPES.float32,
    raw_data: littleEndian(values),
  }));
  const graph = { node: nodes.map(encodeNode), initializer, output: outputs.map(encodeValue) };
  return encodeModel({ graph }, "graph extension");
}

function encodeModel(model: Record<string, unknown>, what: string): Uint8Array {
  const problem = modelType.verify(model);
  if (problem !== null) throw new TypeError(`${what}: ${problem}`);
  return modelType.encode(model).finish();
}

function littleEndian(values: Float32Array): Uint8Array {
  const bytes = new Uint8Array(values.byteLength);
  const view = new DataView(bytes.buffer);
  for (const [i, value] of values.entries()) view.setFloat32(i * values.BYTES_PER_ELEMENT, value, true);
  return bytes;
}

function encodeNode({ op, inputs, outputs, attributes = {} }: GraphNode) {
  const attribute = Object.entries(attributes).map(([name, value]) =>
    typeof value === "number"
      ? { name, i: value, type: ATTRIBUTE_INT }
      : { name, ints: [...value], type: ATTRIBUTE_INTS },
  );
  return { op_type: op, input: [...inputs], output: [...outputs], attribute };
}

function encodeValue({ name, type, shape }: GraphValue) {
  const dim = shape.map((size) => (typeof size === "number" ? { dim_value: size } : { dim_param: size }));
  return { name, type: { tensor_type: { elem_type: ELEMENT_TYPES[type], shape: { dim } } } };
}
