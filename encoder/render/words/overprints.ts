/**
 * Words drawn twice: fake bold, a shadow.
 *
 * @module
 */
import { type Box, overlap } from "./geometry.ts";
import type { PlacedWord } from "./words.ts";

/** A word drawn twice in nearly the same place is one word. */
const SAME_PLACE = 0.8;
/** Cells of the grid in which equal words are looked up are so many times as wide and high as the first: few words are in one. */
const CELL_SIDES = 2;
/** Points, where the first has no width or height. */
const USUAL_CELL = 32;
/** A word in more cells is compared with every equal one. */
const MAX_CELLS = 64;

/** `words` without those that print an equal word again in the same place. */
export function withoutOverprints<W extends PlacedWord>(words: readonly W[]): W[] {
  const seen = new Map<string, Places>();
  return words.filter(({ text, box }) => {
    const places = seen.get(text) ?? new Places(box);
    seen.set(text, places);
    return places.add(box);
  });
}

/** Boxes of equal words. A page may be full of them: 40,000 zeros took 15 s when each was compared with all before it. */
class Places {
  readonly #cell: Cell;
  readonly #all: Box[] = [];
  readonly #wide: Box[] = [];
  readonly #byCell = new Map<string, Box[]>();

  /** @param first - Shows how large the words are. */
  constructor(first: Box) {
    this.#cell = { width: cellSide(first[2] - first[0]), height: cellSide(first[3] - first[1]) };
  }

  /** False, and nothing added, when `box` lies on one that is here already. */
  add(box: Box): boolean {
    const cells = cellsOf(box, this.#cell);
    const lists =
      cells === undefined ? [this.#all] : [this.#wide, ...cells.map((cell) => this.#byCell.get(cell) ?? [])];
    if (lists.some((boxes) => boxes.some((other) => overlap(other, box) > SAME_PLACE))) return false;
    this.#all.push(box);
    if (cells === undefined) this.#wide.push(box);
    for (const cell of cells ?? []) {
      const boxes = this.#byCell.get(cell);
      if (boxes === undefined) this.#byCell.set(cell, [box]);
      else boxes.push(box);
    }
    return true;
  }
}

interface Cell {
  width: number;
  height: number;
}

function cellSide(ofWord: number): number {
  const side = CELL_SIDES * ofWord;
  return side > 0 && Number.isFinite(side) ? side : USUAL_CELL;
}

/** The cells that `box` touches; undefined when there are too many, or it is nowhere. */
function cellsOf(box: Box, { width, height }: Cell): string[] | undefined {
  const [left, right] = [Math.floor(box[0] / width), Math.floor(box[2] / width)];
  const [top, bottom] = [Math.floor(box[1] / height), Math.floor(box[3] / height)];
  const count = (right - left + 1) * (bottom - top + 1);
  if (!(count <= MAX_CELLS)) return undefined;
  const cells: string[] = [];
  for (let column = left; column <= right; column++) {
    for (let row = top; row <= bottom; row++) cells.push(`${column} ${row}`);
  }
  return cells;
}
