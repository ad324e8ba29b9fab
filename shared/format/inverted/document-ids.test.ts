import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CountingStore } from "../../store/counting-store.ts";
import { MemoryStore } from "../../store/memory-store.ts";
import { ObjectRanges } from "../range-reads.ts";
import { DocumentIds, type DocumentPlace, encodeDocumentIds, ENTRIES_PER_BLOCK } from "./document-ids.ts";

async function stored(places: readonly DocumentPlace[]) {
  const { entries, blocks } = await encodeDocumentIds(places);
  const memory = new MemoryStore();
  await memory.put("key", entries);
  const store = new CountingStore(memory);
  const ids = new DocumentIds(blocks, { offset: 0, length: entries.byteLength }, "document ids");
  return { ids, store, object: new ObjectRanges(store, "key", entries.byteLength, "head") };
}

describe("document ids", () => {
  it("lead to all places of a document, however many blocks they fill", async () => {
    // Few different ids, so that some go on over several blocks, and many in between.
    const place = fc.record({
      name: fc.oneof(fc.nat(3), fc.nat(5_000)),
      segment: fc.nat(500),
      documentOrdinal: fc.nat(9),
    });
    const places = fc.array(place, { maxLength: 4 * ENTRIES_PER_BLOCK, minLength: 2 * ENTRIES_PER_BLOCK, size: "max" });
    await fc.assert(
      fc.asyncProperty(places, async (samples) => {
        const all = samples.map(({ name, ...rest }) => ({ documentId: `document ${name}`, ...rest }));
        const { ids, store, object } = await stored(all);
        for (const wanted of ["document 0", "document 1", all.at(-1)?.documentId ?? "", "another"]) {
          const before = store.counts.gets;
          const expected = all
            .filter(({ documentId }) => documentId === wanted)
            .map(({ segment, documentOrdinal }) => ({ segment, documentOrdinal }));
          expect(await ids.find(object, wanted)).toEqual(expected);
          expect(store.counts.gets - before).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 20 },
    );
  });

  it("of nothing lead nowhere, without a read", async () => {
    const { ids, store, object } = await stored([]);
    expect(await ids.find(object, "a")).toEqual([]);
    expect(store.counts.gets).toBe(0);
  });
});
