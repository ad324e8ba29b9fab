/**
 * Changes of indexes and names that end after any write, or whose answers are lost: the old state or the new one, and asked
 * for again they are done.
 */
import { describe, expect, it } from "vitest";
import { MaxleafError } from "../../shared/errors.ts";
import { listAliases, resolveIndexName } from "../../shared/format/aliases.ts";
import { readManifest, readNewestManifest } from "../../shared/format/manifest-store.ts";
import { testRecipe } from "../../shared/recipe/testing.ts";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { DyingStore } from "../maintenance/testing.ts";
import { removeAlias, renameIndex, setAlias } from "./change-aliases.ts";
import { createIndex, dropIndex, type LifeTarget, restoreIndex } from "./index-life.ts";
import { decorate } from "./testing-index.ts";

const recipe = testRecipe({ dim: 16 });
const settings = { subspaces: 8, filterableFields: ["year"] };
const clock = { nowMs: () => 1, sleep: async () => undefined };

type Step = (target: LifeTarget) => Promise<unknown>;

interface Case {
  name: string;
  before: Step[];
  change: Step;
  /** What a second try may say where the first one was done after all. */
  saysDone?: string;
}

const create: Step = async (target) => await createIndex(target, { index: "one", recipe, settings });
const createOther: Step = async (target) => await createIndex(target, { index: "two", recipe });
const drop: Step = async (target) => await dropIndex(target, "one");
const lead =
  (index: string): Step =>
  async (target) =>
    await setAlias(target, { name: "current", index });

const cases: Case[] = [
  { name: "creating", before: [], change: create },
  { name: "creating under the name of a dropped one", before: [create, drop], change: create },
  { name: "dropping", before: [create], change: drop, saysDone: "index_not_found" },
  {
    name: "restoring",
    before: [create, drop],
    change: async (target) => await restoreIndex(target, "one"),
    saysDone: "name_taken",
  },
  { name: "setting an alias", before: [create], change: lead("one") },
  { name: "swapping an alias", before: [create, createOther, lead("one")], change: lead("two") },
  {
    name: "removing an alias",
    before: [create, lead("one")],
    change: async (target) => await removeAlias(target, { name: "current" }),
    saysDone: "not_found",
  },
  {
    name: "renaming",
    before: [create, lead("one")],
    change: async (target) => await renameIndex(target, { from: "current", to: "live" }),
    saysDone: "index_not_found",
  },
];

async function prepared({ before }: Case): Promise<MemoryStore> {
  const store = new MemoryStore();
  for (const step of before) await step({ store, clock });
  return store;
}

/** What readers see. */
async function stateOf(store: ObjectStore) {
  const indexes: Record<string, unknown> = {};
  for (const name of ["one", "two"]) {
    const manifest = await readManifest(store, name);
    if (manifest !== undefined) indexes[name] = manifest.settings ?? {};
  }
  const aliases: Record<string, string> = {};
  for (const { name } of await listAliases(store)) aliases[name] = await resolveIndexName(store, name);
  return { indexes, aliases };
}

async function outcomeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "done";
  } catch (error) {
    if (error instanceof MaxleafError) return error.code;
    throw error;
  }
}

/** Every put and delete is done, and every `nth` of them answers with an error. */
function losingReplies(store: ObjectStore, nth: number): ObjectStore {
  let writes = 0;
  const answer = <T>(value: T): T => {
    writes += 1;
    if (writes % nth === 0) throw new MaxleafError("store_unavailable", "the line is cut");
    return value;
  };
  return decorate(store, {
    put: async (...args) => answer(await store.put(...args)),
    delete: async (keys) => answer(await store.delete(keys)),
  });
}

describe.each(cases)("$name", (one) => {
  it("is done or not, wherever it is cut off, and is done when asked for again", async () => {
    const old = await stateOf(await prepared(one));
    const finished = await prepared(one);
    await one.change({ store: finished, clock });
    const done = await stateOf(finished);
    expect(done).not.toEqual(old);
    for (let writes = 0; ; writes++) {
      const store = await prepared(one);
      const dying = new DyingStore(store, writes);
      const outcome = await outcomeOf(one.change({ store: dying.store, clock, retries: 1 }));
      const state = await stateOf(store);
      // Of a renaming the new name comes first: for a moment both lead there.
      const both = { ...old, aliases: { ...old.aliases, ...done.aliases } };
      expect([old, done, both]).toContainEqual(state);
      if (outcome === "done") expect(state).toEqual(done);
      const again = await outcomeOf(one.change({ store, clock }));
      expect(["done", one.saysDone]).toContain(again);
      expect(await stateOf(store)).toEqual(done);
      if (dying.writes < writes) break;
    }
  });

  it("is done when answers are lost, or when asked for again", async () => {
    const finished = await prepared(one);
    await one.change({ store: finished, clock });
    const done = await stateOf(finished);
    const versions = (await readNewestManifest(finished, "one"))?.version;
    for (const nth of [1, 2, 3]) {
      const store = await prepared(one);
      const outcome = await outcomeOf(one.change({ store: losingReplies(store, nth), clock }));
      expect(["done", "store_unavailable"]).toContain(outcome);
      if (outcome !== "done") {
        expect(["done", one.saysDone]).toContain(await outcomeOf(one.change({ store, clock })));
      }
      expect(await stateOf(store)).toEqual(done);
      // Nothing was done twice.
      expect((await readNewestManifest(store, "one"))?.version).toBe(versions);
    }
  });
});
