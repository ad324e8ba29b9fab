import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MAX_INVERTED_OPEN_BYTES, MAX_PAGES_PER_SEGMENT } from "../../limits.ts";
import { CountingStore } from "../../store/counting-store.ts";
import { layout } from "../../store/layout.ts";
import { MemoryStore } from "../../store/memory-store.ts";
import { evenCellOffsets } from "../cells.ts";
import { cellsOf, SAMPLE_CENTROIDS, segmentInputOf } from "../testing/samples.ts";
import {
  INVERTED_ID,
  listsOf,
  openStoredInverted,
  putInverted,
  readLists,
  segmentId,
} from "../testing/stored-inverted.ts";
import { INDEX, openStored, putSegment, readAllRecords, recordsOf } from "../testing/stored-segment.ts";
import { identity as uniformIdentity, uniformInput } from "../testing/uniform-segment.ts";
import { ENTRIES_PER_BLOCK } from "./document-ids.ts";
import { invertedSegment, writeInvertedFile } from "./inverted-writer.ts";

const identity = { recipeFingerprint: "0123456789abcdef", codebookId: "codebook-1", dim: 16, subspaces: 4 };
/** More centroids than `uniformInput` uses. */
const uniformCells = { offsets: evenCellOffsets(512, 32) };

const everyPart = async (store: MemoryStore) =>
  await Promise.all(
    (await store.list(`${layout.index(INDEX)}inverted/`)).objects.map(async ({ key }) => ({
      key,
      bytes: (await store.get(key))?.bytes,
    })),
  );

