import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { MAX_QUERY_CHARS, MAX_QUERY_TOKENS } from "../../../shared/limits.ts";
import { NO_REGION } from "../../../shared/page.ts";
import { testRecipe } from "../../../shared/recipe/testing.ts";
import type { TokenVectors } from "../../backends/contract.ts";
import type { PageInput } from "../model.ts";
import { byteLevelTokenizerFile } from "../text/testing-tokenizers.ts";
import type { PictureFamily } from "./family.ts";
import { PictureModel, type SequenceEncoder } from "./picture-model.ts";
import { testPicture, writeModelFolder } from "./testing.ts";
import { loadTextTokenizer, type TextTokenizer } from "./text-tokenizer.ts";

const DIM = 2;

/** One prompt token and two cells. */
const family: PictureFamily = {
  pageLayout: () => ({ ids: [7, 8, 8], columns: 2, rows: 1, regionOfPosition: Uint16Array.of(NO_REGION, 0, 1) }),
  pageTensors: () => ({}),
  queryTensors: () => ({}),
  tensorSpecs: {},
  queryPrefix: "Query: ",
  queryFrame: { before: [1], after: [9, 9] },
  padding: { id: 0, side: "left" },
};

let folder: string;
let tokenizer: TextTokenizer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-picture-model-"));
  await writeModelFolder(folder, byteLevelTokenizerFile({}, { Query: 5, ":": 6, Ġowls: 10 }));
  tokenizer = await loadTextTokenizer(join(folder, "tokenizer.json"), join(folder, "tokenizer_config.json"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Rows `[3, 4]`, as many as ids unless told otherwise. */
function vectors(rows: number, dim = DIM): TokenVectors {
  return { tokenCount: rows, dim, values: Float32Array.from({ length: rows * dim }, (_, i) => 3 + (i % dim)) };
}

async function model(encoder: Partial<SequenceEncoder> = {}): Promise<PictureModel> {
  return await PictureModel.create({
    recipe: testRecipe({ dim: DIM, geometry: "grid" }),
    family,
    tokenizer,
    encoder: {
      pagesAtOnce: 2,
      encodePage: ({ ids }) => Promise.resolve(vectors(ids.length)),
      encodeQuery: ({ ids }) => Promise.resolve(vectors(ids.length)),
      dispose: () => Promise.resolve(),
      ...encoder,
    },
  });
}

function page(pageNumber: number): PageInput {
  const words = ["The barn", "owl"].map((text) => ({ text, box: [0, 0, 1, 1] as const }));
  return { pageNumber, width: 595, height: 842, words, picture: testPicture(4, 6) };
}

describe("pages", () => {
  it("become a vector for every position, of length 1, those of the picture in cells", async () => {
    const [encoded] = await (await model()).encodePages([page(1)]);
    expect(encoded).toMatchObject({
      pageNumber: 1,
      width: 595,
      height: 842,
      status: "searchable",
      vectorCount: 3,
      text: "The barn owl",
      geometry: { kind: "grid", columns: 2, rows: 1, regionOfVector: Uint16Array.of(NO_REGION, 0, 1) },
    });
    expect([...(encoded?.vectors ?? [])].map((value) => Math.round(value * 10))).toEqual([6, 8, 6, 8, 6, 8]);
  });

  it("keep their order and come as many at once as the backend wants", async () => {
    let underWay = 0;
    let most = 0;
    const encodePage: SequenceEncoder["encodePage"] = async ({ ids }) => {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setImmediate(resolve));
      underWay--;
      return vectors(ids.length);
    };
    const encoded = await (await model({ encodePage })).encodePages([page(1), page(2), page(3), page(4), page(5)]);
    expect(encoded.map(({ pageNumber }) => pageNumber)).toEqual([1, 2, 3, 4, 5]);
    expect(most).toBe(2);
  });

  it.each([
    ["too few", vectors(2)],
    ["too many", vectors(4)],
    ["of another dim", vectors(3, 4)],
    ["fewer numbers than said", { ...vectors(3), values: new Float32Array(5) }],
    ["a zero", { ...vectors(3), values: new Float32Array(6) }],
    ["no number", { ...vectors(3), values: new Float32Array(6).fill(Number.NaN) }],
  ])("are refused when the backend gives vectors that are %s", async (_, wrong) => {
    const broken = await model({ encodePage: () => Promise.resolve(wrong) });
    await expect(broken.encodePages([page(1)])).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringContaining('"test-words"'),
    });
  });
});

describe("questions", () => {
  it("get prefix and frame, which are not drawn", async () => {
    const query = await (await model()).encodeQuery("owls");
    expect(query).toMatchObject({ dim: DIM, tokenCount: 6 });
    const none = { text: "", start: 0, end: 0 };
    expect(query.tokens).toEqual([none, none, none, { text: "owls", start: 0, end: 4 }, none, none]);
  });

  it.each(["", " \n\t"])("are refused when they say nothing: %j", async (text) => {
    await expect((await model()).encodeQuery(text)).rejects.toMatchObject({ code: "empty_query" });
  });

  it("are refused when they are too long, in characters or in tokens", async () => {
    const loaded = await model();
    await expect(loaded.encodeQuery("x".repeat(MAX_QUERY_CHARS + 1))).rejects.toMatchObject({ code: "query_too_long" });
    // Unknown letters are a token each; prefix and frame take seven.
    await expect(loaded.encodeQuery("x".repeat(MAX_QUERY_TOKENS))).rejects.toMatchObject({
      code: "query_too_long",
      message: expect.stringContaining(`${MAX_QUERY_TOKENS} are allowed`),
    });
    const longest = MAX_QUERY_TOKENS - 6;
    expect(await loaded.encodeQuery("x".repeat(longest))).toMatchObject({ tokenCount: MAX_QUERY_TOKENS });
  });
});
