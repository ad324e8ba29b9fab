/**
 * A model's life by the real command line: pulled from a hub, used, exchanged, refused where it may not be used, removed. The
 * hub is local and the model a tiny graph with seeded weights under a real recipe's name.
 */
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { openDataDir } from "../../encoder/local/data-dir.ts";
import { type EdgeProcess, startEdge } from "../../encoder/local/edge-process.ts";
import { colbertv2 } from "../../encoder/models/colbert/colbertv2.ts";
import { writeColbertModel } from "../fakes/colbert-model.ts";
import { type EncoderService, startEncoderService } from "../../encoder/service/start-service.ts";
import { FakeHub, sha256Of } from "../../encoder/models/store/testing-hub.ts";
import { bertTokenizerFile } from "../../encoder/models/text/testing-tokenizers.ts";
import { tinyTextGraph } from "../fakes/tiny-graphs/tiny-graph.ts";
import { type Finished, run } from "./support/command-line.ts";
import { bucketEnvOf } from "./support/local-bucket.ts";
import { writePdf } from "./support/documents.ts";

const SECRET = "a-secret-of-the-test";
const TIMEOUT_MS = 180_000;
/** The recipe's own, and one of a later day. */
const PINNED = colbertv2.recipe.revision;
const LATER = "b".repeat(40);

let folder: string;
let edge: EdgeProcess;
let hub: FakeHub;
let encoder: EncoderService;
let env: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-models-e2e-"));
  [encoder, hub] = await Promise.all([startEncoder(0), FakeHub.start()]);
  edge = await startEdge({
    dataDir: await openDataDir(join(folder, "data")),
    worker: "search",
    port: 0,
    vars: { ENCODER_URL: encoder.url },
    secrets: { ENCODER_SECRET: SECRET },
  });
  env = {
    ...bucketEnvOf(edge.url),
    MAXLEAF_MODEL_DIR: join(folder, "models"),
    HF_ENDPOINT: hub.url,
  };
  const commits = [
    { commit: PINNED, names: ["v1"], files: await modelFiles(1) },
    { commit: LATER, names: ["main"], files: await modelFiles(2) },
  ];
  hub.repositories.set(colbertv2.card.repository ?? "", { commits });
  await writePdf(join(folder, "docs/owl.pdf"), ["The barn owl hunts at night.", "Owl chicks hatch in April."]);
}, TIMEOUT_MS);

afterAll(async () => {
  await Promise.all([edge.stop(), encoder.close(), hub[Symbol.asyncDispose]()]);
  await rm(folder, { recursive: true, force: true });
});

/** The service that the edge asks, with the models that are pulled now. */
async function startEncoder(port: number): Promise<EncoderService> {
  const modelOptions = { modelsFolder: join(folder, "models") };
  return await startEncoderService({
    port,
    secret: SECRET,
    preload: [],
    modelOptions,
    logger: pino({ level: "silent" }),
  });
}

/** Every question is another: the edge remembers the vectors of those that it had. */
async function askEdge(
  query: string,
  more: Record<string, unknown> = {},
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(new URL("/v1/indexes/birds/search", edge.url), {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query, ...more }),
  });
  return { status: response.status, body: z.record(z.string(), z.unknown()).parse(await response.json()) };
}

async function modelFiles(seed: number) {
  const source = join(folder, `seed-${seed}`);
  const graph = tinyTextGraph({ dim: colbertv2.facts.dim, seed });
  await writeColbertModel(colbertv2, source, { graph, tokenizer: await bertTokenizerFile() });
  const read = async (path: string) => ({
    path,
    content: await readFile(join(source, path)),
    lfs: path.endsWith(".onnx"),
  });
  return await Promise.all(colbertv2.card.files.map(read));
}

async function maxleaf(...args: string[]): Promise<Finished> {
  return await run(args, env);
}

async function json(...args: string[]) {
  const { code, stdout, stderr } = await maxleaf(...args, "--json");
  expect(stderr).toBe("");
  expect(code).toBe(0);
  return JSON.parse(stdout);
}

