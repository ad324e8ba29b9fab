/**
 * A vLLM server in the place of a graph: it gets the very token ids that a graph would, so tokenisation, windows and what is kept
 * are the same.
 *
 * vLLM attends to every token that it is given. So this serves models whose recipes do too, and not those whose questions are
 * filled up with masks that no word may look at.
 *
 * @module
 */
import { VllmClient, type VllmOptions } from "../../backends/vllm/client.ts";
import type { GraphRunner, ItemInputs, TokenVectors } from "../../backends/contract.ts";
import type { VllmItem } from "../../backends/vllm/protocol.ts";
import type { ColbertFacts } from "./facts.ts";

/**
 * @param revision commit that must be served, where the server tells; undefined: any.
 *
 * Errors: those of `VllmClient.open`.
 */
export async function openVllmRunner(
  { name, model, dim }: ColbertFacts,
  revision: string | undefined,
  options: VllmOptions,
): Promise<GraphRunner> {
  const client = await VllmClient.open({ name, model, revision, dim }, options);
  return {
    run: async (items: readonly ItemInputs[]): Promise<TokenVectors[]> => await client.encode(items.map(vllmItem)),
    dispose: async () => await client.dispose(),
  };
}

function vllmItem(inputs: ItemInputs): VllmItem {
  const ids = Array.from(inputs["input_ids"]?.data ?? [], Number);
  return { kind: "text", text: ids, vectorCount: ids.length };
}
