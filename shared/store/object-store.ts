/**
 * The object-store port: the bucket as Maxleaf sees it. Adapters: R2 binding (`edge/storage`), S3 and local folder
 * (`encoder/storage`), in-memory, counting and per-request (here).
 *
 * @module
 */
import { MaxleafError, quote } from "../errors.ts";

/** What a whole or partial read returns. `size` is the whole object's size, whatever range was asked for. */
export interface StoredObject {
  bytes: Uint8Array;
  size: number;
  etag: string;
  contentType: string | undefined;
  /** A cache nearer than the bucket had it. */
  fromCache?: boolean;
}

/** `length` bytes from `offset`, all of which must be there; or the last `suffix` bytes, fewer if the object is shorter. */
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

export interface ListOptions {
  /** `ListPage.cursor` of the page before. */
  cursor?: string;
  /** Objects and prefixes together, 1 to 1,000. */
  limit?: number;
  /** Keys with this string after the prefix are not listed one by one but as one prefix: `/` lists a folder. */
  delimiter?: string;
}

export interface ListPage {
  objects: ListedObject[];
  /** Ends of `prefix…delimiter`, each once over all pages; empty without a delimiter. */
  prefixes: string[];
  /** Pass as `cursor` to get the next page; undefined on the last. */
  cursor: string | undefined;
}

/**
 * Errors of every method: `store_unavailable` when the store cannot be reached or answers 429/5xx after the adapter's
 * own retries; `corrupt_data` when the object has fewer bytes than the range asks for, or the answer has fewer than it
 * should.
 */
export interface ObjectStore {
  /** The object (or its range), or `undefined` if there is none. */
  get(key: string, range?: ByteRange): Promise<StoredObject | undefined>;
  /** Writes. Fails with `precondition_failed` when `onlyIf` does not hold. Returns the new ETag. */
  put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<{ etag: string }>;
  /** Removes the objects that exist; absent keys are no error. */
  delete(keys: readonly string[]): Promise<void>;
  /** Objects whose keys begin with `prefix`, in key order. */
  list(prefix: string, options?: ListOptions): Promise<ListPage>;
}

/** Where `range` lies in an object of `size` bytes. Throws `corrupt_data` when it leaves the object. */
export function resolveRange(
  key: string,
  size: number,
  range: ByteRange | undefined,
): { offset: number; length: number } {
  if (range === undefined) return { offset: 0, length: size };
  if ("suffix" in range) {
    const length = Math.min(range.suffix, size);
    return { offset: size - length, length };
  }
  if (range.offset + range.length > size) throw outOfRange(key, range, size);
  return range;
}

/** The error for a range that an object does not have. */
export function outOfRange(key: string, range: ByteRange, size: number | undefined): MaxleafError {
  const asked = "suffix" in range ? `the last ${range.suffix} bytes` : `${range.length} bytes from ${range.offset}`;
  const has = size === undefined ? "it has fewer" : `it has ${size}`;
  return new MaxleafError("corrupt_data", `object ${quote(key)} cannot give ${asked}: ${has}`);
}

/** The error for a conditional put that lost. */
export function preconditionFailed(key: string, onlyIf: PutOptions["onlyIf"]): MaxleafError {
  const why = onlyIf === "absent" ? "it exists already" : "it has changed since it was read";
  return new MaxleafError("precondition_failed", `object ${quote(key)} was not written: ${why}`);
}
