/**
 * The best of the pages that lists found, by their scores less what the length prior takes off.
 *
 * @module
 */
import type { ListScan } from "../../kernel/list-scan.ts";
import type { LengthPenalties } from "../../recipe/length-prior.ts";
import type { LiveSegment } from "../snapshot.ts";

/** How many vectors the pages of a segment have. */
type CountedPages = Pick<LiveSegment, "vectorCounts"> & { readonly reader: Pick<LiveSegment["reader"], "pageCount"> };

/**
 * The `limit` best pages of those on a list, best first, of equal ones the lower position first; their scores are lowered.
 *
 * @param segments whose pages `scan` has, one after the other.
 * @param mask `[pages]`: 0 leaves a page out; undefined takes all.
 */
export function topLowered(
  scan: Pick<ListScan, "topLowered">,
  segments: readonly CountedPages[],
  penalties: LengthPenalties,
  { limit, mask }: { limit: number; mask: Uint8Array | undefined },
): { position: number; score: number }[] {
  const counts = new VectorCounts(segments);
  return scan.topLowered(limit, mask, {
    stepsPerLogarithm: penalties.stepsPerLogarithm,
    copyCounts: (first, target) => counts.copy(first, target),
    penalties: (isWhole) => penalties.table(isWhole),
  });
}

/** The numbers of vectors of all pages, range after range. */
class VectorCounts {
  readonly #segments: readonly CountedPages[];
  /** The segment that the last range ended in, and its first page: a million pages have ranges and segments by the hundred. */
  #segment = 0;
  #first = 0;

  constructor(segments: readonly CountedPages[]) {
    this.#segments = segments;
  }

  /** Sets `target` to those of the pages from `first` on. */
  copy(first: number, target: Uint16Array): void {
    if (first < this.#first) [this.#segment, this.#first] = [0, 0];
    const end = first + target.length;
    for (let position = first; position < end;) {
      const segment = this.#segments[this.#segment];
      if (segment === undefined) throw new RangeError(`no page of the lists is at position ${position}`);
      const segmentEnd = this.#first + segment.reader.pageCount;
      if (segmentEnd > position) {
        const to = Math.min(end, segmentEnd);
        copyRange(segment.vectorCounts, position - this.#first, target.subarray(position - first, to - first));
        position = to;
      }
      if (segmentEnd > end) return;
      this.#segment += 1;
      this.#first = segmentEnd;
    }
  }
}

/** Sets `target` to what `values` has from `first` on. */
function copyRange(values: ArrayLike<number>, first: number, target: Uint16Array): void {
  // Typed arrays are copied as they are, faster than number by number.
  if (values instanceof Uint16Array || values instanceof Uint32Array) {
    target.set(values.subarray(first, first + target.length));
    return;
  }
  for (let i = 0; i < target.length; i++) target[i] = values[first + i] ?? 0;
}
