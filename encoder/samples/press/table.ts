/**
 * Tables of the sample documents.
 *
 * @module
 */
import { COLOUR, type Press } from "./press.ts";

export interface Column {
  title: string;
  /** Share of the table's width; shares need not add up to 1. */
  share: number;
  align?: "left" | "right";
}

const ROW_PADDING = 5;
const TEXT_SIZE = 10.5;

/** Draws a table at the cursor, as wide as the text. A row whose first cell begins with "Total" stands out. */
export function drawTable(press: Press, columns: readonly Column[], rows: readonly (readonly string[])[]): void {
  const shares = columns.reduce((sum, column) => sum + column.share, 0);
  const widths = columns.map((column) => (press.width * column.share) / shares);
  drawRow(
    press,
    columns,
    widths,
    columns.map((column) => column.title),
    "head",
  );
  for (const row of rows) drawRow(press, columns, widths, row, row[0]?.startsWith("Total") === true ? "total" : "body");
  press.doc.x = press.left;
  press.space(12);
}

function drawRow(
  press: Press,
  columns: readonly Column[],
  widths: readonly number[],
  cells: readonly string[],
  kind: "head" | "body" | "total",
): void {
  const { doc } = press;
  doc.font(kind === "body" ? "sans" : "sans-bold").fontSize(TEXT_SIZE);
  const cellWidth = (i: number) => (widths[i] ?? 0) - 2 * ROW_PADDING;
  const heights = cells.map((cell, i) => doc.heightOfString(cell, { width: cellWidth(i) }));
  const height = Math.max(...heights) + 2 * ROW_PADDING;
  const top = doc.y;
  if (kind === "head") doc.rect(press.left, top, press.width, height).fill(COLOUR.navy);
  if (kind === "total") doc.rect(press.left, top, press.width, height).fill(COLOUR.wash);
  let x = press.left;
  for (const [i, cell] of cells.entries()) {
    doc.fillColor(kind === "head" ? "white" : COLOUR.ink);
    doc.text(cell, x + ROW_PADDING, top + ROW_PADDING, { width: cellWidth(i), align: columns[i]?.align ?? "left" });
    x += widths[i] ?? 0;
  }
  const bottom = top + height;
  doc
    .moveTo(press.left, bottom)
    .lineTo(press.left + press.width, bottom)
    .lineWidth(0.5)
    .stroke(COLOUR.rule);
  doc.y = bottom;
}
