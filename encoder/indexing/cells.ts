/**
 * Cells: centroids grouped by likeness and put in an order in which a cell's are adjacent and like cells are neighbours,
 * so that what a query needs of a million pages is a few ranges of bytes.
 *
 * @module
 */
import type { Random } from "../../shared/ports.ts";
import { trainCentroids } from "./kmeans.ts";
import type { Matrix, MatrixRunner } from "./matrix-runner.ts";
import { gatherRows, meanRows } from "./rows.ts";

/** Centroids of a cell on average. */
export const CENTROIDS_PER_CELL = 32;
/** A cell larger than this is cut in two: what a query reads of one cell must stay bounded. */
export const MAX_CENTROIDS_PER_CELL = 2 * CENTROIDS_PER_CELL;

export interface Cells {
  /** The centroid (row of the input) at each place of the new order: a permutation. */
  order: Uint32Array;
  /** Cell c has the places `offsets[c] … offsets[c + 1]`; no cell is empty. */
  offsets: Uint32Array;
}

/** Groups `centroids` (rows of length about 1, at least one) into cells of about {@link CENTROIDS_PER_CELL}. */
export async function groupIntoCells(runner: MatrixRunner, centroids: Matrix, random: Random): Promise<Cells> {
  const cellCount = Math.max(1, Math.round(centroids.count / CENTROIDS_PER_CELL));
  const values = await trainCentroids(runner, centroids, { centroidCount: cellCount, random });
  const ids = await runner.nearestRows(centroids, { values, count: cellCount, dim: centroids.dim });
  const members = Array.from({ length: cellCount }, (): number[] => []);
  ids.forEach((cell, centroid) => members[cell]?.push(centroid));
  const cells = members
    .filter((cell) => cell.length > 0)
    .flatMap((cell) => [...bisect(centroids, Uint32Array.from(cell), MAX_CENTROIDS_PER_CELL)]);
  const means = meanRows(gatherRows(centroids, concat(cells)), offsetsOf(cells));
  const ordered = chainOf(means).map((cell) => cells[cell] ?? new Uint32Array());
  return { order: concat(ordered), offsets: offsetsOf(ordered) };
}

/**
 * All rows, each followed by the nearest of those that are left. With 8,192 centroids on token vectors of filings, the 48
 * cells nearest to the tokens of a question lie in 29 runs of neighbours; ordered by halving they lie in 35, at random in 40.
 */
function chainOf({ values, count, dim }: Matrix): number[] {
  const left = Uint32Array.from({ length: count }, (_, row) => row);
  const chain: number[] = [];
  let nearest = 0;
  for (let size = count; size > 0; size--) {
    const row = left[nearest] ?? 0;
    chain.push(row);
    left[nearest] = left[size - 1] ?? 0;
    nearest = nearestTo(row, left.subarray(0, size - 1), values, dim);
  }
  return chain;
}

/** Position in `rows` of the row nearest to `row`. */
function nearestTo(row: number, rows: Uint32Array, values: Float32Array, dim: number): number {
  let best = 0;
  let bestDistance = Infinity;
  for (let position = 0; position < rows.length; position++) {
    const start = (rows[position] ?? 0) * dim;
    let distance = 0;
    for (let i = 0; i < dim; i++) distance += ((values[start + i] ?? 0) - (values[row * dim + i] ?? 0)) ** 2;
    if (distance < bestDistance) [best, bestDistance] = [position, distance];
  }
  return best;
}

/**
 * Cuts `rows` (numbers of rows of `matrix`) in halves until none has more than `maxSize`, at the median along the line
 * between two rows far apart.
 */
function* bisect(matrix: Matrix, rows: Uint32Array, maxSize: number): Generator<Uint32Array> {
  if (rows.length <= maxSize) {
    yield rows;
    return;
  }
  const sorted = alongSpread(matrix, rows);
  const middle = Math.ceil(sorted.length / 2);
  yield* bisect(matrix, sorted.subarray(0, middle), maxSize);
  yield* bisect(matrix, sorted.subarray(middle), maxSize);
}

/** `rows` sorted along the line from the row farthest from the first one to the row farthest from that. */
function alongSpread({ values, dim }: Matrix, rows: Uint32Array): Uint32Array {
  const rowAt = (row: number) => values.subarray(row * dim, (row + 1) * dim);
  const from = rowAt(farthest(values, dim, rows, rowAt(rows[0] ?? 0)));
  const to = rowAt(farthest(values, dim, rows, from));
  const direction = to.map((value, i) => value - (from[i] ?? 0));
  const position = new Map(Array.from(rows, (row) => [row, product(rowAt(row), direction)]));
  return rows.toSorted((a, b) => (position.get(a) ?? 0) - (position.get(b) ?? 0) || a - b);
}

function farthest(values: Float32Array, dim: number, rows: Uint32Array, from: Float32Array): number {
  let best = rows[0] ?? 0;
  let bestDistance = -1;
  for (const row of rows) {
    let distance = 0;
    for (let i = 0; i < dim; i++) distance += ((values[row * dim + i] ?? 0) - (from[i] ?? 0)) ** 2;
    if (distance > bestDistance) [best, bestDistance] = [row, distance];
  }
  return best;
}

function product(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}

function concat(parts: readonly Uint32Array[]): Uint32Array {
  const all = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let filled = 0;
  for (const part of parts) {
    all.set(part, filled);
    filled += part.length;
  }
  return all;
}

/** Running sums of the lengths of `parts`, from 0. */
function offsetsOf(parts: readonly { length: number }[]): Uint32Array {
  const offsets = new Uint32Array(parts.length + 1);
  parts.forEach((part, position) => (offsets[position + 1] = (offsets[position] ?? 0) + part.length));
  return offsets;
}
