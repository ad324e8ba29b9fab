/**
 * The object store over an R2 binding.
 *
 * @module
 */
import pRetry, { type Options as RetryOptions } from "p-retry";
import { MaxleafError, quote } from "../../shared/errors.ts";
import {
  type ByteRange,
  type ListOptions,
  type ListPage,
  type ObjectStore,
  outOfRange,
  preconditionFailed,
  type PutOptions,
  resolveRange,
  type StoredObject,
} from "../../shared/store/object-store.ts";

/** R2's InvalidRange, which it puts at the end of its messages. */
const INVALID_RANGE = /\(10039\)$/;

/** R2 deletes at most this many keys a call. */
const MAX_DELETE_KEYS = 1_000;

/** Reads are tried again; writes are not, since one whose answer was lost may have happened. A user is waiting. */
const READ_RETRIES: RetryOptions = {
  retries: 2,
  minTimeout: 50,
  maxTimeout: 250,
  randomize: true,
  shouldRetry: ({ error }) => !(error instanceof MaxleafError) && !isInvalidRange(error),
};

export class R2Store implements ObjectStore {
  readonly #bucket: R2Bucket;

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket;
  }

  async get(key: string, range?: ByteRange): Promise<StoredObject | undefined> {
    try {
      return await pRetry(() => this.#get(key, range), READ_RETRIES);
    } catch (error) {
      if (error instanceof MaxleafError) throw error;
      if (range === undefined || !isInvalidRange(error)) throw unavailable("read", key, error);
      // Of an empty object R2 cannot give the last bytes; whole, it can be had.
      if ("suffix" in range) return await this.get(key);
      throw outOfRange(key, range, undefined);
    }
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<{ etag: string }> {
    const { onlyIf, contentType } = options;
    const written = await this.#write(key, () =>
      this.#bucket.put(key, bytes, {
        ...(onlyIf !== undefined && { onlyIf: conditionOf(onlyIf) }),
        ...(contentType !== undefined && { httpMetadata: { contentType } }),
      }),
    );
    if (written === null) throw preconditionFailed(key, onlyIf);
    return { etag: written.etag };
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (let first = 0; first < keys.length; first += MAX_DELETE_KEYS) {
      const batch = keys.slice(first, first + MAX_DELETE_KEYS);
      await this.#write(batch[0] ?? "", () => this.#bucket.delete(batch));
    }
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ListPage> {
    try {
      const page = await pRetry(() => this.#bucket.list({ prefix, ...options }), READ_RETRIES);
      return {
        objects: page.objects.map(({ key, size, etag, uploaded }) => ({
          key,
          size,
          etag,
          lastModifiedMs: uploaded.getTime(),
        })),
        prefixes: page.delimitedPrefixes,
        cursor: page.truncated ? page.cursor : undefined,
      };
    } catch (error) {
      throw unavailable("list", prefix, error);
    }
  }

  /** Reads the body inside the attempt: a stream that breaks off is read again. */
  async #get(key: string, range: ByteRange | undefined): Promise<StoredObject | undefined> {
    const object = await this.#bucket.get(key, range === undefined ? {} : { range });
    if (object === null) return undefined;
    const bytes = new Uint8Array(await object.arrayBuffer());
    const { size, etag, httpMetadata } = object;
    if (bytes.byteLength !== resolveRange(key, size, range).length) {
      throw new Error(`R2 sent ${bytes.byteLength} bytes of ${quote(key)}, which has ${size}`);
    }
    return { bytes, size, etag, contentType: httpMetadata?.contentType };
  }

  async #write<T>(key: string, write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (error) {
      throw unavailable("write", key, error);
    }
  }
}

function conditionOf(onlyIf: NonNullable<PutOptions["onlyIf"]>): R2Conditional {
  return onlyIf === "absent" ? { etagDoesNotMatch: "*" } : { etagMatches: onlyIf.etag };
}

function isInvalidRange(error: unknown): boolean {
  return error instanceof Error && INVALID_RANGE.test(error.message);
}

function unavailable(verb: string, key: string, cause: unknown): MaxleafError {
  return new MaxleafError("store_unavailable", `the bucket could not ${verb} ${quote(key)}; try again`, { cause });
}
