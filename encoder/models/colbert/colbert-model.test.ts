import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type TinyGraph, tinyTextGraph, writeTinyGraph } from "../../../test/fakes/tiny-graphs/tiny-graph.ts";
import { NO_REGION } from "../../../shared/page.ts";
import { recipeFingerprint } from "../../../shared/recipe/fingerprint.ts";
import { recipeSchema } from "../../../shared/recipe/recipe.ts";
import type { GraphRunner, ItemInputs, TokenVectors } from "../../backends/contract.ts";
import type { Model, ModelPage } from "../model.ts";
import { bertTokenizerFile, byteLevelTokenizerFile, unigramTokenizerFile } from "../text/testing-tokenizers.ts";
import { textPage } from "../text/testing.ts";
import { answeraiColbertSmall } from "./answerai-colbert-small-v1.ts";
import { ColbertModel } from "./colbert-model.ts";
import { colbertv2 } from "./colbertv2.ts";
import type { ColbertEntry } from "./entry.ts";
import { gteModernColbert } from "./gte-moderncolbert-v1.ts";
import { jinaColbertV2 } from "./jina-colbert-v2.ts";
import { mxbaiEdgeColbert32m } from "./mxbai-edge-colbert-32m.ts";
import { preparePage } from "./prepare-page.ts";
import { prepareQuery } from "./prepare-query.ts";
import { writeColbertModel } from "../../../test/fakes/colbert-model.ts";
import { type ColbertVocabulary, readVocabulary } from "./vocabulary.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-colbert-"));
});
afterAll(async () => await rm(folder, { recursive: true, force: true }));

const words = { the: 10, Ġthe: 253, Ġcat: 5798, Ġsat: 2206, ".": 15, "?": 32, who: 40 };
const pieces = { ",": 4, ".": 5, "▁": 6, "▁the": 70, "▁cat": 7515, "▁sat": 57, "?": 32, "▁who": 2750 };

/** Every recipe over a tiny graph with the inputs and the output that its own has. */
const cases = [
  { entry: colbertv2, tokenizer: bertTokenizerFile, graph: { outputName: "contextual" } },
  // As pylate-onnx-export gives it for BERT: with token types, of which there are none here but zeros.
  { entry: answeraiColbertSmall, tokenizer: bertTokenizerFile, graph: { outputName: "contextual", tokenTypes: true } },
  {
    entry: jinaColbertV2,
    tokenizer: () => unigramTokenizerFile(jinaColbertV2.facts.tokens, pieces),
    graph: { outputName: "text_embeds", normalize: false },
  },
  {
    entry: gteModernColbert,
    tokenizer: () => byteLevelTokenizerFile(gteModernColbert.facts.tokens, words),
    graph: { outputName: "output" },
  },
  {
    entry: mxbaiEdgeColbert32m,
    tokenizer: () => byteLevelTokenizerFile(mxbaiEdgeColbert32m.facts.tokens, words),
    graph: { outputName: "output" },
  },
] satisfies { entry: ColbertEntry; tokenizer: () => unknown; graph: object }[];

/** What the graph gives for one text, in loops. */
function expected(graph: TinyGraph, ids: readonly number[], attention: readonly number[]): TokenVectors {
  const tensor = (values: readonly number[]) => ({
    type: "int64" as const,
    dims: [values.length],
    data: BigInt64Array.from(values, BigInt),
  });
  const token_type_ids = tensor(ids.map(() => 0));
  return graph.expected({ input_ids: tensor(ids), attention_mask: tensor(attention), token_type_ids });
}

/** The largest difference of any number of row `at` from row `row` of `wanted`, which is scaled to length 1. */
function rowError(vectors: Float32Array, at: number, { values, dim }: TokenVectors, row: number): number {
  const wanted = values.subarray(row * dim, (row + 1) * dim);
  const length = Math.hypot(...wanted);
  return wanted.reduce((worst, value, d) => {
    return Math.max(worst, Math.abs(value / length - (vectors[at * dim + d] ?? Number.NaN)));
  }, 0);
}

/** float32 in the graph, float64 in the loops. */
const TOLERANCE = 1e-5;

