import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { PageSpool, type QuantizedPage } from "./page-spool.ts";
import { quantizeVectors } from "./page-vectors.ts";
import { encodedPage, topicVectors } from "./testing.ts";

let folder: string;
let spool: PageSpool;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "maxleaf-test-"));
  spool = await PageSpool.create(folder);
});
afterEach(async () => {
  await spool.close();
  await rm(folder, { recursive: true });
});

function somePage(seed: number): QuantizedPage {
  const vectors = topicVectors({ count: seed, dim: 16, topics: 5, spread: 1, seed });
  return { page: { ...encodedPage(vectors, seed + 1), vectors: new Float32Array() }, exact: quantizeVectors(vectors) };
}

describe("PageSpool", () => {
  it("gives back what was put in, written at once and read in any order", async () => {
    const pages = Array.from({ length: 20 }, (_, seed) => somePage(seed));
    const tickets = await Promise.all(pages.map(async (page) => await spool.append(page)));
    const restored = await Promise.all(tickets.toReversed().map(async (ticket) => await spool.read(ticket)));
    expect(restored.toReversed()).toEqual(pages);
    expect(tickets.map((ticket) => ticket.vectorCount)).toEqual(pages.map(({ page }) => page.vectorCount));
  });

  it("leaves nothing in its folder, even while it is open", async () => {
    await spool.append(somePage(3));
    expect(await readdir(folder)).toEqual([]);
  });

  it("says so when a page is not there", async () => {
    const ticket = await spool.append(somePage(3));
    await expect(spool.read({ ...ticket, offset: ticket.offset + 1 })).rejects.toThrow("the spool ends before byte");
  });
});
