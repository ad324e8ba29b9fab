/**
 * Whole lives of a bucket and its index, with workers that die at any write, decided by a seed: nothing that was
 * acknowledged is lost, nothing that was deleted comes back.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Random } from "../../shared/ports.ts";
import { chanceOf } from "./support/chance.ts";
import { type CrashMode, crashModes, Power } from "./support/crashing-store.ts";
import { expectTidyAfterCollection, expectWell } from "./support/index-checks.ts";
import { Pause } from "./support/pausing-store.ts";
import { note, seedsOf, withSeed } from "./support/report.ts";
import { INDEX } from "./support/small-documents.ts";
import { WorkerWorld } from "./support/worker-world.ts";

const NAMES = ["a.pdf", "b.pdf", "c.pdf"];
const STEPS = 5;
/** Most runs of a worker make fewer writes: there are those that survive. */
const MAX_CRASH_AT = 40;
/** Of reads and writes: a worker makes some 20 for a document. */
const MAX_PAUSE_AT = 60;
const MAX_FINAL_DAYS = 20;

/** In memory where there is such a folder: the queue waits for the disk at every change. */
const QUEUE_FOLDER = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(QUEUE_FOLDER, "maxleaf-replay-"));
});
afterAll(async () => await rm(folder, { recursive: true }));

const pick = (random: Random, count: number) => Math.floor(random.next() * count);

/** Often deleted and put again with the very same bytes: a name has two contents. */
async function changeOne(world: WorkerWorld, random: Random): Promise<void> {
  const name = NAMES[pick(random, NAMES.length)] ?? "";
  const seed = 1 + pick(random, 2);
  const isDeletion = pick(random, 3) === 0;
  const copies = 1 + pick(random, 2);
  await world.change(name, isDeletion ? undefined : { name, seed, vectorCounts: [4, 3] }, copies);
}

function aPower(random: Random): Power {
  const mode: CrashMode = crashModes[pick(random, crashModes.length)] ?? "before";
  return new Power(pick(random, 4) === 0 ? Number.POSITIVE_INFINITY : pick(random, MAX_CRASH_AT), mode);
}

/** A worker, and in the middle of its work changes, maintenance and another worker, up to three in one another. */
async function workOvertaken(world: WorkerWorld, random: Random, depth: number): Promise<void> {
  const pause = new Pause(pick(random, MAX_PAUSE_AT), async () => {
    const changes = pick(random, 3);
    for (let change = 0; change < changes; change++) await changeOne(world, random);
    if (pick(random, 3) === 0) await world.maintain(aPower(random), fork(random));
    if (depth > 0) await workOvertaken(world, random, depth - 1);
  });
  await world.work(aPower(random), fork(random), pause);
}

/** Chance of its own, so that what one process draws does not depend on another. */
function fork(random: Random): Random {
  return chanceOf(pick(random, 1_000_000_000));
}

/** One life. */
async function live(seed: number): Promise<WorkerWorld> {
  const file = join(folder, `${seed}.sqlite`);
  const world = new WorkerWorld(file);
  const random = chanceOf(seed);
  try {
    for (let step = 0; step < STEPS; step++) {
      const changes = 1 + pick(random, 3);
      for (let change = 0; change < changes; change++) await changeOne(world, random);
      await workOvertaken(world, random, pick(random, 3));
      expect(await world.problems()).toEqual([]);
      await world.passADay();
    }
    for (let day = 0; world.depth > 0 && day < MAX_FINAL_DAYS; day++) {
      await world.work(new Power(Number.POSITIVE_INFINITY, "before"), fork(random));
      await world.passADay();
    }
    expect(world.depth).toBe(0);
    expect(await world.problems()).toEqual([]);
    await expectWell(world.store, INDEX);
    await expectTidyAfterCollection(world.store, INDEX);
    return world;
  } finally {
    world.close();
    await rm(file, { force: true });
  }
}

describe("workers that die", () => {
  it("lose no acknowledged page and bring no deleted one back", { timeout: 3_600_000 }, async () => {
    let crashes = 0;
    let versions = 0;
    const seeds = seedsOf("replays");
    for (const seed of seeds) {
      const world = await withSeed(seed, async () => await live(seed));
      crashes += world.crashes;
      versions += world.versions;
    }
    note("crash replay", { runs: seeds.length, crashes, versions });
    expect(crashes).toBeGreaterThan(seeds.length);
  });
});
