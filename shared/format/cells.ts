/**
 * The cells section of a codebook: groups of similar centroids and their coarse centroids. A query finds its cells by the
 * coarse centroids first, so that it looks at few of 65,536 centroids; inverted files have a block of lists per cell.
 *
 * @module
 */
import { MAX_CENTROIDS } from "../limits.ts";
import { ByteReader, ByteWriter, corrupt } from "./bytes.ts";
import type { Cells, Codebook } from "./contract.ts";

const INT8_MAX = 127;

/** Number of cells. */
export function cellCountOf({ offsets }: Pick<Cells, "offsets">): number {
  return offsets.length - 1;
}

/**
 * Cells of centroids that are in the right order already: their coarse centroids are the means of their centroids.
 *
 * @param offsets `[cells + 1]`: where each cell's centroids begin; the last is the number of centroids.
 */
export function cellsAt(
  { centroids, centroidScale, dim }: Pick<Codebook, "centroids" | "centroidScale" | "dim">,
  offsets: Uint32Array,
): Cells {
  const cellCount = offsets.length - 1;
  const means = new Float32Array(cellCount * dim);
  for (let cell = 0; cell < cellCount; cell++) {
    const [first = 0, end = 0] = offsets.subarray(cell, cell + 2);
    for (let i = first * dim; i < end * dim; i++) {
      const at = cell * dim + (i % dim);
      means[at] = (means[at] ?? 0) + ((centroids[i] ?? 0) * centroidScale) / (end - first);
    }
  }
  const largest = means.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
  const scale = Math.fround(largest / INT8_MAX) || 1;
  return { offsets, centroids: Int8Array.from(means, (value) => Math.round(value / scale)), scale };
}

/** Offsets of cells of `size` centroids each, the last with what is left. */
export function evenCellOffsets(centroidCount: number, size: number): Uint32Array {
  const cellCount = Math.ceil(centroidCount / size);
  return Uint32Array.from({ length: cellCount + 1 }, (_, cell) => Math.min(cell * size, centroidCount));
}

export function encodeCells({ offsets, centroids, scale }: Cells): Uint8Array {
  return new ByteWriter()
    .u32(offsets.length - 1)
    .array(offsets)
    .f32(scale)
    .array(centroids)
    .finish();
}

/** Throws `corrupt_data`; what cells must be to each other and to the codebook is {@link cellsProblem}'s to say. */
export function decodeCells(bytes: Uint8Array, dim: number, what: string): Cells {
  const reader = new ByteReader(bytes, what);
  const cellCount = reader.u32("cell count");
  if (cellCount > MAX_CENTROIDS) throw corrupt(what, `${cellCount} cells are more than ${MAX_CENTROIDS}`);
  const offsets = reader.u32Array(cellCount + 1, "offsets");
  const scale = reader.f32("scale");
  const centroids = reader.i8Array(cellCount * dim, "coarse centroids");
  reader.expectEnd();
  return { offsets, centroids, scale };
}

/** Why `cells` cannot be those of a codebook of `centroidCount` centroids; undefined when they can. */
export function cellsProblem(
  { offsets, centroids, scale }: Cells,
  centroidCount: number,
  dim: number,
): string | undefined {
  const cellCount = offsets.length - 1;
  if (cellCount < 1) return "it has no cells";
  if (offsets[0] !== 0 || offsets[cellCount] !== centroidCount)
    return `its cells do not hold ${centroidCount} centroids`;
  const empty = offsets.findIndex((offset, cell) => cell > 0 && offset <= (offsets[cell - 1] ?? 0));
  if (empty > 0) return `its cell ${empty - 1} has no centroid`;
  if (centroids.length !== cellCount * dim) return `it has ${centroids.length} values of coarse centroids`;
  return Number.isFinite(scale) && scale > 0 ? undefined : `the scale of its coarse centroids is ${scale}`;
}
