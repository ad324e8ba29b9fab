import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { MaxleafError } from "../errors.ts";
import { MAX_ALIAS_BYTES } from "../limits.ts";
import { recipeFingerprint } from "../recipe/fingerprint.ts";
import { testRecipe } from "../recipe/testing.ts";
import { CountingStore } from "../store/counting-store.ts";
import { layout } from "../store/layout.ts";
import { MemoryStore } from "../store/memory-store.ts";
import {
  encodeAlias,
  encodeRemovedAlias,
  listAliases,
  readAlias,
  readAliasObject,
  requireNoAlias,
  resolveIndexName,
} from "./aliases.ts";
import { commitManifest } from "./manifest-store.ts";

const recipe = testRecipe({ dim: 16 });

let store: MemoryStore;

beforeEach(() => {
  store = new MemoryStore();
});

async function createIndex(index: string, droppedAtMs?: number): Promise<void> {
  const fingerprint = await recipeFingerprint(recipe);
  const dropped = droppedAtMs === undefined ? {} : { droppedAtMs };
  await commitManifest(store, index, () => ({ recipe, recipeFingerprint: fingerprint, segments: [], ...dropped }));
}

async function lead(name: string, index: string, changedAtMs = 7): Promise<void> {
  await store.put(layout.alias(name), encodeAlias({ index, changedAtMs }));
}

describe("resolveIndexName", () => {
  it("gives where an alias leads", async () => {
    await createIndex("reports-2");
    await lead("reports", "reports-2");
    expect(await resolveIndexName(store, "reports")).toBe("reports-2");
  });

  it("gives the name of an index, after one read", async () => {
    await createIndex("reports");
    const counting = new CountingStore(store);
    expect(await resolveIndexName(counting, "reports")).toBe("reports");
    expect(counting.counts).toMatchObject({ gets: 1, lists: 0 });
  });

  it("gives a name whose alias was removed, which an index may take", async () => {
    await createIndex("reports-2");
    await store.put(layout.alias("reports"), encodeRemovedAlias({ changedAtMs: 8 }));
    expect(await resolveIndexName(store, "reports")).toBe("reports");
    expect(await readAlias(store, "reports")).toBeUndefined();
    expect(await readAliasObject(store, "reports")).toMatchObject({ alias: undefined, etag: expect.any(String) });
    await requireNoAlias(store, "reports");
  });

  it("gives a name that nothing has", async () => {
    expect(await resolveIndexName(store, "nothing")).toBe("nothing");
  });

  it("prefers an index to an alias, but not one that was dropped", async () => {
    await createIndex("reports");
    await lead("reports", "reports-2");
    expect(await resolveIndexName(store, "reports")).toBe("reports");
    await createIndex("reports", 5);
    expect(await resolveIndexName(store, "reports")).toBe("reports-2");
  });

  it("does not follow an alias to an alias", async () => {
    await lead("a", "b");
    await lead("b", "c");
    expect(await resolveIndexName(store, "a")).toBe("b");
  });

  it("makes no key of what is no name", async () => {
    const counting = new CountingStore(store);
    await expect(resolveIndexName(counting, "../secrets")).rejects.toMatchObject({ code: "invalid_name" });
    expect(counting.counts.gets).toBe(0);
  });
});

describe("listAliases", () => {
  it("gives all, by name, and leaves out what is no alias", async () => {
    for (const name of ["b", "a", "c"]) await lead(name, `${name}-1`, 9);
    await store.put("aliases/No Name", new Uint8Array(3));
    await store.put(layout.alias("d"), encodeRemovedAlias({ changedAtMs: 9 }));
    expect(await listAliases(store)).toEqual(
      ["a", "b", "c"].map((name) => ({ name, index: `${name}-1`, changedAtMs: 9 })),
    );
  });
});

describe("an alias' object", () => {
  it("says what is wrong with it", async () => {
    const put = async (text: string) => await store.put(layout.alias("a"), new TextEncoder().encode(text));
    const problem = async () => await readAlias(store, "a").catch((error: unknown) => error);
    for (const text of ["", "{", "null", "[]", '{"format":1}', '{"format":1,"index":"../b","changedAtMs":1}']) {
      await put(text);
      expect(await problem()).toMatchObject({ code: "corrupt_data", message: expect.stringContaining('alias "a"') });
    }
    await put(JSON.stringify({ format: 1, index: "b", changedAtMs: 1, extra: "x".repeat(MAX_ALIAS_BYTES) }));
    expect(await problem()).toMatchObject({ code: "corrupt_data", message: expect.stringMatching(/has \d+ bytes/) });
    await put(JSON.stringify({ format: 2, target: "b" }));
    expect(await problem()).toMatchObject({ code: "unsupported_format_version" });
  });

  it("is an alias or a typed error, whatever its bytes are", async () => {
    const changedAtMs = 1_700_000_000_000;
    const damaged = fc.oneof(
      fc.uint8Array({ maxLength: 600 }),
      ...[encodeAlias({ index: "reports-2", changedAtMs }), encodeRemovedAlias({ changedAtMs })].flatMap((whole) => [
        fc.record({ at: fc.nat(whole.length - 1), bits: fc.integer({ min: 1, max: 255 }) }).map(({ at, bits }) => {
          const bytes = whole.slice();
          bytes[at] = (bytes[at] ?? 0) ^ bits;
          return bytes;
        }),
        fc.nat(whole.length).map((length) => whole.slice(0, length)),
      ]),
    );
    await fc.assert(
      fc.asyncProperty(damaged, async (bytes) => {
        await store.put(layout.alias("a"), bytes);
        try {
          const alias = await readAlias(store, "a");
          if (alias !== undefined) expect(alias.index).toMatch(/^[a-z0-9][a-z0-9_-]*$/);
        } catch (error) {
          expect(error).toBeInstanceOf(MaxleafError);
          expect(error).toMatchObject({ code: expect.stringMatching(/^(corrupt_data|unsupported_format_version)$/) });
        }
      }),
      { numRuns: 500 },
    );
  });

  it("takes its name from an index to be made", async () => {
    await requireNoAlias(store, "a");
    await lead("a", "b");
    await expect(requireNoAlias(store, "a")).rejects.toMatchObject({
      code: "name_taken",
      message: '"a" is an alias of the index "b"',
    });
  });
});