describe("an inverted file", () => {
  it("has the transposed bags, the records and the documents of all its segments", async () => {
    const sample = fc.record({
      inputs: fc.array(segmentInputOf(identity), { maxLength: 5 }),
      cells: cellsOf(SAMPLE_CENTROIDS, identity.dim),
      maxPartBytes: fc.constantFrom(1, 200, 1_000_000),
      maxListBytes: fc.constantFrom(1, 500, 1_000_000),
    });
    await fc.assert(
      fc.asyncProperty(sample, async ({ inputs, cells, ...limits }) => {
        const store = new MemoryStore();
        const entry = await putInverted(store, inputs, { identity, cells, ...limits });
        const file = await openStoredInverted(store, entry, identity);
        const lists = listsOf(inputs, SAMPLE_CENTROIDS);
        expect(await readLists(file, cells)).toEqual(lists);
        expect(entry.bagEntries).toBe(lists.flat().length);
        expect(file.segmentIds).toEqual([...inputs.keys()].map(segmentId));
        const pages = inputs.flatMap((input) => input.pages);
        expect(file.pageCount).toBe(pages.length);
        expect([...file.vectorCounts]).toEqual(pages.map(({ page }) => page.vectorCount));
        expect([...file.documentOrdinals]).toEqual(pages.map(({ documentOrdinal }) => documentOrdinal));
        for (const [segment, input] of inputs.entries()) {
          expect(file.firstPosition[segment + 1]).toBe((file.firstPosition[segment] ?? 0) + input.pages.length);
          expect(await readAllRecords(file.records(segment))).toEqual(recordsOf(input));
        }
        const documents = inputs.flatMap((input, segment) =>
          input.documents.map(({ id }, documentOrdinal) => ({ id, place: { segment, documentOrdinal } })),
        );
        for (const { id } of documents) {
          const places = documents.filter((document) => document.id === id).map(({ place }) => place);
          expect(await file.findDocument(id)).toEqual(places);
        }
        expect(await file.findDocument("none of them has this id")).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it("has the same bytes however much of it is made at once", async () => {
    const inputs = [uniformInput(3, 4, 30), uniformInput(2, 2, 9)];
    const limits = { identity: uniformIdentity, cells: uniformCells, maxPartBytes: 300 };
    const [atOnce, partByPart] = [new MemoryStore(), new MemoryStore()];
    const entry = await putInverted(atOnce, inputs, limits);
    expect(await putInverted(partByPart, inputs, { ...limits, maxListBytes: 1 })).toEqual(entry);
    expect(entry.parts.length).toBeGreaterThan(3);
    expect(Math.max(...entry.parts)).toBeLessThanOrEqual(300);
    expect(await everyPart(partByPart)).toEqual(await everyPart(atOnce));
  });

  it("of one page, of none, and of pages without vectors can be read", async () => {
    for (const inputs of [[uniformInput(1, 1, 1)], [], [uniformInput(2, 2, 0)], [uniformInput(0, 0, 0)]]) {
      const store = new MemoryStore();
      const entry = await putInverted(store, inputs, { identity: uniformIdentity, cells: uniformCells });
      const file = await openStoredInverted(store, entry, uniformIdentity);
      expect(await readLists(file, uniformCells)).toEqual(listsOf(inputs, 512));
      for (const [segment, input] of inputs.entries()) {
        expect(await readAllRecords(file.records(segment))).toEqual(recordsOf(input));
      }
    }
  });

  it("of 200 segments finds the pages of each", async () => {
    const inputs = Array.from({ length: 200 }, (_, segment) => uniformInput(1, 1 + (segment % 3), segment % 7));
    const store = new MemoryStore();
    const entry = await putInverted(store, inputs, { identity: uniformIdentity, cells: uniformCells });
    const file = await openStoredInverted(store, entry, uniformIdentity);
    expect(await readLists(file, uniformCells)).toEqual(listsOf(inputs, 512));
    for (const segment of [0, 1, 99, 199]) {
      expect(await readAllRecords(file.records(segment))).toEqual(recordsOf(inputs[segment] ?? uniformInput(0, 0, 0)));
    }
    // Every segment has a document with this id.
    expect(await file.findDocument("document-0")).toEqual(
      inputs.map((_, segment) => ({ segment, documentOrdinal: 0 })),
    );
  });

  it("of 65,536 centroids in cells of one each, with ids at both ends, can be read", async () => {
    const input = uniformInput(1, 3, 2);
    for (const { codes } of input.pages) codes.centroidIds.set([0, 65_535]);
    const cells = { offsets: evenCellOffsets(65_536, 1) };
    const store = new MemoryStore();
    const entry = await putInverted(store, [input], { identity: uniformIdentity, cells });
    const file = await openStoredInverted(store, entry, uniformIdentity);
    const lists = await readLists(file, cells);
    expect(lists).toHaveLength(65_536);
    expect(lists.flatMap((list, centroid) => (list.length > 0 ? [centroid] : []))).toEqual([0, 65_535]);
    expect([lists[0], lists[65_535]]).toEqual([
      [0, 1, 2],
      [0, 1, 2],
    ]);
  });
});

describe("reads of an inverted file", () => {
  async function stored(maxPartBytes = 1_000_000) {
    const memory = new MemoryStore();
    const inputs = [uniformInput(300, 2, 20), uniformInput(100, 1, 5)];
    const entry = await putInverted(memory, inputs, { identity: uniformIdentity, cells: uniformCells, maxPartBytes });
    const store = new CountingStore(memory);
    return { memory, inputs, entry, store };
  }

  it("open it by one, without the document ids", async () => {
    const { store, entry } = await stored();
    const file = await openStoredInverted(store, entry, uniformIdentity);
    expect(store.counts).toMatchObject({ gets: 1, bytesRead: entry.openBytes });
    expect(entry.bytes - entry.openBytes).toBe(16 + 400 * 16);
    // Eight bytes a page, and tables of sixteen bytes a cell and twelve a block of documents.
    expect(file.bytes).toBe(700 * 8 + 3 * 4 + 16 * 16 + 2 * 12);
  });

  it("get neighbouring cells by one, in the order asked for, and only their bytes", async () => {
    const { store, entry } = await stored();
    const file = await openStoredInverted(store, entry, uniformIdentity);
    const before = store.counts.bytesRead;
    const blocks = await file.readCells([6, 4, 5, 4]);
    expect(blocks.map(({ cell }) => cell)).toEqual([6, 4, 5, 4]);
    const bytes = [4, 5, 6].reduce((sum, cell) => sum + file.cellExtent(cell).length, 0);
    expect(store.counts).toMatchObject({ gets: 2, bytesRead: before + bytes });
  });

  it("get cells of several parts side by side", async () => {
    const { store, entry } = await stored(300);
    const file = await openStoredInverted(store, entry, uniformIdentity);
    const parts = new Set([0, 7, 15].map((cell) => file.cellExtent(cell).part));
    await file.readCells([15, 0, 7]);
    expect(parts.size).toBe(3);
    expect(store.counts).toMatchObject({ gets: 4, serialReadWaves: 2 });
  });

  it("find a document by one read of one block, and none that cannot be there by none", async () => {
    const { store, entry } = await stored();
    const file = await openStoredInverted(store, entry, uniformIdentity);
    const before = store.counts.bytesRead;
    expect(await file.findDocument("document-299")).toEqual([{ segment: 0, documentOrdinal: 299 }]);
    expect(store.counts.gets).toBe(2);
    expect(store.counts.bytesRead - before).toBeLessThanOrEqual(ENTRIES_PER_BLOCK * 16);
  });

  it("get the record of a page of any segment by one, without opening the segment", async () => {
    const { store, entry, inputs } = await stored();
    const file = await openStoredInverted(store, entry, uniformIdentity);
    const [record] = await file.records(1).readRecords([42]);
    expect(record?.codes).toEqual(inputs[1]?.pages[42]?.codes);
    expect(record?.layout).toMatchObject({ document: { id: "document-42" }, pageNumber: 1 });
    expect(store.counts.gets).toBe(2);
  });

  it("go through the store that is given", async () => {
    const { memory, store, entry } = await stored();
    const file = (await openStoredInverted(memory, entry, uniformIdentity)).withStore(store);
    await file.readCells([1]);
    await file.findDocument("document-1");
    await file.records(0).readCodes([0]);
    await file.records(0).readVectors([0]);
    expect(store.counts.gets).toBe(4);
  });

  it("refuse cells and segments that are not there", async () => {
    const { store, entry } = await stored();
    const file = await openStoredInverted(store, entry, uniformIdentity);
    await expect(file.readCells([16])).rejects.toMatchObject({ code: "internal" });
    expect(() => file.records(2)).toThrow(/covers 2 segments/);
    await expect(file.records(1).readCodes([100])).rejects.toMatchObject({ code: "page_not_found" });
  });

  it("refuse a file of another codebook, one that is missing, and a part that is", async () => {
    const { memory, entry } = await stored();
    const other = { ...uniformIdentity, codebookId: "other" };
    await expect(openStoredInverted(memory, entry, other)).rejects.toMatchObject({ code: "recipe_mismatch" });
    const file = await openStoredInverted(memory, entry, uniformIdentity);
    await memory.delete([layout.invertedPart(INDEX, INVERTED_ID, 0), layout.inverted(INDEX, INVERTED_ID)]);
    await expect(file.readCells([0])).rejects.toMatchObject({ code: "corrupt_data" });
    await expect(file.findDocument("document-1")).rejects.toMatchObject({ code: "corrupt_data" });
    await expect(openStoredInverted(memory, entry, uniformIdentity)).rejects.toMatchObject({ code: "corrupt_data" });
  });
});

describe("writing an inverted file refuses", () => {
  it("bags with ids of another codebook", async () => {
    const cells = { offsets: Uint32Array.of(0, 3) };
    await expect(
      putInverted(new MemoryStore(), [uniformInput(1, 1, 2)], { identity: uniformIdentity, cells }),
    ).rejects.toThrow(/bags is corrupt: 7 is no centroid/);
  });

  it("to cover more pages than can be opened, before it reads a bag", async () => {
    const store = new MemoryStore();
    await putSegment(store, uniformInput(1, 1, 1));
    const one = invertedSegment(await openStored(store, uniformIdentity), 1);
    const full = { ...one, pages: { ...one.pages, pageCount: MAX_PAGES_PER_SEGMENT } };
    const segments = Array.from({ length: MAX_INVERTED_OPEN_BYTES / (8 * MAX_PAGES_PER_SEGMENT) + 1 }, () => full);
    const counting = new CountingStore(store);
    const options = { index: INDEX, id: INVERTED_ID, identity: uniformIdentity, cells: uniformCells, segments };
    await expect(writeInvertedFile(counting, options)).rejects.toThrow(/67174400 bytes to open is beyond/);
    expect(counting.counts).toMatchObject({ gets: 0, puts: 0 });
  });

  it("to replace one", async () => {
    const store = new MemoryStore();
    const options = { identity: uniformIdentity, cells: uniformCells };
    await putInverted(store, [uniformInput(1, 1, 2)], options);
    await expect(putInverted(store, [uniformInput(1, 1, 2)], options)).rejects.toMatchObject({
      code: "precondition_failed",
    });
  });
});