describe("a model's life", { timeout: TIMEOUT_MS }, () => {
  it("is not here at first, and every command says how to get it", async () => {
    const { models } = await json("models");
    const listed = models.find((model: { name: string }) => model.name === "colbertv2");
    expect(listed).toMatchObject({ place: "not here", dim: 128, englishOnly: true, licence: "MIT" });
    const refused = await maxleaf("ingest", join(folder, "docs"), "--index", "birds", "--recipe", "colbertv2");
    expect(refused).toMatchObject({ code: 5, stderr: expect.stringContaining('"maxleaf models pull colbertv2"') });
  });

  it("is pulled at the recipe's own commit, though the connection breaks, and listed with its fingerprint", async () => {
    hub.faults.set("model.onnx", [{ kind: "drop", afterBytes: 5_000 }]);
    const pulled = await json("models", "pull", "colbertv2");
    expect(pulled).toMatchObject({ name: "colbertv2", commit: PINNED });
    expect(hub.transfers.some(({ range }) => range !== undefined)).toBe(true);
    const shown = await json("models", "show", "colbertv2");
    const graph = await readFile(join(folder, "models/colbertv2/model.onnx"));
    expect(shown.state).toMatchObject({ place: "pulled", lock: { commit: PINNED } });
    expect(shown.recipe).toMatchObject({ revision: PINNED, extra: { "sha256:model.onnx": sha256Of(graph) } });
    const text = await maxleaf("models", "show", "colbertv2");
    expect(text.stdout).toContain(`Recipe, as loaded (fingerprint ${shown.recipeFingerprint})`);
    expect(text.stdout).toContain(`sha256 ${sha256Of(graph)}`);
  });

  it("makes an index and answers from it", async () => {
    const { code } = await maxleaf("ingest", join(folder, "docs"), "--index", "birds", "--recipe", "colbertv2");
    expect(code).toBe(0);
    const found = await json("search", "owl chicks", "--index", "birds");
    expect(found.recipe).toBe("colbertv2");
    expect(found.hits).toHaveLength(2);
    expect(await askEdge("owl chicks")).toMatchObject({ status: 200, body: { recipe: "colbertv2" } });
  });

  it("is refused on that index once its weights are others, with both commits and the way back", async () => {
    await json("models", "pull", "colbertv2", "--revision", "main");
    const commands = [
      ["search", "owl chicks", "--index", "birds"],
      ["ingest", join(folder, "docs"), "--index", "birds"],
    ];
    for (const command of commands) {
      const { code, stderr } = await maxleaf(...command);
      expect(code).toBe(2);
      expect(stderr).toContain(`revision: "${PINNED}" ≠ "${LATER}"`);
      expect(stderr).toContain("extra.sha256:model.onnx: ");
      expect(stderr).toContain(`"maxleaf models pull colbertv2 --revision ${PINNED}" fetches the model that made it`);
      expect(stderr).toContain("(recipe_mismatch)");
    }
    await encoder.close();
    encoder = await startEncoder(Number(new URL(encoder.url).port));
    expect(await askEdge("barn owl")).toMatchObject({
      status: 409,
      body: {
        code: "recipe_mismatch",
        detail: expect.stringContaining(`"maxleaf models pull colbertv2 --revision ${PINNED}"`),
        differences: [
          `revision: "${PINNED}" ≠ "${LATER}"`,
          expect.stringMatching(/^extra\.sha256:model\.onnx: "[0-9a-f]{64}" ≠ "[0-9a-f]{64}"$/u),
        ],
      },
    });
    await json("models", "pull", "colbertv2", "--revision", PINNED);
    expect((await json("search", "owl chicks", "--index", "birds")).hits).toHaveLength(2);
  });

  it("is verified by a second pull without the hub, and removed", async () => {
    const offline = await run(["models", "pull", "colbertv2"], { ...env, HF_ENDPOINT: "http://127.0.0.1:9" });
    expect(offline).toMatchObject({ code: 0, stdout: expect.stringContaining("all were here and are verified") });
    expect(await maxleaf("models", "remove", "colbertv2")).toMatchObject({ code: 0 });
    const gone = await maxleaf("search", "owl chicks", "--index", "birds");
    expect(gone).toMatchObject({ code: 5, stderr: expect.stringContaining('"maxleaf models pull colbertv2"') });
    // Words alone need no model, and no encoder either.
    const { hits } = await json("search", "owl chicks", "--index", "birds", "--mode", "lexical");
    expect(hits).toHaveLength(2);
    await encoder.close();
    const byWords = await askEdge("chicks hatch", { mode: "lexical" });
    expect(byWords).toMatchObject({ status: 200, body: { hits: [{ page: 2 }] } });
    expect(await maxleaf("models", "remove", "colbertv2")).toMatchObject({ code: 4 });
  });
});
