import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { tinyTextGraph, writeTinyGraph } from "../../../test/fakes/tiny-graphs/tiny-graph.ts";
import { openSession } from "../../models/onnx-session.ts";
import { describeStrayed, operatorRuns, ProviderWatch } from "./provider-watch.ts";

const CPU = "CPUExecutionProvider";
const CUDA = "CUDAExecutionProvider";

describe("describeStrayed", () => {
  it("accepts a graph whose heavy operators ran where they should, whatever the shapes did", () => {
    const runs = [
      { operator: "MatMul", provider: CUDA },
      { operator: "Gather", provider: CPU },
      { operator: "Shape", provider: CPU },
    ];
    expect(describeStrayed(runs, CUDA)).toBeUndefined();
  });

  it.each([
    "MatMul",
    "FusedMatMul",
    "Gemm",
    "Conv",
    "MultiHeadAttention",
    "Attention",
    "MatMulNBits",
    "DynamicQuantizeMatMul",
  ])("refuses one whose %s ran elsewhere", (operator) => {
    const runs = [
      { operator: "Add", provider: CUDA },
      { operator, provider: CPU },
    ];
    expect(describeStrayed(runs, CUDA)).toContain(operator);
  });

  it("lets a MatMul of hundreds pass, which rotary positions may be, not more", () => {
    const on = (provider: string, count: number) =>
      Array.from({ length: count }, () => ({ operator: "MatMul", provider }));
    expect(describeStrayed([...on(CUDA, 99), ...on(CPU, 1)], CUDA)).toBeUndefined();
    expect(describeStrayed([...on(CUDA, 90), ...on(CPU, 10)], CUDA)).toContain("10 of 100 heavy operators");
  });

  it("refuses one of which nothing ran there", () => {
    expect(describeStrayed([{ operator: "Add", provider: CPU }], CUDA)).toBe(`nothing of the graph ran on ${CUDA}`);
    expect(describeStrayed([], CUDA)).toBeDefined();
  });
});

describe("operatorRuns", () => {
  it("passes over what is no operator", () => {
    const events = [{ cat: "Session", name: "model_run" }, { args: { op_name: "Add", provider: CPU } }, null, 7];
    expect(operatorRuns(JSON.stringify(events))).toEqual([{ operator: "Add", provider: CPU }]);
    expect(operatorRuns("{}")).toEqual([]);
  });
});

describe("ProviderWatch", () => {
  it.each([
    [CPU, undefined],
    [CUDA, `nothing of the graph ran on ${CUDA}`],
  ])("reads from a run's profile whether it was on %s, and leaves nothing behind", async (provider, problem) => {
    const folder = await mkdtemp(join(tmpdir(), "maxleaf-graphs-"));
    const path = await writeTinyGraph(tinyTextGraph({ dim: 4 }), folder);
    const watch = await ProviderWatch.create(provider);
    const session = await openSession("tiny", path, { threads: 1, profilePrefix: watch.profilePrefix });
    const ids = new Tensor("int64", BigInt64Array.of(1n, 2n), [1, 2]);
    await session.run({ input_ids: ids, attention_mask: ids });
    const failure: unknown = await watch.check(session).catch((error: unknown) => error);
    if (problem === undefined) expect(failure).toBeUndefined();
    else expect(failure).toMatchObject({ message: problem });
    // Runs go on without a profile.
    await session.run({ input_ids: ids, attention_mask: ids });
    await expect(readdir(dirname(watch.profilePrefix))).rejects.toMatchObject({ code: "ENOENT" });
    await session.release();
    await rm(folder, { recursive: true });
  });
});
