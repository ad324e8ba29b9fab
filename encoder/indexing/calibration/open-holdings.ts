/**
 * Opens an index in every way that an edge may hold it.
 *
 * @module
 */
import type { SearchableIndex } from "../../../shared/engine/contract.ts";
import { MemoryBudget } from "../../../shared/engine/memory-budget.ts";
import { openIndex } from "../../../shared/engine/open-index.ts";
import {
  DEFAULT_MEMORY_BYTES,
  type Holding,
  holdingBytes,
  type HoldingBytes,
} from "../../../shared/engine/planner/holding.ts";
import type { Manifest } from "../../../shared/format/manifest.ts";
import type { KernelModule } from "../../../shared/kernel/webassembly.ts";
import type { ObjectStore } from "../../../shared/store/object-store.ts";

/** An index that needs more for its bags, or for all its lists, is in no isolate's memory: what they would find is of no use. */
const MAX_RESIDENT_BYTES = 8 * DEFAULT_MEMORY_BYTES;

export interface HeldIndex {
  holding: Holding;
  index: SearchableIndex;
}

/** The ways in which `manifest` may be held. */
export function holdingsOf(manifest: Manifest): Holding[] {
  return (["bags", "lists", "heads"] as const).filter((holding) => isOfUse(manifest, holding));
}

/** `manifest` held in each of its ways, open until the next is asked for. */
export async function* openHoldings(
  { store, index, kernelModule }: { store: ObjectStore; index: string; kernelModule: KernelModule },
  manifest: Manifest,
): AsyncGenerator<HeldIndex> {
  for (const holding of holdingsOf(manifest)) {
    const memory = new MemoryBudget(MAX_RESIDENT_BYTES);
    const readManifest = async () => manifest;
    const kernelBytes = MAX_RESIDENT_BYTES;
    const opened = await openIndex({ store, index, kernelModule, holding, kernelBytes, memory, readManifest });
    try {
      yield { holding, index: opened };
    } finally {
      opened.close();
    }
  }
}

function isOfUse(manifest: Manifest, holding: Holding): boolean {
  const needed = holdingBytes(manifest);
  const own = totalOf(needed[holding]);
  if (holding === "heads") return own < Infinity;
  // Lists are only held where they take less than bags.
  return own <= MAX_RESIDENT_BYTES && (holding === "bags" || own < totalOf(needed.bags));
}

function totalOf(needed: HoldingBytes | undefined): number {
  return needed === undefined ? Infinity : needed.kernel + needed.heap;
}
