/**
 * Opened indexes, kept while the isolate lives.
 *
 * workerd ties every read to the request that began it: a promise of one request's I/O may never settle when that
 * request is cancelled, and another request waiting on it would hang. So requests share finished indexes only. A cold
 * index is opened by the first request; those that come meanwhile look again on timers of their own, and take over when
 * the first has not finished in time.
 *
 * @module
 */
import type { Consistency } from "../shared/api/search.ts";
import type { ManifestLook } from "../shared/engine/contract.ts";
import { DEFAULT_MEMORY_BYTES } from "../shared/engine/planner/holding.ts";
import { MaxleafError, quote } from "../shared/errors.ts";
import type { Manifest } from "../shared/format/manifest.ts";
import { type Clock, systemClock } from "../shared/ports.ts";
import type { AliasNames } from "./alias-names.ts";
import { MAX_STALENESS_MS, REFRESH_INTERVAL_MS } from "./freshness.ts";
import { describeCauses, logError } from "./http/log.ts";
import type { Background } from "./query/cached-encoder.ts";

/** How long one request may take to open an index before another tries: ten times a large cold open. */
export const OPEN_LEASE_MS = 10_000;
/** Between two looks of a waiting request; short against an open (tens of ms and more). */
const OPEN_POLL_MS = 5;
/** What the pool needs of an opened index. */
export interface PoolableIndex {
  /** Bytes it holds now. */
  readonly memoryBytes: number;
  /** Reads the manifest again. Errors: `index_not_found` when the index is gone. */
  refresh(look?: ManifestLook): Promise<unknown>;
  close(): void;
}

interface Entry<T> {
  index: T;
  /** When the last look at the newest manifest began: it saw all that was committed before. */
  checkedAtMs: number;
  /** The turn in which the last look of any kind began. */
  checkedTurn: number;
  /** Start of a look at the manifest that has not ended; it may never end if its request was cancelled. */
  checkingSinceMs: number | undefined;
  failedChecks: number;
  users: number;
}

interface Opening {
  startedAtMs: number;
  turn: number;
  /** What is being opened, once it is known. */
  manifest?: Manifest;
  /** Why it failed, for the requests that waited for it. */
  failure?: unknown;
}

/** Told the manifest of an index that is still being opened, for what can begin meanwhile. */
export type Foresee = (manifest: Manifest) => void;

/** How a request asks for an index. */
interface PoolRequest {
  background: Background;
  consistency: Consistency;
  foresee: Foresee | undefined;
  /** In which it began. */
  turn: number;
}

/** A pool as its neighbours see it. */
interface Neighbour {
  readonly heldBytes: number;
  /** Closes what was not used for longest, is not in use and is not `keep`; false when there is nothing. */
  closeOldest(keep?: string): boolean;
}

/** The memory that the pools of one isolate share: one for whole indexes, one for parts of shards, if both run there. */
export class PoolMemory {
  readonly limitBytes: number;
  readonly #pools: Neighbour[] = [];

  constructor(limitBytes = DEFAULT_MEMORY_BYTES) {
    this.limitBytes = limitBytes;
  }

  /** Counts what `pool` holds from now on. */
  add(pool: Neighbour): void {
    this.#pools.push(pool);
  }

  /** Closes idle indexes until `bytes` more fit: those of `first` but for its `keep`, then those of others. */
  makeRoom(bytes: number, first: Neighbour, keep?: string): void {
    for (const pool of [first, ...this.#pools.filter((other) => other !== first)]) {
      while (this.#heldBytes() + bytes > this.limitBytes) {
        if (!pool.closeOldest(pool === first ? keep : undefined)) break;
      }
    }
  }

  #heldBytes(): number {
    return this.#pools.reduce((sum, pool) => sum + pool.heldBytes, 0);
  }
}

export interface IndexPoolOptions<T> {
  /**
   * Opens an index with the reads of the current request, and says beforehand how much memory it will take, and its manifest as soon
   * as that is read. Errors: `index_not_found`, and what a damaged index gives.
   */
  open: (name: string, makeRoom: (bytes: number) => void, onManifest: Foresee) => Promise<T>;
  /** Where names lead that are no index's; absent: nowhere. */
  aliases?: AliasNames;
  clock?: Clock;
  memory?: PoolMemory;
}

/**
 * Indexes by name, the least recently used closed first when together they outgrow their share of the isolate. An alias leads
 * to the same one as the index's own name.
 */
export class IndexPool<T extends PoolableIndex> {
  readonly #open: IndexPoolOptions<T>["open"];
  readonly #aliases: AliasNames | undefined;
  readonly #clock: Clock;
  readonly #memory: PoolMemory;
  /** In order of use, the oldest first. */
  readonly #entries = new Map<string, Entry<T>>();
  readonly #openings = new Map<string, Opening>();
  /** Counts what begins, requests and looks: the clock of an isolate stands still between reads, and cannot tell their order. */
  #turn = 0;

