import { describe, expect, it, vi } from "vitest";
import { MaxleafError } from "../shared/errors.ts";
import type { Manifest } from "../shared/format/manifest.ts";
import { systemClock } from "../shared/ports.ts";
import { MemoryStore } from "../shared/store/memory-store.ts";
import { MAX_STALENESS_MS, REFRESH_INTERVAL_MS } from "./freshness.ts";
import { IndexPool, type IndexPoolOptions, OPEN_LEASE_MS, type PoolableIndex, PoolMemory } from "./index-pool.ts";
import { writeWordIndex } from "./testing/word-index.ts";

/** An index that records what is done to it. */
class RecordedIndex implements PoolableIndex {
  memoryBytes = 10;
  refreshes = 0;
  closed = false;
  failure: Error | undefined;

  async refresh(): Promise<void> {
    this.refreshes += 1;
    if (this.failure !== undefined) throw this.failure;
  }

  close(): void {
    this.closed = true;
  }
}

/** A background that can be awaited. */
class Behind {
  work: Promise<unknown>[] = [];

  waitUntil(work: Promise<unknown>): void {
    this.work.push(work);
  }

  async settle(): Promise<void> {
    await Promise.all(this.work);
  }
}

function setUp(options: { memory?: PoolMemory; open?: IndexPoolOptions<RecordedIndex>["open"] } = {}) {
  const clock = { nowMs: 1_000_000 };
  const opened: { name: string; index: RecordedIndex }[] = [];
  const open: IndexPoolOptions<RecordedIndex>["open"] = async (name, makeRoom, onManifest) => {
    const index = await (options.open?.(name, makeRoom, onManifest) ?? Promise.resolve(new RecordedIndex()));
    opened.push({ name, index });
    return index;
  };
  const pool = new IndexPool({
    open,
    clock: { ...systemClock, nowMs: () => clock.nowMs },
    ...(options.memory === undefined ? {} : { memory: options.memory }),
  });
  const behind = new Behind();
  const use = (name: string) => pool.withIndex(name, behind, async (index) => index);
  return { pool, clock, opened, behind, use };
}

/** A promise and its settling functions. */
function gate() {
  return Promise.withResolvers<void>();
}

const gone = () => new MaxleafError("index_not_found", 'there is no index "a"');

