import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { testRecipe } from "../../../shared/recipe/testing.ts";
import type { ModelCard } from "../model.ts";
import { modelStateOf } from "./model-state.ts";
import { sha256Of } from "./testing-hub.ts";

const graph = Buffer.from("a graph");
const card: ModelCard = {
  repository: "someone/some-model",
  files: ["onnx/model.onnx", "config.json"],
  bytes: 1_000,
  licence: "MIT",
  languages: ["en"],
  parameters: "1 M",
  vectorsPerPage: "one a word piece",
  backends: ["onnx"],
  unverified: [],
};
const recipe = testRecipe({ name: "some-model", dim: 4 });
const lock = {
  formatVersion: 1,
  repository: "someone/some-model",
  commit: "a".repeat(40),
  files: card.files.map((path) => ({ path, bytes: graph.length, sha256: sha256Of(graph) })),
};

let models: string;
let folder: string;
beforeEach(async () => {
  models = await mkdtemp(join(tmpdir(), "maxleaf-models-"));
  folder = join(models, "some-model");
  await mkdir(join(folder, "onnx"), { recursive: true });
});
afterEach(async () => await rm(models, { recursive: true, force: true }));

const write = async (path: string, content: Buffer | string = graph) => await writeFile(join(folder, path), content);
const stateOf = async (change: Partial<ModelCard> = {}) =>
  await modelStateOf({ recipe, card: { ...card, ...change } }, { modelsFolder: models });

describe("modelStateOf", () => {
  it("is not here without all files, with the size to download", async () => {
    expect(await stateOf()).toEqual({ place: "not here", bytes: 1_000, folder });
    await write("config.json");
    expect(await stateOf()).toMatchObject({ place: "not here" });
  });

  it("counts bytes of local files", async () => {
    await write("config.json");
    await write("onnx/model.onnx");
    expect(await stateOf()).toEqual({ place: "local files", bytes: 2 * graph.length, folder });
  });

  it("is unfinished while parts lie there and no lock", async () => {
    await mkdir(join(folder, ".maxleaf-parts"));
    expect(await stateOf()).toMatchObject({ place: "unfinished", bytes: 1_000 });
  });

  it("is pulled with a lock, and damaged when a size or the model is another", async () => {
    await write("maxleaf-model.json", JSON.stringify(lock));
    await write("config.json");
    expect(await stateOf()).toMatchObject({ place: "damaged", bytes: graph.length });
    await write("onnx/model.onnx");
    expect(await stateOf()).toEqual({ place: "pulled", bytes: 2 * graph.length, folder, lock });
    expect(await stateOf({ repository: "someone/other" })).toMatchObject({ place: "damaged" });
    await write("onnx/model.onnx", "short");
    expect(await stateOf()).toMatchObject({ place: "damaged" });
    await write("maxleaf-model.json", "{");
    expect(await stateOf()).toMatchObject({ place: "damaged" });
  });

  it("tells a tokenizer from a model", async () => {
    const tokenizer = { files: ["config.json"] };
    expect(await stateOf(tokenizer)).toMatchObject({ place: "not here" });
    await write("config.json");
    expect(await stateOf(tokenizer)).toMatchObject({ place: "tokenizer only", bytes: graph.length });
    await write("maxleaf-model.json", JSON.stringify(lock));
    expect(await stateOf(tokenizer)).toMatchObject({ place: "tokenizer only", lock });
  });

  it("has no folder for weights in the package or on a server", async () => {
    expect(await stateOf({ files: [], backends: ["embedded"] })).toEqual({ place: "embedded", bytes: 1_000 });
    expect(await stateOf({ files: [], backends: ["vllm"], bytes: undefined })).toEqual({
      place: "not here",
      bytes: undefined,
    });
  });
});
