/**
 * Commands that look after one index or all of them.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";
import { resolveIndexName } from "../../shared/format/aliases.ts";
import { listIndexes } from "../../shared/format/manifest-store.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";

/** `index`, or undefined for all. Errors: `invalid_request` unless exactly one of the two was given. */
export function indexOrAll({ index, all = false }: { index?: string; all?: boolean }): string | undefined {
  if ((index !== undefined) !== all) return index;
  throw new MaxleafError("invalid_request", "say which index: either --index <name> or --all");
}

/**
 * The names to look after; for an alias the index that it leads to. A name without a manifest, or of a dropped index, is among
 * them: something is stored there. Errors: `index_not_found` when nothing is.
 */
export async function indexesOf(store: ObjectStore, index: string | undefined): Promise<string[]> {
  const names = await listIndexes(store);
  if (index === undefined) return names;
  const resolved = await resolveIndexName(store, index);
  if (names.includes(resolved)) return [resolved];
  const others = names.length === 0 ? "the bucket has none yet" : `there are ${names.join(", ")}`;
  throw new MaxleafError("index_not_found", `there is no index ${quote(index)}; ${others}`);
}
