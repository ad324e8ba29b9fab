/**
 * Notes which reads of a store waited for which, for the latency model.
 *
 * @module
 */
import type {
  ByteRange,
  ListOptions,
  ListPage,
  ObjectStore,
  PutOptions,
  StoredObject,
} from "../../../shared/store/object-store.ts";

export class WaveStore implements ObjectStore {
  readonly #inner: ObjectStore;
  #waves: number[][] = [];
  #endedWaves = 0;

  constructor(inner: ObjectStore) {
    this.#inner = inner;
  }

  /** Bytes of the reads since the last call, wave by wave. A read belongs to the wave after the last one that had ended when it began. */
  take(): number[][] {
    const waves = this.#waves;
    this.#waves = [];
    this.#endedWaves = 0;
    return waves;
  }

  async get(key: string, range?: ByteRange): Promise<StoredObject | undefined> {
    const waves = this.#waves;
    const wave = this.#endedWaves;
    const reads = (waves[wave] ??= []);
    const object = await this.#inner.get(key, range);
    reads.push(object?.bytes.byteLength ?? 0);
    if (waves === this.#waves) this.#endedWaves = Math.max(this.#endedWaves, wave + 1);
    return object;
  }

  async put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<{ etag: string }> {
    return await this.#inner.put(key, bytes, options);
  }

  async delete(keys: readonly string[]): Promise<void> {
    await this.#inner.delete(keys);
  }

  async list(prefix: string, options?: ListOptions): Promise<ListPage> {
    return await this.#inner.list(prefix, options);
  }
}
