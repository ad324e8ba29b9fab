import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { compileKernel } from "../kernel/webassembly.ts";
import { seededRandom } from "../seeded-random.ts";
import { MemoryStore } from "../store/memory-store.ts";
import type { TokenMatch } from "./contract.ts";
import { openIndex } from "./open-index.ts";
import { addSegment, createRandomIndex } from "./testing/random-index.ts";
import { randomQuery } from "./testing/random-material.ts";

const dim = 32;

/** Matches of a query of 40 tokens on a page of 12 vectors, the last of which sits nowhere. */
async function matchesWith(documentNamePieces: number | undefined): Promise<TokenMatch[]> {
  const kernelModule = await compileKernel(await readFile(new URL("../kernel/build/kernel.wasm", import.meta.url)));
  const shape = { dim, subspaces: 8, centroidCount: 40, documentNamePieces };
  const index = await createRandomIndex(new MemoryStore(), "papers", shape, seededRandom(5));
  await addSegment(index, [{ name: "a.pdf", pages: [12] }]);
  const opened = await openIndex({ store: index.store, index: index.name, kernelModule });
  const { hits } = await opened.search({ query: randomQuery(index.fingerprint, dim, 40, seededRandom(6)), k: 10 });
  opened.close();
  return hits[0]?.matches ?? [];
}

describe("a match on a vector that sits nowhere", () => {
  it("is one of the document's name, where the recipe has such vectors", async () => {
    const matches = await matchesWith(32);
    const nowhere = matches.filter(({ region }) => region === undefined);
    expect(nowhere.length).toBeGreaterThan(0);
    for (const match of nowhere) expect(match).toMatchObject({ box: undefined, text: undefined, inDocumentName: true });
    const onPage = matches.filter(({ region }) => region !== undefined);
    expect(onPage.length).toBeGreaterThan(0);
    for (const match of onPage) expect(match).not.toHaveProperty("inDocumentName");
  });

  it("is of a prompt or a marker in other recipes", async () => {
    const matches = await matchesWith(undefined);
    expect(matches.some(({ region }) => region === undefined)).toBe(true);
    for (const match of matches) expect(match).not.toHaveProperty("inDocumentName");
  });
});
