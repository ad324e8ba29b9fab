/**
 * Tables of figures and the rows that name their columns, told from rows.
 *
 * @module
 */
import { type PageRow, wordsOf } from "./page-rows.ts";

export interface Table {
  /** Words of the page that are rows below the first of figures, `[first, end)`. */
  first: number;
  end: number;
  header: string[];
}

/** Fewer rows of figures are a sentence or a list. */
const MIN_ROWS = 3;
/** Rows without figures inside a table: a sub-heading, a label of two lines. */
const MAX_ROWS_BETWEEN = 2;
const MAX_HEADER_ROWS = 3;
const NUMBER = /^[($€£]*[\d.,]*\d[)%]*$/u;
/** A number, or what stands for none. */
const FIGURE = new RegExp(`${NUMBER.source}|^[—–-]+%?$|^[$€£%)]+$`, "u");
const YEAR = /^(?:19|20)\d\d$/u;
const NAMES_COLUMNS = /\b(?:19|20)\d\d\b|\b(?:ended|months|year|quarter|change)\b|^\(/iu;

/** Tables of a page that have a header, in order. */
export function tablesOf(rows: readonly PageRow[]): Table[] {
  const tables: Table[] = [];
  for (let at = 0; at < rows.length; at++) {
    if (!hasFigures(rows[at])) continue;
    let last = at;
    let count = 1;
    for (let next = at + 1; next < rows.length && next - last <= MAX_ROWS_BETWEEN + 1; next++) {
      if (!hasFigures(rows[next])) continue;
      last = next;
      count++;
    }
    const header = headerAbove(rows, at);
    const [first, end] = [rows[at]?.end, rows[last]?.end];
    if (count >= MIN_ROWS && header.length > 0 && first !== undefined && end !== undefined) {
      tables.push({ first, end, header });
    }
    at = last;
  }
  return tables;
}

/** The header of the table in whose middle word `start` is; empty outside of tables. */
export function headerAt(tables: readonly Table[], start: number): readonly string[] {
  return tables.find(({ first, end }) => first <= start && start < end)?.header ?? [];
}

/** A label and figures in cells of their own, not all of them years. */
function hasFigures(row: PageRow | undefined): boolean {
  const [, ...cells] = row?.cells ?? [];
  const words = cells.flat();
  return FIGURE.test(words.at(-1) ?? "") && words.some((word) => NUMBER.test(word) && !YEAR.test(word));
}

/** The rows that name columns, right above row `at` or above labels of a part of the table. */
function headerAbove(rows: readonly PageRow[], at: number): string[] {
  const header: string[] = [];
  for (let row = at - 1; row >= Math.max(0, at - MAX_HEADER_ROWS - MAX_ROWS_BETWEEN); row--) {
    const above = rows[row];
    if (above === undefined) break;
    if (above.cells.length > 1 || NAMES_COLUMNS.test(wordsOf(above).join(" "))) header.unshift(...wordsOf(above));
    else if (header.length > 0 || at - row > MAX_ROWS_BETWEEN) break;
  }
  return header;
}
