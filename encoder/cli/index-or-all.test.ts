import { describe, expect, it } from "vitest";
import { encodeAlias } from "../../shared/format/aliases.ts";
import { layout } from "../../shared/store/layout.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { indexesOf, indexOrAll } from "./index-or-all.ts";

describe("indexOrAll", () => {
  it("takes one of the two", () => {
    expect(indexOrAll({ index: "reports" })).toBe("reports");
    expect(indexOrAll({ all: true })).toBeUndefined();
    for (const wrong of [{}, { index: "reports", all: true }]) {
      expect(() => indexOrAll(wrong)).toThrow(expect.objectContaining({ code: "invalid_request" }));
    }
  });
});

describe("indexesOf", () => {
  it("names those under which something is stored", async () => {
    const store = new MemoryStore();
    await expect(indexesOf(store, "a")).rejects.toThrow(/the bucket has none yet/);
    for (const name of ["b", "a"]) await store.put(layout.segment(name, "0000-dead"), new Uint8Array(1));
    expect(await indexesOf(store, undefined)).toEqual(["a", "b"]);
    expect(await indexesOf(store, "b")).toEqual(["b"]);
    await expect(indexesOf(store, "c")).rejects.toMatchObject({
      code: "index_not_found",
      message: 'there is no index "c"; there are a, b',
    });
  });

  it("follows an alias", async () => {
    const store = new MemoryStore();
    for (const name of ["a", "b"]) await store.put(layout.segment(name, "0000-dead"), new Uint8Array(1));
    await store.put(layout.alias("current"), encodeAlias({ index: "b", changedAtMs: 1 }));
    expect(await indexesOf(store, "current")).toEqual(["b"]);
    expect(await indexesOf(store, undefined)).toEqual(["a", "b"]);
  });
});
