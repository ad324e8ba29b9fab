/**
 * Pages drawn by characters, for the tests of what is told from layouts.
 *
 * @module
 */
import type { PageWord } from "../../../../encoder/models/model.ts";
import { type PageRow, pageRows } from "./page-rows.ts";

/** A character is half as wide as a line of size 1 is high; lines are 1.2 apart. */
const PAGE = { width: 60, height: 100 };
const CHARACTER_WIDTH = 0.5;
const LINE_STEP = 1.2;

/**
 * Words of lines, each where its text stands: three spaces are a gap between columns. `# ` before a line makes it 1.5 times as high,
 * `* ` bold.
 */
export function drawn(lines: readonly string[]): { words: PageWord[]; bold: Set<PageWord> } {
  const bold = new Set<PageWord>();
  const words = lines.flatMap((line, at) => {
    const size = line.startsWith("# ") ? 1.5 : 1;
    const bottom = (at + 1) * LINE_STEP * 1.5;
    return [...line.replace(/^[#*] /u, "").matchAll(/\S+/gu)].map(({ 0: text, index }) => {
      const left = index * CHARACTER_WIDTH;
      const right = left + text.length * CHARACTER_WIDTH;
      const word: PageWord = {
        text,
        box: [left / PAGE.width, (bottom - size) / PAGE.height, right / PAGE.width, bottom / PAGE.height],
      };
      if (line.startsWith("* ")) bold.add(word);
      return word;
    });
  });
  return { words, bold };
}

/** Rows of {@link drawn} lines. */
export function drawnRows(lines: readonly string[]): PageRow[] {
  const { words, bold } = drawn(lines);
  return pageRows({ words, ...PAGE, isBold: (word) => bold.has(word) });
}
