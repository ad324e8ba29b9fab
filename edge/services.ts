/**
 * What the routes work with, made once per isolate from its bindings.
 *
 * @module
 */
import kernelModule from "../shared/kernel/build/kernel.wasm";
import type { SearchableIndex } from "../shared/engine/contract.ts";
import { openIndex } from "../shared/engine/open-index.ts";
import type { ObjectStore } from "../shared/store/object-store.ts";
import type { Env } from "./env.ts";
import { IndexPool } from "./index-pool.ts";
import { type CachedEncoder, createCachedEncoder } from "./query/cached-encoder.ts";
import { createEncoderClient, type EncodeQuery } from "./query/encoder-client.ts";
import { R2Store } from "./storage/r2-store.ts";

export interface Services {
  store: ObjectStore;
  indexes: IndexPool<SearchableIndex>;
  encoder: CachedEncoder;
  /** See `Env.CORS_ORIGINS`. */
  corsOrigins: string | undefined;
}

/** What a test may put in place of the real thing. */
export interface ServiceOverrides {
  encodeQuery?: EncodeQuery;
}

/** Services over the bindings in `env`. */
export function createServices(env: Env, overrides: ServiceOverrides = {}): Services {
  const store = new R2Store(env.BUCKET);
  const encodeQuery =
    overrides.encodeQuery ?? createEncoderClient({ url: env.ENCODER_URL, secret: env.ENCODER_SECRET });
  return {
    store,
    indexes: new IndexPool({ open: (index) => openIndex({ store, index, kernelModule }) }),
    encoder: createCachedEncoder(encodeQuery, caches.default),
    corsOrigins: env.CORS_ORIGINS,
  };
}
