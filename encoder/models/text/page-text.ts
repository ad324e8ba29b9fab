/**
 * The words of a page as text recipes take them.
 *
 * @module
 */
import { MaxleafError, quote } from "../../../shared/errors.ts";
import { COORDINATE_MAX } from "../../../shared/page.ts";
import type { PageWord, PageWords } from "../model.ts";

/** The page's words, none with white space inside and none empty: the page's text separates words by spaces. */
export function pageWordsOf(page: PageWords): PageWord[] {
  return page.words.flatMap(withoutWhiteSpace);
}

/**
 * Boxes of `words`, `[words, 4]` in `COORDINATE_MAX` units, cut at the page's edge.
 *
 * Errors: `invalid_request` for a box that is not four numbers.
 */
export function boxesOf(words: readonly PageWord[], page: Pick<PageWords, "pageNumber">): Uint16Array {
  const boxes = new Uint16Array(words.length * 4);
  for (const [i, word] of words.entries()) {
    boxes.set(
      word.box.map((fraction) => toCoordinate(fraction, page, word)),
      i * 4,
    );
  }
  return boxes;
}

/** The word as it is, or its parts, each with the whole box. */
function withoutWhiteSpace(word: PageWord): PageWord[] {
  if (!/\s/.test(word.text)) return word.text === "" ? [] : [word];
  return (word.text.match(/\S+/g) ?? []).map((text) => ({ text, box: word.box }));
}

function toCoordinate(fraction: number, page: Pick<PageWords, "pageNumber">, word: PageWord): number {
  if (Number.isFinite(fraction)) return Math.round(Math.min(Math.max(fraction, 0), 1) * COORDINATE_MAX);
  throw new MaxleafError(
    "invalid_request",
    `the box of ${quote(word.text)} on page ${page.pageNumber} is [${word.box.join(", ")}]: not four numbers`,
  );
}
