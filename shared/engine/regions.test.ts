import { describe, expect, it } from "vitest";
import { NO_REGION, type PageGeometry } from "../page.ts";
import { boxOf, regionCount, regionOf, wordsOf } from "./regions.ts";

const grid: PageGeometry = {
  kind: "grid",
  boxes: new Uint16Array(0),
  columns: 4,
  rows: 2,
  regionOfVector: Uint16Array.of(5, NO_REGION),
};
const words: PageGeometry = {
  kind: "words",
  boxes: Uint16Array.of(0, 0, 65_535, 32_768, 0, 32_768, 65_535, 65_535),
  columns: 0,
  rows: 0,
  regionOfVector: Uint16Array.of(1),
};

describe("regions", () => {
  it("of a grid are its cells, row by row", () => {
    expect(regionCount(grid)).toBe(8);
    expect(boxOf(grid, 5)).toEqual([0.25, 0.5, 0.5, 1]);
    expect(wordsOf(grid, "some text")).toEqual([]);
  });

  it("of words are their boxes, as fractions of the page", () => {
    expect(regionCount(words)).toBe(2);
    expect(boxOf(words, 0)).toEqual([0, 0, 1, 0.5]);
    expect(wordsOf(words, "two words")).toEqual(["two", "words"]);
    expect(wordsOf(words, "")).toEqual([]);
  });

  it("are none for vectors that sit nowhere", () => {
    expect(regionOf(grid, 0)).toBe(5);
    expect(regionOf(grid, 1)).toBeUndefined();
    expect(regionOf(grid, 2)).toBeUndefined();
  });
});
