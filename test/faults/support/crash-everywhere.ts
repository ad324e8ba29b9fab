/**
 * Runs an operation once for every write that it makes, with the power going at that write, and looks at what is left.
 *
 * @module
 */
import { expect } from "vitest";
import { resolveIndexName } from "../../../shared/format/aliases.ts";
import { MemoryStore } from "../../../shared/store/memory-store.ts";
import type { ObjectStore } from "../../../shared/store/object-store.ts";
import { CrashingStore, crashModes, type CrashMode, Power } from "./crashing-store.ts";
import { note } from "./report.ts";
import { copyOf, expectTidyAfterCollection, expectWell, type MaybeIndex, stateOf } from "./index-state.ts";

export interface Scenario {
  /** Indexes, whose objects are looked at. */
  indexes: readonly string[];
  /** Other names under which they are looked for. */
  aliases?: readonly string[];
  /** Makes the old state. */
  prepare: (store: ObjectStore) => Promise<void>;
  /** The operation; run again after a crash, it must complete. */
  run: (store: ObjectStore) => Promise<void>;
  /** States between old and new that an operation of several commits may stop in, each a whole one by itself. */
  between?: readonly ((store: ObjectStore) => Promise<void>)[];
}

type States = Record<string, MaybeIndex>;

/**
 * Kills `run` at every write, in every way, and checks each time: the state is the old or the new one; the doctor finds
 * nothing wrong; run again, it ends in the new state; garbage collection then leaves nothing that is not referred to.
 *
 * @returns crashes survived.
 */
export async function crashEverywhere({
  indexes,
  aliases = [],
  prepare,
  run,
  between = [],
}: Scenario): Promise<number> {
  const before = new MemoryStore();
  await prepare(before);
  const after = await copyOf(before);
  await run(after);
  const statesOf = async (store: ObjectStore): Promise<States> => {
    const states: States = {};
    for (const name of [...indexes, ...aliases])
      states[name] = await stateOf(store, await resolveIndexName(store, name));
    return states;
  };
  const allowed = [await statesOf(before), await statesOf(after)];
  for (const step of between) {
    const store = await copyOf(before);
    await step(store);
    allowed.push(await statesOf(store));
  }
  const [, final] = allowed;

  const crashOnce = async (crashAt: number, mode: CrashMode): Promise<boolean> => {
    const store = await copyOf(before);
    const power = new Power(crashAt, mode);
    await run(new CrashingStore(store, power)).catch(() => undefined);
    const left = await statesOf(store);
    expect(allowed).toContainEqual(left);
    for (const index of indexes) await expectWell(store, index);
    if (!power.isDown) {
      expect(left).toEqual(final);
      return false;
    }
    await run(store);
    expect(await statesOf(store)).toEqual(final);
    for (const index of indexes) {
      await expectWell(store, index);
      await expectTidyAfterCollection(store, index);
    }
    expect(await statesOf(store)).toEqual(final);
    return true;
  };

  let crashes = 0;
  for (const mode of crashModes) {
    for (let crashAt = 0; ; crashAt++) {
      const crashed = await crashOnce(crashAt, mode).catch((cause: unknown) => {
        throw new Error(`power gone ${mode} write ${crashAt}: ${String(cause)}`, { cause });
      });
      if (!crashed) break;
      crashes++;
    }
  }
  note(`killed at every write: ${expect.getState().currentTestName ?? ""}`, { crashes });
  return crashes;
}
