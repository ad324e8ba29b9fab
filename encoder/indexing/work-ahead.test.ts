import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { layout } from "../../shared/store/layout.ts";
import type { IndexWriter } from "./index-writer.ts";
import { RecordFile } from "./record-file.ts";
import type { PageSpool } from "./spool-rotation.ts";
import type { IndexingStage } from "./stage-times.ts";
import { add, pagesOf, TestIndex } from "./testing-index.ts";
import { WorkAhead } from "./work-ahead.ts";

let books: TestIndex;
beforeEach(() => {
  books = new TestIndex();
});
afterEach(async () => await books.close());

/** More than a run of 8,192 vectors, in pages as long as one may be. */
const LONG = Array.from({ length: 5 }, () => 2_000);

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** Segment and vectors of each segment of the newest manifest, the oldest first. */
async function segmentBytes(): Promise<(Uint8Array | undefined)[]> {
  const { segments } = await books.manifest();
  const keys = segments.flatMap(({ id }) => [layout.segment(books.name, id), layout.vectors(books.name, id)]);
  return await Promise.all(keys.map(async (key) => (await books.store.get(key))?.bytes));
}

async function addAll(writer: IndexWriter): Promise<void> {
  await add(writer, "a.pdf", pagesOf(1, 300, 0, 200));
  await add(writer, "b.pdf", pagesOf(2, ...LONG));
}

describe("pages coded ahead of their commit", () => {
  it("are what the commit would have made of them, to the bit", async () => {
    const first = await books.openWriter();
    await add(first, "z.pdf", pagesOf(9, 400));
    await first.commit();

    const stages: IndexingStage[] = [];
    const ahead = await books.openWriter({ onStage: (stage) => stages.push(stage) });
    await ahead.workAhead(0);
    await addAll(ahead);
    await until(() => stages.includes("code"));
    expect(stages).toEqual(["code"]);
    await ahead.commit();
    const afterAhead = await segmentBytes();
    const plain = await books.openWriter();
    await addAll(plain);
    await plain.commit();
    const afterPlain = await segmentBytes();
    expect(afterPlain).toHaveLength(afterAhead.length);
    // The documents were replaced by themselves: their newest segment is the last.
    expect(afterPlain.slice(-2)).toEqual(afterAhead.slice(-2));
    const norms = (await books.manifest()).segments.map(({ meanResidualNorm }) => meanResidualNorm);
    expect(norms).toHaveLength(2);
  });

  it("are coded anew when another writer gave the index its codebook meanwhile", async () => {
    const stages: IndexingStage[] = [];
    const slow = await books.openWriter({ minTrainingVectors: MANY, onStage: (stage) => stages.push(stage) });
    await addMany(slow);
    await slow.workAhead(MANY);
    await until(() => stages.includes("train"));
    const quick = await books.openWriter();
    await add(quick, "z.pdf", pagesOf(9, 400));
    await quick.commit();
    const { codebook } = await books.manifest();
    const report = await slow.commit();
    expect(report).toMatchObject({ trained: false, vectors: MANY });
    expect((await books.manifest()).codebook).toEqual(codebook);
    // Every code is one of this codebook's.
    for (const segment of await books.segments()) {
      const pages = Array.from(segment.pages.vectorCount, (_, page) => page);
      for (const { centroidIds } of await segment.readCodes(pages)) {
        expect(centroidIds.every((id) => id < (codebook?.centroidCount ?? 0))).toBe(true);
      }
    }
  });
});

/** Enough to be trained ahead. */
const MANY = 4_000;
const addMany = async (writer: IndexWriter) => {
  await add(writer, "m.pdf", pagesOf(3, ...Array.from({ length: MANY / 2_000 }, () => 2_000)));
};

