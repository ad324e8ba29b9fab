/**
 * What every object store must do, as one suite: run over memory, a folder, a real S3 server and, inside workerd, the R2
 * binding.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { MaxleafError } from "../../shared/errors.ts";
import type { ListOptions, ListPage, ObjectStore } from "../../shared/store/object-store.ts";

export interface ConformanceOptions {
  /** A store with nothing in it, and how to end it. */
  open: () => Promise<{ store: ObjectStore; close?: () => Promise<void> }>;
  /** False for a store that cannot keep content types. */
  keepsContentTypes?: boolean;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);
const TEN_BYTES = Uint8Array.of(0, 1, 2, 3, 4, 5, 6, 7, 8, 255);

/** Declares the suite for the store called `name`. */
export function describeObjectStore(name: string, { open, keepsContentTypes = true }: ConformanceOptions): void {
  describe(`object store: ${name}`, () => {
    let store: ObjectStore;
    let close: (() => Promise<void>) | undefined;
    beforeAll(async () => {
      ({ store, close } = await open());
    });
    afterAll(async () => await close?.());

    const failure = (code: MaxleafError["code"]) => expect.objectContaining({ name: "MaxleafError", code });

    describe("get and put", () => {
      it("gives back what was put, with size and ETag", async () => {
        const { etag } = await store.put("whole/a", TEN_BYTES);
        expect(await store.get("whole/a")).toMatchObject({ bytes: TEN_BYTES, size: 10, etag });
      });

      it("gives undefined for an absent key, whole and by range", async () => {
        expect(await store.get("whole/absent")).toBeUndefined();
        expect(await store.get("whole/absent", { suffix: 5 })).toBeUndefined();
        expect(await store.get("whole/absent", { offset: 0, length: 5 })).toBeUndefined();
      });

      it("keeps an empty object", async () => {
        await store.put("whole/empty", new Uint8Array(0));
        expect(await store.get("whole/empty")).toMatchObject({ bytes: new Uint8Array(0), size: 0 });
        expect(await store.get("whole/empty", { suffix: 8 })).toMatchObject({ bytes: new Uint8Array(0), size: 0 });
      });

      it("keeps every byte value of a larger object", async () => {
        const large = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 31 + (index >> 8)) & 0xff);
        await store.put("whole/large", large);
        const read = await store.get("whole/large");
        expect(read?.size).toBe(large.byteLength);
        // Not toEqual, which takes seconds for so many elements.
        expect(read?.bytes.every((byte, index) => byte === large[index])).toBe(true);
      });

      it("writes the part of a buffer that it was given", async () => {
        await store.put("whole/view", TEN_BYTES.subarray(2, 5));
        expect((await store.get("whole/view"))?.bytes).toEqual(Uint8Array.of(2, 3, 4));
      });

      it("keeps the content type, or gives none", async () => {
        await store.put("whole/typed", TEN_BYTES, { contentType: "image/webp" });
        expect((await store.get("whole/typed"))?.contentType).toBe(keepsContentTypes ? "image/webp" : undefined);
      });

      it("replaces an object, with another ETag", async () => {
        const first = await store.put("whole/replaced", bytesOf("first"));
        const second = await store.put("whole/replaced", bytesOf("second"));
        expect(second.etag).not.toBe(first.etag);
        expect((await store.get("whole/replaced"))?.bytes).toEqual(bytesOf("second"));
      });
    });

    describe("ranges", () => {
      const key = "ranges/ten";
      beforeAll(async () => {
        await store.put(key, TEN_BYTES);
      });

      it.each([
        [{ offset: 0, length: 10 }, TEN_BYTES],
        [{ offset: 0, length: 1 }, TEN_BYTES.subarray(0, 1)],
        [{ offset: 3, length: 4 }, TEN_BYTES.subarray(3, 7)],
        [{ offset: 9, length: 1 }, TEN_BYTES.subarray(9)],
        [{ suffix: 1 }, TEN_BYTES.subarray(9)],
        [{ suffix: 10 }, TEN_BYTES],
        [{ suffix: 1_000_000 }, TEN_BYTES],
      ])("gives %o of ten bytes and the whole size", async (range, expected) => {
        const read = await store.get(key, range);
        expect(read?.bytes).toEqual(expected);
        expect(read?.size).toBe(10);
      });

      it.each([
        { offset: 8, length: 3 },
        { offset: 10, length: 1 },
        { offset: 4_000_000_000, length: 5 },
      ])("refuses %o of ten bytes", async (range) => {
        await expect(store.get(key, range)).rejects.toEqual(failure("corrupt_data"));
      });
    });

    describe("conditions", () => {
      it("creates only where nothing is", async () => {
        await store.put("conditions/new", bytesOf("mine"), { onlyIf: "absent" });
        await expect(store.put("conditions/new", bytesOf("yours"), { onlyIf: "absent" })).rejects.toEqual(
          failure("precondition_failed"),
        );
        expect((await store.get("conditions/new"))?.bytes).toEqual(bytesOf("mine"));
      });

      it("replaces only the version that was read", async () => {
        const { etag } = await store.put("conditions/version", bytesOf("one"));
        const second = await store.put("conditions/version", bytesOf("two"), { onlyIf: { etag } });
        await expect(store.put("conditions/version", bytesOf("three"), { onlyIf: { etag } })).rejects.toEqual(
          failure("precondition_failed"),
        );
        const read = await store.get("conditions/version");
        expect(read).toMatchObject({ bytes: bytesOf("two"), etag: second.etag });
      });

      it("replaces nothing where nothing is", async () => {
        const { etag } = await store.put("conditions/gone", bytesOf("one"));
        await store.delete(["conditions/gone"]);
        await expect(store.put("conditions/gone", bytesOf("two"), { onlyIf: { etag } })).rejects.toEqual(
          failure("precondition_failed"),
        );
        expect(await store.get("conditions/gone")).toBeUndefined();
      });

      it("lets exactly one of twelve writers create a key", async () => {
        const writers = Array.from({ length: 12 }, (_, index) => index);
        const attempts = await Promise.allSettled(
          writers.map(async (writer) => {
            await store.put("conditions/race", Uint8Array.of(writer), { onlyIf: "absent" });
            return writer;
          }),
        );
        const winners = attempts.flatMap((attempt) => (attempt.status === "fulfilled" ? attempt.value : []));
        const errors = attempts.flatMap((attempt) =>
          attempt.status === "rejected" ? [attempt.reason as unknown] : [],
        );
        expect(winners).toHaveLength(1);
        expect(errors).toEqual(Array.from({ length: 11 }, () => failure("precondition_failed")));
        expect((await store.get("conditions/race"))?.bytes).toEqual(Uint8Array.from(winners));
      });
    });

    describe("delete", () => {
      it("removes what is there and does not mind what is not", async () => {
        await store.put("delete/a", TEN_BYTES);
        await store.put("delete/b", TEN_BYTES);
        await store.delete(["delete/a", "delete/absent", "delete/b"]);
        expect((await store.list("delete/")).objects).toEqual([]);
        expect(await store.get("delete/a")).toBeUndefined();
      });

      it("does nothing for no keys", async () => {
        await expect(store.delete([])).resolves.toBeUndefined();
      });
    });

    describe("list", () => {
      const keys = ["list/a", "list/b/1", "list/b/2", "list/c", "list/d/x/1", "list/e-e", "list/e/f"];
      beforeAll(async () => {
        for (const key of [...keys, "list-other/a"]) await store.put(key, bytesOf(key));
      });

      it("gives keys under a prefix in order, with size, ETag and time", async () => {
        const { objects, prefixes, cursor } = await store.list("list/");
        expect(objects.map((object) => object.key)).toEqual(keys);
        expect([prefixes, cursor]).toEqual([[], undefined]);
        const [first] = objects;
        expect(first).toMatchObject({ size: 6, etag: (await store.get("list/a"))?.etag });
        // Within a day of now: seconds would be off by a factor of a thousand.
        expect(Math.abs((first?.lastModifiedMs ?? 0) - Date.now())).toBeLessThan(24 * 60 * 60 * 1000);
      });

      it("gives a prefix that is no folder", async () => {
        const { objects } = await store.list("list/b/");
        expect(objects.map((object) => object.key)).toEqual(["list/b/1", "list/b/2"]);
        expect((await store.list("list/e")).objects.map((object) => object.key)).toEqual(["list/e-e", "list/e/f"]);
        expect((await store.list("list/nothing")).objects).toEqual([]);
      });

      it.each([1, 2, 3, 7])("gives every key once in pages of %i", async (limit) => {
        const pages = await listAll("list/", { limit });
        expect(pages.flatMap((page) => page.objects.map((object) => object.key))).toEqual(keys);
        expect(pages.every((page) => page.objects.length <= limit)).toBe(true);
      });

      it.each([1, 2, 1_000])("gives folders as prefixes in pages of %i", async (limit) => {
        const pages = await listAll("list/", { limit, delimiter: "/" });
        expect(pages.flatMap((page) => page.objects.map((object) => object.key))).toEqual([
          "list/a",
          "list/c",
          "list/e-e",
        ]);
        expect(pages.flatMap((page) => page.prefixes)).toEqual(["list/b/", "list/d/", "list/e/"]);
      });

      async function listAll(prefix: string, options: ListOptions): Promise<ListPage[]> {
        const pages: ListPage[] = [];
        let cursor: string | undefined;
        do {
          const page = await store.list(prefix, { ...options, ...(cursor !== undefined && { cursor }) });
          pages.push(page);
          cursor = page.cursor;
          // A cursor that leads nowhere must fail the test, not run for ever.
          if (pages.length > 20) throw new Error("the listing does not end");
        } while (cursor !== undefined);
        return pages;
      }
    });
  });
}
