/**
 * One text item of pdfjs, placed on the page as shown: every character with its box.
 *
 * @module
 */
import type { TextItem, TextStyle } from "pdfjs-dist/types/src/display/api.js";
import { type Box, type Matrix, multiply, parallelogramBox, toMatrix } from "./geometry.ts";
import type { CharWidths } from "./font-widths.ts";
import { charOffsets } from "./glyph-widths.ts";

/** Text drawn in one go: one font, one baseline. */
export interface TextRun {
  text: string;
  /** Per code unit of `text`, in points of the page as shown. */
  boxes: Box[];
  /** Angle of the reading direction, radians clockwise from "to the right". */
  angle: number;
  /** Where the run begins and ends along its reading direction, and its baseline's place across it, in points. */
  start: number;
  end: number;
  baseline: number;
  /** Font size as shown, points. */
  height: number;
  /** pdfjs saw the next text begin on another line. */
  endsLine: boolean;
}

/** Smaller text cannot be seen, at any zoom a reader would use. */
const MIN_HEIGHT = 0.05;
/** Fonts state nonsense now and then (0, or 3 em); these are what text fonts have. */
const ASCENT = { fallback: 0.8, min: 0.5, max: 1.1 };
const DESCENT = { fallback: -0.2, min: -0.4, max: -0.05 };
/** Advance per character, in em, of a font that states no widths (some Type 3 fonts). */
const UNKNOWN_ADVANCE = 0.5;

/**
 * Places a text item.
 *
 * @param viewport - user space → page as shown at scale 1 (crop box, rotation and user unit applied).
 * @param widths - of the item's font, as far as they are known.
 * @returns nothing when the item draws nothing: no characters, no size, or a broken matrix.
 */
export function placeItem(
  item: TextItem,
  style: TextStyle | undefined,
  viewport: Matrix,
  widths?: CharWidths,
): TextRun | undefined {
  const own = toMatrix(item.transform);
  if (own === undefined || item.str === "") return undefined;
  const [a, b, c, d, x, y] = multiply(viewport, own);
  const height = Math.hypot(c, d);
  const baseLength = Math.hypot(a, b);
  if (!(height > MIN_HEIGHT) || !(baseLength > 0)) return undefined;

  const vertical = style?.vertical === true;
  const stated = Math.abs(vertical ? item.height : item.width) * Math.hypot(viewport[0], viewport[1]);
  const length = stated > 0 ? stated : height * UNKNOWN_ADVANCE * item.str.length;
  // Along the line, and from the baseline to the top of the letters. Vertical writing runs down the page, with the
  // origin in the middle of the column.
  const along = vertical ? { x: -c / height, y: -d / height } : { x: a / baseLength, y: b / baseLength };
  const up = vertical ? { x: a / baseLength, y: b / baseLength } : { x: c / height, y: d / height };
  const above = vertical ? height / 2 : height * metric(style?.ascent, ASCENT);
  const below = vertical ? -height / 2 : height * metric(style?.descent, DESCENT);

  // Widths are horizontal ones, and a matrix may stretch letters along the line.
  const runWidth = stated > 0 && !vertical ? (1_000 * length) / baseLength : undefined;
  const offsets = charOffsets(item.str, { family: style?.fontFamily, widths: vertical ? undefined : widths, runWidth });
  const fromRight = item.dir === "rtl";
  const boxes: Box[] = [];
  for (let i = 0; i < item.str.length; i++) {
    const first = (offsets[i] ?? 0) * length;
    const last = (offsets[i + 1] ?? 1) * length;
    const begin = fromRight ? length - last : first;
    boxes.push(
      parallelogramBox(
        x + along.x * begin + up.x * below,
        y + along.y * begin + up.y * below,
        along.x * (last - first),
        along.y * (last - first),
        up.x * (above - below),
        up.y * (above - below),
      ),
    );
  }
  const start = x * along.x + y * along.y;
  return {
    text: item.str,
    boxes,
    angle: Math.atan2(along.y, along.x),
    start,
    end: start + length,
    baseline: y * along.x - x * along.y,
    height,
    endsLine: item.hasEOL,
  };
}

function metric(stated: number | undefined, bounds: { fallback: number; min: number; max: number }): number {
  if (stated === undefined || !Number.isFinite(stated) || stated === 0) return bounds.fallback;
  return Math.min(bounds.max, Math.max(bounds.min, stated));
}