  constructor(options: IndexPoolOptions<T>) {
    this.#open = options.open;
    this.#aliases = options.aliases;
    this.#clock = options.clock ?? systemClock;
    this.#memory = options.memory ?? new PoolMemory();
    this.#memory.add(this);
  }

  get heldBytes(): number {
    let bytes = 0;
    for (const entry of this.#entries.values()) bytes += entry.index.memoryBytes;
    return bytes;
  }

  /**
   * Runs `use` with the index open that `name` means; it is not closed before `use` ends. A `bounded` request sees what was
   * committed {@link MAX_STALENESS_MS} before it began, a `strong` one all that was. That costs a read of the next
   * manifest, or the look that is due anyway, and does without what was read before when the store is away. Errors: those of
   * opening, and of `use`; of `strong` those of looking.
   */
  async withIndex<R>(
    name: string,
    background: Background,
    use: (index: T) => Promise<R>,
    consistency: Consistency = "bounded",
    foresee?: Foresee,
  ): Promise<R> {
    const request = { background, consistency, foresee, turn: ++this.#turn };
    const work = this.#run(name, use, request);
    // A caller that hangs up must not stop the work half-way: what it holds (this index, memory of the kernels) would
    // never be given back, since of a cancelled request workerd does not even run the `finally`. (Seen in bare workerd
    // with a connection that was reset; wrangler's local proxy hides it.)
    background.waitUntil(work.catch(() => undefined));
    return await work;
  }

  async #run<R>(name: string, use: (index: T) => Promise<R>, request: PoolRequest): Promise<R> {
    const { index, entry } = await this.#find(name, request);
    try {
      return await use(entry.index);
    } finally {
      this.#release(index, entry);
    }
  }

  /** The index that `name` means, claimed. A name is taken for an index's own until there is none, then for an alias. */
  async #find(name: string, request: PoolRequest): Promise<{ index: string; entry: Entry<T> }> {
    // Without an await for an index' own name: requests that come at once must find each other's opening.
    const known =
      this.#aliases?.has(name) === true ? ((await this.#follow(this.#aliases, name, request)) ?? name) : name;
    try {
      return await this.#claimFresh(known, request);
    } catch (error) {
      if (this.#aliases === undefined || !isNotFound(error)) throw error;
      const led = (await this.#aliases.look(name)) ?? name;
      try {
        if (led !== known) return await this.#claimFresh(led, request);
      } catch (failure) {
        if (!isNotFound(failure)) throw failure;
      }
      throw notThere(name, led);
    }
  }

  async #follow(
    aliases: AliasNames,
    name: string,
    { background, consistency }: PoolRequest,
  ): Promise<string | undefined> {
    return consistency === "strong" ? await aliases.look(name) : await aliases.known(name, background);
  }

  async #claimFresh(index: string, request: PoolRequest): Promise<{ index: string; entry: Entry<T> }> {
    const entry = this.#claim(index) ?? (await this.#openOnce(index, request));
    try {
      if (request.consistency === "strong") await this.#makeFresh(index, entry, request.turn);
      else await this.#keepFresh(index, entry, request.background);
      return { index, entry };
    } catch (error) {
      this.#release(index, entry);
      throw error;
    }
  }

