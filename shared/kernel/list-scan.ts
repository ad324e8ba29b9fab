/**
 * Scores pages by the lists of the inverted file that a query probes (centroid pruning, as in PLAID and XTR).
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import type { CellBlock } from "../format/inverted/contract.ts";
import type { Kernel, KernelCodebook } from "./kernel.ts";
import type { RegionHolder } from "./memory.ts";
import type { Probe } from "./probe.ts";

/** Σ over tokens of (best probed centroid on the page − cutoff), for every page position of an inverted file. */
export class ListScan implements RegionHolder {
  /** 4 bytes a page. Errors: `overloaded`. */
  constructor(kernel: Kernel, codebook: KernelCodebook, pageCount: number) {
    throw new MaxleafError("internal", `${pageCount} pages, ${codebook.id}: not yet ${kernel.memory.usedBytes}`);
  }

  /**
   * Scores every list that `probe` names and `blocks` have. All blocks of a probe belong in one call, in any order: a token
   * counts the best of its lists that holds a page. Cells without a block count as cut off.
   *
   * Errors: `corrupt_data` when a list leaves its block or names a page that is not there; `overloaded`.
   */
  add(probe: Probe, blocks: readonly CellBlock[]): void {
    throw new MaxleafError("internal", `${probe.baseline} ${blocks.length}`);
  }

  /**
   * Positions of the `limit` best pages of those on a list, best first, of equal ones the lower position first. `mask`
   * `[pageCount]`: 0 leaves a page out.
   */
  topPositions(limit: number, mask?: Uint8Array): Int32Array {
    throw new MaxleafError("internal", `${limit} ${mask?.length}`);
  }

  /** Bag units above the probe's `baseline`; 0 for a page on no list. */
  scoreOf(position: number): number {
    throw new MaxleafError("internal", `${position}`);
  }

  /** `[pageCount]`, a copy, as {@link scoreOf}. For tests and small indexes. */
  scores(): Int32Array {
    throw new MaxleafError("internal", "not yet");
  }

  release(): void {}
}
