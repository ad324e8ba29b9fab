import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testRecipe } from "../../../shared/recipe/testing.ts";
import type { ModelCard } from "../model.ts";
import { openModelFiles } from "./model-files.ts";
import { type PullOptions, type PullProgress, pullModel } from "./pull.ts";
import { removeModel } from "./remove.ts";
import { type Fault, FakeHub, gitBlobId, sha256Of } from "./testing-hub.ts";

const REPOSITORY = "someone/some-model";
const FIRST = "1".repeat(40);
const SECOND = "2".repeat(40);
const graph = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 31) % 251));
const newGraph = Buffer.from(graph).fill(7, 1_000, 2_000);
const config = Buffer.from('{"hidden_size": 128}\n');
const card: ModelCard = {
  repository: REPOSITORY,
  files: ["onnx/model.onnx", "config.json"],
  licence: "MIT",
  languages: ["en"],
  parameters: "1 M",
  vectorsPerPage: "one a word piece",
  backends: ["onnx"],
  unverified: [],
};
const entry = { recipe: testRecipe({ name: "some-model", dim: 4, revision: "unpinned" }), card };

let hub: FakeHub;
let models: string;
let folder: string;

beforeEach(async () => {
  hub = await FakeHub.start();
  const others = ["README.md", "pytorch_model.bin"].map((path) => ({ path, content: Buffer.from(path) }));
  const small = { path: "config.json", content: config };
  hub.repositories.set(REPOSITORY, {
    commits: [
      {
        commit: FIRST,
        names: ["v1"],
        files: [...others, small, { path: "onnx/model.onnx", content: graph, lfs: true }],
      },
      {
        commit: SECOND,
        names: ["main"],
        files: [...others, small, { path: "onnx/model.onnx", content: newGraph, lfs: true }],
      },
    ],
  });
  models = await mkdtemp(join(tmpdir(), "maxleaf-models-"));
  folder = join(models, "some-model");
});

afterEach(async () => {
  await hub[Symbol.asyncDispose]();
  await rm(models, { recursive: true, force: true });
});

function pull(options: Partial<PullOptions> = {}) {
  return pullModel({ entry, folder, ...options, hub: { endpoint: hub.url, retryWaitMs: 1, ...options.hub } });
}

function faults(path: string, ...list: Fault[]): void {
  hub.faults.set(path, list);
}

async function readFolder(): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  return found
    .filter((one) => one.isFile())
    .map((one) => join(one.parentPath, one.name).slice(folder.length + 1))
    .sort();
}

