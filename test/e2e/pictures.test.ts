/**
 * Models that look at pages, from a PDF to the heat map: real pages, the real renderer, preprocessing, index and engine. The
 * weights are those of tiny graphs, or of a server that makes its vectors up.
 */
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ItemInputs } from "../../encoder/backends/contract.ts";
import { loadKernel } from "../../encoder/cli/load-kernel.ts";
import { discoverFiles } from "../../encoder/ingest/discover.ts";
import { ingestFiles } from "../../encoder/ingest/pipeline.ts";
import { colpaliV13 } from "../../encoder/models/colpali/colpali-v1.3.ts";
import { colpaliFamily } from "../../encoder/models/colpali/family.ts";
import { colqwen2V10 } from "../../encoder/models/colqwen/colqwen2-v1.0.ts";
import { COLMODERNVBERT_TRAITS, colmodernvbert } from "../../encoder/models/idefics/colmodernvbert.ts";
import { colsmol256m } from "../../encoder/models/idefics/colsmol-256m.ts";
import { colsmolTraits } from "../../encoder/models/idefics/colsmol.ts";
import { ideficsFamily } from "../../encoder/models/idefics/family.ts";
import type { PictureFamily } from "../../encoder/models/images/family.ts";
import { gemmaLikeTokenizerFile, writeModelFolder } from "../../encoder/models/images/testing.ts";
import type { Model, ModelPage, PageInput, RegistryEntry } from "../../encoder/models/model.ts";
import { byteLevelTokenizerFile } from "../../encoder/models/text/testing-tokenizers.ts";
import { collect } from "../../encoder/render/fixtures.ts";
import { RenderPool } from "../../encoder/render/render-pool.ts";
import { openIndex } from "../../shared/engine/open-index.ts";
import { documentIdOf } from "../../shared/names.ts";
import { NO_REGION } from "../../shared/page.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { type TinyGraph, tinyColpaliGraph, tinyIdeficsGraph, writeTinyGraph } from "../fakes/tiny-graphs/tiny-graph.ts";
import { FakeVllm } from "../fakes/vllm/server.ts";

const SAMPLES = new URL("../../encoder/samples/pdf/", import.meta.url);
/** A scan of a letter without a text layer, standing, and a timetable with one, lying. */
const SCAN = "keeper-letter-1931.pdf";
const TABLE = "ferry-timetable-2026.pdf";
const INDEX = "harbour";
const QUESTION = "When does the ferry leave?";

let folder: string;
let pages: PageInput[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-pictures-"));
  await using pool = new RenderPool({ processes: 1 });
  pages = [];
  for (const name of [SCAN, TABLE]) {
    const path = join(folder, name);
    await copyFile(new URL(name, SAMPLES), path);
    const bytes = await readFile(path);
    pages.push(...(await collect(await pool.open({ name, bytes }, { pictureLongEdgePx: 2_339 }))));
  }
});

afterAll(() => rm(folder, { recursive: true, force: true }));

async function ingest(model: Model, paths: readonly string[] = [join(folder, SCAN), join(folder, TABLE)]) {
  const store = new MemoryStore();
  const report = await ingestFiles({ store, index: INDEX, model, found: await discoverFiles(paths), threads: 1 });
  return { store, report };
}

/** What MaxSim gives for a question and a page, in plain loops. */
function maxSim(query: Float32Array, page: ModelPage, dim: number): number {
  let total = 0;
  for (let token = 0; token < query.length / dim; token++) total += Math.max(...scoresOf(query, token, page, dim));
  return total;
}

function scoresOf(query: Float32Array, token: number, { vectors, vectorCount }: ModelPage, dim: number): number[] {
  return Array.from({ length: vectorCount }, (_, row) => {
    let score = 0;
    for (let d = 0; d < dim; d++) score += (query[token * dim + d] ?? 0) * (vectors[row * dim + d] ?? 0);
    return score;
  });
}

/** What a family's functions make of a page, as a backend gets it. */
function inputsOf(family: PictureFamily, page: PageInput): ItemInputs {
  if (page.picture === undefined) throw new Error("the page has no picture");
  const { ids } = family.pageLayout(page.picture);
  const dims = [ids.length];
  return {
    input_ids: { type: "int64", dims, data: BigInt64Array.from(ids, BigInt) },
    attention_mask: { type: "int64", dims, data: new BigInt64Array(ids.length).fill(1n) },
    ...family.pageTensors(page.picture),
  };
}

interface GraphCase {
  name: string;
  entry: RegistryEntry;
  family: PictureFamily;
  graph: TinyGraph;
  dataFile?: string;
  tokenizer: Uint8Array;
  /** Columns, rows and vectors of the letter and of the timetable. */
  letter: [number, number, number];
  table: [number, number, number];
}

