import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MaxleafError } from "../../errors.ts";
import { layout } from "../../store/layout.ts";
import { MemoryStore } from "../../store/memory-store.ts";
import { evenCellOffsets } from "../cells.ts";
import { HEADER_BYTES, readContainer, writeContainer } from "../container.ts";
import { INVERTED_ID, openStoredInverted, putInverted, readAllInverted } from "../testing/stored-inverted.ts";
import { INDEX } from "../testing/stored-segment.ts";
import { identity, uniformInput } from "../testing/uniform-segment.ts";

/** Fixed, so that a failure in CI is the same failure everywhere. */
const SEED = 20_261_125;
const SECTIONS = ["documentIds", "documentIdBlocks", "identity", "coverage", "directory", "cellTable"] as const;

const cells = { offsets: evenCellOffsets(512, 64) };
const documentIds = ["document-0", "document-1", "document-2", "nobody's"];
const inputs = [uniformInput(2, 2, 6), uniformInput(3, 1, 4)];
const store = new MemoryStore();
const entry = await putInverted(store, inputs, { identity, cells, maxPartBytes: 200 });
const headKey = layout.inverted(INDEX, INVERTED_ID);
const head = (await store.get(headKey))?.bytes ?? new Uint8Array(0);
const intact = await readAllInverted(await openStoredInverted(store, entry, identity), cells, documentIds);

/** What reading everything gives with `bytes` under `key` and the manifest agreeing about sizes; or the code of its error. */
async function outcomeWith(key: string, bytes: Uint8Array, changes: Partial<typeof entry> = {}): Promise<unknown> {
  const kept = (await store.get(key))?.bytes ?? new Uint8Array(0);
  await store.put(key, bytes);
  try {
    const file = await openStoredInverted(store, { ...entry, ...changes }, identity);
    return await readAllInverted(file, cells, documentIds);
  } catch (error) {
    expect(error).toBeInstanceOf(MaxleafError);
    if (!(error instanceof MaxleafError)) throw error;
    expect(["corrupt_data", "unsupported_format_version", "recipe_mismatch"]).toContain(error.code);
    return error.code;
  } finally {
    await store.put(key, kept);
  }
}

function flipped(bytes: Uint8Array, at: number): Uint8Array {
  const changed = bytes.slice();
  changed[at] = (changed[at] ?? 0) ^ (1 << (at % 8));
  return changed;
}

describe("of an inverted file", () => {
  it("every flipped bit of the head is noticed, outside the header, which is never read", async () => {
    const unnoticed: number[] = [];
    for (let at = 0; at < head.byteLength; at++) {
      if (typeof (await outcomeWith(headKey, flipped(head, at))) !== "string") unnoticed.push(at);
    }
    expect(unnoticed).toEqual(Array.from({ length: HEADER_BYTES }, (_, at) => at));
  });

  it("every flipped bit of every part is noticed", async () => {
    expect(entry.parts.length).toBeGreaterThan(2);
    for (const [part, bytes] of entry.parts.entries()) {
      const key = layout.invertedPart(INDEX, INVERTED_ID, part);
      const intactPart = (await store.get(key))?.bytes ?? new Uint8Array(0);
      expect(intactPart.byteLength).toBe(bytes);
      for (let at = 0; at < bytes; at++) {
        expect(await outcomeWith(key, flipped(intactPart, at))).toBe("corrupt_data");
      }
    }
  });

  it("no object that is cut or longer is believed, even if the manifest says so (300 cases)", async () => {
    const cut = fc.record({
      at: fc.nat(head.byteLength - 1),
      suffix: fc.integer({ min: 0, max: 2 * entry.openBytes }),
    });
    await fc.assert(
      fc.asyncProperty(cut, async ({ at, suffix }) => {
        const shorter = head.subarray(0, at);
        expect(await outcomeWith(headKey, shorter)).toBe("corrupt_data");
        expect(await outcomeWith(headKey, shorter, { bytes: at })).toBe("corrupt_data");
        const outcome = await outcomeWith(headKey, head, { openBytes: suffix });
        if (suffix < entry.openBytes) expect(outcome).toBe("corrupt_data");
        else expect(outcome).toEqual(intact);
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it("sections with forged checksums give a typed error or some data (1,500 cases)", async () => {
    const table = readContainer(head, head.byteLength, "inverted", "head");
    const change = fc.record({
      section: fc.constantFrom(...SECTIONS),
      position: fc.double({ min: 0, max: 0.999_999, noNaN: true }),
      bytes: fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 8 }), fc.constant(new Uint8Array(4).fill(0xff))),
    });
    let refused = 0;
    await fc.assert(
      fc.asyncProperty(change, async ({ section, position, bytes }) => {
        const sections = SECTIONS.map((kind) => {
          const { offset, length } = table.get(kind);
          const content = head.slice(offset, offset + length);
          const at = Math.floor(position * length);
          if (kind === section) content.set(bytes.subarray(0, length - at), at);
          return { kind, parts: [content] };
        });
        if (typeof (await outcomeWith(headKey, writeContainer("inverted", sections))) === "string") refused += 1;
      }),
      { seed: SEED, numRuns: 1_500 },
    );
    expect(refused).toBeGreaterThan(1_000);
  });

  it("the manifest's part sizes, pages and segments are compared with what it says itself", async () => {
    const [first = 0, ...others] = entry.parts;
    for (const change of [
      { parts: [first + 1, ...others] },
      { parts: others },
      { parts: [...entry.parts, 0] },
      { pageCount: entry.pageCount + 1 },
      { segmentIds: entry.segmentIds.toReversed() },
      { segmentIds: [] },
      { bytes: entry.bytes + 1 },
      { openBytes: 2 ** 40 },
    ]) {
      expect(await outcomeWith(headKey, head, change)).toBe("corrupt_data");
    }
  });
});
