import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SEGMENT_TAIL_READ_BYTES } from "../limits.ts";
import { CountingStore } from "../store/counting-store.ts";
import { layout } from "../store/layout.ts";
import { MemoryStore } from "../store/memory-store.ts";
import { bagOf } from "./bags.ts";
import { openSegment } from "./segment-reader.ts";
import { SegmentWriter, writeSegment } from "./segment-writer.ts";
import { segmentInput } from "./testing/samples.ts";
import { INDEX, openStored, putSegment, readAll, recordsOf, SEGMENT_ID } from "./testing/stored-segment.ts";
import { identity, uniformInput } from "./testing/uniform-segment.ts";

describe("a segment", () => {
  it("gives back everything that was written", async () => {
    await fc.assert(
      fc.asyncProperty(segmentInput, async (input) => {
        const store = new MemoryStore();
        const { counts } = await putSegment(store, input);
        const segment = await openStored(store, input.identity);
        const read = await readAll(segment);
        expect(segment.identity).toEqual(input.identity);
        expect(read.documents).toEqual(input.documents);
        expect(read).toMatchObject(recordsOf(input));
        expect(read.pages).toEqual({
          pageCount: input.pages.length,
          documentOrdinal: Uint32Array.from(input.pages, ({ documentOrdinal }) => documentOrdinal),
          pageNumber: Uint32Array.from(input.pages, ({ page }) => page.pageNumber),
          vectorCount: Uint32Array.from(input.pages, ({ page }) => page.vectorCount),
          width: Float32Array.from(input.pages, ({ page }) => page.width),
          height: Float32Array.from(input.pages, ({ page }) => page.height),
          status: input.pages.map(({ page }) => page.status),
        });
        for (const [page, { codes }] of input.pages.entries()) {
          const distinct = [...new Set(codes.centroidIds)].toSorted((a, b) => a - b);
          expect([...bagOf(read.bags, page)]).toEqual(distinct);
        }
        expect(counts).toMatchObject({
          documentCount: input.documents.length,
          pageCount: input.pages.length,
          searchablePageCount: input.pages.filter(({ page }) => page.status === "searchable").length,
          vectorCount: input.pages.reduce((total, { page }) => total + page.vectorCount, 0),
          bagEntries: read.bags.ids.length,
        });
      }),
      { numRuns: 60 },
    );
  });

  it("has the same bytes whenever it is written", () => {
    const { documents, pages } = uniformInput(2, 3, 4);
    expect(writeSegment(identity, documents, pages)).toEqual(writeSegment(identity, documents, structuredClone(pages)));
  });
});

describe("reads of a segment", () => {
  it("open a small one, and give its bags, in one read; bags asked for again are read again", async () => {
    const memory = new MemoryStore();
    const { segment: bytes } = await putSegment(memory, uniformInput(3, 5, 20));
    expect(bytes.byteLength).toBeLessThan(SEGMENT_TAIL_READ_BYTES);
    const store = new CountingStore(memory);
    const segment = await openStored(store, identity);
    const bags = await segment.withStore(store).readBags();
    expect(store.counts).toMatchObject({ gets: 1, bytesRead: bytes.byteLength, serialReadWaves: 1 });
    // What the first read brought is not held for the life of the segment.
    expect(await segment.readBags()).toEqual(bags);
    expect(store.counts.gets).toBe(2);
  });

  it("get a page's codes, its layout, or both, each as one range", async () => {
    const memory = new MemoryStore();
    const input = uniformInput(3, 5, 20);
    await putSegment(memory, input);
    const opened = await openStored(memory, identity);
    const store = new CountingStore(memory);
    const segment = opened.withStore(store);
    const codesBytes = 20 * (2 + identity.subspaces) + 4;
    expect(await segment.readCodes([7])).toEqual([input.pages[7]?.codes]);
    expect(store.counts).toMatchObject({ gets: 1, bytesRead: codesBytes });
    const [layoutOfPage] = await segment.readLayouts([7]);
    const layoutBytes = store.counts.bytesRead - codesBytes;
    const [record] = await segment.readRecords([7]);
    expect(record).toMatchObject({ codes: input.pages[7]?.codes, layoutBytes });
    expect(record?.layout).toEqual(layoutOfPage);
    expect(store.counts).toMatchObject({ gets: 3, bytesRead: 2 * (codesBytes + layoutBytes) });
  });

  it("open one of 1,000 pages in one read", async () => {
    const memory = new MemoryStore();
    await putSegment(memory, uniformInput(60, 17, 120));
    const store = new CountingStore(memory);
    const segment = await openStored(store, identity);
    expect(segment.pages.pageCount).toBe(1_020);
    expect(store.counts).toMatchObject({ gets: 1, bytesRead: SEGMENT_TAIL_READ_BYTES });
  });

  it("open one whose tables are longer than the first read in two", async () => {
    const memory = new MemoryStore();
    const input = uniformInput(400, 5, 6);
    await putSegment(memory, input);
    const store = new CountingStore(memory);
    const segment = await openStored(store, identity);
    expect(segment.documents).toEqual(input.documents);
    expect(store.counts).toMatchObject({ gets: 2, serialReadWaves: 2 });
  });

  it("get codes and vectors of neighbouring pages in one read each, only their bytes, in the order asked for", async () => {
    const memory = new MemoryStore();
    const input = uniformInput(40, 10, 200);
    await putSegment(memory, input);
    const opened = await openStored(memory, identity);
    const store = new CountingStore(memory);
    const segment = opened.withStore(store);
    const codes = await segment.readCodes([103, 101, 102, 101]);
    expect(codes).toEqual([103, 101, 102, 101].map((page) => input.pages[page]?.codes));
    const [first = 0, , third = 0] = segment.recordOffsets.subarray(101, 104);
    const codesBytes = 200 * 6 + 4;
    expect(store.counts).toMatchObject({ gets: 1, bytesRead: third - first + codesBytes });
    const vectors = await segment.readVectors([101, 102]);
    expect(vectors).toEqual([101, 102].map((page) => input.pages[page]?.exact));
    expect(store.counts).toMatchObject({
      gets: 2,
      bytesRead: third - first + codesBytes + 2 * (200 * 20 + 4),
    });
  });

  it("make no read for pages without vectors", async () => {
    const memory = new MemoryStore();
    await putSegment(memory, uniformInput(1, 3, 0));
    const opened = await openStored(memory, identity);
    const store = new CountingStore(memory);
    const segment = opened.withStore(store);
    expect(await segment.readVectors([0, 2])).toHaveLength(2);
    expect(await segment.readCodes([1, 1, 0])).toHaveLength(3);
    expect(store.counts.gets).toBe(0);
  });

  it.each([-1, 3, 0.5, Number.NaN])("refuse page %d of 3", async (page) => {
    const store = new MemoryStore();
    await putSegment(store, uniformInput(1, 3, 1));
    const segment = await openStored(store, identity);
    await expect(segment.readCodes([0, page])).rejects.toMatchObject({ code: "page_not_found" });
  });
});

