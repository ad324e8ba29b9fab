/**
 * The part of an index that one shard holds: some segments, resident, at the version that was last asked for.
 *
 * Requests bring version and segments with them, so a shard never looks for news by itself. It moves to a newer version when
 * asked for one, keeping what did not change, and refuses an older one: whoever asked has to read the manifest again.
 *
 * @module
 */
import PQueue from "p-queue";
import type { SearchableIndex } from "../../shared/engine/contract.ts";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { readManifestVersion } from "../../shared/format/manifest-store.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import { type Clock, systemClock } from "../../shared/ports.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import type { PoolableIndex } from "../index-pool.ts";
import { PartFilter } from "./part-filter.ts";
import type { ShardAnswer, ShardRequest } from "./protocol.ts";

/** Opens an index at the manifest that `readManifest` gives, now and whenever it is refreshed. */
export type OpenAt = (index: string, readManifest: () => Promise<Manifest>) => Promise<SearchableIndex>;

/**
 * Searches that run at once; others wait. Each holds kernel memory for its tables (6 MB for 65,536 centroids): a full shard has
 * room for four, and a fifth would be refused as `overloaded`. They compute one at a time anyway.
 */
const SEARCHES_AT_ONCE = 4;

/** Segments of one version. */
type Place = Pick<ShardRequest, "index" | "version" | "commitId" | "segmentIds">;

interface Opened {
  place: Place;
  searchable: SearchableIndex;
  filter: PartFilter;
}

export class ShardPart implements PoolableIndex {
  readonly #store: ObjectStore;
  readonly #openAt: OpenAt;
  #opened: Opened | undefined;
  /** What the opened index reads when it is refreshed. */
  #target: Place | undefined;
  /** The last change that was begun: they come one after the other. */
  #changes: Promise<unknown> = Promise.resolve();
  readonly #searches = new PQueue({ concurrency: SEARCHES_AT_ONCE });
  readonly #clock: Clock;
  #isClosed = false;

  constructor(store: ObjectStore, openAt: OpenAt, clock: Clock = systemClock) {
    this.#store = store;
    this.#openAt = openAt;
    this.#clock = clock;
  }

  get memoryBytes(): number {
    return this.#opened?.searchable.memoryBytes ?? 0;
  }

  /** Nothing to look for: see the module. */
  async refresh(): Promise<void> {}

  close(): void {
    this.#isClosed = true;
    this.#opened?.searchable.close();
    this.#opened = undefined;
  }

  /**
   * Searches the part. Errors: `manifest_superseded` when the version asked for is older than the shard's, or is not in the
   * store; `shard_timeout` when nobody waits any more; those of opening and searching. Names that the filter has and the part has not are part of the answer instead
   * of an `invalid_filter`: they may lie in another part.
   */
  async search(request: ShardRequest): Promise<ShardAnswer> {
    const askedAtMs = this.#clock.nowMs();
    return await this.#searches.add(async () => {
      const waitedMs = this.#clock.nowMs() - askedAtMs;
      if (waitedMs < request.limitMs) return await this.#search(request);
      throw new MaxleafError("shard_timeout", `the search waited ${waitedMs} ms for others`);
    });
  }

  async #search({ search, index, version, commitId, segmentIds }: ShardRequest): Promise<ShardAnswer> {
    const place: Place = { index, version, commitId, segmentIds };
    const { searchable, filter } = await this.#at(place);
    const { passing, unknown } = await filter.narrow(search.filter);
    if (passing === "nothing") return { result: undefined, unknown };
    const result = await searchable.search({ ...search, filter: passing, path: "resident" });
    // Another request may have moved the shard on meanwhile.
    if (result.manifestVersion !== version) throw superseded(place, result.manifestVersion);
    return { result, unknown };
  }

  async #at(place: Place): Promise<Opened> {
    if (this.#opened !== undefined && isSame(this.#opened.place, place)) return this.#opened;
    const change = this.#changes.then(() => this.#changeTo(place));
    this.#changes = change.catch(() => undefined);
    return await change;
  }

  async #changeTo(place: Place): Promise<Opened> {
    const opened = this.#opened;
    if (opened !== undefined && isSame(opened.place, place)) return opened;
    if (opened !== undefined && opened.place.version > place.version && (await this.#isStored(opened.place))) {
      throw superseded(place, opened.place.version);
    }
    this.#target = place;
    let searchable: SearchableIndex;
    if (opened !== undefined && opened.place.version < place.version) {
      searchable = opened.searchable;
      await searchable.refresh();
    } else {
      // An index that was deleted and made again, or the same version placed by a worker of another release: rare enough to
      // begin anew.
      opened?.searchable.close();
      this.#opened = undefined;
      searchable = await this.#openAt(place.index, () => this.#readTarget());
    }
    if (this.#isClosed) {
      searchable.close();
      throw new MaxleafError("internal", "the shard's part was closed while it was opened");
    }
    this.#opened = { place, searchable, filter: new PartFilter(searchable) };
    return this.#opened;
  }

  /** Whether the version of `place` is that of the index that is there now. */
  async #isStored({ index, version, commitId }: Place): Promise<boolean> {
    return (await readManifestVersion(this.#store, index, version))?.commitId === commitId;
  }

  /** The manifest of the target version with the part's segments only. */
  async #readTarget(): Promise<Manifest> {
    const place = this.#target;
    if (place === undefined) throw new MaxleafError("internal", "a shard was opened for no version");
    const manifest = await readManifestVersion(this.#store, place.index, place.version);
    if (manifest?.commitId !== place.commitId) throw superseded(place, undefined);
    const wanted = new Set(place.segmentIds);
    const segments = manifest.segments.filter(({ id }) => wanted.has(id));
    if (segments.length !== wanted.size) {
      throw new MaxleafError(
        "internal",
        `a shard was asked for ${wanted.size} segments of which version ${place.version} has ${segments.length}`,
      );
    }
    // The inverted file covers segments of other shards too.
    return { ...manifest, segments, inverted: undefined };
  }
}

function isSame(a: Place, b: Place): boolean {
  return (
    a.index === b.index &&
    a.commitId === b.commitId &&
    a.segmentIds.length === b.segmentIds.length &&
    a.segmentIds.every((id, position) => id === b.segmentIds[position])
  );
}

function superseded({ index, version }: Place, present: number | undefined): MaxleafError {
  const why = present === undefined ? "is not in the bucket any more" : `was followed by ${present}`;
  return new MaxleafError("manifest_superseded", `version ${version} of index ${quote(index)} ${why}`);
}
