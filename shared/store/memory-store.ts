/**
 * An object store in memory, for tests and evaluation runs. Passes the same conformance suite as the real ones.
 *
 * @module
 */
import { listPageOf } from "./list-page.ts";
import {
  type ByteRange,
  type ListOptions,
  type ListPage,
  type ObjectStore,
  preconditionFailed,
  type PutOptions,
  resolveRange,
  type StoredObject,
} from "./object-store.ts";

interface Entry {
  bytes: Uint8Array;
  etag: string;
  contentType: string | undefined;
  lastModifiedMs: number;
}

export class MemoryStore implements ObjectStore {
  readonly #entries = new Map<string, Entry>();
  #writes = 0;

  async get(key: string, range?: ByteRange): Promise<StoredObject | undefined> {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    const size = entry.bytes.byteLength;
    const { offset, length } = resolveRange(key, size, range);
    return {
      // A copy: a caller that writes into what it read must not change the store.
      bytes: new Uint8Array(entry.bytes.subarray(offset, offset + length)),
      size,
      etag: entry.etag,
      contentType: entry.contentType,
    };
  }

  async put(key: string, bytes: Uint8Array, options: PutOptions = {}): Promise<{ etag: string }> {
    const existing = this.#entries.get(key);
    const { onlyIf } = options;
    if (onlyIf === "absent" && existing !== undefined) throw preconditionFailed(key, onlyIf);
    if (typeof onlyIf === "object" && existing?.etag !== onlyIf.etag) throw preconditionFailed(key, onlyIf);
    this.#writes += 1;
    const etag = `w${this.#writes}`;
    this.#entries.set(key, {
      bytes: new Uint8Array(bytes),
      etag,
      contentType: options.contentType,
      lastModifiedMs: Date.now(),
    });
    return { etag };
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) this.#entries.delete(key);
  }

  async list(prefix: string, options?: ListOptions): Promise<ListPage> {
    const objects = Array.from(this.#entries, ([key, { bytes, etag, lastModifiedMs }]) => ({
      key,
      size: bytes.byteLength,
      etag,
      lastModifiedMs,
    }));
    return listPageOf(objects, prefix, options);
  }
}
