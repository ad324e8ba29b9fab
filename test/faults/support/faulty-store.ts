/**
 * A store that misbehaves as real ones do, by a seed.
 *
 * @module
 */
import { setImmediate as nextTurn } from "node:timers/promises";
import { MaxleafError } from "../../../shared/errors.ts";
import type { Random } from "../../../shared/ports.ts";
import {
  type ByteRange,
  type ListOptions,
  type ListPage,
  type ObjectStore,
  preconditionFailed,
  type PutOptions,
  type StoredObject,
} from "../../../shared/store/object-store.ts";

/** Chances, 0 … 1, of each fault at each request. */
export interface FaultRates {
  /** The answer takes some turns of the event loop longer, so that requests overtake each other. */
  slow?: number;
  /** 429 or 503: nothing was done. */
  unavailable?: number;
  /** The write was made, the answer is a 503. */
  replyLost?: number;
  /** Of conditional writes: 412, and nothing was written. */
  falseConflict?: number;
  /** Of conditional writes: it was made, but an adapter's own second try met it and got 412. */
  ownConflict?: number;
  /** Fewer bytes than there are; half of the time the adapter notices (`corrupt_data`). */
  shortBody?: number;
  /** What was there some writes ago: of CURRENT and listings. Other keys are written once, and what is read of them is true. */
  stale?: number;
}

/** Everything at once, at rates at which most work still succeeds. */
export const ALL_FAULTS: FaultRates = {
  slow: 0.3,
  unavailable: 0.03,
  replyLost: 0.03,
  falseConflict: 0.05,
  ownConflict: 0.05,
  shortBody: 0.01,
  stale: 0.1,
};

const MAX_TURNS = 6;

export class FaultyStore implements ObjectStore {
  /** Faults by kind, to show that there were any. */
  readonly injected = new Map<keyof FaultRates, number>();
  readonly #inner: ObjectStore;
  readonly #random: Random;
  readonly #rates: FaultRates;
  /** What a stale read gives: answers of earlier reads, by request. */
  readonly #seen = new Map<string, StoredObject | ListPage | undefined>();

  constructor(inner: ObjectStore, random: Random, rates: FaultRates = ALL_FAULTS) {
    this.#inner = inner;
    this.#random = random;
    this.#rates = rates;
  }

  async get(key: string, range?: ByteRange): Promise<StoredObject | undefined> {
    await this.#delay();
    this.#maybeUnavailable();
    const request = JSON.stringify([key, range]);
    const mayBeStale = key.endsWith("/CURRENT");
    if (mayBeStale && this.#seen.has(request) && this.#happens("stale")) {
      const stale = this.#seen.get(request);
      if (stale === undefined || "bytes" in stale) return stale;
    }
    const object = await this.#inner.get(key, range);
    if (mayBeStale) this.#seen.set(request, object);
    if (object === undefined || object.bytes.length === 0 || !this.#happens("shortBody")) return object;
    if (this.#random.next() < 0.5) throw new MaxleafError("corrupt_data", `object ${key} came short`);
    return { ...object, bytes: object.bytes.slice(0, Math.floor(this.#random.next() * object.bytes.length)) };
  }

  async put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<{ etag: string }> {
    await this.#delay();
    this.#maybeUnavailable();
    const isConditional = options?.onlyIf !== undefined;
    if (isConditional && this.#happens("falseConflict")) throw preconditionFailed(key, options.onlyIf);
    const written = await this.#inner.put(key, bytes, options);
    await this.#delay();
    if (isConditional && this.#happens("ownConflict")) throw preconditionFailed(key, options.onlyIf);
    if (this.#happens("replyLost")) throw unavailable();
    return written;
  }

  async delete(keys: readonly string[]): Promise<void> {
    await this.#delay();
    this.#maybeUnavailable();
    await this.#inner.delete(keys);
    if (this.#happens("replyLost")) throw unavailable();
  }

  async list(prefix: string, options?: ListOptions): Promise<ListPage> {
    await this.#delay();
    this.#maybeUnavailable();
    const request = JSON.stringify([prefix, options]);
    if (this.#seen.has(request) && this.#happens("stale")) {
      const stale = this.#seen.get(request);
      if (stale !== undefined && "objects" in stale) return stale;
    }
    const page = await this.#inner.list(prefix, options);
    this.#seen.set(request, page);
    return page;
  }

  async #delay(): Promise<void> {
    if (!this.#happens("slow")) return;
    const turns = 1 + Math.floor(this.#random.next() * MAX_TURNS);
    for (let turn = 0; turn < turns; turn++) await nextTurn();
  }

  #maybeUnavailable(): void {
    if (this.#happens("unavailable")) throw unavailable();
  }

  #happens(fault: keyof FaultRates): boolean {
    const rate = this.#rates[fault] ?? 0;
    if (rate === 0 || this.#random.next() >= rate) return false;
    this.injected.set(fault, (this.injected.get(fault) ?? 0) + 1);
    return true;
  }
}

function unavailable(): MaxleafError {
  return new MaxleafError("store_unavailable", "the store answered 503");
}
