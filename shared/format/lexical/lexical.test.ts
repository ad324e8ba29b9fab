import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { layout } from "../../store/layout.ts";
import { MemoryStore } from "../../store/memory-store.ts";
import { INVERTED_ID, openStoredLexical, putInverted } from "../testing/stored-inverted.ts";
import { lexicalContent, readLexical } from "../testing/stored-lexical.ts";
import { INDEX, openStored, putSegment } from "../testing/stored-segment.ts";
import { identity, uniformInput } from "../testing/uniform-segment.ts";
import { BlockWriter, LEXICAL_BLOCK_BYTES, postingsIn } from "./blocks.ts";
import { lexicalOf } from "./lexical-of-segment.ts";
import { decodePostings, PostingsWriter } from "./postings.ts";
import { hashTerm, murmur3 } from "./term-hash.ts";
import { encodeLexicalTable, LexicalTable, MAX_PAGE_TERMS } from "./table.ts";

const SEED = 20_261_125;
const cells = { offsets: Uint32Array.of(0, 256, 512) };

/** Segments whose pages have these texts. */
function inputOf(texts: readonly string[]) {
  const input = uniformInput(texts.length, 1, 2);
  const pages = input.pages.map((page, i) => ({ ...page, page: { ...page.page, text: texts[i] ?? "" } }));
  return { ...input, pages };
}

// A small vocabulary, so that pages share terms.
const word = fc.oneof(
  fc.constantFrom("the", "sales", "of", "2023", "東京都", "Straße", "—"),
  fc.string({ unit: "grapheme" }),
);
const text = fc.array(word, { maxLength: 30 }).map((words) => words.join(" "));
const texts = fc.array(text, { minLength: 1, maxLength: 12 });

describe("postings", () => {
  it("come back as they were", () => {
    const postings = fc
      .uniqueArray(fc.nat(0x7fff_ffff), { maxLength: 40 })
      .map((pages) => pages.toSorted((a, b) => a - b));
    fc.assert(
      fc.property(
        postings,
        fc.array(fc.integer({ min: 1, max: 0xffff_ffff }), { minLength: 40, maxLength: 40 }),
        (pages, counts) => {
          const writer = new PostingsWriter();
          for (const [i, page] of pages.entries()) writer.add(page, counts[i] ?? 1);
          const decoded = decodePostings(writer.finish(), 0x8000_0000, "postings");
          expect([...decoded.pages]).toEqual(pages);
          expect([...decoded.counts]).toEqual(counts.slice(0, pages.length));
        },
      ),
      { seed: SEED },
    );
  });

  it.each([
    ["a page that is not there", [2 * 20 + 1]],
    ["a count that should be a bit", [0, 1]],
    ["a count of none", [0, 0]],
    ["a missing count", [0]],
    ["a varint cut short", [0x80]],
  ])("with %s are refused", (_, bytes) => {
    expect(() => decodePostings(Uint8Array.from(bytes), 20, "postings")).toThrow(
      expect.objectContaining({ code: "corrupt_data" }),
    );
  });
});

describe("hashTerm", () => {
  // Verified values of MurmurHash3_x86_32: https://stackoverflow.com/a/31929528 (test vectors by Ian Boyd).
  it.each([
    ["", 0, 0],
    ["", 1, 0x514e_28b7],
    ["", 0xffff_ffff, 0x81f1_6f39],
    ["test", 0, 0xba6b_d213],
    ["test", 0x9747_b28c, 0x704b_81dc],
    ["Hello, world!", 0, 0xc036_3e43],
    ["Hello, world!", 0x9747_b28c, 0x2488_4cba],
    ["The quick brown fox jumps over the lazy dog", 0x9747_b28c, 0x2fa8_26cd],
  ])("is MurmurHash3 of %j with seed %d", (term, seed, hash) => {
    expect(murmur3(new TextEncoder().encode(term), seed)).toBe(hash);
  });

  it("has the halves in their order", () => {
    expect(hashTerm("test")).toBe(0x704b_81dc_ba6b_d213n);
  });
});

describe("blocks", () => {
  it("are closed when they are full; what is larger has its own", () => {
    const writer = new BlockWriter(3 * LEXICAL_BLOCK_BYTES);
    const sizes = [5_000, 3_300, 100, 40_000, 1, 1];
    for (const [i, size] of sizes.entries()) writer.add(BigInt(i + 1), new Uint8Array(size).fill(i + 1));
    const parts = writer.finish();
    expect(parts.map(({ rows }) => rows.map(({ firstHash }) => Number(firstHash)))).toEqual([[1, 2], [4], [5]]);
    const table = new LexicalTable(
      encodeLexicalTable(
        parts.map(({ rows }) => rows),
        [],
      ),
      { pageCount: 0, partBytes: parts.map(({ bytes }) => bytes.byteLength) },
      "table",
    );
    for (const [i, size] of sizes.entries()) {
      const { part, offset, length } = table.extentOf(table.blockOf(BigInt(i + 1)) ?? -1);
      const block = parts[part]?.bytes.subarray(offset, offset + length) ?? new Uint8Array(0);
      expect(postingsIn(block, BigInt(i + 1), "block")).toEqual(new Uint8Array(size).fill(i + 1));
      expect(postingsIn(block, 100n, "block")).toBeUndefined();
    }
    expect(table.blockOf(0n)).toBeUndefined();
    expect(table.blockOf(1_000n)).toBe(3);
  });

  it("are refused out of order", () => {
    const writer = new BlockWriter(1_000);
    writer.add(5n, new Uint8Array(1));
    expect(() => writer.add(5n, new Uint8Array(1))).toThrow(expect.objectContaining({ code: "internal" }));
  });
});

