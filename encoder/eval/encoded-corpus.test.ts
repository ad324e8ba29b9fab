import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { minilmWordsRecipe } from "../models/minilm/words.ts";
import type { Model, ModelPage, PageInput } from "../models/model.ts";
import { noTextPage } from "../models/text/no-text.ts";
import { EncodedCorpus } from "./encoded-corpus.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "maxleaf-test-"));
});
afterEach(async () => await rm(folder, { recursive: true }));

/** Gives every page one vector, the length of its text, and notes how many it was asked for at once. */
function countingModel(calls: number[]): Model {
  const encode = (page: PageInput): ModelPage => {
    const text = page.words.map((word) => word.text).join(" ");
    return {
      ...noTextPage(page, "grid"),
      status: "searchable",
      vectorCount: 1,
      vectors: Float32Array.of(text.length),
      text,
    };
  };
  return {
    recipe: { ...minilmWordsRecipe, name: "counting", dim: 1 },
    recipeFingerprint: "0".repeat(16),
    encodePages: async (pages) => {
      calls.push(pages.length);
      return pages.map(encode);
    },
    encodeQuery: () => Promise.reject(new Error("not asked")),
    dispose: async () => undefined,
  };
}

describe("EncodedCorpus", () => {
  it("encodes texts many at a time, in order, and once", async () => {
    const calls: number[] = [];
    const texts = Array.from({ length: 70 }, (_, at) => ({ name: `d${at}`, text: "x".repeat(at + 1) }));
    const done: number[] = [];
    const options = {
      corpus: { kind: "texts", texts } as const,
      model: countingModel(calls),
      cacheFolder: folder,
      onPages: (pages: number) => done.push(pages),
    };
    for (const wasCached of [false, true]) {
      const corpus = await EncodedCorpus.open(options);
      expect([corpus.wasCached, corpus.pageCount, corpus.vectorCount]).toEqual([wasCached, 70, 70]);
      expect(corpus.pageKeys).toEqual(texts.map(({ name }) => `${name}#1`));
      const lengths: number[] = [];
      for await (const { vectors } of corpus.pages()) lengths.push(vectors[0] ?? 0);
      expect(lengths).toEqual(texts.map(({ text }) => text.length));
      await corpus.close();
    }
    expect(calls).toEqual([32, 32, 6]);
    expect(done).toEqual([32, 64, 70]);
  });

  it("leaves out a picture that cannot be read, and goes on", async () => {
    const pictures = ["a.png", "b.png"].map((name) => ({
      name,
      text: undefined,
      read: async () => new TextEncoder().encode("this is no picture"),
    }));
    const corpus = await EncodedCorpus.open({
      corpus: { kind: "pictures", pictures, version: "1" },
      model: countingModel([]),
      cacheFolder: folder,
    });
    expect(corpus.pageCount).toBe(0);
    expect(corpus.failedFiles.map(({ name }) => name)).toEqual(["a.png", "b.png"]);
    await corpus.close();
  });

  it("stops when the model fails, and keeps nothing half done", async () => {
    const model = { ...countingModel([]), encodePages: () => Promise.reject(new Error("out of memory")) };
    const corpus = { kind: "texts", texts: [{ name: "a", text: "x" }] } as const;
    await expect(EncodedCorpus.open({ corpus, model, cacheFolder: folder })).rejects.toThrow("out of memory");
    const again = await EncodedCorpus.open({ corpus, model: countingModel([]), cacheFolder: folder });
    expect(again.wasCached).toBe(false);
    await again.close();
  });
});
