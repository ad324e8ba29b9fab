/**
 * The text layer of a PDF page as words in reading order, each with its box. Text drawn invisibly counts: it is how
 * scanners store what they recognised.
 *
 * @module
 */
import type { TextContent, TextItem } from "pdfjs-dist/types/src/display/api.js";
import type { PageWord } from "../../models/model.ts";
import { type Box, type Matrix, area } from "./geometry.ts";
import type { FontWidths } from "./font-widths.ts";
import { joinHyphenated } from "./hyphenation.ts";
import { joinRuns } from "./lines.ts";
import { withoutOverprints } from "./overprints.ts";
import { inReadingOrder } from "./reading-order.ts";
import { placeItem } from "./text-run.ts";
import { wordsOf } from "./words.ts";

/**
 * The words of a page.
 *
 * @param content - what pdfjs' `getTextContent` gives.
 * @param viewport - user space → page as shown at scale 1.
 * @param size - width and height of the page as shown, in the viewport's units.
 * @param fonts - widths of its letters, as far as they are known.
 */
export function pageWords(
  content: Pick<TextContent, "items" | "styles">,
  viewport: Matrix,
  size: { width: number; height: number },
  fonts: FontWidths = new Map(),
): PageWord[] {
  const items = content.items.filter((item): item is TextItem => "str" in item);
  const runs = items.flatMap(
    (item) => placeItem(item, content.styles[item.fontName], viewport, fonts.get(item.fontName)) ?? [],
  );
  const lines = inReadingOrder(joinRuns(runs), size.width);
  const words = withoutOverprints(joinHyphenated(lines.map(wordsOf)));
  return words.flatMap((word) => {
    const box = onPage(word.box, size);
    return box === undefined ? [] : [{ text: word.text, box }];
  });
}

/** `box` as fractions of the page, cut at its edges; nothing when less than half of it is on the page as shown. */
function onPage(box: Box, { width, height }: { width: number; height: number }): PageWord["box"] | undefined {
  const whole: Box = [box[0] / width, box[1] / height, box[2] / width, box[3] / height];
  const cut: Box = [clamp(whole[0]), clamp(whole[1]), clamp(whole[2]), clamp(whole[3])];
  return area(whole) > 0 && area(cut) < area(whole) / 2 ? undefined : cut;
}

function clamp(fraction: number): number {
  return Math.min(1, Math.max(0, fraction));
}
