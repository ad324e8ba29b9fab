/**
 * The part of an index that one shard holds: some segments, resident, at the version that was last asked for.
 *
 * Requests bring version and segments with them, so a shard never looks for news by itself. It moves to a newer version when
 * asked for one, keeping what did not change, and refuses an older one: whoever asked has to read the manifest again.
 *
 * @module
 */
import PQueue from "p-queue";
import type { SearchableIndex, SearchFilter } from "../../shared/engine/contract.ts";
import { MaxleafError, quote } from "../../shared/errors.ts";
import { readManifestVersion } from "../../shared/format/manifest-store.ts";
import type { Manifest } from "../../shared/format/manifest.ts";
import { type Clock, systemClock } from "../../shared/ports.ts";
import type { ObjectStore } from "../../shared/store/object-store.ts";
import type { PoolableIndex } from "../index-pool.ts";
import { PartFilter } from "./part-filter.ts";
import type { Filtered, ShardAnswer, ShardRequest } from "./protocol.ts";

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
   * Does the request's task. Errors: `manifest_superseded` when the version asked for is older than the shard's, or is not in the
   * store; `shard_timeout` when nobody waits any more; those of opening and searching. Names that the filter has and the part has not
   * are part of the answer instead of an `invalid_filter`: they may lie in another part.
   */
  async ask(request: ShardRequest): Promise<ShardAnswer> {
    const askedAtMs = this.#clock.nowMs();
    return await this.#searches.add(async () => {
      const waitedMs = this.#clock.nowMs() - askedAtMs;
      if (waitedMs < request.limitMs) return await this.#do(request);
      throw new MaxleafError("shard_timeout", `the search waited ${waitedMs} ms for others`);
    });
  }

  async #do({ task, index, version, commitId, segmentIds }: ShardRequest): Promise<ShardAnswer> {
    const place: Place = { index, version, commitId, segmentIds };
    const opened = await this.#at(place);
    const { searchable } = opened;
    if (task.step === "search") {
      return await filtered(opened, task.search.filter, async (filter) =>
        ofVersion(place, await searchable.search({ ...task.search, filter, path: "resident" })),
      );
    }
    if (task.step === "rank") {
      return await filtered(opened, task.search.filter, async (filter) =>
        ofVersion(place, await searchable.rankPart({ ...task.search, filter })),
      );
    }
    return ofVersion(
      place,
      task.step === "count" ? await searchable.countTerms(task.text) : await searchable.showPart(task.pages),
    );
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

/** Runs `search` with the names of `filter` that the part has, if any page can pass it. */
async function filtered<Result>(
  { filter }: Opened,
  asked: SearchFilter | undefined,
  search: (passing: SearchFilter | undefined) => Promise<Result>,
): Promise<Filtered<Result>> {
  const { passing, unknown } = await filter.narrow(asked);
  return { result: passing === "nothing" ? undefined : await search(passing), unknown };
}

/** Errors: `manifest_superseded` when another request has moved the shard on meanwhile. */
function ofVersion<Result extends { manifestVersion: number }>(place: Place, result: Result): Result {
  if (result.manifestVersion === place.version) return result;
  throw superseded(place, result.manifestVersion);
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