describe("a codebook trained ahead", () => {
  it("is that of the commit, if it was trained for about as many vectors", async () => {
    const stages: IndexingStage[] = [];
    const writer = await books.openWriter({ minTrainingVectors: MANY, onStage: (stage) => stages.push(stage) });
    await addMany(writer);
    await writer.workAhead(MANY);
    await until(() => stages.includes("train"));
    expect(await writer.commit()).toMatchObject({ trained: true, vectors: MANY });
    expect(stages.filter((stage) => stage === "train")).toHaveLength(1);
    expect((await books.manifest()).codebook?.trainedOnVectors).toBe(MANY);
    const { objects } = await books.store.list(layout.codebook(books.name, ""));
    expect(objects).toHaveLength(1);
  });

  it("is dropped when the commit has many more", async () => {
    const stages: IndexingStage[] = [];
    const writer = await books.openWriter({ minTrainingVectors: MANY, onStage: (stage) => stages.push(stage) });
    await addMany(writer);
    await writer.workAhead(MANY / 2);
    expect(await writer.commit()).toMatchObject({ trained: true });
    expect(stages.filter((stage) => stage === "train")).toHaveLength(2);
    expect((await books.manifest()).codebook?.trainedOnVectors).toBe(MANY);
    const { objects } = await books.store.list(layout.codebook(books.name, ""));
    expect(objects).toHaveLength(1);
  });

  it("is given up when the writer is closed without a commit", async () => {
    const stages: IndexingStage[] = [];
    const writer = await books.openWriter({ minTrainingVectors: MANY, onStage: (stage) => stages.push(stage) });
    await addMany(writer);
    await writer.workAhead(MANY);
    await books.close();
    expect(stages).toEqual([]);
    expect((await books.store.list(layout.codebook(books.name, ""))).objects).toEqual([]);
  });

  it("is not begun where its sample would need too much memory beside the pages", async () => {
    const begun: number[] = [];
    const trainOn = async (_pages: unknown, { vectorCount }: { vectorCount: number }) => {
      begun.push(vectorCount);
      throw new Error("enough is known");
    };
    const coderFor = () => {
      throw new Error("there is nothing to code");
    };
    const spool: PageSpool = await RecordFile.createTemporary();
    for (const expected of [20_000_000, 1_276_478]) {
      const ahead = new WorkAhead({ codebook: { trainOn, coderFor }, dim: 128, minTrainingVectors: MANY });
      ahead.add(spool, { offset: 0, length: 0, vectorCount: MANY });
      ahead.train(expected, undefined);
      expect(await ahead.trained(expected, undefined)).toBeUndefined();
      await ahead.close();
    }
    await spool.close();
    // 65,536 centroids of 128 values have a sample of 128 MiB; one for 2,000 pages of text has 64.
    expect(begun).toEqual([1_276_478]);
  });

  it("is told of while it is under way, if it is large, also when it fails", async () => {
    const events: string[] = [];
    const trainOn = async () => {
      events.push("training");
      throw new Error("enough is known");
    };
    const coderFor = () => {
      throw new Error("there is nothing to code");
    };
    const onLargeTraining = async (isUnderWay: boolean) => void events.push(isUnderWay ? "begins" : "ends");
    const spool: PageSpool = await RecordFile.createTemporary();
    for (const expected of [20_000, 1_276_478]) {
      const options = { codebook: { trainOn, coderFor }, dim: 128, minTrainingVectors: MANY, onLargeTraining };
      const ahead = new WorkAhead(options);
      ahead.add(spool, { offset: 0, length: 0, vectorCount: MANY });
      ahead.train(expected, undefined);
      expect(await ahead.trained(expected, undefined)).toBeUndefined();
      await ahead.close();
    }
    await spool.close();
    // A thousand centroids take seconds, 16,384 minutes.
    expect(events).toEqual(["training", "begins", "training", "ends"]);
  });

  it("is not begun for a small index, which trains in no time", async () => {
    const stages: IndexingStage[] = [];
    const writer = await books.openWriter({ onStage: (stage) => stages.push(stage) });
    await add(writer, "a.pdf", pagesOf(1, 300));
    await writer.workAhead(300);
    expect(stages).toEqual([]);
    expect(await writer.commit()).toMatchObject({ trained: true });
  });
});
