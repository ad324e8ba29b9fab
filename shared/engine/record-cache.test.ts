import { beforeEach, describe, expect, it } from "vitest";
import type { PageCodes, PageLayout, PageRecord, PageRecords, PageVectors } from "../format/contract.ts";
import { MemoryStore } from "../store/memory-store.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { ReadSession } from "./read-session.ts";
import { type PageRef, RecordCaches } from "./record-cache.ts";
import type { LiveSegment } from "./snapshot.ts";

const VECTORS = 10;
const SUBSPACES = 4;
const DIM = 16;
const CENTROIDS = 7;

/** Records whose numbers tell their page, and a list of what was asked for. */
class NumberedRecords implements PageRecords {
  readonly pageCount = 1_000;
  readonly identity = { recipeFingerprint: "f", codebookId: "c", dim: DIM, subspaces: SUBSPACES };
  readonly asked: string[] = [];
  readonly sideBySide: number[] = [];
  layoutsDecoded = 0;
  readonly id: string;
  readonly #centroid: number;

  constructor(id: string, centroid = CENTROIDS - 1) {
    this.id = id;
    this.#centroid = centroid;
  }

  withStore(): PageRecords {
    return this;
  }

  async readCodes(pages: readonly number[], sideBySide = 1): Promise<PageCodes[]> {
    this.sideBySide.push(sideBySide);
    this.asked.push(`codes ${pages.join()}`);
    return pages.map((page) => this.#codes(page));
  }

  async readLayouts(pages: readonly number[]): Promise<PageLayout[]> {
    this.asked.push(`layouts ${pages.join()}`);
    return pages.map((page) => this.#layout(page));
  }

  async readRecords(pages: readonly number[]): Promise<PageRecord[]> {
    this.asked.push(`records ${pages.join()}`);
    const layoutOf = (page: number) => this.#layout(page);
    return pages.map((page) => ({
      codes: this.#codes(page),
      layoutBytes: 50,
      get layout() {
        return layoutOf(page);
      },
    }));
  }

  async readVectors(pages: readonly number[]): Promise<PageVectors[]> {
    this.asked.push(`vectors ${pages.join()}`);
    return pages.map((page) => ({
      scales: new Float32Array(VECTORS).fill(page),
      values: new Int8Array(VECTORS * DIM),
    }));
  }

  #codes(page: number): PageCodes {
    return {
      centroidIds: new Uint16Array(VECTORS).fill(this.#centroid),
      codes: new Uint8Array(VECTORS * SUBSPACES).fill(page),
    };
  }

  #layout(pageNumber: number): PageLayout {
    this.layoutsDecoded += 1;
    return {
      geometry: { kind: "grid", boxes: new Uint16Array(0), columns: 0, rows: 0, regionOfVector: new Uint16Array(0) },
      text: "words",
      document: {
        id: "d",
        name: "d.pdf",
        revision: "r",
        contentType: "application/pdf",
        sourceBytes: 1,
        pageCount: 1,
        addedAtMs: 1,
        metadata: { field: "value" },
      },
      pageNumber,
      width: 1,
      height: 1,
    };
  }
}

function segmentOf(reader: PageRecords): LiveSegment {
  return {
    reader,
    tables: undefined,
    bags: undefined,
    listedBags: undefined,
    centroidCount: CENTROIDS,
    documentOrdinals: [],
    vectorCounts: [],
    index: 0,
    deletedDocuments: new Set(),
    searchablePages: new Uint8Array(0),
    firstPosition: 0,
  };
}

let reader: NumberedRecords;
let segment: LiveSegment;
let session: ReadSession;

beforeEach(() => {
  reader = new NumberedRecords("one");
  segment = segmentOf(reader);
  session = new ReadSession(new MemoryStore());
});

function refs(...pages: number[]): PageRef[] {
  return pages.map((page) => ({ segment, page }));
}

function numbersOf(codes: readonly PageCodes[]): (number | undefined)[] {
  return codes.map((record) => record.codes[0]);
}

describe("record caches", () => {
  it("read what is missing at once and give records in the order asked for", async () => {
    const caches = new RecordCaches(new MemoryBudget(1024 * 1024));
    expect(numbersOf(await caches.codes.read(refs(5, 3), session))).toEqual([5, 3]);
    expect(numbersOf(await caches.codes.read(refs(4, 3, 9, 5), session))).toEqual([4, 3, 9, 5]);
    expect(reader.asked).toEqual(["codes 5,3", "codes 4,9"]);
    expect(session.cacheHits).toBe(2);
  });

  it("keep kinds, segments and indexes apart", async () => {
    const budget = new MemoryBudget(1024 * 1024);
    const caches = new RecordCaches(budget);
    const other = new NumberedRecords("two");
    const copied = new RecordCaches(budget);
    await caches.codes.read(refs(1), session);
    await caches.vectors.read(refs(1), session);
    await caches.codes.read([{ segment: segmentOf(other), page: 1 }], session);
    await copied.codes.read(refs(1), session);
    expect(reader.asked).toEqual(["codes 1", "vectors 1", "codes 1"]);
    expect(other.asked).toEqual(["codes 1"]);
  });

  it("tell each segment how many are read at the same time", async () => {
    const caches = new RecordCaches(new MemoryBudget(1024 * 1024));
    await caches.codes.read(refs(1), session);
    const others = [new NumberedRecords("two"), new NumberedRecords("three")];
    const pages = others.map((other) => ({ segment: segmentOf(other), page: 1 }));
    await caches.codes.read([...refs(1), ...pages], session);
    expect([reader.sideBySide, ...others.map((other) => other.sideBySide)]).toEqual([[1], [2], [2]]);
  });

  it("take codes and layouts from whole records, decoding a layout once", async () => {
    const caches = new RecordCaches(new MemoryBudget(1024 * 1024));
    await caches.records.read(refs(1, 2, 3), session);
    expect(reader.layoutsDecoded).toBe(0);
    expect(numbersOf(await caches.codes.read(refs(3, 1), session))).toEqual([3, 1]);
    for (let i = 0; i < 3; i++) {
      const [layout] = await caches.layouts.read(refs(2), session);
      expect(layout?.pageNumber).toBe(2);
    }
    expect(reader.layoutsDecoded).toBe(1);
    expect(reader.asked).toEqual(["records 1,2,3"]);
  });

  it.each(["codes", "records"] as const)("refuse %s that name centroids beyond the codebook's", async (kind) => {
    reader = new NumberedRecords("damaged", CENTROIDS);
    segment = segmentOf(reader);
    const caches = new RecordCaches(new MemoryBudget(1024 * 1024));
    await expect(caches[kind].read(refs(1), session)).rejects.toMatchObject({ code: "corrupt_data" });
    expect(caches.heldBytes).toBe(0);
  });

  it("keep the latest records of all kinds within the limit", async () => {
    const budget = new MemoryBudget(64 * 1024);
    const caches = new RecordCaches(budget);
    for (let page = 0; page < 990; page += 3) {
      const pages = refs(page, page + 1, page + 2);
      await caches.codes.read(pages, session);
      await caches.vectors.read(pages, session);
      await caches.layouts.read(pages, session);
      expect(budget.recordBytes).toBeLessThanOrEqual(budget.limitBytes);
    }
    expect(budget.recordBytes).toBeGreaterThan(0.9 * budget.limitBytes);
    reader.asked.length = 0;
    const pageBytes = VECTORS * (2 + SUBSPACES) + VECTORS * (4 + DIM);
    const kept = Math.floor(budget.limitBytes / (pageBytes + 3 * 500));
    const latest = refs(...Array.from({ length: kept }, (_, i) => 989 - i));
    await caches.codes.read(latest, session);
    await caches.vectors.read(latest, session);
    expect(reader.asked).toEqual([]);
  });

  it("answer from what was read when nothing can be kept", async () => {
    const caches = new RecordCaches(new MemoryBudget(0));
    for (let i = 0; i < 2; i++) expect(numbersOf(await caches.codes.read(refs(5, 3, 5), session))).toEqual([5, 3, 5]);
    expect(reader.asked).toEqual(["codes 5,3", "codes 5,3"]);
    expect(caches.heldBytes).toBe(0);
  });

  it("take what the request holds before they read", async () => {
    const caches = new RecordCaches(new MemoryBudget(0));
    const records = await caches.records.read(refs(1, 2), session);
    const held = new Map(records.map((record, i) => [i + 1, record]));
    const layouts = await caches.layouts.read(refs(1, 2, 3), session, ({ page }) => held.get(page)?.layout);
    expect(layouts.map(({ pageNumber }) => pageNumber)).toEqual([1, 2, 3]);
    expect(reader.asked).toEqual(["records 1,2", "layouts 3"]);
    expect(session.cacheHits).toBe(0);
  });

  it("drop the records of one index, not of others", async () => {
    const budget = new MemoryBudget(1024 * 1024);
    const [caches, others] = [new RecordCaches(budget), new RecordCaches(budget)];
    await caches.codes.read(refs(1, 2), session);
    await others.codes.read(refs(3), session);
    caches.clear();
    expect(caches.heldBytes).toBe(0);
    expect(others.heldBytes).toBe(budget.recordBytes);
    expect(others.heldBytes).toBeGreaterThan(0);
  });
});
