/**
 * Counts what passes through a store: what a query costs is reads that wait for each other, more than bytes.
 *
 * @module
 */
import type { ByteRange, ListOptions, ListPage, ObjectStore, PutOptions, StoredObject } from "./object-store.ts";

export interface StoreCounts {
  gets: number;
  bytesRead: number;
  puts: number;
  bytesWritten: number;
  lists: number;
  deletes: number;
  /**
   * Length of the longest chain of reads (gets and lists) in which each began after the one before had ended. Reads that
   * run side by side are one wave.
   */
  serialReadWaves: number;
}

/** Wrap the store once per request to get the request's own counts. */
export class CountingStore implements ObjectStore {
  readonly #inner: ObjectStore;
  readonly #counts: StoreCounts = {
    gets: 0,
    bytesRead: 0,
    puts: 0,
    bytesWritten: 0,
    lists: 0,
    deletes: 0,
    serialReadWaves: 0,
  };
  #endedWave = 0;

  constructor(inner: ObjectStore) {
    this.#inner = inner;
  }

  /** The counts up to now. */
  get counts(): Readonly<StoreCounts> {
    return { ...this.#counts };
  }

  async get(key: string, range?: ByteRange): Promise<StoredObject | undefined> {
    this.#counts.gets += 1;
    const object = await this.#inWave(() => this.#inner.get(key, range));
    this.#counts.bytesRead += object?.bytes.byteLength ?? 0;
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
    return await this.#inWave(() => this.#inner.list(prefix, options));
  }

  async #inWave<T>(read: () => Promise<T>): Promise<T> {
    const wave = this.#endedWave + 1;
    this.#counts.serialReadWaves = Math.max(this.#counts.serialReadWaves, wave);
    try {
      return await read();
    } finally {
      this.#endedWave = Math.max(this.#endedWave, wave);
    }
  }
}
