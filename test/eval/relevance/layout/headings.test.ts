import { describe, expect, it } from "vitest";
import { headingsOf, titleAt } from "./headings.ts";
import { drawnRows } from "./testing.ts";

const PROSE = [
  "The company sells what it makes to people who need it, in",
  "every country that lets it, and has done so for a long time,",
  "as the table on the page after this one shows in some detail.",
];
const document = (...pages: string[][]) => pages.map(drawnRows);
const textsOf = (...pages: string[][]) => headingsOf(document(...pages)).map(({ text }) => text.join(" "));

describe("headingsOf", () => {
  it("finds what is larger, bold, or written as filings write it", () => {
    expect(
      textsOf([...PROSE, "# Liquidity", ...PROSE, "* Cash flows", ...PROSE, "Item 7A. Market risk", ...PROSE]),
    ).toEqual(["Liquidity", "Cash flows", "Item 7A. Market risk"]);
  });

  it("joins the lines of a heading", () => {
    expect(textsOf(["# Consolidated", "# Statement of Income", ...PROSE])).toEqual([
      "Consolidated Statement of Income",
    ]);
  });

  it.each([
    ["a row of a table", "* Total assets      46,455     47,072"],
    ["an entry of a table of contents", "Item 7A. Market risk        52"],
    ["a date", "* December 31, 2022"],
    ["a unit", "* (Millions)"],
    ["the rest of a sentence", "* and so on"],
    ["a sentence that is larger", "# It is what it is."],
    ["a number", "# 52"],
  ])("is not taken in by %s", (_, line) => {
    expect(textsOf([...PROSE, line, ...PROSE])).toEqual([]);
  });

  it("leaves out running heads, labels that stand again and again, and pages that are all bold", () => {
    const page = ["* Annual report", ...PROSE, ...PROSE];
    expect(textsOf(page, page, page, page, page)).toEqual([]);
    expect(textsOf([...PROSE, "* Approved", "x", "* Approved", "x", "* Approved", ...PROSE])).toEqual([]);
    expect(textsOf(PROSE.map((line) => `* ${line}`).concat("* Cash flows", PROSE[0] ?? ""))).toEqual([]);
  });
});

describe("titleAt", () => {
  const pages = document(
    ["Item 8. Statements", ...PROSE, "* Debt", ...PROSE, ...PROSE],
    [...PROSE, ...PROSE, ...PROSE],
    ["* Statement of cash flows", ...PROSE, ...PROSE, "* Investing", ...PROSE, ...PROSE],
    ["Item 9. Controls", ...PROSE, ...PROSE],
  );
  const headings = headingsOf(pages);
  const at = (page: number, start: number) => {
    const { section, page: ofPage, last } = titleAt(headings, page, start);
    return [section.join(" "), ofPage.join(" "), last.join(" ")];
  };

  it("carries section and heading over to later pages", () => {
    expect(at(1, 0)).toEqual(["Item 8. Statements", "", "Debt"]);
  });

  it("leaves out what the words from there on show", () => {
    expect(at(0, 0)).toEqual(["", "", ""]);
    expect(at(2, 0)).toEqual(["Item 8. Statements", "", ""]);
    expect(at(3, 0)).toEqual(["", "", ""]);
  });

  it("keeps the page's title beside the last heading", () => {
    expect(at(2, 90)).toEqual(["Item 8. Statements", "Statement of cash flows", "Investing"]);
  });

  it("begins anew with a section", () => {
    expect(at(3, 40)).toEqual(["Item 9. Controls", "", ""]);
  });
});
