/**
 * Titles of sections, told from rows: bold or larger than the body, short, alone in their row; or written as filings write them
 * ("Item 7. …", "Note 12 – …").
 *
 * @module
 */
import { medianOf, type PageRow, wordsOf } from "./page-rows.ts";

export interface Heading {
  page: number;
  /** Words of the page, `[first, end)`. */
  first: number;
  end: number;
  text: string[];
  /** A section ends what was above it; other headings only follow one another. */
  isSection: boolean;
  /** It stands at the top of its page, and tells what the whole page is. */
  isPageTitle: boolean;
}

/** A heading has at most so many words; longer bold rows are text. */
const MAX_ROW_WORDS = 15;
/** Rows right below one another that are one heading. */
const MAX_HEADING_ROWS = 3;
/** Rows above the title of a page: the company's name, "Table of contents". */
const MAX_ROWS_ABOVE_TITLE = 3;
/** Heights of the body's median row. Filings set headings of 9 points over 8 (1.13) and statements' names larger still. */
const LARGER = 1.12;
const MUCH_LARGER = 1.3;
/** Share of a row's letters that are bold, of a heading; and of a page's, on which bold says nothing. */
const BOLD_SHARE = 0.8;
const BOLD_PAGE_SHARE = 0.5;
/** A row that stands on more of a document's pages than this is a running head. */
const RUNNING_HEAD_SHARE = 0.25;
const MIN_RUNNING_HEADS = 4;
/** A row that stands so often on one page is a label of a table. */
const LABEL_COUNT = 3;
/** "Item 7.", "Item 1A —", "NOTE 12", "Part II". */
const FORM = /^(?:part [ivx]{1,4}|item \d{1,2}[a-c]?|note \d{1,2})(?: ?[.:–—-]| ?$)/iu;
/** Dates and figures that stand alone, units in brackets, a sentence's middle. */
const NO_HEADING = /^[(\p{Ll}$€£•–—-]|^(?:\p{Lu}\p{Ll}+ \d{1,2}, )?\d{4}$|[,;]$|\bpage \d+$/u;

/** Headings of a document's pages, in order. */
export function headingsOf(pages: readonly (readonly PageRow[])[]): Heading[] {
  const documentHeight = medianHeight(pages.flat());
  const isRunning = runningHeads(pages);
  const headings: Heading[] = [];
  for (const [page, rows] of pages.entries()) {
    const body = bodyOf(rows, documentHeight);
    let open: { heading: Heading; rows: number } | undefined;
    for (const [at, row] of rows.entries()) {
      if (isRunning(row) || !isHeading(row, body)) {
        open = undefined;
        continue;
      }
      const isSection = FORM.test(textOf(row)) || row.height >= MUCH_LARGER * body.height;
      if (open !== undefined && open.rows < MAX_HEADING_ROWS && (open.heading.isSection || !isSection)) {
        open.heading.text.push(...wordsOf(row));
        open.heading.end = row.end;
        open.rows++;
        continue;
      }
      const heading = {
        page,
        first: row.first,
        end: row.end,
        text: wordsOf(row),
        isSection,
        isPageTitle: at <= MAX_ROWS_ABOVE_TITLE,
      };
      headings.push(heading);
      open = { heading, rows: 1 };
    }
  }
  return headings;
}

/** A window that begins so many words before a heading shows it itself, so what was above says nothing about it. */
const SHOWS_WITHIN_WORDS = 20;

/** What stands above a word, each part empty where there is none. */
export interface Title {
  section: string[];
  /** The title of its page. */
  page: string[];
  /** The last heading, of whatever kind. */
  last: string[];
}

/** What stands above word `start` of a page, without what the words from there on show themselves. */
export function titleAt(headings: readonly Heading[], page: number, start: number): Title {
  const title: Title = { section: [], page: [], last: [] };
  for (const heading of headings) {
    if (heading.page > page || (heading.page === page && heading.first >= start + SHOWS_WITHIN_WORDS)) break;
    const text = heading.page === page && heading.end > start ? [] : heading.text;
    if (heading.isSection) Object.assign(title, { section: text, page: [], last: [] });
    else if (heading.isPageTitle && heading.page === page && title.page.length === 0)
      Object.assign(title, { page: text, last: [] });
    else title.last = text;
  }
  return title;
}

const textOf = (row: PageRow) => wordsOf(row).join(" ");

/** What the rows of a page are compared with. */
interface Body {
  height: number;
  boldTells: boolean;
  /** How often each row stands on the page. */
  counts: ReadonlyMap<string, number>;
}

/** An exhibit may be set larger than the report that it belongs to, and a table smaller than the text around it. */
function bodyOf(rows: readonly PageRow[], documentHeight: number): Body {
  const counts = new Map<string, number>();
  let [bold, all] = [0, 0];
  for (const row of rows) {
    const text = textOf(row);
    counts.set(text, (counts.get(text) ?? 0) + 1);
    bold += row.boldShare * text.length;
    all += text.length;
  }
  return { height: Math.max(documentHeight, medianHeight(rows)), boldTells: bold <= BOLD_PAGE_SHARE * all, counts };
}

/** Of the row that the middle word is in. */
function medianHeight(rows: readonly PageRow[]): number {
  return medianOf(rows.flatMap((row) => wordsOf(row).map(() => row.height)));
}

function isHeading(row: PageRow, body: Body): boolean {
  const text = textOf(row);
  if ((body.counts.get(text) ?? 0) >= LABEL_COUNT) return false;
  const words = wordsOf(row).length;
  if (words > MAX_ROW_WORDS || NO_HEADING.test(text) || (text.match(/\p{L}/gu)?.length ?? 0) < 3) return false;
  // A table of contents has the number of the page in another cell.
  if (row.cells.length > 1) return row.cells.length === 2 && FORM.test(text) && !/\d$/u.test(text);
  if (FORM.test(text)) return true;
  if (body.boldTells && row.boldShare >= BOLD_SHARE) return true;
  return row.height >= LARGER * body.height && !text.endsWith(".");
}

function runningHeads(pages: readonly (readonly PageRow[])[]): (row: PageRow) => boolean {
  const pagesWith = new Map<string, number>();
  for (const rows of pages) {
    for (const text of new Set(rows.map(textOf))) pagesWith.set(text, (pagesWith.get(text) ?? 0) + 1);
  }
  const most = Math.max(MIN_RUNNING_HEADS, pages.length * RUNNING_HEAD_SHARE);
  return (row) => (pagesWith.get(textOf(row)) ?? 0) > most;
}
