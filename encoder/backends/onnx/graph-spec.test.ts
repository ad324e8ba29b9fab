import type { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { checkGraph, type GraphDescription, type GraphSpec } from "./graph-spec.ts";

const SPEC: GraphSpec = {
  name: "test",
  inputs: {
    input_ids: { type: "int64" },
    pixel_values: { type: "float32" },
    pixel_attention_mask: { type: "int64", optional: true },
  },
  output: { dim: 128 },
};

function tensor(name: string, type: Tensor.Type, shape: (number | string)[]): InferenceSession.ValueMetadata {
  return { name, isTensor: true, type, shape };
}

const IDS = tensor("input_ids", "int64", ["batch", "sequence"]);
const PIXELS = tensor("pixel_values", "float32", ["batch", "tiles", 3, 512, 512]);
const OUTPUT = tensor("embeddings", "float32", ["batch", "sequence", 128]);

function graph(changes: Partial<GraphDescription> = {}): GraphDescription {
  return { inputs: [IDS, PIXELS], outputs: [OUTPUT], ...changes };
}

describe("checkGraph", () => {
  it("takes the first output where the spec names none, and inputs that exports have or have not", () => {
    const mask = tensor("pixel_attention_mask", "int64", ["batch", "tiles", 512, 512]);
    const other = tensor("last_hidden_state", "float32", ["batch", "sequence", 768]);
    const checked = checkGraph(SPEC, graph({ inputs: [IDS, PIXELS, mask], outputs: [OUTPUT, other] }));
    expect(checked).toEqual({
      inputNames: new Set(["input_ids", "pixel_values", "pixel_attention_mask"]),
      outputName: "embeddings",
      dim: 128,
      positionsInput: "input_ids",
      oneItemOnly: false,
    });
    expect(checkGraph(SPEC, graph()).inputNames).toEqual(new Set(["input_ids", "pixel_values"]));
  });

  it("takes halves where the recipe gives floats, and outputs of halves or without a shape", () => {
    const half = tensor("pixel_values", "float16", ["batch", "tiles", 3, 512, 512]);
    const outputs = [tensor("embeddings", "float16", [])];
    expect(checkGraph(SPEC, graph({ inputs: [IDS, half], outputs })).outputName).toBe("embeddings");
  });

  it("runs one item at a time where the graph was exported so", () => {
    const one = tensor("pixel_values", "float32", [1, 13, 3, 512, 512]);
    expect(checkGraph(SPEC, graph({ inputs: [IDS, one] })).oneItemOnly).toBe(true);
  });

  it.each<[string, Partial<GraphDescription>, Partial<GraphSpec>, string]>([
    [
      "several items a run, always",
      { inputs: [tensor("input_ids", "int64", [4, "sequence"]), PIXELS] },
      {},
      "takes 4 items a run as input_ids, no more and no less",
    ],
    [
      "an input that is no tensor",
      { inputs: [{ name: "input_ids", isTensor: false }, PIXELS] },
      {},
      "takes no tensor as input_ids; the recipe gives int64",
    ],
    [
      "an output of whole numbers",
      { outputs: [tensor("embeddings", "int64", ["batch", "sequence", 128])] },
      {},
      "gives int64 as embeddings instead of floats",
    ],
    [
      "one vector an item",
      { outputs: [tensor("embeddings", "float32", ["batch", 128])] },
      {},
      "gives embeddings as [batch, 128] instead of [batch, positions, 128]",
    ],
    ["no output", { outputs: [] }, {}, "has no output at all, only "],
    ["no input to count positions by", {}, { positionsInput: "tokens" }, "has no input tokens"],
  ])("refuses %s", (_, changes, spec, message) => {
    expect(() => checkGraph({ ...SPEC, ...spec }, graph(changes))).toThrow(`the graph of test ${message}`);
  });
});