const colsmol = colsmolTraits("colsmol-256m", "vidore/colSmol-256M");
const words = { ferry: 500, Ġferry: 501, leave: 502 };

const cases: GraphCase[] = [
  {
    name: "colmodernvbert",
    entry: colmodernvbert,
    family: ideficsFamily(COLMODERNVBERT_TRAITS),
    graph: tinyIdeficsGraph({ imageTokenId: COLMODERNVBERT_TRAITS.ids.image }),
    tokenizer: byteLevelTokenizerFile({}, words),
    letter: [24, 32, 885],
    table: [32, 24, 884],
  },
  {
    name: "colsmol-256m",
    entry: colsmol256m,
    family: ideficsFamily(colsmol),
    graph: tinyIdeficsGraph({ imageTokenId: colsmol.ids.image, pixelAttentionMask: true }),
    tokenizer: byteLevelTokenizerFile({}, words),
    letter: [24, 32, 875],
    table: [32, 24, 874],
  },
  {
    name: "colpali-v1.3",
    entry: colpaliV13,
    family: colpaliFamily({ name: "", model: "", engine: "", queryPrefix: "Query: " }),
    graph: tinyColpaliGraph(),
    dataFile: "model.onnx_data",
    tokenizer: gemmaLikeTokenizerFile({ Query: 5_098, ":": 235_292 }),
    letter: [32, 32, 1_030],
    table: [32, 32, 1_030],
  },
];

describe.each(cases)("$name on its graph", ({ name, entry, family, graph, dataFile, tokenizer, letter, table }) => {
  let model: Model;
  beforeAll(async () => {
    const modelFolder = join(folder, name);
    await writeModelFolder(modelFolder, tokenizer);
    await writeTinyGraph(graph, modelFolder, { dataFile });
    model = await entry.load({ modelFolder, threads: 1 });
  });
  afterAll(() => model.dispose());

  it("gives the graph what its family makes of a page", async () => {
    const [page] = pages;
    if (page === undefined) throw new Error("there is no page");
    const [encoded] = await model.encodePages([page]);
    const expected = graph.expected(inputsOf(family, page));
    expect(encoded?.vectorCount).toBe(expected.tokenCount);
    const worst = expected.values.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - (encoded?.vectors[i] ?? 0))),
      0,
    );
    expect(worst).toBeLessThan(1e-4);
  });

  it("finds pages by their looks and shows in which cells", async () => {
    const { store, report } = await ingest(model);
    expect(report).toMatchObject({ added: 2, pages: 2, searchablePages: 2, failed: [], pageNotices: [] });
    expect(report.vectors).toBe(letter[2] + table[2]);

    const index = await openIndex({ store, index: INDEX, kernelModule: await loadKernel() });
    const query = await model.encodeQuery(QUESTION);
    const { dim } = query;
    const { hits } = await index.search({ query, k: 2, accuracy: "exact" });
    const encoded = await model.encodePages(pages);
    const scores = encoded.map((page) => maxSim(query.vectors, page, dim));
    // int8 vectors: a score is off by less than a hundredth a token.
    for (const hit of hits) {
      const exact = scores[hit.documentName === SCAN ? 0 : 1] ?? 0;
      expect(Math.abs(hit.score - exact)).toBeLessThan(0.01 * query.tokenCount);
    }
    expect(hits).toHaveLength(2);
    // The scan has no words; the timetable's are kept beside its vectors.
    expect(hits.find((hit) => hit.documentName === SCAN)?.snippet).toBe("");
    expect(hits.find((hit) => hit.documentName === TABLE)?.snippet).not.toBe("");

    const [columns, rows] = letter;
    const documentId = await documentIdOf(SCAN);
    const map = await index.explain({ query, documentId, pageNumber: 1 });
    expect(map).toMatchObject({ kind: "grid", columns, rows });
    expect(map.boxes).toHaveLength(columns * rows);
    expect(map.boxes[columns + 1]).toEqual([1 / columns, 1 / rows, 2 / columns, 2 / rows].map(roundBox));
    expect(meanError(map.scores, query.vectors, encoded[0], dim)).toBeLessThan(0.05);
    index.close();
  });

  it("says no to a page without a picture", async () => {
    const page = { pageNumber: 3, width: 1, height: 1, words: [] };
    await expect(model.encodePages([page])).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining("page 3"),
    });
  });

  it("tells its weights by their checksum in the recipe", () => {
    expect(model.recipe.revision).toBe("local");
    expect(model.recipe.extra["sha256:model.onnx"]).toMatch(/^[0-9a-f]{64}$/u);
    expect(model.recipe.extra).toMatchObject(entry.recipe.extra);
  });
});

function roundBox(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}

