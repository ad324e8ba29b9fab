import { cp, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readDataset, type Corpus } from "../datasets.ts";

const fixtures = fileURLToPath(new URL("../../../test/eval/vidore", import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "maxleaf-test-"));
});
afterEach(async () => await rm(folder, { recursive: true }));

function picturesOf(corpus: Corpus) {
  if (corpus.kind !== "pictures") throw new Error(corpus.kind);
  return corpus.pictures;
}

/** Name, text and colour of the one-coloured pages. */
async function describePictures(corpus: Corpus) {
  const described = [];
  for (const { name, text, read } of picturesOf(corpus)) {
    const { dominant } = await sharp(await read()).stats();
    const [r, g, b] = [dominant.r, dominant.g, dominant.b].map((value) => (value > 100 ? 1 : 0));
    described.push([name, text, `${r}${g}${b}`]);
  }
  return described;
}

describe("ViDoRe v1", () => {
  it("has a page a file name, and asks a question of the page where it stands last", async () => {
    const { corpus, queries, unjudgedQueries } = await readDataset(path.join(fixtures, "v1"));
    expect(await describePictures(corpus)).toEqual([
      ["pages/red.png", undefined, "100"],
      ["pages/green.png", undefined, "010"],
      ["pages/blue.png", undefined, "001"],
      ["pages/white.png", undefined, "111"],
    ]);
    expect(queries).toEqual([
      { id: "0", text: "What is red?", judgements: new Map([["pages/red.png#1", 1]]) },
      { id: "1", text: "What is shown?", judgements: new Map([["pages/white.png#1", 1]]) },
      { id: "2", text: "What is blue, too?", judgements: new Map([["pages/blue.png#1", 1]]) },
    ]);
    expect(unjudgedQueries).toBe(0);
  });
});

describe("ViDoRe v2", () => {
  it("is read from all files of a split, with grades and languages", async () => {
    const { name, corpus, queries, unjudgedQueries } = await readDataset(path.join(fixtures, "v2"));
    expect(name).toBe("v2");
    // `green` is 0, 128, 0.
    expect(await describePictures(corpus)).toEqual(
      ["100", "010", "001", "111", "000"].map((colour, at) => [String(at), undefined, colour]),
    );
    expect(queries).toEqual([
      {
        id: "0",
        text: "What is red?",
        language: "english",
        judgements: new Map([
          ["0#1", 2],
          ["2#1", 1],
        ]),
      },
      { id: "1", text: "Qu'est-ce qui est rouge ?", language: "french", judgements: new Map([["0#1", 2]]) },
    ]);
    expect(unjudgedQueries).toBe(1);
  });

  it("reads pictures in any order", async () => {
    const { corpus } = await readDataset(path.join(fixtures, "v2"));
    const pictures = picturesOf(corpus);
    const inOrder = await Promise.all(pictures.map(({ read }) => read()));
    for (const at of [4, 0, 3, 0]) expect(await pictures[at]?.read()).toEqual(inOrder[at]);
  });
});

describe("ViDoRe v3", () => {
  it("brings the text of its pages", async () => {
    const { corpus, queries } = await readDataset(path.join(fixtures, "v3"));
    expect(picturesOf(corpus).map(({ name, text }) => [name, text?.slice(0, 7)])).toEqual([
      ["0", "# Bread"],
      ["1", "# Whale"],
      ["2", "# Taxes"],
    ]);
    expect(queries.map(({ id, language, judgements }) => [id, language, ...judgements])).toEqual([
      ["7", "english", ["1#1", 2]],
      ["8", "french", ["0#1", 1]],
    ]);
  });
});

describe("a damaged set", () => {
  it("is refused with the file's name", async () => {
    await cp(path.join(fixtures, "v3"), folder, { recursive: true });
    const file = path.join(folder, "qrels", "test-00000-of-00001.parquet");
    await writeFile(file, "this is no parquet file");
    await expect(readDataset(folder)).rejects.toMatchObject({
      code: "invalid_request",
      message: expect.stringContaining(`${file} cannot be read as parquet`),
    });
  });

  it("names splits and columns that it does not have", async () => {
    await cp(path.join(fixtures, "v3"), folder, { recursive: true });
    await expect(readDataset(folder, "dev")).rejects.toThrow(/has no split "dev"; it has test/);
    const queries = path.join(folder, "queries", "test-00000-of-00001.parquet");
    await cp(path.join(folder, "qrels", "test-00000-of-00001.parquet"), queries);
    await expect(readDataset(folder)).rejects.toThrow(/has no column "query"; it has query_id, corpus_id/);
  });

  it("names judgements of pages that are not there", async () => {
    await cp(path.join(fixtures, "v2"), folder, { recursive: true });
    await rm(path.join(folder, "corpus", "test-00001-of-00002.parquet"));
    await rename(
      path.join(folder, "corpus", "test-00000-of-00002.parquet"),
      path.join(folder, "corpus", "train-00000-of-00001.parquet"),
    );
    await expect(readDataset(folder, "test")).rejects.toThrow(/has no split "test"; it has train/);
    await rm(path.join(folder, "corpus"), { recursive: true });
    await cp(path.join(fixtures, "v3", "corpus"), path.join(folder, "corpus"), { recursive: true });
    await expect(readDataset(folder)).rejects.toThrow(/has no column "query_id"/);
  });
});
