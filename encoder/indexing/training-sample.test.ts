import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SpooledDocument } from "./build-segment.ts";
import { dequantizeInto, quantizePage } from "./page-vectors.ts";
import { RecordFile } from "./record-file.ts";
import { floatBlocks, type Rows } from "./rows.ts";
import type { PageSpool } from "./spool-rotation.ts";
import { documentEntry, encodedPage, topicVectors } from "./testing.ts";
import { drawTrainingSample } from "./training-sample.ts";

const dim = 8;
let spool: PageSpool;
const documents: SpooledDocument[] = [];
const all: string[] = [];
beforeAll(async () => {
  spool = await RecordFile.createTemporary();
  for (const [document, counts] of [[3, 0, 5], [0], [7, 2]].entries()) {
    const pages = [];
    for (const [page, count] of counts.entries()) {
      const vectors = topicVectors({ count, dim, topics: 20, spread: 1, seed: document * 10 + page });
      const quantized = quantizePage(encodedPage(vectors, page + 1), dim);
      pages.push({ ...(await spool.append(quantized)), vectorCount: count });
      const stored = { values: new Float32Array(count * dim), count, dim };
      dequantizeInto(stored, 0, quantized.exact);
      all.push(...rows(stored.values));
    }
    const vectorCount = counts.reduce((sum, count) => sum + count, 0);
    documents.push({ entry: await documentEntry(`d${document}.pdf`, counts.length), spool, pages, vectorCount });
  }
});
afterAll(async () => await spool.close());

const rows = (values: Float32Array) =>
  Array.from({ length: values.length / dim }, (_, row) => values.subarray(row * dim, (row + 1) * dim).join());

const sampledRows = (sample: Rows) => [...floatBlocks(sample)].flatMap(({ values }) => rows(values));

describe("drawTrainingSample", () => {
  it("takes everything when there is room", async () => {
    const sample = await drawTrainingSample(documents, dim, 17);
    expect(sampledRows(sample)).toEqual(all);
  });

  it("takes as many distinct vectors as asked for, in order", async () => {
    for (const size of [0, 1, 2, 5, 16]) {
      const sample = await drawTrainingSample(documents, dim, size);
      const positions = sampledRows(sample).map((row) => all.indexOf(row));
      expect(positions.length).toBe(size);
      expect(positions).toEqual([...new Set(positions)].toSorted((a, b) => a - b));
      expect(positions).not.toContain(-1);
    }
  });
});
