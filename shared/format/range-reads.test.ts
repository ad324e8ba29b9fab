import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CountingStore } from "../store/counting-store.ts";
import { MemoryStore } from "../store/memory-store.ts";
import {
  coalesce,
  COALESCE_LIMITS,
  type CoalesceLimits,
  ObjectRanges,
  type Range,
  shareOfLimits,
} from "./range-reads.ts";

async function objectOf(bytes: Uint8Array): Promise<{ ranges: ObjectRanges; store: CountingStore }> {
  const memory = new MemoryStore();
  await memory.put("key", bytes);
  const store = new CountingStore(memory);
  return { ranges: new ObjectRanges(store, "key", bytes.byteLength, "object"), store };
}

/** Few enough that every rule is reached. */
const LIMITS: CoalesceLimits = { freeGapBytes: 4, gapBytes: 100, unwantedBytes: 150, readBytes: 400, readsAtOnce: 2 };

/** Ranges of 10 bytes with these gaps between them. */
function rangesApart(...gaps: readonly number[]): Range[] {
  let offset = 0;
  return [0, ...gaps].map((gap, i) => {
    offset += i === 0 ? 0 : 10 + gap;
    return { offset, length: 10 };
  });
}

/** The numbers of the ranges that each read serves. */
function groups(ranges: readonly Range[], change: Partial<CoalesceLimits> = {}): number[][] {
  return coalesce(ranges, { ...LIMITS, ...change }).map(({ first, end }) =>
    Array.from({ length: end - first }, (_, i) => first + i),
  );
}

describe("coalesce", () => {
  it("joins neighbours, and reads over small gaps, even when all could be in flight", () => {
    expect(groups(rangesApart(0, 4, 5))).toEqual([[0, 1, 2], [3]]);
  });

  it("reads over larger gaps, the smallest first, until all reads can be in flight", () => {
    expect(groups(rangesApart(30, 20, 50, 40))).toEqual([
      [0, 1, 2],
      [3, 4],
    ]);
    expect(groups(rangesApart(30, 20, 50, 40), { readsAtOnce: 4 })).toEqual([[0], [1, 2], [3], [4]]);
  });

  it("leaves gaps that are too large, alone or together", () => {
    expect(groups(rangesApart(101, 20, 100, 102))).toEqual([[0], [1, 2, 3], [4]]);
    expect(groups(rangesApart(60, 50, 70), { readsAtOnce: 1 })).toEqual([[0, 1, 2], [3]]);
    expect(groups(rangesApart(60, 50, 70), { readsAtOnce: 1, unwantedBytes: 180 })).toEqual([[0, 1, 2, 3]]);
  });

  it("does not count small gaps as unwanted", () => {
    expect(groups(rangesApart(4, 4, 4, 50), { readsAtOnce: 1, unwantedBytes: 50 })).toEqual([[0, 1, 2, 3, 4]]);
  });

  it("makes no read longer than the longest, but reads a longer range as it is", () => {
    const half = { length: 200 };
    const ranges = [
      { offset: 0, ...half },
      { offset: 200, ...half },
      { offset: 400, ...half },
      { offset: 600, length: 600 },
    ];
    expect(groups(ranges)).toEqual([[0, 1], [2], [3]]);
  });

  it("makes no read of no ranges", () => {
    expect(coalesce([])).toEqual([]);
  });

  it("serves every range once, in order, within its limits", () => {
    const gap = fc.oneof(fc.nat(10), fc.nat(200), fc.integer({ min: -20, max: 0 }));
    const lengths = fc.array(fc.tuple(gap, fc.nat(120)), { maxLength: 30 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 8 }), (pieces, readsAtOnce) => {
        let offset = 100;
        const ranges = pieces.map(([between, length]) => {
          const range = { offset: Math.max(0, offset + between), length };
          offset = range.offset + length;
          return range;
        });
        const sorted = ranges.toSorted((a, b) => a.offset - b.offset);
        const reads = coalesce(sorted, { ...LIMITS, readsAtOnce });
        expect(reads.flatMap(({ first, end }) => sorted.slice(first, end))).toEqual(sorted);
        for (const read of reads) {
          const served = sorted.slice(read.first, read.end);
          const end = Math.max(...served.map((range) => range.offset + range.length));
          expect([read.offset, read.offset + read.length]).toEqual([served[0]?.offset, end]);
          if (served.length > 1) expect(read.length).toBeLessThanOrEqual(LIMITS.readBytes);
        }
      }),
    );
  });
});