describe("IndexPool", () => {
  it("opens an index once and keeps it", async () => {
    const { use, opened } = setUp();
    const first = await use("a");
    expect(await use("a")).toBe(first);
    expect(opened).toHaveLength(1);
  });

  it("lets requests that come during an open wait for it instead of opening again", async () => {
    const started = gate();
    const { use, opened } = setUp({
      open: async () => {
        await started.promise;
        return new RecordedIndex();
      },
    });
    const uses = [use("a"), use("a"), use("a")];
    started.resolve();
    const indexes = await Promise.all(uses);
    expect(new Set(indexes).size).toBe(1);
    expect(opened).toHaveLength(1);
  });

  it("tells all that wait for an open which manifest is being opened", async () => {
    const known = gate();
    const ready = gate();
    const manifest = await writeWordIndex(new MemoryStore(), "a", []);
    const { pool, behind } = setUp({
      open: async (_, __, onManifest) => {
        await known.promise;
        onManifest(manifest);
        await ready.promise;
        return new RecordedIndex();
      },
    });
    const foreseen: [string, Manifest][] = [];
    const ask = (who: string) =>
      pool.withIndex(
        "a",
        behind,
        async () => foreseen.length,
        "bounded",
        (told) => foreseen.push([who, told]),
      );
    const asked = [ask("opens"), ask("waits")];
    known.resolve();
    await vi.waitFor(() => expect(new Set(foreseen.map(([who]) => who)).size).toBe(2));
    ready.resolve();
    await Promise.all(asked);
    expect(foreseen.every(([, told]) => told === manifest)).toBe(true);
    // What is open has its manifest at hand.
    const before = foreseen.length;
    await ask("later");
    expect(foreseen).toHaveLength(before);
  });

  it("has work finished whose caller hung up", async () => {
    const { pool, behind } = setUp();
    const held = gate();
    let finished = false;
    void pool.withIndex("a", behind, async () => {
      await held.promise;
      finished = true;
    });
    held.resolve();
    await behind.settle();
    expect(finished).toBe(true);
  });

  it("takes over an open whose request died", async () => {
    let opens = 0;
    const { use, clock } = setUp({
      open: () => {
        opens += 1;
        return opens === 1 ? new Promise(() => undefined) : Promise.resolve(new RecordedIndex());
      },
    });
    void use("a");
    const waiting = use("a");
    clock.nowMs += OPEN_LEASE_MS;
    expect((await waiting).closed).toBe(false);
    expect(opens).toBe(2);
  });

  it("keeps one copy when the first open ends after all", async () => {
    const slow = gate();
    let opens = 0;
    const { use, clock, opened } = setUp({
      open: async () => {
        opens += 1;
        if (opens === 1) await slow.promise;
        return new RecordedIndex();
      },
    });
    const first = use("a");
    clock.nowMs += OPEN_LEASE_MS;
    const second = await use("a");
    slow.resolve();
    expect(await first).toBe(second);
    expect(opened.map(({ index }) => index.closed)).toEqual([false, true]);
  });

  it("gives those who waited the failure of the open, and forgets it", async () => {
    let opens = 0;
    const failed = gate();
    const { use } = setUp({
      open: async () => {
        opens += 1;
        if (opens > 1) return new RecordedIndex();
        await failed.promise;
        throw gone();
      },
    });
    const uses = [use("a"), use("a")];
    failed.resolve();
    const results = await Promise.allSettled(uses);
    expect(results.map((result) => result.status)).toEqual(["rejected", "rejected"]);
    expect(opens).toBe(1);
    await use("a");
    expect(opens).toBe(2);
  });

  it("looks for a new version behind an answer, once for many", async () => {
    const { use, clock, behind, opened } = setUp();
    await use("a");
    clock.nowMs += REFRESH_INTERVAL_MS - 1;
    await use("a");
    expect(opened[0]?.index.refreshes).toBe(0);

    clock.nowMs += 1;
    await Promise.all([use("a"), use("a"), use("a")]);
    await behind.settle();
    expect(opened[0]?.index.refreshes).toBe(1);
  });

  it("looks before answering when the version is too old", async () => {
    const { pool, use, clock, behind, opened } = setUp();
    await use("a");
    clock.nowMs += MAX_STALENESS_MS;
    const refreshes = await pool.withIndex("a", behind, async (index) => index.refreshes);
    expect(refreshes).toBe(1);
    expect(opened).toHaveLength(1);
  });

  it("answers from what it has when the store is away", async () => {
    const { use, clock, opened } = setUp();
    const index = await use("a");
    index.failure = new MaxleafError("store_unavailable", "the bucket does not answer");
    clock.nowMs += MAX_STALENESS_MS;
    expect(await use("a")).toBe(index);
    expect(opened).toHaveLength(1);
  });

  it("closes an index that is gone, and says so", async () => {
    const { use, clock, opened } = setUp();
    const index = await use("a");
    index.failure = gone();
    clock.nowMs += MAX_STALENESS_MS;
    await expect(use("a")).rejects.toMatchObject({ code: "index_not_found" });
    expect(index.closed).toBe(true);
    await use("a");
    expect(opened).toHaveLength(2);
  });

  it("closes the least recently used when memory is short, never what is in use", async () => {
    const { pool, use, behind, opened } = setUp({ memory: new PoolMemory(25) });
    const a = await use("a");
    const b = await use("b");
    await use("a");
    const held = gate();
    const holding = pool.withIndex("a", behind, () => held.promise);
    const c = await use("c");
    expect([a.closed, b.closed, c.closed]).toEqual([false, true, false]);

    const d = await use("d");
    expect([a.closed, c.closed, d.closed]).toEqual([false, true, false]);
    held.resolve();
    await holding;
    expect(opened.map(({ name }) => name)).toEqual(["a", "b", "c", "d"]);
  });

  it("makes room for what another pool of the isolate holds", async () => {
    const memory = new PoolMemory(25);
    const shards = setUp({ memory });
    const { use } = setUp({ memory });
    const a = await use("a");
    const b = await use("b");
    const x = await shards.use("x");
    const c = await use("c");
    expect([a.closed, b.closed, c.closed, x.closed]).toEqual([true, true, false, false]);
  });

  it("makes room before it opens, and not by closing what is in use", async () => {
    const opened: RecordedIndex[] = [];
    const closedAtOpen: boolean[][] = [];
    const { pool, use, behind } = setUp({
      memory: new PoolMemory(25),
      open: async (_, makeRoom) => {
        makeRoom(10);
        closedAtOpen.push(opened.map(({ closed }) => closed));
        const index = new RecordedIndex();
        opened.push(index);
        return index;
      },
    });
    await use("a");
    await use("b");
    const held = gate();
    const holding = pool.withIndex("a", behind, () => held.promise);
    await use("c");
    held.resolve();
    await holding;
    expect(closedAtOpen).toEqual([[], [false], [false, true]]);
  });

  it("leaves the closing of a dropped index to its last user", async () => {
    const { pool, use, clock, behind } = setUp();
    const index = await use("a");
    const held = gate();
    const holding = pool.withIndex("a", behind, () => held.promise);
    index.failure = gone();
    clock.nowMs += MAX_STALENESS_MS;
    await expect(use("a")).rejects.toMatchObject({ code: "index_not_found" });
    expect(index.closed).toBe(false);
    held.resolve();
    await holding;
    expect(index.closed).toBe(true);
  });

  it("serves an index larger than its memory", async () => {
    const { use, opened } = setUp({ memory: new PoolMemory(5) });
    await use("a");
    await use("a");
    expect(opened).toHaveLength(1);
  });
});