describe("opening refuses", () => {
  it.each([
    ["recipeFingerprint", "fedcba9876543210"],
    ["codebookId", "c2"],
    ["dim", 48],
    ["subspaces", 8],
  ])("a segment with another %s, and says so", async (field, value) => {
    const store = new MemoryStore();
    await putSegment(store, uniformInput(1, 1, 1));
    const opening = openStored(store, { ...identity, [field]: value });
    await expect(opening).rejects.toMatchObject({ code: "recipe_mismatch", details: { field, expected: value } });
    await expect(opening).rejects.toThrow(new RegExp(`its ${field} is .*, the index has "?${value}"?`));
  });

  it("a segment that is missing or has another size than the manifest says", async () => {
    const store = new MemoryStore();
    const options = { index: INDEX, id: SEGMENT_ID, expected: identity };
    await expect(openSegment(store, options)).rejects.toMatchObject({ code: "corrupt_data" });
    await putSegment(store, uniformInput(1, 1, 1));
    await expect(openSegment(store, { ...options, bytes: 10 })).rejects.toThrow(/the manifest says 10/);
  });

  it("a vectors object in a segment's place", async () => {
    const store = new MemoryStore();
    const { vectors } = await putSegment(store, uniformInput(1, 1, 1));
    await store.put(layout.segment(INDEX, SEGMENT_ID), vectors);
    await expect(openStored(store, identity)).rejects.toThrow(/of kind 3, not a segment/);
  });

  it("a record in another page's place, though it is whole", async () => {
    const store = new MemoryStore();
    const { segment: bytes } = await putSegment(store, uniformInput(1, 2, 3));
    const { recordOffsets } = await openStored(store, identity);
    const [first = 0, second = 0, end = 0] = recordOffsets;
    expect(second - first).toBe(end - second);
    bytes.copyWithin(first, second, end);
    await store.put(layout.segment(INDEX, SEGMENT_ID), bytes);
    const segment = await openStored(store, identity);
    expect(await segment.readCodes([1])).toHaveLength(1);
    await expect(segment.readCodes([0])).rejects.toThrow(/codes of page 0 is corrupt: its checksum is wrong/);
    await expect(segment.readLayouts([0])).rejects.toThrow(/layout of page 0 is corrupt: its checksum is wrong/);
  });

  it("vectors of another segment, by their size or their checksums", async () => {
    const store = new MemoryStore();
    const { vectors } = await putSegment(store, uniformInput(1, 2, 3));
    const segment = await openStored(store, identity);
    vectors[20] = (vectors[20] ?? 0) + 1;
    await store.put(layout.vectors(INDEX, SEGMENT_ID), vectors);
    await expect(segment.readVectors([0])).rejects.toThrow(
      /vectors of segment 0123abcd, page 0 is corrupt: its checksum is wrong/,
    );
    await store.put(layout.vectors(INDEX, SEGMENT_ID), writeSegment(identity, [], []).vectors);
    await expect(segment.readVectors([0])).rejects.toMatchObject({ code: "corrupt_data" });
  });
});

describe("the writer refuses", () => {
  const { documents, pages } = uniformInput(1, 2, 3);
  const [first, second] = pages;

  it.each([
    ["a page of a document that is not there", { documentOrdinal: 1 }, /no document 1/],
    ["codes of too few vectors", { codes: { centroidIds: new Uint16Array(2), codes: new Uint8Array(8) } }, /2 of 3/],
    [
      "code bytes of other subspaces",
      { codes: { centroidIds: new Uint16Array(3), codes: new Uint8Array(3) } },
      /3 code bytes/,
    ],
    [
      "exact vectors of other dimensions",
      { exact: { scales: new Float32Array(3), values: new Int8Array(3) } },
      /3 exact/,
    ],
  ])("%s", (_what, change, problem) => {
    const writer = new SegmentWriter(identity, documents, [3]);
    expect(first).toBeDefined();
    if (first === undefined) return;
    expect(() => writer.add({ ...first, ...change })).toThrow(problem);
    expect(writer.pageCount).toBe(0);
  });

  it("pages out of order", () => {
    expect(() =>
      writeSegment(
        identity,
        documents,
        [second, first].flatMap((page) => page ?? []),
      ),
    ).toThrow(/out of order/);
  });
});
