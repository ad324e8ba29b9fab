/**
 * A kernel instance and what lives in its memory for long: codebooks and bags.
 *
 * Residents are copied in once and checked then; scoring trusts them. Per query: query-tables.ts, bag-scan.ts and
 * exact-scorer.ts.
 *
 * @module
 */
import { MaxleafError } from "../errors.ts";
import { cellsProblem } from "../format/cells.ts";
import type { Bags, Codebook } from "../format/contract.ts";
import { CODEWORDS_PER_SUBSPACE, ISOLATE_MEMORY_BYTES, MAX_CENTROIDS, MAX_DIM, MAX_SUBSPACES } from "../limits.ts";
import type { CentroidScale } from "./lane-scales.ts";
import { KernelMemory, type Region, type RegionHolder } from "./memory.ts";
import { hasShortCodewords, shortCodewords } from "./short-codewords.ts";
import { SHORT_BIAS } from "./short-rows.ts";
import { instantiateKernel, type KernelExports, type KernelModule } from "./webassembly.ts";

/** Half of an isolate: the other half is the heap, with the record cache and the answers. */
export const DEFAULT_KERNEL_BUDGET_BYTES = ISOLATE_MEMORY_BYTES / 2;

/** Kernels take dimensions in steps of one 16-byte register and codes in fours. */
export const DIM_MULTIPLE = 16;
export const SUBSPACE_MULTIPLE = 4;

const I16_BYTES = 2;

/** Centroids in kernel memory. */
export interface KernelCentroids {
  /** i8 `[count, dim]`. */
  readonly centroids: Region;
  /** i16 `[count]`: what dot products with biased query rows start from (short-rows.ts). */
  readonly starts: Region;
}

/** A codebook in kernel memory. */
export interface KernelCodebook extends CentroidScale, KernelCentroids, RegionHolder {
  readonly id: string;
  readonly dim: number;
  readonly centroidCount: number;
  readonly subspaces: number;
  /** Largest length of a centroid and of a coarse one, in int8 units. */
  readonly centroidLength: number;
  /** `[subspaces, 256, dim / subspaces]`: f32, or u8 with {@link codewordScale} (short-codewords.ts). */
  readonly codewords: Region;
  /** Value of one unit of a codeword of 7 bits; undefined: codewords are float32. */
  readonly codewordScale: number | undefined;
  readonly cells: KernelCells;
}

/** Cells of a codebook in kernel memory: coarse centroids and their scale. */
export interface KernelCells extends CentroidScale, KernelCentroids {
  /** `[cells + 1]`: cell c has the centroids `[offsets[c], offsets[c + 1])`. */
  readonly offsets: Uint32Array;
  readonly count: number;
}

/** Bags of one segment in kernel memory. */
export interface KernelBags extends RegionHolder {
  readonly pageCount: number;
  /** u32 `[pageCount + 1]`. */
  readonly offsets: Region;
  /** u16. */
  readonly ids: Region;
}

export class Kernel {
  readonly exports: KernelExports;
  readonly memory: KernelMemory;

  /** `module` is `kernel.wasm`; `budgetBytes` bounds its whole memory. */
  constructor(module: KernelModule, options: { budgetBytes?: number } = {}) {
    this.memory = new KernelMemory(options.budgetBytes ?? DEFAULT_KERNEL_BUDGET_BYTES);
    this.exports = instantiateKernel(module, this.memory.wasm);
  }

  /** Errors: `corrupt_data` when the shape is none the kernels take; `overloaded` when the memory budget is spent. */
  loadCodebook(codebook: Codebook): KernelCodebook {
    checkCodebook(codebook);
    const { memory } = this;
    const { cells, dim } = codebook;
    const held: Region[] = [];
    const take = (bytes: number): Region => {
      const region = allocateAfter(memory, held, bytes, "a codebook");
      held.push(region);
      return region;
    };
    const place = (values: Int8Array): KernelCentroids => {
      const centroids = take(values.byteLength);
      const starts = take((values.length / dim) * I16_BYTES);
      memory.int8(centroids).set(values);
      memory.int16(starts).set(startsOf(values, dim));
      return { centroids, starts };
    };
    const length = largestNorm(codebook.centroids, dim);
    const cellLength = largestNorm(cells.centroids, dim);
    const centroidLength = Math.max(length, cellLength);
    return {
      id: codebook.id,
      dim: codebook.dim,
      centroidCount: codebook.centroidCount,
      subspaces: codebook.subspaces,
      centroidScale: codebook.centroidScale,
      centroidNormMax: length * codebook.centroidScale,
      centroidLength,
      ...place(codebook.centroids),
      ...placeCodewords(memory, codebook, centroidLength, take),
      cells: {
        offsets: cells.offsets,
        count: cells.offsets.length - 1,
        ...place(cells.centroids),
        centroidScale: cells.scale,
        centroidNormMax: cellLength * cells.scale,
      },
      release: () => releaseAll(memory, held),
    };
  }

