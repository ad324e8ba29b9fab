import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { MaxleafError } from "../../../shared/errors.ts";
import type { ItemInputs } from "../contract.ts";
import type { RunInputs, RunOutput } from "./batches.ts";
import type { CheckedGraph, GraphSpec } from "./graph-spec.ts";
import { type GraphHost, OnnxGraphRunner } from "./runner.ts";

const SPEC: GraphSpec = { name: "test", inputs: { input_ids: { type: "int64" } }, output: { dim: 1 } };
const GRAPH: CheckedGraph = {
  inputNames: new Set(["input_ids"]),
  outputName: "output",
  dim: 1,
  positionsInput: "input_ids",
  oneItemOnly: false,
};
/** Tokens that the stand-in cannot take, and that it has no number for. */
const POISON = 666;
const NOT_A_NUMBER = 777;

/** A graph whose vectors are its ids; it remembers the lengths of its runs. */
class Echo implements GraphHost {
  readonly runs: number[][] = [];
  disposed = false;

  async run(inputs: RunInputs): Promise<RunOutput> {
    const { dims = [], data = new BigInt64Array() } = inputs["input_ids"] ?? {};
    const [items = 0, longest = 0] = dims;
    this.runs.push([items, longest]);
    const values = Float32Array.from(data, Number);
    if (values.includes(POISON)) throw new MaxleafError("model_unavailable", "indices out of bounds");
    return { dims: [items, longest, 1], data: values.map((value) => (value === NOT_A_NUMBER ? Number.NaN : value)) };
  }

  async dispose(): Promise<void> {
    this.disposed = true;
  }
}

function start(limits: { items?: number; queued?: number; queuedBytes?: number } = {}) {
  const host = new Echo();
  const runner = new OnnxGraphRunner({
    spec: SPEC,
    graph: GRAPH,
    hosts: [host],
    runLimits: { items: limits.items ?? 8, tokens: 1_000, bytes: 1_000_000 },
    queueLimits: { items: limits.queued ?? 100, bytes: limits.queuedBytes ?? 1_000_000 },
  });
  return { host, runner };
}

function item(...values: number[]): ItemInputs {
  const pad = { value: 0, side: "right" } as const;
  return { input_ids: { type: "int64", dims: [values.length], data: BigInt64Array.from(values, BigInt), pad } };
}

describe("OnnxGraphRunner", () => {
  it("lets questions overtake pages that wait, and counts them apart", async () => {
    const { host, runner } = start({ items: 1, queued: 3 });
    const pages = [runner.run([item(1)]), runner.run([item(2)]), runner.run([item(3)])];
    await expect(runner.run([item(4)])).rejects.toMatchObject({ code: "overloaded" });
    const question = runner.run([item(7, 7, 7, 7, 7)], "query");
    expect((await question)[0]?.values).toEqual(Float32Array.of(7, 7, 7, 7, 7));
    await Promise.all(pages);
    expect(host.runs.map(([, length]) => length)).toEqual([5, 1, 1, 1]);
  });

  it("runs calls of one turn together, by length, and gives every call its own results in order", async () => {
    const { host, runner } = start();
    const long = Array.from({ length: 20 }, (_, i) => i + 1);
    const [first, second] = await Promise.all([
      runner.run([item(1, 2), item(...long), item(3, 4)]),
      runner.run([item(5, 6), item(...long, 21)]),
    ]);
    expect(first.map(({ values }) => [...values])).toEqual([[1, 2], long, [3, 4]]);
    expect(second.map(({ values }) => [...values])).toEqual([
      [5, 6],
      [...long, 21],
    ]);
    expect(host.runs).toEqual([
      [3, 2],
      [2, 21],
    ]);
  });

  it("keeps all its hosts at work, those too that had nothing to do before", async () => {
    const gates: PromiseWithResolvers<void>[] = [];
    const hosts = [new Echo(), new Echo()].map((echo): GraphHost => ({
      run: async (inputs) => {
        const gate = Promise.withResolvers<void>();
        gates.push(gate);
        await gate.promise;
        return await echo.run(inputs);
      },
      dispose: () => echo.dispose(),
    }));
    const limits = { items: 1, tokens: 10, bytes: 1_000 };
    const runner = new OnnxGraphRunner({ spec: SPEC, graph: GRAPH, hosts, runLimits: limits, queueLimits: limits });
    const first = runner.run([item(1)]);
    while (gates.length < 1) await setImmediate();
    // The second host has found the queue empty by now.
    await setImmediate();
    const second = runner.run([item(2)]);
    while (gates.length < 2) await setImmediate();
    for (const gate of gates) gate.resolve();
    const results = await Promise.all([first, second]);
    expect(results.map(([vectors]) => vectors?.values[0])).toEqual([1, 2]);
    await runner.dispose();
  });

  it("gives nothing for nothing", async () => {
    const { host, runner } = start();
    expect(await runner.run([])).toEqual([]);
    expect(host.runs).toEqual([]);
  });

  it("runs the items of a failed run alone: only the bad one fails", async () => {
    const { host, runner } = start();
    const calls = [item(1), item(POISON), item(3)].map((one) => runner.run([one]));
    const settled = await Promise.allSettled(calls);
    expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
    expect(host.runs).toEqual([
      [3, 1],
      [1, 1],
      [1, 1],
      [1, 1],
    ]);
  });

  it("fails the item whose vectors are not numbers, without another run", async () => {
    const { host, runner } = start();
    const settled = await Promise.allSettled([item(1), item(NOT_A_NUMBER)].map((one) => runner.run([one])));
    expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected"]);
    expect(host.runs).toEqual([[2, 1]]);
  });

  it("counts items and bytes that wait, and forgets them when they have run", async () => {
    const byCount = start({ queued: 2 }).runner;
    await expect(byCount.run([item(1), item(2), item(3)])).rejects.toMatchObject({ code: "overloaded" });
    const byBytes = start({ queuedBytes: 32 }).runner;
    await expect(byBytes.run([item(1, 2, 3, 4, 5)])).rejects.toMatchObject({ code: "overloaded" });
    for (let i = 0; i < 3; i++) {
      expect(await byCount.run([item(1), item(2)])).toHaveLength(2);
      expect(await byBytes.run([item(1, 2, 3, 4)])).toHaveLength(1);
    }
  });

  it("queues nothing of a call with an item that is not as promised", async () => {
    const { host, runner } = start();
    await expect(runner.run([item(1), {}])).rejects.toMatchObject({ code: "model_unavailable" });
    await runner.dispose();
    expect(host.runs).toEqual([]);
    expect(host.disposed).toBe(true);
  });
});