  /** The open index, counted as in use. Never split by an await: an index must not be closed between finding and counting. */
  #claim(name: string): Entry<T> | undefined {
    const entry = this.#entries.get(name);
    if (entry === undefined) return undefined;
    this.#entries.delete(name);
    this.#entries.set(name, entry);
    entry.users += 1;
    return entry;
  }

  #release(name: string, entry: Entry<T>): void {
    entry.users -= 1;
    if (entry.users === 0 && this.#entries.get(name) !== entry) entry.index.close();
    // What was used just now stays, however large it is.
    this.#memory.makeRoom(0, this, name);
  }

  async #keepFresh(name: string, entry: Entry<T>, background: Background): Promise<void> {
    const { failedChecks } = entry;
    // After a failed look of another request, what was read before answers this one too.
    while (entry.failedChecks === failedChecks) {
      const ageMs = this.#clock.nowMs() - entry.checkedAtMs;
      if (ageMs < REFRESH_INTERVAL_MS) return;
      const isStale = ageMs >= MAX_STALENESS_MS;
      if (!this.#isBeingChecked(entry)) {
        const check = this.#check(name, entry);
        if (isStale) return await check;
        // Whoever comes next opens the index anew and hears that it is gone.
        background.waitUntil(check.catch(() => undefined));
        return;
      }
      if (!isStale) return;
      // Another request looks: it is waited for as for an opening.
      await this.#clock.sleep(OPEN_POLL_MS);
    }
  }

  /**
   * Lets a request that began in `turn` see all that was committed before: by a look of its own, unless one began after it. Errors:
   * those of looking.
   */
  async #makeFresh(name: string, entry: Entry<T>, turn: number): Promise<void> {
    if (entry.checkedTurn > turn) return;
    const isRecent = this.#clock.nowMs() - entry.checkedAtMs < REFRESH_INTERVAL_MS;
    await this.#look(name, entry, isRecent ? "next" : "newest");
  }

  #isBeingChecked(entry: Entry<T>): boolean {
    return entry.checkingSinceMs !== undefined && this.#clock.nowMs() - entry.checkingSinceMs < REFRESH_INTERVAL_MS;
  }

  /** Refreshes `entry`. Throws only `index_not_found`: what was read before still answers when the store is away. */
  async #check(name: string, entry: Entry<T>): Promise<void> {
    entry.checkingSinceMs = this.#clock.nowMs();
    try {
      await this.#look(name, entry, "newest");
    } catch (error) {
      if (isNotFound(error)) throw error;
      entry.failedChecks += 1;
      logError("an index could not be refreshed", { index: name, causes: describeCauses(error) });
    } finally {
      entry.checkingSinceMs = undefined;
    }
  }

  /** Refreshes `entry`, which is let go when the index is gone. Errors: those of looking. */
  async #look(name: string, entry: Entry<T>, look: ManifestLook): Promise<void> {
    const turn = ++this.#turn;
    const startedAtMs = this.#clock.nowMs();
    try {
      await entry.index.refresh(look);
    } catch (error) {
      if (isNotFound(error)) this.#drop(name, entry);
      throw error;
    }
    entry.checkedTurn = Math.max(entry.checkedTurn, turn);
    if (look === "newest") entry.checkedAtMs = Math.max(entry.checkedAtMs, startedAtMs);
  }

  async #openOnce(name: string, { foresee }: PoolRequest): Promise<Entry<T>> {
    for (;;) {
      const opening = this.#openings.get(name);
      if (opening === undefined || this.#clock.nowMs() - opening.startedAtMs >= OPEN_LEASE_MS)
        return await this.#openNow(name, foresee);
      if (opening.manifest !== undefined) foresee?.(opening.manifest);
      await this.#clock.sleep(OPEN_POLL_MS);
      const entry = this.#claim(name);
      if (entry !== undefined) return entry;
      if (opening.failure !== undefined) throw opening.failure;
    }
  }

  async #openNow(name: string, foresee: Foresee | undefined): Promise<Entry<T>> {
    const opening: Opening = { startedAtMs: this.#clock.nowMs(), turn: ++this.#turn };
    this.#openings.set(name, opening);
    try {
      const makeRoom = (bytes: number): void => this.#memory.makeRoom(bytes, this);
      const index = await this.#open(name, makeRoom, (manifest) => {
        opening.manifest = manifest;
        foresee?.(manifest);
      });
      return this.#add(name, index, opening);
    } catch (error) {
      opening.failure = error;
      throw error;
    } finally {
      if (this.#openings.get(name) === opening) this.#openings.delete(name);
    }
  }

  #add(name: string, index: T, { startedAtMs, turn }: Opening): Entry<T> {
    const existing = this.#claim(name);
    if (existing !== undefined) {
      // Two requests opened it, the second after the lease of the first: one copy is enough.
      index.close();
      return existing;
    }
    const checked = { checkedAtMs: startedAtMs, checkedTurn: turn, checkingSinceMs: undefined, failedChecks: 0 };
    const entry: Entry<T> = { index, ...checked, users: 1 };
    this.#entries.set(name, entry);
    return entry;
  }

  /** Takes `entry` out of the pool and closes it, or leaves that to its last user. */
  #drop(name: string, entry: Entry<T>): void {
    if (this.#entries.get(name) !== entry) return;
    this.#entries.delete(name);
    if (entry.users === 0) entry.index.close();
  }

  closeOldest(keep?: string): boolean {
    for (const [name, entry] of this.#entries) {
      if (name === keep || entry.users > 0) continue;
      this.#drop(name, entry);
      return true;
    }
    return false;
  }
}

function isNotFound(error: unknown): boolean {
  return error instanceof MaxleafError && error.code === "index_not_found";
}

function notThere(name: string, led: string): MaxleafError {
  const where = led === name ? "" : `; it is an alias of ${quote(led)}, and there is no such index`;
  return new MaxleafError("index_not_found", `there is no index ${quote(name)}${where}`);
}
