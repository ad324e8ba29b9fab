/**
 * What the pages of an encoded document tell beside their words: rows, titles, headers of tables.
 *
 * @module
 */
import type { PageWord } from "../../../../encoder/models/model.ts";
import { COORDINATE_MAX, type EncodedPage } from "../../../../shared/page.ts";
import { isInside, readBoldBoxes } from "./bold-boxes.ts";
import { headingsOf, titleAt } from "./headings.ts";
import { pageRows } from "./page-rows.ts";
import { headerAt, tablesOf } from "./table-headers.ts";

export interface DocumentLayout {
  /** `[pages][words]`. */
  words: readonly (readonly PageWord[])[];
  /** `[pages]`: words that begin a row. */
  rowStarts: readonly ReadonlySet<number>[];
  /** What stands above word `start` of a page: its title, and the header of the table that it is in. */
  contextAt: (page: number, start: number) => { title: string[]; header: string[] };
}

/** A word of more tokens is none: it would fill a quarter of a window. */
const MAX_WORD_TOKENS = 64;
/** Of the section's, the page's and the last heading's words, and of a table's header. */
const MAX_PART_TOKENS = 16;
const MAX_HEADER_TOKENS = 32;

/**
 * @param pages of one document, in order.
 * @param file of the document, if it is a PDF; else nothing is bold.
 */
export async function readLayout(
  pages: readonly EncodedPage[],
  file: string | undefined,
  tokensOf: (word: string) => number,
): Promise<DocumentLayout> {
  const bold = file === undefined ? [] : await readBoldBoxes(file);
  const words = pages.map((page) => wordsOf(page).filter(({ text }) => tokensOf(text) <= MAX_WORD_TOKENS));
  const rows = pages.map(({ width, height }, page) => {
    const boxes = bold[page] ?? [];
    return pageRows({ words: words[page] ?? [], width, height, isBold: (word) => isInside(word, boxes) });
  });
  const headings = headingsOf(rows);
  const tables = rows.map(tablesOf);
  const cut = (list: readonly string[], tokens: number): string[] => {
    let room = tokens;
    return list.filter((word) => (room -= tokensOf(word)) >= 0);
  };
  return {
    words,
    rowStarts: rows.map((ofPage) => new Set(ofPage.map(({ first }) => first))),
    contextAt(page, start) {
      const title = titleAt(headings, page, start);
      return {
        title: [title.section, title.page, title.last].flatMap((part) => cut(part, MAX_PART_TOKENS)),
        header: cut(headerAt(tables[page] ?? [], start), MAX_HEADER_TOKENS),
      };
    },
  };
}

function wordsOf({ text, geometry: { boxes } }: EncodedPage): PageWord[] {
  const side = (word: number, at: number) => (boxes[4 * word + at] ?? 0) / COORDINATE_MAX;
  return (text === "" ? [] : text.split(" ")).map((word, at) => ({
    text: word,
    box: [side(at, 0), side(at, 1), side(at, 2), side(at, 3)],
  }));
}