describe.each(cases)("$entry.recipe.name over a tiny graph", ({ entry, tokenizer, graph: options }) => {
  const { facts } = entry;
  const graph = tinyTextGraph({ dim: facts.dim, ...options });
  let model: Model;
  let vocabulary: ColbertVocabulary;

  beforeAll(async () => {
    const bytes = await tokenizer();
    vocabulary = readVocabulary(facts, bytes);
    const modelFolder = join(folder, facts.name);
    await writeColbertModel(entry, modelFolder, { graph, tokenizer: bytes });
    model = await entry.load({ modelFolder, threads: 1 });
  });
  afterAll(async () => await model.dispose());

  it("has the recipe of its very files", async () => {
    expect(recipeSchema.parse(model.recipe)).toEqual(model.recipe);
    expect(model.recipeFingerprint).toBe(await recipeFingerprint(model.recipe));
    expect(model.recipe.revision).toBe("local");
    expect(Object.keys(model.recipe.extra)).toEqual(
      expect.arrayContaining(entry.card.files.map((file) => `sha256:${file}`)),
    );
  });

  it("gives a question the vectors of every position, with the attention that the recipe says", async () => {
    const question = "who sat?";
    const query = await model.encodeQuery(question);
    const { ids, attention } = prepareQuery(question, facts, vocabulary);
    const wanted = expected(graph, ids, attention);
    expect(query).toMatchObject({
      recipeFingerprint: model.recipeFingerprint,
      dim: facts.dim,
      tokenCount: facts.expansion === "none" ? 6 : 32,
    });
    expect(query.tokens).toHaveLength(query.tokenCount);
    for (const row of ids.keys()) expect(rowError(query.vectors, row, wanted, row)).toBeLessThan(TOLERANCE);
  });

  it("gives pages the kept vectors of all their windows, in their words' boxes", async () => {
    const texts = ["the cat sat. ".repeat(150), "", "the cat"];
    const pages = await model.encodePages(texts.map((text) => textPage(text)));
    expect(pages.map(({ status }) => status)).toEqual(["searchable", "no-text", "searchable"]);
    for (const [p, page] of pages.entries()) {
      const { windows, vectorCount } = preparePage(textPage(texts[p] ?? ""), facts, vocabulary);
      expect(page.vectorCount).toBe(vectorCount);
      expect([...page.geometry.regionOfVector]).toEqual(windows.flatMap(({ wordOfKept }) => wordOfKept));
      let row = 0;
      for (const { ids, kept } of windows) {
        const all = expected(
          graph,
          ids,
          ids.map(() => 1),
        );
        for (const position of kept) expect(rowError(page.vectors, row++, all, position)).toBeLessThan(TOLERANCE);
      }
      expect(row).toBe(vectorCount);
    }
    expect(pages[0]?.text.split(" ")).toHaveLength(450);
    expect(pages[2]).toMatchObject({ text: "the cat", geometry: { kind: "words", columns: 0, rows: 0 } });
  });

  it("gives a page the same vectors whatever is encoded with it", async () => {
    const [alone] = await model.encodePages([textPage("the cat sat.")]);
    const [, together] = await model.encodePages([textPage("who sat? ".repeat(40)), textPage("the cat sat.")]);
    for (const [i, value] of (alone?.vectors ?? []).entries()) expect(together?.vectors[i]).toBeCloseTo(value, 5);
  });

  it("refuses an empty question", async () => {
    await expect(model.encodeQuery(" ")).rejects.toMatchObject({ code: "empty_query" });
    await expect(model.encodeQuery("a".repeat(2001))).rejects.toMatchObject({ code: "query_too_long" });
  });
});

