import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { S3Store } from "../../encoder/storage/s3-store.ts";
import { type LocalBucket, startLocalBucket } from "./local-bucket.ts";
import { describeObjectStore } from "./object-store.ts";

let bucket: LocalBucket;
beforeAll(async () => {
  bucket = await startLocalBucket();
});
afterAll(async () => await bucket.stop());

describeObjectStore("S3 (local R2 endpoint)", {
  open: async () => {
    const store = new S3Store(bucket.options);
    return { store, close: async () => store.close() };
  },
});

describe("S3 store", () => {
  it("says that credentials are refused, without showing them", async () => {
    const credentials = { accessKeyId: "someone", secretAccessKey: "wrong-secret" };
    const store = new S3Store({ ...bucket.options, credentials });
    const error: unknown = await store.get("whole/a").catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "store_unavailable",
      message: expect.stringMatching(/refused the credentials/),
    });
    expect(String(error)).not.toContain("wrong-secret");
  });

  it("says that a bucket does not exist instead of taking its objects for absent", async () => {
    const store = new S3Store({ ...bucket.options, bucket: "no-such-bucket" });
    await expect(store.get("whole/a")).rejects.toMatchObject({ code: "store_unavailable" });
    await expect(store.list("whole/")).rejects.toMatchObject({ code: "store_unavailable" });
  });

  it("says that nobody answers", async () => {
    const store = new S3Store({ ...bucket.options, endpoint: "http://127.0.0.1:1" });
    await expect(store.get("whole/a")).rejects.toMatchObject({ code: "store_unavailable" });
    await expect(store.put("whole/a", Uint8Array.of(1))).rejects.toMatchObject({ code: "store_unavailable" });
  });

  it("deletes more keys than one request takes", async () => {
    const store = new S3Store(bucket.options);
    await store.put("many/0", Uint8Array.of(1));
    await store.put("many/1999", Uint8Array.of(1));
    await store.delete(Array.from({ length: 2_000 }, (_, index) => `many/${index}`));
    expect((await store.list("many/")).objects).toEqual([]);
  });

  it("presigns an upload of just that file, until it expires", async () => {
    const store = new S3Store(bucket.options);
    const file = { bytes: 5, contentType: "application/pdf", expiresInSeconds: 60 };
    const { url, headers } = await store.presignPut("signed/a", file);
    const put = async (to: string, body: string, sent = headers) =>
      (await fetch(to, { method: "PUT", headers: sent, body })).status;
    expect(await put(url, "longer")).toBe(403);
    expect(await put(url, "hello", { "content-type": "text/html" })).toBe(403);
    expect(await put(url.replace("signed/a", "signed/b"), "hello")).toBe(403);
    expect((await fetch(url)).status).toBe(403);
    expect((await store.list("signed/")).objects).toEqual([]);
    expect(await put(url, "hello")).toBe(200);
    const stored = await store.get("signed/a");
    expect(new TextDecoder().decode(stored?.bytes)).toBe("hello");
    expect(stored?.contentType).toBe("application/pdf");
    const { url: past } = await store.presignPut("signed/c", { ...file, expiresInSeconds: 1 });
    await expect.poll(async () => await put(past, "hello"), { timeout: 10_000, interval: 500 }).toBe(403);
  });
});
