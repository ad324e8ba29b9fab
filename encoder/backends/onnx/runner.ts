/**
 * The queue before a graph: items wait, the oldest and those of like length run together. Questions have a queue of their own,
 * which goes first.
 *
 * @module
 */
import { setImmediate } from "node:timers/promises";
import { MaxleafError } from "../../../shared/errors.ts";
import type { GraphRunner, ItemInputs, RunPriority, TokenVectors } from "../contract.ts";
import {
  type Batchable,
  batchable,
  type BatchLimits,
  type RunInputs,
  type RunOutput,
  splitOutput,
  stackItems,
  takeBatch,
} from "./batches.ts";
import type { CheckedGraph, GraphSpec } from "./graph-spec.ts";

/** What may wait before calls are refused; pages do not count against questions. */
export interface QueueLimits {
  items: number;
  /** Bytes of the items' tensors. */
  bytes: number;
}

/** What runs a graph: a `GraphThread`, or a test's stand-in. */
export interface GraphHost {
  run(inputs: RunInputs, outputName: string): Promise<RunOutput>;
  dispose(): Promise<void>;
}

export interface RunnerParts {
  spec: GraphSpec;
  graph: CheckedGraph;
  /** Copies of the graph, which run at the same time; at least one. */
  hosts: readonly GraphHost[];
  runLimits: BatchLimits;
  queueLimits: QueueLimits;
}

interface Entry extends Batchable {
  done: PromiseWithResolvers<TokenVectors>;
}

interface Queue {
  waiting: Entry[];
  bytes: number;
}

export class OnnxGraphRunner implements GraphRunner {
  readonly #parts: RunnerParts;
  readonly #queues: Record<RunPriority, Queue> = { query: { waiting: [], bytes: 0 }, page: { waiting: [], bytes: 0 } };
  /** Hosts that work off the queue; the others found it empty. */
  readonly #serving = new Map<GraphHost, Promise<void>>();
  #disposed = false;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
  }

  /**
   * Rejects with the first error among `items`; the others run on. A caller that wants those too asks for its items one by
   * one: calls that wait together are batched all the same.
   */
  async run(items: readonly ItemInputs[], priority: RunPriority = "page"): Promise<TokenVectors[]> {
    const { spec, graph } = this.#parts;
    if (this.#disposed) throw new MaxleafError("model_unavailable", `${spec.name} was closed`);
    const entries = items.map((item): Entry => {
      return { ...batchable(spec, graph, item), done: Promise.withResolvers<TokenVectors>() };
    });
    this.#enqueue(this.#queues[priority], entries);
    for (const host of this.#parts.hosts) {
      if (!this.#serving.has(host)) this.#serving.set(host, this.#serve(host));
    }
    return await Promise.all(entries.map((entry) => entry.done.promise));
  }

  /** Waits for what was asked before, then frees the sessions. */
  async dispose(): Promise<void> {
    this.#disposed = true;
    await Promise.all(this.#serving.values());
    await Promise.all(this.#parts.hosts.map((host) => host.dispose()));
  }

  #enqueue(queue: Queue, entries: readonly Entry[]): void {
    const { spec, queueLimits } = this.#parts;
    const bytes = entries.reduce((sum, entry) => sum + entry.byteLength, queue.bytes);
    const count = queue.waiting.length + entries.length;
    if (count > queueLimits.items || bytes > queueLimits.bytes) {
      const what = `${count} items of ${bytes} bytes would wait; ${queueLimits.items} items of ${queueLimits.bytes} bytes may`;
      throw new MaxleafError("overloaded", `${spec.name} has too much to do: ${what}`);
    }
    queue.bytes = bytes;
    queue.waiting.push(...entries);
  }

  async #serve(host: GraphHost): Promise<void> {
    // Calls made in the same turn are in the queue by then.
    await setImmediate();
    for (let queue = this.#nextQueue(); queue !== undefined; queue = this.#nextQueue()) {
      const batch = takeBatch(queue.waiting, this.#parts.runLimits);
      for (const entry of batch) queue.bytes -= entry.byteLength;
      await this.#runBatch(host, batch);
    }
    // In the turn that found the queue empty: whatever comes later wakes this host again.
    this.#serving.delete(host);
  }

  #nextQueue(): Queue | undefined {
    const { query, page } = this.#queues;
    return [query, page].find(({ waiting }) => waiting.length > 0);
  }

  async #runBatch(host: GraphHost, batch: readonly Entry[]): Promise<void> {
    const { spec, graph } = this.#parts;
    try {
      const output = await host.run(stackItems(batch), graph.outputName);
      for (const [i, result] of splitOutput(spec, graph, batch, output).entries()) {
        if (result instanceof MaxleafError) batch[i]?.done.reject(result);
        else batch[i]?.done.resolve(result);
      }
    } catch (error) {
      // One item may have been too much for the graph: the others get their run.
      if (batch.length > 1) for (const entry of batch) await this.#runBatch(host, [entry]);
      else batch[0]?.done.reject(error);
    }
  }
}
