/**
 * The best of the pages that lists found, by their scores less what the length prior takes off.
 *
 * The kernel has no lengths: they would be one more number a page in its memory, or on its way there. It has, of each 16 pages, the
 * length of the shortest, 62 KB for a million pages, and leaves out the pages whose scores are too low even with what that takes off: some
 * 1,100 of a million synthetic ones are left for the exact sum. Together that takes 0.3 ms, where the best by scores alone take 0.1.
 *
 * @module
 */
import { BOUND_PAGES, type ListScan, MAX_SHORTEST } from "../../kernel/list-scan.ts";
import type { LengthPenalties } from "../../recipe/length-prior.ts";
import type { LiveSegment } from "../snapshot.ts";
import { WorstFirstHeap } from "../top-k.ts";

/** How many vectors the pages of a segment have. */
type CountedPages = Pick<LiveSegment, "vectorCounts"> & { readonly reader: Pick<LiveSegment["reader"], "pageCount"> };

/**
 * The `limit` best pages of those on a list, best first, of equal ones the lower position first; their scores are lowered.
 *
 * @param segments whose pages `scan` has, one after the other.
 * @param mask `[pages]`: 0 leaves a page out; undefined takes all.
 */
export function topLowered(
  scan: Pick<ListScan, "visitAbove">,
  segments: readonly CountedPages[],
  penalties: LengthPenalties,
  { limit, mask }: { limit: number; mask: Uint8Array | undefined },
): { position: number; score: number }[] {
  if (limit === 0) return [];
  const best = new WorstFirstHeap(limit);
  const bounds = { shortest: shortestOf(segments), penalties: penalties.below(MAX_SHORTEST + 1) };
  let next = 0;
  let [first, end] = [0, 0];
  let counts: ArrayLike<number> = [];
  scan.visitAbove(bounds, mask, (positions, scores) => {
    let { floor } = best;
    for (let i = 0; i < positions.length; i++) {
      const position = positions[i] ?? 0;
      while (position >= end) {
        const segment = segments[next++];
        if (segment === undefined) throw new RangeError(`no page of the lists is at position ${position}`);
        counts = segment.vectorCounts;
        [first, end] = [end, end + segment.reader.pageCount];
      }
      const score = (scores[position] ?? 0) - penalties.of(counts[position - first] ?? 0);
      if (score <= floor) continue;
      best.offer(score, position);
      floor = best.floor;
    }
    return floor;
  });
  return best.best();
}

const shortestPages = new WeakMap<readonly CountedPages[], Uint8Array>();

/** Of each 16 pages the number of vectors of the shortest that has any, at most 255. Kept as long as `segments` are. */
function shortestOf(segments: readonly CountedPages[]): Uint8Array {
  const known = shortestPages.get(segments);
  if (known !== undefined) return known;
  const pageCount = segments.reduce((sum, { reader }) => sum + reader.pageCount, 0);
  const shortest = new Uint8Array(Math.ceil(pageCount / BOUND_PAGES)).fill(MAX_SHORTEST);
  let first = 0;
  for (const { reader, vectorCounts } of segments) {
    for (let page = 0; page < reader.pageCount; page++) {
      const count = vectorCounts[page] ?? 0;
      const group = Math.floor((first + page) / BOUND_PAGES);
      if (count > 0 && count < (shortest[group] ?? 0)) shortest[group] = count;
    }
    first += reader.pageCount;
  }
  shortestPages.set(segments, shortest);
  return shortest;
}