describe("pullModel", () => {
  it("fetches the card's files of the commit that main is, and locks them", async () => {
    const report = await pull();
    expect(report).toMatchObject({ folder, repository: REPOSITORY, commit: SECOND });
    expect(report.files.map(({ path, outcome }) => [path, outcome])).toEqual([
      ["onnx/model.onnx", "fetched"],
      ["config.json", "fetched"],
    ]);
    expect(await readFolder()).toEqual(["config.json", "maxleaf-model.json", "onnx/model.onnx"]);
    expect(newGraph.equals(await readFile(join(folder, "onnx/model.onnx")))).toBe(true);
    expect(JSON.parse(await readFile(join(folder, "maxleaf-model.json"), "utf8"))).toEqual({
      formatVersion: 1,
      repository: REPOSITORY,
      commit: SECOND,
      files: [
        { path: "onnx/model.onnx", bytes: newGraph.length, sha256: sha256Of(newGraph) },
        { path: "config.json", bytes: config.length, sha256: sha256Of(config) },
      ],
    });
  });

  it("asks for content by the commit and not by the branch, which may move meanwhile", async () => {
    await pull();
    const content = hub.asked.filter(({ path }) => !path.includes("/revision/"));
    expect(content.length).toBeGreaterThan(0);
    for (const { path } of content) expect(path).toContain(SECOND);
  });

  it.each([
    ["a tag", "v1", "unpinned"],
    ["a commit", FIRST, "unpinned"],
    ["the recipe's own commit", undefined, FIRST],
  ])("pulls %s", async (_, revision, own) => {
    const pinned = { ...entry, recipe: { ...entry.recipe, revision: own } };
    const report = await pull({ revision, entry: pinned });
    expect(report.commit).toBe(FIRST);
    expect(graph.equals(await readFile(join(folder, "onnx/model.onnx")))).toBe(true);
  });

  it("only verifies what its lock says, without the hub", async () => {
    const first = await pull();
    hub.asked.length = 0;
    const again = await pull();
    expect(again).toEqual({ ...first, files: first.files.map((file) => ({ ...file, outcome: "kept" })) });
    expect(hub.asked).toEqual([]);
  });

  it("fetches again what is no longer as its lock says, of the locked commit", async () => {
    await pull({ revision: "v1" });
    await writeFile(join(folder, "onnx/model.onnx"), Buffer.alloc(graph.length));
    const again = await pull();
    expect(again.commit).toBe(FIRST);
    expect(again.files.map(({ outcome }) => outcome)).toEqual(["fetched", "kept"]);
    expect(graph.equals(await readFile(join(folder, "onnx/model.onnx")))).toBe(true);
  });

  it("brings another revision when asked to, keeping files that are the same", async () => {
    await pull({ revision: "v1" });
    const next = await pull({ revision: "main" });
    expect(next.commit).toBe(SECOND);
    expect(next.files.map(({ outcome }) => outcome)).toEqual(["fetched", "kept"]);
    const { lock } = await openModelFiles(entry, { modelsFolder: models });
    expect(lock.commit).toBe(SECOND);
  });

  it("mends a lock that cannot be read", async () => {
    await pull();
    await writeFile(join(folder, "maxleaf-model.json"), "{");
    expect((await pull()).files.map(({ outcome }) => outcome)).toEqual(["kept", "kept"]);
    await openModelFiles(entry, { modelsFolder: models });
  });

  it("says how far it is, in bytes of all files", async () => {
    const seen: PullProgress[] = [];
    await pull({ onProgress: (progress) => void seen.push(progress) });
    const fetching = seen.filter(({ stage }) => stage === "fetching");
    const total = newGraph.length + config.length;
    expect(fetching.every(({ totalBytes }) => totalBytes === total)).toBe(true);
    const done = fetching.map(({ doneBytes }) => doneBytes);
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    expect(done.at(-1)).toBe(total);
  });

  it("fetches large files that the hub also has by another protocol, and resumes them", async () => {
    const file = { path: "onnx/model.onnx", content: graph, lfs: true, xet: true };
    const files = [file, { path: "config.json", content: config }];
    hub.repositories.set(REPOSITORY, { commits: [{ commit: FIRST, names: ["main"], files }] });
    faults("onnx/model.onnx", { kind: "drop", afterBytes: 70_000 });
    const report = await pull();
    expect(report.files[0]).toMatchObject({ sha256: sha256Of(graph), outcome: "fetched" });
    expect(hub.transfers.some(({ origin, range }) => origin === "cdn" && range !== undefined)).toBe(true);
  });

  it("fetches a file of no bytes", async () => {
    const [commit] = hub.repositories.get(REPOSITORY)?.commits ?? [];
    const files = [...(commit?.files ?? []), { path: "empty.txt", content: Buffer.alloc(0) }];
    hub.repositories.set(REPOSITORY, { commits: [{ commit: FIRST, names: ["main"], files }] });
    const report = await pull({ entry: { ...entry, card: { ...card, files: ["empty.txt"] } } });
    expect(report.files).toMatchObject([{ path: "empty.txt", bytes: 0, sha256: sha256Of(Buffer.alloc(0)) }]);
  });
});

