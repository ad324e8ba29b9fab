/**
 * Maintenance as a task, of a real index in memory.
 */
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { layout } from "../../shared/store/layout.ts";
import { setAlias } from "../indexing/change-aliases.ts";
import { decorate, pagesOf, TestIndex } from "../indexing/testing-index.ts";
import { commitEach } from "../indexing/testing-maintenance.ts";
import { TaskBench } from "./testing-bench.ts";

let books: TestIndex;
let bench: TaskBench;
beforeEach(async () => {
  books = new TestIndex();
  bench = new TaskBench(books.store);
  await commitEach(await books.openWriter(), {
    a: pagesOf(1, 30),
    b: pagesOf(2, 40),
    c: pagesOf(3, 35),
    d: pagesOf(4, 20),
  });
});
afterEach(async () => {
  await books.close();
  await bench.close();
});

async function run(type: "index.compact" | "index.retrain", index = books.name) {
  const { id } = await bench.opened.store.create({ type, index });
  await bench.work();
  return await bench.read(id);
}

describe("a task of maintenance", () => {
  it("compacts an index, by an alias too, and does it again to no effect", async () => {
    await setAlias({ store: books.store }, { name: "library", index: books.name });
    expect((await books.manifest()).segments).toHaveLength(4);
    const { documents, ...task } = await run("index.compact", "library");
    expect([documents, task]).toMatchObject([undefined, { status: "succeeded", progress: 1, attempts: 1 }]);
    const compacted = await books.manifest();
    expect(compacted.segments).toHaveLength(1);
    expect(await run("index.compact")).toMatchObject({ status: "succeeded" });
    expect((await books.manifest()).version).toBe(compacted.version);
  });

  it("trains an index anew", async () => {
    const before = await books.manifest();
    expect(await run("index.retrain")).toMatchObject({ status: "succeeded", progress: 1 });
    const after = await books.manifest();
    expect(after.codebook?.id).not.toBe(before.codebook?.id);
    expect(await books.liveNames()).toHaveLength(4);
  });

  it("that is canceled changes nothing", async () => {
    const before = await books.manifest();
    const { id } = await bench.opened.store.create({ type: "index.compact", index: books.name });
    const isSegment = (key: string) => key.startsWith(layout.segment(books.name, ""));
    let isAsked = false;
    const store = decorate(books.store, {
      put: async (key, ...rest) => {
        if (isSegment(key) && !isAsked) {
          isAsked = true;
          await bench.opened.store.cancel(id);
          // The worker hears of it.
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        return await books.store.put(key, ...rest);
      },
    });
    await bench.work({ tasks: bench.open({ store }).runner });
    expect(isAsked).toBe(true);
    expect(await bench.read(id)).toMatchObject({ status: "canceled" });
    expect(await books.manifest()).toEqual(before);
  });
});
