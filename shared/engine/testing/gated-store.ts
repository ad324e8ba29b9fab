/**
 * A store whose reads of one key wait until they are let through.
 *
 * @module
 */
import { MemoryStore } from "../../store/memory-store.ts";
import type { ByteRange, StoredObject } from "../../store/object-store.ts";

export class GatedStore extends MemoryStore {
  #opened = Promise.resolve();
  /** Resolves when a read stands before the gate. */
  arrived = Promise.resolve();
  #pattern: string | undefined;
  #arrive = (): void => undefined;

  /** Holds up reads of keys with `pattern` in them. @returns what lets them through. */
  close(pattern: string): () => void {
    const gate = Promise.withResolvers<void>();
    const arrival = Promise.withResolvers<void>();
    this.#pattern = pattern;
    this.#opened = gate.promise;
    this.arrived = arrival.promise;
    this.#arrive = arrival.resolve;
    return gate.resolve;
  }

  override async get(key: string, range?: ByteRange): Promise<StoredObject | undefined> {
    if (this.#pattern !== undefined && key.includes(this.#pattern)) {
      this.#arrive();
      await this.#opened;
    }
    return await super.get(key, range);
  }
}
