import { beforeEach, describe, expect, it } from "vitest";
import { encodeAlias } from "../../shared/format/aliases.ts";
import { testRecipe } from "../../shared/recipe/testing.ts";
import { layout } from "../../shared/store/layout.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { setAlias } from "../indexing/change-aliases.ts";
import { createIndex, dropIndex } from "../indexing/index-life.ts";
import { checkAliases } from "./check-aliases.ts";
import { examineIndex } from "./doctor.ts";

const recipe = testRecipe({ dim: 16 });

let store: MemoryStore;

beforeEach(async () => {
  store = new MemoryStore();
  for (const index of ["one", "two"]) await createIndex({ store }, { index, recipe });
  await setAlias({ store }, { name: "current", index: "one" });
});

const problems = async () => (await checkAliases(store)).map(({ severity, problem }) => `${severity}: ${problem}`);

describe("checkAliases", () => {
  it("finds nothing wrong with an alias that leads to an index, damaged or not", async () => {
    expect(await checkAliases(store)).toEqual([]);
    await store.put(layout.manifest("one", 1), new Uint8Array(3));
    expect(await checkAliases(store)).toEqual([]);
  });

  it("warns of one that leads nowhere, and says how to mend it", async () => {
    await dropIndex({ store }, "one");
    expect(await checkAliases(store)).toEqual([
      {
        severity: "warning",
        problem: 'alias "current" leads to "one", and there is no such index',
        meaning: "searches by this name find no index",
        mend: "maxleaf alias set current INDEX, or maxleaf alias remove current; if it was dropped, maxleaf restore one",
      },
    ]);
  });

  it("warns of one whose name an index has", async () => {
    await store.put(layout.alias("two"), encodeAlias({ index: "one", changedAtMs: 1 }));
    expect(await problems()).toEqual(['warning: alias "two" leads to "one", and there is an index "two"']);
  });

  it("names one that cannot be read", async () => {
    await store.put(layout.alias("broken"), new Uint8Array(3));
    expect(await problems()).toEqual([expect.stringMatching(/^error: alias "broken" is corrupt/)]);
  });
});

describe("examineIndex", () => {
  it("is well with an index without documents, and with one that was dropped", async () => {
    await dropIndex({ store }, "two");
    expect(await examineIndex({ store, index: "one", deep: true })).toMatchObject({ isWell: true, findings: [] });
    expect(await examineIndex({ store, index: "two", deep: true })).toMatchObject({
      isWell: true,
      findings: [],
      droppedAtMs: expect.any(Number),
    });
  });
});
