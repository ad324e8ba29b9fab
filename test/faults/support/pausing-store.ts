/**
 * Lets others do all of their work while a process is in the middle of its own: every order of overtaking, told by a number.
 *
 * @module
 */
import type { ObjectStore } from "../../../shared/store/object-store.ts";

/** Counts the requests of a process, over all stores that it sees through this, and waits once. */
export class Pause {
  /** Whether the process got so far. */
  happened = false;
  #requests = 0;
  readonly #at: number;
  readonly #meanwhile: () => Promise<void>;

  /** @param at the request, from 0, before which the process waits for `meanwhile`. */
  constructor(at: number, meanwhile: () => Promise<void>) {
    this.#at = at;
    this.#meanwhile = meanwhile;
  }

  /** `store` as the process sees it. */
  over(store: ObjectStore): ObjectStore {
    return {
      get: async (...args) => {
        await this.#request();
        return await store.get(...args);
      },
      put: async (...args) => {
        await this.#request();
        return await store.put(...args);
      },
      delete: async (keys) => {
        await this.#request();
        await store.delete(keys);
      },
      list: async (...args) => {
        await this.#request();
        return await store.list(...args);
      },
    };
  }

  async #request(): Promise<void> {
    if (this.#requests++ !== this.#at) return;
    this.happened = true;
    await this.#meanwhile();
  }
}
