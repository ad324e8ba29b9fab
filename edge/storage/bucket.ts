/**
 * The bucket as the worker and its shards read it: through the data centre's cache.
 *
 * @module
 */
import { waitUntil } from "cloudflare:workers";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import { CacheApiStore } from "./cache-api-store.ts";
import { R2Store } from "./r2-store.ts";

/** `bucket` behind `caches.default`. One per isolate will do. */
export function openBucket(bucket: R2Bucket): ObjectStore {
  return new CacheApiStore(new R2Store(bucket), { cache: caches.default, waitUntil });
}
