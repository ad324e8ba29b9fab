/**
 * Changes of indexes and names that happen at once, in orders that fast-check chooses: every request to the store is a step
 * of its own.
 */
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { MaxleafError } from "../../shared/errors.ts";
import { readAlias, resolveIndexName } from "../../shared/format/aliases.ts";
import { readManifest, readNewestManifest } from "../../shared/format/manifest-store.ts";
import { testRecipe } from "../../shared/recipe/testing.ts";
import { layout } from "../../shared/store/layout.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { removeAlias, setAlias } from "./change-aliases.ts";
import { createIndex, dropIndex, type LifeTarget, restoreIndex } from "./index-life.ts";
import { decorate } from "./testing-index.ts";

const RUNS = { numRuns: 300 };
const recipe = testRecipe({ dim: 16 });

/** Answers of `store` come in the order that `scheduler` chooses. */
function scheduled(store: ObjectStore, scheduler: fc.Scheduler): ObjectStore {
  const step = async <T>(label: string, work: () => Promise<T>): Promise<T> => {
    // The request arrives, and later its answer: others come between.
    await scheduler.schedule(Promise.resolve(), label);
    const answer = await work();
    await scheduler.schedule(Promise.resolve(), `${label}, answered`);
    return answer;
  };
  return {
    get: async (key, range) => await step(`get ${key}`, async () => await store.get(key, range)),
    put: async (key, bytes, options) => await step(`put ${key}`, async () => await store.put(key, bytes, options)),
    delete: async (keys) => await step(`delete ${keys.join()}`, async () => await store.delete(keys)),
    list: async (prefix, options) => await step(`list ${prefix}`, async () => await store.list(prefix, options)),
  };
}

type Change = (target: LifeTarget) => Promise<unknown>;

/** Runs `changes` at once; for each `done` or the code of its error. */
async function race(store: ObjectStore, scheduler: fc.Scheduler, changes: readonly Change[]): Promise<string[]> {
  const clock = { nowMs: () => 1, sleep: async () => undefined };
  const target = { store: scheduled(store, scheduler), clock };
  const outcomes = changes.map(async (change) => {
    try {
      await change(target);
      return "done";
    } catch (error) {
      if (error instanceof MaxleafError) return error.code;
      throw error;
    }
  });
  return await scheduler.waitFor(Promise.all(outcomes));
}

let store: MemoryStore;

beforeEach(() => {
  store = new MemoryStore();
});

const create =
  (index: string): Change =>
  async (target) =>
    await createIndex(target, { index, recipe });

