import { describe, expect, it } from "vitest";
import type { Line } from "./lines.ts";
import { inReadingOrder } from "./reading-order.ts";

const PAGE_WIDTH = 600;
const LINE_HEIGHT = 14;

/** A line of text in row `row`, from `x0` to `x1` points. */
function line(text: string, row: number, x0: number, x1: number, angle = 0): Line {
  const baseline = 60 + row * LINE_HEIGHT;
  return { text, boxes: [], box: [x0, baseline - 10, x1, baseline + 3], angle, baseline, height: 12 };
}

const left = (row: number) => line(`L${row}`, row, 50, 285);
const right = (row: number) => line(`R${row}`, row, 315, 550);
const rows = Array.from({ length: 8 }, (_, row) => row);
const order = (lines: Line[]) => inReadingOrder(lines, PAGE_WIDTH).map(({ text }) => text);
const texts = (lines: Line[]) => lines.map(({ text }) => text);

describe("inReadingOrder", () => {
  it("leaves columns that are drawn one after the other", () => {
    const lines = [...rows.map(left), ...rows.map(right)];
    expect(order(lines)).toEqual(texts(lines));
  });

  it("reads columns that are drawn row by row one after the other", () => {
    const interleaved = rows.flatMap((row) => [left(row), right(row)]);
    expect(order(interleaved)).toEqual(texts([...rows.map(left), ...rows.map(right)]));
  });

  it("reads columns between headings that cross both", () => {
    const heading = (row: number) => line(`H${row}`, row, 50, 550);
    const upper = [0, 1, 2, 3, 4].map((row) => row + 1);
    const lower = [0, 1, 2, 3, 4].map((row) => row + 10);
    const drawn = [
      heading(0),
      ...upper.flatMap((row) => [left(row), right(row)]),
      heading(8),
      ...lower.flatMap((row) => [left(row), right(row)]),
    ];
    expect(order(drawn)).toEqual(
      texts([heading(0), ...upper.map(left), ...upper.map(right), heading(8), ...lower.map(left), ...lower.map(right)]),
    );
  });

  it("turns a page that is drawn from the bottom up", () => {
    const drawn = rows.toReversed().map((row) => line(`${row}`, row, 50, 550));
    expect(order(drawn)).toEqual(rows.map(String));
  });

  it("turns columns that are drawn from the bottom up", () => {
    const drawn = rows.toReversed().flatMap((row) => [left(row), right(row)]);
    expect(order(drawn)).toEqual(texts([...rows.map(left), ...rows.map(right)]));
  });

  it("reads a table row by row", () => {
    const cells = rows.flatMap((row) => [
      line(`name ${row}`, row, 50, 180),
      line(`2024: ${row}`, row, 330, 370),
      line(`2025: ${row}`, row, 500, 540),
    ]);
    expect(order(cells)).toEqual(texts(cells));
  });

  it("keeps text in the margin that runs upwards in its place", () => {
    const margin = line("sideways", 3, 10, 20, -Math.PI / 2);
    const drawn = [margin, ...rows.flatMap((row) => [left(row), right(row)])];
    expect(order(drawn)).toEqual(texts([margin, ...rows.map(left), ...rows.map(right)]));
  });

  it("loses and adds no line", () => {
    const drawn = rows.toReversed().flatMap((row) => [right(row), left(row)]);
    expect(order(drawn).toSorted()).toEqual(texts(drawn).toSorted());
  });
});
