import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { describeObjectStore } from "../../test/conformance/object-store.ts";
import { R2Store } from "./r2-store.ts";

describeObjectStore("R2 binding", { open: async () => ({ store: new R2Store(env.BUCKET) }) });

describe("R2 store", () => {
  it("deletes more keys than one call takes", async () => {
    const store = new R2Store(env.BUCKET);
    await store.put("many/0", Uint8Array.of(1));
    await store.put("many/1999", Uint8Array.of(1));
    await store.delete(Array.from({ length: 2_000 }, (_, index) => `many/${index}`));
    expect((await store.list("many/")).objects).toEqual([]);
  });

  it("reads again when the bucket fails, and gives up with a typed error", async () => {
    await new R2Store(env.BUCKET).put("flaky", Uint8Array.of(7));
    let failures = 1;
    const flaky = new Proxy(env.BUCKET, {
      get(bucket, property) {
        if (property === "head") return bucket.head.bind(bucket);
        return async (key: string) => {
          if (failures === 0) return await bucket.get(key);
          failures -= 1;
          throw new Error("get: We encountered an internal error. Please try again. (10001)");
        };
      },
    });
    const store = new R2Store(flaky);
    expect((await store.get("flaky"))?.bytes).toEqual(Uint8Array.of(7));
    failures = 100;
    await expect(store.get("flaky")).rejects.toMatchObject({ code: "store_unavailable" });
    await expect(store.get("flaky", { suffix: 1 })).rejects.toMatchObject({ code: "store_unavailable" });
  });
});
