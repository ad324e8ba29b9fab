/**
 * Words drawn twice: fake bold, a shadow.
 *
 * @module
 */
import { type Box, overlap } from "./geometry.ts";
import type { PlacedWord } from "./words.ts";

/** A word drawn twice in nearly the same place is one word. */
const SAME_PLACE = 0.8;
/** Side of a cell of the grid in which equal words are looked up, in points: a word is in a few cells, a cell has a few words. */
const CELL = 32;
/** A word in more cells is compared with every equal one. */
const MAX_CELLS = 64;

/** `words` without those that print an equal word again in the same place. */
export function withoutOverprints<W extends PlacedWord>(words: readonly W[]): W[] {
  const seen = new Map<string, Places>();
  return words.filter(({ text, box }) => {
    const places = seen.get(text) ?? new Places();
    seen.set(text, places);
    return places.add(box);
  });
}

/** Boxes of equal words. A page may be full of them: 40,000 zeros took 15 s when each was compared with all before it. */
class Places {
  readonly #all: Box[] = [];
  readonly #wide: Box[] = [];
  readonly #byCell = new Map<string, Box[]>();

  /** False, and nothing added, when `box` lies on one that is here already. */
  add(box: Box): boolean {
    const cells = cellsOf(box);
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

/** The cells that `box` touches; undefined when there are too many, or it is nowhere. */
function cellsOf(box: Box): string[] | undefined {
  const [left, top, right, bottom] = box.map((side) => Math.floor(side / CELL));
  if (left === undefined || top === undefined || right === undefined || bottom === undefined) return undefined;
  const count = (right - left + 1) * (bottom - top + 1);
  if (!(count <= MAX_CELLS)) return undefined;
  const cells: string[] = [];
  for (let column = left; column <= right; column++) {
    for (let row = top; row <= bottom; row++) cells.push(`${column} ${row}`);
  }
  return cells;
}