describe("a connection that breaks", () => {
  it("goes on where it broke off, by range, as often as it takes", async () => {
    faults("onnx/model.onnx", ...Array.from({ length: 8 }, () => ({ kind: "drop", afterBytes: 30_000 }) as const));
    const report = await pull();
    expect(report.files[0]?.sha256).toBe(sha256Of(newGraph));
    const ranges = hub.transfers.filter(({ origin }) => origin === "cdn").map(({ range }) => range);
    expect(ranges).toHaveLength(9);
    expect(ranges[0]).toBeUndefined();
    const starts = ranges.slice(1).map((range) => Number(/^bytes=(\d+)-/u.exec(range ?? "")?.[1]));
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    expect(new Set(starts).size).toBe(8);
  });

  it("is told apart from an end that only looks well", async () => {
    faults("onnx/model.onnx", { kind: "short", afterBytes: 1_000 });
    await pull();
    expect(hub.transfers.find(({ range }) => range !== undefined)?.range).toBe(`bytes=1000-${newGraph.length - 1}`);
    expect(newGraph.equals(await readFile(join(folder, "onnx/model.onnx")))).toBe(true);
  });

  it("is given up when it falls silent, and gone on with", async () => {
    faults("onnx/model.onnx", { kind: "silence", afterBytes: 20_000 });
    const report = await pull({ hub: { silenceTimeoutMs: 1_000 } });
    expect(report.files[0]?.sha256).toBe(sha256Of(newGraph));
    expect(hub.transfers.map(({ range }) => range)).toContain(`bytes=20000-${newGraph.length - 1}`);
  });

  it.each([429, 500, 503])("tries again after status %i", async (status) => {
    faults("onnx/model.onnx", { kind: "status", status });
    expect((await pull()).files[0]?.sha256).toBe(sha256Of(newGraph));
  });

  it("gives up after five breaks without a byte, and leaves no model behind", async () => {
    faults("onnx/model.onnx", ...Array.from({ length: 5 }, () => ({ kind: "drop", afterBytes: 0 }) as const));
    await expect(pull()).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringContaining("set HF_ENDPOINT to a mirror"),
    });
    await expect(openModelFiles(entry, { modelsFolder: models })).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringContaining('is not finished; "maxleaf models pull some-model" fetches it'),
    });
  });

  it("is gone on with by the next pull", async () => {
    const dead = Array.from({ length: 5 }, () => ({ kind: "drop", afterBytes: 0 }) as const);
    faults("onnx/model.onnx", { kind: "drop", afterBytes: 100_000 }, ...dead);
    await expect(pull()).rejects.toMatchObject({ code: "model_unavailable" });
    hub.asked.length = 0;
    const report = await pull();
    expect(report.files.map(({ outcome }) => outcome)).toEqual(["resumed", "fetched"]);
    expect(hub.transfers.find(({ origin }) => origin === "cdn")?.range).toMatch(/^bytes=[1-9]\d*-/u);
    expect(newGraph.equals(await readFile(join(folder, "onnx/model.onnx")))).toBe(true);
  });

  it("begins anew when what an earlier pull left is not the file's beginning", async () => {
    const parts = join(folder, ".maxleaf-parts");
    await mkdir(parts, { recursive: true });
    await writeFile(join(parts, `${sha256Of(newGraph)}-onnx_model.onnx`), Buffer.alloc(5_000, 1));
    const report = await pull();
    expect(report.files[0]?.outcome).toBe("fetched");
    expect(newGraph.equals(await readFile(join(folder, "onnx/model.onnx")))).toBe(true);
  });

  it("does not take all of a file for the range that it asked for", async () => {
    faults("onnx/model.onnx", { kind: "short", afterBytes: 1_000 }, { kind: "whole" });
    await pull();
    expect(newGraph.equals(await readFile(join(folder, "onnx/model.onnx")))).toBe(true);
  });

  it("stops at once when the caller does", async () => {
    const stop = new AbortController();
    const pulling = pull({ hub: { signal: stop.signal }, onProgress: () => stop.abort(new Error("enough")) });
    await expect(pulling).rejects.toThrow("enough");
  });
});

