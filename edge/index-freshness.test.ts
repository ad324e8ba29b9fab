/**
 * What a request sees of commits that came before it: the pool's promise, over indexes whose looks take as long as they like.
 */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Consistency } from "../shared/api/search.ts";
import type { ManifestLook } from "../shared/engine/contract.ts";
import { MaxleafError } from "../shared/errors.ts";
import { seededRandom } from "../shared/seeded-random.ts";
import { MAX_STALENESS_MS, REFRESH_INTERVAL_MS } from "./freshness.ts";
import { IndexPool, type PoolableIndex } from "./index-pool.ts";

/** A bucket with one index, a clock, and chance. */
class World {
  nowMs = 1_000_000;
  version = 1;
  /** Versions with the time of their commits. */
  readonly commits: { version: number; atMs: number }[] = [{ version: 1, atMs: 0 }];
  readonly looks: ManifestLook[] = [];
  isAway = false;
  readonly #random: { next(): number };

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  commit(): void {
    this.version += 1;
    this.commits.push({ version: this.version, atMs: this.nowMs });
  }

  /** Others go on for a while. */
  async pass(): Promise<void> {
    for (let turns = Math.floor(this.#random.next() * 10); turns > 0; turns--) await Promise.resolve();
  }

  /** The version at some moment while it is read. */
  async read(): Promise<number> {
    await this.pass();
    if (this.isAway) throw new MaxleafError("store_unavailable", "the bucket does not answer");
    const { version } = this;
    await this.pass();
    return version;
  }
}

class VersionedIndex implements PoolableIndex {
  readonly memoryBytes = 1;
  version: number;
  readonly #world: World;

  constructor(world: World, version: number) {
    this.#world = world;
    this.version = version;
  }

  async refresh(look: ManifestLook = "newest"): Promise<void> {
    this.#world.looks.push(look);
    this.version = Math.max(this.version, await this.#world.read());
  }

  close(): void {}
}

function poolOf(world: World) {
  const pool = new IndexPool({
    open: async () => new VersionedIndex(world, await world.read()),
    clock: {
      nowMs: () => world.nowMs,
      sleep: async (ms) => {
        world.nowMs += ms;
        await world.pass();
      },
    },
  });
  const behind: Promise<unknown>[] = [];
  const background = { waitUntil: (work: Promise<unknown>) => void behind.push(work) };
  const ask = async (consistency?: Consistency) =>
    await pool.withIndex("a", background, async ({ version }) => version, consistency);
  return { ask, settle: async () => await Promise.all(behind) };
}

describe("what a request sees", () => {
  const steps = fc.array(
    fc.record({
      kind: fc.constantFrom("commit", "strong", "bounded", "strong", "bounded", "turn"),
      passesMs: fc.constantFrom(0, 0, 0, 1, 100, REFRESH_INTERVAL_MS, 3 * MAX_STALENESS_MS),
    }),
    { minLength: 1, maxLength: 40 },
  );

  it("is all that was committed before it, if it is strong; else all but the last ten seconds (2,000 interleavings)", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(0xffff_ffff), steps, async (seed, doings) => {
        const world = new World(seed);
        const { ask, settle } = poolOf(world);
        const asked: Promise<void>[] = [];
        for (const { kind, passesMs } of doings) {
          world.nowMs += passesMs;
          if (kind === "commit") world.commit();
          if (kind === "turn") await world.pass();
          if (kind !== "strong" && kind !== "bounded") continue;
          const atMs = kind === "strong" ? world.nowMs : world.nowMs - MAX_STALENESS_MS;
          const owed = world.commits.filter((commit) => commit.atMs <= atMs).at(-1)?.version ?? 0;
          const check = async () => expect(await ask(kind)).toBeGreaterThanOrEqual(owed);
          asked.push(check());
        }
        await Promise.all(asked);
        await settle();
      }),
      { numRuns: 2_000, seed: 20_261_125 },
    );
  });

  it("costs a strong request one look: at the next version when it looked lately, else the one that is due", async () => {
    const world = new World(1);
    const { ask } = poolOf(world);
    await ask("strong");
    // Opened for this very request.
    expect(world.looks).toEqual([]);
    await ask("strong");
    expect(world.looks).toEqual(["next"]);
    // Looks at the next version alone do not make up for the other kind for ever.
    world.nowMs += REFRESH_INTERVAL_MS;
    await ask("strong");
    await ask("bounded");
    expect(world.looks).toEqual(["next", "newest"]);
  });

  it("is never older than was asked for: without the bucket, a strong request fails where another one answers", async () => {
    const world = new World(2);
    const { ask } = poolOf(world);
    await ask();
    world.isAway = true;
    world.nowMs += MAX_STALENESS_MS;
    await expect(ask("strong")).rejects.toMatchObject({ code: "store_unavailable" });
    expect(await Promise.all([ask(), ask(), ask()])).toEqual([1, 1, 1]);
    // One look failed for all three.
    expect(world.looks).toHaveLength(2);
  });
});
