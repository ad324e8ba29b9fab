/**
 * Where the characters of a run of text are. pdfjs tells the width of the run; the words inside it are placed by the widths
 * of its font, or of an ordinary one where the font's are not known.
 *
 * @module
 */
import type { CharWidths } from "./font-widths.ts";

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
/** Of Courier. */
const MONOSPACE = 600;

const FULL_WIDTH = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\u3000-\u303f\uff00-\uff60]/u;
const COMBINING = /\p{Mark}/u;

/** What a space can be, in 1/1000 em: less is a space that was drawn and drawn over, more is a gap between columns. */
const SPACE = { min: 50, max: 2_000 };

/** How a run is written. */
export interface RunStyle {
  /** What pdfjs takes the font for; in a `monospace` one every character is as wide as any other. */
  family?: string | undefined;
  /** Of its font. */
  widths?: CharWidths | undefined;
  /** Of the whole run, in 1/1000 em; undefined when the font states none. */
  runWidth?: number | undefined;
}

/**
 * Where each code unit of `text` begins, as a fraction of the whole; one entry more than code units, from 0 to 1.
 *
 * Letters are as wide as the font has them, and spaces take what is left: justified text stretches its spaces, and many
 * spaces are none at all in the file but moves of the pen. Where that leaves spaces no sensible width, as in
 * letter-spaced text, everything is stretched alike.
 */
export function charOffsets(text: string, style: RunStyle): Float64Array {
  const spaceWidth = leftForSpaces(text, style);
  const offsets = new Float64Array(text.length + 1);
  let unit = 0;
  let position = 0;
  for (const char of text) {
    // The second half of a surrogate pair begins where the pair ends: no word is ever cut there.
    position += char === " " && spaceWidth !== undefined ? spaceWidth : charWidth(char, style);
    for (let i = 0; i < char.length; i++) offsets[++unit] = position;
  }
  if (position === 0) return offsets.map((_, i) => (text.length === 0 ? 0 : i / text.length));
  return offsets.map((offset) => offset / position);
}

/** The width of one space when the letters have theirs, 1/1000 em; undefined without spaces or when it makes no sense. */
function leftForSpaces(text: string, style: RunStyle): number | undefined {
  if (style.runWidth === undefined || style.widths === undefined) return undefined;
  let left = style.runWidth;
  let spaces = 0;
  for (const char of text) {
    if (char === " ") spaces++;
    else left -= charWidth(char, style);
  }
  const width = left / spaces;
  return width >= SPACE.min && width <= SPACE.max ? width : undefined;
}

function charWidth(char: string, { family, widths }: RunStyle): number {
  const own = widths?.get(char);
  if (own !== undefined) return own;
  if (family === "monospace") return MONOSPACE;
  const known = (family === "serif" ? TIMES : HELVETICA)[char.charCodeAt(0) - FIRST];
  if (known !== undefined) return known;
  if (COMBINING.test(char)) return 0;
  return FULL_WIDTH.test(char) ? FULL : OTHER;
}