describe("changes at once", () => {
  it("never leave an index and an alias with one name, and tell one of two that it may not", async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.nat(12), async (scheduler, head) => {
        store = new MemoryStore();
        await create("other")({ store });
        const [created, set] = await race(store, scheduler, [
          // An alias takes more requests before its write: some creations begin later.
          async (target) => {
            for (let requests = 0; requests < head; requests++) await target.store.get("something else");
            await create("name")(target);
          },
          async (target) => await setAlias(target, { name: "name", index: "other" }),
        ]);
        const hasIndex = (await readManifest(store, "name")) !== undefined;
        const hasAlias = (await readAlias(store, "name")) !== undefined;
        expect(hasIndex && hasAlias).toBe(false);
        expect(hasIndex).toBe(created === "done");
        expect(hasAlias).toBe(set === "done");
        for (const outcome of [created, set]) expect(["done", "name_taken"]).toContain(outcome);
        expect(await resolveIndexName(store, "name")).toBe(hasAlias ? "other" : "name");
        seen.add(`${created} ${set}`);
      }),
      RUNS,
    );
    expect(seen).toContain("done name_taken");
    expect(seen).toContain("name_taken done");
  });

  it("see an alias that came in the moment before the index, and an index in that before the alias", async () => {
    const lead: Change = async (target) => await setAlias(target, { name: "name", index: "other" });
    for (const [change, between, key] of [
      [create("name"), lead, layout.manifest("name", 1)],
      [lead, create("name"), layout.alias("name")],
    ] as const) {
      store = new MemoryStore();
      await create("other")({ store });
      const late = decorate(store, {
        put: async (written, ...rest) => {
          if (written === key) await between({ store });
          return await store.put(written, ...rest);
        },
      });
      await expect(change({ store: late })).rejects.toMatchObject({ code: "name_taken" });
      expect(await resolveIndexName(store, "name")).toBe(change === lead ? "name" : "other");
      expect((await readManifest(store, "name")) !== undefined).toBe(change === lead);
      expect((await readAlias(store, "name")) !== undefined).toBe(change !== lead);
    }
  });

  it("let one of several swaps win", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        store = new MemoryStore();
        const names = ["old", "one", "two", "three"];
        for (const name of names) await create(name)({ store });
        await setAlias({ store }, { name: "current", index: "old" });
        const swaps = names.slice(1);
        const outcomes = await race(
          store,
          scheduler,
          swaps.map((index) => async (target) => await setAlias(target, { name: "current", index, expected: "old" })),
        );
        expect(outcomes.toSorted()).toEqual(["done", "precondition_failed", "precondition_failed"]);
        expect((await readAlias(store, "current"))?.index).toBe(swaps[outcomes.indexOf("done")]);
      }),
      RUNS,
    );
  });

  it("remove an alias or lead it elsewhere, one of the two", async () => {
    const seen = new Set<string>();
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.nat(7), async (scheduler, requests) => {
        store = new MemoryStore();
        for (const name of ["old", "new"]) await create(name)({ store });
        await setAlias({ store }, { name: "current", index: "old" });
        // Setting takes more requests before its write: the removal begins when some of them are made.
        const begin = Promise.withResolvers<void>();
        let made = 0;
        const counting = (inner: ObjectStore) => {
          const count = () => void (made++ === requests && begin.resolve());
          return decorate(inner, { get: async (...args) => (count(), await inner.get(...args)) });
        };
        const outcomes = await race(store, scheduler, [
          async (target) => {
            await begin.promise;
            await removeAlias(target, { name: "current", expected: "old" });
          },
          async (target) => {
            const change = { name: "current", index: "new", expected: "old" };
            await setAlias({ ...target, store: counting(target.store) }, change).finally(begin.resolve);
          },
        ]);
        expect(outcomes.filter((outcome) => outcome === "done")).toHaveLength(1);
        expect((await readAlias(store, "current"))?.index).toBe(outcomes[0] === "done" ? undefined : "new");
        seen.add(outcomes.join(" "));
      }),
      RUNS,
    );
    expect([...seen].toSorted()).toEqual(["done precondition_failed", "precondition_failed done"]);
  });

  it("show one index or the other while an alias is swapped, never none", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        store = new MemoryStore();
        for (const name of ["one", "two"]) await create(name)({ store });
        await setAlias({ store }, { name: "current", index: "one" });
        const seen: string[] = [];
        const look: Change = async (target) => {
          for (let looks = 0; looks < 4; looks++) seen.push(await resolveIndexName(target.store, "current"));
        };
        await race(store, scheduler, [
          look,
          async (target) => await setAlias(target, { name: "current", index: "two" }),
        ]);
        expect(seen.filter((name) => name !== "one" && name !== "two")).toEqual([]);
        expect(seen).toEqual(seen.toSorted());
      }),
      RUNS,
    );
  });

  it("drop an index once, and bring back what was dropped or leave it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        store = new MemoryStore();
        await create("name")({ store });
        const outcomes = await race(store, scheduler, [
          async (target) => await dropIndex(target, "name"),
          async (target) => await dropIndex(target, "name"),
          async (target) => await restoreIndex(target, "name"),
        ]);
        const [first, second, restored] = outcomes;
        const drops = [first, second].filter((outcome) => outcome === "done").length;
        // Restored in between it may be dropped twice; never restored, once.
        expect(drops === 1 || (drops === 2 && restored === "done")).toBe(true);
        const newest = await readNewestManifest(store, "name");
        const isThere = newest?.droppedAtMs === undefined;
        expect(isThere).toBe(restored === "done" && drops === 1);
        expect(newest?.version).toBe(1 + drops + (restored === "done" ? 1 : 0));
      }),
      RUNS,
    );
  });

  it("create an index once, whoever asks", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        store = new MemoryStore();
        const settings = { filterableFields: ["year"] };
        const outcomes = await race(store, scheduler, [
          create("name"),
          create("name"),
          async (target) => await createIndex(target, { index: "name", recipe, settings }),
        ]);
        const newest = await readNewestManifest(store, "name");
        expect(newest?.version).toBe(1);
        const isPlain = newest?.settings === undefined;
        expect(outcomes).toEqual(isPlain ? ["done", "done", "name_taken"] : ["name_taken", "name_taken", "done"]);
      }),
      RUNS,
    );
  });

  it("restore an index or make a new one of its name, not both", async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), async (scheduler) => {
        store = new MemoryStore();
        await createIndex({ store }, { index: "name", recipe, settings: { subspaces: 8 } });
        await dropIndex({ store }, "name");
        const outcomes = await race(store, scheduler, [
          async (target) => await restoreIndex(target, "name"),
          create("name"),
        ]);
        expect(outcomes.toSorted()).toEqual(["done", "name_taken"]);
        const manifest = await readManifest(store, "name");
        expect(manifest?.version).toBe(3);
        expect(manifest?.settings?.subspaces === 8).toBe(outcomes[0] === "done");
      }),
      RUNS,
    );
  });

  it("of names and indexes in any number end in a state in which every name means one index", async () => {
    const names = ["a", "b", "c"];
    const name = fc.constantFrom(...names);
    const change = fc.oneof(
      name.map((index): Change => create(index)),
      name.map(
        (index): Change =>
          async (target) =>
            await dropIndex(target, index),
      ),
      name.map(
        (index): Change =>
          async (target) =>
            await restoreIndex(target, index),
      ),
      name.map(
        (alias): Change =>
          async (target) =>
            await removeAlias(target, { name: alias }),
      ),
      fc.tuple(name, name).map(
        ([alias, index]): Change =>
          async (target) =>
            await setAlias(target, { name: alias, index }),
      ),
    );
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(change, { minLength: 2, maxLength: 6 }), async (scheduler, changes) => {
        store = new MemoryStore();
        await create("a")({ store });
        const outcomes = await race(store, scheduler, changes);
        const expected = ["done", "name_taken", "index_not_found", "not_found", "precondition_failed"];
        for (const outcome of outcomes) expect(expected).toContain(outcome);
        for (const one of names) {
          const [manifest, alias] = [await readManifest(store, one), await readAlias(store, one)];
          expect(manifest !== undefined && alias !== undefined).toBe(false);
          // An alias never led to an alias: where it leads there was an index.
          if (alias !== undefined) expect(await readNewestManifest(store, alias.index)).toBeDefined();
        }
      }),
      RUNS,
    );
  });
});
