/**
 * Boxes and affine transforms, in points of the page as shown: x to the right, y down.
 *
 * @module
 */

/** Left, top, right, bottom. */
export type Box = readonly [number, number, number, number];

/** a, b, c, d, e, f of a PDF transform: x' = a·x + c·y + e, y' = b·x + d·y + f. */
export type Matrix = readonly [number, number, number, number, number, number];

/** `outer` after `inner`. */
export function multiply(outer: Matrix, inner: Matrix): Matrix {
  const [a, b, c, d, e, f] = outer;
  const [ia, ib, ic, id, ie, jf] = inner;
  return [a * ia + c * ib, b * ia + d * ib, a * ic + c * id, b * ic + d * id, a * ie + c * jf + e, b * ie + d * jf + f];
}

/** `values` as a matrix when they are six finite numbers. */
export function toMatrix(values: readonly unknown[]): Matrix | undefined {
  const [a, b, c, d, e, f] = values;
  const entries = [a, b, c, d, e, f];
  if (values.length !== 6 || !entries.every((value) => typeof value === "number" && Number.isFinite(value)))
    return undefined;
  return [Number(a), Number(b), Number(c), Number(d), Number(e), Number(f)];
}

export function union(one: Box, other: Box): Box {
  return [
    Math.min(one[0], other[0]),
    Math.min(one[1], other[1]),
    Math.max(one[2], other[2]),
    Math.max(one[3], other[3]),
  ];
}

export function area(box: Box): number {
  return Math.max(0, box[2] - box[0]) * Math.max(0, box[3] - box[1]);
}

/** How much of the smaller box lies inside the other, 0…1. */
export function overlap(one: Box, other: Box): number {
  const width = Math.min(one[2], other[2]) - Math.max(one[0], other[0]);
  const height = Math.min(one[3], other[3]) - Math.max(one[1], other[1]);
  const smaller = Math.min(area(one), area(other));
  return width <= 0 || height <= 0 || smaller === 0 ? 0 : (width * height) / smaller;
}

/** The box around a parallelogram: corner `x`, `y`, one side along (`ax`, `ay`), the other along (`ux`, `uy`). */
export function parallelogramBox(x: number, y: number, ax: number, ay: number, ux: number, uy: number): Box {
  const xs = [x, x + ax, x + ux, x + ax + ux];
  const ys = [y, y + ay, y + uy, y + ay + uy];
  return [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)];
}
