import { describe, expect, it } from "vitest";
import { headerAt, tablesOf } from "./table-headers.ts";
import { drawnRows } from "./testing.ts";

const LINES = [
  "The table below is in millions.",
  "Years ended December 31,",
  "(Millions)              2022        2021",
  "Operating activities",
  "Net sales          $    34,229   $  35,355",
  "Cost of sales           19,232      18,795",
  "Total operating",
  "expenses                (271)       —",
  "All of this is audited.",
];

describe("tablesOf", () => {
  it("finds the rows that name the columns, and where they are missed", () => {
    const rows = drawnRows(LINES);
    const [table, ...others] = tablesOf(rows);
    expect(others).toEqual([]);
    expect(table?.header.join(" ")).toBe("Years ended December 31, (Millions) 2022 2021");
    expect([table?.first, table?.end]).toEqual([rows[4]?.end, rows[7]?.end]);
  });

  it.each([
    ["too few figures", LINES.slice(0, 6)],
    ["no header", ["The table below.", ...LINES.slice(4)]],
    [
      "no figures but years",
      ["Name        Since        Until", ...Array.from({ length: 4 }, () => "He        1999        2003")],
    ],
    ["prose", ["The year 2022 was better than 2021", "by 5", "and by 6", "and by 7"]],
  ])("finds none where there are %s", (_, lines) => {
    expect(tablesOf(drawnRows(lines))).toEqual([]);
  });
});

describe("headerAt", () => {
  const tables = [{ first: 10, end: 20, header: ["2022"] }];

  it("is the header inside of a table only", () => {
    expect([9, 10, 19, 20].map((start) => headerAt(tables, start))).toEqual([[], ["2022"], ["2022"], []]);
  });
});
