/**
 * Which names are aliases, and where they lead: kept while the isolate lives and looked at as often as manifests are.
 *
 * Only names that no index has are ever asked for here, so an index that is called by its own name costs no read more.
 *
 * @module
 */
import { resolveIndexName } from "../shared/format/aliases.ts";
import { type Clock, systemClock } from "../shared/ports.ts";
import type { ObjectStore } from "../shared/store/object-store.ts";
import { describeCauses, logError } from "./http/log.ts";
import { MAX_STALENESS_MS, REFRESH_INTERVAL_MS } from "./freshness.ts";
import type { Background } from "./query/cached-encoder.ts";

/** Aliases kept; of more, those that were looked at longest ago are read again for every request. Ours. */
const MAX_ALIASES = 1_000;

interface Known {
  index: string;
  checkedAtMs: number;
  /** Start of a look that has not ended; it may never end if its request was cancelled. */
  checkingSinceMs: number | undefined;
}

export class AliasNames {
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  readonly #known = new Map<string, Known>();

  constructor(store: ObjectStore, clock: Clock = systemClock) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Whether `name` is known to be an alias: no read. */
  has(name: string): boolean {
    return this.#known.has(name);
  }

  /**
   * Where `name` leads, if it is known to be an alias: looked at again behind the answer or, when that is longer ago, before
   * it. What was known still answers when the store is away.
   */
  async known(name: string, background: Background): Promise<string | undefined> {
    const known = this.#known.get(name);
    if (known === undefined) return undefined;
    const ageMs = this.#clock.nowMs() - known.checkedAtMs;
    // Too old to answer, even while another request looks: by a look of its own, which is a read or three.
    if (ageMs >= MAX_STALENESS_MS) return await this.#check(name, known);
    if (ageMs < REFRESH_INTERVAL_MS || this.#isBeingChecked(known)) return known.index;
    background.waitUntil(this.#check(name, known));
    return known.index;
  }

  /** Looks where `name` leads now; undefined when it is no alias, or an index has that name. Errors: those of `resolveIndexName`. */
  async look(name: string): Promise<string | undefined> {
    const index = await resolveIndexName(this.#store, name);
    this.#known.delete(name);
    if (index === name) return undefined;
    this.#known.set(name, { index, checkedAtMs: this.#clock.nowMs(), checkingSinceMs: undefined });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_ALIASES && oldest !== undefined) this.#known.delete(oldest);
    return index;
  }

  #isBeingChecked({ checkingSinceMs }: Known): boolean {
    return checkingSinceMs !== undefined && this.#clock.nowMs() - checkingSinceMs < REFRESH_INTERVAL_MS;
  }

  async #check(name: string, known: Known): Promise<string | undefined> {
    known.checkingSinceMs = this.#clock.nowMs();
    try {
      return await this.look(name);
    } catch (error) {
      logError("an alias could not be read", { alias: name, causes: describeCauses(error) });
      return known.index;
    } finally {
      known.checkingSinceMs = undefined;
    }
  }
}
