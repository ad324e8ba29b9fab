import { expect, it } from "vitest";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { add, pagesOf, TestIndex } from "../indexing/testing-index.ts";
import { parseBucketEvents } from "./bucket-events.ts";
import { IndexMap } from "./index-map.ts";
import { scanBuckets } from "./scan.ts";

it("sends every object of a mapped prefix and every document without its object, once", async () => {
  const index = new TestIndex();
  const bucket = new MemoryStore();
  const keys = Array.from({ length: 23 }, (_, at) => `docs/${at} +%ä.pdf`);
  for (const key of [...keys, "docs/notes.txt", "docs/own/1.pdf", "docs.pdf"]) await bucket.put(key, Uint8Array.of(1));
  const sent: string[][] = [];
  const queue = { send: async (bodies: readonly string[]) => void sent.push([...bodies]) };
  const scan = async (signal = new AbortController().signal) =>
    await scanBuckets({
      queue,
      map: IndexMap.parse([`b/docs=${index.name}`, "b/docs/own=own"]),
      source: () => bucket,
      store: index.store,
      signal,
    });
  expect(await scan()).toBe(24);
  expect(sent.every((bodies) => bodies.length <= 10)).toBe(true);
  const events = sent.flat().flatMap(parseBucketEvents);
  expect(events.map(({ key }) => key).toSorted()).toEqual([...keys, "docs/own/1.pdf"].toSorted());
  expect(events.every(({ kind, bucket: name }) => kind === "created" && name === "b")).toBe(true);

  const writer = await index.openWriter();
  for (const name of ["0 +%ä.pdf", "gone.pdf"]) await add(writer, name, pagesOf(1, 20));
  await writer.commit();
  await index.close();
  sent.length = 0;
  expect(await scan()).toBe(25);
  const removed = sent
    .flat()
    .flatMap(parseBucketEvents)
    .filter(({ kind }) => kind === "removed");
  expect(removed).toMatchObject([{ bucket: "b", key: "docs/gone.pdf" }]);
  expect(await scan(AbortSignal.abort())).toBe(0);
});
