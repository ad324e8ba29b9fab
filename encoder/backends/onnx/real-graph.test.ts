/**
 * The one real graph that is here, all-MiniLM-L6-v2 with int8 weights, against the thread that runs it without a queue.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { seededRandom } from "../../../shared/seeded-random.ts";
import { CLS_ID, SEP_ID } from "../../models/minilm/tokens.ts";
import { HIDDEN_DIM, loadTrunk, type Trunk } from "../../models/minilm/trunk.ts";
import { WEIGHTS_FOLDER, weightsFiles } from "../../models/minilm/weights.ts";
import type { GraphRunner, ItemInputs, ItemTensor } from "../contract.ts";
import { openOnnxGraph } from "./open-graph.ts";

let trunk: Trunk;
let runner: GraphRunner;

beforeAll(async () => {
  trunk = await loadTrunk({ threads: 1 });
  const files = { graph: fileURLToPath(new URL(weightsFiles.graph.name, WEIGHTS_FOLDER)) };
  const spec = {
    name: "all-MiniLM-L6-v2",
    inputs: { input_ids: { type: "int64" }, attention_mask: { type: "int64" }, token_type_ids: { type: "int64" } },
    output: { name: "last_hidden_state", dim: HIDDEN_DIM },
  } as const;
  runner = await openOnnxGraph(files, spec, { threads: 1, sessions: 2 });
});
afterAll(async () => {
  await Promise.all([trunk.dispose(), runner.dispose()]);
});

function itemOf(pieces: readonly number[]): ItemInputs {
  const ids = BigInt64Array.from([CLS_ID, ...pieces, SEP_ID], BigInt);
  const tensor = (data: BigInt64Array): ItemTensor => {
    return { type: "int64", dims: [ids.length], data, pad: { value: 0, side: "right" } };
  };
  return {
    input_ids: tensor(ids),
    attention_mask: tensor(new BigInt64Array(ids.length).fill(1n)),
    token_type_ids: tensor(new BigInt64Array(ids.length)),
  };
}

describe("all-MiniLM-L6-v2 through the queue", () => {
  it("gives the trunk's hidden states, whatever padding and company", async () => {
    const random = seededRandom(1);
    const texts = [3, 30, 31, 29, 120, 118, 28, 4, 254].map((length) =>
      Array.from({ length }, () => 1_000 + Math.floor(random.next() * 29_000)),
    );
    const batched = await runner.run(texts.map(itemOf));
    for (const [i, text] of texts.entries()) {
      const alone = await trunk.run(text);
      const worst = alone.reduce(
        (max, value, at) => Math.max(max, Math.abs(value - (batched[i]?.values[at] ?? NaN))),
        0,
      );
      // Hidden states are of the size of 1; sums of floats in another order differ in the seventh digit.
      expect(worst).toBeLessThan(1e-5);
      expect(batched[i]?.tokenCount).toBe(text.length + 2);
    }
  });

  it("fails the one text that has more positions than the model", async () => {
    const long = Array.from({ length: 511 }, () => 2_088);
    const results = await Promise.allSettled([runner.run([itemOf(long)]), runner.run([itemOf(long.slice(1))])]);
    expect(results.map(({ status }) => status)).toEqual(["rejected", "fulfilled"]);
  });
});
