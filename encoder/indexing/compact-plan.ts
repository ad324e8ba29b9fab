/**
 * Which segments are worth rewriting, and which of them become one.
 *
 * Segments are put into tiers by how full they are, each tier four times as full as the one below. When a tier has too many,
 * its segments and all smaller ones become one, which goes into a higher tier: every page is rewritten about once a tier,
 * and there are few segments. A segment with many deleted pages is rewritten whatever its tier.
 *
 * @module
 */
import type { Manifest, SegmentEntry } from "../../shared/format/manifest.ts";
import { type SegmentLimits, segmentLimits } from "./plan-segments.ts";

/** How much fuller segments of the next tier are. */
const TIER_FACTOR = 4;
/** What is less full is of the lowest tier, however small it is: 32 pages are written again in no time. */
const LOWEST_TIER_UP_TO = TIER_FACTOR ** -4;
/** What is fuller is no small segment; any two that are not fit into one. */
const SMALL_UP_TO = 0.5;
/** Share of a segment's pages that may be deleted. Searches read and score lists and bags of deleted pages too. */
export const MAX_DELETED_SHARE = 0.2;
/**
 * Segments of one tier that maintenance after ingestions leaves alone. With 1, 4, 8 and 16 every one of 50,000 pages that come
 * 20 at a time is rewritten 5.9, 3.4, 2.6 and 1.9 times, and the index never has more than 14, 22, 28 and 39 segments
 * (compact-plan.test.ts).
 */
export const DUE_SEGMENTS_PER_TIER = 8;
/** A compaction that was asked for leaves one small segment of each tier: at most five. */
export const ASKED_SEGMENTS_PER_TIER = 1;
/** Bytes of an overlay of metadata from which segments are rewritten to take it in: a quarter of what it may have. */
export const FOLD_OVERLAY_BYTES = 1024 * 1024;

/** A segment and what lives in it. */
export interface SegmentSize {
  entry: SegmentEntry;
  livePages: number;
  liveVectors: number;
  /** Changed metadata is to be written into it. */
  isOverlaid?: boolean;
}

/** Segments that become one, in the manifest's order. */
export type Merge = readonly SegmentSize[];

export interface PlanOptions {
  limits: SegmentLimits;
  /** Segments that a tier may have. */
  maxSegmentsPerTier: number;
}

/** The segments to rewrite. What lives in one merge fits into one segment. */
export function planCompaction(sizes: readonly SegmentSize[], options: PlanOptions): Merge[] {
  const { limits, maxSegmentsPerTier } = options;
  const items = sizes.map((size, position) => itemOf([{ ...size, position }]));
  // They are rewritten in any case: together costs no more.
  const worn = items.filter(({ segments }) => segments.some(isWorn));
  let current = [...items.filter((item) => !worn.includes(item)), ...pack(worn, limits)];
  for (;;) {
    const chosen = tooMany(current, limits, maxSegmentsPerTier);
    if (chosen.length === 0) break;
    current = [...current.filter((item) => !chosen.includes(item)), ...pack(chosen, limits)];
  }
  return current
    .filter(({ segments }) => segments.length > 1 || segments.some(isWorn))
    .toSorted((a, b) => positionOf(a) - positionOf(b))
    .map(({ segments }) => segments);
}

/** All of `sizes`, in their order, in as few merges as follow from filling one after the other. */
export function planAll(sizes: readonly SegmentSize[], limits: SegmentLimits): Merge[] {
  return pack(
    sizes.map((size, position) => itemOf([{ ...size, position }])),
    limits,
  ).map(({ segments }) => segments);
}

/** Whether an index has become one that maintenance compacts, told from its manifest alone. */
export function compactionDue({ segments, recipe, overlay }: Manifest): boolean {
  if ((overlay?.bytes ?? 0) > FOLD_OVERLAY_BYTES) return true;
  const limits = segmentLimits(recipe.dim);
  return planCompaction(segments.map(estimatedSize), { limits, maxSegmentsPerTier: DUE_SEGMENTS_PER_TIER }).length > 0;
}

/** By the share of its documents that are deleted, since which pages they have only the segment says. */
export function estimatedSize(entry: SegmentEntry): SegmentSize {
  const { pageCount, vectorCount, documentCount, deletedDocuments } = entry;
  const liveShare = 1 - deletedDocuments.length / Math.max(1, documentCount);
  return { entry, livePages: Math.ceil(pageCount * liveShare), liveVectors: Math.ceil(vectorCount * liveShare) };
}

interface PlacedSize extends SegmentSize {
  /** In the manifest. */
  position: number;
}

interface Item {
  /** By position: pages of equal score are ranked by where they are, and should be after as they were before. */
  segments: PlacedSize[];
  livePages: number;
  liveVectors: number;
}

function itemOf(segments: PlacedSize[]): Item {
  const livePages = segments.reduce((sum, segment) => sum + segment.livePages, 0);
  const liveVectors = segments.reduce((sum, segment) => sum + segment.liveVectors, 0);
  return { segments: segments.toSorted((a, b) => a.position - b.position), livePages, liveVectors };
}

function positionOf({ segments }: Item): number {
  return segments[0]?.position ?? 0;
}

function isWorn({ entry, livePages, isOverlaid = false }: SegmentSize): boolean {
  return isOverlaid || entry.pageCount - livePages > MAX_DELETED_SHARE * entry.pageCount;
}

function fullness({ livePages, liveVectors }: Item, { maxPages, maxVectors }: SegmentLimits): number {
  return Math.max(livePages / maxPages, liveVectors / maxVectors);
}

/** The items of the lowest tier that has more than `maxSegments`, and of all tiers below it; none when no tier has. */
function tooMany(items: readonly Item[], limits: SegmentLimits, maxSegments: number): Item[] {
  const small = items
    .map((item) => ({ item, full: fullness(item, limits) }))
    .filter(({ full }) => full <= SMALL_UP_TO)
    .map(({ item, full }) => ({ item, tier: tierOf(full) }));
  const counts = new Map<number, number>();
  for (const { tier } of small) counts.set(tier, (counts.get(tier) ?? 0) + 1);
  const crowded = [...counts].filter(([, count]) => count > maxSegments).map(([tier]) => tier);
  if (crowded.length === 0) return [];
  const lowest = Math.min(...crowded);
  return small.filter(({ tier }) => tier <= lowest).map(({ item }) => item);
}

function tierOf(full: number): number {
  if (full < LOWEST_TIER_UP_TO) return Number.NEGATIVE_INFINITY;
  return Math.floor(Math.log(full) / Math.log(TIER_FACTOR));
}

/** Fills one merge after the other, in the order of the index. */
function pack(items: readonly Item[], limits: SegmentLimits): Item[] {
  const packed: Item[] = [];
  for (const item of items.toSorted((a, b) => positionOf(a) - positionOf(b))) {
    const last = packed.at(-1);
    const joined = last && itemOf([...last.segments, ...item.segments]);
    if (joined !== undefined && fullness(joined, limits) <= 1) packed[packed.length - 1] = joined;
    else packed.push(item);
  }
  return packed;
}
