import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { FakeVllm } from "../../../test/fakes/vllm/server.ts";
import type { FakeVectors } from "../../../test/fakes/vllm/vectors.ts";
import { byteLevelTokenizerFile } from "../text/testing-tokenizers.ts";
import { textPage } from "../text/testing.ts";
import { colbertv2 } from "./colbertv2.ts";
import { gteModernColbert } from "./gte-moderncolbert-v1.ts";
import { colbertEntries } from "./index.ts";

const { facts } = gteModernColbert;
let modelFolder: string;
let server: FakeVllm;
beforeAll(async () => {
  modelFolder = await mkdtemp(join(tmpdir(), "maxleaf-colbert-vllm-"));
  const tokenizer = byteLevelTokenizerFile(facts.tokens, { where: 2811, Ġis: 310, "?": 32 });
  await writeFile(join(modelFolder, "tokenizer.json"), tokenizer);
  server = await FakeVllm.start({ model: facts.model, dim: facts.dim });
});
afterAll(async () => {
  await server.close();
  await rm(modelFolder, { recursive: true, force: true });
});

const oneLess = ({ tokens, dim, values }: FakeVectors): FakeVectors => ({
  tokens: tokens - 1,
  dim,
  values: values.subarray(dim),
});

const inputsSeen = () => server.seen.splice(0).map(({ body }) => body["input"]);

describe("a ColBERT model over vLLM", () => {
  it("is offered only where every token is attended to, as vLLM does", () => {
    const served = colbertEntries.filter(({ card }) => card.backends.includes("vllm"));
    expect(served.map(({ recipe }) => recipe.name)).toEqual(["jina-colbert-v2", "gte-moderncolbert-v1"]);
    expect(served.some(({ facts: of }) => of.expansion === "unattended")).toBe(false);
  });

  it("needs the tokenizer alone, and sends the token ids of the recipe", async () => {
    const model = await gteModernColbert.load({ modelFolder, vllm: { baseUrl: server.baseUrl } });
    inputsSeen();
    const query = await model.encodeQuery("where is?");
    expect(inputsSeen()).toEqual([[[50_281, 50_368, 2811, 310, 32, 50_282]]]);
    expect(query).toMatchObject({ tokenCount: 6, dim: 128, recipeFingerprint: model.recipeFingerprint });

    const [page] = await model.encodePages([textPage("where is?")]);
    expect(inputsSeen()).toEqual([[[50_281, 50_369, 2811, 310, 32, 50_282]]]);
    expect(page?.vectorCount).toBe(5);
    for (let row = 0; row < 5; row++) {
      expect(Math.hypot(...(page?.vectors.subarray(row * 128, (row + 1) * 128) ?? []))).toBeCloseTo(1, 5);
    }
    await model.dispose();
  });

  it("has another recipe than over its graph: the server's weights are not proven", async () => {
    const model = await gteModernColbert.load({ modelFolder, vllm: { baseUrl: server.baseUrl } });
    expect(model.recipe.extra).toMatchObject({ graph: "vLLM", "sha256:tokenizer.json": expect.any(String) });
    await model.dispose();
  });

  it("is refused by a server of another model, and by one that gives other vectors", async () => {
    const other = await FakeVllm.start({ model: "some/other", dim: facts.dim });
    await expect(gteModernColbert.load({ modelFolder, vllm: { baseUrl: other.baseUrl } })).rejects.toMatchObject({
      code: "model_unavailable",
    });
    await other.close();
    const model = await gteModernColbert.load({ modelFolder, vllm: { baseUrl: server.baseUrl } });
    server.faults.push({ kind: "alter", alter: (vectors) => vectors.map(oneLess) });
    await expect(model.encodeQuery("where is?")).rejects.toMatchObject({ code: "model_unavailable" });
    await model.dispose();
  });

  it("leaves alone a recipe that does not run there", async () => {
    const folder = join(modelFolder, "colbertv2");
    await mkdir(folder);
    // It looks for its graph, and not for the server.
    await expect(colbertv2.load({ modelFolder: folder, vllm: { baseUrl: server.baseUrl } })).rejects.toMatchObject({
      message: expect.stringContaining('"model.onnx"'),
    });
  });
});
