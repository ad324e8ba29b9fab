import { beforeEach, describe, expect, it } from "vitest";
import { MaxleafError } from "../shared/errors.ts";
import { encodeAlias } from "../shared/format/aliases.ts";
import { commitManifest } from "../shared/format/manifest-store.ts";
import { systemClock } from "../shared/ports.ts";
import { recipeFingerprint } from "../shared/recipe/fingerprint.ts";
import { testRecipe } from "../shared/recipe/testing.ts";
import { CountingStore } from "../shared/store/counting-store.ts";
import { layout } from "../shared/store/layout.ts";
import { MemoryStore } from "../shared/store/memory-store.ts";
import { AliasNames } from "./alias-names.ts";
import { MAX_STALENESS_MS, REFRESH_INTERVAL_MS } from "./freshness.ts";
import { IndexPool } from "./index-pool.ts";
import { OpenedManifest } from "./shards/opened-manifest.ts";

const recipe = testRecipe({ dim: 16 });

let bucket: MemoryStore;
let nowMs: number;

/** What an isolate has: a pool of what it opened, over a store that counts. `failing`: the store is away. */
let isolate: ReturnType<typeof startIsolate>;

beforeEach(async () => {
  bucket = new MemoryStore();
  nowMs = 1_000_000;
  for (const index of ["one", "two"]) await commit(index);
  isolate = startIsolate();
});

async function commit(index: string, droppedAtMs?: number): Promise<void> {
  const fingerprint = await recipeFingerprint(recipe);
  const dropped = droppedAtMs === undefined ? {} : { droppedAtMs };
  await commitManifest(bucket, index, () => ({ recipe, recipeFingerprint: fingerprint, segments: [], ...dropped }));
}

const drop = async (index: string) => await commit(index, 1);
const lead = async (name: string, index: string) =>
  void (await bucket.put(layout.alias(name), encodeAlias({ index, changedAtMs: 1 })));

function startIsolate() {
  const state = { isAway: false };
  const counting = new CountingStore({
    get: async (...args) => {
      if (state.isAway) throw new MaxleafError("store_unavailable", "the bucket does not answer");
      return await bucket.get(...args);
    },
    put: async (...args) => await bucket.put(...args),
    delete: async (keys) => await bucket.delete(keys),
    list: async (...args) => await bucket.list(...args),
  });
  const clock = { ...systemClock, nowMs: () => nowMs };
  const aliases = new AliasNames(counting, clock);
  const pool = new IndexPool({ open: (index) => OpenedManifest.open(counting, index), aliases, clock });
  const behind: Promise<unknown>[] = [];
  /** The index that answers for `name`. */
  const ask = async (name: string) => {
    const background = { waitUntil: (work: Promise<unknown>) => void behind.push(work) };
    const index = await pool.withIndex(name, background, async (opened) => opened.manifest.index);
    await Promise.allSettled(behind.splice(0));
    return index;
  };
  const reads = async (work: () => Promise<unknown>) => {
    const before = counting.counts;
    await work();
    return { gets: counting.counts.gets - before.gets, lists: counting.counts.lists - before.lists };
  };
  return { state, aliases, pool, ask, reads };
}

describe("an index called by its own name", () => {
  it("costs what it did before there were aliases", async () => {
    const { ask, reads } = isolate;
    // CURRENT, the manifest, and the one that may follow.
    expect(await reads(async () => await ask("one"))).toEqual({ gets: 3, lists: 0 });
    expect(await reads(async () => await ask("one"))).toEqual({ gets: 0, lists: 0 });
    nowMs += MAX_STALENESS_MS;
    expect(await reads(async () => await ask("one"))).toEqual({ gets: 3, lists: 0 });
  });
});

