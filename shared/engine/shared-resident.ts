/**
 * Kernel memory that several snapshots of an index use: given back when the last one lets go.
 *
 * @module
 */
import type { RegionHolder } from "../kernel/memory.ts";

/** Begins with one user. */
export class SharedResident<T extends RegionHolder> {
  readonly value: T;
  #users = 1;

  constructor(value: T) {
    this.value = value;
  }

  /** One more user. */
  retain(): this {
    this.#users += 1;
    return this;
  }

  /** One user fewer; the last one's release frees the memory. */
  release(): void {
    this.#users -= 1;
    if (this.#users === 0) this.value.release();
  }
}

/** Collects what a search allocates, to release it all whatever happens. */
export class ReleaseStack implements RegionHolder {
  readonly #holders: RegionHolder[] = [];

  use<T extends RegionHolder>(holder: T): T {
    this.#holders.push(holder);
    return holder;
  }

  release(): void {
    for (const holder of this.#holders.splice(0).reverse()) holder.release();
  }
}
