/**
 * A file is deleted and the very same bytes are uploaded again, while two workers have the two notifications: whatever
 * overtakes what, the document ends up in the index with all of its files.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { chanceOf } from "./support/chance.ts";
import { Power } from "./support/crashing-store.ts";
import { Pause } from "./support/pausing-store.ts";
import { expectTidyAfterCollection, expectWell } from "./support/index-checks.ts";
import { stateOf } from "./support/index-state.ts";
import { note } from "./support/report.ts";
import { INDEX, type SmallDocument } from "./support/small-documents.ts";
import { WorkerWorld } from "./support/worker-world.ts";

const NAME = "a.pdf";
const DOCUMENT: SmallDocument = { name: NAME, seed: 1, vectorCounts: [4, 3] };
const random = chanceOf(1);
const unlimited = () => new Power(Number.POSITIVE_INFINITY, "before");

/** A worker on stores without faults. */
const work = async (world: WorkerWorld) => await world.workOver(world.store, world.bucket, unlimited(), random);

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "maxleaf-reupload-"));
});
afterEach(async () => await rm(folder, { recursive: true }));

/** The document is in the index, deleted in the bucket and not yet in the index. */
async function deletedMeanwhile(at: number): Promise<WorkerWorld> {
  const world = new WorkerWorld(join(folder, `${at}.sqlite`));
  await world.change(NAME, DOCUMENT, 1);
  await work(world);
  await world.change(NAME, undefined, 1);
  return world;
}

async function expectThere(world: WorkerWorld): Promise<void> {
  expect(world.depth).toBe(0);
  expect(await world.problems()).toEqual([]);
  expect(await stateOf(world.store, INDEX)).toMatchObject({ documents: [{ name: NAME, pageCount: 2 }] });
  await expectWell(world.store, INDEX);
  await expectTidyAfterCollection(world.store, INDEX);
  world.close();
}

/** Pauses one worker at each of its requests in turn, and lets the other do all of its work meanwhile. */
async function overtakeEverywhere(
  begin: (world: WorkerWorld) => Promise<void>,
  meanwhile: (world: WorkerWorld) => Promise<void>,
) {
  for (let at = 0; ; at++) {
    const world = await deletedMeanwhile(at);
    await begin(world);
    const pause = new Pause(at, async () => {
      await meanwhile(world);
      await work(world);
    });
    await world.workOver(pause.over(world.store), pause.over(world.bucket), unlimited(), random);
    if (!pause.happened) {
      world.close();
      note("delete and upload again, overtaken", { orders: at });
      return at;
    }
    await expectThere(world);
  }
}

const upload = async (world: WorkerWorld) => await world.change(NAME, DOCUMENT, 1);

describe("the same bytes, deleted and uploaded again", () => {
  it("while the worker that deletes is anywhere in its work", async () => {
    expect(await overtakeEverywhere(async () => undefined, upload)).toBeGreaterThan(10);
  });

  it("once more while the worker that ingests them is anywhere in its work", async () => {
    const begin = async (world: WorkerWorld) => {
      await work(world);
      await upload(world);
    };
    const again = async (world: WorkerWorld) => {
      await world.change(NAME, undefined, 1);
      await work(world);
      await upload(world);
    };
    expect(await overtakeEverywhere(begin, again)).toBeGreaterThan(20);
  });
});
