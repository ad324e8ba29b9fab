/**
 * ONNX models with weights, as bytes: what `encoder/indexing/onnx-graph.ts` makes, and initialisers beside it, inside the model
 * or in an external data file.
 *
 * @module
 */
import protobuf from "protobufjs";
import { ONNX_PROTO } from "../../../encoder/indexing/onnx-proto.ts";
import { floatsToHalves } from "../../../encoder/backends/float16.ts";

const IR_VERSION = 8;
const OPERATOR_SET = 17;

/** `TensorProto.DataType`. */
export const ELEMENT_TYPES = { float32: 1, uint8: 2, int8: 3, int32: 6, int64: 7, float16: 10 } as const;
export type ElementType = keyof typeof ELEMENT_TYPES;

const ATTRIBUTE_FLOAT = 1;
const ATTRIBUTE_INT = 2;
const ATTRIBUTE_INTS = 7;
const EXTERNAL = 1;

interface Value {
  name: string;
  type: ElementType;
  /** A size, or a name for one that varies. */
  shape: readonly (number | string)[];
}

interface Initializer {
  name: string;
  type: ElementType;
  dims: readonly number[];
  bytes: Uint8Array;
}

/** Whole numbers, lists of them, or `{ float }`. */
type Attribute = number | readonly number[] | { float: number };

const modelType = protobuf.parse(ONNX_PROTO, { keepCase: true }).root.lookupType("onnx.ModelProto");

/** Collects the operators, weights, inputs and outputs of a model. Every method returns the name of what it added. */
export class ModelBuilder {
  readonly #name: string;
  readonly #inputs: Value[] = [];
  readonly #outputs: Value[] = [];
  readonly #initializers: Initializer[] = [];
  readonly #nodes: object[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  input(name: string, type: ElementType, shape: Value["shape"]): string {
    this.#inputs.push({ name, type, shape });
    return name;
  }

  output(name: string, type: ElementType, shape: Value["shape"]): void {
    this.#outputs.push({ name, type, shape });
  }

  weights(values: Float32Array, dims: readonly number[], type: "float32" | "float16"): string {
    return this.#initializer(type, dims, type === "float32" ? values : floatsToHalves(values));
  }

  bytes(values: Int8Array, dims: readonly number[]): string {
    return this.#initializer("int8", dims, values);
  }

  /** Whole numbers: a list, or one without dimensions. */
  integers(values: number | readonly number[]): string {
    const list = typeof values === "number" ? [values] : values;
    return this.#initializer(
      "int64",
      typeof values === "number" ? [] : [list.length],
      BigInt64Array.from(list, BigInt),
    );
  }

  /** An operator with one output, called `output` if given. */
  node(op: string, inputs: readonly string[], attributes: Record<string, Attribute> = {}, output?: string): string {
    return this.nodes(op, inputs, [output ?? `${op.toLowerCase()}_${this.#nodes.length}`], attributes)[0] ?? "";
  }

  nodes(
    op: string,
    inputs: readonly string[],
    outputs: string[],
    attributes: Record<string, Attribute> = {},
  ): string[] {
    const attribute = Object.entries(attributes).map(([name, value]) => ({ name, ...encodeAttribute(value) }));
    this.#nodes.push({ op_type: op, input: [...inputs], output: outputs, attribute });
    return outputs;
  }

  /** Model bytes; with `dataFile`, weights are in `data` instead, to be stored under that name beside the model. */
  encode(dataFile?: string): { model: Uint8Array; data: Uint8Array } {
    // Whole numbers stay: the runtime needs them to infer shapes. Exporters too put only large tensors elsewhere.
    const external = dataFile === undefined ? [] : this.#initializers.filter(({ type }) => type !== "int64");
    const data = new Uint8Array(external.reduce((sum, { bytes }) => sum + bytes.length, 0));
    let offset = 0;
    const initializer = this.#initializers.map(({ name, type, dims, bytes }) => {
      const head = { name, data_type: ELEMENT_TYPES[type], dims: [...dims] };
      if (dataFile === undefined || type === "int64") return { ...head, raw_data: bytes };
      data.set(bytes, offset);
      const place = { location: dataFile, offset: String(offset), length: String(bytes.length) };
      offset += bytes.length;
      const external_data = Object.entries(place).map(([key, value]) => ({ key, value }));
      return { ...head, data_location: EXTERNAL, external_data };
    });
    const graph = {
      name: this.#name,
      node: this.#nodes,
      initializer,
      input: this.#inputs.map(encodeValue),
      output: this.#outputs.map(encodeValue),
    };
    const opset_import = [{ domain: "", version: OPERATOR_SET }];
    const model = { ir_version: IR_VERSION, producer_name: "maxleaf tests", opset_import, graph };
    const problem = modelType.verify(model);
    if (problem !== null) throw new TypeError(`graph ${this.#name}: ${problem}`);
    return { model: modelType.encode(model).finish(), data };
  }

  #initializer(
    type: ElementType,
    dims: readonly number[],
    { buffer, byteOffset, byteLength }: ArrayBufferView,
  ): string {
    const name = `weights_${this.#initializers.length}`;
    this.#initializers.push({ name, type, dims, bytes: new Uint8Array(buffer, byteOffset, byteLength) });
    return name;
  }
}

function encodeAttribute(value: Attribute) {
  if (typeof value === "number") return { i: value, type: ATTRIBUTE_INT };
  if ("float" in value) return { f: value.float, type: ATTRIBUTE_FLOAT };
  return { ints: [...value], type: ATTRIBUTE_INTS };
}

function encodeValue({ name, type, shape }: Value) {
  const dim = shape.map((size) => (typeof size === "number" ? { dim_value: size } : { dim_param: size }));
  return { name, type: { tensor_type: { elem_type: ELEMENT_TYPES[type], shape: { dim } } } };
}
