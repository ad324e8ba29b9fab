/**
 * A store whose process dies at a chosen write.
 *
 * @module
 */
import type { ByteRange, ListOptions, ObjectStore, PutOptions } from "../../../shared/store/object-store.ts";

/** Nothing that the code under test knows or catches on purpose: the process is gone. */
export class PowerCut extends Error {
  constructor() {
    super("the power is gone");
    this.name = "PowerCut";
  }
}

/** What becomes of the write at which the power goes: nothing, all of it, or (of a removal of several keys) half of it. */
export const crashModes = ["before", "after", "half"] as const;
export type CrashMode = (typeof crashModes)[number];

/** Passes everything on until its `crashAt`-th write (from 0), and fails for ever after. */
export class CrashingStore implements ObjectStore {
  /** Writes so far, the fatal one included. */
  writes = 0;
  isDown = false;
  readonly #inner: ObjectStore;
  readonly #crashAt: number;
  readonly #mode: CrashMode;

  constructor(inner: ObjectStore, crashAt: number, mode: CrashMode) {
    this.#inner = inner;
    this.#crashAt = crashAt;
    this.#mode = mode;
  }

  async get(key: string, range?: ByteRange) {
    this.#requirePower();
    return await this.#inner.get(key, range);
  }

  async list(prefix: string, options?: ListOptions) {
    this.#requirePower();
    return await this.#inner.list(prefix, options);
  }

  async put(key: string, bytes: Uint8Array, options?: PutOptions) {
    return await this.#write(async () => await this.#inner.put(key, bytes, options));
  }

  async delete(keys: readonly string[]): Promise<void> {
    await this.#write(async () => await this.#inner.delete(keys), keys);
  }

  async #write<T>(write: () => Promise<T>, keys: readonly string[] = []): Promise<T> {
    this.#requirePower();
    const isFatal = this.writes++ === this.#crashAt;
    if (!isFatal) return await write();
    this.isDown = true;
    if (this.#mode === "after") await write().catch(() => undefined);
    if (this.#mode === "half") await this.#inner.delete(keys.slice(0, Math.ceil(keys.length / 2)));
    throw new PowerCut();
  }

  #requirePower(): void {
    if (this.isDown) throw new PowerCut();
  }
}
