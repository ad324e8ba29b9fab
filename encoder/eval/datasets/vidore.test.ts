import { cp, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { seededRandom } from "../../../shared/seeded-random.ts";
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

  it("is read or refused by name, whatever bytes are wrong", async () => {
    const random = seededRandom(1);
    await cp(path.join(fixtures, "v3"), folder, { recursive: true });
    const file = path.join(folder, "corpus", "test-00000-of-00001.parquet");
    const whole = await readFile(file);
    let refused = 0;
    for (let round = 0; round < 150; round++) {
      const damaged = Buffer.from(whole);
      // The footer is at the end: damage there is found at once, before it in the pages.
      const from = round % 2 === 0 ? 0 : whole.length - 1_200;
      for (let flip = 0; flip < 3; flip++) {
        damaged[from + Math.floor(random.next() * (whole.length - from))] = Math.floor(random.next() * 256);
      }
      await writeFile(file, round % 10 === 9 ? damaged.subarray(0, Math.floor(random.next() * whole.length)) : damaged);
      try {
        const { corpus } = await readDataset(folder);
        for (const { read } of picturesOf(corpus)) await read();
      } catch (error) {
        expect(error).toMatchObject({ code: "invalid_request" });
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(30);
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
