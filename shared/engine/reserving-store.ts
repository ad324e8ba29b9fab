/**
 * A store whose reads count against the memory budget while they are in flight: a cold search has up to six reads of 2 MiB under
 * way (`format/range-reads.ts`), and records that were kept make room for them before they arrive.
 *
 * @module
 */
import type { ByteRange, ListOptions, ListPage, ObjectStore, PutOptions, StoredObject } from "../store/object-store.ts";
import type { MemoryBudget } from "./memory-budget.ts";

export class ReservingStore implements ObjectStore {
  readonly #inner: ObjectStore;
  readonly #budget: MemoryBudget;

  constructor(inner: ObjectStore, budget: MemoryBudget) {
    this.#inner = inner;
    this.#budget = budget;
  }

  async get(key: string, range?: ByteRange): Promise<StoredObject | undefined> {
    const release = this.#budget.reserve(knownBytes(range));
    try {
      return await this.#inner.get(key, range);
    } finally {
      release();
    }
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

/** Whole objects have no known length; they are manifests and codebooks, read when an index is opened. */
function knownBytes(range: ByteRange | undefined): number {
  if (range === undefined) return 0;
  return "suffix" in range ? range.suffix : range.length;
}
