/**
 * Tesseract's table of what it recognised: a row per word, among rows for pages, blocks, paragraphs and lines.
 *
 * @module
 */
import type { Box } from "../render/words/geometry.ts";
import type { RecognisedWord } from "./protocol.ts";

/** `level` of a word's row. */
const WORD_LEVEL = "5";
/** level, page, block, paragraph, line, word, left, top, width, height, confidence (0 to 100), text. */
const COLUMNS = 12;

/**
 * Words line by line, in the order of the table, which is reading order.
 *
 * @param toPage pixels of the picture read → fractions of the page.
 */
export function linesOfTsv(tsv: string, toPage: (box: Box) => Box): RecognisedWord[][] {
  const lines: RecognisedWord[][] = [];
  let current = "";
  for (const row of tsv.split("\n")) {
    const cells = row.split("\t");
    if (cells.length !== COLUMNS || cells[0] !== WORD_LEVEL) continue;
    const [left = 0, top = 0, width = 0, height = 0, confidence = 0] = cells.slice(6, 11).map(Number);
    const text = cells[11]?.trim() ?? "";
    if (text === "") continue;
    const line = cells.slice(1, 5).join("-");
    if (line !== current) lines.push([]);
    current = line;
    const box = toPage([left, top, left + width, top + height]);
    lines.at(-1)?.push({ text, box, confidence: Math.min(1, Math.max(0, confidence / 100)) });
  }
  return lines;
}
