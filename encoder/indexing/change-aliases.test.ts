import { beforeEach, describe, expect, it } from "vitest";
import { listAliases, readAlias } from "../../shared/format/aliases.ts";
import { readManifest } from "../../shared/format/manifest-store.ts";
import { layout } from "../../shared/store/layout.ts";
import { removeAlias, renameIndex, setAlias } from "./change-aliases.ts";
import { createIndex, dropIndex, type LifeTarget } from "./index-life.ts";
import { decorate, TestIndex } from "./testing-index.ts";

let index: TestIndex;

beforeEach(() => {
  index = new TestIndex();
});

const target = () => ({ store: index.store });
const newIndex = () => ({ index: index.name, recipe: index.recipe });

describe("setAlias", () => {
  beforeEach(async () => {
    for (const name of ["one", "two"]) await createIndex(target(), { ...newIndex(), index: name });
  });

  it("makes, leads elsewhere, and does nothing twice", async () => {
    const set = async (to: string) => await setAlias(target(), { name: "current", index: to });
    expect(await set("one")).toMatchObject({ name: "current", index: "one", previous: undefined });
    expect(await set("two")).toMatchObject({ index: "two", previous: "one" });
    const stored = await readAlias(index.store, "current");
    expect(await set("two")).toMatchObject({ index: "two", previous: "two" });
    expect(await readAlias(index.store, "current")).toEqual(stored);
  });

  it("leads to the index that another alias leads to now", async () => {
    await setAlias(target(), { name: "current", index: "one" });
    expect(await setAlias(target(), { name: "live", index: "current" })).toMatchObject({ index: "one" });
    await setAlias(target(), { name: "current", index: "two" });
    expect(await readAlias(index.store, "live")).toMatchObject({ index: "one" });
  });

  it("swaps only what it expects", async () => {
    const swap = async (to: string, expected: string | null) =>
      await setAlias(target(), { name: "current", index: to, expected });
    await expect(swap("one", "two")).rejects.toMatchObject({ code: "precondition_failed" });
    await swap("one", null);
    await expect(swap("two", null)).rejects.toMatchObject({
      code: "precondition_failed",
      message: 'alias "current" was to be new, but it leads to "one"',
    });
    await expect(swap("two", "two-gone")).rejects.toMatchObject({ code: "precondition_failed" });
    expect(await swap("two", "one")).toMatchObject({ previous: "one" });
    // A caller who did not hear the answer asks again.
    expect(await swap("two", "one")).toMatchObject({ index: "two" });
  });

  it("refuses the name of an index, and an index that there is not", async () => {
    await expect(setAlias(target(), { name: "one", index: "two" })).rejects.toMatchObject({ code: "name_taken" });
    await expect(setAlias(target(), { name: "one", index: "one" })).rejects.toMatchObject({ code: "name_taken" });
    await dropIndex(target(), "two");
    for (const to of ["nothing", "two"]) {
      await expect(setAlias(target(), { name: "current", index: to })).rejects.toMatchObject({
        code: "index_not_found",
      });
    }
    expect(await readAlias(index.store, "current")).toBeUndefined();
  });

  it("takes the name of an index that was dropped", async () => {
    await dropIndex(target(), "one");
    expect(await setAlias(target(), { name: "one", index: "two" })).toMatchObject({ index: "two" });
  });

  it("gives up when others are always faster", async () => {
    let swaps = 0;
    const store = decorate(index.store, {
      get: async (key, ...rest) => {
        const object = await index.store.get(key, ...rest);
        if (key === layout.alias("current")) {
          swaps += 1;
          await index.store.put(key, new TextEncoder().encode(`{"format":1,"index":"two","changedAtMs":${swaps}}`));
        }
        return object;
      },
    });
    const clock = { nowMs: () => 1, sleep: async () => undefined };
    await expect(setAlias({ store, clock }, { name: "current", index: "one" })).rejects.toMatchObject({
      code: "commit_conflict",
    });
  });
});

