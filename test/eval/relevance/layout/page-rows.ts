/**
 * The rows of a page, told from the boxes of its words: a line of prose is a row, and so is what stands side by side in a table.
 *
 * @module
 */
import type { PageWord } from "../../../../encoder/models/model.ts";

export interface PageRow {
  /** Words of the page, `[first, end)`. */
  first: number;
  end: number;
  /** The row's words, cut where a table's columns are. */
  cells: string[][];
  /** Median height of its words, and where the first of them begins, in units of the page. */
  height: number;
  top: number;
  /** Share of its letters that are bold, 0…1. */
  boldShare: number;
}

export interface PageLayout {
  words: readonly PageWord[];
  /** Of the page, in any unit. */
  width: number;
  height: number;
  isBold: (word: PageWord) => boolean;
}

/** Two words of a row share at least so much of the lower one's height: superscripts do, the next line does not. */
const SAME_ROW_SHARE = 0.5;
/** The gap, in heights of the row, that `encoder/render/words/lines.ts` takes for one between columns (there in em). */
const COLUMN_GAP_HEIGHTS = 1.5;

/** Rows of `layout.words`, in their order: every word is in one of them. */
export function pageRows({ words, width, height, isBold }: PageLayout): PageRow[] {
  const rows: PageRow[] = [];
  for (let first = 0; first < words.length;) {
    let end = first + 1;
    while (end < words.length && areSideBySide(words[end - 1], words[end])) end++;
    const ofRow = words.slice(first, end);
    const heights = ofRow.map(({ box }) => (box[3] - box[1]) * height);
    const rowHeight = medianOf(heights);
    const letters = (list: readonly PageWord[]) => list.reduce((sum, { text }) => sum + text.length, 0);
    rows.push({
      first,
      end,
      cells: cellsOf(ofRow, width, rowHeight * COLUMN_GAP_HEIGHTS),
      height: rowHeight,
      top: (ofRow[0]?.box[1] ?? 0) * height,
      boldShare: letters(ofRow.filter(isBold)) / letters(ofRow),
    });
    first = end;
  }
  return rows;
}

/** The words of a row, whatever its cells. */
export function wordsOf(row: PageRow): string[] {
  return row.cells.flat();
}

export function medianOf(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? 0;
}

function areSideBySide(one: PageWord | undefined, other: PageWord | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  const shared = Math.min(one.box[3], other.box[3]) - Math.max(one.box[1], other.box[1]);
  const lower = Math.min(one.box[3] - one.box[1], other.box[3] - other.box[1]);
  return shared >= SAME_ROW_SHARE * lower;
}

function cellsOf(words: readonly PageWord[], pageWidth: number, gap: number): string[][] {
  const cells: string[][] = [];
  let right: number | undefined;
  for (const { text, box } of words) {
    const cell = cells.at(-1);
    const isNext = right !== undefined && Math.abs(box[0] - right) * pageWidth <= gap;
    if (cell !== undefined && isNext) cell.push(text);
    else cells.push([text]);
    right = box[2];
  }
  return cells;
}