  /** Errors: `corrupt_data` when offsets fall or an id names no centroid; `overloaded` when the memory budget is spent. */
  loadBags(bags: Bags, centroidCount: number): KernelBags {
    checkBags(bags, centroidCount);
    const { memory } = this;
    const offsets = memory.allocate(bags.offsets.byteLength, "a segment's bag offsets");
    const ids = allocateAfter(memory, [offsets], bags.ids.byteLength, "a segment's bags");
    memory.uint32(offsets).set(bags.offsets);
    memory.uint16(ids).set(bags.ids);
    return {
      pageCount: bags.offsets.length - 1,
      offsets,
      ids,
      release: () => releaseAll(memory, [offsets, ids]),
    };
  }
}

/** Of 7 bits where queries will be too, which takes a quarter of the room. */
function placeCodewords(
  memory: KernelMemory,
  { dim, subspaces, codewords }: Codebook,
  centroidLength: number,
  take: (bytes: number) => Region,
): Pick<KernelCodebook, "codewords" | "codewordScale"> {
  const width = dim / subspaces;
  if (!hasShortCodewords(width, centroidLength)) {
    const region = take(codewords.byteLength);
    memory.float32(region).set(codewords);
    return { codewords: region, codewordScale: undefined };
  }
  const { values, scale } = shortCodewords(codewords, width);
  const region = take(values.byteLength);
  memory.uint8(region).set(values);
  return { codewords: region, codewordScale: scale };
}

/** Allocates; on failure first gives back what the same resident already holds. */
export function allocateAfter(memory: KernelMemory, held: readonly Region[], bytes: number, purpose: string): Region {
  try {
    return memory.allocate(bytes, purpose);
  } catch (error) {
    releaseAll(memory, held);
    throw error;
  }
}

/** Gives every region back. */
export function releaseAll(memory: KernelMemory, regions: readonly Region[]): void {
  for (const region of regions) memory.release(region);
}

function checkCodebook(codebook: Codebook): void {
  const { id, dim, centroidCount, subspaces, centroids, codewords, centroidScale } = codebook;
  const fail = (why: string): never => {
    throw new MaxleafError("corrupt_data", `codebook ${id} cannot be searched: ${why}`);
  };
  if (dim <= 0 || dim > MAX_DIM || dim % DIM_MULTIPLE !== 0)
    fail(`${dim} dimensions are no multiple of ${DIM_MULTIPLE}`);
  if (subspaces <= 0 || subspaces > MAX_SUBSPACES || subspaces % SUBSPACE_MULTIPLE !== 0 || dim % subspaces !== 0) {
    fail(`${subspaces} subspaces are no multiple of ${SUBSPACE_MULTIPLE} that divides ${dim}`);
  }
  if (centroidCount <= 0 || centroidCount > MAX_CENTROIDS) fail(`it has ${centroidCount} centroids`);
  if (centroids.length !== centroidCount * dim)
    fail(`${centroids.length} centroid values for ${centroidCount} × ${dim}`);
  if (codewords.length !== CODEWORDS_PER_SUBSPACE * dim) fail(`${codewords.length} codeword values for 256 × ${dim}`);
  if (!Number.isFinite(centroidScale) || centroidScale <= 0) fail(`its centroid scale is ${centroidScale}`);
  if (!codewords.every((value) => Number.isFinite(value))) fail("a codeword is not a finite number");
  const problem = cellsProblem(codebook.cells, centroidCount, dim);
  if (problem !== undefined) fail(problem);
}

function checkBags(bags: Bags, centroidCount: number): void {
  const { offsets, ids } = bags;
  const pageCount = offsets.length - 1;
  if (pageCount < 0 || offsets[0] !== 0 || offsets[pageCount] !== ids.length) {
    throw new MaxleafError("corrupt_data", `bag offsets do not span the ${ids.length} ids`);
  }
  for (let page = 0; page < pageCount; page++) {
    if ((offsets[page] ?? 0) > (offsets[page + 1] ?? 0)) {
      throw new MaxleafError("corrupt_data", `the bag of page ${page} ends before it begins`);
    }
  }
  checkCentroidIds(ids, centroidCount);
}

/** Errors: `corrupt_data` naming the first id that is no centroid. */
export function checkCentroidIds(ids: Uint16Array, centroidCount: number): void {
  for (let i = 0; i < ids.length; i++) {
    const id = ids[i] ?? 0;
    if (id >= centroidCount) {
      throw new MaxleafError(
        "corrupt_data",
        `centroid id ${id} is not below the codebook's ${centroidCount} centroids`,
      );
    }
  }
}

/** `[rows]`: minus the bias of a query times the sum of a row, modulo 2^16. */
function startsOf(rows: Int8Array, dim: number): Int16Array {
  const starts = new Int16Array(rows.length / dim);
  for (let row = 0; row < starts.length; row++) {
    let sum = 0;
    for (let d = row * dim; d < (row + 1) * dim; d++) sum += rows[d] ?? 0;
    starts[row] = -SHORT_BIAS * sum;
  }
  return starts;
}

/** The length of the longest of `rows` `[·, dim]`. */
export function largestNorm(rows: Int8Array, dim: number): number {
  let largest = 0;
  for (let start = 0; start < rows.length; start += dim) {
    let squares = 0;
    for (let d = 0; d < dim; d++) squares += (rows[start + d] ?? 0) ** 2;
    largest = Math.max(largest, squares);
  }
  return Math.sqrt(largest);
}