describe("share of limits", () => {
  it("gives objects that are read at the same time no more together than one has alone", () => {
    expect(shareOfLimits(1)).toEqual(COALESCE_LIMITS);
    expect(shareOfLimits(2, 1_000)).toMatchObject({ readsAtOnce: 3, unwantedBytes: 500, freeGapBytes: 8 * 1024 });
    for (const objects of [2, 3, 6, 200]) {
      const share = shareOfLimits(objects);
      expect(share.readsAtOnce).toBe(Math.max(1, Math.floor(COALESCE_LIMITS.readsAtOnce / objects)));
      expect(share.unwantedBytes * objects).toBeCloseTo(COALESCE_LIMITS.unwantedBytes);
    }
  });
});

describe("object ranges", () => {
  it("give the bytes of every range, in order", async () => {
    const bytes = Uint8Array.from({ length: 200 }, (_, index) => index);
    const cuts = fc.array(fc.tuple(fc.nat(200), fc.nat(30)), { maxLength: 8 });
    await fc.assert(
      fc.asyncProperty(cuts, async (samples) => {
        const { ranges } = await objectOf(bytes);
        const wanted = samples
          .map(([offset, length]) => ({ offset, length: Math.min(length, 200 - offset) }))
          .toSorted((a, b) => a.offset - b.offset);
        const parts = await ranges.readAll(wanted);
        expect(parts).toEqual(wanted.map(({ offset, length }) => bytes.subarray(offset, offset + length)));
      }),
    );
  });

  it("read neighbours at once and nothing for empty ranges", async () => {
    const { ranges, store } = await objectOf(new Uint8Array(100));
    await ranges.readAll([
      { offset: 0, length: 10 },
      { offset: 10, length: 20 },
    ]);
    expect(store.counts).toMatchObject({ gets: 1, bytesRead: 30 });
    await ranges.readAll([{ offset: 50, length: 0 }]);
    expect(store.counts.gets).toBe(1);
  });

  it("keep no read in memory that is mostly unwanted", async () => {
    const { ranges } = await objectOf(new Uint8Array(10_000));
    const [first, second] = await ranges.readAll([
      { offset: 0, length: 10 },
      { offset: 9_000, length: 20 },
    ]);
    expect([first?.buffer.byteLength, second?.buffer.byteLength]).toEqual([10, 20]);
  });

  it("do not read again what is at hand", async () => {
    const bytes = Uint8Array.from({ length: 50 }, (_, index) => index);
    const { ranges, store } = await objectOf(bytes);
    const end = await ranges.fromOffset(20);
    expect(await end.read({ offset: 25, length: 3 })).toEqual(Uint8Array.of(25, 26, 27));
    expect(await end.fromOffset(30)).toBe(end);
    expect(store.counts).toMatchObject({ gets: 1, bytesRead: 30 });
  });

  it("refuse an object that is missing or has another size", async () => {
    const store = new MemoryStore();
    const ranges = new ObjectRanges(store, "key", 10, "vectors of segment x");
    await expect(ranges.read({ offset: 0, length: 1 })).rejects.toThrow(
      /vectors of segment x is corrupt: there is no object/,
    );
    await store.put("key", new Uint8Array(9));
    await expect(ranges.read({ offset: 0, length: 1 })).rejects.toThrow(/it has 9 bytes, not 10/);
  });
});
