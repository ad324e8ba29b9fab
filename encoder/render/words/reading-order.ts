/**
 * Reading order. Most files draw their text as it is read, and a table read row by row is right as it is, so the order
 * of the content stream stands unless it is plainly wrong: bottom to top, or row by row across two columns of prose.
 *
 * @module
 */
import type { Line } from "./lines.ts";

/** Moves that must be upward, of all moves between lines, before a page counts as drawn backwards. */
const BACKWARDS_SHARE = 0.75;
/** Fewer lines show no order. */
const MIN_LINES = 6;
/** Where the gutter between two columns may lie, as fractions of the page width. */
const GUTTER_FROM = 0.35;
const GUTTER_TO = 0.65;
const GUTTER_STEPS = 60;
/** A line of a column of prose is at least this wide (fraction of the page): a table's cells are not. */
const PROSE_WIDTH = 0.22;
/** Lines of prose each column must have. */
const MIN_COLUMN_LINES = 5;
/** Lines that may cross the gutter: headings, a figure's caption. */
const MAX_CROSSING_SHARE = 0.25;
/** Steps from one column to the other, of all steps: 1 when drawn row by row, near 0 when drawn column by column. */
const INTERLEAVED_SHARE = 0.5;
const SAME_ROW_EM = 0.4;
const HORIZONTAL = 0.05;

/** `lines` in reading order. Lines that are not horizontal keep their place in the stream. */
export function inReadingOrder(lines: readonly Line[], pageWidth: number): Line[] {
  const horizontal = lines.filter((line) => Math.abs(line.angle) < HORIZONTAL);
  if (horizontal.length < MIN_LINES) return [...lines];
  const downward = isBackwards(horizontal) ? reversed(horizontal) : horizontal;
  const ordered = byColumns(downward, pageWidth);
  if (ordered === horizontal) return [...lines];
  const next = ordered.values();
  return lines.map((line) => (Math.abs(line.angle) < HORIZONTAL ? (next.next().value ?? line) : line));
}

function isBackwards(lines: readonly Line[]): boolean {
  let up = 0;
  let moves = 0;
  for (const [previous, line] of pairs(lines)) {
    if (sameRow(previous, line)) continue;
    moves++;
    if (line.baseline < previous.baseline) up++;
  }
  return moves >= MIN_LINES - 1 && up / moves >= BACKWARDS_SHARE;
}

/** Rows from last to first, each row from left to right. */
function reversed(lines: readonly Line[]): Line[] {
  const rows: Line[][] = [];
  for (const line of lines) {
    const row = rows.at(-1);
    const last = row?.at(-1);
    if (row !== undefined && last !== undefined && sameRow(last, line)) row.push(line);
    else rows.push([line]);
  }
  return rows.reverse().flatMap((row) => row.sort((one, other) => one.box[0] - other.box[0]));
}

/** `lines` column by column when they are two columns of prose drawn row by row; else `lines` itself. */
function byColumns(lines: Line[], pageWidth: number): Line[] {
  const prose = lines.filter((line) => line.box[2] - line.box[0] > PROSE_WIDTH * pageWidth);
  const gutter = findGutter(prose, pageWidth);
  if (gutter === undefined) return lines;
  const sides = prose.map((line) => sideOf(line, gutter)).filter((side) => side !== "across");
  const left = sides.filter((side) => side === "left").length;
  if (Math.min(left, sides.length - left) < MIN_COLUMN_LINES) return lines;
  const steps = pairs(sides).filter(([previous, side]) => previous !== side).length;
  if (steps / (sides.length - 1) < INTERLEAVED_SHARE) return lines;

  // Lines across the gutter divide the page into bands; each band is read left column first.
  const topDown = lines.toSorted((one, other) => one.baseline - other.baseline || one.box[0] - other.box[0]);
  const ordered: Line[] = [];
  let band: { left: Line[]; right: Line[] } = { left: [], right: [] };
  for (const line of topDown) {
    const side = sideOf(line, gutter);
    if (side !== "across") {
      band[side].push(line);
      continue;
    }
    // One by one: a band may have more lines than a call may have arguments.
    for (const next of [...band.left, ...band.right, line]) ordered.push(next);
    band = { left: [], right: [] };
  }
  return [...ordered, ...band.left, ...band.right];
}

/** The x that the fewest lines cross, if few enough do. */
function findGutter(prose: readonly Line[], pageWidth: number): number | undefined {
  if (prose.length < 2 * MIN_COLUMN_LINES) return undefined;
  let best: { x: number; crossing: number } | undefined;
  for (let step = 0; step <= GUTTER_STEPS; step++) {
    const x = pageWidth * (GUTTER_FROM + ((GUTTER_TO - GUTTER_FROM) * step) / GUTTER_STEPS);
    const crossing = prose.filter((line) => sideOf(line, x) === "across").length;
    if (best === undefined || crossing < best.crossing) best = { x, crossing };
  }
  return best !== undefined && best.crossing <= prose.length * MAX_CROSSING_SHARE ? best.x : undefined;
}

function sideOf(line: Line, x: number): "left" | "right" | "across" {
  if (line.box[2] <= x) return "left";
  return line.box[0] >= x ? "right" : "across";
}

function sameRow(one: Line, other: Line): boolean {
  return Math.abs(one.baseline - other.baseline) < SAME_ROW_EM * Math.max(one.height, other.height);
}

function pairs<T>(items: readonly T[]): [T, T][] {
  return items.slice(1).flatMap((item, i) => {
    const previous = items[i];
    return previous === undefined ? [] : [[previous, item] satisfies [T, T]];
  });
}
