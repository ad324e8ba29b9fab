import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { MaxleafError } from "../../shared/errors.ts";
import { MAX_UNCOMMITTED_MS } from "../../shared/limits.ts";
import { documentEntry } from "./testing.ts";
import { add, decorate, pagesOf, TestIndex } from "./testing-index.ts";

let books: TestIndex;
beforeEach(() => {
  books = new TestIndex();
});
afterEach(async () => await books.close());

describe("failures", () => {
  it("drop the document whose pages fail, and no other", async () => {
    const writer = await books.openWriter();
    await add(writer, "good", pagesOf(1, 20));
    const broken = async function* () {
      yield* pagesOf(2, 20);
      await Promise.resolve();
      throw new MaxleafError("file_unreadable", "page 2 is broken");
    };
    const entry = await documentEntry("bad", 2);
    await expect(writer.addDocument(entry, broken())).rejects.toMatchObject({ code: "file_unreadable" });
    expect(await writer.commit()).toMatchObject({ documents: 1, pages: 1 });
    expect(await books.liveNames()).toEqual(["good@0123456789abcdef"]);
  });

  it("keep the older version of a document whose newer one fails", async () => {
    const writer = await books.openWriter();
    await add(writer, "a", pagesOf(1, 20), "old");
    await writer.commit();
    await expect(writer.addDocument(await documentEntry("a", 3, "new"), pagesOf(2, 20))).rejects.toMatchObject({
      message: '"a" should have 3 pages but 1 were encoded',
    });
    expect(await writer.commit()).toBeUndefined();
    expect(await books.liveNames()).toEqual(["a@old"]);
  });

  it("refuse a document without pages and another recipe's index", async () => {
    const writer = await books.openWriter();
    await expect(writer.addDocument(await documentEntry("a", 0), [])).rejects.toMatchObject({ code: "file_empty" });
    await add(writer, "b", pagesOf(1, 5));
    await writer.commit();
    const other = books.openWriter({ recipe: { ...books.recipe, revision: "other" } });
    await expect(other).rejects.toThrow(/made by the recipe "test-words".*revision: "1" ≠ "other"/);
  });

  it("leave the old state after a crash at any write, and the documents for another commit", async () => {
    const setup = await books.openWriter();
    await add(setup, "a", pagesOf(1, 30), "old");
    await setup.commit();
    // A commit writes vectors, segment, manifest and CURRENT: it is stopped before each of the first three.
    for (let writes = 0; writes < 3; writes++) {
      const crashing = decorate(books.store, {
        put: async (...args) => {
          if (left-- === 0) throw new MaxleafError("store_unavailable", "the power is gone");
          return await books.store.put(...args);
        },
      });
      let left = writes;
      const writer = await books.openWriter({ store: crashing, retries: 0 });
      await add(writer, "a", pagesOf(2, 30), `new${writes}`);
      const before = await books.manifest();
      await expect(writer.commit()).rejects.toMatchObject({ code: "store_unavailable" });
      expect(await books.manifest()).toEqual(before);
      await books.segments();
      left = Infinity;
      expect(await writer.commit()).toMatchObject({ documents: 1, replaced: 1 });
      expect(await books.liveNames()).toEqual([`a@new${writes}`]);
    }
  });
});

describe("documents that waited too long for their commit", () => {
  it("are dropped, and those added later are committed", async () => {
    let nowMs = 1_700_000_000_000;
    const clock = { nowMs: () => nowMs, sleep: async () => await Promise.resolve() };
    const writer = await books.openWriter({ clock });
    await add(writer, "old", pagesOf(1, 20));
    nowMs += MAX_UNCOMMITTED_MS - 1_000;
    await add(writer, "young", pagesOf(2, 20));
    nowMs += 2_000;
    await expect(writer.commit()).rejects.toMatchObject({ code: "commit_expired" });
    expect(await writer.commit()).toMatchObject({ documents: 1, manifestVersion: 1 });
    expect(await books.liveNames()).toEqual(["young@0123456789abcdef"]);
    await add(writer, "old", pagesOf(1, 20));
    expect(await writer.commit()).toMatchObject({ documents: 1 });
    expect(await books.liveNames()).toHaveLength(2);
  });
});

describe("documents that waited too long and whose commit fails for another reason", () => {
  it("are not forgotten: the next commit says that they are too late", async () => {
    let nowMs = 1_700_000_000_000;
    const clock = { nowMs: () => nowMs, sleep: async () => await Promise.resolve() };
    let isAway = true;
    const store = decorate(books.store, {
      put: async (...args) => {
        if (isAway) throw new MaxleafError("store_unavailable", "it is away");
        return await books.store.put(...args);
      },
    });
    const writer = await books.openWriter({ clock, store });
    await add(writer, "old", pagesOf(1, 20));
    nowMs += MAX_UNCOMMITTED_MS + 1;
    await expect(writer.commit()).rejects.toMatchObject({ code: "store_unavailable" });
    isAway = false;
    await expect(writer.commit()).rejects.toMatchObject({ code: "commit_expired" });
    expect(await writer.commit()).toBeUndefined();
  });
});

describe("several writers at once", () => {
  it("all survive, though only one can train the codebook", async () => {
    const names = ["a", "b", "c", "d"];
    const all = await Promise.all(names.map(async () => await books.openWriter()));
    await Promise.all(
      names.map(async (name, at) => await add(all[at] ?? (await books.openWriter()), name, pagesOf(at, 40, 0))),
    );
    const reports = await Promise.all(all.map(async (writer) => await writer.commit()));
    expect(reports.filter((report) => report?.trained)).toHaveLength(1);
    expect(await books.liveNames()).toEqual(names.map((name) => `${name}@0123456789abcdef`));
    const segments = await books.segments();
    for (const segment of segments) expect(await segment.readCodes([0])).toHaveLength(1);
    // What was coded under a codebook that lost is gone.
    expect((await books.store.list(`indexes/${books.name}/codebooks/`)).objects).toHaveLength(1);
    expect((await books.store.list(`indexes/${books.name}/segments/`)).objects).toHaveLength(2 * names.length);
  });

  it("leave one version of a document that both replace", async () => {
    const [first, second] = [await books.openWriter(), await books.openWriter()];
    await add(first, "a", pagesOf(1, 20), "zero");
    await first.commit();
    await add(first, "a", pagesOf(2, 20), "one");
    await add(second, "a", pagesOf(3, 20), "two");
    await Promise.all([first.commit(), second.commit()]);
    const names = await books.liveNames();
    expect(names).toHaveLength(1);
    expect(["a@one", "a@two"]).toContain(names[0]);
  });

  it("may share one writer", async () => {
    const writer = await books.openWriter();
    const names = ["a", "b", "c", "d", "e", "f"];
    await Promise.all(
      names.map(async (name, seed) => {
        await add(writer, name, pagesOf(seed, 20, 10));
        await writer.commit();
      }),
    );
    expect(await writer.commit()).toBeUndefined();
    expect(await books.liveNames()).toEqual(names.map((name) => `${name}@0123456789abcdef`));
  });
});
