/**
 * The time by the store's own clock. Ages of objects are told by it, and a machine whose clock is a day ahead would take
 * what was written this minute for old.
 *
 * @module
 */
import { MaxleafError, quote } from "../../shared/errors.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { clockKey } from "./object-kinds.ts";

/**
 * Writes a small object, looks when the store says that was, and removes it again. One that stays behind after a crash is
 * removed by the next garbage collection.
 *
 * @returns milliseconds since 1970, exact to what the store's listings are: a second on S3.
 * @throws MaxleafError `store_unavailable`, also when the listing does not have what was written.
 */
export async function storeNowMs(store: ObjectStore, index: string): Promise<number> {
  const key = clockKey(index, crypto.randomUUID());
  await store.put(key, new TextEncoder().encode("maxleaf gc"), { onlyIf: "absent", contentType: "text/plain" });
  const { objects } = await store.list(key);
  await store.delete([key]);
  const written = objects.find((object) => object.key === key);
  if (written !== undefined && written.lastModifiedMs > 0) return written.lastModifiedMs;
  throw new MaxleafError("store_unavailable", `the bucket does not say when ${quote(key)} was written`);
}