describe("a model folder", () => {
  const { facts } = colbertv2;
  const good = tinyTextGraph({ dim: facts.dim });

  /** Loads colbertv2 from a folder of its own with this graph and tokenizer. */
  async function load(name: string, graph: TinyGraph, tokenizer?: Uint8Array): Promise<Model> {
    const modelFolder = join(folder, name);
    await writeColbertModel(colbertv2, modelFolder, { graph, tokenizer: tokenizer ?? (await bertTokenizerFile()) });
    return await colbertv2.load({ modelFolder, threads: 1 });
  }

  it("without a file names it and the command that fetches it", async () => {
    await expect(colbertv2.load({ modelFolder: join(folder, "nothing") })).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringMatching(/"model\.onnx".*maxleaf models pull colbertv2/su),
    });
    const modelFolder = join(folder, "no-tokenizer");
    await writeTinyGraph(good, modelFolder);
    await expect(colbertv2.load({ modelFolder })).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringContaining('"tokenizer.json"'),
    });
  });

  it("with another model's tokenizer is refused", async () => {
    const other = byteLevelTokenizerFile(gteModernColbert.facts.tokens, words);
    await expect(load("other-tokenizer", good, other)).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringMatching(
        /^tokenizer\.json is not that of colbertv2: "\[CLS\]" should be token 101, and it has/u,
      ),
    });
    await expect(load("no-json", good, new TextEncoder().encode("{"))).rejects.toMatchObject({
      code: "model_unavailable",
    });
  });

  it("with a graph of another width, or of other inputs, is refused", async () => {
    // As transformers.js' colbertv2.0 and the graphs in onnx/ of answerai-colbert-small-v1: without the projection.
    await expect(load("trunk", tinyTextGraph({ dim: 768 }))).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringContaining("128"),
    });
    const pictures = { layout: "colpali", imageTokenId: 9 } as const;
    await expect(load("pictures", tinyTextGraph({ dim: facts.dim, pictures }))).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringContaining("pixel_values"),
    });
  });
});

describe("an encoder that gives what it should not", () => {
  const { facts } = colbertv2;
  const recipe = colbertv2.recipe;

  async function modelOver(run: GraphRunner["run"]): Promise<Model> {
    const vocabulary = readVocabulary(facts, await bertTokenizerFile());
    const runner: GraphRunner = { run, dispose: async () => await Promise.resolve() };
    return new ColbertModel({ facts, recipe, recipeFingerprint: "0123456789abcdef", vocabulary, runner });
  }

  function vectorsOf(inputs: ItemInputs, { more = 0, dim = facts.dim, fill = 1 } = {}): TokenVectors {
    const tokenCount = (inputs["input_ids"]?.data.length ?? 0) + more;
    return { tokenCount, dim, values: new Float32Array(tokenCount * dim).fill(fill) };
  }

  it.each<[string, GraphRunner["run"], RegExp]>([
    [
      "one vector too few",
      async (items) => items.map((item) => vectorsOf(item, { more: -1 })),
      /gave \d+ vectors of 128/u,
    ],
    [
      "one vector too many",
      async (items) => items.map((item) => vectorsOf(item, { more: 1 })),
      /gave \d+ vectors of 128/u,
    ],
    ["another width", async (items) => items.map((item) => vectorsOf(item, { dim: 64 })), /gave \d+ vectors of 64/u],
    ["too few results", async (items) => items.slice(1).map((item) => vectorsOf(item)), /gave 0 results for 1 texts/u],
    ["zeros", async (items) => items.map((item) => vectorsOf(item, { fill: 0 })), /a vector of length 0/u],
    [
      "no numbers",
      async (items) => items.map((item) => vectorsOf(item, { fill: Number.NaN })),
      /a vector of length NaN/u,
    ],
  ])("%s is refused", async (_, run, message) => {
    const model = await modelOver(run);
    const error = { code: "model_unavailable", message: expect.stringMatching(message) };
    await expect(model.encodeQuery("who sat?")).rejects.toMatchObject(error);
    await expect(model.encodePages([textPage("the cat")])).rejects.toMatchObject(error);
  });

  it("keeps few windows of a long page in flight", async () => {
    let most = 0;
    const model = await modelOver(async (items) => {
      most = Math.max(most, items.length);
      return items.map((item) => vectorsOf(item));
    });
    const [page]: ModelPage[] = await model.encodePages([textPage("word ".repeat(177 * 100))]);
    expect(page?.vectorCount).toBe(180 * 100);
    expect(page?.geometry.regionOfVector.filter((region) => region === NO_REGION)).toHaveLength(300);
    expect(most).toBe(64);
  });

  it("says what it left out of a page that begins with a word too long for any page", async () => {
    const model = await modelOver(async (items) => items.map((item) => vectorsOf(item)));
    const [page] = await model.encodePages([textPage(`${"a.".repeat(70_000)} next`)]);
    expect(page).toMatchObject({ status: "no-text", vectorCount: 0, wordsLeftOut: 2 });
  });
});
