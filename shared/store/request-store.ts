/**
 * The store as one request reads through it: few reads in flight, none twice at the same time, slow ones hedged, all counted.
 *
 * Made per request and never shared: workerd cancels a request's reads with the request, so whoever else waited for one
 * might wait forever. What requests share is finished records (`engine/record-cache.ts`) and the latencies in a
 * {@link HedgePolicy}. Two cold requests for the same bytes read them twice.
 *
 * @module
 */
import PQueue from "p-queue";
import { MAX_CONCURRENT_READS } from "../limits.ts";
import { type Clock, systemClock } from "../ports.ts";
import { CountingStore } from "./counting-store.ts";
import { type HedgePolicy, MAX_HEDGED_BYTES } from "./hedge-policy.ts";
import type { ByteRange, ListOptions, ListPage, ObjectStore, PutOptions, StoredObject } from "./object-store.ts";
import { SerialChain } from "./serial-chain.ts";

export interface RequestCounts {
  /** Gets sent to the store, second ones included. */
  reads: number;
  bytesRead: number;
  /** Longest chain of reads in which each began after the one before had ended, waits for a free slot included. */
  serialReadWaves: number;
  /** The same, if any number of reads could be in flight: how often what to read depended on what was read. */
  serialHops: number;
  /** Second gets, sent because the first was slow. */
  hedgedReads: number;
  /** Reads that a cache nearer than the bucket answered. */
  storeCacheHits: number;
}

export interface RequestStoreOptions {
  /** The isolate's; without one, nothing is hedged. */
  hedging?: HedgePolicy | undefined;
  clock?: Clock;
}

export class RequestStore implements ObjectStore {
  readonly #counting: CountingStore;
  readonly #hedging: HedgePolicy | undefined;
  readonly #clock: Clock;
  readonly #slots = new PQueue({ concurrency: MAX_CONCURRENT_READS });
  readonly #hops = new SerialChain();
  readonly #flights = new Map<string, Promise<StoredObject | undefined>>();
  #hedgedReads = 0;

  constructor(inner: ObjectStore, options: RequestStoreOptions = {}) {
    this.#counting = new CountingStore(inner);
    this.#hedging = options.hedging;
    this.#clock = options.clock ?? systemClock;
  }

  /** The counts up to now. */
  get counts(): RequestCounts {
    const { gets, bytesRead, serialReadWaves, cachedGets } = this.#counting.counts;
    return {
      reads: gets,
      bytesRead,
      serialReadWaves,
      serialHops: this.#hops.length,
      hedgedReads: this.#hedgedReads,
      storeCacheHits: cachedGets,
    };
  }

  /** Who asks for a range that is being read gets the same bytes: they are not to be written to. */
  async get(key: string, range?: ByteRange): Promise<StoredObject | undefined> {
    const flight = JSON.stringify([key, range]);
    const known = this.#flights.get(flight);
    if (known !== undefined) return await known;
    const read = this.#hops.run(() => this.#read(key, range));
    this.#flights.set(flight, read);
    try {
      return await read;
    } finally {
      this.#flights.delete(flight);
    }
  }

  async put(key: string, bytes: Uint8Array, options?: PutOptions): Promise<{ etag: string }> {
    return await this.#counting.put(key, bytes, options);
  }

  async delete(keys: readonly string[]): Promise<void> {
    await this.#counting.delete(keys);
  }

  async list(prefix: string, options?: ListOptions): Promise<ListPage> {
    return await this.#hops.run(() => this.#slots.add(() => this.#counting.list(prefix, options)));
  }

  async #read(key: string, range: ByteRange | undefined): Promise<StoredObject | undefined> {
    const hedging = this.#hedging;
    if (hedging === undefined || !isShort(range)) return await this.#slots.add(() => this.#counting.get(key, range));

    const started = Promise.withResolvers<void>();
    const first = this.#slots.add(() => {
      started.resolve();
      return this.#observedGet(key, range, hedging);
    });
    await started.promise;
    if (!(await this.#isSlow(first, hedging)) || !this.#mayHedge(hedging)) return await first;

    this.#hedgedReads += 1;
    const second = this.#slots.add(() => this.#observedGet(key, range, hedging));
    try {
      return await Promise.any([first, second]);
    } catch {
      // Both failed; the first one's reason is as good as the other's.
      return await first;
    }
  }

  async #observedGet(key: string, range: ByteRange | undefined, hedging: HedgePolicy) {
    const startedMs = this.#clock.nowMs();
    const object = await this.#counting.get(key, range);
    // Reads from a cache are another kind: among them every read of the bucket would look slow.
    if (object?.fromCache !== true) hedging.observe(this.#clock.nowMs() - startedMs);
    return object;
  }

  /** Whether `read` is still under way after the policy's delay. */
  async #isSlow(read: Promise<unknown>, { delayMs }: HedgePolicy): Promise<boolean> {
    if (delayMs === undefined) return false;
    const ended = read.then(
      () => false,
      () => false,
    );
    return await Promise.race([ended, this.#clock.sleep(delayMs).then(() => true)]);
  }

  /** Only into a free slot: a second read must not keep a first one waiting. */
  #mayHedge(hedging: HedgePolicy): boolean {
    const isSlotFree = this.#slots.size === 0 && this.#slots.pending < MAX_CONCURRENT_READS;
    return isSlotFree && hedging.take();
  }
}

/** Whole objects have no known length: they are not hedged. */
function isShort(range: ByteRange | undefined): boolean {
  if (range === undefined) return false;
  return ("suffix" in range ? range.suffix : range.length) <= MAX_HEDGED_BYTES;
}
