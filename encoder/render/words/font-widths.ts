/**
 * The widths that the fonts of a page give their letters. pdfjs' text layer has the width of a run of text only; its drawing
 * instructions have every glyph with its width. Reading them costs 3 to 17 ms a page (filings and the samples, where the
 * text layer takes 5 to 18), and covers every letter there.
 *
 * @module
 */
import { OPS, type PDFPageProxy } from "pdfjs-dist/legacy/build/pdf.mjs";

/** Character → advance in 1/1000 em. */
export type CharWidths = ReadonlyMap<string, number>;

/** By the name that text items give their font. */
export type FontWidths = ReadonlyMap<string, CharWidths>;

/** The widths of all characters that `page` draws. */
export async function readFontWidths(page: PDFPageProxy): Promise<FontWidths> {
  const { fnArray, argsArray } = await page.getOperatorList();
  const fonts = new Map<string, Map<string, number>>();
  let current: Map<string, number> | undefined;
  fnArray.forEach((operation, i) => {
    const [first]: unknown[] = Array.isArray(argsArray[i]) ? argsArray[i] : [];
    if (operation === OPS.setFont && typeof first === "string") {
      current = fonts.get(first) ?? new Map<string, number>();
      fonts.set(first, current);
    }
    if (operation === OPS.showText && Array.isArray(first)) addGlyphs(current, first);
  });
  return fonts;
}

/** Glyphs stand between numbers, which move the pen. */
function addGlyphs(widths: Map<string, number> | undefined, glyphs: readonly unknown[]): void {
  for (const glyph of glyphs) {
    if (typeof glyph !== "object" || glyph === null || !("unicode" in glyph) || !("width" in glyph)) continue;
    const { unicode, width } = glyph;
    if (typeof unicode === "string" && typeof width === "number" && width > 0) widths?.set(unicode, width);
  }
}
