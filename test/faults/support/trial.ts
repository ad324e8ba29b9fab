/**
 * Runs a scenario with a power that goes, or over a store that misbehaves, and looks at what is left.
 *
 * @module
 */
import { expect } from "vitest";
import { MaxleafError } from "../../../shared/errors.ts";
import { resolveIndexName } from "../../../shared/format/aliases.ts";
import { MemoryStore } from "../../../shared/store/memory-store.ts";
import type { ObjectStore } from "../../../shared/store/object-store.ts";
import { chanceOf } from "./chance.ts";
import { CrashingStore, crashModes, type CrashMode, Power } from "./crashing-store.ts";
import { FaultyStore } from "./faulty-store.ts";
import { expectTidyAfterCollection, expectWell } from "./index-checks.ts";
import { copyOf, type MaybeIndex, stateOf } from "./index-state.ts";
import { note } from "./report.ts";
import type { Scenario } from "./scenarios.ts";

/** What a store that misbehaves makes an operation fail with; it is done again then. */
export const TRANSIENT: ReadonlySet<string> = new Set([
  "store_unavailable",
  "commit_conflict",
  "precondition_failed",
  "corrupt_data",
  // A stale CURRENT and a stale listing together, of the time before the index was made.
  "index_not_found",
]);
const MAX_ATTEMPTS = 200;

/** All that a scenario shows, by index and by alias. */
type States = Record<string, MaybeIndex>;

export class Trial {
  readonly #scenario: Scenario;
  readonly #before: MemoryStore;
  readonly #allowed: readonly States[];
  readonly #final: States;

  private constructor(scenario: Scenario, before: MemoryStore, allowed: readonly States[], final: States) {
    this.#scenario = scenario;
    this.#before = before;
    this.#allowed = allowed;
    this.#final = final;
  }

  /** Finds out what the old and the new state are. */
  static async of(scenario: Scenario): Promise<Trial> {
    const before = new MemoryStore();
    await scenario.prepare(before);
    const allowed = [await statesOf(scenario, before)];
    for (const step of [...(scenario.between ?? []), scenario.run]) {
      const store = await copyOf(before);
      await step(store);
      allowed.push(await statesOf(scenario, store));
    }
    return new Trial(scenario, before, allowed, allowed.at(-1) ?? {});
  }

  /**
   * Kills the operation at every write, in every way, and checks each time: the state is the old or the new one; the doctor
   * finds nothing wrong; run again, it ends in the new state; garbage collection then leaves nothing that is not referred to.
   *
   * @returns crashes survived.
   */
  async crashEverywhere(): Promise<number> {
    const whole = new Power(Number.POSITIVE_INFINITY, "before");
    await this.#scenario.run(new CrashingStore(await copyOf(this.#before), whole));
    let crashes = 0;
    for (const mode of crashModes) {
      const at = mode === "half" ? whole.divisible : Array.from({ length: whole.writes }, (_, write) => write);
      for (const crashAt of at) {
        await this.#crashOnce(crashAt, mode).catch((cause: unknown) => {
          throw new Error(`power gone ${mode} write ${crashAt}: ${String(cause)}`, { cause });
        });
        crashes++;
      }
    }
    note(`killed at every write: ${expect.getState().currentTestName ?? ""}`, { crashes });
    return crashes;
  }

  /**
   * Does the operation over a store with every fault, again until it succeeds, and checks after every attempt.
   *
   * @returns faults met.
   */
  async runOverFaults(seed: number): Promise<number> {
    const { run } = this.#scenario;
    const store = await copyOf(this.#before);
    const faulty = new FaultyStore(store, chanceOf(seed));
    for (let attempt = 1; ; attempt++) {
      const failure = await run(faulty).then(
        () => undefined,
        (error: unknown) => error,
      );
      await this.#expectWhole(store);
      if (failure === undefined) break;
      const isTransient = failure instanceof MaxleafError && TRANSIENT.has(failure.code);
      if (!isTransient || attempt === MAX_ATTEMPTS) throw failure;
    }
    await this.#expectFinal(store);
    return [...faulty.injected.values()].reduce((sum, count) => sum + count, 0);
  }

  async #crashOnce(crashAt: number, mode: CrashMode): Promise<void> {
    const { run } = this.#scenario;
    const store = await copyOf(this.#before);
    const power = new Power(crashAt, mode);
    await run(new CrashingStore(store, power)).catch(() => undefined);
    await this.#expectWhole(store);
    if (power.isDown) await run(store);
    await this.#expectFinal(store);
  }

  async #expectWhole(store: ObjectStore): Promise<void> {
    await expectOneOf(this.#scenario, this.#allowed, store);
  }

  async #expectFinal(store: ObjectStore): Promise<void> {
    await expectOneOf(this.#scenario, [this.#final], store);
    for (const index of this.#scenario.indexes) await expectTidyAfterCollection(store, index);
    await expectOneOf(this.#scenario, [this.#final], store);
  }
}

/** One of the states that there may be, and everything that belongs to it. */
async function expectOneOf(scenario: Scenario, states: readonly States[], store: ObjectStore): Promise<void> {
  expect(states).toContainEqual(await statesOf(scenario, store));
  for (const index of scenario.indexes) await expectWell(store, index);
}

async function statesOf({ indexes, aliases = [] }: Scenario, store: ObjectStore): Promise<States> {
  const states: States = {};
  for (const name of [...indexes, ...aliases]) states[name] = await stateOf(store, await resolveIndexName(store, name));
  return states;
}