describe("an alias", () => {
  beforeEach(async () => {
    await lead("current", "one");
  });

  it("answers with the index that it leads to, opened once for both names", async () => {
    const { ask, reads } = isolate;
    expect(await ask("one")).toBe("one");
    // The name itself (CURRENT, and a listing without it), the alias, and the name again: an index would win.
    expect(await reads(async () => expect(await ask("current")).toBe("one"))).toEqual({ gets: 3, lists: 2 });
    expect(await reads(async () => expect(await ask("current")).toBe("one"))).toEqual({ gets: 0, lists: 0 });
  });

  it("is seen to lead elsewhere behind an answer, or before one when it was last looked at long ago", async () => {
    const { ask, reads } = isolate;
    await ask("current");
    await lead("current", "two");
    nowMs += REFRESH_INTERVAL_MS - 1;
    expect(await reads(async () => expect(await ask("current")).toBe("one"))).toEqual({ gets: 0, lists: 0 });
    nowMs += 1;
    expect(await ask("current")).toBe("one");
    expect(await ask("current")).toBe("two");

    await lead("current", "one");
    nowMs += MAX_STALENESS_MS;
    // Also by those who come while another one looks.
    expect(await Promise.all([ask("current"), ask("current"), ask("current")])).toEqual(["one", "one", "one"]);
  });

  it("is followed at once when the index that it led to was dropped", async () => {
    await isolate.ask("current");
    await lead("current", "two");
    await drop("one");
    nowMs += MAX_STALENESS_MS;
    expect(await isolate.ask("current")).toBe("two");
  });

  it("takes the place of an index of its name that was dropped", async () => {
    await isolate.ask("two");
    await drop("two");
    await lead("two", "one");
    expect(await isolate.ask("two")).toBe("two");
    nowMs += MAX_STALENESS_MS;
    expect(await isolate.ask("two")).toBe("one");
  });

  it("gives way to an index of its name", async () => {
    expect(await isolate.ask("current")).toBe("one");
    await bucket.delete([layout.alias("current")]);
    await commit("current");
    nowMs += MAX_STALENESS_MS;
    expect(await isolate.ask("current")).toBe("current");
    await lead("current", "two");
    nowMs += MAX_STALENESS_MS;
    expect(await isolate.ask("current")).toBe("current");
    expect(await startIsolate().ask("current")).toBe("current");
  });

  it("is not there any more once it was removed", async () => {
    await isolate.ask("current");
    await bucket.delete([layout.alias("current")]);
    nowMs += MAX_STALENESS_MS;
    await expect(isolate.ask("current")).rejects.toMatchObject({
      code: "index_not_found",
      message: 'there is no index "current"',
    });
  });

  it("that leads to nothing says where it leads", async () => {
    await isolate.ask("current");
    await drop("one");
    nowMs += MAX_STALENESS_MS;
    for (let asks = 0; asks < 2; asks++) {
      await expect(isolate.ask("current")).rejects.toMatchObject({
        code: "index_not_found",
        message: 'there is no index "current"; it is an alias of "one", and there is no such index',
      });
    }
  });

  it("answers from what was known when the store is away, and only then", async () => {
    const { ask, state } = isolate;
    await ask("current");
    state.isAway = true;
    nowMs += MAX_STALENESS_MS;
    expect(await ask("current")).toBe("one");
    await expect(ask("two")).rejects.toMatchObject({ code: "store_unavailable" });
    state.isAway = false;
    await lead("current", "two");
    expect(await ask("current")).toBe("two");
  });

  it("is not looked at again while a look has not ended", async () => {
    const { aliases, ask, state } = isolate;
    await ask("current");
    nowMs += REFRESH_INTERVAL_MS;
    state.isAway = true;
    const behind: Promise<unknown>[] = [];
    const background = { waitUntil: (work: Promise<unknown>) => void behind.push(work) };
    await Promise.all([aliases.known("current", background), aliases.known("current", background)]);
    expect(behind).toHaveLength(1);
    await Promise.all(behind);
  });
});

describe("a name that nothing has", () => {
  it("is looked for as index and alias, each time", async () => {
    for (let asks = 0; asks < 2; asks++) {
      const cost = await isolate.reads(
        async () =>
          await expect(isolate.ask("nothing")).rejects.toMatchObject({
            code: "index_not_found",
            message: 'there is no index "nothing"',
          }),
      );
      expect(cost).toEqual({ gets: 2, lists: 1 });
    }
  });
});
