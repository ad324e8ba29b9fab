import { describe, expect, it } from "vitest";
import { neighbour, scoreMeaning } from "./results.ts";

describe("neighbour", () => {
  it("moves by one sideways and by a row up and down", () => {
    expect(neighbour(2, "ArrowRight", 2, 6)).toBe(3);
    expect(neighbour(2, "ArrowLeft", 2, 6)).toBe(1);
    expect(neighbour(2, "ArrowDown", 2, 6)).toBe(4);
    expect(neighbour(2, "ArrowUp", 2, 6)).toBe(0);
  });

  it("leaves the list above its first row", () => {
    expect(neighbour(1, "ArrowUp", 2, 6)).toBe("above");
    expect(neighbour(0, "ArrowUp", 1, 6)).toBe("above");
  });

  it("ends on the last card", () => {
    expect(neighbour(3, "ArrowDown", 2, 5)).toBe(4);
    expect(neighbour(4, "ArrowRight", 2, 5)).toBeUndefined();
    expect(neighbour(0, "ArrowLeft", 2, 5)).toBeUndefined();
  });

  it("jumps to both ends and ignores other keys", () => {
    expect(neighbour(3, "Home", 2, 5)).toBe(0);
    expect(neighbour(1, "End", 2, 5)).toBe(4);
    expect(neighbour(1, "a", 2, 5)).toBeUndefined();
  });
});

describe("scoreMeaning", () => {
  it("says what was taken off for a page's length", () => {
    expect(scoreMeaning({ lengthPenalty: 1.25 }, "late")).toMatch(
      /best match here, less 1\.250 for the page's length$/,
    );
    expect(scoreMeaning({}, "late")).toMatch(/best match here$/);
  });

  it("names both parts of a hybrid score", () => {
    const hit = { scores: { vectors: -0.5, words: 12 }, lengthPenalty: 3 };
    expect(scoreMeaning(hit, "hybrid")).toBe("vectors -0.500 and words 12.000 together");
  });
});
