import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createProgram } from "../program.ts";
import { recordingTerminal } from "../testing.ts";

const dataset = fileURLToPath(new URL("../../../test/eval/vidore/v3", import.meta.url));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "maxleaf-test-"));
});
afterAll(async () => await rm(folder, { recursive: true }));

async function maxleaf(...args: string[]) {
  const terminal = recordingTerminal();
  const context = { terminal, signal: new AbortController().signal, env: {}, exitCode: 0 };
  await createProgram(context).parseAsync(["--data-dir", path.join(folder, "data"), ...args], { from: "user" });
  return terminal;
}

describe("maxleaf eval", () => {
  it("writes runs, judgements and figures by query, and compares the runs", async () => {
    const file = (name: string) => path.join(folder, name);
    const files = ["--run", file("v3.run"), "--qrels", file("v3.qrels"), "--per-query", file("v3.jsonl")];
    const evaluated = await maxleaf(
      "eval",
      "--dataset",
      dataset,
      "--measure",
      "nDCG@3,MRR",
      "--threads",
      "1",
      ...files,
    );
    expect(evaluated.stdout).toMatch(/v3: 3 documents, 3 pages, 2 queries/);
    expect(evaluated.stdout).toMatch(/nDCG@3 .*\nMRR /);
    expect((await readdir(folder)).filter((name) => name.startsWith("v3")).toSorted()).toEqual([
      "v3.bm25.run",
      "v3.jsonl",
      "v3.minilm-words.exact.run",
      "v3.minilm-words.hybrid.run",
      "v3.minilm-words.run",
      "v3.qrels",
    ]);
    expect(await readFile(file("v3.qrels"), "utf8")).toBe("7 0 1 2\n8 0 0 1\n");
    const lines = (await readFile(file("v3.jsonl"), "utf8")).trim().split("\n");
    expect(lines).toHaveLength(8);

    const runs = [file("v3.bm25.run"), file("v3.minilm-words.run")];
    const compared = await maxleaf(
      "eval",
      "compare",
      ...runs,
      "--dataset",
      dataset,
      "--measure",
      "MRR,hit@1",
      "--json",
    );
    expect(JSON.parse(compared.stdout)).toMatchObject([
      { measure: "MRR", queries: 2, a: { tag: "bm25" }, b: { tag: "minilm-words" } },
      { measure: "hit@1" },
    ]);
    const printed = await maxleaf("eval", "compare", ...runs, "--dataset", dataset);
    expect(printed.stdout).toMatch(/nDCG@10 over 2 queries\n +A bm25 .*\n +B minilm-words .*\n +B − A .*95 % interval/);
  });

  it("needs a data set, and measures that there are", async () => {
    await expect(maxleaf("eval")).rejects.toThrow(/--dataset/);
    await expect(maxleaf("eval", "compare", "a", "b")).rejects.toThrow(/--dataset/);
    await expect(maxleaf("eval", "--dataset", dataset, "--mode", "late")).rejects.toThrow(/lexical and hybrid/);
    await expect(maxleaf("eval", "--dataset", dataset, "--measure", "F1")).rejects.toThrow(/"F1" is no measure/);
  });
});
