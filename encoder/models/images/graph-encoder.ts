/**
 * Sequences through an ONNX graph.
 *
 * @module
 */
import type { GraphRunner, ItemInputs, RunPriority, TokenVectors } from "../../backends/contract.ts";
import type { GraphSpec } from "../../backends/onnx/graph-spec.ts";
import type { PagePicture } from "../model.ts";
import type { PageLayout, PictureFamily } from "./family.ts";
import type { QuerySequence, SequenceEncoder } from "./picture-model.ts";

/** What a graph of `family` takes and gives. Exports differ in the name of the output: the first one is it. */
export function graphSpec(name: string, family: PictureFamily, dim: number): GraphSpec {
  return {
    name,
    inputs: { input_ids: { type: "int64" }, attention_mask: { type: "int64" }, ...family.tensorSpecs },
    output: { dim },
  };
}

export class GraphEncoder implements SequenceEncoder {
  readonly pagesAtOnce = 1;
  readonly #runner: GraphRunner;
  readonly #family: PictureFamily;

  constructor(runner: GraphRunner, family: PictureFamily) {
    this.#runner = runner;
    this.#family = family;
  }

  encodePage({ ids }: PageLayout, picture: PagePicture): Promise<TokenVectors> {
    return this.#run({ ...this.#idTensors(ids), ...this.#family.pageTensors(picture) });
  }

  encodeQuery({ ids }: QuerySequence): Promise<TokenVectors> {
    return this.#run({ ...this.#idTensors(ids), ...this.#family.queryTensors() }, "query");
  }

  dispose(): Promise<void> {
    return this.#runner.dispose();
  }

  async #run(inputs: ItemInputs, priority: RunPriority = "page"): Promise<TokenVectors> {
    const [vectors] = await this.#runner.run([inputs], priority);
    // A missing result is counted as no vectors, which the model refuses.
    return vectors ?? { tokenCount: 0, dim: 0, values: new Float32Array(0) };
  }

  /** All positions are attended, augmentation tokens too; only what batching adds is not. */
  #idTensors(ids: readonly number[]): ItemInputs {
    const { id, side } = this.#family.padding;
    const dims = [ids.length];
    return {
      input_ids: { type: "int64", dims, data: BigInt64Array.from(ids, BigInt), pad: { value: id, side } },
      attention_mask: { type: "int64", dims, data: new BigInt64Array(ids.length).fill(1n), pad: { value: 0, side } },
    };
  }
}
