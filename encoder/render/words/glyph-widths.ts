/**
 * How wide a text would be in an ordinary font. pdfjs tells the width of a run of text but not of its
 * letters; the words inside a run are placed by these proportions.
 *
 * @module
 */

/** Advance widths of " " to "~" in 1/1000 em. Source: Adobe Core 14 AFM, Helvetica. */
// oxfmt-ignore
const HELVETICA = [
  278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556, 556,
  556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833, 722, 778,
  667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556,
  556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];
/** The same of Times-Roman. */
// oxfmt-ignore
const TIMES = [
  250, 333, 408, 500, 500, 833, 778, 180, 333, 333, 500, 564, 250, 333, 250, 278, 500, 500, 500, 500, 500, 500, 500, 500,
  500, 500, 278, 278, 564, 564, 564, 444, 921, 722, 667, 667, 722, 611, 556, 722, 722, 333, 389, 722, 611, 889, 722, 722,
  556, 722, 667, 556, 611, 722, 722, 944, 722, 722, 611, 333, 278, 333, 469, 500, 333, 444, 500, 444, 500, 444, 333, 500,
  500, 278, 278, 500, 278, 778, 500, 500, 500, 500, 333, 389, 278, 500, 500, 722, 500, 500, 444, 480, 200, 480, 541,
];
const FIRST = 0x20;
const OTHER = 556;
const FULL = 1_000;

const FULL_WIDTH = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff00-\uff60]/u;
const COMBINING = /\p{Mark}/u;

/**
 * Where each code unit of `text` begins, as a fraction of the whole; one entry more than code units, from 0 to 1.
 *
 * @param family - what pdfjs takes the font for; in a `monospace` one every character is as wide as any other.
 */
export function charOffsets(text: string, family: string | undefined): Float64Array {
  const widths = family === "serif" ? TIMES : HELVETICA;
  const offsets = new Float64Array(text.length + 1);
  let unit = 0;
  let position = 0;
  for (const char of text) {
    // The second half of a surrogate pair begins where the pair ends: no word is ever cut there.
    position += family === "monospace" ? 1 : charWidth(char, widths);
    for (let i = 0; i < char.length; i++) offsets[++unit] = position;
  }
  if (position === 0) return offsets.map((_, i) => (text.length === 0 ? 0 : i / text.length));
  return offsets.map((offset) => offset / position);
}

function charWidth(char: string, widths: readonly number[]): number {
  const known = widths[char.charCodeAt(0) - FIRST];
  if (known !== undefined) return known;
  if (COMBINING.test(char)) return 0;
  return FULL_WIDTH.test(char) ? FULL : OTHER;
}
