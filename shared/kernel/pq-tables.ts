/**
 * The PQ tables of one block of a query: in integers where the codebook has codewords of 7 bits (short-codewords.ts).
 *
 * @module
 */
import { CODEWORDS_PER_SUBSPACE } from "../limits.ts";
import type { Kernel, KernelCodebook } from "./kernel.ts";
import { addShortScales, laneScales, type LaneScales, scalesOfRows } from "./lane-scales.ts";
import type { Region } from "./memory.ts";
import { activeLanes, DOT_LANE_GROUP, LANE_GROUP, LANES, multipliedLanes, type QueryBlock } from "./query-block.ts";

const I16_BYTES = 2;
const F32_BYTES = 4;
const LANE_BYTES = LANES * F32_BYTES;
const GROUP_BYTES = DOT_LANE_GROUP * F32_BYTES;
/** Eight lanes of a quad of the query, of a row of integer entries, and 16 lanes of a row of a table. */
const QUAD_GROUP_BYTES = DOT_LANE_GROUP * 4;
const ENTRY_GROUP_BYTES = DOT_LANE_GROUP * I16_BYTES;
const TABLE_HALF_BYTES = LANE_GROUP;

export interface PqTargets {
  /** Value of one unit of a bag row (`bagStep`). */
  step: number;
  /** Pointer to the block's rows of 7 bits (`CentroidQuery.quadsOffset`), which codewords of 7 bits are multiplied with. */
  quads: number | undefined;
  /** f32 `[subspaces, 256, 8]` or i16 `[subspaces, 256, 16]`: scratch. */
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
  kernel: Kernel,
  codebook: KernelCodebook,
  block: QueryBlock,
  targets: PqTargets,
): LaneScales {
  const { codewordScale } = codebook;
  const { quads } = targets;
  if (codewordScale === undefined || quads === undefined) return writeFromFloats(kernel, codebook, block, targets);
  return writeFromShort(kernel, codebook, block, { ...targets, quads, codewordScale });
}

/** 16 lanes at a time: their entries are kept until the largest are known. */
function writeFromShort(
  { exports, memory }: Kernel,
  codebook: KernelCodebook,
  block: QueryBlock,
  { step, quads, codewordScale, products, tables }: PqTargets & { quads: number; codewordScale: number },
): LaneScales {
  const { subspaces, dim, codewords, centroidScale, centroidNormMax } = codebook;
  const width = dim / subspaces;
  const multiplied = multipliedLanes(block);
  const piecesBytes = dim * DOT_LANE_GROUP;
  const scratch = memory.allocate(piecesBytes + LANES * I16_BYTES, "a query's vectors");
  try {
    const pieces = scratch.offset;
    const perLane = pieces + piecesBytes;
    const perLaneValues = memory.int16(scratch).subarray(piecesBytes / I16_BYTES, piecesBytes / I16_BYTES + LANES);
    const scales = scalesOfRows(block, codebook, step);
    for (let first = 0; first < activeLanes(block); first += LANE_GROUP) {
      const end = Math.min(first + LANE_GROUP, multiplied);
      for (let lane = first; lane < end; lane += DOT_LANE_GROUP) {
        const group = lane / DOT_LANE_GROUP;
        const from = quads + group * QUAD_GROUP_BYTES;
        const into = products.offset + (group % 2) * ENTRY_GROUP_BYTES;
        exports.shortEntries(codewords.offset, subspaces, width, from, pieces, into, perLane + lane * I16_BYTES);
      }
      const maxima = perLaneValues.subarray(first, end);
      addShortScales(scales, block, { centroidScale, centroidNormMax, codewordScale }, maxima, first);
      perLaneValues.set(scales.entryFactors.subarray(first, first + LANE_GROUP), first);
      const half = tables.offset + (first / LANE_GROUP) * TABLE_HALF_BYTES;
      const rows = subspaces * CODEWORDS_PER_SUBSPACE;
      exports.shortTables(products.offset, rows, perLane + first * I16_BYTES, half);
    }
    return scales;
  } finally {
    memory.release(scratch);
  }
}

function writeFromFloats(
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