describe("removeAlias", () => {
  it("removes the alias and nothing else", async () => {
    await createIndex(target(), newIndex());
    await setAlias(target(), { name: "shelf", index: index.name });
    expect(await removeAlias(target(), { name: "shelf" })).toMatchObject({ name: "shelf", index: index.name });
    expect(await readManifest(index.store, index.name)).toBeDefined();
    await expect(removeAlias(target(), { name: "shelf" })).rejects.toMatchObject({ code: "not_found" });
    expect(await listAliases(index.store)).toEqual([]);
    expect(await setAlias(target(), { name: "shelf", index: index.name, expected: null })).toMatchObject({
      previous: undefined,
    });
    expect(await readAlias(index.store, "shelf")).toMatchObject({ index: index.name });
  });

  it("removes only what leads where it is expected to", async () => {
    for (const name of ["one", "two"]) await createIndex(target(), { ...newIndex(), index: name });
    await setAlias(target(), { name: "current", index: "one" });
    await expect(removeAlias(target(), { name: "current", expected: "two" })).rejects.toMatchObject({
      code: "precondition_failed",
      message: 'alias "current" was to lead to "two", but it leads to "one"',
    });
    expect(await removeAlias(target(), { name: "current", expected: "one" })).toMatchObject({ index: "one" });
  });

  it("does not take with it where another leads the alias in that moment", async () => {
    for (const name of ["one", "two"]) await createIndex(target(), { ...newIndex(), index: name });
    await setAlias(target(), { name: "current", index: "one" });
    for (const change of [
      async (one: LifeTarget) => await removeAlias(one, { name: "current", expected: "one" }),
      async (one: LifeTarget) => await renameIndex(one, { from: "current", to: "live" }),
    ]) {
      let isBetween = false;
      const leadElsewhere = async (keys: readonly string[]) => {
        if (isBetween || !keys.includes(layout.alias("current"))) return;
        isBetween = true;
        await setAlias(target(), { name: "current", index: "two" });
      };
      const store = decorate(index.store, {
        put: async (key, ...rest) => {
          await leadElsewhere([key]);
          return await index.store.put(key, ...rest);
        },
        delete: async (keys) => {
          await leadElsewhere(keys);
          await index.store.delete(keys);
        },
      });
      const clock = { nowMs: () => 1, sleep: async () => undefined };
      await change({ store, clock }).catch((error: unknown) => {
        expect(error).toMatchObject({ code: "precondition_failed" });
      });
      expect(isBetween).toBe(true);
      expect(await readAlias(index.store, "current")).toMatchObject({ index: "two" });
      await setAlias(target(), { name: "current", index: "one" });
    }
  });
});

describe("renameIndex", () => {
  beforeEach(async () => {
    for (const name of ["one", "two"]) await createIndex(target(), { ...newIndex(), index: name });
  });

  it("gives an index another name beside its own", async () => {
    expect(await renameIndex(target(), { from: "one", to: "first" })).toEqual({
      index: "one",
      name: "first",
      removed: undefined,
    });
    expect(await readAlias(index.store, "first")).toMatchObject({ index: "one" });
    expect(await readManifest(index.store, "one")).toBeDefined();
  });

  it("replaces a name that is an alias, unless it is to be kept", async () => {
    await setAlias(target(), { name: "first", index: "one" });
    expect(await renameIndex(target(), { from: "first", to: "premier" })).toMatchObject({
      index: "one",
      removed: "first",
    });
    expect(await readAlias(index.store, "first")).toBeUndefined();
    await renameIndex(target(), { from: "premier", to: "erster", keepOld: true });
    expect(await readAlias(index.store, "premier")).toMatchObject({ index: "one" });
  });

  it("goes on where it was cut off", async () => {
    await setAlias(target(), { name: "first", index: "one" });
    await setAlias(target(), { name: "premier", index: "one" });
    expect(await renameIndex(target(), { from: "first", to: "premier" })).toMatchObject({ removed: "first" });
  });

  it("refuses a name that is taken, and an index that there is not", async () => {
    await setAlias(target(), { name: "second", index: "two" });
    for (const to of ["two", "second"]) {
      await expect(renameIndex(target(), { from: "one", to })).rejects.toMatchObject({ code: "name_taken" });
    }
    await expect(renameIndex(target(), { from: "nothing", to: "new" })).rejects.toMatchObject({
      code: "index_not_found",
    });
    await expect(renameIndex(target(), { from: "one", to: "one" })).rejects.toMatchObject({ code: "invalid_request" });
  });
});
