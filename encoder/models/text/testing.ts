/**
 * Pages for the tests of text recipes.
 *
 * @module
 */
import type { PageWords } from "../model.ts";

/** A page of one line: n words side by side, each as wide as 1/n of the page, in its upper half. */
export function textPage(text: string): PageWords {
  const words = text.split(" ").filter((word) => word !== "");
  return {
    pageNumber: 1,
    width: 612,
    height: 792,
    words: words.map((word, i) => ({ text: word, box: [i / words.length, 0, (i + 1) / words.length, 0.5] })),
  };
}
