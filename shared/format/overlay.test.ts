import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MaxleafError } from "../errors.ts";
import type { DocumentEntry } from "../page.ts";
import { layout } from "../store/layout.ts";
import { MemoryStore } from "../store/memory-store.ts";
import { crc32 } from "./crc32.ts";
import {
  applyOverlay,
  decodeOverlay,
  encodeOverlay,
  liveOverlay,
  MAX_OVERLAY_BYTES,
  type OverlaidMetadata,
  type Overlay,
  readOverlay,
  storeOverlay,
} from "./overlay.ts";

/** Fixed, so that a failure in CI is the same failure everywhere. */
const SEED = 20_261_125;
const INDEX = "library";

const text = fc.string({ unit: "binary", maxLength: 12 });
const metadata = fc.dictionary(
  text.filter((field) => field !== "__proto__"),
  text,
  { maxKeys: 5 },
);
const id = fc.integer({ min: 0, max: 30 }).map((number) => number.toString(16).padStart(20, "0"));
const revision = fc.constantFrom("0123456789abcdef", "fedcba9876543210", "0123456789abcdef01234567");
const overlays: fc.Arbitrary<Overlay> = fc
  .array(fc.tuple(id, fc.record({ revision, metadata })), { maxLength: 20 })
  .map((entries) => new Map<string, OverlaidMetadata>(entries));
const documents: fc.Arbitrary<DocumentEntry[]> = fc.array(
  fc.record({
    id,
    name: text,
    revision,
    contentType: fc.constant("application/pdf"),
    sourceBytes: fc.nat(),
    pageCount: fc.nat(),
    addedAtMs: fc.nat(),
    metadata,
  }),
  { maxLength: 20 },
);

function filledTo(bytes: number): Overlay {
  const overlay = new Map<string, OverlaidMetadata>();
  const value = "v".repeat(512);
  for (let at = 0, length = 0; length < bytes; at++) {
    const fields = { a: value, b: value, c: value, d: value };
    overlay.set(String(at).padStart(20, "0"), { revision: "0123456789abcdef", metadata: fields });
    length += JSON.stringify(fields).length;
  }
  return overlay;
}

describe("overlay", () => {
  it("reads as what was written, and equal overlays have equal bytes", () => {
    fc.assert(
      fc.property(overlays, fc.infiniteStream(fc.nat()), (overlay, order) => {
        const bytes = encodeOverlay(overlay);
        expect(decodeOverlay(bytes, "overlay")).toEqual(overlay);
        const shuffled = [...overlay].toSorted(() => ((order.next().value ?? 0) % 3) - 1);
        expect(encodeOverlay(new Map(shuffled))).toEqual(bytes);
        expect(JSON.parse(new TextDecoder().decode(bytes))).toMatchObject({ format: 1 });
      }),
    );
  });

  it("is what it was from the beginning", () => {
    const stored =
      '{"format":1,"crc32":"cd020e01","documents":[{"id":"0123456789abcdef0123","revision":"0123456789abcdef01234567","metadata":{"kind":"é","year":"2025"}},{"id":"ffff","revision":"r","metadata":{}}]}';
    const overlay = new Map([
      ["ffff", { revision: "r", metadata: {} }],
      ["0123456789abcdef0123", { revision: "0123456789abcdef01234567", metadata: { year: "2025", kind: "é" } }],
    ]);
    expect(new TextDecoder().decode(encodeOverlay(overlay))).toBe(stored);
    expect(decodeOverlay(new TextEncoder().encode(stored), "overlay")).toEqual(overlay);
  });

  it("is refused, with a typed error, when anything of it was changed (10,000 cases)", () => {
    const intact = fc.sample(overlays, { seed: SEED, numRuns: 50 }).map((overlay) => encodeOverlay(overlay));
    const damage = fc.record({
      kind: fc.constantFrom("truncate", "flip", "insert", "remove", "repeat"),
      file: fc.nat(intact.length - 1),
      position: fc.double({ min: 0, max: 0.999_999, noNaN: true }),
      bit: fc.nat(7),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }),
    });
    let refused = 0;
    fc.assert(
      fc.property(damage, ({ kind, file, position, bit, bytes }) => {
        const before = intact[file] ?? new Uint8Array(0);
        const at = Math.floor(position * before.byteLength);
        const flipped = before.slice();
        flipped[at] = (flipped[at] ?? 0) ^ (1 << bit);
        const after = {
          truncate: before.subarray(0, at),
          flip: flipped,
          insert: Uint8Array.from([...before.subarray(0, at), ...bytes, ...before.subarray(at)]),
          remove: Uint8Array.from([...before.subarray(0, at), ...before.subarray(at + bytes.byteLength)]),
          repeat: Uint8Array.from([...before, ...before.subarray(at)]),
        }[kind];
        try {
          decodeOverlay(after, "overlay");
        } catch (error) {
          if (!(error instanceof MaxleafError)) throw error;
          expect(["corrupt_data", "unsupported_format_version"]).toContain(error.code);
          refused += 1;
          return;
        }
        throw new Error(`damage was not noticed: ${kind} at ${at} of ${before.byteLength}`);
      }),
      { seed: SEED, numRuns: 10_000 },
    );
    expect(refused).toBe(10_000);
  });

  it("is refused whatever JSON is in it, its checksum being right", () => {
    const forge = (text: string) => {
      const body = new TextEncoder().encode(text);
      const checksum = crc32(body).toString(16).padStart(8, "0");
      return new TextEncoder().encode(`{"format":1,"crc32":"${checksum}","documents":${text}}`);
    };
    const document = '{"id":"a","revision":"r","metadata":{"a":"b"}}';
    expect(decodeOverlay(forge(`[${document}]`), "overlay").size).toBe(1);
    const tooMany = JSON.stringify(Object.fromEntries(Array.from({ length: 33 }, (_, field) => [field, ""])));
    const bodies = [
      "{}",
      "[1]",
      "null",
      "",
      '[{"id":"a"}]',
      '[{"id":"a","revision":"r","metadata":{"a":1}}]',
      `[{"id":"a","revision":"r","metadata":${tooMany}}]`,
      `[${document},${document}]`,
      "[".repeat(1_000_000),
    ];
    for (const body of bodies) {
      const error = expect.objectContaining({ code: "corrupt_data" });
      expect(() => decodeOverlay(forge(body), `overlay of ${body.slice(0, 100)}`)).toThrow(error);
    }
  });

  it("says so when a later version wrote it", () => {
    const later = new TextDecoder().decode(encodeOverlay(new Map())).replace('"format":1', '"format":2');
    expect(() => decodeOverlay(new TextEncoder().encode(later), "overlay")).toThrow(
      expect.objectContaining({ code: "unsupported_format_version" }),
    );
  });

  it("never outgrows its limit, and says what helps", () => {
    const fits = filledTo(MAX_OVERLAY_BYTES * 0.9);
    expect(encodeOverlay(fits).byteLength).toBeLessThanOrEqual(MAX_OVERLAY_BYTES);
    const error = expect.objectContaining({
      code: "compaction_needed",
      message: expect.stringMatching(/maxleaf compact/),
    });
    expect(() => encodeOverlay(filledTo(MAX_OVERLAY_BYTES))).toThrow(error);
  });
});

