/**
 * Where a PDF's pages have bold text. A text layer's words do not tell; the names of fonts do ("TimesNewRomanPS-BoldMT").
 *
 * @module
 */
import { readFile } from "node:fs/promises";
import { getDocument, type PDFPageProxy, VerbosityLevel } from "pdfjs-dist/legacy/build/pdf.mjs";
import { toMatrix, union } from "../../../../encoder/render/words/geometry.ts";
import { placeItem } from "../../../../encoder/render/words/text-run.ts";
import type { PageWord } from "../../../../encoder/models/model.ts";

/** Weights that stand out from the text around them, as PostScript names have them. */
const BOLD_NAME = /bold|black|heavy|demi/iu;

type Box = PageWord["box"];

/** Boxes of the bold runs of text of every page, as fractions of the page as shown. */
export async function readBoldBoxes(file: string): Promise<Box[][]> {
  const task = getDocument({ data: Uint8Array.from(await readFile(file)), verbosity: VerbosityLevel.ERRORS });
  const document = await task.promise;
  const pages: Box[][] = [];
  for (let pageNumber = 1; pageNumber <= document.numPages; pageNumber++) {
    const page = await document.getPage(pageNumber);
    pages.push(await boldBoxesOf(page));
    page.cleanup();
  }
  await task.destroy();
  return pages;
}

/** Whether the middle of a word's box is in one of `boxes`. */
export function isInside({ box }: PageWord, boxes: readonly Box[]): boolean {
  const [x, y] = [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
  return boxes.some(([left, top, right, bottom]) => left <= x && x <= right && top <= y && y <= bottom);
}

async function boldBoxesOf(page: PDFPageProxy): Promise<Box[]> {
  const { width, height, transform } = page.getViewport({ scale: 1 });
  const viewport = toMatrix(transform);
  if (viewport === undefined) return [];
  const { items, styles } = await page.getTextContent();
  // Fonts have their names once the page's drawing instructions were read.
  await page.getOperatorList();
  return items.flatMap((item): Box[] => {
    if (!("str" in item) || item.str.trim() === "" || !isBold(page, item.fontName)) return [];
    const run = placeItem(item, styles[item.fontName], viewport);
    const [first, ...rest] = run?.boxes ?? [];
    if (first === undefined) return [];
    const box = rest.reduce(union, first);
    return [[box[0] / width, box[1] / height, box[2] / width, box[3] / height]];
  });
}

function isBold(page: PDFPageProxy, fontName: string): boolean {
  if (!page.commonObjs.has(fontName)) return false;
  const font: unknown = page.commonObjs.get(fontName);
  return typeof font === "object" && font !== null && "name" in font && BOLD_NAME.test(String(font.name));
}
