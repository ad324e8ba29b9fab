import { describe, expect, it } from "vitest";
import { CountingStore } from "./counting-store.ts";
import { MemoryStore } from "./memory-store.ts";

describe("counting store", () => {
  it("counts calls and bytes, misses included", async () => {
    const store = new CountingStore(new MemoryStore());
    await store.put("a", new Uint8Array(10));
    await store.get("a");
    await store.get("a", { suffix: 3 });
    await store.get("absent");
    await store.list("");
    await store.delete(["a", "b"]);
    expect(store.counts).toEqual({
      gets: 3,
      bytesRead: 13,
      cachedGets: 0,
      puts: 1,
      bytesWritten: 10,
      lists: 1,
      deletes: 2,
      serialReadWaves: 4,
    });
  });

  it("takes reads side by side for one wave, and reads after another for more", async () => {
    const store = new CountingStore(new MemoryStore());
    await Promise.all([store.get("a"), store.get("b"), store.get("c")]);
    expect(store.counts.serialReadWaves).toBe(1);
    await Promise.all([store.get("a"), store.get("b").then(() => store.get("c"))]);
    expect(store.counts.serialReadWaves).toBe(3);
  });

  it("counts a failed read as one that others waited for", async () => {
    const store = new CountingStore(new MemoryStore());
    await store.put("a", new Uint8Array(1));
    await expect(store.get("a", { offset: 5, length: 5 })).rejects.toMatchObject({ code: "corrupt_data" });
    await store.get("a");
    expect(store.counts).toMatchObject({ gets: 2, bytesRead: 1, serialReadWaves: 2 });
  });
});