/** Mean distance of a heat map from cosines of exact vectors. */
function meanError(
  map: readonly (readonly (number | null)[])[],
  query: Float32Array,
  page: ModelPage | undefined,
  dim: number,
): number {
  if (page === undefined) throw new Error("there is no page");
  const { regionOfVector } = page.geometry;
  let sum = 0;
  let count = 0;
  for (const [token, regions] of map.entries()) {
    for (const [vector, exact] of scoresOf(query, token, page, dim).entries()) {
      const region = regionOfVector[vector] ?? NO_REGION;
      if (region === NO_REGION) continue;
      sum += Math.abs((regions[region] ?? Infinity) - exact);
      count++;
    }
  }
  return sum / count;
}

describe("colqwen2-v1.0 on a vLLM server", () => {
  const served = { model: "vidore/colqwen2-v1.0", imageTokens: 747, trustRequestChatTemplate: true };

  async function load(vllm: FakeVllm): Promise<Model> {
    const modelFolder = join(folder, "colqwen");
    await writeModelFolder(modelFolder, byteLevelTokenizerFile({}, words));
    return await colqwen2V10.load({ modelFolder, vllm: { baseUrl: vllm.baseUrl } });
  }

  it("sends pages at the model's own size and questions as ids", async () => {
    const vllm = await FakeVllm.start(served);
    const model = await load(vllm);
    const { store, report } = await ingest(model);
    expect(report).toMatchObject({ pages: 2, searchablePages: 2, vectors: 2 * 747, failed: [] });

    const sizes = await Promise.all(vllm.seen.flatMap(({ body }) => imageOf(body)).map(sizeOf));
    expect(sizes.toSorted()).toEqual(["644 × 896", "896 × 644"]);
    const template =
      "<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Describe the image.<|im_end|><|endoftext|>";
    expect(vllm.seen.find(({ body }) => "messages" in body)?.body).toMatchObject({ chat_template: template });

    const index = await openIndex({ store, index: INDEX, kernelModule: await loadKernel() });
    const query = await model.encodeQuery(QUESTION);
    const [ids] = [vllm.seen.at(-1)?.body["input"]].flat(1);
    expect(ids).toEqual(expect.arrayContaining([151_643]));
    expect(query.tokenCount).toBe(Array.isArray(ids) ? ids.length : 0);
    expect((await index.search({ query, k: 2 })).hits).toHaveLength(2);
    const map = await index.explain({ query, documentId: await documentIdOf(TABLE), pageNumber: 1 });
    expect(map).toMatchObject({ kind: "grid", columns: 32, rows: 23 });
    index.close();
    await model.dispose();
    await vllm.close();
  });

  it("leaves a strip without vectors, says so, and goes on", async () => {
    const vllm = await FakeVllm.start(served);
    const model = await load(vllm);
    const strip = join(folder, "strip.png");
    await writeFile(
      strip,
      await sharp({ create: { width: 30_000, height: 10, channels: 3, background: "white" } })
        .png()
        .toBuffer(),
    );
    const { report } = await ingest(model, [strip, join(folder, SCAN)]);
    expect(report).toMatchObject({ pages: 2, searchablePages: 1, failed: [] });
    expect(report.pageNotices).toEqual([
      { name: "strip.png", page: 1, code: "file_unreadable", reason: expect.stringContaining("too long and narrow") },
    ]);
    await model.dispose();
    await vllm.close();
  });

  it("refuses a server that puts another prompt around pages", async () => {
    const vllm = await FakeVllm.start({ ...served, imageTokens: 760 });
    const model = await load(vllm);
    await expect(ingest(model)).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringMatching(/760 vectors of image came back instead of 747/u),
    });
    await model.dispose();
    await vllm.close();
  });

  it("says which flag the server lacks", async () => {
    const vllm = await FakeVllm.start({ ...served, trustRequestChatTemplate: false });
    const model = await load(vllm);
    await expect(ingest(model)).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringContaining("--trust-request-chat-template"),
    });
    await model.dispose();
    await vllm.close();
  });

  it("is another recipe than a graph of the same model", async () => {
    const vllm = await FakeVllm.start(served);
    const model = await load(vllm);
    expect(model.recipe.extra).toMatchObject({ weights: "vLLM vidore/colqwen2-v1.0" });
    await model.dispose();
    await vllm.close();
  });

  it("says where a graph could come from when there is no server", async () => {
    await expect(colqwen2V10.load({})).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringMatching(/no ONNX graph .* is published.*--model-dir.*vLLM/u),
    });
  });
});

/** Pictures in a request. */
function imageOf(body: Record<string, unknown>): Buffer[] {
  const url = /data:image\/png;base64,([A-Za-z0-9+/=]+)/u.exec(JSON.stringify(body["messages"] ?? ""))?.[1];
  return url === undefined ? [] : [Buffer.from(url, "base64")];
}

async function sizeOf(image: Buffer): Promise<string> {
  const { width, height } = await sharp(image).metadata();
  return `${width} × ${height}`;
}
