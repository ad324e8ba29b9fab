import { describe, expect, it } from "vitest";
import type { ModelPage, PageWords } from "../models/model.ts";
import { PageBatcher } from "./page-batcher.ts";

function page(pageNumber: number): PageWords {
  return { pageNumber, width: 1, height: 1, words: [] };
}

/** A model that notes the sizes of its batches and refuses page 13. */
function recordingModel() {
  const batches: number[][] = [];
  return {
    batches,
    async encodePages(pages: readonly PageWords[]): Promise<ModelPage[]> {
      batches.push(pages.map(({ pageNumber }) => pageNumber));
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (pages.some(({ pageNumber }) => pageNumber === 13)) throw new Error("page 13");
      return pages.map(({ pageNumber }) => ({
        pageNumber,
        width: 1,
        height: 1,
        status: "no-text",
        vectorCount: 0,
        vectors: new Float32Array(),
        geometry: { kind: "words", boxes: new Uint16Array(), columns: 0, rows: 0, regionOfVector: new Uint16Array() },
        text: "",
        wordsLeftOut: 0,
      }));
    },
  };
}

describe("PageBatcher", () => {
  it("sends what waits while the model is busy as one batch, and gives each caller its own page", async () => {
    const model = recordingModel();
    const batcher = new PageBatcher(model);
    const pages = await Promise.all([1, 2, 3, 4].map((number) => batcher.encode(page(number))));
    expect(pages.map(({ pageNumber }) => pageNumber)).toEqual([1, 2, 3, 4]);
    expect(model.batches).toEqual([[1], [2, 3, 4]]);
  });

  it("limits the batch", async () => {
    const model = recordingModel();
    const batcher = new PageBatcher(model);
    await Promise.all(Array.from({ length: 10 }, (_, at) => batcher.encode(page(at + 100))));
    expect(model.batches.map((batch) => batch.length)).toEqual([1, 4, 4, 1]);
  });

  it("keeps the next batch ready where the model takes two", async () => {
    const model = recordingModel();
    const times: number[] = [];
    const batcher = new PageBatcher(model, { batchesAtOnce: 2, onBatch: (seconds) => times.push(seconds) });
    await Promise.all(Array.from({ length: 10 }, (_, at) => batcher.encode(page(at + 100))));
    expect(model.batches.map((batch) => batch.length)).toEqual([1, 1, 4, 4]);
    expect(times).toHaveLength(4);
  });

  it("fails only the page that the model refuses", async () => {
    const batcher = new PageBatcher(recordingModel());
    const results = await Promise.allSettled([12, 13, 14].map((number) => batcher.encode(page(number))));
    expect(results.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  it("refuses what still waits when it is stopped, and lets the running batch end", async () => {
    const model = recordingModel();
    const stop = new AbortController();
    const batcher = new PageBatcher(model, { signal: stop.signal });
    const results = Promise.allSettled([1, 2, 3, 4].map((number) => batcher.encode(page(number))));
    stop.abort();
    expect((await results).map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected", "rejected"]);
    expect(model.batches).toEqual([[1]]);
  });
});
