import { describe, expect, it } from "vitest";
import { byteSize, counted, duration, table } from "./format.ts";

describe("byteSize", () => {
  it.each([
    [0, "0 B"],
    [999, "999 B"],
    [1_000, "1.0 kB"],
    [1_550_000, "1.6 MB"],
    [2e15, "2000.0 TB"],
  ])("writes %d as %s", (bytes, text) => expect(byteSize(bytes)).toBe(text));
});

describe("duration", () => {
  it.each([
    [0, "0 s"],
    [59_400, "59 s"],
    [59_600, "1 min 0 s"],
    [200_000, "3 min 20 s"],
    [7_500_000, "2 h 5 min"],
  ])("writes %d ms as %s", (durationMs, text) => expect(duration(durationMs)).toBe(text));
});

describe("counted", () => {
  it("counts one and many", () => {
    expect([counted(1, "page"), counted(0, "page"), counted(1_234, "page")]).toEqual([
      "1 page",
      "0 pages",
      "1,234 pages",
    ]);
  });
});

describe("table", () => {
  it("aligns text left and numbers right", () => {
    const text = table(
      ["name", "pages"],
      [
        ["a", 1],
        ["longer", 1_000],
      ],
    );
    expect(text).toBe("name    pages\na           1\nlonger  1,000\n");
  });

  it("prints the header alone without rows", () => {
    expect(table(["name", "pages"], [])).toBe("name  pages\n");
  });
});
