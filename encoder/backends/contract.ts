/**
 * What runs a model: tensors in, token vectors out. Recipes know this and no runtime.
 *
 * @module
 */

/** A tensor of one item, without the batch dimension. */
export interface ItemTensor {
  type: "int64" | "float32";
  dims: readonly number[];
  data: BigInt64Array | Float32Array;
  /** Items of a batch are made as long as the longest in their first dimension: with this value, on this side. Absent: all equal. */
  pad?: { value: number; side: "left" | "right" } | undefined;
}

/** The inputs of one page or question, by the names of the graph. */
export type ItemInputs = Readonly<Record<string, ItemTensor>>;

/** `[tokens, dim]` of one item, padding removed. */
export interface TokenVectors {
  tokenCount: number;
  dim: number;
  values: Float32Array;
}

/** Whose items run first: a person waits for a question, and a backlog of pages for nobody. */
export type RunPriority = "query" | "page";

/** A loaded graph. Calls may overlap: they wait in a bounded queue and run in batches of like length. */
export interface GraphRunner {
  /**
   * One result per item, in order. Questions overtake pages that wait; the run under way ends first.
   *
   * @param priority - Default: `page`.
   *
   * Errors: `overloaded` when the queue is full; `model_unavailable` for outputs not as promised.
   */
  run(items: readonly ItemInputs[], priority?: RunPriority): Promise<TokenVectors[]>;
  dispose(): Promise<void>;
}
