/**
 * A garbage collection and a change of the same index at once, in every order of overtaking: nothing that the change names is
 * removed. What was there before the two began is older than the grace period, what they store is young.
 */
import { describe, expect, it } from "vitest";
import { MemoryStore } from "../../shared/store/memory-store.ts";
import { readNewestManifest } from "../../shared/format/manifest-store.ts";
import { layout } from "../../shared/store/layout.ts";
import { collectOld, keysBelow } from "./support/collect-all.ts";
import { CrashingStore, Power } from "./support/crashing-store.ts";
import { expectTidyAfterCollection, expectWell } from "./support/index-checks.ts";
import { copyOf, stateOf } from "./support/index-state.ts";
import { Pause } from "./support/pausing-store.ts";
import { isFull, note } from "./support/report.ts";
import { documentScenarios, maintenanceScenarios, type Scenario } from "./support/scenarios.ts";
import { INDEX } from "./support/small-documents.ts";

/** Beside the other tests every fifth order is tried. */
const EVERY = isFull ? 1 : 5;

type Play = (store: MemoryStore, collect: () => Promise<void>, at: number) => Promise<boolean>;

/** Plays every order, each on what a killed run of the change left behind; how many there are. */
async function playEach(scenario: Scenario, play: Play): Promise<number> {
  const { prepare, run } = scenario;
  const before = new MemoryStore();
  await prepare(before);
  const expected = await copyOf(before);
  await run(expected);
  const remains = await remainsOf(scenario, before);
  const state = await stateOf(expected, INDEX);
  for (let at = 0; ; at += EVERY) {
    const store = await copyOf(remains);
    const old = new Set(await keysBelow(store, layout.index(INDEX)));
    const wasOvertaken = await play(store, async () => await collectOld(store, INDEX, old), at);
    if (!wasOvertaken) return at;
    expect(await stateOf(store, INDEX)).toEqual(state);
    await expectWell(store, INDEX);
    await expectTidyAfterCollection(store, INDEX);
  }
}

/** `before` with what the very same change left when it was killed in front of its commit. */
async function remainsOf({ run }: Scenario, before: MemoryStore): Promise<MemoryStore> {
  for (let writes = 0, last = before; ; writes++) {
    const store = await copyOf(before);
    await run(new CrashingStore(store, new Power(writes, "before"))).catch(() => undefined);
    const manifest = await readNewestManifest(store, INDEX);
    if (manifest?.version !== (await readNewestManifest(before, INDEX))?.version) return last;
    last = store;
  }
}

const { "garbage collection, after all of this and an ingestion that was killed": _itself, ...maintenance } =
  maintenanceScenarios;
const scenarios = Object.entries({ ...documentScenarios, ...maintenance });

describe("a garbage collection", { timeout: 600_000 }, () => {
  it.each(scenarios)("overtaken anywhere by: %s", async (name, scenario) => {
    const orders = await playEach(scenario, async (store, _collect, at) => {
      const old = new Set(await keysBelow(store, layout.index(INDEX)));
      const pause = new Pause(at, async () => await scenario.run(store));
      await collectOld(pause.over(store), INDEX, old);
      return pause.happened;
    });
    note(`gc overtaken: ${name}`, { orders });
    expect(orders).toBeGreaterThan(3);
  });

  it.each(scenarios)("in the middle of: %s", async (name, scenario) => {
    const orders = await playEach(scenario, async (store, collect, at) => {
      const pause = new Pause(at, collect);
      await scenario.run(pause.over(store));
      return pause.happened;
    });
    note(`gc in the middle: ${name}`, { orders });
    expect(orders).toBeGreaterThan(3);
  });
});