describe("what a hub refuses or gets wrong", () => {
  it.each([
    ["onnx/model.onnx", "sha256", sha256Of(newGraph)],
    ["config.json", "git-blob", gitBlobId(config)],
  ])("names %s whose bytes are others", async (path, kind, checksum) => {
    faults(path, { kind: "wrong-bytes" });
    await expect(pull()).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringMatching(
        new RegExp(`the file "${path}" of .* came with ${kind} checksum .* says ${checksum}`, "u"),
      ),
      details: { file: path },
    });
    // Nothing of it is kept: the next pull begins anew.
    const again = await pull();
    expect(again.files.find((file) => file.path === path)?.outcome).toBe("fetched");
  });

  it("refuses a repository that is gated, and takes HF_TOKEN", async () => {
    const repository = hub.repositories.get(REPOSITORY);
    if (repository === undefined) throw new Error("the hub lacks its repository");
    hub.repositories.set(REPOSITORY, { ...repository, token: "secret" });
    await expect(pull()).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringContaining("accept its terms on its page and set HF_TOKEN"),
    });
    await pull({ hub: { token: "secret" } });
    const cdn = hub.asked.filter(({ origin }) => origin === "cdn");
    expect(cdn.length).toBeGreaterThan(0);
    expect(cdn.every(({ authorization }) => authorization === undefined)).toBe(true);
  });

  it("names a repository, a revision and a file that are not there", async () => {
    const missing = (change: Partial<ModelCard>) => pull({ entry: { ...entry, card: { ...card, ...change } } });
    await expect(missing({ repository: "someone/else" })).rejects.toThrow(
      'does not have the revision "main" of "someone/else"',
    );
    await expect(pull({ revision: "v9" })).rejects.toThrow('does not have the revision "v9"');
    await expect(missing({ files: ["config.json", "model.safetensors"] })).rejects.toMatchObject({
      code: "model_unavailable",
      message: `"${REPOSITORY}" has no file "model.safetensors" at ${SECOND}`,
    });
  });

  it("says what to do when the hub cannot be reached", async () => {
    const gone = await FakeHub.start();
    await gone[Symbol.asyncDispose]();
    const pulling = pull({ hub: { endpoint: gone.url } });
    await expect(pulling).rejects.toMatchObject({ code: "model_unavailable" });
    await expect(pulling).rejects.toThrow(/^http:\S+ cannot be used now: .*ECONNREFUSED.*set HF_ENDPOINT/u);
  });

  it.each(["huggingface.co", "ftp://mirror", ""])("refuses the address %j", async (endpoint) => {
    await expect(pull({ hub: { endpoint } })).rejects.toMatchObject({ code: "invalid_request" });
  });

  it("has nothing to pull for weights of this package and for recipes of a server", async () => {
    const embedded = { ...card, repository: undefined, files: [], backends: ["embedded"] as const };
    await expect(pull({ entry: { ...entry, card: embedded } })).rejects.toMatchObject({
      code: "invalid_request",
      message: 'there is nothing to pull for "some-model": its weights are in this package',
    });
    const served = { ...card, files: [], backends: ["vllm"] as const };
    await expect(pull({ entry: { ...entry, card: served } })).rejects.toThrow("it runs on a vLLM server");
  });

  it("refuses a folder that is none, and one that another process pulls into", async () => {
    await writeFile(folder, "");
    await expect(pull()).rejects.toMatchObject({ code: "invalid_request" });
    await rm(folder);
    await mkdir(folder);
    // The parent of this process is alive.
    const owner = { pid: process.ppid, kind: "command", title: "maxleaf models pull" };
    await writeFile(join(folder, ".maxleaf-pulling.json"), JSON.stringify(owner));
    await expect(pull()).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining("already"),
    });
  });
});

describe("removeModel", () => {
  it("removes what was pulled and nothing else", async () => {
    await pull();
    await writeFile(join(folder, "notes.txt"), "mine");
    expect(await removeModel("some-model", folder)).toBe(newGraph.length + config.length);
    expect(await readFolder()).toEqual(["notes.txt"]);
    await expect(openModelFiles(entry, { modelsFolder: models })).rejects.toMatchObject({ code: "model_unavailable" });
  });

  it("removes an unfinished pull, and the folder when nothing is left in it", async () => {
    faults("onnx/model.onnx", ...Array.from({ length: 6 }, () => ({ kind: "drop", afterBytes: 0 }) as const));
    await expect(pull()).rejects.toMatchObject({ code: "model_unavailable" });
    await removeModel("some-model", folder);
    expect(await readdir(models)).toEqual([]);
  });

  it("leaves a folder alone that no pull made", async () => {
    await mkdir(folder);
    await writeFile(join(folder, "config.json"), config);
    await expect(removeModel("some-model", folder)).rejects.toMatchObject({ code: "not_found" });
    expect(await readFolder()).toEqual(["config.json"]);
  });
});
