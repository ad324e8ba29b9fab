/**
 * The best of the pages that lists found, by their scores less what the length prior takes off.
 *
 * The kernel knows of no lengths: it would need one more number a page in its memory. It gives the best pages by scores alone; how low the
 * last of them comes with its length tells what another page must score at least, and few do: 2,000 to 44,000 of a million synthetic ones.
 * Together that takes 2.7 ms of a million pages, where finding them takes 3.1; lowering every score first took 10.5.
 *
 * @module
 */
import type { ListScan } from "../../kernel/list-scan.ts";
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
  scan: Pick<ListScan, "topPositions" | "pageScores">,
  segments: readonly CountedPages[],
  penalties: LengthPenalties,
  { limit, mask }: { limit: number; mask: Uint8Array | undefined },
): { position: number; score: number }[] {
  const unlowered = scan.topPositions(limit, mask);
  // Only now: what the kernel allocated meanwhile may have moved its memory.
  const scores = scan.pageScores();
  if (unlowered.length < limit) return lowered(unlowered, scores, segments, penalties);
  const best = new WorstFirstHeap(limit);
  const worst = lowered(unlowered, scores, segments, penalties).at(-1)?.score ?? 0;
  // The shortest page loses this much. One that scores as the worst may lie before it.
  const least = penalties.of(1);
  let floor = Math.max(1, worst + least);
  let first = 0;
  for (const { reader, vectorCounts } of segments) {
    const end = first + reader.pageCount;
    for (let position = first; position < end; position++) {
      const score = scores[position] ?? 0;
      if (score < floor) continue;
      if (mask?.[position] === 0) continue;
      best.offer(score - penalties.of(vectorCounts[position - first] ?? 0), position);
      floor = Math.max(floor, best.floor + least);
    }
    first = end;
  }
  return best.best();
}

/** The pages at `positions` by their lowered scores, best first. */
function lowered(
  positions: Int32Array,
  scores: Uint32Array,
  segments: readonly CountedPages[],
  penalties: LengthPenalties,
): { position: number; score: number }[] {
  const best = new WorstFirstHeap(positions.length);
  let first = 0;
  let at = 0;
  const ascending = positions.toSorted();
  for (const { reader, vectorCounts } of segments) {
    const end = first + reader.pageCount;
    for (; at < ascending.length && (ascending[at] ?? end) < end; at++) {
      const position = ascending[at] ?? 0;
      best.offer((scores[position] ?? 0) - penalties.of(vectorCounts[position - first] ?? 0), position);
    }
    first = end;
  }
  return best.best();
}
