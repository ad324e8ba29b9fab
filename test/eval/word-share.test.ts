import { describe, expect, it } from "vitest";
import { shareOfWords } from "./word-share.ts";

describe("shareOfWords", () => {
  it("counts each word as often as it stands there", () => {
    expect(shareOfWords("the cat, the dog", "The dog!")).toBe(0.5);
    expect(shareOfWords("the cat", "the the the")).toBe(0.5);
    expect(shareOfWords("dog the", "the dog")).toBe(1);
  });

  it("ignores single characters and what is neither letter nor digit", () => {
    expect(shareOfWords("a 12 %", "12")).toBe(1);
    expect(shareOfWords("don't", "don t")).toBe(1);
    expect(shareOfWords("", "anything")).toBe(1);
  });
});
