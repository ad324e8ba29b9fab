/**
 * What the worker is given by its deployment: bindings, variables and secrets.
 *
 * @module
 */

import type { SearchShard } from "./shards/search-shard.ts";

export interface Env {
  /** Where everything durable lies. */
  BUCKET: R2Bucket;
  /** One object per index and shard number. */
  SHARDS: DurableObjectNamespace<SearchShard>;
  /** What answers for an index that one isolate cannot hold: `pruned` (the default) or `sharded`. */
  SEARCH_PATH?: string;
  /** Base URL of the encoder service. */
  ENCODER_URL?: string;
  /** Shared with the encoder service; a secret. */
  ENCODER_SECRET?: string;
  /** Milliseconds to wait for the encoder; absent: `ENCODER_TIMEOUT_MS` of `query/encoder-client.ts`. */
  ENCODER_TIMEOUT_MS?: string;
  /** Who sends it may write; a secret. Absent: nobody may. */
  ADMIN_KEY?: string;
  /** Origins that may call the API from a browser, separated by commas; absent: every origin, since nothing goes by cookies. */
  CORS_ORIGINS?: string;
}
