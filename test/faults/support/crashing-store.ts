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

/** A process, of which all writes go through {@link Power.write}: it dies at its `crashAt`-th (from 0) and stays dead. */
export class Power {
  /** Writes so far, the fatal one included. */
  writes = 0;
  isDown = false;
  /** Writes of which a half can be made. */
  readonly divisible: number[] = [];
  readonly #crashAt: number;
  readonly #mode: CrashMode;

  constructor(crashAt: number, mode: CrashMode) {
    this.#crashAt = crashAt;
    this.#mode = mode;
  }

  /** @param half what `half` does of the fatal write. */
  async write<T>(work: () => Promise<T>, half?: () => Promise<void>): Promise<T> {
    this.require();
    if (half !== undefined) this.divisible.push(this.writes);
    if (this.writes++ !== this.#crashAt) return await work();
    this.isDown = true;
    if (this.#mode === "after") await work().catch(() => undefined);
    if (this.#mode === "half") await half?.();
    throw new PowerCut();
  }

  require(): void {
    if (this.isDown) throw new PowerCut();
  }
}

/** A store as a process with `power` uses it. */
export class CrashingStore implements ObjectStore {
  readonly #inner: ObjectStore;
  readonly #power: Power;

  constructor(inner: ObjectStore, power: Power) {
    this.#inner = inner;
    this.#power = power;
  }

  async get(key: string, range?: ByteRange) {
    this.#power.require();
    return await this.#inner.get(key, range);
  }

  async list(prefix: string, options?: ListOptions) {
    this.#power.require();
    return await this.#inner.list(prefix, options);
  }

  async put(key: string, bytes: Uint8Array, options?: PutOptions) {
    return await this.#power.write(async () => await this.#inner.put(key, bytes, options));
  }

  async delete(keys: readonly string[]): Promise<void> {
    const half = async () => await this.#inner.delete(keys.slice(0, Math.ceil(keys.length / 2)));
    await this.#power.write(async () => await this.#inner.delete(keys), keys.length > 1 ? half : undefined);
  }
}