describe("readOverlay and storeOverlay", () => {
  it("keep an overlay as an object that the manifest's entry names", async () => {
    const store = new MemoryStore();
    const overlay = new Map([["a", { revision: "r", metadata: { year: "2024" } }]]);
    const entry = await storeOverlay(store, INDEX, overlay);
    expect(await readOverlay(store, INDEX, entry)).toEqual(overlay);
    expect(await storeOverlay(store, INDEX, new Map())).toBeUndefined();
    expect(await readOverlay(store, INDEX, undefined)).toEqual(new Map());
  });

  it("refuse an object that is missing, or is not what the manifest says", async () => {
    const store = new MemoryStore();
    const entry = await storeOverlay(store, INDEX, new Map([["a", { revision: "r", metadata: {} }]]));
    if (entry === undefined) throw new Error("nothing was stored");
    const wrong = [
      { ...entry, bytes: entry.bytes + 1 },
      { ...entry, documents: 2 },
      { ...entry, bytes: MAX_OVERLAY_BYTES + 1 },
      { ...entry, id: "00000000" },
    ];
    for (const named of wrong) {
      await expect(readOverlay(store, INDEX, named)).rejects.toMatchObject({ code: "corrupt_data" });
    }
    await store.put(layout.overlay(INDEX, entry.id), new Uint8Array(MAX_OVERLAY_BYTES + 1));
    await expect(readOverlay(store, INDEX, entry)).rejects.toMatchObject({ code: "corrupt_data" });
  });
});

describe("applyOverlay", () => {
  it("changes the metadata of exactly the versions that are meant", () => {
    fc.assert(
      fc.property(documents, overlays, (entries, overlay) => {
        const applied = applyOverlay(entries, overlay);
        expect(applied).toHaveLength(entries.length);
        for (const [at, entry] of entries.entries()) {
          const said = overlay.get(entry.id);
          const isMeant = said !== undefined && said.revision === entry.revision;
          expect(applied[at]).toEqual({ ...entry, metadata: isMeant ? said.metadata : entry.metadata });
        }
      }),
    );
  });

  it("gives the same through an overlay without what is not live", () => {
    fc.assert(
      fc.property(documents, overlays, (entries, overlay) => {
        const live = liveOverlay(overlay, entries);
        expect(applyOverlay(entries, live)).toEqual(applyOverlay(entries, overlay));
        for (const [kept, { revision }] of live) {
          expect(entries.some((entry) => entry.id === kept && entry.revision === revision)).toBe(true);
        }
      }),
    );
  });
});
