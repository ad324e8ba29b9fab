import { readFile } from "node:fs/promises";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { commitManifest } from "../format/manifest-store.ts";
import { compileKernel, type KernelModule } from "../kernel/webassembly.ts";
import { seededRandom } from "../seeded-random.ts";
import { MemoryStore } from "../store/memory-store.ts";
import type { SearchableIndex } from "./contract.ts";
import { openIndex } from "./open-index.ts";
import { addSegment, createRandomIndex, type RandomIndex } from "./testing/random-index.ts";
import { randomQuery } from "./testing/random-material.ts";

const NAME = "papers";

let kernelModule: KernelModule;
let store: MemoryStore;
let index: RandomIndex;

beforeAll(async () => {
  kernelModule = await compileKernel(await readFile(new URL("../kernel/build/kernel.wasm", import.meta.url)));
});

beforeEach(async () => {
  store = new MemoryStore();
  index = await create(32);
});

async function create(dim: number): Promise<RandomIndex> {
  const random = await createRandomIndex(store, NAME, { dim, subspaces: 8, centroidCount: 40 }, seededRandom(dim));
  // Ids are unique for ever.
  const created = { ...random, codebook: { ...random.codebook, id: `codebook-of-${dim}` } };
  await addSegment(created, [{ name: `${dim}.pdf`, pages: [20, 30] }]);
  return created;
}

async function drop({ recipe, fingerprint }: RandomIndex): Promise<void> {
  await commitManifest(store, NAME, () => ({ recipe, recipeFingerprint: fingerprint, segments: [], droppedAtMs: 1 }));
}

async function namesFound(opened: SearchableIndex, { fingerprint, recipe, random }: RandomIndex): Promise<string[]> {
  const { hits } = await opened.search({ query: randomQuery(fingerprint, recipe.dim, 8, random), k: 10 });
  return hits.map(({ documentName, pageNumber }) => `${documentName} ${pageNumber}`).toSorted();
}

describe("an index that is dropped while it is open", () => {
  it("cannot be opened anew, nor refreshed, and still answers from what was opened", async () => {
    const opened = await openIndex({ store, index: NAME, kernelModule });
    await drop(index);
    await expect(opened.refresh()).rejects.toMatchObject({ code: "index_not_found" });
    await expect(openIndex({ store, index: NAME, kernelModule })).rejects.toMatchObject({ code: "index_not_found" });
    expect(await namesFound(opened, index)).toEqual(["32.pdf 1", "32.pdf 2"]);
    opened.close();
  });

  it("is the new one of its name after a refresh, whatever that was made by", async () => {
    const opened = await openIndex({ store, index: NAME, kernelModule });
    await namesFound(opened, index);
    await drop(index);
    const other = await create(64);
    await opened.refresh();
    expect(opened.manifest).toMatchObject({ version: 5, recipe: { dim: 64 } });
    expect(await namesFound(opened, other)).toEqual(["64.pdf 1", "64.pdf 2"]);
    await expect(namesFound(opened, index)).rejects.toMatchObject({ code: "recipe_mismatch" });
    opened.close();
  });
});
