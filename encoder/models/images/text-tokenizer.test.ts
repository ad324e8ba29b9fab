import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { byteLevelTokenizerFile } from "../text/testing-tokenizers.ts";
import { gemmaLikeTokenizerFile, writeModelFolder } from "./testing.ts";
import { loadTextTokenizer, type TextTokenizer } from "./text-tokenizer.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-tokenizer-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function load(name: string, file: Uint8Array): Promise<TextTokenizer> {
  const own = join(folder, name);
  await writeModelFolder(own, file);
  return await loadTextTokenizer(join(own, "tokenizer.json"), join(own, "tokenizer_config.json"));
}

/** What each token stands for. */
function slices(tokenizer: TextTokenizer, text: string): string[] {
  return tokenizer.encode(text).map(({ start, end }) => text.slice(start, end));
}

describe("a byte-level tokenizer", () => {
  const words = { Query: 2_859, ":": 25, ĠWhat: 3_555, Ġis: 374 };
  const specials = { image: { text: "<image>", id: 7 } };

  it("says which characters every token stands for", async () => {
    const tokenizer = await load("bytes", byteLevelTokenizerFile(specials, words));
    expect(tokenizer.encode("Query: What is")).toEqual([
      { id: 2_859, start: 0, end: 5 },
      { id: 25, start: 5, end: 6 },
      { id: 3_555, start: 6, end: 11 },
      { id: 374, start: 11, end: 14 },
    ]);
  });

  it("gives a character that is several tokens to each of them", async () => {
    const tokenizer = await load("bytes", byteLevelTokenizerFile(specials, words));
    // 漢 has three bytes, 😀 four and two UTF-16 units.
    expect(slices(tokenizer, "漢 😀")).toEqual(["漢", "漢", "漢", " ", "😀", "😀", "😀", "😀"]);
  });

  it("reads no marker out of a question", async () => {
    const tokenizer = await load("bytes", byteLevelTokenizerFile(specials, words));
    const tokens = tokenizer.encode("<image>");
    expect(tokens.map(({ id }) => id)).not.toContain(7);
    expect(slices(tokenizer, "<image>").join("")).toBe("<image>");
  });

  it("gives every token the whole text where it changed the text", async () => {
    const tokenizer = await load("bytes", byteLevelTokenizerFile(specials, words));
    // NFC makes one character of the two.
    const decomposed = "e\u0301";
    expect(new Set(slices(tokenizer, decomposed))).toEqual(new Set([decomposed]));
  });
});

describe("a tokenizer like Gemma's", () => {
  const pieces = { Query: 5_098, ":": 235_292, "▁What": 2_439, "▁is": 603 };

  it("says which characters every token stands for", async () => {
    const tokenizer = await load("pieces", gemmaLikeTokenizerFile(pieces));
    expect(tokenizer.encode("Query: What is")).toEqual([
      { id: 5_098, start: 0, end: 5 },
      { id: 235_292, start: 5, end: 6 },
      { id: 2_439, start: 6, end: 11 },
      { id: 603, start: 11, end: 14 },
    ]);
  });

  it("falls back to bytes", async () => {
    const tokenizer = await load("pieces", gemmaLikeTokenizerFile(pieces));
    const tokens = tokenizer.encode("ß");
    expect(tokens.map(({ id }) => id)).toEqual([217 + 0xc3, 217 + 0x9f]);
    expect(tokens[0]).toMatchObject({ start: 0, end: 1 });
  });
});

describe("loadTextTokenizer", () => {
  it.each([
    ["no JSON", "{"],
    ["a list", "[]"],
    ["another object", '{"hello": 1}'],
  ])("refuses a file with %s", async (_, text) => {
    const path = join(folder, "broken.json");
    await writeFile(path, text);
    await writeFile(join(folder, "config.json"), "{}");
    await expect(loadTextTokenizer(path, join(folder, "config.json"))).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringContaining("broken.json"),
    });
  });

  it("names a file that is not there", async () => {
    await expect(loadTextTokenizer(join(folder, "none.json"), join(folder, "none.json"))).rejects.toMatchObject({
      code: "model_unavailable",
      message: expect.stringContaining("none.json"),
    });
  });
});
