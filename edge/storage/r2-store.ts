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
  preconditionFailed,
  type PutOptions,
  resolveRange,
  type StoredObject,
} from "../../shared/store/object-store.ts";

/** R2 deletes at most this many keys a call. */
const MAX_DELETE_KEYS = 1_000;

/** Reads are tried again; writes are not, since one whose answer was lost may have happened. A user is waiting. */
const READ_RETRIES: RetryOptions = {
  retries: 2,
  minTimeout: 50,
  maxTimeout: 250,
  randomize: true,
  shouldRetry: ({ error }) => !(error instanceof MaxleafError),
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
      // R2 fails on ranges outside the object, with codes that differ by range and by R2's version; its size tells.
      const object = range === undefined ? undefined : await this.#head(key);
      if (object === undefined) throw unavailable("read", key, error);
      const { size, etag, httpMetadata } = object;
      const { length } = resolveRange(key, size, range);
      if (length > 0) throw unavailable("read", key, error);
      return { bytes: new Uint8Array(0), size, etag, contentType: httpMetadata?.contentType };
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

  async #head(key: string): Promise<R2Object | undefined> {
    try {
      return (await this.#bucket.head(key)) ?? undefined;
    } catch (error) {
      throw unavailable("read", key, error);
    }
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

function unavailable(verb: string, key: string, cause: unknown): MaxleafError {
  return new MaxleafError("store_unavailable", `the bucket could not ${verb} ${quote(key)}; try again`, { cause });
}
