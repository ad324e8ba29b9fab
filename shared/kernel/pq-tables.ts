/**
 * The PQ tables of one block of a query.
 *
 * @module
 */
import { CODEWORDS_PER_SUBSPACE } from "../limits.ts";
import type { Kernel, KernelCodebook } from "./kernel.ts";
import { laneScales, type LaneScales } from "./lane-scales.ts";
import type { Region } from "./memory.ts";
import { DOT_LANE_GROUP, LANES, multipliedLanes, type QueryBlock } from "./query-block.ts";

const F32_BYTES = 4;
const LANE_BYTES = LANES * F32_BYTES;
const GROUP_BYTES = DOT_LANE_GROUP * F32_BYTES;

export interface PqTargets {
  /** Value of one unit of a bag row (`bagStep`). */
  step: number;
  /** f32 `[subspaces, 256, 8]`: scratch. */
  products: Region;
  /** u8 `[subspaces, 256, 32]`: written. */
  tables: Region;
}

/**
 * Writes the tables and returns the scales of all rows and entries, of centroids too.
 *
 * Errors: `overloaded`.
 *
 * @param block as it is multiplied with centroids (`CentroidQuery`).
 */
export function writePqTables(
  { exports, memory }: Kernel,
  codebook: KernelCodebook,
  block: QueryBlock,
  { step, products, tables }: PqTargets,
): LaneScales {
  const { subspaces, dim, codewords } = codebook;
  const width = dim / subspaces;
  const groups = multipliedLanes(block) / DOT_LANE_GROUP;
  const rows = subspaces * CODEWORDS_PER_SUBSPACE;
  const scratch = memory.allocate(dim * LANE_BYTES + LANE_BYTES, "a query's vectors");
  try {
    const query = scratch.offset;
    const perLane = query + dim * LANE_BYTES;
    transpose(block, memory.float32(scratch, dim * LANES));
    const perLaneValues = memory.float32(scratch).subarray(dim * LANES, (dim + 1) * LANES);
    const maxima = new Float32Array(LANES);
    let scales = laneScales(block, codebook, step, maxima);
    for (let group = 0; group < groups; group++) {
      const first = group * DOT_LANE_GROUP;
      const lanes = group * GROUP_BYTES;
      exports.pqEntries(codewords.offset, subspaces, width, query + lanes, products.offset, perLane + lanes);
      maxima.set(perLaneValues.subarray(first, first + DOT_LANE_GROUP), first);
      scales = laneScales(block, codebook, step, maxima);
      perLaneValues.set(scales.entryFactors);
      exports.pqTables(products.offset, rows, group, perLane + lanes, tables.offset);
    }
    return scales;
  } finally {
    memory.release(scratch);
  }
}

/** `[32, dim]` → `[dim, 32]`. */
function transpose({ values, dim, tokenCount }: QueryBlock, into: Float32Array): void {
  into.fill(0);
  for (let lane = 0; lane < tokenCount; lane++) {
    for (let d = 0; d < dim; d++) into[d * LANES + lane] = values[lane * dim + d] ?? 0;
  }
}