describe("the lexical index of a segment", () => {
  it("has the terms of every page, whatever its text is", async () => {
    await fc.assert(
      fc.asyncProperty(texts, async (pageTexts) => {
        const store = new MemoryStore();
        await putSegment(store, inputOf(pageTexts));
        const { lexical } = await openStored(store, identity);
        if (lexical === undefined) throw new Error("the segment has no lexical index");
        expect(await readLexical(lexical)).toEqual(lexicalContent(pageTexts));
      }),
      { seed: SEED, numRuns: 60 },
    );
  });

  it("can be made of the texts of a segment that has none", async () => {
    await fc.assert(
      fc.asyncProperty(texts, async (pageTexts) => {
        const store = new MemoryStore();
        await putSegment(store, inputOf(pageTexts));
        const segment = await openStored(store, identity);
        const { id, pageCount } = segment;
        const readLayouts = async (pages: readonly number[]) => await segment.readLayouts(pages);
        const made = await lexicalOf({ id, pageCount, lexical: undefined, readLayouts });
        expect(await readLexical(made)).toEqual(lexicalContent(pageTexts));
      }),
      { seed: SEED, numRuns: 20 },
    );
  });

  it("counts a page of a million words as one of 65,535", async () => {
    const store = new MemoryStore();
    await putSegment(store, inputOf(["word ".repeat(1_000_000), "word"]));
    const { lexical } = await openStored(store, identity);
    expect(lexical?.lengths).toEqual(Uint16Array.of(MAX_PAGE_TERMS, 1));
    if (lexical === undefined) throw new Error("the segment has no lexical index");
    expect((await readLexical(lexical)).terms.get(hashTerm("word"))).toEqual([
      [0, 1_000_000],
      [1, 1],
    ]);
  });
});

describe("the lexical index of an inverted file", () => {
  it("is that of one segment with all pages, however little is held and however small its parts are", async () => {
    const sizes = fc.record({ maxPartBytes: fc.constantFrom(1, 200, 1_000_000) });
    await fc.assert(
      fc.asyncProperty(fc.array(texts, { minLength: 1, maxLength: 5 }), sizes, async (segments, limits) => {
        const store = new MemoryStore();
        const entry = await putInverted(store, segments.map(inputOf), { identity, cells, ...limits });
        const lexical = await openStoredLexical(store, entry, identity);
        expect(await readLexical(lexical)).toEqual(lexicalContent(segments.flat()));
      }),
      { seed: SEED, numRuns: 40 },
    );
  });

  it("is refused when a byte of it was changed", async () => {
    const store = new MemoryStore();
    const entry = await putInverted(store, [inputOf(["sales of 2023", "the sales"]), inputOf(["2023"])], {
      identity,
      cells,
    });
    const keys = [layout.lexical(INDEX, INVERTED_ID), layout.lexicalPart(INDEX, INVERTED_ID, 0)];
    const unnoticed: string[] = [];
    for (const key of keys) {
      const intact = (await store.get(key))?.bytes ?? new Uint8Array(0);
      for (let at = 0; at < intact.byteLength; at++) {
        const damaged = intact.slice();
        damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8));
        await store.put(key, damaged);
        const code = await openStoredLexical(store, entry, identity)
          .then(readLexical)
          .then(
            () => undefined,
            (error: { code?: string }) => error.code,
          );
        if (code === undefined) unnoticed.push(`${key === keys[0] ? "head" : "part"} ${at}`);
        else expect(["corrupt_data", "unsupported_format_version", "recipe_mismatch"]).toContain(code);
      }
      await store.put(key, intact);
    }
    expect(unnoticed).toEqual([8, 9, 10, 11, 12, 13, 14, 15].map((at) => `head ${at}`));
  });

  it("is refused when it is not the one that the manifest names", async () => {
    const store = new MemoryStore();
    const entry = await putInverted(store, [inputOf(["sales"])], { identity, cells });
    const lexical = entry.lexical ?? { bytes: 0, parts: [] };
    const wrong = [
      { ...entry, pageCount: 2 },
      { ...entry, lexical: { ...lexical, bytes: lexical.bytes + 1 } },
      { ...entry, lexical: { ...lexical, bytes: 0xffff_ffff } },
      { ...entry, lexical: { ...lexical, parts: [...lexical.parts, 1] } },
      { ...entry, id: "0badbadb" },
    ];
    for (const given of wrong) {
      await expect(openStoredLexical(store, given, identity)).rejects.toMatchObject({ code: "corrupt_data" });
    }
    await expect(openStoredLexical(store, entry, { ...identity, dim: 32 })).rejects.toMatchObject({
      code: "recipe_mismatch",
    });
  });
});
