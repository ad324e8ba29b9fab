import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { explainMismatch, recipeFingerprint } from "../../../shared/recipe/fingerprint.ts";
import { recipeSchema } from "../../../shared/recipe/recipe.ts";
import { testRecipe } from "../../../shared/recipe/testing.ts";
import type { ModelCard } from "../model.ts";
import { openModelFiles, pinnedRecipe } from "./model-files.ts";
import { modelFilePathSchema, type ModelLock, readModelLock } from "./model-lock.ts";
import { sha256Of } from "./testing-hub.ts";

const graph = Buffer.from("a graph");
const config = Buffer.from("a config");
const card: ModelCard = {
  repository: "someone/some-model",
  files: ["onnx/model.onnx", "config.json"],
  licence: "MIT",
  languages: ["en"],
  parameters: "1 M",
  vectorsPerPage: "one a word piece",
  backends: ["onnx"],
  unverified: [],
};
const recipe = testRecipe({ name: "some-model", dim: 4, revision: "unpinned", extra: { marker: "1" } });
const entry = { recipe, card };
const goodLock: ModelLock = {
  formatVersion: 1,
  repository: "someone/some-model",
  commit: "a".repeat(40),
  files: [
    { path: "config.json", bytes: config.length, sha256: sha256Of(config) },
    { path: "onnx/model.onnx", bytes: graph.length, sha256: sha256Of(graph) },
  ],
};

let models: string;
let folder: string;

beforeEach(async () => {
  models = await mkdtemp(join(tmpdir(), "maxleaf-models-"));
  folder = join(models, "some-model");
  await mkdir(join(folder, "onnx"), { recursive: true });
  await writeFile(join(folder, "onnx/model.onnx"), graph);
  await writeFile(join(folder, "config.json"), config);
});

afterEach(async () => {
  await rm(models, { recursive: true, force: true });
});

async function writeLock(change: object = {}): Promise<void> {
  await writeFile(join(folder, "maxleaf-model.json"), JSON.stringify({ ...goodLock, ...change }));
}

describe("openModelFiles", () => {
  it("gives the paths of files that are as the lock says", async () => {
    await writeLock();
    const files = await openModelFiles(entry, { modelsFolder: models });
    expect(files.folder).toBe(folder);
    expect(files.path("onnx/model.onnx")).toBe(join(folder, "onnx/model.onnx"));
    expect(files.lock).toEqual({
      repository: "someone/some-model",
      commit: goodLock.commit,
      files: goodLock.files.toReversed(),
    });
    expect(() => files.path("vocab.txt")).toThrow("does not list");
  });

  it.each([
    ["modelFolder", () => ({ modelFolder: folder })],
    ["modelsFolder that holds the files itself", () => ({ modelsFolder: folder })],
    ["modelFolder before modelsFolder", () => ({ modelFolder: folder, modelsFolder: "/nowhere" })],
  ])("finds local files by %s, and says that no lock vouches for them", async (_, options) => {
    const { lock } = await openModelFiles(entry, options());
    expect(lock.commit).toBe("local");
    expect(lock.files).toEqual(goodLock.files.toReversed());
  });

  it("follows links, as a cache of the hub has them", async () => {
    await rm(join(folder, "config.json"));
    await writeFile(join(models, "blob"), config);
    await symlink(join(models, "blob"), join(folder, "config.json"));
    await writeLock();
    const files = await openModelFiles(entry, { modelsFolder: models });
    expect(files.path("config.json")).toBe(join(folder, "config.json"));
  });

  it("names a missing file, its folder and the command that fetches it", async () => {
    await writeLock();
    await rm(join(folder, "onnx/model.onnx"));
    await expect(openModelFiles(entry, { modelsFolder: models })).rejects.toMatchObject({
      code: "model_unavailable",
      message: `the model of "some-model" cannot be used: the file "onnx/model.onnx" of the model is not in "${folder}"; "maxleaf models pull some-model" fetches it`,
      details: { file: "onnx/model.onnx", command: "maxleaf models pull some-model" },
    });
  });

  it.each([
    ["no folder at all", async () => rm(folder, { recursive: true })],
    [
      "a folder where a file should be",
      async () => {
        await rm(join(folder, "config.json"));
        await mkdir(join(folder, "config.json"));
      },
    ],
  ])("refuses %s", async (_, spoil) => {
    await spoil();
    await expect(openModelFiles(entry, { modelsFolder: models })).rejects.toMatchObject({ code: "model_unavailable" });
  });

  it.each([
    ["shorter", Buffer.from("a grap"), /has 6 bytes where its lock says 7/u],
    [
      "of the same length, but other",
      Buffer.from("a grape".slice(0, 7)),
      /has SHA-256 [0-9a-f]{64} where its lock says/u,
    ],
  ])("refuses a file that is %s", async (_, bytes, message) => {
    await writeLock();
    await writeFile(join(folder, "onnx/model.onnx"), bytes);
    const opening = openModelFiles(entry, { modelsFolder: models });
    await expect(opening).rejects.toThrow(message);
    await expect(opening).rejects.toMatchObject({ code: "model_unavailable", details: { file: "onnx/model.onnx" } });
  });

  it("notices a file that changes after it was checked once", async () => {
    await writeLock();
    await openModelFiles(entry, { modelsFolder: models });
    await writeFile(join(folder, "config.json"), Buffer.from("b config"));
    await expect(openModelFiles(entry, { modelsFolder: models })).rejects.toThrow("has SHA-256");
  });

  it("refuses another model's folder", async () => {
    await writeLock({ repository: "someone/other" });
    const opening = openModelFiles(entry, { modelFolder: folder });
    await expect(opening).rejects.toThrow('holds the model "someone/other", not "someone/some-model"');
  });

  it("takes a file that was put beside the pulled ones, by its checksum", async () => {
    await writeLock({ files: goodLock.files.slice(0, 1) });
    const { lock } = await openModelFiles(entry, { modelFolder: folder });
    expect(lock).toEqual({
      repository: "someone/some-model",
      commit: goodLock.commit,
      files: goodLock.files.toReversed(),
    });
    await rm(join(folder, "onnx/model.onnx"));
    await expect(openModelFiles(entry, { modelFolder: folder })).rejects.toThrow(
      '"onnx/model.onnx" of the model is not in',
    );
  });

  it.each([
    ["no JSON", "{"],
    ["a commit that is none", JSON.stringify({ ...goodLock, commit: "main" })],
    ["a path out of the folder", JSON.stringify({ ...goodLock, files: [{ ...goodLock.files[0], path: "../x" }] })],
    ["more than a mebibyte", " ".repeat(1024 * 1024 + 1)],
  ])("refuses a lock with %s", async (_, text) => {
    await writeFile(join(folder, "maxleaf-model.json"), text);
    await expect(openModelFiles(entry, { modelFolder: folder })).rejects.toMatchObject({ code: "model_unavailable" });
  });
});

