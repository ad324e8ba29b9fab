/**
 * What all that runs in one isolate shares: its memory, and what it knows of the bucket's latencies. Worker and Durable
 * Objects of one script may run in the same isolate.
 *
 * @module
 */
import { MemoryBudget } from "../shared/engine/memory-budget.ts";
import { DEFAULT_MEMORY_BYTES } from "../shared/engine/planner/holding.ts";
import { HedgePolicy } from "../shared/store/hedge-policy.ts";
import { PoolMemory } from "./index-pool.ts";

export interface Isolate {
  /** Of page records and resident state. */
  memory: MemoryBudget;
  /** Of opened indexes: past it, idle ones are closed. */
  pools: PoolMemory;
  hedging: HedgePolicy;
}

export function createIsolate(): Isolate {
  return {
    memory: new MemoryBudget(DEFAULT_MEMORY_BYTES),
    pools: new PoolMemory(DEFAULT_MEMORY_BYTES),
    hedging: new HedgePolicy(),
  };
}

/** The one that this code runs in. */
export const isolate = createIsolate();
