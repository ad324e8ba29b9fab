/**
 * The object-store port: the bucket as Maxleaf sees it. Adapters: R2 binding (`edge/storage`), S3 and local folder
 * (`encoder/storage`), counting and in-memory (here).
 *
 * @module
 */

/** What a whole or partial read returns. `size` is the whole object's size, whatever range was asked for. */
export interface StoredObject {
  bytes: Uint8Array;
  size: number;
  etag: string;
  contentType: string | undefined;
}

/** Half-open byte range, or the last `suffix` bytes (fewer if the object is shorter). */
export type ByteRange = { offset: number; length: number } | { suffix: number };

export interface PutOptions {
  contentType?: string;
  /** `absent`: create only if no object has this key (If-None-Match: *). `{ etag }`: replace only this version. */
  onlyIf?: "absent" | { etag: string };
}

export interface ListedObject {
  key: string;
  size: number;
  etag: string;
  lastModifiedMs: number;
}

export interface ListPage {
  objects: ListedObject[];
  /** Pass as `cursor` to get the next page; undefined on the last. */
  cursor: string | undefined;
}

/**
 * Errors of every method: `store_unavailable` when the store cannot be reached or answers 429/5xx after the adapter's
 * own retries; `corrupt_data` when it returns fewer bytes than the range holds.
 */
export interface ObjectStore {
  /** The object (or its range), or `undefined` if there is none. */
  get(key: string, range?: ByteRange): Promise<StoredObject | undefined>;
  /** Writes. Fails with `precondition_failed` when `onlyIf` does not hold. Returns the new ETag. */
  put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<{ etag: string }>;
  /** Removes the objects that exist; absent keys are no error. */
  delete(keys: readonly string[]): Promise<void>;
  /** Objects whose keys begin with `prefix`, in key order. */
  list(prefix: string, options?: { cursor?: string; limit?: number }): Promise<ListPage>;
}
