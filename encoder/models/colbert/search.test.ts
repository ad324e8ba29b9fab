import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openIndex } from "../../../shared/engine/open-index.ts";
import type { SearchableIndex } from "../../../shared/engine/contract.ts";
import { compileKernel } from "../../../shared/kernel/webassembly.ts";
import { MemoryStore } from "../../../shared/store/memory-store.ts";
import { tinyTextGraph } from "../../../test/fakes/tiny-graphs/tiny-graph.ts";
import { IndexWriter } from "../../indexing/index-writer.ts";
import { documentEntry } from "../../indexing/testing.ts";
import { TEST_REVISION } from "../../indexing/testing-index.ts";
import type { Model } from "../model.ts";
import { bertTokenizerFile } from "../text/testing-tokenizers.ts";
import { textPage } from "../text/testing.ts";
import { colbertv2 } from "./colbertv2.ts";
import { writeColbertModel } from "../../../test/fakes/colbert-model.ts";
import { maxSim } from "../../../shared/kernel/reference.ts";

/** A page longer than a window, and pages of a sentence. */
const texts = [
  "the barn owl hunts at night over fields and along hedges, and it hears a vole under the snow.",
  "cargo ships carry grain, ore and cars to the harbour of Rotterdam. ".repeat(30),
  "interest rates were raised by half a percent; the bank expects inflation to fall.",
  "whales are mammals that breathe air, sing, and dive for an hour.",
];

let folder: string;
let model: Model;
let index: SearchableIndex;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-colbert-search-"));
  const graph = tinyTextGraph({ dim: 128, outputName: "contextual" });
  await writeColbertModel(colbertv2, folder, { graph, tokenizer: await bertTokenizerFile() });
  model = await colbertv2.load({ modelFolder: folder, threads: 1 });

  const store = new MemoryStore();
  const writer = await IndexWriter.open({ store, index: "books", recipe: model.recipe, threads: 1 });
  for (const [i, text] of texts.entries()) {
    await writer.addDocument(
      await documentEntry(`${i}.pdf`, 1, TEST_REVISION),
      await model.encodePages([textPage(text)]),
    );
  }
  await writer.commit();
  await writer.close();
  const kernelModule = await compileKernel(
    await readFile(new URL("../../../shared/kernel/build/kernel.wasm", import.meta.url)),
  );
  index = await openIndex({ store, index: "books", kernelModule });
});
afterAll(async () => {
  index.close();
  await model.dispose();
  await rm(folder, { recursive: true, force: true });
});

describe("an index of ColBERT pages", () => {
  it("ranks pages as MaxSim over the model's own vectors does", async () => {
    const query = await model.encodeQuery("what does the owl hear at night?");
    const { hits } = await index.search({ query, k: 4, accuracy: "exact" });
    const pages = await model.encodePages(texts.map((text) => textPage(text)));
    const scores = pages.map(({ vectors }) => maxSim(query.vectors, vectors, query.dim));
    const best = scores.map((score, i) => ({ score, name: `${i}.pdf` })).toSorted((a, b) => b.score - a.score);
    expect(hits.map(({ documentName }) => documentName)).toEqual(best.map(({ name }) => name));
    // Stored vectors are int8.
    for (const [i, { score }] of hits.entries()) expect(score).toBeCloseTo(best[i]?.score ?? 0, 0);
  });

  it("draws the question's own tokens, in the boxes of words", async () => {
    const query = await model.encodeQuery("owl vole");
    const { hits } = await index.search({ query, k: 4, accuracy: "exact" });
    const owl = hits.find(({ documentName }) => documentName === "0.pdf");
    // [CLS] and the marker before them, [SEP] and 26 masks after them score, and are not drawn.
    expect(owl?.matches.map(({ token }) => token)).toEqual([2, 3, 4]);
    for (const { region, box, text } of owl?.matches ?? []) {
      expect(box === undefined).toBe(region === undefined);
      if (region !== undefined) expect(texts[0]?.split(" ")[region]).toBe(text);
    }
    expect(owl?.matches.some(({ region }) => region !== undefined)).toBe(true);
  });

  it("explains a page: a score for every word that has a vector, none for punctuation's own", async () => {
    const query = await model.encodeQuery("owl vole");
    const { hits } = await index.search({ query, k: 4 });
    const owl = hits.find(({ documentName }) => documentName === "0.pdf");
    const map = await index.explain({ query, documentId: owl?.documentId ?? "", pageNumber: 1 });
    expect(map.words).toEqual(texts[0]?.split(" "));
    expect(map.tokens.filter(({ end }) => end > 0).map(({ text }) => text)).toEqual(["owl", "vol", "e"]);
    expect(map.scores).toHaveLength(32);
    expect(map.scores[0]?.every((score) => score !== null)).toBe(true);
  });
});
