import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import type { PageInput } from "../models/model.ts";
import { readCorpus, type ReadCorpusOptions } from "./corpus-pages.ts";
import { type Corpus, readDataset } from "./datasets.ts";

const fixtures = fileURLToPath(new URL("../../test/eval/vidore", import.meta.url));

async function pagesOf(set: string, options: ReadCorpusOptions = {}): Promise<[string, PageInput][]> {
  const { corpus } = await readDataset(`${fixtures}/${set}`);
  const pages: [string, PageInput][] = [];
  for await (const document of readCorpus(corpus, options)) {
    for await (const page of document.pages) pages.push([document.name, page]);
  }
  return pages;
}

describe("pictures as pages", () => {
  it("have the words that the set gives, for recipes that work from words", async () => {
    const pages = await pagesOf("v3");
    expect(pages.map(([name, { words }]) => [name, words.map(({ text }) => text).join(" ")])).toEqual([
      ["0", "# Bread Knead the dough and bake the loaf."],
      ["1", "# Whales Blue whales feed on krill."],
      ["2", "# Taxes File returns in April."],
    ]);
    expect(pages[0]?.[1].picture).toBeUndefined();
  });

  it("are drawn for recipes that look at them", async () => {
    const pages = await pagesOf("v2", { pictureLongEdgePx: 2_048 });
    expect(pages.map(([name, { width, height }]) => [name, width / height])).toEqual(
      ["0", "1", "2", "3", "4"].map((name) => [name, 40 / 56]),
    );
    const colours = pages.map(([, { picture }]) => [
      picture?.width,
      picture?.height,
      ...(picture?.data ?? []).slice(0, 3),
    ]);
    // JPEG moves colours a little.
    const nearly = (...rgb: number[]) => [40, 56, ...rgb.map((value) => expect.closeTo(value, -1))];
    expect(colours).toEqual([
      nearly(255, 0, 0),
      nearly(0, 128, 0),
      nearly(0, 0, 255),
      nearly(255, 255, 255),
      nearly(0, 0, 0),
    ]);
  });

  it("are read where the set has no words for them", async () => {
    const pageReader = {
      read: async () => ({ words: [{ text: "read", box: [0, 0, 1, 1] as const, confidence: 1 }], readMs: 1 }),
      close: () => undefined,
    };
    const pages = await pagesOf("v1", { pageReader });
    expect(pages.map(([, { words, textSource }]) => [words.map(({ text }) => text), textSource])).toEqual(
      Array.from({ length: 4 }, () => [["read"], "ocr"]),
    );
    // What the set says itself is not read again.
    expect((await pagesOf("v3", { pageReader }))[0]?.[1].textSource).toBeUndefined();
  });

  it("have no words where nobody reads them", async () => {
    const pages = await pagesOf("v1");
    expect(pages.map(([name]) => name)).toEqual(["red", "green", "blue", "white"].map((name) => `pages/${name}.png`));
  });
});

describe("files as pages", () => {
  it("are told their document's name, which pictures and texts of a set are not: theirs are ids", async () => {
    const file = fileURLToPath(new URL("../samples/pdf/keeper-letter-1931.pdf", import.meta.url));
    const names = async (corpus: Corpus) => {
      const pages: [string, string | undefined][] = [];
      for await (const document of readCorpus(corpus)) {
        for await (const { documentName } of document.pages) pages.push([document.name, documentName]);
      }
      return pages;
    };
    const named = await names({ kind: "pdfs", files: [{ name: "a/report.pdf", path: file }] });
    expect(new Set(named.map((pair) => pair.join()))).toEqual(new Set(["a/report.pdf,a/report.pdf"]));
    expect(await names({ kind: "texts", texts: [{ name: "MED-10", text: "x" }] })).toEqual([["MED-10", undefined]]);
    const { corpus } = await readDataset(`${fixtures}/v1`);
    expect((await names(corpus))[0]).toEqual(["pages/red.png", undefined]);
  });
});
