/**
 * Counts what passes through a store: what a query costs is reads that wait for each other, more than bytes.
 *
 * @module
 */
import type { ByteRange, ListOptions, ListPage, ObjectStore, PutOptions, StoredObject } from "./object-store.ts";
import { SerialChain } from "./serial-chain.ts";

export interface StoreCounts {
  gets: number;
  bytesRead: number;
  /** Gets that a cache nearer than the bucket answered. */
  cachedGets: number;
  puts: number;
  bytesWritten: number;
  lists: number;
  deletes: number;
  /** {@link SerialChain} of gets and lists. */
  serialReadWaves: number;
}

export class CountingStore implements ObjectStore {
  readonly #inner: ObjectStore;
  readonly #chain = new SerialChain();
  readonly #counts: Omit<StoreCounts, "serialReadWaves"> = {
    gets: 0,
    bytesRead: 0,
    cachedGets: 0,
    puts: 0,
    bytesWritten: 0,
    lists: 0,
    deletes: 0,
  };

  constructor(inner: ObjectStore) {
    this.#inner = inner;
  }

  /** The counts up to now. */
  get counts(): Readonly<StoreCounts> {
    return { ...this.#counts, serialReadWaves: this.#chain.length };
  }

  async get(key: string, range?: ByteRange): Promise<StoredObject | undefined> {
    this.#counts.gets += 1;
    const object = await this.#chain.run(() => this.#inner.get(key, range));
    this.#counts.bytesRead += object?.bytes.byteLength ?? 0;
    if (object?.fromCache === true) this.#counts.cachedGets += 1;
    return object;
  }

  async put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<{ etag: string }> {
    this.#counts.puts += 1;
    this.#counts.bytesWritten += bytes.byteLength;
    return await this.#inner.put(key, bytes, options);
  }

  async delete(keys: readonly string[]): Promise<void> {
    this.#counts.deletes += keys.length;
    await this.#inner.delete(keys);
  }

  async list(prefix: string, options?: ListOptions): Promise<ListPage> {
    this.#counts.lists += 1;
    return await this.#chain.run(() => this.#inner.list(prefix, options));
  }
}