describe("readModelLock", () => {
  it("is undefined where there is none", async () => {
    expect(await readModelLock(join(models, "nothing"))).toBeUndefined();
  });
});

describe("modelFilePathSchema", () => {
  it("never leaves the folder", () => {
    const part = fc.constantFrom("..", ".", "", "a", "a.b", "..a", "C:", "\\", "\0");
    const path = fc.array(part, { minLength: 1, maxLength: 5 }).map((parts) => parts.join("/"));
    fc.assert(
      fc.property(path, (text) => {
        if (!modelFilePathSchema.safeParse(text).success) return;
        // Resolved by the rules of URLs and of both families of paths, it stays below.
        expect(new URL(text, "file:///m/x/").pathname.startsWith("/m/x/")).toBe(true);
        expect(join("/m/x", text)).toBe(`/m/x/${text}`);
        expect(text).not.toMatch(/[\\:\0]/u);
      }),
    );
  });

  it.each(["onnx/model.onnx_data", "1_Dense/config.json", "..a/b", ".gitattributes"])("takes %s", (path) => {
    expect(modelFilePathSchema.parse(path)).toBe(path);
  });
});

describe("pinnedRecipe", () => {
  it("has the commit as revision and every checksum in extra", () => {
    const pinned = pinnedRecipe(recipe, goodLock);
    expect(recipeSchema.parse(pinned)).toEqual({
      ...recipe,
      revision: goodLock.commit,
      extra: {
        marker: "1",
        "sha256:config.json": sha256Of(config),
        "sha256:onnx/model.onnx": sha256Of(graph),
      },
    });
  });

  it("gives another fingerprint for other weights, and the difference names the file", async () => {
    const other = {
      ...goodLock,
      files: goodLock.files.map((file) => ({ ...file, sha256: sha256Of(Buffer.from(file.path)) })),
    };
    const [a, b] = [pinnedRecipe(recipe, goodLock), pinnedRecipe(recipe, other)];
    expect(await recipeFingerprint(a)).not.toBe(await recipeFingerprint(b));
    expect(explainMismatch(a, b).join("\n")).toContain("sha256:onnx/model.onnx");
  });

  it("does not depend on the order of the files", async () => {
    const reversed = { ...goodLock, files: goodLock.files.toReversed() };
    expect(await recipeFingerprint(pinnedRecipe(recipe, goodLock))).toBe(
      await recipeFingerprint(pinnedRecipe(recipe, reversed)),
    );
  });
});
