/**
 * What the routes work with, made once per isolate from its bindings.
 *
 * @module
 */
import type { SearchableIndex } from "../shared/engine/contract.ts";
import { openIndex } from "../shared/engine/open-index.ts";
import type { ObjectStore } from "../shared/store/object-store.ts";
import { AliasNames } from "./alias-names.ts";
import type { Env } from "./env.ts";
import { createForward, type Forward } from "./http/forward.ts";
import { IndexPool } from "./index-pool.ts";
import { isolate, type Isolate } from "./isolate.ts";
import { kernelModule } from "./kernel-module.ts";
import { type CachedEncoder, createCachedEncoder } from "./query/cached-encoder.ts";
import { createEncoderClient, type EncodeQuery } from "./query/encoder-client.ts";
import { OpenedManifest } from "./shards/opened-manifest.ts";
import type { ShardCaller } from "./shards/protocol.ts";
import { durableShards } from "./shards/search-shard.ts";
import { openBucket } from "./storage/bucket.ts";

export interface Services {
  store: ObjectStore;
  aliases: AliasNames;
  indexes: IndexPool<SearchableIndex>;
  /** Manifests of indexes that are searched by shards. */
  manifests: IndexPool<OpenedManifest>;
  shards: ShardCaller;
  /** Memory of one shard; undefined: as much as its object has. */
  shardMemoryBytes: number | undefined;
  /** How long a shard may take; undefined: the usual. */
  shardDeadlineMs: number | undefined;
  /** See `Env.SEARCH_PATH`. */
  searchPath: string | undefined;
  encoder: CachedEncoder;
  /** See `Env.CORS_ORIGINS`. */
  corsOrigins: string | undefined;
  /** See `Env.ADMIN_KEY`. */
  adminKey: string | undefined;
  /** Sends writing requests on to the encoder service. */
  forward: Forward;
}

/** What a test may put in place of the real thing. */
export interface ServiceOverrides {
  encodeQuery?: EncodeQuery;
  forward?: Forward;
  /** Puts something between the worker and its shards. */
  shards?: (durable: ShardCaller) => ShardCaller;
  shardMemoryBytes?: number;
  shardDeadlineMs?: number;
  /** As of an isolate that just started. */
  isolate?: Isolate;
}

/** Services over the bindings in `env`. */
export function createServices(env: Env, overrides: ServiceOverrides = {}): Services {
  const store = openBucket(env.BUCKET);
  const { memory, pools, hedging } = overrides.isolate ?? isolate;
  const encodeQuery =
    overrides.encodeQuery ??
    createEncoderClient({ url: env.ENCODER_URL, secret: env.ENCODER_SECRET, timeoutMs: env.ENCODER_TIMEOUT_MS });
  const durable = durableShards(env.SHARDS);
  const aliases = new AliasNames(store);
  return {
    store,
    aliases,
    indexes: new IndexPool({
      open: (index, makeRoom, onManifest) =>
        openIndex({ store, index, kernelModule, memory, hedging, makeRoom, onManifest }),
      aliases,
      memory: pools,
    }),
    manifests: new IndexPool({ open: (index) => OpenedManifest.open(store, index), aliases, memory: pools }),
    shards: overrides.shards?.(durable) ?? durable,
    shardMemoryBytes: overrides.shardMemoryBytes,
    shardDeadlineMs: overrides.shardDeadlineMs,
    searchPath: env.SEARCH_PATH,
    encoder: createCachedEncoder(encodeQuery, caches.default),
    corsOrigins: env.CORS_ORIGINS,
    adminKey: env.ADMIN_KEY,
    forward: overrides.forward ?? createForward({ url: env.ENCODER_URL, secret: env.ENCODER_SECRET }),
  };
}
