import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { pageRows, wordsOf } from "./page-rows.ts";
import { drawnRows } from "./testing.ts";

describe("pageRows", () => {
  it("tells lines and the cells of a table's rows", () => {
    const rows = drawnRows([
      "Net sales rose in 2022.",
      "Net sales      34,229     35,355",
      "* Total        1          2",
    ]);
    expect(rows.map(({ cells }) => cells)).toEqual([
      [["Net", "sales", "rose", "in", "2022."]],
      [["Net", "sales"], ["34,229"], ["35,355"]],
      [["Total"], ["1"], ["2"]],
    ]);
    expect(rows.map(({ first, end, boldShare }) => [first, end, boldShare])).toEqual([
      [0, 5, 0],
      [5, 9, 0],
      [9, 12, 1],
    ]);
  });

  it("keeps a superscript in its row", () => {
    const words = [
      { text: "sales", box: [0.1, 0.1, 0.2, 0.12] },
      { text: "1", box: [0.2, 0.095, 0.21, 0.107] },
      { text: "next", box: [0.1, 0.125, 0.2, 0.145] },
    ] as const;
    const rows = pageRows({ words, width: 100, height: 100, isBold: () => false });
    expect(rows.map(wordsOf)).toEqual([["sales", "1"], ["next"]]);
  });

  it("has every word once, in order, wherever the words are", () => {
    const side = fc.double({ min: 0, max: 1, noNaN: true });
    const word = fc.record({
      text: fc.constantFrom("a", "bb", "ccc"),
      box: fc.tuple(side, side, side, side),
    });
    fc.assert(
      fc.property(fc.array(word, { maxLength: 40 }), (words) => {
        const rows = pageRows({ words, width: 10, height: 20, isBold: () => false });
        expect(rows.flatMap(wordsOf)).toEqual(words.map(({ text }) => text));
        let end = 0;
        for (const row of rows) {
          expect(row.first).toBe(end);
          expect(row.end).toBeGreaterThan(row.first);
          end = row.end;
        }
        expect(end).toBe(words.length);
      }),
      { seed: 1 },
    );
  });
});
