import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { encodeGraph } from "../../indexing/onnx-graph.ts";
import { HIDDEN_STATES, loadTrunk, Trunk } from "./trunk.ts";
import { withoutMask } from "./unmasked-graph.ts";
import { readWeights, weightsFiles } from "./weights.ts";

describe("withoutMask", () => {
  let shipped: Uint8Array;
  let original: Trunk;
  let unmasked: Trunk;

  beforeAll(async () => {
    shipped = await readWeights(weightsFiles.graph);
    [original, unmasked] = await Promise.all([Trunk.open(shipped, { threads: 1 }), loadTrunk({ threads: 1 })]);
  });
  afterAll(() => Promise.all([original.dispose(), unmasked.dispose()]));

  it.each([1, 7, 100, 254])("gives the same hidden states, to the bit, for %i pieces", async (length) => {
    const ids = Array.from({ length }, (_, i) => 1_000 + ((371 * i) % 29_000));
    expect(await unmasked.run(ids)).toEqual(await original.run(ids));
  });

  it("takes out the mask and the search for NaN of all six layers", () => {
    const count = (bytes: Uint8Array, text: string) => Buffer.from(bytes).toString("latin1").split(text).length - 1;
    expect(count(shipped, "IsNaN")).toBeGreaterThanOrEqual(6);
    expect(count(withoutMask(shipped, HIDDEN_STATES), "IsNaN")).toBe(0);
    expect(count(withoutMask(shipped, HIDDEN_STATES), "Softmax")).toBe(count(shipped, "Softmax"));
    expect(count(withoutMask(shipped, HIDDEN_STATES), "GreaterOrEqual")).toBe(0);
  });

  it("leaves the tables of embeddings int8, and makes floats of the rows that a window has", () => {
    const text = Buffer.from(withoutMask(shipped, HIDDEN_STATES)).toString("latin1");
    for (const table of ["word_embeddings", "position_embeddings"]) {
      expect(Buffer.from(shipped).toString("latin1")).toContain(`${table}.weight_f`);
      expect(text).not.toContain(`${table}.weight_f`);
      expect(text).toContain(`${table}.weight_rows_f`);
    }
  });

  it("leaves the rest of a graph as it is", () => {
    const shape = ["rows", 4];
    const graph = encodeGraph({
      name: "plain",
      inputs: [{ name: "x", type: "float32", shape }],
      outputs: [{ name: "last_hidden_state", type: "float32", shape }],
      nodes: [{ op: "Softmax", inputs: ["x"], outputs: ["last_hidden_state"], attributes: { axis: 1 } }],
    });
    expect([...withoutMask(graph, HIDDEN_STATES)]).toEqual([...graph]);
  });
});
