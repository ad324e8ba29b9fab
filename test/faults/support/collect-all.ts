/**
 * Garbage collection of everything that nothing refers to, however young.
 *
 * @module
 */
import { collectGarbage, DEFAULT_GRACE_HOURS } from "../../../encoder/maintenance/collect-garbage.ts";
import { listAll } from "../../../encoder/maintenance/list-all.ts";
import { aged } from "../../../encoder/maintenance/testing.ts";
import { layout } from "../../../shared/store/layout.ts";
import type { ObjectStore } from "../../../shared/store/object-store.ts";

/** Collects the garbage of `index` as if all that is in the bucket now were older than the grace period. */
export async function collectAll(store: ObjectStore, index: string): Promise<void> {
  await collectOld(store, index, new Set(await keysBelow(store, layout.index(index))));
}

/** The same, of `old` keys alone: others are young. */
export async function collectOld(store: ObjectStore, index: string, old: ReadonlySet<string>): Promise<void> {
  const isYoung = (key: string) => !old.has(key);
  await collectGarbage({ store: aged(store, DEFAULT_GRACE_HOURS + 1, isYoung), index, remove: true });
}

export async function keysBelow(store: ObjectStore, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of listAll(store, prefix)) keys.push(key);
  return keys;
}
