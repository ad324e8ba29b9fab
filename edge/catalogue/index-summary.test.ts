import { expect, it } from "vitest";
import { addSegment, createRandomIndex, deleteDocument } from "../../shared/engine/testing/random-index.ts";
import { documentIdOf } from "../../shared/names.ts";
import { seededRandom } from "../../shared/seeded-random.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { summarizeIndex } from "./index-summary.ts";

it("counts a document larger than a segment once, before and after another one is deleted", async () => {
  const store = new MemoryStore();
  const shape = { dim: 16, subspaces: 4, centroidCount: 20 };
  const index = await createRandomIndex(store, "library", shape, seededRandom(5));
  await addSegment(index, [
    { name: "before.pdf", pages: [4] },
    { name: "long.pdf", pages: [5, 0, 6] },
  ]);
  await addSegment(index, [{ name: "long.pdf", firstPage: 4, pages: [7, 8, 9] }]);
  const manifest = await addSegment(index, [
    { name: "long.pdf", firstPage: 7, pages: [1] },
    { name: "after.pdf", pages: [4] },
  ]);
  expect(await summarizeIndex(store, manifest)).toMatchObject({ documents: 3, pages: 9, searchablePages: 8 });
  const later = await deleteDocument(index, await documentIdOf("after.pdf"));
  expect(await summarizeIndex(store, later)).toMatchObject({ documents: 2, pages: 8, searchablePages: 7 });
});
