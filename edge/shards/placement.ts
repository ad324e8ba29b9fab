/**
 * Which segments each shard of an index holds.
 *
 * A pure function of the manifest: worker and shards need no agreement beyond its version, and a new manifest is a new
 * placement. Segments are taken in the manifest's order, each into the last shard while that has room, so a shard holds
 * neighbours: hits of equal score keep the order that one isolate would give them, and appended segments change the last
 * shard or begin new ones. Hashing would move as few, but fills shards unevenly, and a shard has a hard limit.
 *
 * @module
 */
import {
  DEFAULT_MEMORY_BYTES,
  type HoldingBytes,
  holdingBytes,
  MIN_RECORD_CACHE_BYTES,
} from "../../shared/engine/planner/holding.ts";
import { MaxleafError, quote } from "../../shared/errors.ts";
import type { Manifest } from "../../shared/format/manifest.ts";

/**
 * Memory of one shard, of the 96 MiB for index data in an isolate: Cloudflare may run two objects of a class in one isolate,
 * and less is opened sooner. About 50,000 pages with 330 distinct centroids each, of 65,536.
 */
export const SHARD_MEMORY_BYTES = 64 * 1024 * 1024;

/**
 * A request asks at most this many shards. Cloudflare lets one request invoke 32 Workers (platform.md, third-party quotes);
 * that is about 1.6 million pages. Larger indexes are searched by the pruned path.
 */
export const MAX_SHARDS = 32;

/** One shard's share of an index. */
export interface ShardPlacement {
  /** In the manifest's order. */
  segmentIds: string[];
  /** Pages with vectors, deleted ones included. */
  searchablePages: number;
}

/**
 * The segments of `manifest`, shard by shard; none for an index without segments. Every segment is in exactly one. A shard
 * passes `memoryBytes` only with a single segment that does.
 *
 * Errors: `path_unavailable` when more than {@link MAX_SHARDS} would be needed.
 */
export function placeShards(manifest: Manifest, memoryBytes = SHARD_MEMORY_BYTES): ShardPlacement[] {
  const shards = groupSegments(manifest, memoryBytes);
  if (shards.length > MAX_SHARDS) {
    throw new MaxleafError(
      "path_unavailable",
      `index ${quote(manifest.index)} would need ${shards.length} shards, more than ${MAX_SHARDS}; search it by the path "pruned"`,
    );
  }
  return shards.map((segments) => ({
    segmentIds: segments.map(({ id }) => id),
    searchablePages: segments.reduce((sum, entry) => sum + entry.searchablePageCount, 0),
  }));
}

/** Whether `manifest`'s segments fit as many shards as a request may ask. */
export function fitsShards(manifest: Manifest, memoryBytes = SHARD_MEMORY_BYTES): boolean {
  return groupSegments(manifest, memoryBytes).length <= MAX_SHARDS;
}

/** Whether one isolate can keep in memory what finds the pages of `manifest`. */
export function fitsOneIsolate(manifest: Manifest): boolean {
  const { bags, lists } = holdingBytes(manifest);
  return [bags, lists].some(
    (bytes) => bytes !== undefined && totalOf(bytes) + MIN_RECORD_CACHE_BYTES <= DEFAULT_MEMORY_BYTES,
  );
}

function groupSegments(manifest: Manifest, memoryBytes: number): Manifest["segments"][] {
  const groups: Manifest["segments"][] = [];
  for (const entry of manifest.segments) {
    const last = groups.at(-1);
    if (last !== undefined && memoryOf(manifest, [...last, entry]) <= memoryBytes) last.push(entry);
    else groups.push([entry]);
  }
  return groups;
}

/** Memory of a shard that holds `segments`: their bags, the codebook, and room for queries and page records. */
export function memoryOf(manifest: Manifest, segments: Manifest["segments"]): number {
  const { bags } = holdingBytes({ ...manifest, segments, inverted: undefined });
  return (bags === undefined ? 0 : totalOf(bags)) + MIN_RECORD_CACHE_BYTES;
}

function totalOf({ kernel, heap }: HoldingBytes): number {
  return kernel + heap;
}
