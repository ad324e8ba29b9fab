import { describe, expect, it } from "vitest";
import { linesOfTsv } from "./tsv.ts";

/** As tesseract 5 writes it: page, block, paragraph, line, words. */
const TSV = [
  "1\t1\t0\t0\t0\t0\t0\t0\t200\t100\t-1\t",
  "2\t1\t1\t0\t0\t0\t10\t10\t180\t80\t-1\t",
  "3\t1\t1\t1\t0\t0\t10\t10\t180\t80\t-1\t",
  "4\t1\t1\t1\t1\t0\t10\t10\t180\t20\t-1\t",
  "5\t1\t1\t1\t1\t1\t10\t10\t40\t20\t96.5\tThe",
  "5\t1\t1\t1\t1\t2\t60\t10\t50\t20\t91\tlamp",
  "4\t1\t1\t1\t2\t0\t10\t40\t180\t20\t-1\t",
  "5\t1\t1\t1\t2\t1\t10\t40\t40\t20\t0\tburned",
  "5\t1\t1\t1\t2\t2\t60\t40\t40\t20\t95\t ",
  "5\t1\t2\t1\t1\t1\t10\t70\t40\t20\t150\tout.",
  "5\tbroken row",
  "",
].join("\n");

describe("linesOfTsv", () => {
  it("gives words by line, boxes as fractions and confidences within 0 and 1", () => {
    const lines = linesOfTsv(TSV, ([left, top, right, bottom]) => [left / 200, top / 100, right / 200, bottom / 100]);
    expect(lines.map((line) => line.map(({ text }) => text))).toEqual([["The", "lamp"], ["burned"], ["out."]]);
    expect(lines[0]?.[1]).toEqual({ text: "lamp", box: [0.3, 0.1, 0.55, 0.3], confidence: 0.91 });
    expect([lines[1]?.[0]?.confidence, lines[2]?.[0]?.confidence]).toEqual([0, 1]);
  });

  it("takes a page without words", () => {
    expect(linesOfTsv("1\t1\t0\t0\t0\t0\t0\t0\t200\t100\t-1\t\n", (box) => box)).toEqual([]);
  });
});
