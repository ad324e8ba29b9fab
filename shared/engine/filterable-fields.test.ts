import { readFile } from "node:fs/promises";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { commitManifest } from "../format/manifest-store.ts";
import type { IndexSettings } from "../format/manifest.ts";
import { compileKernel, type KernelModule } from "../kernel/webassembly.ts";
import { seededRandom } from "../seeded-random.ts";
import { MemoryStore } from "../store/memory-store.ts";
import type { SearchFilter, SearchRequest } from "./contract.ts";
import { openIndex } from "./open-index.ts";
import { addSegment, coverSegments, createRandomIndex, type RandomIndex } from "./testing/random-index.ts";
import { randomQuery } from "./testing/random-material.ts";

const shape = { dim: 32, subspaces: 8, centroidCount: 40 };

let kernelModule: KernelModule;
let index: RandomIndex;

beforeAll(async () => {
  kernelModule = await compileKernel(await readFile(new URL("../kernel/build/kernel.wasm", import.meta.url)));
});

beforeEach(async () => {
  index = await createRandomIndex(new MemoryStore(), "papers", shape, seededRandom(1));
});

async function declare(settings: IndexSettings): Promise<void> {
  await commitManifest(index.store, index.name, (current) => {
    if (current === undefined) throw new Error("there is no index");
    return { ...current, settings };
  });
}

async function search(filter: SearchFilter, path?: SearchRequest["path"]) {
  const { store, name, fingerprint, random } = index;
  const opened = await openIndex({ store, index: name, kernelModule });
  try {
    return await opened.search({ query: randomQuery(fingerprint, shape.dim, 8, random), k: 10, filter, path });
  } finally {
    opened.close();
  }
}

describe("an index that was created with filterable fields", () => {
  beforeEach(async () => {
    await addSegment(index, [
      { name: "a.pdf", pages: [20, 30], metadata: { language: "en", secret: "1" } },
      { name: "b.pdf", pages: [25], metadata: { language: "de" } },
    ]);
    await coverSegments(index);
    await declare({ filterableFields: ["language", "year"] });
  });

  it("filters by them on every path", async () => {
    for (const path of ["resident", "pruned"] as const) {
      expect(await search({ metadata: { language: ["en"] } }, path)).toMatchObject({ pagesMatched: 2 });
    }
  });

  it("refuses another field, even one that documents have, and names those it filters by", async () => {
    for (const path of ["resident", "pruned"] as const) {
      await expect(search({ metadata: { language: ["en"], secret: ["1"] } }, path)).rejects.toMatchObject({
        code: "invalid_filter",
        message: 'index "papers" does not filter by field "secret": it filters by "language", "year"',
        details: { filterableFields: ["language", "year"] },
      });
    }
  });

  it("answers nothing for one that no document has yet", async () => {
    for (const path of ["resident", "pruned"] as const) {
      expect(await search({ metadata: { year: ["2026"] } }, path)).toMatchObject({ hits: [], pagesMatched: 0 });
    }
  });

  it("still filters by documents", async () => {
    const [first] = index.pages;
    expect(await search({ documents: [first?.document.id ?? ""] })).toMatchObject({ pagesMatched: 2 });
  });

  it("says so when it filters by none", async () => {
    await declare({ filterableFields: [] });
    await expect(search({ metadata: { language: ["en"] } })).rejects.toMatchObject({
      code: "invalid_filter",
      message: expect.stringMatching(/it filters by no field$/),
    });
  });
});

describe("an index without documents", () => {
  it("answers nothing", async () => {
    expect(await search({})).toMatchObject({ hits: [], pagesMatched: 0, manifestVersion: 1 });
  });

  it("knows the fields that it was created with, and no others", async () => {
    await expect(search({ metadata: { year: ["2026"] } })).rejects.toMatchObject({ code: "invalid_filter" });
    await declare({ filterableFields: ["year"] });
    expect(await search({ metadata: { year: ["2026"] } })).toMatchObject({ hits: [], pagesMatched: 0 });
    await expect(search({ metadata: { language: ["en"] } })).rejects.toMatchObject({ code: "invalid_filter" });
  });
});
